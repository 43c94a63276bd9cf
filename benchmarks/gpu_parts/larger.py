"""Inception v4 and Inception-ResNet-v2 beside timm's; then other batches, and the torch backend."""

from .fast import race
from .setting import SETTING


def main() -> None:
    batch = SETTING.of(64, 2)
    for network in ("inception_v4", "inception_resnet_v2"):
        race(network, 299, batch, 20, "timm")
    for other in SETTING.of((32, 512), (2,)):
        race("googlenet", 224, other, 20)
    race("googlenet", 224, SETTING.of(128, 2), 20, backend="torch")


if __name__ == "__main__":
    main()
