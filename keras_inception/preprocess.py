"""Preprocessing as a record: what a network expects of the pixels it is given."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .errors import BadInput

INTERPOLATIONS = ("bilinear", "bicubic")


@dataclass(frozen=True)
class Preprocessing:
    """input = (pixel - mean) / std, for RGB pixels 0..255, their channels then in `order`.

    `mean` and `std` are one number, or one per channel in `order` ("RGB" or "BGR"). For
    evaluation an image is scaled, its sides' ratio kept, until its short side is 1/`crop` of
    the network's size, and the centre is cut out; `interpolation` is "bilinear" or "bicubic".

    The default, (pixel - 128) / 128, is the one map to about [-1, 1] that 8 bits hold exactly:
    an int8 input is then pixel - 128, with scale 1/128 and zero point 0.
    """

    mean: float | tuple[float, ...] = 128.0
    std: float | tuple[float, ...] = 128.0
    order: str = "RGB"
    crop: float = 1.0
    interpolation: str = "bilinear"

    def __post_init__(self):
        for name in ("mean", "std"):
            if isinstance(getattr(self, name), list):  # as JSON has it
                object.__setattr__(self, name, tuple(getattr(self, name)))
        limits = {
            "std": (np.all(np.asarray(self.std) > 0), "above 0"),
            "order": (self.order in ("RGB", "BGR"), "RGB or BGR"),
            "crop": (0 < self.crop <= 1, "in (0, 1]"),
            "interpolation": (self.interpolation in INTERPOLATIONS, "bilinear or bicubic"),
        }
        for name, (met, needed) in limits.items():
            if not met:
                raise BadInput(f"{name} must be {needed}; got {getattr(self, name)!r}")

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 (or float 0..255) pixels, (..., channels) -> float32 of the same shape."""
        pixels = np.asarray(pixels, np.float32)
        if self.order == "BGR":
            pixels = pixels[..., ::-1]
        return (pixels - np.float32(self.mean)) / np.float32(self.std)

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest input that pixels 0..255 can become."""
        lowest, highest = self(np.zeros((1, 3))), self(np.full((1, 3), 255))
        return float(lowest.min()), float(highest.max())

    @property
    def is_quantization(self) -> bool:
        """Whether an integer input's scale and zero point can express it: one map for all."""
        return self.order == "RGB" and np.ndim(self.mean) == np.ndim(self.std) == 0

    def for_channels(self, channels: int) -> Preprocessing:
        """The same for grey images, which have no order of channels and one mean."""
        if channels == 3 or self.is_quantization:
            return self
        mean, std = float(np.mean(self.mean)), float(np.mean(self.std))
        return replace(self, mean=mean, std=std, order="RGB")

    @property
    def raw(self) -> Preprocessing:
        """The same crop with pixels as they are: for a network that does the rest itself."""
        return replace(self, mean=0.0, std=1.0, order="RGB")

    @property
    def scale_and_offset(self) -> tuple[float | list[float], float | list[float]]:
        """input = pixel * scale + offset; numbers, or lists of one per channel in `order`."""
        scale = 1 / np.asarray(self.std, float)
        return scale.tolist(), (-np.asarray(self.mean, float) * scale).tolist()

    def as_convolution(self) -> tuple[np.ndarray, np.ndarray]:
        """The same as a 1x1 convolution of RGB pixels: kernel (1, 1, 3, 3), bias (3,), float32."""
        scale, offset = (np.broadcast_to(np.float32(value), 3) for value in self.scale_and_offset)
        order = np.eye(3, dtype=np.float32)[:: -1 if self.order == "BGR" else 1]
        return (order * scale)[None, None], offset


#: How pixels become the input: ours; as keras.applications calls its three; and no more than a
#: division, or nothing at all.
NAMED = {
    "keras_inception": Preprocessing(),
    "tf": Preprocessing(127.5, 127.5),
    "torch": Preprocessing((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "caffe": Preprocessing((103.939, 116.779, 123.68), 1.0, "BGR"),
    "unit": Preprocessing(0.0, 255.0),
    "raw": Preprocessing(0.0, 1.0),
}


def named(name: str | Preprocessing) -> Preprocessing:
    """The record of that name in NAMED; a record as it is. Raises BadInput for other names."""
    if isinstance(name, Preprocessing):
        return name
    if name not in NAMED:
        raise BadInput(f"preprocessing must be one of {', '.join(NAMED)}; got {name!r}")
    return NAMED[name]
