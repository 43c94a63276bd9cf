"""Photographs made up for tests, and files and folders of them."""

import io

import numpy as np
from PIL import Image


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photo(seed=0, size=(20, 16), mode="RGB"):
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def two_classes(root):
    """Four sound photographs each of cats and dogs, half of them JPEG."""
    for number, name in enumerate(["cats", "dogs"]):
        (root / name).mkdir(parents=True)
        for i in range(4):
            kind, suffix = ("PNG", "png") if i % 2 else ("JPEG", "jpg")
            content = encoded(photo(10 * number + i), kind)
            (root / name / f"{i}.{suffix}").write_bytes(content)
    return root


def coloured(root, count=24):
    """So many small photographs each of paper, rock and scissors, told apart by their colour."""
    generator = np.random.default_rng(0)
    for channel, name in enumerate(("paper", "rock", "scissors")):
        (root / name).mkdir(parents=True)
        for number in range(count):
            pixels = generator.integers(0, 90, (40, 40, 3), dtype=np.uint8)
            pixels[..., channel] += 150
            Image.fromarray(pixels).save(root / name / f"{number:02}.png")
    return root
