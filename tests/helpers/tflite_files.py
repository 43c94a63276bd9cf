"""A classifier's file of a few kilobytes, and seeded damage to it."""

import random
from functools import cache

import keras
import numpy as np

from helpers.networks import plain
from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file import guard
from keras_inception.tflite.file.graph import Graph
from keras_inception.tflite.metadata import Metadata, embed

LABELS = ("cat", "dog $1", 'a "bird"', "Ünïcödé")
EXPECTED = Preprocessing(crop=0.875)


def graph_of(path) -> Graph:
    """The file at `path`."""
    return Graph.read(path.read_bytes())


def content(io_type: str = "uint8") -> bytes:
    """The bytes of such a file."""
    return graph(io_type).content


@cache
def graph(io_type: str = "uint8") -> Graph:
    """An untrained network of 16x16 RGB images, or of "grey" ones."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    channels = 1 if io_type == "grey" else 3
    x = image = keras.Input((16, 16, channels))
    x = layers.ReLU()(layers.Conv2D(8, 3, strides=2, padding="same")(x))
    x = layers.Concatenate()([layers.Conv2D(4, 1)(x), layers.MaxPooling2D(3, 1, "same")(x)])
    x = layers.Dense(len(LABELS))(layers.GlobalAveragePooling2D()(x))
    model = plain(keras.Model(image, layers.Activation("softmax")(x)))
    pixels = np.random.default_rng(0).integers(0, 256, (8, 16, 16, channels), np.uint8)
    if io_type == "float32":
        return convert(model, "float32", EXPECTED)
    io_type = "uint8" if io_type == "grey" else io_type
    return convert(model, "int8", EXPECTED, io_type, pixels)


def labelled(io_type: str = "uint8", name: str = "tiny", **said) -> bytes:
    """The same with metadata."""
    metadata = Metadata(name, **{"preprocessing": EXPECTED, "labels": LABELS} | said)
    return embed(graph(io_type), metadata).content


@cache
def crashing() -> bytes | None:
    """The same of one byte changed, so that LiteRT crashes; None if no such byte is soon found."""
    whole, process = labelled(), None
    rng = random.Random(5)
    for _ in range(3000):
        changed = bytearray(whole)
        changed[rng.randrange(8, len(whole))] = rng.randrange(256)
        process = process or guard.Process("x", len(whole))
        try:
            guard.Guarded(process, bytes(changed)).seconds(1)
        except BadInput as error:
            if "crashes" in str(error):
                return bytes(changed)
    return None


def damaged(whole: bytes, seed: int, begin: int = 8) -> bytes:
    """The file cut, padded, with bits flipped, words overwritten, or other bytes altogether; those
    before `begin` stay as they are where a few are changed."""
    rng = np.random.default_rng(seed)
    data = bytearray(whole)
    match seed % 10:
        case 0:
            return bytes(data[: rng.integers(len(data))])
        case 1:
            return bytes(data) + rng.bytes(int(rng.integers(1, 5000)))
        case 2:
            return rng.bytes(4) + b"TFL3" + rng.bytes(len(data) - 8)
        case 3 | 4 | 5 | 6:
            for place in rng.integers(begin, len(data), rng.integers(1, 9)):
                data[place] ^= 1 << int(rng.integers(8))
        case 7 | 8:
            for place in 4 * rng.integers(begin // 4 - 2, len(data) // 4, rng.integers(1, 4)):
                word = int(rng.choice([0, 1, 2**31 - 1, 2**32 - 1, rng.integers(2**32)]))
                data[place : place + 4] = word.to_bytes(4, "little")
        case 9:
            at, size = rng.integers(begin - 8, len(data)), rng.integers(1, 200)
            data[at : at + size] = bytes(len(data[at : at + size]))
    return bytes(data)
