"""Images that belong together, by their names: a person, a plant, a scene, a burst. A random split
tears them apart, and what is tested on has then nearly been seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from keras_inception.errors import BadInput

from .examples import PARTS, Examples, Parts


def pattern(group_by: str) -> re.Pattern[str]:
    """Raises BadInput for what is no regular expression."""
    try:
        return re.compile(group_by)
    except (re.error, TypeError) as error:
        raise BadInput(
            f"--group-by takes a regular expression, such as '(person[0-9]+)_'; {group_by!r} is "
            f"none: {error}"
        ) from error


def grouped(parts: Parts, group_by: str, source: str) -> Parts:
    """The parts with the groups of their images.

    Raises BadInput for an image whose name has none, and for a group that is in several parts.
    """
    found = tuple(part and _with_groups(part, group_by, source) for part in parts)
    for (one, first), (other, second) in combinations(zip(PARTS, found, strict=True), 2):
        if first and second and (both := {*first.groups} & {*second.groups}):
            raise BadInput(
                f"--group-by {group_by!r} finds {min(both)!r}, and {len(both) - 1} more, in both "
                f"the {one} and the {other} part of {source}, which splits itself; sort it anew, "
                "or leave out --group-by"
            )
    return found


def _with_groups(examples: Examples, group_by: str, source: str) -> Examples:
    expression, names = pattern(group_by), list(_names(examples, source))
    found = [expression.search(name) for name in names]
    unmatched = [name for name, match in zip(names, found, strict=True) if not match]
    if unmatched:
        raise BadInput(
            f"--group-by {group_by!r} finds nothing in the names of {len(unmatched)} of "
            f"{len(names)} images, such as {unmatched[0]!r}; it must find each one's group "
            "(photographs that were not trained on are evaluated by --images)"
        )
    groups = ["/".join(m.groups("")) if m.re.groups else m[0] for m in found if m]
    return replace(examples, groups=groups)


def _names(examples: Examples, source: str) -> Iterator[str]:
    """Counted from the folder of the source, if it has one: its own name says nothing of them."""
    kind, _, what = source.partition(":")
    root = Path(what).parent if kind == "csv" else Path(what)
    for i in range(len(examples)):
        name = examples.name(i).removeprefix(f"{what}: ")  # As packed images are called.
        yield name if kind == "tfrecord" else name.removeprefix(f"{root}/")
