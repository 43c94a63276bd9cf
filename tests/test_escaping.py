"""Words out of files do not speak to what shows them."""

import logging
import re

import numpy as np
import pytest
from helpers import tflite_files
from PIL import Image

from keras_inception import cli
from keras_inception.escaping import line, markdown, terminal
from keras_inception.training.tensorboard import callback

ATTACKS = {
    "\x1b]0;OWN\x07": r"\x1b]0;OWN\x07",
    "\x1b[2Jx": r"\x1b[2Jx",
    "\x9b31m": r"\x9b31m",
    "\u202egnp.exe": r"\u202egnp.exe",
    "a\u2066b\u2069": r"a\u2066b\u2069",
    "a\rb": r"a\rb",
    "\udcff": r"\udcff",
    "zero\u200bwidth": r"zero\u200bwidth",
    "line\u2028end": r"line\u2028end",
    "\U000e0041": r"\U000e0041",
}


@pytest.mark.parametrize(("text", "shown"), ATTACKS.items())
def test_what_would_change_a_terminal_is_shown_as_its_number(text, shown):
    assert terminal(text) == line(text) == shown


@pytest.mark.parametrize("text", ["Zoë", "猫", "шесть", "a b-c_d", "ß/é", "tab\tand\nline", "😀"])
def test_words_of_any_language_are_shown_as_they_are(text):
    assert terminal(text) == text


def test_a_word_in_a_line_ends_none():
    assert line("a\nb\tc") == r"a\nb\tc"


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "![](http://x.invalid/a.png)", "a | b", "`code`", "# x", "*b*"],
)
def test_a_word_in_markdown_is_no_markup(text):
    assert not set("<>").intersection(markdown(text))
    for mark in "![]()|`#*":
        assert markdown(text).count(mark) == markdown(text).count(f"\\{mark}") == text.count(mark)


def test_commands_and_their_logs_show_names_escaped(tmp_path, capsys):
    path = tmp_path / "m.tflite"
    path.write_bytes(tflite_files.content())
    author = "\x1b[31mred\nauthor  trusted"
    assert cli.main(["metadata", str(path), "--author", author, "--mean", "0", "--std", "1"]) == 0
    assert r"author         \x1b[31mred\nauthor  trusted" in capsys.readouterr().out
    assert cli.main(["browser", "\x1b[2J.tflite", str(tmp_path / "page")]) == 2
    printed = capsys.readouterr()
    assert "\x1b" not in printed.err + printed.out and r"\x1b[2J.tflite" in printed.err


def test_every_log_of_a_command_is_escaped(caplog):
    record = logging.LogRecord("keras_inception", logging.INFO, "", 1, "%s", ("\x1b[2J",), None)
    assert cli._Formatter("%(message)s").format(record) == r"\x1b[2J"


def test_pages_for_apps_and_boards_hold_no_markup_of_others(tmp_path, shared_child):
    path, evil = tmp_path / "m.tflite", "<script>x</script> ![](http://x.invalid/a.png) | `y`"
    path.write_bytes(tflite_files.labelled(name=evil, author=evil, license=evil))
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (32, 32)).save(tmp_path / "photos" / "a.png")
    app = tmp_path / "app"
    assert cli.main(["android", str(path), str(app), "--images", str(tmp_path / "photos")]) == 0
    page = (app / "README.md").read_text("utf-8")
    assert "<script>" not in page and "![" not in page and "| `y`" not in page
    (row,) = (line for line in page.splitlines() if line.startswith("| author"))
    assert re.sub(r"\\.", "", row).count("|") == 3
    board = callback._by_class(np.eye(2, dtype=int), (evil, "b"))
    assert "<script>" not in board and all(
        re.sub(r"\\.", "", line).count("|") == 5 for line in board.splitlines()
    )
