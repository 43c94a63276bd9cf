"""A `.tflite` file run by LiteRT, one image at a time as on a phone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.outputs import CLASSES, Kind

from . import guard
from .content import read_bytes

if TYPE_CHECKING:
    from .graph import Graph

TYPES = ("uint8", "int8", "int16", "float32")
# Values of an input, and of an output; more than the largest network has by far.
LARGEST, MOST_CLASSES = 5 * 10**7, 10**6


class File:
    """A classifier file with one image input and one output of class scores.

    input_shape is (height, width, channels). Integer inputs and outputs are converted with the
    file's own scale and zero point, so that `scores` speaks floats whatever the file holds.
    """

    def __init__(
        self,
        source: str | Path | bytes | Graph,
        threads: int = 1,
        keep_tensors: bool = False,
        trust: bool = False,
    ):
        """Open a file, which LiteRT runs in a process of its own unless you `trust` it; or the
        bytes, or the Graph, that this process made, which run here. `tensors` needs the latter
        two opened, slower, with `keep_tensors`."""
        path = source if isinstance(source, str | Path) else None
        if isinstance(source, bytes):
            self.content = source
        else:
            self.content = source.content if path is None else read_bytes(path)
        self._name = path or "the file"
        self._opened = guard.opened(path, self.content, threads, keep_tensors, trust)
        inputs, outputs = self._opened.inputs, self._opened.outputs
        if len(inputs) != 1 or len(outputs) != 1 or len(inputs[0].shape) != 4:
            raise BadInput(
                f"{self._name} needs one image input, (1, height, width, channels), and one "
                f"output; it has {len(inputs)}, {[list(each.shape) for each in inputs[:3]]}, and "
                f"{len(outputs)}"
            )
        self._input, self._output = inputs[0], outputs[0]
        self.input_shape = self._input.shape[1:]
        #: Scale and zero point: value = scale * (integer - zero point); scale 0 for floats.
        self.input_quantization = self._input.quantization
        self.output_quantization = self._output.quantization
        self._require_numbers()

    def _require_numbers(self) -> None:
        for tensor, most in ((self._input, LARGEST), (self._output, MOST_CLASSES)):
            scale, shape, kind = tensor.quantization[0], tensor.shape, tensor.dtype
            integer = kind != "float32"
            if kind not in TYPES or not 0 <= scale < np.inf or integer != bool(scale):
                raise BadInput(
                    f"{self._name} needs an input and an output of uint8, int8, int16 or float32, "
                    f"integers with their scale, floats without; it has {kind} with scale {scale}"
                )
            if min(shape, default=0) < 1 or shape[0] != 1 or math.prod(shape) > most:
                raise BadInput(
                    f"{self._name} needs a batch of 1, and at most {most:,} values; it has "
                    f"{list(shape)}"
                )

    @property
    def output_step(self) -> float:
        """The difference between neighbouring output values; 0 for a float output."""
        return float(self.output_quantization[0])

    @property
    def types(self) -> tuple[str, str]:
        """NumPy's names of the types of input and output."""
        return tuple(each.dtype for each in (self._input, self._output))

    @property
    def classes(self) -> int:
        """The number of scores."""
        return math.prod(self._output.shape)

    def encoded(self, images: np.ndarray) -> np.ndarray:
        """Preprocessed float32 images of any shape as the input's type has them."""
        (scale, zero_point), dtype = self.input_quantization, self._input.dtype
        if not scale:
            return images.astype(dtype)
        limits = np.iinfo(dtype)
        return np.clip(np.round(images / scale) + zero_point, limits.min, limits.max).astype(dtype)

    def rounded(self, images: np.ndarray) -> np.ndarray:
        """The same in floats again."""
        return floats(self.encoded(images), self.input_quantization)

    def raw(self, images: np.ndarray) -> np.ndarray:
        """(n, height, width, channels) preprocessed float32 -> (n, classes), the file's values."""
        with self._said():
            return self._opened.run(self.encoded(images))

    def scores(self, images: np.ndarray) -> np.ndarray:
        """The same -> (n, classes) float32, by the file's own scale and zero point."""
        return floats(self.raw(images), self.output_quantization)

    @cached_property
    def ending(self) -> str:
        """What its output comes from: "softmax", "sigmoid", or "linear", which is anything else."""
        return self._opened.ending()

    @property
    def gives_probabilities(self) -> bool:
        """Whether its output comes from a softmax or a sigmoid."""
        return self.ending != "linear"

    def probabilities(self, images: np.ndarray, kind: Kind = CLASSES) -> np.ndarray:
        """What is meant by `scores`, which are of this kind: if the file gives logits, the softmax
        or the sigmoid of them."""
        return kind.of(self.scores(images), self.gives_probabilities)

    def tensors(self, image: np.ndarray) -> Iterator[tuple[dict, np.ndarray]]:
        """What every operator makes of one preprocessed image, in order: the tensor's details (as
        LiteRT gives them), and its values as they are stored."""
        self.raw(image[None])
        interpreter = self._opened.interpreter
        details = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
        for operator in interpreter._get_ops_details():
            for index in operator["outputs"]:
                yield details[index], interpreter.get_tensor(index)

    def seconds(self, runs: int) -> list[float]:
        """The seconds of so many runs, one by one, on whatever the input holds."""
        with self._said():
            return self._opened.seconds(runs)

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise BadInput(f"{self._name} cannot be run: {error}") from error


def floats(stored: np.ndarray, quantization: tuple[float, int]) -> np.ndarray:
    """Values of a file as what they stand for, by their scale, 0 for floats, and zero point."""
    (scale, zero_point), values = quantization, stored.astype(np.float32)
    return (values - zero_point) * np.float32(scale) if scale else values
