"""Quantization-aware training by the engine keras in mixed_float16 beside the float network's; and
the fake-quantized values on the card beside the CPU's.

With arguments a process of its own: `values FILE` writes them.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from .contender import resident
from .setting import SETTING, network_of, seconds_left, tell

SIZE, BATCH, STEPS = SETTING.of((128, 128, 16), (75, 4, 2))
WIDTH = SETTING.of(1.0, 0.25)
EPOCHS = 3


def main() -> None:
    files = [Path(SETTING.scratch, f"{device}.npz") for device in ("cpu", "gpu")]
    places = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}, {}
    jobs = [
        subprocess.Popen(
            [sys.executable, "-m", "gpu_parts.quantized", "values", str(file)],
            env=os.environ | place,
        )
        for file, place in zip(files, places, strict=True)
    ]
    for job in jobs:
        job.wait(seconds_left())
    _compare(*(np.load(file) for file in files))
    _epochs()


def _network():
    import keras

    from keras_inception.builder import build
    from keras_inception.tflite.keras_graph.lowering import lower
    from keras_inception.tflite.keras_graph.read import in_float32, read
    from keras_inception.training.recipes.recipe import recipe_for

    keras.utils.set_random_seed(0)
    recipe = recipe_for("folder:photos", image_size=SIZE, width=WIDTH)
    model = build(network_of(recipe, 3, 10), keras, dtype="mixed_float16")
    return model, lower(read(in_float32(model)))


def _images(count: int) -> np.ndarray:
    from sklearn.datasets import load_sample_images

    from keras_inception.preprocess import Preprocessing

    rng, found = np.random.default_rng(0), []
    for k in range(count):
        image = load_sample_images().images[k % 2] if k < 2 else found[k % 2]
        top, left = (rng.integers(0, side - SIZE) for side in image.shape[:2])
        found.append(image) if k < 2 else found.append(image[top : top + SIZE, left : left + SIZE])
    return Preprocessing()(np.stack(found[2:]))


def values(file: str) -> None:
    if SETTING.backend == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")  # no TF32
    from keras_inception.preprocess import Preprocessing
    from keras_inception.tflite.qat import engine

    _, network = _network()
    images = _images(18)
    quantized = engine("keras")(network, images, Preprocessing().range)
    tensors = {str(number): number for number in quantized.observers}
    found = quantized.outputs(images, tensors)
    steps = {f"step {n}": (high - low) / 255 for n, (low, high) in quantized.ranges().items()}
    np.savez(file, **found, **steps)


def _compare(cpu, gpu) -> None:
    off = {n: np.abs(cpu[n] - gpu[n]) / cpu[f"step {n}"] for n in cpu if not n.startswith("step")}
    every = np.concatenate([values.ravel() for values in off.values()])
    tell(
        "rounded values on the card beside the CPU's, in steps of 8 bits",
        tensors=len(off),
        largest=float(every.max()),
        share_beyond_half_a_step=float(np.mean(every > 0.5)),
    )


def _epochs() -> None:
    import keras

    from keras_inception.preprocess import Preprocessing
    from keras_inception.tflite.qat import engine
    from keras_inception.training.recipes.optimizers import optimizer_for
    from keras_inception.training.recipes.recipe import recipe_for

    images = keras.ops.convert_to_tensor(_images(BATCH + 2))
    labels = keras.ops.convert_to_tensor(np.arange(BATCH, dtype=np.int32) % 10)

    model, network = _network()
    times = {"float": [], "quantization-aware": []}
    recipe = recipe_for("folder:photos")
    model.compile(optimizer_for(recipe, STEPS, "mixed_float16"), recipe.loss, metrics=["accuracy"])

    def note(kind):
        return lambda *_: times[kind].append(time.perf_counter())

    callback = keras.callbacks.LambdaCallback(on_epoch_end=note("float"))
    batches = resident(images, labels, STEPS)
    batches.examples = SimpleNamespace(truth=np.asarray(labels))  # fine-tuning's loss asks for it
    model.fit(batches, epochs=EPOCHS, verbose=0, callbacks=[callback])
    quantized = engine("keras")(network, _images(18), Preprocessing().range)
    quantized.fine_tune(batches, EPOCHS, 1e-4, note("quantization-aware"), "mixed_float16")
    seconds = {kind: min(np.diff(ends)) / STEPS for kind, ends in times.items()}
    tell(
        "a step of quantization-aware training beside one of the float network, mixed_float16",
        **{f"{kind}_ms": 1000 * value for kind, value in seconds.items()},
        ratio=seconds["quantization-aware"] / seconds["float"],
    )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        values(sys.argv[2])
