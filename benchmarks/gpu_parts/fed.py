"""`train` from packed JPEGs: whether the pipeline keeps up with the step, and the batch that fits.

With arguments a process of its own: `train RUN PACKED` or `batch`.
"""

import logging
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from .setting import SETTING, network_of, seconds_left, tell, told

FILES, BATCH, SIZE = SETTING.of((3072, 128, 224), (60, 8, 75))
CLASSES = 8
#: Of the card's memory, so that a batch that does not fit is soon found.
SHARE = "0.03"


def main() -> None:
    photographs, packed = SETTING.folder("jpegs"), Path(SETTING.scratch, "packed")
    began = time.monotonic()
    _write(photographs)
    from keras_inception.training.data import DataRef
    from keras_inception.training.data.packing import pack

    pack(DataRef(f"folder:{photographs}", holdout=0.03, validation=0.03), packed)
    tell("JPEGs of 500x375, written and packed", files=FILES, seconds=time.monotonic() - began)
    for what in (("train", Path(SETTING.scratch, "fed"), packed), ("batch",)):
        done = subprocess.run(
            [sys.executable, "-m", "gpu_parts.fed", *map(str, what)],
            env=os.environ | ({"XLA_PYTHON_CLIENT_MEM_FRACTION": SHARE} if len(what) == 1 else {}),
            stdout=subprocess.PIPE,
            text=True,
            timeout=seconds_left(),
        )
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                print(line, flush=True)


def _write(folder: Path) -> None:
    """Crops of the two photographs that scikit-learn brings."""
    from sklearn.datasets import load_sample_images

    sources = [Image.fromarray(image) for image in load_sample_images().images]
    rng = np.random.default_rng(0)
    corners = rng.integers(0, (sources[0].width - 500, sources[0].height - 375), (FILES, 2))

    def write(k: int) -> None:
        left, top = map(int, corners[k])
        path = folder / f"class {k % CLASSES}" / f"{k}.jpg"
        path.parent.mkdir(exist_ok=True)
        sources[k % 2].crop((left, top, left + 500, top + 375)).save(path)

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(FILES)))


def train(folder: str, packed: str) -> None:
    import keras

    from keras_inception import training
    from keras_inception.training import fit

    fit.network_of = network_of
    began, seen = time.monotonic(), []

    class Rates(logging.Handler):
        def emit(self, record):
            if record.msg.startswith("input pipeline"):
                seen.append(record.args)

    logging.getLogger("keras_inception").setLevel(logging.INFO)
    logging.getLogger("keras_inception").addHandler(Rates())
    steps = []
    take = keras.callbacks.CallbackList.on_train_batch_end

    def note(self, batch, logs=None):
        take(self, batch, logs)
        steps.append((batch, time.monotonic() - began))

    keras.callbacks.CallbackList.on_train_batch_end = note
    run = training.train(
        f"tfrecord:{packed}",
        run=folder,
        network="googlenet",
        image_size=SIZE,
        batch_size=BATCH,
        epochs=2,
        precision="mixed_float16",
        width=SETTING.of(1.0, 0.25),
    )
    alone, _ = seen[0]
    last = [at for _, at in steps[-steps[-1][0] :]]  # the last epoch's, after its first
    taken = BATCH * (len(last) - 1) / (last[-1] - last[0])
    cores = os.cpu_count()
    step = [r for r in told("fast") if r["what"].startswith("train, googlenet, batch 128, ours")]
    values = {"pipeline_alone": alone, "per_core": alone / cores, "trained_on": taken}
    if step:
        values["of_the_step_alone"] = taken / step[0]["images_per_s"]
        values["cores_that_the_step_needs"] = step[0]["images_per_s"] * cores / alone
    tell("train from packed JPEGs, images/s", **values)
    tell("train from packed JPEGs", seconds_to_the_first_step=steps[0][1], top1=run.result["top1"])
    if SETTING.backend == "jax":
        import jax

        stats = jax.devices()[0].memory_stats() or {}
        tell("peak memory", gb=stats.get("peak_bytes_in_use", 0) / 2**30)


def batch() -> None:
    from keras_inception.training import batch_size
    from keras_inception.training.recipes.recipe import recipe_for

    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "true"
    # How good the convolutions are is not the question here, and looking for the best takes long.
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_gpu_autotune_level=0"
    recipe = recipe_for("folder:photos", image_size=SIZE, precision="mixed_float16")
    recipe = replace(recipe, width=SETTING.of(1.0, 0.25))
    tried = []

    class Sizes(logging.Handler):
        def emit(self, record):
            tried.append(record.getMessage())

    logging.getLogger("keras_inception").setLevel(logging.INFO)
    logging.getLogger("keras_inception").addHandler(Sizes())
    batch_size.SMALLEST, batch_size.GAIN = SETTING.of(64, 8), 0.0
    batch_size.LARGEST = SETTING.of(1024, 8)
    found = batch_size.fitted(recipe, 10_000, 3, CLASSES)
    tell(f"--batch auto in {SHARE} of the memory", batch=found.batch_size, tried=tried)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        {"train": train, "batch": batch}[sys.argv[1]](*sys.argv[2:])
