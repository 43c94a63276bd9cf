"""Classes of images and classes of a network, matched by their names: never by their positions."""

from __future__ import annotations

import csv
import io
import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from unicodedata import normalize

from . import label_files, records
from .errors import BadInput
from .imagenet import class_names, imagenet_classes

log = logging.getLogger(__name__)

#: What a map of classes may be instead of a file: both lists have one order.
POSITION = "position"
_WORDNET = re.compile(r"(n\d{8})(?!\d)", re.ASCII)
_SHOWN = 5


def match(
    theirs: Sequence[str],
    known: Sequence[str],
    *,
    what: str,
    who: str,
    said: str | Mapping[str, str] | None = None,
    numbers: bool = False,
    advice: str = "rename one or the other",
) -> dict[str, int]:
    """The position in `known` of each of `theirs`, found by name.

    Names are matched that are equal, then those that are equal but for Unicode's normal form, case,
    and spaces or underscores, then WordNet's ids with ImageNet's names. `known` may have more.
    What was not simply equal is logged.

    theirs: the classes of `what`, as "the images of folder:photos".
    known: the classes of `who`, a network.
    said: what somebody said of them: POSITION, or names of `known` by names of `theirs`.
    numbers: whether numbers among `theirs` are positions, unless `known` has such a name.
    advice: what to do if they do not fit.

    Raises BadInput for those of `theirs` that are not known, with both lists' difference.

    >>> from keras_inception.class_matching import match
    >>> match(("Hot_dog", "n02123045"), ("tabby", "hot dog"), what="photos", who="mine")
    {'Hot_dog': 1, 'n02123045': 0}
    """
    if said == POSITION:
        if len(theirs) != len(known):
            raise BadInput(
                f"{what} have {len(theirs)} classes and {who} has {len(known)}: they cannot be "
                "matched by position; give --classes-map a file"
            )
        if tuple(theirs) != tuple(known):
            log.warning(
                "by position, as was said: %s",
                listed(f"{a} is {b}" for a, b in zip(theirs, known, strict=True)),
            )
        return {name: position for position, name in enumerate(theirs)}
    given = dict(said) if isinstance(said, Mapping) else {}
    mapped = {normal(name): target for name, target in given.items()} | given
    meant = {name: mapped.get(name, mapped.get(normal(name))) for name in theirs}
    others = [name for name in theirs if meant[name] is None]
    by_name = dict(zip(others, _found(others, known, numbers), strict=True))
    # Several of theirs may be one to the network, if somebody says so.
    found = by_name | {
        name: _found([target], known, True)[0]
        for name, target in meant.items()
        if target is not None
    }
    positions = {name: at for name in theirs if (at := found[name]) is not None}
    missing = [known[k] for k in sorted({*range(len(known))} - {*positions.values()})]
    if unknown := [name for name in theirs if name not in positions]:
        raise BadInput(
            f"{what} have {counted(len(unknown))} that {who} does not know: {listed(unknown)}; "
            f"it knows {listed(missing) or 'no others'}: {advice}"
        )
    _tell(positions, known, missing, what, who)
    return positions


def normal(name: str) -> str:
    """`name` without what is spelled differently: Unicode's form, case, spaces and underscores."""
    return " ".join(normalize("NFKC", name).casefold().replace("_", " ").split())


def reordered(names: Sequence[str], known: Sequence[str]) -> bool:
    """Whether they are the same names in another order."""
    ours, theirs = [*map(normal, known)], [*map(normal, names)]
    return ours != theirs and sorted(ours) == sorted(theirs)


def read_map(said: str | Path | Mapping[str, str] | None) -> str | Mapping[str, str] | None:
    """What a map of classes says, as `match` takes it: POSITION, or a file's pairs.

    A file is a JSON object, or a table of two columns, separated by commas, semicolons, tabs or
    "=": the name of a class of the images, then the network's name for it, or its position. Several
    may be one and the same to the network. Raises BadInput for anything else.
    """
    if said is None or isinstance(said, Mapping) or str(said) == POSITION:
        return said if said is None or isinstance(said, Mapping) else POSITION
    path = Path(said)
    if not path.is_file():
        raise BadInput(
            f"there is no file {str(path)!r}; give --classes-map one of lines THEIRS,KNOWN, or "
            f"{POSITION!r}"
        )
    with open(path, "rb") as file:
        text = label_files.text(file.read(label_files.LARGEST + 1), str(path))
    try:
        pairs = _object(text) if text.lstrip().startswith("{") else _rows(text)
    except (BadInput, csv.Error) as error:
        raise BadInput(f"{path} is no map of classes: {error}") from error
    return pairs


def _object(text: str) -> dict[str, str]:
    found = records.parse(text)
    if not all(isinstance(known, str | int) for known in found.values()):
        raise BadInput("its values must be names or positions")
    return {name: str(known) for name, known in found.items()}


def _rows(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line.strip()]
    separator = next((s for s in "\t;,=" if lines and all(s in line for line in lines)), ",")
    pairs = {}
    for number, row in enumerate(csv.reader(io.StringIO("\n".join(lines)), delimiter=separator), 1):
        cells = [cell.strip() for cell in row]
        if len(cells) != 2 or not all(cells):
            raise BadInput(f"line {number} must have two names, THEIRS,KNOWN; it has {row}")
        if cells[0] in pairs:
            raise BadInput(f"it has {cells[0]!r} twice")
        pairs[cells[0]] = cells[1]
    if not pairs:
        raise BadInput("it is empty")
    return pairs


def _found(asked: Sequence[str], known: Sequence[str], numbers: bool) -> list[int | None]:
    found: list[int | None] = [None] * len(asked)
    for form in (str, normal, None):
        ours = dict(enumerate(_ids(known) if form is None else map(form, known)))
        theirs = dict(enumerate(_ids(asked) if form is None else map(form, asked)))
        if form is not str:  # What is taken by its own name is nobody else's.
            ours = {k: key for k, key in ours.items() if k not in found}
            theirs = {i: key for i, key in theirs.items() if found[i] is None}
        alone = _alone(ours)
        for key, i in _alone(theirs).items():
            if key is not None and key in alone:
                found[i] = alone[key]
    for i, name in enumerate(asked):
        if found[i] is None and numbers and name.isascii() and name.isdecimal():
            found[i] = int(name) if int(name) < len(known) else None
    return found


def _alone(keys: Mapping[int, str | None]) -> dict[str | None, int]:
    """The places of keys that are there once."""
    count = Counter(keys.values())
    return {key: place for place, key in keys.items() if count[key] == 1}


def _ids(names: Sequence[str]) -> list[str | None]:
    """The WordNet id of each, None where it has none: of all of ImageNet's by their positions, as
    two of them are called crane."""
    for background in (0, 1):
        if len(names) == 1000 + background:
            whole = class_names(len(names))
            called = zip(names, whole, label_files.distinct(whole), strict=True)
            if all(normal(name) in (normal(a), normal(b)) for name, a, b in called):
                return [None] * background + [wordnet for wordnet, _ in imagenet_classes()]
    return [
        given[1] if (given := _WORDNET.match(name)) else _by_name().get(normal(name))
        for name in names
    ]


@cache
def _by_name() -> dict[str, str]:
    count = Counter(normal(name) for _, name in imagenet_classes())
    return {
        normal(name): wordnet for wordnet, name in imagenet_classes() if count[normal(name)] == 1
    }


def _tell(positions: dict[str, int], known, missing, what: str, who: str) -> None:
    others = [f"{name} is {known[k]}" for name, k in positions.items() if name != known[k]]
    if others:
        log.info("classes of %s that are spelled differently in %s: %s", what, who, listed(others))
    if [*positions.values()] != sorted(positions.values()):
        log.info("the classes of %s and of %s differ in order: matched by name", what, who)
    if missing:
        of_them = counted(len(missing))
        log.info("%s have none of %s that %s knows: %s", what, of_them, who, listed(missing))


def listed(names: Iterable[str]) -> str:
    """The first few of them, and how many more there are."""
    names = [*names]
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def counted(count: int) -> str:
    return f"{count} class{'' if count == 1 else 'es'}"
