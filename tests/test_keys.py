"""The list of weights made from a table is the list of weights of the model built from it."""

import pytest
from helpers.networks import short

from keras_inception.builder import build
from keras_inception.transform import with_pooling
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


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        *((name, short) for name in ("googlenet.caffe", "inception_v3.keras", "attention")),
        *(pytest.param(name, lambda net: net, marks=pytest.mark.slow) for name in NETWORKS),
    ],
)
def test_the_table_names_every_weight_of_the_model(name, cut):
    net = cut(NETWORKS[name])
    listed = [str(key) for key in keys(net)]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(store.variables(build(net)))


def test_the_weights_of_a_head_say_so():
    heads = {key.head for key in keys(VARIANTS["googlenet.caffe"])}
    assert heads == {None, "aux1", "aux2"}
