"""GoogLeNet (Inception v1): Szegedy et al., "Going deeper with convolutions", arXiv 1409.4842.

Table 1, figures 2a, 2b and 3. Names are those of the Caffe release (bvlc_googlenet), whose
local response normalization and weights complete what the paper leaves out.
"""

from ..nodes import LRN, AdaptiveAvgPool, Classifier, Conv, Dense, Dropout, GlobalPool, Pool
from ..spec import Aux, Concat, Network


def inception(name, n1x1, n3x3_reduce, n3x3, n5x5_reduce, n5x5, pool_proj) -> Concat:
    """The block with dimension reductions (figure 2b), in the order of Table 1's columns."""
    return Concat(
        name,
        branches=(
            (Conv(f"{name}_1x1", n1x1),),
            (Conv(f"{name}_3x3_reduce", n3x3_reduce), Conv(f"{name}_3x3", n3x3, 3)),
            (Conv(f"{name}_5x5_reduce", n5x5_reduce), Conv(f"{name}_5x5", n5x5, 5)),
            (Pool(f"{name}_pool", "max", 3, 1), Conv(f"{name}_pool_proj", pool_proj)),
        ),
    )


def naive_inception(name, n1x1, n3x3, n5x5) -> Concat:
    """The naive block (figure 2a): the pooled input passes through at its full width."""
    return Concat(
        name,
        branches=(
            (Conv(f"{name}_1x1", n1x1),),
            (Conv(f"{name}_3x3", n3x3, 3),),
            (Conv(f"{name}_5x5", n5x5, 5),),
            (Pool(f"{name}_pool", "max", 3, 1),),
        ),
    )


def auxiliary(number) -> Aux:
    """An auxiliary classifier (section 5), weighted by 0.3 in training and dropped afterwards."""
    loss = f"loss{number}"
    return Aux(
        f"aux{number}",
        rows=(
            AdaptiveAvgPool(f"{loss}_ave_pool", 4),
            Conv(f"{loss}_conv", 128),
            Dense(f"{loss}_fc", 1024),
            Dropout(f"{loss}_drop_fc", 0.7),
            Classifier(f"{loss}_classifier"),
        ),
        loss_weight=0.3,
    )


# fmt: off
GOOGLENET = Network(
    "googlenet",
    rows=(
        Conv("conv1_7x7_s2", 64, 7, stride=2),
        Pool("pool1_3x3_s2", "max", 3, stride=2),
        LRN("pool1_norm1"),
        Conv("conv2_3x3_reduce", 64),
        Conv("conv2_3x3", 192, 3),
        LRN("conv2_norm2"),
        Pool("pool2_3x3_s2", "max", 3, stride=2),
        #                         #1x1 #3x3r #3x3 #5x5r #5x5 proj
        inception("inception_3a",   64,   96, 128,   16,  32,  32),
        inception("inception_3b",  128,  128, 192,   32,  96,  64),
        Pool("pool3_3x3_s2", "max", 3, stride=2),
        inception("inception_4a",  192,   96, 208,   16,  48,  64),
        auxiliary(1),
        inception("inception_4b",  160,  112, 224,   24,  64,  64),
        inception("inception_4c",  128,  128, 256,   24,  64,  64),
        inception("inception_4d",  112,  144, 288,   32,  64,  64),
        auxiliary(2),
        inception("inception_4e",  256,  160, 320,   32, 128, 128),
        Pool("pool4_3x3_s2", "max", 3, stride=2),
        inception("inception_5a",  256,  160, 320,   32, 128, 128),
        inception("inception_5b",  384,  192, 384,   48, 128, 128),
    ),
    top=(
        GlobalPool("pool5_7x7_s1"),
        Dropout("pool5_drop_7x7_s1", 0.4),
        Classifier("loss3_classifier"),
    ),
    year=2014,
)
# fmt: on
