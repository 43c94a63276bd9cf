"""Every count equals the paper's table, or the public code that holds the same network."""

from dataclasses import replace

import keras
import pytest
import tf_keras

from keras_inception.build import build
from keras_inception.measure import measure, total
from keras_inception.networks.googlenet import GOOGLENET, naive_inception
from keras_inception.spec import BatchNorm
from keras_inception.transform import map_rows, with_norm, without_aux

MAIN = without_aux(GOOGLENET)
# name: (network, all numbers, trainable numbers, multiply-accumulates at 224x224). The trainable
# column is Caffe's file (v1-a), Open Model Zoo's 6.999 M (v1-b); the others follow from the table.
VARIANTS = {
    "v1-a": (GOOGLENET, 13_378_280, 13_378_280, 1_591_044_096),
    "v1-b": (MAIN, 6_998_552, 6_998_552, 1_582_671_872),
    "v1-d": (with_norm(MAIN, "batch"), 7_020_392, 7_005_832, 1_582_671_872),
    "v1-e": (with_norm(GOOGLENET, "batch"), 13_400_888, 13_385_816, 1_591_044_096),
    "v1-f": (with_norm(MAIN, BatchNorm(scale=False)), 7_013_112, 6_998_552, 1_582_671_872),
    "v1-f aux": (
        with_norm(GOOGLENET, BatchNorm(scale=False)),
        13_393_352,
        13_378_280,
        1_591_044_096,
    ),
}
# Table 1 of the paper: output and filters as printed; numbers with biases, and multiply-adds,
# are those the printed widths give (the paper rounds them, and divides parameters by 1024).
TABLE_1 = {
    "conv1_7x7_s2": ((112, 112, 64), 9_472, 118_013_952),
    "pool1_3x3_s2": ((56, 56, 64), 0, 0),
    "conv2_3x3_reduce": ((56, 56, 64), 4_160, 12_845_056),
    "conv2_3x3": ((56, 56, 192), 110_784, 346_816_512),
    "pool2_3x3_s2": ((28, 28, 192), 0, 0),
    "inception_3a": ((28, 28, 256), 163_696, 128_049_152),
    "inception_3b": ((28, 28, 480), 388_736, 304_267_264),
    "pool3_3x3_s2": ((14, 14, 480), 0, 0),
    "inception_4a": ((14, 14, 512), 376_176, 73_608_192),
    "aux1": ((1000,), 3_188_840, 4_169_728),
    "inception_4b": ((14, 14, 512), 449_160, 87_908_352),
    "inception_4c": ((14, 14, 512), 510_104, 99_850_240),
    "inception_4d": ((14, 14, 528), 605_376, 118_515_712),
    "aux2": ((1000,), 3_190_888, 4_202_496),
    "inception_4e": ((14, 14, 832), 868_352, 169_996_288),
    "pool4_3x3_s2": ((7, 7, 832), 0, 0),
    "inception_5a": ((7, 7, 832), 1_043_456, 51_079_168),
    "inception_5b": ((7, 7, 1024), 1_444_080, 70_697_984),
    "pool5_7x7_s1": ((1024,), 0, 0),
    "loss3_classifier": ((1000,), 1_025_000, 1_024_000),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_table_alone_gives_the_published_totals(name):
    net, parameters, trainable, macs = VARIANTS[name]
    cost = total(net)
    assert (cost.parameters, cost.trainable, cost.macs) == (parameters, trainable, macs)


@pytest.mark.parametrize("module", [keras, tf_keras], ids=lambda m: m.__name__)
@pytest.mark.parametrize("name", VARIANTS)
def test_models_have_exactly_the_published_parameters(name, module):
    net, parameters, trainable, _ = VARIANTS[name]
    model = build(net, module)
    assert model.count_params() == parameters
    assert sum(w.shape.num_elements() for w in model.trainable_weights) == trainable


def test_every_row_of_table_1():
    rows = {cost.name: (cost.shape, cost.parameters, cost.macs) for cost in measure(GOOGLENET)}
    assert {name: rows[name] for name in TABLE_1} == TABLE_1


def test_built_layers_have_the_shapes_of_table_1():
    model = build(GOOGLENET, keras)
    for name, (shape, _, _) in TABLE_1.items():
        assert tuple(model.get_layer(name).output.shape[1:]) == shape


def test_one_more_class_costs_its_features_and_a_bias_per_classifier():
    more = replace(GOOGLENET, classes=1001)
    assert total(more).parameters - total(GOOGLENET).parameters == 3 * 1025
    assert total(without_aux(more)).parameters - total(MAIN).parameters == 1025


@pytest.mark.parametrize("channels", [1, 4, 12])
def test_other_input_channels_change_the_first_kernel_alone(channels):
    other = replace(MAIN, input_shape=(224, 224, channels))
    assert total(other).parameters - total(MAIN).parameters == 64 * 49 * (channels - 3)


def test_naive_blocks_everywhere_cost_fourteen_times_the_weights():
    """Figure 2a throughout, at Table 1's widths: why the 1x1 reductions exist."""

    def naive(row):
        if not row.name.startswith("inception"):
            return row
        one, three, five, _ = row.branches
        widths = (branch[-1].filters for branch in (one, three, five))
        return naive_inception(row.name, *widths)

    rows = tuple(naive(row) for row in MAIN.rows)
    costs = measure(replace(MAIN, rows=rows))
    channels = [cost.shape[2] for cost in costs if cost.name.startswith("inception")]
    assert channels == [416, 832, 1280, 1728, 2176, 2640, 3344, 4048, 4944]
    assert sum(cost.macs for cost in costs) == 12_568_061_056
    assert costs[-1].macs == 4_944_000


def test_changing_a_width_in_the_table_is_followed_by_count_and_model():
    """The one edit a reader would try: 4a's 3x3 at 204, as inception5h has it."""
    narrower = replace(
        MAIN,
        rows=map_rows(
            MAIN.rows, lambda r: replace(r, filters=204) if r.name == "inception_4a_3x3" else r
        ),
    )
    cost = {c.name: c for c in measure(narrower)}["inception_4a"]
    assert cost.shape == (14, 14, 508)
    # Paper, table 1: 364K parameters in 4a, which only 204 filters give (372,096 / 1024 = 363.4).
    biases = 192 + 96 + 204 + 16 + 48 + 64
    assert cost.parameters - biases == 372_096
    assert build(narrower, keras).count_params() == total(narrower).parameters
