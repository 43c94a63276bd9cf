"""What a classifier's file says of itself, as a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing, Unsaid

from . import labels as names

#: What is said in words: under these names here, in the public schema and in an app.
TEXTS = ("name", "description", "version", "author", "license")


class Said(TypedDict, total=False):
    """What a file is to say of itself, under the names of the command line's options. `labels` are
    files of one name per line and output, those of other locales by name: labels_de.txt."""

    name: str
    description: str
    author: str
    license: str
    version: str
    labels: Sequence[str | Path]
    threshold: float


@dataclass(frozen=True)
class Metadata:
    """What a classifier's file says of itself.

    `preprocessing` is what its user does to RGB pixels 0..255, in floats, before the input's scale
    and zero point, None where another tool's file does not say; `labels` name the outputs,
    `localized` too, by locale ("de"); MediaPipe's tasks drop scores below `threshold`, which is in
    the unit of the output; `kind` is the name of what the outputs are, in
    `keras_inception.outputs`, "" in files that do not say it.
    """

    name: str = ""
    description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    preprocessing: Preprocessing | None = field(default_factory=Preprocessing)
    labels: tuple[str, ...] = ()
    localized: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    threshold: float | None = None
    kind: str = ""

    def saying(self, labels: Sequence[str | Path] = (), **said) -> Metadata:
        """This with what is `Said` instead. Raises BadInput for files that are not labels."""
        by_locale = names.by_locale(labels)
        if by_locale:
            said["labels"] = by_locale.pop("", self.labels)
            said["localized"] = {**self.localized, **by_locale}
        return replace(self, **said)

    def check(self, outputs: int) -> None:
        """Raise BadInput for labels that do not fit so many outputs, are empty or not unique, for a
        threshold outside of [0, 1], and for pixels in another order than RGB, or of which nothing
        is said."""
        if self.labels:
            names.check(self.labels, outputs)
        for locale, localized in self.localized.items():
            if not self.labels:
                raise BadInput("labels of a locale go with labels without one; give these too")
            names.check(localized, outputs, names.file_name(locale))
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise BadInput(f"threshold must be in [0, 1]; got {self.threshold}")
        if self.preprocessing is None:
            raise Unsaid("there is nothing to write of its pixels")
        if self.preprocessing.order != "RGB":
            raise BadInput("metadata has no word for BGR; let the file contain its preprocessing")

    @property
    def files(self) -> dict[str, bytes]:
        """Name -> content of the files of labels, the one without a locale first."""
        found = {"": self.labels, **dict(sorted(self.localized.items()))}
        return {names.file_name(k): names.lines(v) for k, v in found.items() if v}
