"""Whether `.tflite` files compute the same on another processor.

    python benchmarks/outputs.py save HERE.npz IMAGES.npy FILE...
    python benchmarks/outputs.py compare HERE.npz THERE.npz

`save` runs every file on raw images, (n, height, width, channels) of the input's type, and needs
numpy and ai-edge-litert only; `compare` says how many outputs of two such runs differ, and by how
much at most: by steps, for integer outputs.
"""

import sys
from pathlib import Path

import numpy as np


def save(out: str, images: str, *files: str) -> None:
    """Write the outputs of each file, under its name."""
    from ai_edge_litert.interpreter import Interpreter

    outputs = {}
    for path in files:
        interpreter = Interpreter(path, num_threads=1)
        interpreter.allocate_tensors()
        (given,), (found,) = interpreter.get_input_details(), interpreter.get_output_details()
        kernels = {each["op_name"] for each in interpreter._get_ops_details()}
        print(f"{path}: {'with' if 'DELEGATE' in kernels else 'without'} XNNPACK", flush=True)
        rows = []
        for image in np.load(images).astype(given["dtype"]):
            interpreter.set_tensor(given["index"], image[None])
            interpreter.invoke()
            rows.append(interpreter.get_tensor(found["index"])[0])
        outputs[Path(path).name] = np.array(rows)
    np.savez(out, **outputs)


def compare(here: str, there: str) -> None:
    """Print how the outputs differ."""
    ours, theirs = np.load(here), np.load(there)
    for name in ours:
        a, b = (np.asarray(each[name], np.float64) for each in (ours, theirs))
        differing = a != b
        print(
            f"{name}: {differing.sum()} of {a.size} outputs differ, by {np.abs(a - b).max():g} at "
            f"most; first class equal on {(a.argmax(1) == b.argmax(1)).sum()} of {len(a)} images"
        )


if __name__ == "__main__":
    {"save": save, "compare": compare}[sys.argv[1]](*sys.argv[2:])
