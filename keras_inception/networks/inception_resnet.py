"""Inception-ResNet v1 and v2: arXiv 1602.07261, figures 10 to 19 and Table 1.

v1 as the paper draws it; v2 as it was released (10, 20 and 10 blocks on v3's stem), and as the
paper draws it (5, 10 and 5 on v4's stem). Names are the release's (TF-slim).
"""

from ..nodes import Bottleneck, Classifier, Conv, Dropout, GlobalPool, Pool
from ..spec import BatchNorm, Concat, Network, Residual
from .chains import chain
from .inception_v3 import STEM as STEM_V3
from .inception_v3 import auxiliary
from .inception_v4 import STEM as STEM_V4
from .inception_v4 import reduction_a

NORM = BatchNorm(scale=False)


def block35(name, n1x1, n3x3, double_reduce, double_1, double_2) -> Residual:
    """35x35 (figures 10 and 16); residuals are scaled by 0.17 in the release."""
    return Residual(
        name,
        branches=(
            chain(name, ("1x1", n1x1)),
            chain(name, ("3x3_reduce", n1x1), ("3x3", n3x3, 3)),
            chain(
                name,
                ("double_3x3_reduce", double_reduce),
                ("double_3x3_1", double_1, 3),
                ("double_3x3_2", double_2, 3),
            ),
        ),
        projection=f"{name}_projection",
        scale=0.17,
    )


def block17(name, n1x1, n7x7_reduce, n1x7, n7x1) -> Residual:
    """17x17 (figures 11 and 17); residuals are scaled by 0.10 in the release."""
    return Residual(
        name,
        branches=(
            chain(name, ("1x1", n1x1)),
            chain(
                name, ("7x7_reduce", n7x7_reduce), ("7x7_1", n1x7, (1, 7)), ("7x7_2", n7x1, (7, 1))
            ),
        ),
        projection=f"{name}_projection",
        scale=0.10,
    )


def block8(name, n1x1, n3x3_reduce, n1x3, n3x1, last=False) -> Residual:
    """8x8 (figures 13 and 19), scaled by 0.20; the release's last one by 1.0, without a ReLU."""
    return Residual(
        name,
        branches=(
            chain(name, ("1x1", n1x1)),
            chain(
                name, ("3x3_reduce", n3x3_reduce), ("3x3_1", n1x3, (1, 3)), ("3x3_2", n3x1, (3, 1))
            ),
        ),
        projection=f"{name}_projection",
        scale=1.0 if last else 0.20,
        relu=not last,
    )


def reduction_b(name, n_a, n_b, n_c1, n_c2) -> Concat:
    """17x17 to 8x8 (figures 12 and 18): 3x3/2 n_a, 3x3/2 n_b, and 3x3 n_c1, 3x3/2 n_c2."""
    return Concat(
        name,
        branches=(
            chain(name, ("a_reduce", 256), ("a_3x3", n_a, 3, 2, "valid")),
            chain(name, ("b_reduce", 256), ("b_3x3", n_b, 3, 2, "valid")),
            chain(name, ("c_reduce", 256), ("c_3x3_1", n_c1, 3), ("c_3x3_2", n_c2, 3, 2, "valid")),
            (Pool(f"{name}_pool", "max", 3, 2, "valid"),),
        ),
    )


def _numbered(block, name, count, *widths) -> tuple[Residual, ...]:
    return tuple(block(f"{name}_{number}", *widths) for number in range(1, count + 1))


_TOP = (GlobalPool("AvgPool"), Dropout("Dropout", 0.2), Classifier("Logits"))
_BLOCK8_V1 = (192, 192, 192, 192)


def _v1(*last_blocks, top=_TOP) -> Network:
    return Network(
        "inception_resnet_v1",
        rows=(
            *STEM_V3[:-1],
            Conv("Conv2d_4b_3x3", 256, 3, 2, "valid"),
            *_numbered(block35, "block35", 5, 32, 32, 32, 32, 32),
            reduction_a("Mixed_6a", 192, 192, 256, 384),
            *_numbered(block17, "block17", 10, 128, 128, 128, 128),
            reduction_b("Mixed_7a", 384, 256, 256, 256),
            *_numbered(block8, "block8", 5, *_BLOCK8_V1),
            *last_blocks,
        ),
        top=top,
        norm=NORM,
        input_shape=(299, 299, 3),
        year=2016,
    )


INCEPTION_RESNET_V1 = _v1()
#: FaceNet's trunk, with a sixth 8x8 block that has no ReLU.
FACENET = _v1(block8("block8_6", *_BLOCK8_V1, last=True))
#: The only public ImageNet weights: FaceNet's trunk and a bottleneck of 512.
FACENET_512 = _v1(
    block8("block8_6", *_BLOCK8_V1, last=True),
    top=(_TOP[0], Bottleneck("Bottleneck", 512), *_TOP[1:]),
)

INCEPTION_RESNET_V2 = Network(
    "inception_resnet_v2",
    rows=(
        *STEM_V3,
        Concat(
            "Mixed_5b",
            branches=(
                chain("Mixed_5b", ("1x1", 96)),
                chain("Mixed_5b", ("5x5_reduce", 48), ("5x5", 64, 5)),
                chain("Mixed_5b", ("3x3_reduce", 64), ("3x3_1", 96, 3), ("3x3_2", 96, 3)),
                (Pool("Mixed_5b_pool", "avg", 3, 1), *chain("Mixed_5b", ("pool_proj", 64))),
            ),
        ),
        *_numbered(block35, "block35", 10, 32, 32, 32, 48, 64),
        reduction_a("Mixed_6a", 256, 256, 384, 384),
        *_numbered(block17, "block17", 20, 192, 128, 160, 192),
        auxiliary(),
        reduction_b("Mixed_7a", 384, 288, 288, 320),
        *_numbered(block8, "block8", 9, 192, 192, 224, 256),
        block8("block8_10", 192, 192, 224, 256, last=True),
        Conv("Conv2d_7b_1x1", 1536),
    ),
    top=_TOP,
    norm=NORM,
    input_shape=(299, 299, 3),
    year=2016,
)

#: v2 as figures 15 to 19 draw it, with the sums its widths give (1152 and 2144 channels).
INCEPTION_RESNET_V2_PAPER = Network(
    "inception_resnet_v2_paper",
    rows=(
        *STEM_V4,
        *_numbered(block35, "block35", 5, 32, 32, 32, 48, 64),
        reduction_a("Mixed_6a", 256, 256, 384, 384),
        *_numbered(block17, "block17", 10, 192, 128, 160, 192),
        reduction_b("Mixed_7a", 384, 288, 288, 320),
        *_numbered(block8, "block8", 5, 192, 192, 224, 256),
    ),
    top=_TOP,
    norm=NORM,
    input_shape=(299, 299, 3),
    year=2016,
)
