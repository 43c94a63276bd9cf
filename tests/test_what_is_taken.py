"""The page of what is taken names what the code takes: no more, and no less."""

import re
from pathlib import Path

from keras_inception import images
from keras_inception.tflite.keras_graph import emitter, lowering
from keras_inception.training.data.sources.part_names import part_of
from keras_inception.weights.formats import FORMATS, torch_file

PAGE = Path(__file__).resolve().parents[1].joinpath("docs/what-is-taken.md").read_text("utf-8")
CELLS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
FIRST = [cells[0] for cells in CELLS]


def cell(begins):
    (found,) = (first for first in FIRST if first.startswith(begins))
    return found


def words(of):
    return set(re.findall(r"`(.+?)`", of))


def test_every_format_of_photographs():
    assert all(name.upper() in PAGE.upper() for name in images.FORMATS)


def test_what_systems_leave_behind():
    left = words(cell("names with a dot first"))
    assert left and {name.lower() for name in left} <= images._LEFT_BEHIND


def test_what_folders_of_parts_are_called():
    spelled = cell("folders called as parts are: ").split(": ")[1].split(" … ")[0]
    assert all(part_of(word.strip()) for word in spelled.strip(", ").split(", "))


def test_every_suffix_and_entry_of_weights():
    assert all(f"`{suffix}`" in PAGE for kind in FORMATS for suffix in kind.suffixes)
    assert all(f"`{name}`" in PAGE for name in torch_file._STATES)


def test_every_layer_activation_and_operation():
    from keras import layers

    operations = {*lowering.OPERATIONS, *lowering._OF_OPS, *lowering._AFFINE, "Maximum", "Minimum"}
    known = {*lowering.STOCK, *lowering._LAYERS, *lowering._AFFINE, "Maximum", "Minimum"}
    expected = {
        "Layers": {name for name in known if hasattr(layers, name)},
        "Activations": {*emitter.ACTIVATIONS, *emitter.COMPOSED, *emitter._ALSO} - {"gelu_tanh"},
        "Operations of `keras.ops`": {
            re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
            for name in operations - {"LayerScale", "Rescaling"}
        },
    }
    for line, names in expected.items():
        listed = re.search(rf"^{line}: ([^.]*)\.$", PAGE, re.M | re.S)[1]
        assert set(re.split(r",\s+", listed)) == names
