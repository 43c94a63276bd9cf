"""Image files as pixels: decoded, upright, 8 bits, grey or RGB, or refused with the reason.

The one door by which photographs come in. What stands behind it may be anybody's: files that are no
files, damaged ones, and some that unfold to more than the memory.
"""

from __future__ import annotations

import io
import logging
import os
import re
import stat
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import BinaryIO

import numpy as np

# The modules of formats are imported for what they register with Pillow, which would import all.
from PIL import (
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    Image,
    ImageOps,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from keras_inception import escaping
from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing

log = logging.getLogger(__name__)

#: What is taken, by Pillow's names, told by content; and how such files' names usually end. JPEG
#: stands for MPO too. HEIF is taken where pillow-heif is installed.
FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif"),
}
_WITH_PILLOW = tuple(name for name in FORMATS if name != "HEIF")
EXTENSIONS = tuple(ending for endings in FORMATS.values() for ending in endings)
_WITHOUT_HEIF = "HEIC without pillow-heif"
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
ORIENTATION = 0x0112

#: What archives, file managers, notebooks and network storage leave behind, in lower case, beside
#: what is hidden by a dot or is a backup by a tilde.
_LEFT_BEHIND = {
    *("__macosx", "icon\r", "network trash folder", "temporary items", "__pycache__"),
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "$recycle.bin", "recycler"),
    *("system volume information", "lost+found", "_gsdata_", "@eadir", "@tmp", "#recycle"),
    *("#snapshot", "@recycle", "@recently-snapshot"),
}
#: What was met beside photographs: kind -> names, and reasons.
Remarks = defaultdict[str, list[str]]
HIDDEN = "hidden, or left behind by a system, and no data"
LOOSE = "in no class's folder, and left out"
NOT_FOLLOWED = "not followed"

#: Decoded, an image of so many pixels takes a third of a gigabyte.
MAX_PIXELS = 80_000_000
#: The long side over the short one. Images are scaled by their short side: to 256 pixels of it, one
#: so long has 65 million.
MAX_RATIO = 1000
#: A file has no more than what it takes decoded.
MAX_BYTES = 4 * MAX_PIXELS
#: Folders inside folders. Nobody sorts photographs so deep, and paths have no more than 4096 bytes.
MAX_DEPTH = 100
#: Pixels of the parts in which transparent images are laid on white.
_STRIP = 1 << 20


class Unreadable(BadInput):
    """Why something is no image that can be used: a reason, and its `kind` in a word or two."""

    def __init__(self, reason: str, kind: str = "unreadable"):
        super().__init__(reason)
        self.kind = kind


@contextmanager
def refusing(kind: str) -> Iterator[None]:
    """Whatever is raised inside this block becomes Unreadable, of `kind` unless it has its own."""
    try:
        yield
    except Unreadable:
        raise
    except UnidentifiedImageError as error:
        raise Unreadable("not an image", "not an image") from error
    except Image.DecompressionBombError as error:
        raise Unreadable(f"more than {MAX_PIXELS:,} pixels", "huge") from error
    except MemoryError as error:
        raise Unreadable("there is not enough memory to decode it", kind) from error
    except Exception as error:  # Damage shows in two dozen kinds, all of Python's among them.
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Unreadable(escaping.line(reason), kind) from error


class _Budget:
    """Pixels that all threads together may have in work, however many threads there are."""

    def __init__(self, pixels: int):
        self.all = self.free = pixels
        self.turn, self.changed = threading.Lock(), threading.Condition()

    @contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        """Waits until so many are free, or all. Who holds some must not ask for more."""
        pixels = min(pixels, self.all)
        # One waits for pixels, the others for their turn: a large image is not overtaken for ever.
        with self.turn, self.changed:
            self.changed.wait_for(lambda: self.free >= pixels)
            self.free -= pixels
        try:
            yield
        finally:
            with self.changed:
                self.free += pixels
                self.changed.notify()


#: Two images of the largest size at once, or any number of small ones.
_DECODING = _Budget(2 * MAX_PIXELS)
# Of blocks of 16 MB, as Pillow has them, each thread would keep some: the C library gives back at
# once only what was got in pieces of more than 32 MB.
Image.core.set_block_size(64 << 20)


@contextmanager
def regular(path: str | Path) -> Iterator[BinaryIO]:
    """A file, opened. Raises Unreadable for what cannot be opened or read inside the block, is no
    regular file, empty, or larger than MAX_BYTES."""
    with refusing("unreadable"):
        _require_regular(os.stat(path))  # To open a device may do something.
        with open(path, "rb", opener=_without_waiting) as file:
            _require_regular(os.fstat(file.fileno()))  # Another may have taken its place.
            yield file


def _without_waiting(path, flags: int) -> int:
    """Of a FIFO, the end of another process is not waited for."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable("not a regular file", "not a file")
    if status.st_size == 0:
        raise Unreadable("zero bytes", "zero bytes")
    if status.st_size > MAX_BYTES:
        raise Unreadable(f"{status.st_size:,} bytes, more than {MAX_BYTES:,}", "huge")


def read(path: str | Path) -> bytes:
    """The content of a file. Raises Unreadable as `regular` does."""
    with regular(path) as file:
        return file.read(os.fstat(file.fileno()).st_size)  # It may grow while it is read.


def opened(data: bytes | BinaryIO) -> Image.Image:
    """An image of which only the header was read. Raises Unreadable."""
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    with refusing("not an image"):
        image = _identified(file)
        width, height = image.size
    if width * height > MAX_PIXELS:
        raise Unreadable(f"{width}x{height} pixels, more than {MAX_PIXELS:,}", "huge")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise Unreadable(
            f"{width}x{height} pixels: one side is more than {MAX_RATIO} times the other", "huge"
        )
    return image


def _identified(file: BinaryIO) -> Image.Image:
    try:
        return Image.open(file, formats=_WITH_PILLOW)
    except UnidentifiedImageError:
        file.seek(0)
        head = file.read(12)
        if head[4:8] != b"ftyp" or head[8:] not in _HEIF_BRANDS:
            raise
    try:
        import pillow_heif
    except ImportError as error:
        raise Unreadable(
            "HEIC, which is read where pillow-heif is installed: pip install pillow-heif",
            _WITHOUT_HEIF,
        ) from error
    pillow_heif.register_heif_opener()
    return Image.open(file, formats=["HEIF"])


def format_of(image: Image.Image) -> str:
    """Which of FORMATS an opened image has."""
    return "JPEG" if image.format == "MPO" else image.format


def decode(data: bytes | BinaryIO, mode: str) -> Image.Image:
    """An encoded image as an upright 8-bit one of `mode` "L" or "RGB".

    16-bit samples keep their high byte, transparency falls on white; of several pictures, the first
    counts. Raises Unreadable for data that are no image.
    """
    return upright(opened(data), mode)


def upright(image: Image.Image, mode: str) -> Image.Image:
    """An image of any kind as `decode` gives one. Raises Unreadable if it cannot be decoded."""
    with _DECODING.taken(image.width * image.height), refusing(DAMAGED):
        return _upright(image, mode)


#: The kind of what begins as an image.
DAMAGED = "truncated or damaged"


def _upright(image: Image.Image, mode: str) -> Image.Image:
    if image.getexif().get(ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    image.load()
    if image.mode == "F":
        raise Unreadable("samples of floating point: their range is unknown; save it with 8 bits")
    if image.mode.startswith("I"):
        high = np.asarray(image) >> 8
        image = Image.fromarray(np.clip(high, 0, 255, out=high).astype(np.uint8))
    if image.has_transparency_data:
        return _on_white(image, mode)
    return image if image.mode == mode else image.convert(mode)


def _on_white(image: Image.Image, mode: str) -> Image.Image:
    """In strips: copies of the whole would take three times its memory."""
    result = Image.new(mode, image.size)
    rows = ceil(_STRIP / image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height))).convert("RGBA")
        white = Image.new("RGBA", strip.size, "white")
        result.paste(Image.alpha_composite(white, strip).convert(mode), (0, top))
    return result


class Undecoded:
    """An encoded image that is decoded when a part of it is resized. Both raise Unreadable.

    A JPEG is decoded at a half, a quarter or an eighth of its size if the part has so many pixels
    that none of those wanted has to be made up: its decoder does that for a fraction of the time.
    """

    def __init__(self, data: bytes, mode: str):
        self.image, self.mode = opened(data), mode
        with refusing(DAMAGED):
            self.turned = self.image.getexif().get(ORIENTATION, 1) >= 5
        width, height = self.image.size
        self.width, self.height = (height, width) if self.turned else (width, height)

    def resize(self, size: tuple[int, int], resample: int, box: tuple) -> Image.Image:
        image = self.image
        if image.format == "JPEG":
            shrink = min((box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1])
            if shrink >= 2:
                # Pillow takes the smallest of its scales that is at least as large as this.
                image.draft(None, (ceil(image.width / shrink), ceil(image.height / shrink)))
        # Of a progressive JPEG, all coefficients are kept, whatever the scale.
        decoded = self if "progressive" in image.info else image
        with _DECODING.taken(decoded.width * decoded.height), refusing(DAMAGED):
            image = _upright(image, self.mode)
            across, down = image.width / self.width, image.height / self.height
            box = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
            return image.resize(size, resample, box)


def photograph(path: str | Path, mode: str) -> Image.Image:
    """The image in a file, as `decode` gives it. Raises Unreadable, with the file's name."""
    try:
        return decode(read(path), mode)
    except Unreadable as error:
        raise Unreadable(f"{path} cannot be read: {error}", error.kind) from error


def readable(paths: Iterable[Path], mode: str, count: int) -> Iterator[Image.Image]:
    """The images in the first `count` of these files that can be read, one after the other.

    The others are named in the log, and counted. Raises BadInput if none can be read.
    """
    found = failed = 0
    for path in paths:
        if found == count:
            break
        try:
            image = photograph(path, mode)
        except Unreadable as error:
            failed += 1
            log.warning("left out: %s", error)
            continue
        found += 1
        yield image
    if not found:
        raise BadInput(f"none of {failed} photographs can be read; give others")
    if failed:
        log.warning("%d of %d photographs could not be read", failed, found + failed)


def entries(folder: Path, remarks: Remarks) -> list[os.DirEntry[str]]:
    """What is in `folder`, sorted; what systems leave behind there is named in `remarks` instead.

    Raises OSError if the folder cannot be looked into.
    """
    with os.scandir(folder) as found:
        inside = sorted(found, key=lambda entry: entry.name)
    kept = []
    for entry in inside:
        name = entry.name
        if name.startswith(".") or name.endswith("~") or name.lower() in _LEFT_BEHIND:
            remarks[HIDDEN].append(entry.path)
        else:
            kept.append(entry)
    return kept


def is_photograph(path: Path, remarks: Remarks) -> bool:
    """Whether a file is to be taken for one, sound or not: by how its name ends, or by its content.

    What is none is named in `remarks`. The raw files of cameras are none, though they are TIFFs:
    the picture in them that can be read is a small one.
    """
    ending = path.suffix.lower()
    if ending in EXTENSIONS:
        return True
    try:
        with regular(path) as file:
            taken = opened(file).format != "TIFF"
    except Unreadable as error:
        taken = error.kind in ("huge", _WITHOUT_HEIF)
    if not taken:
        kind = ending if re.fullmatch(r"\.[a-z]\w{0,7}", ending, re.ASCII) else "other endings"
        remarks[f"no photographs that can be read ({kind}), and left out"].append(str(path))
    return taken


def images_under(folder: Path, remarks: Remarks) -> list[Path]:
    """The photographs under `folder`, sorted, as `is_photograph` tells them; they may be damaged.

    Links are followed, but not round in circles. What cannot be looked into, what lies deeper than
    MAX_DEPTH, and what is no photograph is named in `remarks`.
    """
    found, folders = [], [(folder, ())]
    while folders:
        here, above = folders.pop()
        if len(above) == MAX_DEPTH:
            remarks[NOT_FOLLOWED].append(f"{here}: more than {MAX_DEPTH} folders deep")
            continue
        try:
            status = here.stat()
            itself = status.st_dev, status.st_ino
            if itself in above:
                remarks[NOT_FOLLOWED].append(f"{here}: symlink loop")
                continue
            inside = entries(here, remarks)
        except OSError as error:
            remarks[NOT_FOLLOWED].append(f"{here}: {error.strerror}")
            continue
        for entry in inside:
            path = here / entry.name
            try:
                if entry.is_dir():
                    folders.append((path, (*above, itself)))
                elif is_photograph(path, remarks):
                    found.append(path)
            except OSError as error:  # a link to itself
                remarks[NOT_FOLLOWED].append(f"{path}: {error.strerror}")
    return sorted(found)


def tell(remarks: Mapping[str, list[str]]) -> None:
    """Remarks in the log: a line for each kind, with the number and the first names."""
    for kind, cases in remarks.items():
        more = ", …" if len(cases) > 3 else ""
        log.warning("%s: %d: %s%s", kind, len(cases), ", ".join(cases[:3]), more)


def photographs(folder: Path) -> list[Path]:
    """`images_under` a folder. Raises BadInput if there are none."""
    remarks: Remarks = defaultdict(list)
    found = images_under(folder, remarks)
    tell(remarks)
    if not found:
        raise BadInput(
            f"there are no photographs in {str(folder)!r}; give a folder with "
            f"{'/'.join(EXTENSIONS)} files"
        )
    return found


FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def scaled(image: Image.Image, short_side: int, interpolation: str = "bilinear") -> Image.Image:
    """The image with its short side `short_side` pixels long, its sides' ratio kept."""
    factor = short_side / min(image.size)
    size = (round(image.width * factor), round(image.height * factor))
    return image if size == image.size else image.resize(size, FILTERS[interpolation])


def centre(
    image: Image.Image, size: int, expected: Preprocessing, short_side: int | None = None
) -> Image.Image:
    """The central `size` x `size` pixels of the scaled image: how images are evaluated.

    `short_side` is in pixels; None takes what `expected` says.
    """
    image = scaled(image, short_side or round(size / expected.crop), expected.interpolation)
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return image.crop((left, top, left + size, top + size))
