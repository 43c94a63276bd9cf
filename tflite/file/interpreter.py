"""A `.tflite` file run by LiteRT, one image at a time as on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import OpResolverType

from keras_inception.errors import BadInput

from . import guard
from .graph import Graph
from .guard import IDENTIFIER, read_bytes

__all__ = ["IDENTIFIER", "File", "read_bytes"]

TYPES = (np.uint8, np.int8, np.int16, np.float32)
# A delegate keeps what is between its operators to itself.
_KEEPING = {
    "experimental_preserve_all_tensors": True,
    "experimental_op_resolver_type": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}
# Values of an input; more than the largest network takes by far.
LARGEST = 10**8


class File:
    """A classifier file with one image input and one output of class scores.

    input_shape is (height, width, channels). Integer inputs and outputs are converted with the
    file's own scale and zero point, so that `scores` speaks floats whatever the file holds.
    """

    def __init__(
        self, source: str | Path | bytes | Graph, threads: int = 1, keep_tensors: bool = False
    ):
        """Open a file, its bytes, or the Graph that it is; `tensors` needs the latter two opened,
        slower, with `keep_tensors`."""
        path = source if isinstance(source, str | Path) else None
        if isinstance(source, Graph):
            self.graph, self.content = source, source.content
        else:
            self.content = source if isinstance(source, bytes) else read_bytes(source)
        self._name = name = path or "the file"
        options = _KEEPING if keep_tensors else {}
        self._interpreter = guard.interpreter(path, self.content, threads, **options)
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1 or len(inputs[0]["shape"]) != 4:
            raise BadInput(
                f"{name} needs one image input, (1, height, width, channels), and one output; "
                f"it has {[i['shape'].tolist() for i in inputs]} and "
                f"{[o['shape'].tolist() for o in outputs]}"
            )
        self._input, self._output = inputs[0], outputs[0]
        self.input_shape = tuple(int(n) for n in self._input["shape"][1:])
        #: Scale and zero point: value = scale * (integer - zero point); scale 0 for floats.
        self.input_quantization = tuple(self._input["quantization"])
        self.output_quantization = tuple(self._output["quantization"])
        self._require_numbers()

    @cached_property
    def graph(self) -> Graph:
        """What the file consists of. A file that may be damaged has to be sound."""
        return Graph.read(self.content)

    def _require_numbers(self) -> None:
        for tensor in (self._input, self._output):
            scale, shape = tensor["quantization"][0], tensor["shape"]
            kind = np.dtype(tensor["dtype"])
            integer = kind.kind in "iu"
            if kind not in TYPES or not 0 <= scale < np.inf or integer != bool(scale):
                raise BadInput(
                    f"{self._name} needs an input and an output of uint8, int8, int16 or float32, "
                    f"integers with their scale, floats without; it has {kind} with scale {scale}"
                )
            if shape.min() < 1 or shape[0] != 1 or np.prod(shape, dtype=float) > LARGEST:
                raise BadInput(f"{self._name} needs a batch of 1; it has {shape.tolist()}")

    @property
    def output_step(self) -> float:
        """The difference between neighbouring output values; 0 for a float output."""
        return float(self.output_quantization[0])

    @property
    def types(self) -> tuple[str, str]:
        """NumPy's names of the types of input and output."""
        return tuple(np.dtype(each["dtype"]).name for each in (self._input, self._output))

    @property
    def classes(self) -> int:
        """The number of scores."""
        return int(np.prod(self._output["shape"]))

    def _encode(self, images: np.ndarray) -> np.ndarray:
        (scale, zero_point), dtype = self.input_quantization, self._input["dtype"]
        if not scale:
            return images.astype(dtype)
        limits = np.iinfo(dtype)
        return np.clip(np.round(images / scale) + zero_point, limits.min, limits.max).astype(dtype)

    def rounded(self, images: np.ndarray) -> np.ndarray:
        """Preprocessed float32 images as the input's type has them, in floats again."""
        return floats(self._encode(images), self.input_quantization)

    def raw(self, images: np.ndarray) -> np.ndarray:
        """(n, height, width, channels) preprocessed float32 -> (n, classes), the file's values."""
        rows = []
        for image in self._encode(images):
            self._run(image)
            rows.append(self._interpreter.get_tensor(self._output["index"]).reshape(-1))
        return np.array(rows, self._output["dtype"])

    def scores(self, images: np.ndarray) -> np.ndarray:
        """The same -> (n, classes) float32, by the file's own scale and zero point."""
        return floats(self.raw(images), self.output_quantization)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """`scores`, or if the file gives logits, the softmax of them."""
        scores = self.scores(images)
        if self.graph.gives_probabilities:
            return scores
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def tensors(self, image: np.ndarray) -> Iterator[tuple[dict, np.ndarray]]:
        """What every operator makes of one preprocessed image, in order: the tensor's details (as
        LiteRT gives them), and its values as they are stored."""
        self._run(*self._encode(image[None]))
        details = {tensor["index"]: tensor for tensor in self._interpreter.get_tensor_details()}
        for operator in self._interpreter._get_ops_details():
            for index in operator["outputs"]:
                yield details[index], self._interpreter.get_tensor(index)

    def _run(self, encoded: np.ndarray) -> None:
        self._interpreter.set_tensor(self._input["index"], encoded[None])
        self.invoke()

    def invoke(self) -> None:
        """Run once more on whatever the input holds, for timing."""
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise BadInput(f"{self._name} cannot be run: {error}") from error


def floats(stored: np.ndarray, quantization: tuple[float, int]) -> np.ndarray:
    """Values of a file as what they stand for, by their scale, 0 for floats, and zero point."""
    (scale, zero_point), values = quantization, stored.astype(np.float32)
    return (values - zero_point) * np.float32(scale) if scale else values
