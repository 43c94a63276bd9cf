"""Inception v4: Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of Residual
Connections on Learning", arXiv 1602.07261, figures 3 to 9. Names are the release's (TF-slim)."""

from ..nodes import Classifier, Conv, Dropout, GlobalPool, Pool
from ..spec import BatchNorm, Concat, Network
from .chains import chain, split
from .inception_v3 import auxiliary


def block_a(name) -> Concat:
    """35x35x384 (figure 4)."""
    return Concat(
        name,
        branches=(
            chain(name, ("1x1", 96)),
            chain(name, ("3x3_reduce", 64), ("3x3", 96, 3)),
            chain(
                name, ("double_3x3_reduce", 64), ("double_3x3_1", 96, 3), ("double_3x3_2", 96, 3)
            ),
            (Pool(f"{name}_pool", "avg", 3, 1), *chain(name, ("pool_proj", 96))),
        ),
    )


def reduction_a(name, k, l, m, n) -> Concat:  # noqa: E741 - the letters of Table 1
    """35x35 to 17x17 (figure 7): 3x3/2 n, and 1x1 k, 3x3 l, 3x3/2 m."""
    return Concat(
        name,
        branches=(
            chain(name, ("3x3", n, 3, 2, "valid")),
            chain(
                name,
                ("double_3x3_reduce", k),
                ("double_3x3_1", l, 3),
                ("double_3x3_2", m, 3, 2, "valid"),
            ),
            (Pool(f"{name}_pool", "max", 3, 2, "valid"),),
        ),
    )


def block_b(name) -> Concat:
    """17x17x1024 (figure 5)."""
    return Concat(
        name,
        branches=(
            chain(name, ("1x1", 384)),
            chain(name, ("7x7_reduce", 192), ("7x7_1", 224, (1, 7)), ("7x7_2", 256, (7, 1))),
            chain(
                name,
                ("double_7x7_reduce", 192),
                ("double_7x7_1", 192, (7, 1)),
                ("double_7x7_2", 224, (1, 7)),
                ("double_7x7_3", 224, (7, 1)),
                ("double_7x7_4", 256, (1, 7)),
            ),
            (Pool(f"{name}_pool", "avg", 3, 1), *chain(name, ("pool_proj", 128))),
        ),
    )


def reduction_b(name) -> Concat:
    """17x17 to 8x8 (figure 8)."""
    return Concat(
        name,
        branches=(
            chain(name, ("3x3_reduce", 192), ("3x3", 192, 3, 2, "valid")),
            chain(
                name,
                ("7x7_reduce", 256),
                ("7x7_1", 256, (1, 7)),
                ("7x7_2", 320, (7, 1)),
                ("7x7_3x3", 320, 3, 2, "valid"),
            ),
            (Pool(f"{name}_pool", "max", 3, 2, "valid"),),
        ),
    )


def block_c(name) -> Concat:
    """8x8x1536 (figure 6)."""
    return Concat(
        name,
        branches=(
            chain(name, ("1x1", 256)),
            (*chain(name, ("3x3_reduce", 384)), split(name, "3x3", 256)),
            (
                *chain(
                    name,
                    ("double_3x3_reduce", 384),
                    ("double_3x3_1", 448, (3, 1)),
                    ("double_3x3_2", 512, (1, 3)),
                ),
                split(name, "double_3x3", 256),
            ),
            (Pool(f"{name}_pool", "avg", 3, 1), *chain(name, ("pool_proj", 256))),
        ),
    )


#: 299x299x3 to 35x35x384 (figure 3).
STEM = (
    Conv("Conv2d_1a_3x3", 32, 3, 2, "valid"),
    Conv("Conv2d_2a_3x3", 32, 3, padding="valid"),
    Conv("Conv2d_2b_3x3", 64, 3),
    Concat(
        "Mixed_3a",
        branches=(
            (Pool("Mixed_3a_pool", "max", 3, 2, "valid"),),
            chain("Mixed_3a", ("3x3", 96, 3, 2, "valid")),
        ),
    ),
    Concat(
        "Mixed_4a",
        branches=(
            chain("Mixed_4a", ("3x3_reduce", 64), ("3x3", 96, 3, 1, "valid")),
            chain(
                "Mixed_4a",
                ("7x7_reduce", 64),
                ("7x7_1", 64, (1, 7)),
                ("7x7_2", 64, (7, 1)),
                ("7x7_3x3", 96, 3, 1, "valid"),
            ),
        ),
    ),
    Concat(
        "Mixed_5a",
        branches=(
            chain("Mixed_5a", ("3x3", 192, 3, 2, "valid")),
            (Pool("Mixed_5a_pool", "max", 3, 2, "valid"),),
        ),
    ),
)

INCEPTION_V4 = Network(
    "inception_v4",
    rows=(
        *STEM,
        *(block_a(f"Mixed_5{letter}") for letter in "bcde"),
        reduction_a("Mixed_6a", 192, 224, 256, 384),
        *(block_b(f"Mixed_6{letter}") for letter in "bcdefgh"),
        auxiliary(),
        reduction_b("Mixed_7a"),
        *(block_c(f"Mixed_7{letter}") for letter in "bcd"),
    ),
    top=(GlobalPool("AvgPool"), Dropout("Dropout", 0.2), Classifier("Logits")),
    norm=BatchNorm(scale=False),
    input_shape=(299, 299, 3),
    year=2016,
)
