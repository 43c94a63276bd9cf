"""Both engines of quantization-aware training on a trained run: accuracy, and the time of a step.

    python benchmarks/engines.py RUN [EPOCHS]

The run's float model, its post-training INT8 file and each engine's INT8 file before and after
EPOCHS (default: a tenth of the run's) on the same held-out images; then training steps on one
batch, the float model and the engines taking turns. The run folder is left as it is.
"""

import logging
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import keras

from keras_inception import load_model
from keras_inception.evaluation.accuracy import evaluate
from keras_inception.tflite import exporting
from keras_inception.tflite.keras_graph.integer_operators import in_integers
from keras_inception.tflite.qat import ENGINES, engine
from keras_inception.tflite.source import open_source
from keras_inception.training.data.batches import TrainingBatches
from keras_inception.training.run import run_folder

STEPS = 15


def main(folder: str, epochs: int | None = None) -> None:
    logging.disable()
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary, "run")
        shutil.copytree(folder, copy)
        print(f"float           {evaluate(copy)}", flush=True)
        print(f"post-training   {evaluate(exporting.export(copy, scheme='int8'))}", flush=True)
        for name in ENGINES:
            for tuned in (0, epochs):
                path = exporting.quantize(copy, epochs=tuned, engine=name).path
                when = "before" if tuned == 0 else "after"
                print(f"{name:<6} {when:<7}  {evaluate(path)}", flush=True)
        _steps(copy)


def _steps(folder: Path) -> None:
    run = run_folder.trained(folder)
    split = run.split()
    source = open_source(run)
    batches = TrainingBatches(split.train, run.recipe.with_hard_labels, source.preprocessing)
    images = source.preprocessing(source.calibration[:32])
    models = {"float": load_model(run.model, compile=False)}
    models["float"].compile(keras.optimizers.SGD(1e-4), "sparse_categorical_crossentropy")
    for name in ENGINES:
        chosen = engine(name)
        network = in_integers(source.network, images)
        models[name] = chosen(network, images, source.preprocessing.range).model
        models[name].compile(chosen.KERAS.optimizers.SGD(1e-4), "sparse_categorical_crossentropy")
    batch, times = batches[0], {name: [] for name in models}
    for _ in range(STEPS + 2):
        for name, model in models.items():
            began = time.perf_counter()
            model.train_on_batch(*batch)
            times[name].append(time.perf_counter() - began)
    median = {name: statistics.median(mine[2:]) for name, mine in times.items()}
    for name, seconds in median.items():
        print(
            f"step, {name:<6}  {1000 * seconds:7.0f} ms, {seconds / median['float']:.2f} of float"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
