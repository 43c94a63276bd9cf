"""The networks the family is compared with, as lists of layers from their papers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Predecessor:
    """Layers are (output pixels per side, kernel, inputs per filter, filters); a dense layer is
    a convolution with one output pixel. Biases count as parameters, not as multiply-adds."""

    name: str
    year: int
    layers: tuple[tuple[int, int, int, int], ...]

    @property
    def parameters(self) -> int:
        return sum(kernel**2 * n * filters + filters for _, kernel, n, filters in self.layers)

    @property
    def macs(self) -> int:
        return sum((side * kernel) ** 2 * n * filters for side, kernel, n, filters in self.layers)


# fmt: off
PREDECESSORS = (
    # LeCun et al. 1998, with full connections between the two convolutions.
    Predecessor("lenet_5", 1998, (
        (28, 5, 1, 6), (10, 5, 6, 16), (1, 5, 16, 120), (1, 1, 120, 84), (1, 1, 84, 10),
    )),
    # Krizhevsky et al. 2012: two groups in the second, fourth and fifth convolutions.
    Predecessor("alexnet", 2012, (
        (55, 11, 3, 96), (27, 5, 48, 256), (13, 3, 256, 384), (13, 3, 192, 384),
        (13, 3, 192, 256), (1, 6, 256, 4096), (1, 1, 4096, 4096), (1, 1, 4096, 1000),
    )),
    # Lin et al. 2013, the ImageNet network of the authors' release.
    Predecessor("nin", 2013, (
        (54, 11, 3, 96), (54, 1, 96, 96), (54, 1, 96, 96),
        (27, 5, 96, 256), (27, 1, 256, 256), (27, 1, 256, 256),
        (13, 3, 256, 384), (13, 1, 384, 384), (13, 1, 384, 384),
        (6, 3, 384, 1024), (6, 1, 1024, 1024), (6, 1, 1024, 1000),
    )),
    # Simonyan and Zisserman 2014, configuration D.
    Predecessor("vgg_16", 2014, (
        (224, 3, 3, 64), (224, 3, 64, 64), (112, 3, 64, 128), (112, 3, 128, 128),
        (56, 3, 128, 256), (56, 3, 256, 256), (56, 3, 256, 256),
        (28, 3, 256, 512), (28, 3, 512, 512), (28, 3, 512, 512),
        (14, 3, 512, 512), (14, 3, 512, 512), (14, 3, 512, 512),
        (1, 7, 512, 4096), (1, 1, 4096, 4096), (1, 1, 4096, 1000),
    )),
)
# fmt: on
