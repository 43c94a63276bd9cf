"""`.keras` files for the tests, and others made of them by hand."""

import json
import zipfile

import keras
import numpy as np


def small(path):
    """A small classifier as a `.keras` file, compiled and trained for a step."""
    x = keras.Input((8, 8, 3), name="image")
    y = keras.layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2", name="conv")(x)
    y = keras.layers.GlobalAveragePooling2D()(keras.ops.relu(y * 2))
    y = keras.Sequential([keras.layers.Dense(3, activation="softmax")], name="head")(y)
    model = keras.Model(x, y, name="small")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.train_on_batch(np.ones((2, 8, 8, 3)), np.array([0, 1]))
    model.save(path)
    return path


def member(path, name):
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def config_of(path):
    return json.loads(member(path, "config.json"))


def rewritten(path, target, config=None, weights=None, packed=zipfile.ZIP_STORED):
    """The file at `path` with another config, or other bytes for its weights, at `target`."""
    changed = {}
    if config is not None:
        changed["config.json"] = config if isinstance(config, str) else json.dumps(config)
    if weights is not None:
        changed["model.weights.h5"] = weights
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", packed) as new:
        for name in old.namelist():
            new.writestr(name, changed.get(name, old.read(name)))
    return target


def layer(config, name):
    """The layer of that name, or of that class: Keras numbers the names of operations."""
    layers = config["config"]["layers"]
    (found,) = (each for each in layers if name in (each["name"], each["class_name"]))
    return found
