"""A `.tflite` file run by LiteRT, one image at a time as on a phone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from keras_inception.errors import BadInput
from keras_inception.native_output import held_back

IDENTIFIER = b"TFL3"


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a `.tflite` file. Raises BadInput if there is none, or if it is not one."""
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"there is no file {str(path)!r}; give a .tflite file")
    content = path.read_bytes()
    if content[4:8] != IDENTIFIER:
        raise BadInput(f"{path} is not a .tflite file: it lacks the mark {IDENTIFIER.decode()}")
    return content


class File:
    """A classifier file with one image input and one output of class scores.

    input_shape is (height, width, channels). Integer inputs and outputs are converted with the
    file's own scale and zero point, so that `scores` speaks floats whatever the file holds.
    """

    def __init__(self, source: str | Path | bytes, threads: int = 1):
        content = source if isinstance(source, bytes) else read_bytes(source)
        name = "the file" if isinstance(source, bytes) else source
        try:
            with held_back():
                self._interpreter = Interpreter(model_content=content, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BadInput(f"{name} cannot be run: {error}") from error
        inputs, outputs = (
            self._interpreter.get_input_details(),
            self._interpreter.get_output_details(),
        )
        if len(inputs) != 1 or len(outputs) != 1 or len(inputs[0]["shape"]) != 4:
            raise BadInput(
                f"{name} needs one image input, (1, height, width, channels), and one output; "
                f"it has {[i['shape'].tolist() for i in inputs]} and "
                f"{[o['shape'].tolist() for o in outputs]}"
            )
        self._input, self._output = inputs[0], outputs[0]
        self.input_shape = tuple(int(n) for n in self._input["shape"][1:])

    @property
    def output_step(self) -> float:
        """The difference between neighbouring output values; 0 for a float output."""
        return float(self._output["quantization"][0])

    @property
    def input_quantization(self) -> tuple[float, int]:
        """Scale and zero point: input = scale * (integer - zero point); scale 0 for floats."""
        return tuple(self._input["quantization"])

    @property
    def input_type(self) -> type:
        """The NumPy type of the input."""
        return self._input["dtype"]

    def _encode(self, images: np.ndarray) -> np.ndarray:
        scale, zero_point = self._input["quantization"]
        dtype = self._input["dtype"]
        if not scale:
            return images.astype(dtype)
        limits = np.iinfo(dtype)
        return np.clip(np.round(images / scale) + zero_point, limits.min, limits.max).astype(dtype)

    def scores(self, images: np.ndarray) -> np.ndarray:
        """(n, height, width, channels) preprocessed float32 -> (n, classes) float32."""
        rows = []
        for image in self._encode(images):
            self._interpreter.set_tensor(self._input["index"], image[None])
            self._interpreter.invoke()
            rows.append(self._interpreter.get_tensor(self._output["index"]).reshape(-1))
        scores = np.array(rows, np.float32)
        scale, zero_point = self._output["quantization"]
        return (scores - zero_point) * np.float32(scale) if scale else scores

    def invoke(self) -> None:
        """Run once more on whatever the input holds, for timing."""
        self._interpreter.invoke()
