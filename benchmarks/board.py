"""What a board costs: steps of the Fashion-MNIST network with and without, and an epoch's end."""

import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from keras_inception.builder import build
from keras_inception.preprocess import Preprocessing
from keras_inception.training import fit
from keras_inception.training.recipes.recipe import network_of, recipe_for
from keras_inception.training.run.run_folder import Run
from keras_inception.training.tensorboard.callback import Board
from keras_inception.training.tensorboard.gradient_norms import GradientNorms
from keras_inception.training.tensorboard.rows import Rows

STEPS, ROUNDS = 468, 20

recipe = recipe_for("fashion_mnist")
net = network_of(recipe, 1, 10)
folder = Path(tempfile.mkdtemp())
run = Run(folder, recipe, net, Preprocessing(), tuple("0123456789"), {}, {}, {})
run.save()
rng = np.random.default_rng(0)
images = rng.normal(size=(recipe.batch_size, *net.input_shape)).astype("float32")
batch = images, rng.integers(0, 10, recipe.batch_size)


def compiled(metrics):
    model = build(net, keras)
    optimizer = fit.optimizer_for(recipe, STEPS, "float32")
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=metrics)
    return model


class Batches(list):
    batch_size, epoch = recipe.batch_size, 0


models = {"without": compiled(["accuracy"]), "with": compiled(fit._metrics(recipe, 10))}
optimizer, variables = models["with"].optimizer, models["with"].trainable_variables
norms = GradientNorms(optimizer, variables, Rows(net).outermost)
times = {name: [] for name in models}
for step in range(-2, ROUNDS):
    for name in list(models)[:: 1 if step % 2 else -1]:
        began, busy = time.perf_counter(), time.process_time()
        models[name].train_on_batch(*batch)
        if step >= 0:  # the first two compile
            times[name].append((time.perf_counter() - began, time.process_time() - busy))
for name, values in times.items():
    wall, processor = np.median(values, axis=0)
    print(f"step {name} a board: {wall:.4f} s, {processor:.4f} s of processors")
board = Board(run, Batches([batch] * STEPS), 10_000, norms, histograms=False)
board.set_model(models["with"])
board.on_train_begin()
for epoch in range(3):
    board.on_epoch_begin(epoch)
    board.on_test_begin()
    board.on_test_end()
    began = time.perf_counter()
    board.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 1.0})
    print(f"end of epoch {epoch + 1}: {time.perf_counter() - began:.3f} s")
