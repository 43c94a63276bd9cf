"""Names of classes out of files, as editors, training scripts and other tools write them."""

from __future__ import annotations

import codecs
import io
import logging
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from unicodedata import category

from . import records
from .errors import BadInput
from .imagenet import class_names

log = logging.getLogger(__name__)

#: Characters of a name, names in a file, and bytes of one.
LONGEST, MOST, LARGEST = 1000, 10**6, 16 << 20
#: What stands for the 1000 classes of ImageNet where a file of labels is named.
IMAGENET = "imagenet"
#: Where JSON has the names, one way or the other: ours and Teachable Machine's, Hugging Face's,
#: Keras' generators', torchvision's, YOLO's.
_FIELDS = (
    "classes",
    "labels",
    "id2label",
    "label2id",
    "class_indices",
    "class_to_idx",
    "class_names",
    "names",
)
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # Before UTF-16's, with which it begins.
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NUMBERED = re.compile(r"(\d{1,7})(?:\s*[:,;=]\s*|\s+)(\S.*)", re.ASCII)


def read(path: str | Path) -> tuple[str, ...]:
    """The names of classes in a file of labels, in the order of a network's outputs.

    path: a text file with a name on each line, as "cat" or "0 cat"; or JSON: a list of names, names
        by number, `{"0": "cat"}`, or numbers by name, `{"cat": 0}`, alone or in a field called
        "classes", "labels", "id2label", "label2id", "class_indices", "class_to_idx",
        "class_names" or "names". UTF-8, UTF-16 and UTF-32 are told by their marks; what is not
        UTF-8 is read as Windows-1252, which Latin-1 is a part of, if that gives letters. Or
        "imagenet", which is no file, but its 1000 classes.

    What was not simply lines of UTF-8 is said. Raises BadInput if there is no such file, for what
    is none of these, and for names that are empty or there twice.

    >>> from keras_inception import label_files
    >>> label_files.read("imagenet")[:2]
    ('tench', 'goldfish')
    """
    if str(path) == IMAGENET:
        return distinct(class_names(1000))
    path = Path(path)
    if not path.is_file():
        raise BadInput(
            f"there is no file of labels {str(path)!r}; give one of class names, one on each line"
        )
    with open(path, "rb") as file:
        names = parse(file.read(LARGEST + 1), str(path))
    if len(names) in (1000, 1001) and _twice(names) == _twice(class_names(len(names))):
        names = distinct(names)  # Its two cranes.
    if not names:
        raise BadInput(f"{path} is empty; give a file of class names, one on each line")
    check(names, str(path))
    return names


def parse(content: bytes, what: str) -> tuple[str, ...]:
    """The same of the bytes of a file called `what`, not yet checked."""
    if len(content) > LARGEST:
        raise BadInput(f"{what} has more than {LARGEST:,} bytes: it is no file of labels")
    written = text(content, what)
    if written.lstrip()[:1] in ("{", "["):
        try:
            return _of_json(records.parse(written), what)
        except BadInput as error:
            raise BadInput(
                f"{what} begins like JSON and cannot be read so ({error}); give a list of names, "
                "or lines of text with a name on each"
            ) from error
    found = [line.strip() for line in _lines(written, what, MOST)]
    while found and not found[-1]:
        found.pop()
    return _without_numbers(found, what)


def decode(content: bytes, what: str, most: int = MOST) -> tuple[str, ...]:
    """The lines of a file of labels as they are, `most` or fewer: those inside of other files."""
    return _lines(text(content, what), what, most)


def check(names: Sequence[str], what: str) -> None:
    """Raises BadInput unless every name is one line with something on it, and none is there twice.

    what: where the names stand, for the sentence.
    """
    for position, name in enumerate(names):
        if not name.strip() or len(name.splitlines()) != 1 or len(name) > LONGEST:
            raise BadInput(
                f"name {position} of {what} is {name[:LONGEST]!r}: a name is one line of at most "
                f"{LONGEST} characters, and not empty"
            )
    if twice := _twice(names):
        first = next(iter(twice))
        raise BadInput(f"{what} has {names[first]!r} twice; give every output a name of its own")


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names of classes as labels: one line each, and those that are not unique with their position,
    as ImageNet's two cranes, "crane (134)" and "crane (517)"."""
    lines = [" ".join(name.split()) or "class" for name in names]
    count = Counter(lines)
    return tuple(f"{n} ({i})" if count[n] > 1 or not names[i] else n for i, n in enumerate(lines))


def _twice(names: Sequence[str]) -> dict[int, None]:
    """The positions of names that are there more than once."""
    count = Counter(names)
    return dict.fromkeys(k for k, name in enumerate(names) if count[name] > 1)


def text(content: bytes, what: str) -> str:
    """The text of a file's bytes, in the encodings that `read` lists."""
    marked = next((kind for mark, kind in _MARKS.items() if content.startswith(mark)), None)
    if marked is None and b"\0" in content:
        low, high = content[1::2].count(0), content[0::2].count(0)
        marked = "utf-16-le" if low >= high else "utf-16-be"
    try:
        found = content.decode(marked or "utf-8")
    except UnicodeDecodeError as error:
        guess = None if marked else _windows(content)
        if guess is None:
            raise BadInput(
                f"{what} is not {(marked or 'utf-8').upper()} ({error}); save it as UTF-8"
            ) from error
        shown = [line.strip() for line in guess.splitlines() if not line.isascii()]
        log.warning(
            "%s is not UTF-8: it is read as Windows-1252, with names such as %s; if that is wrong, "
            "save it as UTF-8",
            what,
            ", ".join(shown[:3]),
        )
        return guess
    if marked not in (None, "utf-8-sig"):
        log.info("%s is %s", what, marked.upper())
    if "\0" in found:
        raise BadInput(f"{what} has NUL characters: it is no text; give a text file of names")
    return found


def _windows(content: bytes) -> str | None:
    """The text that Windows-1252 makes of it, if all that is not ASCII in it are letters: of other
    languages' code pages it mostly makes signs."""
    try:
        found = content.decode("cp1252")
    except UnicodeDecodeError:
        return None
    letters = all(category(sign).startswith("L") for sign in found if not sign.isascii())
    return found if letters else None


def _lines(written: str, what: str, most: int) -> tuple[str, ...]:
    lines = islice(io.StringIO(written, newline=None), most + 1)
    found = tuple(line.removesuffix("\n") for line in lines)
    if len(found) > most:
        raise BadInput(f"{what} has more than {most:,} names")
    if any(len(line) > LONGEST for line in found):
        raise BadInput(f"{what} has a name of more than {LONGEST} characters")
    return found


def _without_numbers(lines: list[str], what: str) -> tuple[str, ...]:
    """Lines as Teachable Machine numbers them, "0 cat", in the order of their numbers; others, and
    those that the numbers alone tell apart, as they are."""
    found = [_NUMBERED.fullmatch(line) for line in lines]
    pairs = [(int(match[1]), match[2]) for match in found if match]
    if not pairs or len(pairs) < len(lines) or {n for n, _ in pairs} != {*range(len(lines))}:
        return tuple(lines)
    names = tuple(name for _, name in sorted(pairs))
    if _twice(names):
        return tuple(lines)
    log.info("%s numbers its lines: %r is taken for %r, and so on", what, lines[0], pairs[0][1])
    return names


def _of_json(value: Any, what: str) -> tuple[str, ...]:
    if isinstance(value, dict) and (field := next((f for f in _FIELDS if f in value), None)):
        log.info("the names are %r of %s", field, what)
        value = value[field]
    if isinstance(value, list):
        names = value
    elif isinstance(value, dict) and value:
        pairs = [(k, v) for k, v in value.items()]
        if all(type(number) is int for _, number in pairs):
            pairs = [(number, name) for name, number in pairs]
        elif not all(key.isdecimal() and len(key) < 8 for key, _ in pairs):
            raise BadInput("it has neither a name for each number, nor a number for each name")
        by_number = {int(number): name for number, name in pairs}
        missing = {*range(len(value))} - by_number.keys()
        if missing:
            raise BadInput(f"of its {len(value)} classes number {min(missing)} is missing")
        names = [by_number[number] for number in range(len(value))]
    else:
        raise BadInput("it has no list of names")
    # Keras' imagenet_class_index.json has pairs of a WordNet id and a name.
    names = [each[1] if isinstance(each, list) and len(each) == 2 else each for each in names]
    if not all(isinstance(name, str) for name in names) or len(names) > MOST:
        raise BadInput(f"it is no list of at most {MOST:,} names")
    return tuple(name.strip() for name in names)
