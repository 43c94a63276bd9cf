"""The one door for photographs: what comes in is a sound image, or is refused with the reason."""

import io
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from zlib import crc32

import numpy as np
import pytest
from helpers import tflite_files
from helpers.photos import encoded, photo, two_classes
from PIL import Image

from fuzz import mutations
from keras_inception import cli, images
from keras_inception.errors import BadInput
from keras_inception.evaluation.classifier import open_file
from keras_inception.images import MAX_PIXELS, Unreadable, decode, read
from keras_inception.preprocess import Preprocessing
from keras_inception.training import data
from keras_inception.training.data.packing import pack
from keras_inception.training.data.report import check

PILLOWS = [name for name in images.FORMATS if name != "HEIF"]
#: A photograph whose end was lost.
CUT = encoded(photo(1, (90, 90)), "JPEG")[:700]


def png_of(width, height):
    """The beginning of a PNG that says that it has so many pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rest = b"IDAT" + bytes(40)
    chunks = (
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", crc32(c)) for c in (header, rest)
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@contextmanager
def watched(fifo):
    """Whoever waits for the FIFO's other end is let go after ten seconds, and has read nothing."""

    def let_go():
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))

    timer = threading.Timer(10, let_go)
    timer.start()
    began = time.monotonic()
    yield
    timer.cancel()
    assert time.monotonic() - began < 5


@pytest.fixture
def folder(tmp_path):
    return two_classes(tmp_path / "set")


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tflite_files.labelled("uint8", "tiny"))
    return path


# --- files that are none


def test_what_is_no_file_is_named_and_left_out(folder):
    """In a process that is killed if it waits, and that has no memory for a device without end."""
    cats = folder / "cats"
    os.mkfifo(cats / "pipe.jpg")
    (cats / "zero.png").symlink_to("/dev/zero")
    (cats / "gone.png").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(cats / "socket.jpg"))
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "from keras_inception import cli, images\n"
        "from keras_inception.training import data\n"
        "print(len(data.DataRef(sys.argv[1]).split().train))\n"
        "sys.exit(cli.main(['data', 'check', sys.argv[1]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"folder:{folder}"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stdout.startswith("4\n")
    assert "to be put right: not a file: 3" in done.stdout
    assert f"{cats / 'gone.png'}: No such file or directory" in done.stdout
    for name in ("pipe.jpg", "zero.png", "socket.jpg"):
        assert f"{cats / name}: not a regular file" in done.stdout


def test_a_file_that_becomes_a_fifo_while_it_is_opened_is_not_waited_for(tmp_path, monkeypatch):
    pipe, file = tmp_path / "pipe.jpg", tmp_path / "file.jpg"
    os.mkfifo(pipe)
    file.write_bytes(b"x")
    before = os.stat(file)
    monkeypatch.setattr(os, "stat", lambda path: before)
    with watched(pipe), pytest.raises(Unreadable, match="not a regular file"):
        read(pipe)


def test_files_larger_than_any_image_are_refused_unread(tmp_path):
    with open(tmp_path / "large.jpg", "wb") as file:
        file.truncate(images.MAX_BYTES + 1)
    with pytest.raises(Unreadable, match="320,000,001 bytes, more than 320,000,000"):
        read(tmp_path / "large.jpg")


# --- formats


def test_formats_are_told_by_content_whatever_the_ending(tmp_path):
    whole = photo(3, (32, 24))
    for number, format in enumerate(PILLOWS):
        for name in ("a", "b"):
            (tmp_path / name).mkdir(exist_ok=True)
            ending = images.FORMATS[PILLOWS[number - (name == "b")]][0]
            content = encoded(photo(number + 20 * (name == "b"), (32, 24)), format)
            (tmp_path / name / f"{number}{ending}").write_bytes(content)
        near = np.asarray(decode(encoded(whole, format), "RGB"), int)
        assert near.shape == (24, 32, 3)
    report = check(data.DataRef(f"folder:{tmp_path}"))
    assert not report.wrong
    assert report.sizes[""] == {"a": len(PILLOWS), "b": len(PILLOWS)}
    wrong = [kind for kind in report.notices if kind.endswith("with another extension")]
    assert len(wrong) == len(PILLOWS)
    pack(data.DataRef(f"folder:{tmp_path}"), tmp_path.parent / "pack")
    packed = data.DataRef(f"tfrecord:{tmp_path.parent / 'pack'}").split()
    parts = packed.train, packed.validation, packed.test
    assert sum(map(len, parts)) == 2 * len(PILLOWS)
    shards = b"".join(p.read_bytes() for p in (tmp_path.parent / "pack").glob("*.tfrecord"))
    assert all(format.lower().encode() in shards for format in PILLOWS)


@pytest.mark.parametrize("format", ["PPM", "ICO", "TGA", "PCX"])
def test_formats_outside_the_list_are_refused(format):
    with pytest.raises(Unreadable, match="not an image"):
        decode(encoded(photo(), format), "RGB")


def test_of_several_pictures_the_first_counts():
    first, second = photo(1).quantize(16), photo(2).quantize(16)
    several = encoded(first, "GIF", save_all=True, append_images=[second])
    assert np.array_equal(decode(several, "RGB"), decode(encoded(first, "GIF"), "RGB"))


def test_heic_names_the_package_that_reads_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    content = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(90)
    with pytest.raises(Unreadable, match=r"HEIC.*pip install pillow-heif"):
        decode(content, "RGB")


def test_heic_is_read_where_its_package_is():
    library = pytest.importorskip("pillow_heif", reason="needs pillow-heif")
    file = io.BytesIO()
    library.from_pillow(Image.new("RGB", (64, 48), "red")).save(file)
    image = decode(file.getvalue(), "RGB")
    assert image.size == (64, 48) and image.getpixel((9, 9))[0] > 200


# --- damage


@pytest.mark.parametrize("format", PILLOWS)
def test_damage_is_a_reason_or_an_image_within_bounds(format):
    draw, refused = Random(format), 0
    whole = [encoded(photo(4, (31, 24), mode), format) for mode in ("RGB", "L")]
    for number in range(40):
        try:
            image = decode(mutations.of_bytes(whole[number % 2], draw), "RGB")
            assert image.mode == "RGB" and image.width * image.height <= MAX_PIXELS
        except Unreadable as error:
            refused += 1
            assert str(error).isprintable() and error.kind
    assert refused


def test_every_error_of_a_decoder_is_a_reason(monkeypatch, tmp_path):
    (tmp_path / "x.png").write_bytes(encoded(photo()))
    for error in (RuntimeError("\x1b[2J"), SyntaxError(), MemoryError(), KeyError("k"), EOFError()):

        def fail(self, error=error):
            raise error

        monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
        with pytest.raises(Unreadable) as caught:
            images.photograph(tmp_path / "x.png", "RGB")
        assert str(caught.value).startswith(f"{tmp_path / 'x.png'} cannot be read: ")
        assert str(caught.value).isprintable()


def test_data_check_reports_a_damaged_avif_called_jpg(folder):
    whole = encoded(photo(5, (64, 64)), "AVIF")
    for size in range(40, len(whole), 97):
        (folder / "cats" / f"{size}.jpg").write_bytes(whole[:size])
    report = check(data.DataRef(f"folder:{folder}"))
    named = [case for cases in report.wrong.values() for case in cases]
    assert all(any(f"/{size}.jpg: " in case for case in named) for size in range(40, 400, 97))


@pytest.mark.parametrize(
    ("sides", "why"),
    [
        ((2**31 - 1, 2**31 - 1), "pixels"),
        ((2**31, 2**31), "."),
        ((1, 70_000_000), "more than 1000 times"),
        ((10_000, 9_000), "10000x9000 pixels, more than 80,000,000"),
    ],
)
def test_images_that_unfold_to_more_than_the_memory_are_sentences(
    sides, why, model, capsys, tmp_path
):
    (tmp_path / "x.png").write_bytes(png_of(*sides))
    with pytest.raises(Unreadable, match=why):
        images.photograph(tmp_path / "x.png", "RGB")
    assert cli.main(["predict", str(tmp_path / "x.png"), "--weights", str(model)]) == 2
    assert "Warning" not in capsys.readouterr().err


# --- memory


def test_threads_together_decode_no_more_pixels_than_the_budget(monkeypatch):
    small, large = encoded(photo(1, (20, 20))), encoded(photo(2, (60, 30)))
    monkeypatch.setattr(images, "_DECODING", images._Budget(2000))
    lock, now, most = threading.Lock(), 0, 0
    inner = images._upright

    def counted(image, mode):
        nonlocal now, most
        pixels = image.width * image.height
        with lock:
            now += pixels
            most = max(most, now)
        time.sleep(0.001)
        try:
            return inner(image, mode)
        finally:
            with lock:
                now -= pixels

    monkeypatch.setattr(images, "_upright", counted)
    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda k: decode(large if k % 5 == 0 else small, "RGB"), range(100)))
    assert len(done) == 100 and 800 <= most <= 2000
    assert images._DECODING.free == 2000
    with pytest.raises(Unreadable):
        decode(CUT, "RGB")
    assert images._DECODING.free == 2000


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_falls_on_white_alike_in_every_strip(mode, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (37, 50, len(mode)), np.uint8)
    content = encoded(Image.fromarray(pixels, mode))
    whole = decode(content, "RGB")
    monkeypatch.setattr(images, "_STRIP", 333)
    assert np.array_equal(decode(content, "RGB"), whole)
    rgba = Image.fromarray(pixels, mode).convert("RGBA")
    white = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    assert np.array_equal(whole, white)


# --- folders and names


def test_folders_are_followed_so_deep_and_no_deeper(folder, caplog):
    deep = folder / "cats"
    for level in range(1, 150):
        deep = deep / "d"
        deep.mkdir()
        if level in (images.MAX_DEPTH - 1, images.MAX_DEPTH):
            (deep / "x.png").write_bytes(encoded(photo(level)))
    report = check(data.DataRef(f"folder:{folder}"))
    assert report.sizes[""]["cats"] == 5
    assert [case for case in report.notices["not followed"] if "more than 100 folders deep" in case]
    assert len(images.photographs(folder / "cats")) == 5
    assert "more than 100 folders deep" in caplog.text


def test_folders_that_cannot_be_looked_into_are_named(folder, monkeypatch):
    (folder / "cats" / "closed").mkdir()
    inner = os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return inner(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = check(data.DataRef(f"folder:{folder}"))
    assert report.notices["not followed"] == [f"{folder / 'cats' / 'closed'}: Permission denied"]


@pytest.mark.parametrize("name", [b"\xff\xfec", b"a\nb", b"\x1b]0;own\x07", b" "])
def test_class_names_that_are_no_labels_are_refused_before_any_work(name, folder, tmp_path, capsys):
    os.rename(folder / "cats", os.fsencode(folder) + b"/" + name)
    source = f"folder:{folder}"
    assert cli.main(["data", "check", source]) == 2
    printed = capsys.readouterr().out
    assert "the listing: 1" in printed and "rename it" in printed and "\x1b" not in printed
    with pytest.raises(BadInput, match=r"the name of the class .* rename it"):
        pack(data.DataRef(source), tmp_path / "pack")
    assert cli.main(["train", "--data", source, "--run", str(tmp_path / "run")]) == 2
    assert not (tmp_path / "pack").exists() and not (tmp_path / "run").exists()


def test_file_names_of_any_bytes_are_carried_through(folder, model, tmp_path, capsys):
    names = [b"\xff\xfe.png", b"a\nb.png", b"\x1b[2J.png", b"n" * 251 + b".png"]
    for number, name in enumerate(names):
        path = os.path.join(os.fsencode(folder / "cats"), name)
        with open(path, "wb") as file:
            file.write(encoded(photo(90 + number)))
    assert cli.main(["data", "check", f"folder:{folder}"]) == 0
    pack(data.DataRef(f"folder:{folder}"), tmp_path / "pack")
    split = data.DataRef(f"tfrecord:{tmp_path / 'pack'}").split()
    parts = split.train, split.validation, split.test
    packed = "".join(part.name(i) for part in parts for i in range(len(part)))
    assert all(name.decode(errors="replace") in packed for name in names)
    paths = [os.fsdecode(os.path.join(os.fsencode(folder / "cats"), name)) for name in names]
    capsys.readouterr()
    assert cli.main(["predict", *paths, "--weights", str(model)]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed and printed.count("0.") >= 4


# --- one bad photograph among several


@pytest.fixture
def mixed(tmp_path):
    """Six photographs, the first and the fourth of them cut short."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number in range(6):
        content = CUT if number in (0, 3) else encoded(photo(number, (40, 40)), "JPEG")
        (folder / f"{number}.jpg").write_bytes(content)
    return folder


def test_predict_names_what_it_cannot_read_and_goes_on(mixed, model, capsys, caplog):
    paths = [str(path) for path in sorted(mixed.iterdir())]
    assert cli.main(["predict", *paths, "--weights", str(model), "--top", "1"]) == 2
    printed = capsys.readouterr().out
    assert [path for path in paths if path in printed] == [p for p in paths if p[-5] not in "03"]
    assert f"left out: {paths[0]} cannot be read" in caplog.text
    assert "2 of 6 photographs could not be read" in caplog.text


def test_golden_vectors_are_of_the_photographs_that_can_be_read(mixed, model, caplog):
    from keras_inception.tflite.android import golden

    assert len(golden.images(open_file(model), mixed)) == 4
    assert f"left out: {mixed / '0.jpg'} cannot be read" in caplog.text
    assert "2 of 6 photographs could not be read" in caplog.text


def test_calibration_takes_the_photographs_that_can_be_read(mixed, caplog):
    from keras_inception.tflite.source import _views_of

    assert _views_of(mixed, (16, 16, 3), Preprocessing()).shape == (48, 16, 16, 3)
    assert "2 of 6 photographs could not be read" in caplog.text
    for path in mixed.iterdir():
        path.write_bytes(CUT)
    with pytest.raises(BadInput, match="none of 6 photographs can be read"):
        _views_of(mixed, (16, 16, 3), Preprocessing())
