"""The names of a file's outputs: checked, written as lines, and read from files of lines."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from keras_inception.errors import BadInput

_LOCALE = r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*"
_OF_LOCALE = re.compile(f"_({_LOCALE})$")
#: Characters of a name, and what a file has at most of them.
LONGEST, MOST = 1000, 10**6


def check(labels: Sequence[str], outputs: int, what: str = "labels") -> None:
    """Raises BadInput unless there is one name for each output, on one line, and no name twice."""
    if len(labels) != outputs:
        raise BadInput(f"the file has {outputs} outputs and {what} has {len(labels)} names")
    for position, label in enumerate(labels):
        if not label.strip() or len(label.splitlines()) != 1 or len(label) > LONGEST:
            raise BadInput(
                f"name {position} of {what} is {label[:LONGEST]!r}: a name is one line of at most "
                f"{LONGEST} characters, and not empty"
            )
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        raise BadInput(f"{what} has {twice[0]!r} twice; give every output a name of its own")


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names of classes as labels: one line each, and those that are not unique with their position,
    as ImageNet's two cranes, "crane (134)" and "crane (517)"."""
    lines = [" ".join(name.split()) or "class" for name in names]
    count = Counter(lines)
    return tuple(f"{n} ({i})" if count[n] > 1 or not names[i] else n for i, n in enumerate(lines))


def read(path: str | Path) -> tuple[str, ...]:
    """The lines of a file of labels. Raises BadInput if there is none, or if it is not UTF-8."""
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"there is no file of labels {str(path)!r}")
    return decode(path.read_bytes(), str(path))


def by_locale(paths: Sequence[str | Path]) -> dict[str, tuple[str, ...]]:
    """The names in files of labels by locale, "" for a file without one: labels.txt, labels_de.txt.

    Raises BadInput for a file that `read` refuses, and for two files of one locale.
    """
    found = {locale_of(path): read(path) for path in paths}
    if len(found) < len(paths):
        raise BadInput("give one file of labels for each locale: labels.txt, labels_de.txt, …")
    return found


def decode(content: bytes, what: str, most: int = MOST) -> tuple[str, ...]:
    """The lines of a file of labels, which are `most` or fewer."""
    try:
        text = io.StringIO(content.decode("utf-8-sig"), newline=None)
    except UnicodeDecodeError as error:
        raise BadInput(f"{what} is not UTF-8 ({error}); save it as UTF-8") from error
    found = tuple(line.removesuffix("\n") for line in islice(text, most + 1))
    if len(found) > most:
        raise BadInput(f"{what} has more than {most:,} names")
    if any(len(line) > LONGEST for line in found):
        raise BadInput(f"{what} has a name of more than {LONGEST} characters")
    return found


def is_locale(text: str) -> bool:
    """Whether it is `de`, or `pt-BR`, …, and nothing that a name of a file could lead astray."""
    return re.fullmatch(_LOCALE, text) is not None


def locale_of(path: str | Path) -> str:
    """`de` for labels_de.txt, `pt-BR` for labels_pt-BR.txt, nothing for labels.txt."""
    found = _OF_LOCALE.search(Path(path).stem)
    return found[1].replace("_", "-") if found else ""


def file_name(locale: str = "") -> str:
    return f"labels_{locale}.txt" if locale else "labels.txt"


def lines(labels: Sequence[str]) -> bytes:
    return "".join(f"{label}\n" for label in labels).encode()
