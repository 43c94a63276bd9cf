"""Labelled images: where they come from, and how they are split."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from keras_inception.errors import BadInput

from .images import EXTENSIONS, decode, scan

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examples:
    """Labelled images, decoded when asked for.

    `image(i)` gives an 8-bit Pillow image of mode "L" or "RGB" (`channels` 1 or 3); `labels` are
    int32 positions in `classes`; `fingerprint` is a SHA-256 over all pixels or files and labels.
    """

    image: Callable[[int], Image.Image]
    labels: np.ndarray
    classes: tuple[str, ...]
    channels: int
    fingerprint: str

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> Examples:
        """These examples only; the fingerprint stays the whole set's."""
        return Examples(
            lambda i: self.image(indices[i]),
            self.labels[indices],
            self.classes,
            self.channels,
            self.fingerprint,
        )

    def balanced(self, count: int, seed: int) -> Examples:
        """About `count` examples, the same number of every class, drawn with `seed`."""
        each = -(-count // len(self.classes))
        order = np.random.default_rng(seed).permutation(len(self))
        chosen = [order[self.labels[order] == k][:each] for k in range(len(self.classes))]
        return self.take(np.concatenate(chosen))


@dataclass(frozen=True)
class Split:
    """What is trained on, and what is only evaluated on."""

    train: Examples
    test: Examples


def load(source: str, holdout: float = 0.2, seed: int = 0) -> Split:
    """The data set `source` names: "digits", "fashion_mnist" or "folder:PATH".

    Fashion-MNIST has its own test set; of the others `holdout` of each class is kept for
    evaluation, drawn with `seed`. Raises BadInput for a source that cannot be used.
    """
    kind, _, path = source.partition(":")
    if kind == "folder" and path:
        return _hold_out(_folder(Path(path)), holdout, seed)
    if source == "digits":
        return _hold_out(_digits(), holdout, seed)
    if source == "fashion_mnist":
        return _fashion_mnist()
    raise BadInput(f"data must be digits, fashion_mnist or folder:PATH; got {source!r}")


def _hold_out(examples: Examples, holdout: float, seed: int) -> Split:
    order = np.random.default_rng(seed).permutation(len(examples))
    test = []
    for label, name in enumerate(examples.classes):
        members = order[examples.labels[order] == label]
        if len(members) < 2:
            raise BadInput(
                f"class {name!r} has {len(members)} image: a class needs at least two, one to "
                "train on and one to evaluate on"
            )
        test.extend(members[: min(len(members) - 1, max(1, round(holdout * len(members))))])
    test = np.sort(np.array(test))
    train = np.setdiff1d(np.arange(len(examples)), test)
    return Split(examples.take(train), examples.take(test))


def _arrays(images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> Examples:
    """Examples of (n, height, width) uint8 grey images."""
    labels = labels.astype(np.int32)
    fingerprint = sha256(images.tobytes() + labels.tobytes()).hexdigest()
    return Examples(lambda i: Image.fromarray(images[i]), labels, classes, 1, fingerprint)


def _digits() -> Examples:
    """scikit-learn's bundled 1,797 handwritten digits, 8x8, grey values 0..16."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)
    return _arrays(images, digits.target, tuple("0123456789"))


def _fashion_mnist() -> Split:
    """Zalando's 60,000 + 10,000 articles, 28x28 grey; Keras downloads them once."""
    import keras

    classes = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )
    try:
        train, test = keras.datasets.fashion_mnist.load_data()
    except Exception as error:  # Keras wraps every failed download in a bare Exception.
        raise BadInput(
            f"Fashion-MNIST could not be loaded ({error}); with no network, put its four files "
            "into ~/.keras/datasets/fashion-mnist/"
        ) from error
    return Split(_arrays(*train, classes), _arrays(*test, classes))


def _folder(root: Path) -> Examples:
    """A folder with one sub-folder of JPEG and PNG files per class, classes sorted by name."""
    if not root.is_dir():
        raise BadInput(f"there is no folder {str(root)!r}; give one with a sub-folder per class")
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(folders) < 2:
        raise BadInput(
            f"{root} needs a sub-folder of images for each of at least two classes; "
            f"it has {len(folders)}"
        )
    files = {
        folder: sorted(p for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS)
        for folder in folders
    }
    found = scan([path for paths in files.values() for path in paths])
    for path, reason in list(found.unreadable.items())[:5]:
        log.warning("left out: %s: %s", path, reason)
    if found.unreadable:
        log.warning(
            "%d of %d images could not be read and are left out",
            len(found.unreadable),
            len(found.unreadable) + len(found.digests),
        )
    if found.modes:
        kinds = ", ".join(f"{count} of mode {mode}" for mode, count in found.modes.most_common())
        log.warning("converted to 8-bit RGB: %s", kinds)
    paths, labels = [], []
    for label, folder in enumerate(folders):
        readable = [path for path in files[folder] if path in found.digests]
        if not readable:
            raise BadInput(
                f"class folder {folder} holds no readable image; it needs {'/'.join(EXTENSIONS)} "
                "files, or must be removed"
            )
        paths += readable
        labels += [label] * len(readable)
    listing = "\n".join(f"{p.relative_to(root).as_posix()} {found.digests[p]}" for p in paths)
    return Examples(
        lambda i: decode(paths[i].read_bytes(), "RGB"),
        np.array(labels, np.int32),
        tuple(folder.name for folder in folders),
        3,
        sha256(listing.encode()).hexdigest(),
    )
