"""`tfds:NAME[:VERSION]`: sets that tensorflow_datasets has prepared on this disk."""

from __future__ import annotations

import os
from hashlib import sha256

import numpy as np

from keras_inception.errors import BadInput

from ..examples import PARTS, TRAIN, Examples, Parts, of_files


def of_tfds(name: str) -> Parts:
    """Its train, validation and test parts, or its train part and the one other that has labels;
    nothing is downloaded.

    The encoded images are held in memory: a larger set is better packed once.
    """
    try:
        import tensorflow_datasets as library
    except ImportError as error:
        raise BadInput(
            f"tfds:{name} is read by tensorflow_datasets, which is not installed; "
            "`pip install tensorflow_datasets` installs it"
        ) from error
    try:
        builder = library.builder(name)
    except Exception as error:  # Unknown names and versions each have an error of their own.
        raise BadInput(
            f"tensorflow_datasets cannot open {name!r} ({str(error).splitlines()[0]}); give a name "
            "that it lists, and a version that is on this disk"
        ) from error
    if not os.path.isdir(builder.data_dir):
        raise BadInput(
            f"{name} is not prepared in {builder.data_dir}; `tfds build {name}` downloads and "
            "prepares it"
        )
    image, label = builder.info.supervised_keys or (None, None)
    if (image, label) != ("image", "label"):
        raise BadInput(f"{name} is no set of images with a label; give one that is")
    found = {part: _part(library, builder, part) for part in PARTS if part in builder.info.splits}
    # Contests keep the labels of their test part: tfds has -1 for them.
    labelled = {part: examples for part, examples in found.items() if examples.labels.min() >= 0}
    if TRAIN not in labelled or len(labelled) < 2:
        raise BadInput(
            f"{name} needs a part train, and validation or test, with labels; it has "
            f"{', '.join(builder.info.splits)}; give a set that is split"
        )
    train, *others = labelled.values()
    return (train, *others) if len(others) == 2 else (train, None, *others)


def _part(library, builder, part: str) -> Examples:
    dataset = builder.as_dataset(
        split=part, shuffle_files=False, decoders={"image": library.decode.SkipDecoding()}
    )
    rows = [(bytes(row["image"]), int(row["label"])) for row in library.as_numpy(dataset)]
    files = [content for content, _ in rows]
    labels = np.array([label for _, label in rows], np.int32)
    digests = [sha256(content).digest() for content in files]
    features = builder.info.features
    return of_files(
        files.__getitem__,
        labels,
        features["label"].names,
        1 if features["image"].shape[-1] == 1 else 3,
        sha256(b"".join(digests) + labels.tobytes()).hexdigest(),
        name=lambda i: f"{builder.name} {part} {i}",
        digests=digests,
    )
