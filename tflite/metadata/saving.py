"""A `.tflite` file with its metadata, and what stands beside it: labels and a JSON record."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Unpack

from keras_inception.errors import BadInput
from keras_inception.files import write_bytes, write_json
from keras_inception.preprocess import Preprocessing

from ..file import guard
from ..file.graph import Graph
from .reading import read
from .record import Metadata, Said
from .writing import embed


def save(path: Path, graph: Graph, metadata: Metadata, record: dict) -> None:
    """Write the file, which has `metadata` in it, its labels as `NAME.labels.txt`, and the JSON.

    The JSON is `record`, with the digest of the file and a copy of what the file says of itself.
    """
    content = graph.content
    write_bytes(path, content)
    for name, lines in metadata.files.items():
        write_bytes(path.with_suffix(f".{name}"), lines)
    said = asdict(metadata)
    written = {
        **record,
        "classes": said.pop("labels"),
        "preprocessing": said.pop("preprocessing"),
        "sha256": sha256(content).hexdigest(),
        "metadata": said,
    }
    write_json(path.with_suffix(".json"), written)


def describe(
    path: str | Path, mean: float | None = None, std: float | None = None, **said: Unpack[Said]
) -> Metadata:
    """What a file says of itself, after writing what is `said` into it.

    Raises BadInput for labels or a threshold that do not fit, for a damaged file, and for one that
    does not say what it expects of its pixels: then give `mean` and `std`.
    """
    path = Path(path)
    content = guard.read_bytes(path)
    known = read(content, path)
    if (mean is None) != (std is None):
        raise BadInput("give --mean and --std together")
    if not said and mean is None:
        return known or Metadata()
    saying = (known or Metadata()).saying(**said)
    guard.require_sound(path, content)
    beside = path.with_suffix(".json")
    try:
        record = json.loads(beside.read_text()) if beside.is_file() else {}
        expected = Preprocessing(**record["preprocessing"]) if "preprocessing" in record else None
    except (ValueError, TypeError) as error:
        raise BadInput(f"{beside} is damaged ({error}); remove it") from error
    if mean is not None and std is not None:
        expected = Preprocessing(mean, std)
    elif known:
        expected = known.preprocessing
    elif expected is None:
        raise BadInput(
            f"{path} does not say what it expects of its pixels; give --mean and --std: input = "
            "(pixel - mean) / std, before its scale and zero point"
        )
    metadata = replace(saying, preprocessing=expected)
    save(path, embed(Graph.read(content), metadata), metadata, record)
    return metadata
