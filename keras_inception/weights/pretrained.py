"""Published weights, by tag or from a file: arrays under our names, and the network they fit."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from .. import records
from ..builder import build
from ..errors import BadInput
from ..files import replacing
from ..nodes import Classifier, Conv
from ..preprocess import Preprocessing, Unsaid, named
from ..serialization import from_config, to_config
from ..spec import Network
from ..transform import without_aux, without_top
from . import download, formats, store
from .keys import keys
from .names import NAME_MAPS
from .presets import PRESETS, PUBLISHED, Preset, preset
from .recognition import has_classifier, recognize
from .rename import rename
from .transfer_learning import with_channels

#: The array of our own files that says, in JSON, which network they are for.
RECORD = "keras_inception.json"
#: torchvision's switch changes what the network expects, and none of its arrays.
_OF_TORCHVISION = (
    ' (torchvision\'s: "tf" if it had transform_input=True, as with its published weights, '
    '"torch" if False)'
)


@dataclass(frozen=True)
class PretrainedWeights:
    """Weights under our names, and what they are for.

    `net` is the network as its trainer had it, with their number of classes, and with heads if
    the weights have them; `arrays` fill it exactly, or its trunk alone. `preprocessing` is the
    trainer's, None for a file of somebody's own that does not say; `hint` helps to say it.
    """

    net: Network
    arrays: dict[str, np.ndarray]
    preprocessing: Preprocessing | None
    origin: str
    heads_trained: bool = True
    hint: str = ""

    @property
    def name(self) -> str:
        """The preset's tag, or the file's name without its suffix."""
        return self.origin if self.origin in PRESETS else Path(self.origin).stem

    def expecting(self, preprocessing: str | Preprocessing | None) -> PretrainedWeights:
        """With a record of what pixels become, or the name of one in NAMED, if it lacks that.

        Raises Unsaid if nobody says, and BadInput if you contradict the weights.
        """
        if preprocessing is None:
            if self.preprocessing is None:
                raise Unsaid(f"{self.origin} does not say what it expects of pixels{self.hint}")
            return self
        given = named(preprocessing).for_channels(self.net.input_shape[-1])
        if self.preprocessing not in (None, given):
            raise BadInput(
                f"{self.origin} says itself that its input is {self.preprocessing}, crop "
                f"{self.preprocessing.crop}: leave --preprocessing out"
            )
        return replace(self, preprocessing=given)

    def with_classes(self, classes: int | None) -> PretrainedWeights:
        """Without the background class, if that makes it `classes`; unchanged otherwise."""
        if (classes, self.net.classes) != (1000, 1001):
            return self
        arrays = {
            key: array[..., 1:] if array.shape[-1] == self.net.classes else array
            for key, array in self.arrays.items()
        }
        return replace(self, net=replace(self.net, classes=classes), arrays=arrays)

    def with_channels(self, channels: int) -> PretrainedWeights:
        """For images of `channels`, its first kernel as `transfer_learning.with_channels` has it.

        Raises BadInput for a first convolution that is separable.
        """
        old = self.net.input_shape
        if channels == old[2]:
            return self
        first = keys(self.net)[0]
        if not isinstance(first.row, Conv):
            raise BadInput(
                f"{self.origin} begins with a separable convolution of {old[2]} channels, which "
                f"cannot be made one of {channels}: give the images {old[2]} channels"
            )
        arrays = {**self.arrays, str(first): with_channels(self.arrays[str(first)], channels)}
        net = replace(self.net, input_shape=(*old[:2], channels))
        expected = self.preprocessing and self.preprocessing.for_channels(channels)
        return replace(self, net=net, arrays=arrays, preprocessing=expected)

    def model(self):
        """The network without heads as a Keras 3 model in float32, filled.

        Raises BadInput for the weights of a trunk alone.
        """
        self.require_classifier()
        model = build(without_aux(self.net), dtype="float32")
        store.write(model, self.arrays, partial=True)
        return model

    def require_classifier(self) -> None:
        """Raise BadInput for the weights of a trunk alone, which do not classify."""
        if not has_classifier(self.net, self.arrays):
            raise BadInput(
                f"{self.origin} holds the trunk of {self.net.name} without a classifier of its "
                "own: in Python give include_top=False, and train one with keras-inception train "
                f"--weights {self.origin} --classes-from-data"
            )

    def without_classifiers(self) -> PretrainedWeights:
        """The trunk, and what the heads have before their last layers."""
        last = {str(key) for key in keys(self.net) if isinstance(key.row, Classifier)}
        arrays = {key: array for key, array in self.arrays.items() if key not in last}
        return replace(self, arrays=arrays)


def exists(weights: str | Path) -> bool:
    """Whether `weights` is a file (or the prefix of a checkpoint) or the tag of a preset."""
    path = Path(weights)
    return path.is_file() or Path(f"{path}.index").is_file() or str(weights) in PRESETS


def load(
    weights: str | Path, network: str | None = None, built: Network | None = None
) -> PretrainedWeights:
    """The weights that `weights` names: "imagenet", the tag of a preset, or the path of a file.

    `network` is the member of the family they are for; it may be None for a tag or a path. `built`
    is what a file may be the weights of under our own names, which do not say whose they are. A
    preset is downloaded once, and verified before it is read. Raises BadInput for names
    that mean nothing, downloads that fail and files that fit no network.
    """
    if exists(weights) and str(weights) not in PRESETS:
        return _from_file(Path(weights), network, built)
    return _from_preset(preset(str(weights), network or str(weights).split(".")[0]))


def _from_preset(record: Preset) -> PretrainedWeights:
    file = download.fetch(record.url, record.digest, record.file)
    if record.archive_member:
        file = download.extract_member(file, record.archive_member, file.parent / record.tag)
    arrays = rename(formats.read(file), record.net, NAME_MAPS[record.names])
    trained = record.heads != "untrained"
    return PretrainedWeights(record.net, arrays, record.preprocessing, record.tag, trained)


def _from_file(path: Path, network: str | None, built: Network | None) -> PretrainedWeights:
    arrays = formats.read(path)
    if RECORD in arrays:
        return _from_native(path, arrays, network)
    found = recognize(arrays, str(path), network, built)
    expected = _published(path)
    return PretrainedWeights(
        found.net,
        found.arrays,
        expected and expected.for_channels(found.net.input_shape[-1]),
        str(path),
        hint=_OF_TORCHVISION if found.names == "torchvision" else "",
    )


def _published(path: Path) -> Preprocessing | None:
    """That of the published file which this one is, to the last byte: arrays of the same names
    may have been trained on anything."""
    if path.is_file():
        kinds = {known.partition(":")[0] for known in PUBLISHED}
        found = [download.digest_of(path, kind) for kind in kinds]
        for known, preprocessing in PUBLISHED.items():
            if any(each.startswith(known) for each in found):
                return preprocessing
    return None


def save(found: PretrainedWeights, path: str | Path) -> None:
    """Write weights as a file of ours, which says what it is: `load` needs to recognize nothing."""
    expected = found.preprocessing and asdict(found.preprocessing)
    record = {"network": to_config(found.net), "preprocessing": expected}
    text = np.frombuffer(json.dumps(record).encode(), np.uint8)
    if Path(path).suffix != ".npz":
        raise BadInput(f"weights are written to a .npz file; got {str(path)!r}")
    with replacing(path) as temporary:
        np.savez(temporary, **found.arrays, **{RECORD: text})


def _from_native(
    path: Path, arrays: dict[str, np.ndarray], network: str | None
) -> PretrainedWeights:
    try:
        record = records.parse(arrays.pop(RECORD).tobytes())
        net = from_config(records.part(record, "network"))
        if not isinstance(net, Network):
            raise BadInput("it has no network")
        preprocessing = records.part(record, "preprocessing", Preprocessing | None)
    except BadInput as error:
        raise BadInput(f"the record in {path} is damaged ({error}); convert it again") from error
    if network not in (None, net.name):
        raise BadInput(f"{path} holds the weights of {net.name}; those of {network} are needed")
    part = net if has_classifier(net, arrays) else without_top(net)
    return PretrainedWeights(
        net, rename(arrays, part, NAME_MAPS["native"]), preprocessing, str(path)
    )
