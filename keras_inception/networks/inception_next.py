"""InceptionNeXt: arXiv 2303.16900, in the four sizes of its release.

A descendant of the family: ConvNeXt's blocks with Inception's branches in place of their 7x7
depthwise convolution. Names are the release's, with underscores for its dots.
"""

from ..spec import (
    BatchNorm,
    Classifier,
    Dense,
    GlobalPool,
    MetaNeXt,
    Network,
    Norm,
    Patches,
    Row,
)

# PyTorch's defaults.
NORM = BatchNorm(epsilon=1e-5, momentum=0.9)


def stage(number: int, depth: int, width: int, mlp_ratio: int, **mixer) -> tuple[Row, ...]:
    """A stride, by 4 in the first stage and by 2 in the others, and then `depth` blocks."""
    if number == 0:
        stride = (Patches("stem_0", width, 4), Norm("stem_1"))
    else:
        name = f"stages_{number}_downsample"
        stride = (Norm(f"{name}_0"), Patches(f"{name}_1", width, 2))
    blocks = (f"stages_{number}_blocks_{i}" for i in range(depth))
    return (*stride, *(MetaNeXt(name, mlp_ratio=mlp_ratio, **mixer) for name in blocks))


def inception_next(size: str, depths: tuple[int, ...], widths: tuple[int, ...], **mixer) -> Network:
    stages = zip(depths, widths, (4, 4, 4, 3), strict=True)
    return Network(
        f"inception_next_{size}",
        rows=tuple(
            row for number, columns in enumerate(stages) for row in stage(number, *columns, **mixer)
        ),
        top=(
            GlobalPool("head_global_pool"),
            Dense("head_fc1", 3 * widths[-1], "gelu"),
            Norm("head_norm", "layer"),
            Classifier("head_fc2"),
        ),
        norm=NORM,
        year=2023,
    )


ATTO = inception_next("atto", (2, 2, 6, 2), (40, 80, 160, 320), band=9, branch_ratio=1 / 4)
TINY = inception_next("tiny", (3, 3, 9, 3), (96, 192, 384, 768))
SMALL = inception_next("small", (3, 3, 27, 3), (96, 192, 384, 768))
BASE = inception_next("base", (3, 3, 27, 3), (128, 256, 512, 1024))
