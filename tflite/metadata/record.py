"""What a classifier's file says of itself, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keras_inception.preprocess import Preprocessing

from . import labels as names


@dataclass(frozen=True)
class Metadata:
    """What a classifier's file says of itself.

    `preprocessing` is what its user does to RGB pixels 0..255, in floats, before the input's scale
    and zero point; `labels` name the outputs, `localized` too, by locale ("de"); MediaPipe's tasks
    drop scores below `threshold`, which is in the unit of the output.
    """

    name: str = ""
    description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    labels: tuple[str, ...] = ()
    localized: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    threshold: float | None = None

    @property
    def files(self) -> dict[str, bytes]:
        """Name -> content of the files of labels, the one without a locale first."""
        found = {"": self.labels, **dict(sorted(self.localized.items()))}
        return {names.file_name(k): names.lines(v) for k, v in found.items() if v}
