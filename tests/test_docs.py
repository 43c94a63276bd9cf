"""The pages are true: blocks run, links lead somewhere, figures are those of the tables."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from helpers import pages
from helpers.pages import ROOT, blocks
from helpers.photos import coloured

from keras_inception import cli
from keras_inception.costs import total
from keras_inception.networks import FAMILY
from keras_inception.preprocess import NAMED
from keras_inception.transform import widen, with_norm, without_aux

PAGES = [
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "training/*.md", "tflite/*.md")
    for path in sorted(ROOT.glob(pattern))
]
#: Why a block is not run.
REASONS = (
    "needs weights from the network",
    "needs data from the network",
    "needs ImageNet",
    "needs a phone",
    "needs a GPU",
    "needs other machines",
    "needs a package outside the extras",
    "installs packages",
    "never ends",
)
#: What the pages say -> what is run in its place: less of the same.
SMALLER = {
    "image_size=96, epochs=40": "image_size=32, width=0.25, epochs=1",
    "--image-size 96 --epochs 40": "--image-size 32 --width 0.25 --epochs 1",
    "--recipe modern --data digits": "--recipe modern --data digits --width 0.25 --epochs 1",
}


@cache
def text(page):
    return (ROOT / page).read_text()


def smaller(code):
    for said, run in SMALLER.items():
        code = code.replace(said, run)
    return code


@pytest.fixture
def reader(tmp_path):
    """The folder of somebody who has photographs of three classes, and the names of these twice."""
    coloured(tmp_path / "photos")
    shutil.copy(tmp_path / "photos" / "rock" / "00.png", tmp_path / "photo.png")
    (tmp_path / "labels.txt").write_text("paper\nrock\nscissors\n")
    (tmp_path / "labels_de.txt").write_text("Papier\nStein\nSchere\n")
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is_and_why_it_is_not_run(page):
    for block in blocks(text(page)):
        at = f"{page}, line {block.line}"
        assert block.language in pages.LANGUAGES, at
        assert block.mark is None or block.mark in REASONS, at
        assert block.mark is None or block.language in pages.RUN, at
        if block.language == "python":
            compile(block.code, at, "exec")


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_ours_is_one(page, capsys):
    for block in blocks(text(page)):
        if block.language != "console":
            continue
        for words in pages.commands(block.code):
            if words[0] == "keras-inception":
                try:
                    cli.parser().parse_args(words[1:])
                except SystemExit:
                    pytest.fail(f"{page}, line {block.line}: {words}: {capsys.readouterr().err}")


def made_by(target):
    """The commands of ours that a target of the Makefile runs, without running them."""
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = pages.commands(done.stdout)
    return [words[1:] for words in found if words[0].endswith("/keras-inception")]


def test_readme_says_how_large_an_environment_is_as_make_does():
    makefile, readme = (ROOT / "Makefile").read_text(), text("README.md")
    sizes = re.findall(r"\(call install,(?:demo|test),([\d.]+ GB),([\d.]+ GB)\)", makefile)
    assert len(sizes) == 2
    for download, disk in sizes:
        assert re.search(rf"{download}( to download)? and {disk}", readme)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_the_demo_s_commands_are_ones():
    commands = made_by("demo")
    assert {words[0] for words in commands} == {"train", "export", "quantize", "report"}
    for words in commands:
        cli.parser().parse_args(words)


def slug(heading):
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page):
    plain = re.sub(r"(?ms)^```.*?^```$", "", page.read_text())
    return {slug(heading) for heading in re.findall(r"(?m)^#+ (.+)$", plain)}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    here = ROOT / page
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        there = (here.parent / file).resolve() if file else here
        assert there.exists(), f"{page}: {target}"
        assert not anchor or anchor in anchors(there), f"{page}: {target}"


def somebody_s_model(path):
    """A classifier that is not ours, of three classes, which it tells by their colours."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    for layer in model.layers[:2]:
        kernel = np.zeros(layer.kernel.shape)
        kernel[1, 1, range(3), range(3)] = 1
        layer.set_weights([kernel, np.zeros(8)])
    model.layers[-1].set_weights([8 * np.eye(8, 3), np.zeros(3)])
    model.save(path)


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if any(b.is_run for b in blocks(text(p)))])
def test_a_page_can_be_followed(page, reader):
    if page == "docs/mobile.md":
        somebody_s_model(reader / "mobile.keras")
    parts = [replace(b, code=smaller(b.code)) for b in blocks(text(page)) if b.is_run]
    print(pages.read(page, parts, reader))


def test_the_reader_stops_where_a_block_fails(tmp_path):
    """The test above would pass on a reader who sees nothing."""
    page = "```console\necho one > file\n```\n```python\nprint(open('file').read())\n```\n"
    assert "\none\n" in pages.read("page", blocks(page), tmp_path)
    with pytest.raises(AssertionError, match=r"line 2(?s:.*)no-such-command"):
        pages.read("page", blocks("```console\nno-such-command\necho two\n```"), tmp_path)
    with pytest.raises(AssertionError, match="NameError"):
        pages.read("page", blocks("```python\nnothing\n```"), tmp_path)


def test_a_mark_and_a_language_are_read():
    page = "<!-- not run: never ends -->\n```console\nsleep 1 && keras-inception table > x\n```\n"
    (block,) = blocks(page)
    assert (block.language, block.line, block.mark) == ("console", 3, "never ends")
    assert not block.is_run
    words = pages.commands("a 'b c' \\\n  d  # e\nf=1 g | h > i && j")
    assert words == [["a", "b c", "d"], ["f=1", "g"], ["h"], ["i"], ["j"]]


ROW = re.compile(r"(?m)^\| ([a-z_0-9]+)(?:, width ([\d.]+))? \|( \d{4} .+)\|$")


def test_the_readme_s_table_is_the_family_s():
    rows = ROW.findall(text("README.md"))
    assert {name for name, width, _ in rows if not width} == set(FAMILY)
    for name, width, cells in rows:
        year, size, parameters, macs, floats, integers, slow, fast, faster = (
            cell.strip() for cell in cells.split("|")
        )
        net = widen(without_aux(with_norm(FAMILY[name], "batch")), float(width or 1))
        cost = total(net)
        assert (int(year), int(size)) == (net.year, net.input_shape[0])
        assert parameters == f"{cost.parameters:,}"
        assert macs == f"{cost.macs / 1e9:.2f} G"
        # Four bytes and one, for each number that is left once normalization is folded, and the
        # graph around them.
        assert float(floats) == pytest.approx(4 * cost.trainable / 1e6, rel=0.01, abs=0.05)
        assert 1 < float(integers) * 1e6 / cost.trainable < 1.25
        assert float(faster.rstrip("×")) == pytest.approx(float(slow) / float(fast), abs=0.1)


def test_every_name_of_preprocessing_is_explained():
    _, section = text("docs/mobile.md").split("`--preprocessing` says how")
    rows = section.split("\n\n")[1]
    assert set(re.findall(r"^\| `(\w+)` \|", rows, re.M)) == NAMED.keys()


def test_the_picture_of_the_family_is_up_to_date():
    script = [sys.executable, "docs/family.py"]
    done = subprocess.run(script, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == (ROOT / "docs" / "images" / "family.svg").read_text()
