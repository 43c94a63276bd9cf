"""The weights listed from a table are those of the model built from it, in their shapes too."""

from dataclasses import dataclass, replace

import pytest
from helpers.networks import short

from keras_inception.builder import build
from keras_inception.costs import total
from keras_inception.errors import BadInput
from keras_inception.plot import svg
from keras_inception.spec import Row, Weight
from keras_inception.transform import with_norm, with_pooling
from keras_inception.variants import VARIANTS
from keras_inception.weights import store
from keras_inception.weights.keys import keys

NETWORKS = {
    tag: VARIANTS[tag]
    for tag in (
        "googlenet.caffe",
        "googlenet.torchvision",
        "inception_v2.slim",
        "inception_v2.caffe",
        "inception_v3.keras",
        "inception_resnet_v1.osmr",
    )
} | {"attention": with_pooling(VARIANTS["googlenet.slim"], "attention")}


def shapes(model):
    return {name: tuple(weight.shape) for name, weight in store.variables(model).items()}


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        *((name, short) for name in ("googlenet.caffe", "inception_v3.keras", "attention")),
        *(pytest.param(name, lambda net: net, marks=pytest.mark.slow) for name in NETWORKS),
    ],
)
def test_the_table_names_every_weight_of_the_model(name, cut):
    net = cut(NETWORKS[name])
    listed = {str(key): key.shape for key in keys(net)}
    assert len(listed) == len(keys(net))
    assert listed == shapes(build(net))


def test_a_network_too_small_for_its_rows_is_refused():
    with pytest.raises(BadInput, match="at least 17x17"):
        keys(replace(VARIANTS["googlenet.slim"], input_shape=(4, 4, 3)))


def test_the_weights_of_a_head_say_so():
    heads = {key.head for key in keys(VARIANTS["googlenet.caffe"])}
    assert heads == {None, "aux1", "aux2"}


@dataclass(frozen=True)
class PReLU(Row):
    """A node type that no file of the package knows."""

    drawing = "#ffffff", "PReLU"

    def weights(self, shape, net):
        yield Weight(self, self.name, "alpha", (1, 1, shape[2]))

    def layers(self, build, x):
        return build.layer("PReLU", self.name, x, shared_axes=(1, 2))


def test_a_node_type_is_declared_in_one_place():
    """Its costs, weights, layers and drawing, and those of what it stands in, are then known."""
    table = VARIANTS["inception_resnet_v1.osmr"]
    (block,) = [row for row in table.rows if row.name == "block35_1"]
    block = replace(block, branches=(*block.branches, (PReLU("prelu"),)))
    net = replace(table, rows=(*table.rows[:3], block), input_shape=(35, 35, 3))
    model = build(net)
    assert model.count_params() == total(net).parameters
    assert {key.layer for key in keys(net) if key.row.name == "prelu"} == {"prelu"}
    assert {str(key): key.shape for key in keys(net)} == shapes(model)
    assert ">PReLU</text>" in svg(net)
    changed = with_norm(net, None).rows[-1]
    assert changed.branches[-1] == (PReLU("prelu"),)
