"""Augmentation: what is done to a training image, and to a batch of them with its labels.

Everything random comes from the image's own generator, so that an image looks the same whenever
its epoch is repeated.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from ..recipes.recipe import Recipe

#: GoogLeNet, section 6: "bilinear, area, nearest neighbor and cubic, with equal probability".
INTERPOLATIONS = (Image.BILINEAR, Image.BOX, Image.NEAREST, Image.BICUBIC)
GREY = 128


def augment(image: Image.Image, recipe: Recipe, rng: np.random.Generator) -> Image.Image:
    """A training view of `image`, image_size x image_size pixels of the same mode."""
    image = random_crop(image, recipe, rng)
    if recipe.colour:
        image = distort(image, recipe.colour, rng)
    for operation in rng.integers(len(OPERATIONS), size=recipe.rand_augment):
        image = OPERATIONS[operation](image, recipe.rand_magnitude / 10 * rng.choice((-1, 1)))
    if recipe.erasing and rng.random() < recipe.erasing:
        image = erase(image, rng)
    return image


def random_crop(image: Image.Image, recipe: Recipe, rng: np.random.Generator) -> Image.Image:
    """A random crop (GoogLeNet, section 6): min_area..1 of the image, aspect 1/aspect..aspect."""
    area = image.width * image.height * rng.uniform(recipe.min_area, 1)
    aspect = np.exp(rng.uniform(np.log(1 / recipe.aspect), np.log(recipe.aspect)))
    width = min(image.width, np.sqrt(area * aspect))
    height = min(image.height, np.sqrt(area / aspect))
    left = rng.uniform(0, image.width - width)
    top = rng.uniform(0, image.height - height)
    box = (left, top, left + width, top + height)
    method = INTERPOLATIONS[rng.integers(4)] if recipe.random_interpolation else Image.BILINEAR
    image = image.resize((recipe.image_size, recipe.image_size), method, box)
    mirrored = recipe.flip and rng.random() < 0.5
    return image.transpose(Image.FLIP_LEFT_RIGHT) if mirrored else image


def distort(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Contrast, brightness and colour times 1 - strength..1 + strength, in random order.

    After Howard (arXiv:1312.5402), without his lighting noise.
    """
    kinds = (ImageEnhance.Contrast, ImageEnhance.Brightness, ImageEnhance.Color)
    for kind in rng.permutation(3):
        image = kinds[kind](image).enhance(rng.uniform(1 - strength, 1 + strength))
    return image


def erase(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Noise in a rectangle of 2-33 % of the image, aspect 0.3-3.3 (arXiv:1708.04896)."""
    area = image.width * image.height * rng.uniform(0.02, 0.33)
    aspect = np.exp(rng.uniform(np.log(0.3), np.log(1 / 0.3)))
    width = min(image.width, max(1, round(np.sqrt(area * aspect))))
    height = min(image.height, max(1, round(np.sqrt(area / aspect))))
    left = rng.integers(image.width - width + 1)
    top = rng.integers(image.height - height + 1)
    shape = (height, width, 3) if image.mode == "RGB" else (height, width)
    image = image.copy()
    noise = Image.fromarray(rng.integers(0, 256, shape, np.uint8))
    image.paste(noise, (int(left), int(top)))
    return image


def _moved(image: Image.Image, strength: float, matrix) -> Image.Image:
    fill = (GREY,) * len(image.getbands())
    return image.transform(
        image.size, Image.AFFINE, matrix(strength, image), Image.BILINEAR, fillcolor=fill
    )


def _rotated(image: Image.Image, strength: float) -> Image.Image:
    fill = (GREY,) * len(image.getbands())
    return image.rotate(30 * strength, Image.BILINEAR, fillcolor=fill)


def _enhanced(image: Image.Image, strength: float, kind: type) -> Image.Image:
    return kind(image).enhance(1 + 0.9 * strength)


#: RandAugment's operations (arXiv:1909.13719, section 4.1), of an image and a strength in -1..1,
#: with AutoAugment's ranges; translations up to 0.3 of a side.
OPERATIONS = (
    lambda image, strength: image,
    lambda image, strength: ImageOps.autocontrast(image),
    lambda image, strength: ImageOps.equalize(image),
    lambda image, strength: ImageOps.posterize(image, 8 - round(4 * abs(strength))),
    lambda image, strength: ImageOps.solarize(image, round(256 * (1 - abs(strength)))),
    _rotated,
    partial(_enhanced, kind=ImageEnhance.Color),
    partial(_enhanced, kind=ImageEnhance.Contrast),
    partial(_enhanced, kind=ImageEnhance.Brightness),
    partial(_enhanced, kind=ImageEnhance.Sharpness),
    partial(_moved, matrix=lambda s, image: (1, 0.3 * s, 0, 0, 1, 0)),
    partial(_moved, matrix=lambda s, image: (1, 0, 0, 0.3 * s, 1, 0)),
    partial(_moved, matrix=lambda s, image: (1, 0, 0.3 * s * image.width, 0, 1, 0)),
    partial(_moved, matrix=lambda s, image: (1, 0, 0, 0, 1, 0.3 * s * image.height)),
)


def soft(labels: np.ndarray, classes: int, smoothing: float = 0.0) -> np.ndarray:
    """(n,) labels as (n, classes) float32 probabilities, `smoothing` of them spread evenly."""
    own = np.eye(classes, dtype=np.float32)[labels]
    return own * np.float32(1 - smoothing) + np.float32(smoothing / classes)


def noise(model, recipe: Recipe, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A batch of `size` images for `model`, all of the first class, to try a step with."""
    shape = (size, *model.input_shape[1:])
    images = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    labels = np.zeros(size, np.int32)
    if recipe.soft_labels:
        labels = soft(labels, model.outputs[0].shape[-1])
    return images, labels


def mix(
    images: np.ndarray, targets: np.ndarray, recipe: Recipe, rngs: list[np.random.Generator]
) -> tuple[np.ndarray, np.ndarray]:
    """Every image with a part of the one before it in the (shuffled) batch, and so its labels.

    mixup (arXiv:1710.09412) blends all pixels; cutmix (arXiv:1905.04899) pastes a rectangle.
    """
    mixed, shares = images.astype(np.float32), np.ones(len(images), np.float32)
    for k, rng in enumerate(rngs):
        other = images[k - 1]
        if recipe.cutmix and (not recipe.mixup or rng.random() < 0.5):
            rows, columns = _box(*other.shape[:2], rng.beta(recipe.cutmix, recipe.cutmix), rng)
            mixed[k, rows, columns] = other[rows, columns]
            cut = (rows.stop - rows.start) * (columns.stop - columns.start)
            shares[k] = 1 - cut / (other.shape[0] * other.shape[1])
        elif recipe.mixup:
            shares[k] = rng.beta(recipe.mixup, recipe.mixup)
            mixed[k] = shares[k] * mixed[k] + (1 - shares[k]) * other
    shares = shares[:, None]
    return mixed, shares * targets + (1 - shares) * np.roll(targets, 1, axis=0)


def _box(height: int, width: int, share: float, rng) -> tuple[slice, slice]:
    """A rectangle of about 1 - `share` of the image, cut off where it leaves it."""
    side = np.sqrt(1 - share)
    spans = []
    for size in (height, width):
        centre, half = rng.integers(size), round(size * side / 2)
        spans.append(slice(int(max(0, centre - half)), int(min(size, centre + half))))
    return spans[0], spans[1]
