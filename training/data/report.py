"""What is wrong or worth knowing about a data set, found by decoding all of it."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from keras_inception.errors import BadInput
from keras_inception.images import (
    DAMAGED,
    EXTENSIONS,
    FORMATS,
    ORIENTATION,
    Unreadable,
    decode,
    format_of,
    opened,
    refusing,
    regular,
)

from . import DataRef, sources, twins
from .examples import HELD_OUT, PARTS, TRAIN, Examples, Parts, Split
from .headers import groups, in_parallel
from .sources.files import Listing, divided

TORN = "nearly the same image to train on and held out: keep one, or both together by --group-by"
#: Largest class over smallest from which on a set is called skewed.
SKEWED = 3


@dataclass
class Report:
    """`wrong` must be put right before training, `notices` need not be: kind -> what and where.

    `sizes` has the readable images of each class in each part ("" where nothing is split yet).
    """

    images: int = 0
    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    notices: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)

    def __str__(self):
        lines = [f"{self.images} images"]
        for part, sizes in self.sizes.items():
            few, many = min(sizes, key=sizes.get), max(sizes, key=sizes.get)
            lines.append(
                f"{part or 'classes'}: {len(sizes)} classes of {sizes[few]} ({few}) to "
                f"{sizes[many]} ({many}) images"
            )
        for title, found in (("to be put right", self.wrong), ("notices", self.notices)):
            for kind, cases in sorted(found.items()):
                lines.append(f"{title}: {kind}: {len(cases)}")
                lines += [f"    {case}" for case in cases[:5]]
                lines += ["    ..."] * (len(cases) > 5)
        if not self.wrong:
            lines.append("nothing must be put right")
        # Names need not be text in the terminal's encoding, or in any.
        return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


@dataclass(slots=True)
class _Item:
    """An image, and what `_examine` finds in it."""

    name: str
    label: int
    part: str
    opened: Callable[[], AbstractContextManager[BinaryIO | Image.Image]]
    digest: bytes = b""
    thumbnail: np.ndarray | None = None
    wrong: tuple[str, str] | None = None
    notices: list[str] = field(default_factory=list)


def check(data: DataRef) -> Report:
    """Decode every image of a source, and look for the same one on both sides of the split that a
    training on `data` would make. Raises BadInput if there is no such source."""
    found, report = sources.find(data.source), Report()
    classes = found.classes if isinstance(found, Listing) else found[0].classes
    items = list(_items(found))
    report.images = len(items)
    if isinstance(found, Listing):
        if found.mistakes:
            report.wrong["the listing"] += found.mistakes
        report.notices.update(found.remarks)
    in_parallel(_examine, items)
    for item in items:
        if item.wrong:
            kind, why = item.wrong
            report.wrong[kind].append(f"{item.name}: {why}")
        for kind in item.notices:
            report.notices[kind].append(item.name)
    _sizes(report, [item for item in items if not item.wrong], classes)
    sides: dict[str, set[str]] = {}
    if not report.wrong:
        try:
            sides = _sides(data.drawn(_parts(found, items)))
        except BadInput as error:
            report.wrong["the split"].append(str(error))
    _duplicates(report, items, sides)
    _twins(report, items, sides)
    return report


def _parts(found: Listing | Parts, items: list[_Item]) -> Parts:
    if not isinstance(found, Listing):
        return found
    return divided(found, [item.digest for item in items], [*range(len(items))])


def _sides(split: Split) -> dict[str, set[str]]:
    """Of each image by name whether it is in a part that is trained on, held out, or both."""
    sides = defaultdict(set)
    for part in (split.train, split.validation, split.test):
        for i in range(len(part)):
            sides[part.name(i)].add(TRAIN if part.part == TRAIN else HELD_OUT)
    return sides


def _items(found) -> Iterator[_Item]:
    if isinstance(found, Listing):
        parts = found.parts or [""] * len(found.paths)
        for path, label, part in zip(found.paths, found.labels, parts, strict=True):
            yield _Item(str(path), label, part, partial(regular, path))
        return
    for part, examples in zip(PARTS, found, strict=True):
        for i, label in enumerate(examples.labels if examples else ()):
            where = part if found[-1] else ""
            yield _Item(examples.name(i), int(label), where, partial(_given, examples, i))


@contextmanager
def _given(examples: Examples, i: int) -> Iterator[BinaryIO | Image.Image]:
    yield io.BytesIO(examples.encoded(i)) if examples.encoded else examples.image(i)


def _examine(item: _Item) -> None:
    try:
        with item.opened() as content:
            if isinstance(content, Image.Image):
                item.digest = sha256(content.tobytes()).digest()
                item.thumbnail = twins.thumbnail(content)
                return
            image = opened(content)
            with refusing(DAMAGED):
                notices = [*_kinds(image, Path(item.name))]
            item.thumbnail = twins.thumbnail(decode(content, "RGB"))
            content.seek(0)
            item.digest, item.notices = file_digest(content, "sha256").digest(), notices
    except Unreadable as error:
        item.wrong = error.kind, str(error)


def _kinds(image: Image.Image, path: Path) -> Iterator[str]:
    if not str(path).isascii():
        yield "names in other scripts"
    suffix = path.suffix.lower()
    if suffix in EXTENSIONS and suffix not in FORMATS[format_of(image)]:
        yield f"{image.format} with another extension"
    # The second picture in a telephone's MPO is the first again, for the screen.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        yield "animated: the first picture counts"
    if image.mode.startswith("I"):
        yield "16-bit: the high byte counts"
    if image.has_transparency_data:
        yield "transparent: falls on white"
    if image.getexif().get(ORIENTATION, 1) != 1:
        yield "turned by EXIF"
    if named := {"1": "1-bit", "L": "grey", "LA": "grey", "CMYK": "CMYK"}.get(image.mode):
        yield named


def _sizes(report: Report, items: list[_Item], classes: tuple[str, ...]) -> None:
    for part in sorted({item.part for item in items}):
        labels = [item.label for item in items if item.part == part]
        counts = np.bincount(labels, minlength=len(classes))
        report.sizes[part] = dict(zip(classes, counts.tolist(), strict=True))
        if part in ("", TRAIN):
            for name, count in report.sizes[part].items():
                # Of one image, none could be held out.
                if count < (1 if part else 2):
                    report.wrong["classes with too few readable images"].append(f"{name}: {count}")
            if counts.min() and counts.max() >= SKEWED * counts.min():
                report.notices["skewed: consider --class-weights or --balanced-sampling"].append(
                    f"the largest class has {counts.max() / counts.min():.1f} times the smallest"
                )
    if not items:
        report.wrong["no readable image"].append(", ".join(classes))


def _duplicates(report: Report, items: list[_Item], sides: dict[str, set[str]]) -> None:
    for same in groups(item.digest for item in items):
        names = " = ".join(items[k].name for k in same)
        if len({items[k].label for k in same}) > 1:
            report.wrong["the same image in several classes"].append(names)
        # One that was left out for the other's sake is on no side.
        elif len({items[k].part for k in same}) > 1 or (
            sides and any(items[k].name not in sides for k in same)
        ):
            report.notices["in several parts: the last one keeps it"].append(names)
        else:
            report.notices["duplicates"].append(names)


def _twins(report: Report, items: list[_Item], sides: dict[str, set[str]]) -> None:
    seen = [item for item in items if item.thumbnail is not None]
    if not seen:
        return
    for same in twins.groups(np.stack([item.thumbnail for item in seen])):
        alike = [seen[k] for k in same]
        if len({item.digest for item in alike}) == 1:
            continue  # They are among the duplicates.
        names = " = ".join(item.name for item in alike)
        if len({item.label for item in alike}) > 1:
            report.notices["nearly the same image in several classes"].append(names)
        elif {TRAIN, HELD_OUT} <= set().union(*(sides.get(item.name, set()) for item in alike)):
            report.wrong[TORN].append(names)
        else:
            report.notices["nearly the same image"].append(names)
