"""Preprocessing as a record: what a network expects of the pixels it is given."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

from .errors import BadInput

if TYPE_CHECKING:
    import numpy as np

INTERPOLATIONS = ("bilinear", "bicubic")
# Numbers far from what pixels have are a mistake, and so is a crop whose image would be scaled to
# many times the network's size.
LARGEST, SMALLEST_CROP = 1e6, 0.05


class Unsaid(BadInput):
    """`fact`, and so nobody says what pixels become: to guess would be a wrong answer unnoticed."""

    def __init__(self, fact: str):
        super().__init__(
            f"{fact}: say with --preprocessing how pixels 0..255 become its input, one of "
            f"{', '.join(NAMED)}; `keras-inception predict --preprocessing auto` shows what it "
            "makes of a photograph by each"
        )


@dataclass(frozen=True)
class Preprocessing:
    """input = (pixel - mean) / std, for RGB pixels 0..255, their channels then in `order`.

    `mean` and `std` are one number, or one per channel in `order` ("RGB" or "BGR"). For
    evaluation an image is scaled, its sides' ratio kept, until its short side is 1/`crop` of
    the network's size, and the centre is cut out; `interpolation` is "bilinear" or "bicubic".
    Raises BadInput for a mean beyond 1e6, a std outside of [1e-6, 1e6] and a crop outside of
    [0.05, 1].

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
            "mean": (_all(self.mean, -LARGEST, LARGEST), f"1 or 3 numbers, at most {LARGEST}"),
            "std": (_all(self.std, 1 / LARGEST, LARGEST), "above 0, 1 or 3 numbers, 1e-6 to 1e6"),
            "order": (self.order in ("RGB", "BGR"), "RGB or BGR"),
            "crop": (_all(self.crop, SMALLEST_CROP, 1), f"in [{SMALLEST_CROP}, 1]"),
            "interpolation": (self.interpolation in INTERPOLATIONS, "bilinear or bicubic"),
        }
        for name, (met, needed) in limits.items():
            if not met:
                raise BadInput(f"{name} must be {needed}; got {_short(getattr(self, name))}")

    def __str__(self):
        return f"(pixel - {self.mean}) / {self.std}{', BGR' if self.order == 'BGR' else ''}"

    def __call__(self, pixels: Any) -> Any:
        """Pixels 0..255 of any dtype, (..., channels) -> float32 of the same shape and kind.

        An array, a tensor of TensorFlow (inside `tf.data` too), JAX or PyTorch, or a KerasTensor,
        which becomes part of a model. Raises BadInput for a last axis that is not the channels.
        """
        pixels, reverse, constant = _as_float32(pixels)
        needed = 3 if self.order == "BGR" else max(map(len, (_each(self.mean), _each(self.std))))
        known = getattr(pixels.shape, "rank", 1) is not None  # tf.data may not know any shape
        if needed > 1 and known and pixels.shape[-1] not in (needed, None):
            raise BadInput(
                f"pixels must be (..., {needed}), channels last; got {tuple(pixels.shape)}"
            )
        if self.order == "BGR":
            pixels = reverse(pixels)
        return (pixels - constant(self.mean)) / constant(self.std)

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest input that pixels 0..255 can become."""
        import numpy as np

        lowest, highest = self(np.zeros((1, 3))), self(np.full((1, 3), 255))
        return float(lowest.min()), float(highest.max())

    @property
    def is_quantization(self) -> bool:
        """Whether an integer input's scale and zero point can express it: one map for all."""
        return self.order == "RGB" and not any(isinstance(v, tuple) for v in (self.mean, self.std))

    def for_channels(self, channels: int) -> Preprocessing:
        """The same for grey images, which have no order of channels and one mean."""
        if channels == 3 or self.is_quantization:
            return self
        mean, std = (sum(_each(value)) / len(_each(value)) for value in (self.mean, self.std))
        return replace(self, mean=mean, std=std, order="RGB")

    @property
    def raw(self) -> Preprocessing:
        """The same crop with pixels as they are: for a network that does the rest itself."""
        return replace(self, mean=0.0, std=1.0, order="RGB")

    @property
    def caller(self) -> Preprocessing:
        """What the caller of a `.tflite` file does of it: all, where an integer input's scale and
        zero point can express it, and else the crop alone."""
        return self if self.is_quantization else self.raw

    @property
    def inside(self) -> Preprocessing | None:
        """What such a file contains of it: all that its caller does not do."""
        return None if self.is_quantization else self

    @property
    def scale_and_offset(self) -> tuple[float | list[float], float | list[float]]:
        """input = pixel * scale + offset; numbers, or lists of one per channel in `order`."""
        import numpy as np

        scale = 1 / np.asarray(self.std, float)
        return scale.tolist(), (-np.asarray(self.mean, float) * scale).tolist()

    def as_convolution(self) -> tuple[np.ndarray, np.ndarray]:
        """The same as a 1x1 convolution of RGB pixels: kernel (1, 1, 3, 3), bias (3,), float32."""
        import numpy as np

        numbers = (np.asarray(value, np.float32) for value in self.scale_and_offset)
        scale, offset = (np.broadcast_to(each, 3) for each in numbers)
        order = np.eye(3, dtype=np.float32)[:: -1 if self.order == "BGR" else 1]
        return (order * scale)[None, None], offset


def _each(value: float | tuple[float, ...]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)


def _all(value: Any, low: float, high: float) -> bool:
    """Whether it is one number, or one for each of three channels, from `low` to `high`."""
    values = _each(value)
    return len(values) in (1, 3) and all(isinstance(v, Real) and low <= v <= high for v in values)


def _short(value: Any) -> str:
    if isinstance(value, tuple) and len(value) > 4:
        return f"{len(value)} numbers"
    return reprlib.repr(value)


def _as_float32(pixels) -> tuple[Any, Any, Any]:
    """`pixels` as float32 of their own kind, and how that kind is reversed along its last axis and
    given a constant. No framework is imported that the pixels do not come from."""
    import numpy as np

    kind = type(pixels).__module__.partition(".")[0]
    if kind == "tensorflow":
        import tensorflow as tf

        return tf.cast(pixels, "float32"), lambda x: x[..., ::-1], np.float32
    if kind == "torch":
        floats = pixels.float()
        return floats, lambda x: x.flip(-1), floats.new_tensor
    if kind in ("jax", "jaxlib"):
        return pixels.astype("float32"), lambda x: x[..., ::-1], np.float32
    if kind == "keras":
        import keras

        floats = keras.ops.cast(pixels, "float32")
        return floats, lambda x: keras.ops.flip(x, -1), np.float32
    return np.asarray(pixels, np.float32), lambda x: x[..., ::-1], np.float32


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
