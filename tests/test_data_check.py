"""`data check` finds what is wrong with a set before a training."""

import os

import numpy as np
import pytest
from helpers.photos import encoded, photo, two_classes
from PIL import Image

from keras_inception import cli
from keras_inception.images import MAX_PIXELS
from keras_inception.training import data
from keras_inception.training.data.report import check


@pytest.fixture
def folder(tmp_path):
    return two_classes(tmp_path / "set")


def found(kinds, name):
    """The kinds under which a file is listed."""
    return {kind for kind, cases in kinds.items() if any(name in case for case in cases)}


def test_a_sound_set_is_clean(folder, capsys):
    assert cli.main(["data", "check", f"folder:{folder}"]) == 0
    printed = capsys.readouterr().out
    assert "8 images" in printed and "nothing must be put right" in printed


def test_files_that_cannot_be_used_must_be_put_right(folder, capsys):
    side = int(MAX_PIXELS**0.5) + 1
    whole = encoded(photo(size=(90, 90)))
    cats = folder / "cats"
    (cats / "short.png").write_bytes(whole[: len(whole) // 2])
    (cats / "short.jpg").write_bytes(encoded(photo(size=(90, 90)), "JPEG")[:-900])
    (cats / "middle.png").write_bytes(whole[:9000] + bytes([whole[9000] ^ 1]) + whole[9001:])
    (cats / "nothing.jpg").write_bytes(b"")
    (cats / "letter.jpg").write_bytes(b"Dear cat")
    (cats / "bomb.png").write_bytes(encoded(Image.new("1", (side, side))))
    (cats / "superbomb.png").write_bytes(encoded(Image.new("1", (3 * side, side))))
    (folder / "birds").mkdir()
    report = check(data.DataRef(f"folder:{folder}"))
    for name in ("short.png", "short.jpg", "middle.png"):
        assert found(report.wrong, name) == {"truncated or damaged"}
    assert found(report.wrong, "nothing.jpg") == {"zero bytes"}
    assert found(report.wrong, "letter.jpg") == {"not an image"}
    assert found(report.wrong, "bomb.png") == {"huge"} == found(report.wrong, "superbomb.png")
    assert report.wrong["classes with too few readable images"] == ["birds: 0"]
    assert cli.main(["data", "check", f"folder:{folder}"]) == 2
    printed = capsys.readouterr().out
    assert (
        "to be put right: truncated or damaged: 3" in printed and str(cats / "short.jpg") in printed
    )


def test_what_is_converted_is_a_notice(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [photo(k, (8, 8)) for k in (1, 2)]
    files = {
        "png.jpg": (encoded(photo(30)), "PNG with another extension"),
        "two.png": (
            encoded(frames[0], save_all=True, append_images=frames[1:]),
            "animated: the first picture counts",
        ),
        "bit.png": (encoded(Image.new("1", (9, 9))), "1-bit"),
        "deep.png": (
            encoded(Image.fromarray(600 * np.arange(99, dtype=np.uint16).reshape(9, 11))),
            "16-bit: the high byte counts",
        ),
        "ink.jpg": (encoded(photo(31).convert("CMYK"), "JPEG"), "CMYK"),
        "glass.png": (encoded(photo(32).convert("RGBA")), "transparent: falls on white"),
        "lying.jpg": (encoded(photo(33), "JPEG", exif=exif), "turned by EXIF"),
        "grey.png": (encoded(photo(34, mode="L")), "grey"),
        "кот.png": (encoded(photo(35)), "names in other scripts"),
    }
    for name, (content, _) in files.items():
        (folder / "cats" / name).write_bytes(content)
    (folder / "cats" / "again").symlink_to(folder / "cats")
    report = check(data.DataRef(f"folder:{folder}"))
    assert not report.wrong
    for name, (_, kind) in files.items():
        assert found(report.notices, f"cats/{name}") - {"duplicates"} == {kind}
    assert found(report.notices, "symlink loop") == {"not followed"}
    assert any("skewed" in kind for kind in report.notices)


def test_names_that_are_no_text_can_be_printed(folder, capsys, caplog):
    (folder / "cats" / os.fsdecode(b"\xff.png")).write_bytes(b"")
    assert cli.main(["data", "check", f"folder:{folder}"]) == 2
    assert "\\udcff.png" in capsys.readouterr().out
    caplog.set_level("CRITICAL", logger="keras_inception")  # pytest-xdist passes on text only
    assert len(data.DataRef(f"folder:{folder}").split().train) == 4


def test_duplicates_are_told_by_where_they_are(folder, tmp_path):
    rows = ["path,label,split"]
    for k, (label, part) in enumerate([("cats", "train"), ("dogs", "train"), ("cats", "val")]):
        for i in range(4):
            name = f"{k}{i}.png"
            (tmp_path / name).write_bytes(encoded(photo(50 + 10 * k + i)))
            rows.append(f"{name},{label},{part}")
    for name, of in (("inside.png", "00.png"), ("across.png", "21.png"), ("torn.png", "13.png")):
        (tmp_path / name).write_bytes((tmp_path / of).read_bytes())
        rows.append(f"{name},cats,train")
    (tmp_path / "set.csv").write_text("\n".join(rows))
    report = check(data.DataRef(f"csv:{tmp_path / 'set.csv'}"))
    assert found(report.notices, "inside.png") == {"duplicates"}
    assert found(report.notices, "across.png") == {"in several parts: the last one keeps it"}
    assert found(report.wrong, "torn.png") == {"the same image in several classes"}
    (tmp_path / "set.csv").write_text("path,label\n00.png,0\n01.png,1\n02.png,44\n03.png,-1\n")
    report = check(data.DataRef(f"csv:{tmp_path / 'set.csv'}"))
    assert [case.split(":")[0].split()[1] for case in report.wrong["the listing"]] == ["4", "5"]


def test_arrays_are_checked_too(capsys):
    assert cli.main(["data", "check", "digits"]) == 0
    assert "classes: 10 classes of 174 (8) to 183 (3) images" in capsys.readouterr().out
