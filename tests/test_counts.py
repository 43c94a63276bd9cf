"""Every count equals the paper's table, or the public code that holds the same network."""

import math
from dataclasses import replace

import keras
import pytest
import tf_keras
from helpers.marks import slow_but
from helpers.networks import short

from keras_inception.builder import build
from keras_inception.costs import measure, smallest_input, total
from keras_inception.networks import FAMILY
from keras_inception.networks.googlenet import GOOGLENET
from keras_inception.spec import Network
from keras_inception.transform import map_rows, with_norm, without_aux, without_top
from keras_inception.variants import VARIANTS, WITH_SCALE, WITHOUT_SCALE, naive

MAIN = without_aux(GOOGLENET)


def published(tag, aux=False, scale=None, **changes) -> Network:
    """A public variant, with or without heads, with or without batch normalization's scale."""
    net = VARIANTS[tag] if aux else without_aux(VARIANTS[tag])
    if scale is not None:
        net = with_norm(net, WITH_SCALE if scale else WITHOUT_SCALE)
    return replace(net, **changes)


# name: (network, trainable, statistics, multiply-accumulates at the native size or None).
# Counted from other people's models: v1-g, v1-h torchvision; v1-i, v1-j, v2-a, v2-b, v3-e slim;
# v3-a, v3-b torchvision and timm; v3-c, v3-f, ir2-c, ir2-e keras.applications; v4-a, ir2-a timm;
# x-1 d2l. The others from the published tables, by an independent list of convolutions
# that gives the former too.
ROWS = {
    "v1-a": (published("googlenet.caffe", aux=True), 13_378_280, 0, 1_591_044_096),
    "v1-b": (MAIN, 6_998_552, 0, 1_582_671_872),
    "v1-c": (replace(MAIN, bias=False), 6_990_272, 0, 1_582_671_872),
    "v1-d": (with_norm(MAIN, "batch"), 7_005_832, 14_560, 1_582_671_872),
    "v1-e": (with_norm(GOOGLENET, "batch"), 13_385_816, 15_072, 1_591_044_096),
    "v1-f": (with_norm(MAIN, WITHOUT_SCALE), 6_998_552, 14_560, 1_582_671_872),
    "v1-f aux": (with_norm(GOOGLENET, WITHOUT_SCALE), 13_378_280, 15_072, 1_591_044_096),
    "v1-g": (published("googlenet.torchvision", aux=True), 13_004_888, 15_072, 1_506_748_416),
    "v1-h": (published("googlenet.torchvision"), 6_624_904, 14_560, 1_498_376_192),
    "v1-i": (published("googlenet.slim"), 6_617_624, 14_560, 1_498_376_192),
    "v1-j": (published("googlenet.slim", classes=1001), 6_618_649, 14_560, None),
    "v2-a": (published("inception_v2.slim"), 11_178_336, 19_776, 1_934_857_216),
    "v2-b": (published("inception_v2.slim", classes=1001), 11_179_361, 19_776, None),
    "v2-c": (published("inception_v2.paper"), 11_285_224, 20_032, 2_032_600_064),
    "v2-d": (published("inception_v2.caffe"), 11_295_240, 20_032, 2_032_600_064),
    "v2-e": (published("inception_v2.plain_stem"), 11_194_984, 19_904, 2_018_851_840),
    "v3-a": (published("inception_v3.torchvision", aux=True), 27_161_264, 36_224, 5_718_899_296),
    "v3-b": (published("inception_v3.torchvision"), 23_834_568, 34_432, 5_713_216_096),
    "v3-c": (published("inception_v3.keras"), 23_817_352, 34_432, 5_713_216_096),
    "v3-d": (published("inception_v3.keras", aux=True), 27_143_152, 36_224, 5_718_899_296),
    "v3-e": (published("inception_v3.keras", classes=1001), 23_819_401, 34_432, None),
    "v3-e aux": (published("inception_v3.keras", aux=True, classes=1001), 27_145_970, 36_224, None),
    "v3-f": (without_top(VARIANTS["inception_v3.keras"]), 21_768_352, 34_432, None),
    "v4-a": (published("inception_v4.timm"), 42_679_816, 63_168, 12_253_974_624),
    "v4-b": (published("inception_v4.timm", aux=True), 46_039_280, 64_960, 12_260_477_024),
    "v4-c": (published("inception_v4.slim"), 42_648_232, 63_168, None),
    "v4-d": (published("inception_v4.slim", aux=True), 46_006_800, 64_960, None),
    "v4-d 1001": (
        published("inception_v4.slim", aux=True, classes=1001),
        46_009_106,
        64_960,
        None,
    ),
    "ir1-a": (
        published("inception_resnet_v1.paper", scale=True),
        22_756_328,
        27_040,
        6_206_361_696,
    ),
    "ir1-b": (published("inception_resnet_v1.paper"), 22_742_808, 27_040, None),
    "ir1-c": (published("inception_resnet_v1.facenet"), 24_357_096, 28_576, None),
    "ir1-d": (published("inception_resnet_v1.osmr"), 23_995_624, 29_600, None),
    "ir2-a": (published("inception_resnet_v2.timm"), 55_843_464, 60_544, 13_155_794_016),
    "ir2-b": (
        published("inception_resnet_v2.timm", aux=True),
        59_211_120,
        62_336,
        13_162_501_216,
    ),
    "ir2-c": (published("inception_resnet_v2.keras"), 55_813_192, 60_544, 13_155_794_016),
    "ir2-d": (published("inception_resnet_v2.keras", aux=True), 59_179_952, 62_336, None),
    "ir2-d 1001": (
        published("inception_resnet_v2.keras", aux=True, classes=1001),
        59_182_258,
        62_336,
        None,
    ),
    "ir2-e": (without_top(VARIANTS["inception_resnet_v2.keras"]), 54_276_192, 60_544, None),
    "ir2-f": (
        published("inception_resnet_v2.paper", scale=True),
        32_433_928,
        32_864,
        9_257_953_632,
    ),
    "ir2-f no scale": (published("inception_resnet_v2.paper"), 32_417_496, 32_864, 9_257_953_632),
    "x-1": (replace(MAIN, input_shape=(96, 96, 1), classes=10), 5_977_530, 0, None),
    "x-2": (published("googlenet.inception5h"), 7_066_380, 0, None),
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


@pytest.mark.parametrize("name", ROWS)
def test_the_table_alone_gives_the_published_totals(name):
    net, trainable, statistics, macs = ROWS[name]
    cost = total(net)
    assert (cost.trainable, cost.non_trainable) == (trainable, statistics)
    assert macs is None or cost.macs == macs


def assert_counted(net, module):
    """The model built from the table has the numbers that the table gives."""
    model, cost = build(net, module), total(net)
    assert model.count_params() == cost.parameters
    assert sum(math.prod(w.shape) for w in model.trainable_weights) == cost.trainable


@pytest.mark.slow
@pytest.mark.parametrize("module", [keras, tf_keras], ids=lambda m: m.__name__)
@pytest.mark.parametrize("name", ROWS)
def test_models_have_exactly_the_published_parameters(name, module):
    assert_counted(ROWS[name][0], module)


#: The largest are built by the tests of the family.
QUICK = ("googlenet", "inception_v3", "googlenet.torchvision", "inception_v2.caffe")
QUICK += ("inception_resnet_v1.osmr",)


@pytest.mark.parametrize("name", slow_but(QUICK, (*FAMILY, *VARIANTS)))
def test_models_cut_short_have_the_parameters_of_their_tables(name):
    """At a quarter of the width, one block of each kind: every row's count is the model's."""
    assert_counted(short({**FAMILY, **VARIANTS}[name]), tf_keras if name in FAMILY else keras)


def test_a_model_of_full_size_has_exactly_the_published_parameters():
    assert_counted(GOOGLENET, keras)


def test_no_member_or_variant_is_left_out():
    counted = {without_aux(net).rows for net, *_ in ROWS.values()}
    nets = {**FAMILY, **VARIANTS}
    assert {name for name, net in nets.items() if without_aux(net).rows not in counted} == set()


@pytest.mark.parametrize(
    ("tag", "pixels"),
    # torchvision's GoogLeNet (minimum it states), and keras.applications' and timm's 75.
    [
        ("googlenet.torchvision", 15),
        ("inception_v3.keras", 75),
        ("inception_v4.timm", 75),
        ("inception_resnet_v2.keras", 75),
    ],
)
def test_the_smallest_input_is_the_published_one(tag, pixels):
    assert smallest_input(VARIANTS[tag]) == pixels


def test_every_row_of_table_1():
    rows = {cost.name: (cost.shape, cost.parameters, cost.macs) for cost in measure(GOOGLENET)}
    assert {name: rows[name] for name in TABLE_1} == TABLE_1


def test_built_layers_have_the_shapes_of_table_1():
    model = build(GOOGLENET, keras)
    for name, (shape, _, _) in TABLE_1.items():
        assert tuple(model.get_layer(name).output.shape[1:]) == shape


@pytest.mark.parametrize(
    ("name", "per_class"),
    # Features and a bias per classifier: the heads' are 1,024 (v1) and 768.
    [
        ("googlenet", 3 * 1025),
        ("inception_v2", 1025),
        ("inception_v3", 2049 + 769),
        ("inception_v4", 1537 + 769),
        ("inception_resnet_v1", 1793),
        ("inception_resnet_v2", 1537 + 769),
    ],
)
def test_one_more_class_costs_its_features_and_a_bias_per_classifier(name, per_class):
    net = FAMILY[name]
    assert total(replace(net, classes=1001)).parameters - total(net).parameters == per_class


@pytest.mark.parametrize("channels", [1, 4, 12])
@pytest.mark.parametrize(
    ("name", "filter_pixels"),
    # 64 filters of 7x7, or 32 of 3x3.
    [
        ("googlenet", 64 * 49),
        ("inception_v3", 32 * 9),
        ("inception_v4", 32 * 9),
        ("inception_resnet_v1", 32 * 9),
        ("inception_resnet_v2", 32 * 9),
    ],
)
def test_other_input_channels_change_the_first_kernel_alone(name, filter_pixels, channels):
    net = FAMILY[name]
    other = replace(net, input_shape=(*net.input_shape[:2], channels))
    difference = total(other).parameters - total(net).parameters
    assert difference == filter_pixels * (channels - 3)


def test_naive_blocks_everywhere_cost_fourteen_times_the_weights():
    """Figure 2a throughout, at Table 1's widths: why the 1x1 reductions exist."""
    costs = measure(naive(MAIN))
    channels = [cost.shape[2] for cost in costs if cost.name.startswith("inception")]
    assert channels == [416, 832, 1280, 1728, 2176, 2640, 3344, 4048, 4944]
    assert sum(cost.macs for cost in costs) == 12_568_061_056
    assert costs[-1].macs == 4_944_000
    convs = replace(MAIN, bias=False, rows=naive(MAIN).rows)
    assert total(convs).parameters - 4_944_000 == 92_575_936


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
