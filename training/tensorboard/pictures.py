"""Pictures of a run: images with captions, and a confusion matrix."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_inception.preprocess import Preprocessing

MARGIN = 8


def confusions(labels: np.ndarray, guesses: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) counts: a row per true class, a column per guessed one."""
    return np.bincount(labels * classes + guesses, minlength=classes**2).reshape(classes, classes)


def as_seen(inputs: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """A network's (n, height, width, channels) inputs as uint8 pixels again."""
    pixels = inputs * np.float32(preprocessing.std) + np.float32(preprocessing.mean)
    if preprocessing.order == "BGR":
        pixels = pixels[..., ::-1]
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def sheet(pixels: np.ndarray, captions: list[str], columns: int = 6, side: int = 128):
    """(n, height, width, channels) uint8 images in rows, with a caption of lines under each."""
    font = ImageFont.load_default(13)
    lines = max(caption.count("\n") + 1 for caption in captions)
    wide, tall = side + MARGIN, side + 17 * lines + MARGIN
    rows = math.ceil(len(pixels) / columns)
    result = Image.new("RGB", (columns * wide + MARGIN, rows * tall + MARGIN), "white")
    draw = ImageDraw.Draw(result)
    for i, (image, caption) in enumerate(zip(pixels, captions, strict=True)):
        x, y = MARGIN + i % columns * wide, MARGIN + i // columns * tall
        tile = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
        # Enlarged pixels stay visible, photographs are made smaller smoothly.
        how = Image.NEAREST if tile.width < side else Image.BILINEAR
        result.paste(tile.resize((side, side), how), (x, y))
        fitted = "\n".join(_fitted(line, font, side) for line in caption.split("\n"))
        draw.text((x, y + side + 1), fitted, "black", font, spacing=3)
    return result


def matrix(counts: np.ndarray, classes: tuple[str, ...]) -> Image.Image:
    """Confusions as a picture: each row's shares as shades of blue, written out where they fit."""
    n = len(classes)
    cell = int(np.clip(1200 // n, 1, 52))
    font = ImageFont.load_default(min(16, max(7, cell - 2)))
    named = cell >= 9
    names = [_fitted(name, font, 180) for name in classes] if named else []
    gutter = MARGIN + max((math.ceil(font.getlength(name)) for name in names), default=0) + 4
    left, top = gutter + 22, gutter + 22
    size = (left + n * cell + 2 * MARGIN, top + n * cell + 2 * MARGIN)
    result = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(result)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # The square root keeps rare confusions visible beside a diagonal near one.
    depth = np.sqrt(shares)[..., None]
    colours = np.uint8(np.rint(255 - depth * (255 - np.array([8, 48, 107]))))
    result.paste(Image.fromarray(colours).resize((n * cell, n * cell), Image.NEAREST), (left, top))
    for i in range(n + 1) if cell >= 6 else (0, n):
        draw.line((left + i * cell, top, left + i * cell, top + n * cell), "#e8e8e8")
        draw.line((left, top + i * cell, left + n * cell, top + i * cell), "#e8e8e8")
    for i, name in enumerate(names):
        middle = i * cell + cell / 2
        draw.text((left - 5, top + middle), name, "black", font, anchor="rm")
        _upright(result, (left + middle, top - 5), name, font)
    small = ImageFont.load_default(14)
    for row, column in np.argwhere(counts) if cell >= 36 else ():
        colour = "white" if shares[row, column] > 0.3 else "black"
        place = (left + column * cell + cell / 2, top + row * cell + cell / 2)
        draw.text(place, f"{100 * shares[row, column]:.0f}%", colour, small, anchor="mm")
    title = ImageFont.load_default(15)
    draw.text((left + n * cell / 2, 4), "guessed class", "#666", title, anchor="mt")
    _upright(result, (12, top + n * cell / 2), "true class", title, "#666", centred=True)
    return result


def _upright(image: Image.Image, at, text: str, font, colour="black", centred=False) -> None:
    """Text read from below, its end at `at`, or its middle."""
    width, height = math.ceil(font.getlength(text)) + 2, sum(font.getmetrics())
    strip = Image.new("L", (width, height))
    ImageDraw.Draw(strip).text((0, 0), text, 255, font)
    strip = strip.rotate(90, expand=True)
    x, y = at[0] - height / 2, at[1] - (width / 2 if centred else width)
    image.paste(colour, (round(x), round(y)), strip)


def _fitted(text: str, font, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."
