"""`tfds:NAME[:VERSION]`: sets that tensorflow_datasets has prepared on this disk."""

from __future__ import annotations

import os
from hashlib import sha256

import numpy as np

from keras_inception.errors import BadInput

from ..examples import Examples, Split, of_files


def of_tfds(name: str) -> Split:
    """Its train part, and its validation part or else its test part; nothing is downloaded.

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
    test = "validation" if "validation" in builder.info.splits else "test"
    for part in ("train", test):
        if part not in builder.info.splits:
            raise BadInput(f"{name} has no part {part!r}; give a set that is split")
    return Split(_part(library, builder, "train"), _part(library, builder, test))


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
