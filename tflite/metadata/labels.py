"""The names of a file's outputs, in several languages: checked, written as lines, by locale."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from keras_inception import label_files
from keras_inception.errors import BadInput

_LOCALE = r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*"
_OF_LOCALE = re.compile(f"_({_LOCALE})$")


def check(labels: Sequence[str], outputs: int, what: str = "labels") -> None:
    """Raises BadInput unless there is one name for each output, on one line, and no name twice."""
    if len(labels) != outputs:
        raise BadInput(f"the file has {outputs} outputs and {what} has {len(labels)} names")
    label_files.check(labels, what)


def by_locale(paths: Sequence[str | Path]) -> dict[str, tuple[str, ...]]:
    """The names in files of labels by locale, "" for a file without one: labels.txt, labels_de.txt.

    Raises BadInput for a file that `label_files.read` refuses, and for two files of one locale.
    """
    found = {locale_of(path): label_files.read(path) for path in paths}
    if len(found) < len(paths):
        raise BadInput("give one file of labels for each locale: labels.txt, labels_de.txt, …")
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
