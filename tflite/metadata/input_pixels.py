"""What a file's input expects of pixels: as the file says, as its integers say, or as its user."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.preprocess import NAMED, Preprocessing, Unsaid, named

from ..file.interpreter import File

log = logging.getLogger(__name__)

_SMALLEST = {"uint8": 0, "int8": -128}
#: How far beyond its input's range what pixels become may go: a calibration misses the extremes.
_BEYOND = 0.1


def expected_by(
    file: File,
    path: str | Path,
    said: Preprocessing | None = None,
    told: str | Preprocessing | None = None,
) -> Preprocessing:
    """What pixels become for `file`, the one at `path`.

    said: what the file's metadata say, None if nothing. Of an 8-bit input that its scale and zero
        point make the pixels themselves, that is what counts, as for MediaPipe.
    told: a record, or the name of one in NAMED, for a file that does not say.

    Raises Unsaid if nobody says, and BadInput if the user contradicts the file, or if pixels would
    become what the input does not hold.
    """
    given = None if told is None else named(told).for_channels(file.input_shape[-1])
    raw = _as_they_are(file, said)
    if raw and said is None:
        log.info("%s takes pixels as they are: so say its input's scale and zero point", path)
    known = raw or said
    if known is None:
        if given is None:
            raise Unsaid(f"{path} does not say what it expects of its pixels")
        known = given
    elif given and not (raw and given == NAMED["raw"]) and not _same(file, known, given):
        raise BadInput(
            f"{path} says itself that its input is {'pixels as they are' if raw else known}, not "
            f"{given}: leave --preprocessing out, or write another into the file: "
            f"keras-inception metadata {path} --mean M --std S"
        )
    require_held(file, path, known)
    return known


def _as_they_are(file: File, said: Preprocessing | None) -> Preprocessing | None:
    """The record of an 8-bit input whose integers are the pixels: those of a usual preprocessing,
    or of what is `said`, are, within one."""
    kind = file.types[0]
    if kind not in _SMALLEST:
        return None
    wanted = np.arange(256) + _SMALLEST[kind]
    for each in (said, *NAMED.values()):
        if each is None or not each.is_quantization:
            continue
        apart = np.abs(file.encoded(each(np.arange(256)[:, None]))[:, 0].astype(int) - wanted).max()
        if apart == 0 and each is said:
            return said
        if apart <= 1:
            scale, zero_point = file.input_quantization
            exact = {"mean": float(zero_point - _SMALLEST[kind]), "std": 1 / scale, "order": "RGB"}
            return replace(said or Preprocessing(), **exact)
    return None


def _same(file: File, known: Preprocessing, given: Preprocessing) -> bool:
    """Whether both make the same input of every colour, to a step of its integers."""
    ramp = np.arange(256)
    colours = np.stack([ramp, 255 - ramp, ramp // 2], axis=-1)[:, : file.input_shape[-1]]
    a, b = (file.encoded(each(colours)).astype(float) for each in (known, given))
    return np.abs(a - b).max() <= (1 if file.input_quantization[0] else 1e-3 * np.abs(a).max())


def require_held(file: File, path: str | Path, expected: Preprocessing) -> None:
    """Raise BadInput if pixels would become what an integer input does not hold."""
    scale, zero_point = file.input_quantization
    if not scale:
        return
    limits = np.iinfo(file.types[0])
    low, high = (scale * (limit - zero_point) for limit in (limits.min, limits.max))
    lowest, highest = expected.range
    if max(low - lowest, highest - high) > _BEYOND * (high - low):
        raise BadInput(
            f"{path} cannot be given {expected}: its {file.types[0]} input holds {low:.3g} to "
            f"{high:.3g}, pixels would become {lowest:.3g} to {highest:.3g}; say with "
            "--preprocessing what it was made for"
        )
