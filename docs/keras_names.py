"""Writes docs/keras_names.md, from the tables: `python docs/keras_names.py > …`."""

from keras_inception.networks import FAMILY
from keras_inception.nodes import Conv
from keras_inception.spec import Concat, Network, Residual
from keras_inception.weights.keys import keys
from keras_inception.weights.names import keras_applications

HEAD = """\
# Keras' layer names beside ours

Generated from the tables by `python docs/keras_names.py > docs/keras_names.md`.

Tutorials name the layers of `keras.applications`; here a layer has the name that its paper or its
first release gave it. `model.get_layer("mixed7")` of a tutorial is `model.get_layer("Mixed_6e")`
here, and `keras_inception.features(model, at=("Mixed_6e",))` its map. A convolution's own name is
its linear map; with `_bn` it is the normalization, and with `_relu` the activation.

Keras numbers most convolutions in the order in which they are made: `conv2d_5` is the sixth of the
first model that a process builds. What it calls `batch_normalization_5` and `activation_5` are
ours with `_bn` and `_relu`.
"""


def blocks(net: Network) -> dict[str, str]:
    """Keras' name -> ours, of every block that Keras names."""
    found = {}
    joined = [row.name for row in net.rows if isinstance(row, Concat)]
    if net.name == "inception_v3":
        return {f"mixed{number}": name for number, name in enumerate(joined)}
    for row in net.rows:
        if isinstance(row, Concat):
            found[row.name.lower()] = row.name
        elif isinstance(row, Residual) and row.relu:
            # The last block ends in a layer that has no name of its own.
            found[f"{row.name}_ac"] = row.name
        elif row.name == "Conv2d_7b_1x1":
            found["conv_7b_ac"] = f"{row.name}_relu"
    return found


def convolutions(net: Network) -> dict[str, str]:
    """Keras' name -> ours, of every convolution that Keras numbers."""
    found = {}
    sources = keras_applications.names(net)
    for key in keys(net):
        theirs = sources[str(key)].key.partition("/")[0]
        if isinstance(key.row, Conv) and theirs.startswith("conv2d:"):
            number = int(theirs.partition(":")[2])
            found[f"conv2d_{number}" if number else "conv2d"] = key.layer
    return found


def table(names: dict[str, str]) -> list[str]:
    rows = [f"| `{theirs}` | `{ours}` |" for theirs, ours in names.items()]
    return ["| keras.applications | keras_inception |", "|---|---|", *rows, ""]


def page() -> str:
    """docs/keras_names.md."""
    parts = [HEAD]
    for title, name in (
        ("InceptionV3", "inception_v3"),
        ("InceptionResNetV2", "inception_resnet_v2"),
    ):
        net = FAMILY[name]
        parts += [f"## {title}", "", *table(blocks(net)), *table(convolutions(net))]
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    print(page(), end="")
