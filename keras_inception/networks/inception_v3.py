"""Inception v3: Szegedy et al., "Rethinking the Inception Architecture", arXiv 1512.00567.

The released network (TF-slim), which differs from the paper's Table 1 in the stem, in one, four
and two blocks between two reductions, and in the factorized 7x7. Names are the release's.
"""

from ..nodes import AdaptiveAvgPool, Classifier, Conv, Dropout, GlobalPool, Pool
from ..spec import Aux, BatchNorm, Concat, Network
from .chains import chain, split


def block_a(name, proj) -> Concat:
    """35x35: 1x1, 5x5, two 3x3, pool (figure 5, with the 5x5 kept)."""
    return Concat(
        name,
        branches=(
            chain(name, ("1x1", 64)),
            chain(name, ("5x5_reduce", 48), ("5x5", 64, 5)),
            chain(name, ("3x3_reduce", 64), ("3x3_1", 96, 3), ("3x3_2", 96, 3)),
            (Pool(f"{name}_pool", "avg", 3, 1), *chain(name, ("pool_proj", proj))),
        ),
    )


def reduction_a(name) -> Concat:
    """35x35 to 17x17 (figure 10)."""
    return Concat(
        name,
        branches=(
            chain(name, ("3x3", 384, 3, 2, "valid")),
            chain(
                name,
                ("double_3x3_reduce", 64),
                ("double_3x3_1", 96, 3),
                ("double_3x3_2", 96, 3, 2, "valid"),
            ),
            (Pool(f"{name}_pool", "max", 3, 2, "valid"),),
        ),
    )


def block_b(name, n) -> Concat:
    """17x17 with 7x7 factorized into 1x7 and 7x1 (figure 6)."""
    return Concat(
        name,
        branches=(
            chain(name, ("1x1", 192)),
            chain(name, ("7x7_reduce", n), ("7x7_1", n, (1, 7)), ("7x7_2", 192, (7, 1))),
            chain(
                name,
                ("double_7x7_reduce", n),
                ("double_7x7_1", n, (7, 1)),
                ("double_7x7_2", n, (1, 7)),
                ("double_7x7_3", n, (7, 1)),
                ("double_7x7_4", 192, (1, 7)),
            ),
            (Pool(f"{name}_pool", "avg", 3, 1), *chain(name, ("pool_proj", 192))),
        ),
    )


def reduction_b(name) -> Concat:
    """17x17 to 8x8."""
    return Concat(
        name,
        branches=(
            chain(name, ("3x3_reduce", 192), ("3x3", 320, 3, 2, "valid")),
            chain(
                name,
                ("7x7_reduce", 192),
                ("7x7_1", 192, (1, 7)),
                ("7x7_2", 192, (7, 1)),
                ("7x7_3x3", 192, 3, 2, "valid"),
            ),
            (Pool(f"{name}_pool", "max", 3, 2, "valid"),),
        ),
    )


def block_c(name) -> Concat:
    """8x8 with expanded filter banks (figure 7)."""
    return Concat(
        name,
        branches=(
            chain(name, ("1x1", 320)),
            (*chain(name, ("3x3_reduce", 384)), split(name, "3x3", 384)),
            (
                *chain(name, ("double_3x3_reduce", 448), ("double_3x3_1", 384, 3)),
                split(name, "double_3x3", 384),
            ),
            (Pool(f"{name}_pool", "avg", 3, 1), *chain(name, ("pool_proj", 192))),
        ),
    )


def auxiliary() -> Aux:
    """The head on the last 17x17 map: pooled 5x5/3 to 5x5 (section 4); weight 0.4 as released."""
    return Aux(
        "aux",
        rows=(
            AdaptiveAvgPool("AuxLogits_pool", 5),
            Conv("AuxLogits_Conv2d_1b_1x1", 128),
            Conv("AuxLogits_Conv2d_2a_5x5", 768, 5, padding="valid"),
            Classifier("AuxLogits_Logits"),
        ),
        loss_weight=0.4,
    )


#: The stem that Inception-ResNet-v2 shares, 299x299x3 to 35x35x192.
STEM = (
    Conv("Conv2d_1a_3x3", 32, 3, 2, "valid"),
    Conv("Conv2d_2a_3x3", 32, 3, padding="valid"),
    Conv("Conv2d_2b_3x3", 64, 3),
    Pool("MaxPool_3a_3x3", "max", 3, 2, "valid"),
    Conv("Conv2d_3b_1x1", 80),
    Conv("Conv2d_4a_3x3", 192, 3, padding="valid"),
    Pool("MaxPool_5a_3x3", "max", 3, 2, "valid"),
)

INCEPTION_V3 = Network(
    "inception_v3",
    rows=(
        *STEM,
        block_a("Mixed_5b", 32),
        block_a("Mixed_5c", 64),
        block_a("Mixed_5d", 64),
        reduction_a("Mixed_6a"),
        block_b("Mixed_6b", 128),
        block_b("Mixed_6c", 160),
        block_b("Mixed_6d", 160),
        block_b("Mixed_6e", 192),
        auxiliary(),
        reduction_b("Mixed_7a"),
        block_c("Mixed_7b"),
        block_c("Mixed_7c"),
    ),
    top=(GlobalPool("AvgPool"), Dropout("Dropout", 0.2), Classifier("Logits")),
    norm=BatchNorm(scale=False),
    input_shape=(299, 299, 3),
    year=2015,
)
