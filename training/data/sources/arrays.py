"""Small images that come as arrays: scikit-learn's digits, and the sets that Keras downloads."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
from PIL import Image

from keras_inception.errors import BadInput, needed_by

from ..examples import Examples, Parts

_DIGITS = tuple("0123456789")
# fmt: off
_ARTICLES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
)
_CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)
_CIFAR100 = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle",
    "bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle",
    "caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch",
    "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox",
    "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom",
    "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road",
    "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake",
    "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone",
    "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow_tree", "wolf", "woman", "worm",
)
# fmt: on
_KERAS = {
    "mnist": _DIGITS,
    "fashion_mnist": _ARTICLES,
    "cifar10": _CIFAR10,
    "cifar100": _CIFAR100,
}


def _arrays(images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], name) -> Examples:
    """Examples of uint8 images, (n, height, width) grey or (n, height, width, 3) RGB."""
    labels = labels.reshape(-1).astype(np.int32)
    return Examples(
        lambda i: Image.fromarray(images[i]),
        labels,
        classes,
        1 if images.ndim == 3 else 3,
        sha256(images.tobytes() + labels.tobytes()).hexdigest(),
        name=lambda i: f"{name} {i}",
        digests=[sha256(image.tobytes()).digest() for image in images],
    )


def digits() -> Parts:
    """scikit-learn's bundled 1,797 handwritten digits, 8x8, grey values 0..16."""
    with needed_by("the data set digits"):
        from sklearn.datasets import load_digits

    found = load_digits()
    images = np.round(found.images * (255 / 16)).astype(np.uint8)
    return _arrays(images, found.target, _DIGITS, "digit"), None, None


def of_keras(name: str) -> Parts:
    """An image set of keras.datasets, with its own split; Keras downloads it once."""
    import keras

    if name not in _KERAS:
        raise BadInput(f"keras:NAME must be one of {', '.join(_KERAS)}; got {name!r}")
    try:
        train, test = getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras wraps every failed download in a bare Exception.
        raise BadInput(
            f"{name} could not be loaded ({error}); with no network, put its files where Keras "
            "keeps them: fashion_mnist's four into ~/.keras/datasets/fashion-mnist/, others into "
            "~/.keras/datasets/"
        ) from error
    classes = _KERAS[name]
    test = _arrays(*test, classes, f"{name} test")
    return _arrays(*train, classes, f"{name} train"), None, test
