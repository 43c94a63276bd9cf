"""Pictures of many sizes, for what decodes, turns and scales elsewhere than in Python."""

import io
import struct

import numpy as np
from PIL import Image

from keras_inception.images import centre, decode
from keras_inception.preprocess import Preprocessing

#: Formats without loss: what is decoded is what was given.
FORMATS = ("PNG", "WEBP")


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def xmp_of(orientation):
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        'syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        f'tiff:Orientation="{orientation}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def file_of(image, form, orientation=1, said="exif"):
    """The bytes of an image file that says its orientation in EXIF, in XMP or in both."""
    how = {"lossless": True, "exact": True} if form == "WEBP" else {}
    if said in ("exif", "both"):
        how["exif"] = exif_of(orientation)
    if said in ("xmp", "both"):
        # Where both say something, EXIF counts.
        xmp = xmp_of(orientation if said == "xmp" else 9 - orientation)
        if form == "PNG":
            from PIL.PngImagePlugin import PngInfo

            how["pnginfo"] = PngInfo()
            how["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
        else:
            how["xmp"] = xmp
    content = io.BytesIO()
    image.save(content, form, **how)
    return content.getvalue()


def pictures(count, sizes=range(8, 40), filters=("bilinear", "bicubic")):
    """(file, its stored pixels in RGBA, size, preprocessing), so many: of 1 to 150 pixels, smaller
    and larger than what is cut, turned in every way that files say, and some partly clear."""
    rng = np.random.default_rng(0)
    for k in range(count):
        size = int(rng.choice(sizes))
        width, height = (int(n) for n in rng.integers(1, 151 if k % 2 else size + 1, 2))
        stored = rng.integers(0, 256, (height, width, 4), np.uint8)
        stored[..., 3] = 255 if k % 3 else rng.choice([0, 1, 100, 254, 255], (height, width))
        said = ("exif", "xmp", "both")[k % 5 % 3]
        file = file_of(Image.fromarray(stored), FORMATS[k % 7 % 2], k % 8 + 1, said)
        crop, filter_ = (1.0, 0.875, 0.7)[k % 4 % 3], filters[k % len(filters)]
        yield file, stored, size, Preprocessing(crop=crop, interpolation=filter_)


def expected(file, size, how, mode="RGB"):
    """What Python evaluates of a file: (size, size, 3), or without the last axis for "L"."""
    return np.asarray(centre(decode(file, mode), size, how))


def written(path, found):
    """All of `pictures` in one file, for the programs in tests/browser and tests/kotlin."""
    with open(path, "wb") as file:
        for content, stored, size, how in found:
            head = *stored.shape[1::-1], size, round(size / how.crop)
            bicubic = how.interpolation == "bicubic"
            file.write(struct.pack("<6i", *head, bicubic, len(content)) + content)
            file.write(stored.tobytes())
