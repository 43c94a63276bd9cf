"""A photograph -> its classes, by a `.tflite` file and the `.json` beside it.

python examples/use_a_tflite.py runs/mine/googlenet_int8_qat.tflite photo.jpg

It needs ai-edge-litert, numpy and Pillow: neither TensorFlow nor keras-inception.
"""

import json
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps


def main(path: str, photograph: str) -> None:
    said = json.loads(Path(path).with_suffix(".json").read_text())
    interpreter = Interpreter(model_path=path)
    interpreter.allocate_tensors()
    (takes,), (gives,) = interpreter.get_input_details(), interpreter.get_output_details()
    _, height, width, channels = takes["shape"]

    # The centre of the photograph, as in training.
    image = ImageOps.exif_transpose(Image.open(photograph)).convert("L" if channels == 1 else "RGB")
    expected = said["preprocessing"]
    scale = round(height / expected["crop"]) / min(image.size)
    filter = Image.Resampling[expected["interpolation"].upper()]
    image = image.resize([round(side * scale) for side in image.size], filter)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    image = image.crop((left, top, left + width, top + height))

    # Pixels to the numbers it was trained on, and these to the integers of its input.
    x = np.asarray(image, np.float32).reshape(takes["shape"])
    x = (x - expected["mean"]) / expected["std"]
    step, zero = takes["quantization"]
    x = np.round(x / step + zero) if step else x
    interpreter.set_tensor(takes["index"], x.astype(takes["dtype"]))
    interpreter.invoke()
    scores = interpreter.get_tensor(gives["index"])[0].astype(np.float32)
    step, zero = gives["quantization"]
    scores = (scores - zero) * step if step else scores
    for number in np.argsort(-scores)[:5]:
        print(f"{scores[number]:.4f}  {said['classes'][number]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
