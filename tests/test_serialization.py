"""A network written down as JSON is read back equal, also from files of earlier releases."""

import json

import pytest

from keras_inception.errors import BadInput
from keras_inception.networks import FAMILY
from keras_inception.nodes import AdaptiveAvgPool, Bottleneck
from keras_inception.serialization import from_config, to_config
from keras_inception.transform import with_pooling
from keras_inception.variants import VARIANTS

NETWORKS = FAMILY | VARIANTS | {"attention": with_pooling(FAMILY["googlenet"], "attention")}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_survives_being_written_down(name):
    text = json.dumps(to_config(NETWORKS[name]))
    assert from_config(json.loads(text)) == NETWORKS[name]


@pytest.mark.parametrize(
    ("written", "row"),
    [
        (
            {"word": "GridPool", "name": "loss1_ave_pool", "grid": 4},
            AdaptiveAvgPool("loss1_ave_pool", 4),
        ),
        ({"word": "Embedding", "name": "Bottleneck", "units": 512}, Bottleneck("Bottleneck", 512)),
    ],
)
def test_the_names_of_earlier_releases_are_read(written, row):
    assert from_config(written) == row


def test_the_layers_by_stride_of_earlier_releases_are_passed_over():
    net = FAMILY["googlenet"]
    assert from_config(to_config(net) | {"taps": [[8, "inception_3a"]]}) == net


@pytest.mark.parametrize("word", ["Convolution", "Row", "Block", "Weight", "nodes", None])
def test_another_word_is_refused(word):
    with pytest.raises(BadInput, match=rf"with the words AdaptiveAvgPool, Aux, .*got {word!r}"):
        from_config([{"word": word, "name": "conv1"}])
