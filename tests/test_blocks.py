"""Every block of every member, at its native size, against the published per-block figures.

Inception v2: TF-slim's totals per endpoint at 1001 classes. The others: weights, channels of batch
normalization and multiply-adds per block, counted from torchvision and timm and from the tables.
"""

from dataclasses import replace

import pytest

from keras_inception.costs import measure
from keras_inception.networks import FAMILY
from keras_inception.spec import BatchNorm
from keras_inception.variants import VARIANTS

SLIM_V2 = {
    "conv1_7x7_s2": 2_776,
    "conv2_3x3_reduce": 4_288,
    "conv2_3x3": 111_168,
    "inception_3a": 219_552,
    "inception_3b": 260_704,
    "inception_3c": 385_632,
    "inception_4a": 610_848,
    "inception_4b": 666_240,
    "inception_4c": 896_928,
    "inception_4d": 1_109_088,
    "inception_4e": 1_440_768,
    "inception_5a": 2_183_872,
    "inception_5b": 2_281_248,
    "loss3_classifier": 1_026_025,
}
PAPER_V2 = {  # weights; the widths of 4c, 4d and 4e are the sums, not the printed figures
    "inception_3a": (28, 256, 218_112),
    "inception_3b": (28, 320, 259_072),
    "inception_3c": (14, 576, 384_000),
    "inception_4a": (14, 576, 608_256),
    "inception_4b": (14, 576, 663_552),
    "inception_4c": (14, 608, 912_384),
    "inception_4d": (14, 608, 1_140_736),
    "inception_4e": (7, 1056, 1_447_936),
    "inception_5a": (7, 1024, 2_205_696),
    "inception_5b": (7, 1024, 2_276_352),
}
# row: (side, channels, trainable with batch normalization's scale, multiply-adds)
V3 = {
    "Conv2d_1a_3x3": (149, 32, 928, 19_181_664),
    "Conv2d_2a_3x3": (147, 32, 9_280, 199_148_544),
    "Conv2d_2b_3x3": (147, 64, 18_560, 398_297_088),
    "MaxPool_3a_3x3": (73, 64, 0, 0),
    "Conv2d_3b_1x1": (73, 80, 5_280, 27_284_480),
    "Conv2d_4a_3x3": (71, 192, 138_624, 696_867_840),
    "MaxPool_5a_3x3": (35, 192, 0, 0),
    "Mixed_5b": (35, 256, 255_904, 312_345_600),
    "Mixed_5c": (35, 288, 277_472, 338_688_000),
    "Mixed_5d": (35, 288, 285_152, 348_096_000),
    "Mixed_6a": (17, 768, 1_153_280, 401_937_408),
    "Mixed_6b": (17, 768, 1_297_408, 374_063_104),
    "Mixed_6c": (17, 768, 1_691_008, 487_702_528),
    "Mixed_6d": (17, 768, 1_691_008, 487_702_528),
    "Mixed_6e": (17, 768, 2_141_952, 617_914_368),
    "Mixed_7a": (8, 1280, 1_698_304, 291_004_416),
    "Mixed_7b": (8, 2048, 5_044_608, 322_437_120),
    "Mixed_7c": (8, 2048, 6_076_800, 388_497_408),
}
V4 = {
    "Conv2d_1a_3x3": (149, 32, 928, 19_181_664),
    "Mixed_3a": (73, 160, 64 * 96 * 9 + 192, 73 * 73 * 64 * 96 * 9),
    "Mixed_5a": (35, 384, 192 * 192 * 9 + 384, 35 * 35 * 192 * 192 * 9),
    **{f"Mixed_5{x}": (35, 384, 317_632, 387_609_600) for x in "bcde"},
    "Mixed_6a": (17, 1024, 2_306_112, 1_097_164_800),
    **{f"Mixed_6{x}": (17, 1024, 2_936_256, 847_264_768) for x in "bcdefgh"},
    "Mixed_7a": (8, 1536, 2_747_392, 511_098_880),
    **{f"Mixed_7{x}": (8, 1536, 4_553_088, 290_979_840) for x in "bcd"},
}
# row: (side, channels, trainable without scale, multiply-adds)
RESNET_V1 = {
    **{f"block35_{n}": (35, 256, 77_248, 94_080_000) for n in range(1, 6)},
    "Mixed_6a": (17, 896, 1_709_056, 850_169_856),
    **{f"block17_{n}": (17, 896, 689_536, 198_868_992) for n in range(1, 11)},
    "Mixed_7a": (8, 1792, 3_344_256, 501_448_704),
    **{f"block8_{n}": (8, 1792, 1_600_000, 102_236_160) for n in range(1, 6)},
}
RESNET_V2 = {
    "Mixed_5b": (35, 320, 267_792, 327_398_400),
    **{f"block35_{n}": (35, 320, 122_928, 149_900_800) for n in range(1, 11)},
    "Mixed_6a": (17, 1088, 2_663_680, 1_398_185_984),
    **{f"block17_{n}": (17, 1088, 1_126_112, 324_937_728) for n in range(1, 21)},
    "Mixed_7a": (8, 2080, 3_878_912, 585_424_896),
    **{f"block8_{n}": (8, 2080, 2_034_560, 130_023_424) for n in range(1, 11)},
    "Conv2d_7b_1x1": (8, 1536, 3_196_416, 204_472_320),
}
RESNET_V2_PAPER = {
    **{f"block35_{n}": (35, 384, 137_328, 167_462_400) for n in range(1, 6)},
    "Mixed_6a": (17, 1152, 2_901_248, 1_482_178_560),
    **{f"block17_{n}": (17, 1152, 1_171_232, 337_958_912) for n in range(1, 11)},
    "Mixed_7a": (8, 2144, 3_928_064, 599_629_824),
    **{f"block8_{n}": (8, 2144, 2_087_872, 133_431_296) for n in range(1, 6)},
}
BLOCKS = {
    "inception_v3.torchvision": V3,
    "inception_v4.timm": V4,
    "inception_resnet_v1.paper": RESNET_V1,
    "inception_resnet_v2.keras": RESNET_V2,
    "inception_resnet_v2.paper": RESNET_V2_PAPER,
}


def costs(net):
    return {cost.name: cost for cost in measure(net)}


def test_no_member_is_left_out():
    told = {tag.split(".")[0] for tag in BLOCKS} | {"googlenet", "inception_v2"}
    assert told == set(FAMILY)  # GoogLeNet's are Table 1, in test_counts.py


def test_inception_v2_as_released():
    found = costs(replace(FAMILY["inception_v2"], classes=1001))
    assert {name: found[name].parameters for name in SLIM_V2} == SLIM_V2


def test_inception_v2_as_in_the_paper():
    found = costs(replace(VARIANTS["inception_v2.paper"], norm=BatchNorm(scale=False)))
    for name, (side, channels, weights) in PAPER_V2.items():
        cost = found[name]
        assert cost.shape == (side, side, channels)
        # Half of the statistics are the shifts that are trained beside the weights.
        assert cost.trainable - cost.non_trainable // 2 == weights


@pytest.mark.parametrize("tag", BLOCKS)
def test_blocks_of_the_later_members(tag):
    found = costs(VARIANTS[tag])
    for name, (side, channels, trainable, macs) in BLOCKS[tag].items():
        cost = found[name]
        assert (name, cost.shape) == (name, (side, side, channels))
        assert (name, cost.trainable, cost.macs) == (name, trainable, macs)


@pytest.mark.parametrize(
    ("name", "trainable", "macs"),
    [
        ("inception_v3", 2_555_904 + 769_000 + 896, 5_683_200),
        ("inception_v4", 3_358_568, 6_502_400),
        ("inception_resnet_v2", 3_366_760, 6_707_200),
    ],
)
def test_auxiliary_heads_of_the_later_members(name, trainable, macs):
    aux = costs(FAMILY[name])["aux"]
    assert (aux.trainable, aux.macs) == (trainable, macs)
