"""Inception v2 (BN-Inception): Ioffe and Szegedy, "Batch Normalization", arXiv 1502.03167.

The table of the appendix (figure 5), and the release's version of it (TF-slim), which mends the
table's sums: 4c and 4d print 576 where their branches add to 608, 4e prints 1024 for 1056.
Names are those of the Caffe ports.
"""

from dataclasses import replace

from ..nodes import Classifier, Conv, Dropout, GlobalPool, Pool, SeparableConv
from ..spec import BatchNorm, Concat, Network
from .chains import chain


def inception(name, n1x1, n3x3_reduce, n3x3, double_reduce, double, pool, proj) -> Concat:
    """GoogLeNet's block with two 3x3 in place of the 5x5; `pool` is "avg" or "max"."""
    return Concat(
        name,
        branches=(
            chain(name, ("1x1", n1x1)),
            chain(name, ("3x3_reduce", n3x3_reduce), ("3x3", n3x3, 3)),
            chain(
                name,
                ("double_3x3_reduce", double_reduce),
                ("double_3x3_1", double, 3),
                ("double_3x3_2", double, 3),
            ),
            (Pool(f"{name}_pool", pool, 3, 1), *chain(name, ("pool_proj", proj))),
        ),
    )


def reduction(name, n3x3_reduce, n3x3, double_reduce, double) -> Concat:
    """The block that halves the grid: strides of 2, no 1x1 branch, the pool passed through."""
    return Concat(
        name,
        branches=(
            chain(name, ("3x3_reduce", n3x3_reduce), ("3x3", n3x3, 3, 2)),
            chain(
                name,
                ("double_3x3_reduce", double_reduce),
                ("double_3x3_1", double, 3),
                ("double_3x3_2", double, 3, 2),
            ),
            (Pool(f"{name}_pool", "max", 3, 2),),
        ),
    )


def _inception_v2(stem, proj_4cd) -> Network:
    # fmt: off
    return Network(
        "inception_v2",
        rows=(
            stem,
            Pool("pool1_3x3_s2", "max", 3, 2),
            Conv("conv2_3x3_reduce", 64),
            Conv("conv2_3x3", 192, 3),
            Pool("pool2_3x3_s2", "max", 3, 2),
            #                        #1x1 #3x3r #3x3 d3x3r d3x3  pool proj
            inception("inception_3a",   64,  64,  64,   64,  96, "avg",  32),
            inception("inception_3b",   64,  64,  96,   64,  96, "avg",  64),
            reduction("inception_3c",       128, 160,   64,  96),
            inception("inception_4a",  224,  64,  96,   96, 128, "avg", 128),
            inception("inception_4b",  192,  96, 128,   96, 128, "avg", 128),
            inception("inception_4c",  160, 128, 160,  128, 160, "avg", proj_4cd),
            inception("inception_4d",   96, 128, 192,  160, 192, "avg", proj_4cd),
            reduction("inception_4e",       128, 192,  192, 256),
            inception("inception_5a",  352, 192, 320,  160, 224, "avg", 128),
            inception("inception_5b",  352, 192, 320,  192, 224, "max", 128),
        ),
        top=(
            GlobalPool("pool5_7x7_s1"),
            Dropout("pool5_drop_7x7_s1", 0.2),
            Classifier("loss3_classifier"),
        ),
        norm=BatchNorm(),
        year=2015,
    )
    # fmt: on


#: The paper's table as printed: plain 7x7 stem, 128-wide projections in 4c and 4d.
PAPER = _inception_v2(Conv("conv1_7x7_s2", 64, 7, stride=2), proj_4cd=128)
#: The release: separable stem with bias, 96-wide projections that make 4c and 4d 576 wide.
INCEPTION_V2 = replace(
    _inception_v2(SeparableConv("conv1_7x7_s2", 64, 7, 2, multiplier=8), proj_4cd=96),
    norm=BatchNorm(scale=False),
)
