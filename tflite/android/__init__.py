"""What an Android app needs beside a `.tflite` file: Kotlin for it, golden vectors, a test."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.escaping import markdown
from keras_inception.evaluation.classifier import FileClassifier, open_file
from keras_inception.files import new_folder, require_empty
from keras_inception.preprocess import Preprocessing

from .. import metadata
from ..metadata import labels as names
from ..metadata.record import TEXTS
from . import golden, kotlin

MEDIAPIPE = "com.google.mediapipe:tasks-vision:latest.release"
_TEMPLATES = resources.files(__package__).joinpath("templates")


def write(
    path: str | Path,
    folder: str | Path,
    images: str | Path | None = None,
    package: str = "com.example.classifier",
    preprocessing: str | Preprocessing | None = None,
) -> None:
    """Write `folder`: README.md, and the parts of an Android module under src/.

    `images` is a folder of photographs for the golden vectors; None takes test images of the run
    in whose folder the file is. `preprocessing` is for another tool's file, as for
    `keras_inception.open_classifier`. Raises BadInput if `folder` has something in it, if the file
    has no labels, if nobody says what pixels become, or for a type that LiteRT's Kotlin classes do
    not take.
    """
    path, folder = Path(path), Path(folder)
    require_empty(folder)
    kotlin.require_package(package)
    classifier = open_file(path, preprocessing=preprocessing)
    classifier.require_shown()
    file = classifier.file
    said = metadata.read(file.content, path)
    if said is None or not said.labels:
        raise BadInput(
            f"{path} has no labels; write them into it: keras-inception metadata {path} --labels …"
        )
    shown = golden.images(classifier, images)
    words = _words(path, classifier, said, package, len(shown))
    with new_folder(folder) as whole:
        _write(whole, words, said, shown, classifier)


def _write(whole: Path, words: dict, said, shown, classifier: FileClassifier):
    assets = whole / "src" / "main" / "assets"
    assets.mkdir(parents=True)
    (assets / words["FILE"]).write_bytes(classifier.file.content)
    for name, lines in said.files.items():
        (assets / f"{words['FOLDER']}_{name}").write_bytes(lines)
    tests = whole / "src" / "androidTest"
    golden.write(tests / "assets" / words["FOLDER"], shown, classifier)
    package = Path("java", *words["PACKAGE"].split("."))
    classes = ["Pixels", "Orientation", "Photographs", "Camera", "LiteRt"]
    classes += ["MediaPipe"] if words["MEDIAPIPE_TEST"] else []
    sources = whole / "src" / "main" / package / words["NAME"]
    written = {"README.md": whole / "README.md", "Model.kt": sources.with_suffix(".kt")}
    written |= {f"{name}.kt": Path(f"{sources}{name}.kt") for name in classes}
    written["GoldenTest.kt"] = tests / package / f"{words['NAME']}GoldenTest.kt"
    for template, path in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(_TEMPLATES.joinpath(template).read_text("utf-8"), words), "utf-8")


def _filled(text: str, words: dict) -> str:
    # In one pass: what is filled in may look like a place to fill in.
    return re.sub(r"@([A-Z_]+)@", lambda found: str(words[found[1]]), text)


def _words(path: Path, classifier: FileClassifier, said, package: str, count: int) -> dict:
    file, expected = classifier.file, classifier.preprocessing
    height, width, channels = file.input_shape
    kinds = file.types
    if not _TYPES.keys() >= {*kinds}:
        raise BadInput(
            f"LiteRT's Kotlin classes take uint8, int8 and float32; {path} has "
            f"{' and '.join(kinds)}"
        )
    if channels not in (1, 3):
        raise BadInput(f"a photograph has 1 or 3 channels; {path} takes {channels}")
    mean, std = (np.broadcast_to(v, channels).tolist() for v in (expected.mean, expected.std))
    safe = re.sub(r"[^A-Za-z0-9_]", "_", path.stem)
    likely = file.gives_probabilities
    scale, zero_point = file.input_quantization
    words = {
        "PACKAGE": package,
        "NAME": kotlin.class_name(path.stem),
        "FOLDER": safe.lower(),
        "FILE": f"{safe}.tflite",
        "ABOUT": kotlin.comment(said.name or path.name),
        "LABELS": ", ".join(
            f"{kotlin.string(locale)} to "
            f"{kotlin.string(f'{safe.lower()}_{names.file_name(locale)}')}"
            for locale in ("", *sorted(said.localized))
        ),
        "WIDTH": width,
        "HEIGHT": height,
        "CHANNELS": channels,
        "SHORT_SIDE": round(width / expected.crop),
        "INTERPOLATION": expected.interpolation,
        "SUPPORT": _FILTERS[expected.interpolation][0],
        "SHARE": _FILTERS[expected.interpolation][1],
        "GREY": _GREY if channels == 1 else "",
        "GREY_FUNCTION": _GREY_FUNCTION if channels == 1 else "",
        "ORDER_TEXT": "blue, green, red" if expected.order == "BGR" else "red, green, blue",
        "CLASSES": len(said.labels),
        "MEAN": kotlin.floats(mean),
        "STD": kotlin.floats(std),
        "GOLDEN": count,
        "TOLERANCE": "1e-3" if kinds[1] == "float32" else "1.0",
        "PROBABILITIES": "scores" if likely else "softmax(scores)",
        "MEANING_TEXT": "probabilities" if likely else "logits, of which the classes take softmax",
        "PACK": _GREY_PACK if channels == 1 else _PACK[expected.order],
        "SIZE_TEXT": f"{width} × {height}, {'grey' if channels == 1 else 'RGB'}",
        "MEAN_TEXT": expected.mean,
        "STD_TEXT": expected.std,
        "QUANTIZED_TEXT": f", then / {scale} + {zero_point}" if scale else "",
    }
    steps = file.input_quantization, file.output_quantization
    for side, kind, (scale, zero_point) in zip(("INPUT", "OUTPUT"), kinds, steps, strict=True):
        told = (kind, repr(float(scale)), int(zero_point), *_TYPES[kind])
        parts = ("TYPE", "SCALE", "ZERO_POINT", "KOTLIN", "CALL", "ENCODE", "RAW")
        words |= {f"{side}_{part}": each for part, each in zip(parts, told, strict=True)}
    for key in TEXTS:
        text = getattr(said, key)
        words[f"SAID_{key.upper()}"] = kotlin.string(text)
        words[f"SAID_{key.upper()}_TEXT"] = markdown(text) or "–"
    # MediaPipe reads the file's metadata, and nothing else.
    mediapipe = "int8" not in kinds and channels == 3 and said.preprocessing == expected
    test = _TEMPLATES.joinpath("MediaPipeTest.kt").read_text("utf-8") if mediapipe else ""
    return {
        **words,
        "MEDIAPIPE_TEST": _filled(test, words),
        "MEDIAPIPE_GRADLE": f'    implementation("{MEDIAPIPE}")\n' if mediapipe else "",
        "MEDIAPIPE_TEXT": _filled(_MEDIAPIPE_TEXT[mediapipe], words),
        "MIN_SDK": 28 if mediapipe else 23,
    }


_INTEGER = "(round(value / INPUT_SCALE).toInt() + INPUT_ZERO_POINT)"
_UNSIGNED = "(output[it].toInt() and 0xFF).toFloat()"
#: Kotlin's type, LiteRT's name for it, what an input is of a value, and an output as a number.
_TYPES = {
    "uint8": ("Byte", "Int8", f"{_INTEGER}.coerceIn(0, 255).toByte()", _UNSIGNED),
    "int8": ("Byte", "Int8", f"{_INTEGER}.coerceIn(-128, 127).toByte()", "output[it].toFloat()"),
    "float32": ("Float", "Float", "value", "output[it]"),
}
_RED, _GREEN, _BLUE = "pixel shr 16 and 0xFF", "pixel shr 8 and 0xFF", "pixel and 0xFF"
_PACK = {
    order: "\n".join(
        f"            input[at++] = encoded[{c}][{each}]" for c, each in enumerate(channels)
    )
    for order, channels in {"RGB": (_RED, _GREEN, _BLUE), "BGR": (_BLUE, _GREEN, _RED)}.items()
}
#: Grey pixels have one value three times.
_GREY_PACK = f"            input[at++] = encoded[0][{_BLUE}]"
_GREY = "        makeGrey(picture.rgba)\n"
_GREY_FUNCTION = """
    /** As Pillow does, by the weights of ITU-R 601-2: before it is scaled, for both round. */
    private fun makeGrey(rgba: ByteArray) {
        for (at in rgba.indices step 4) {
            val warm = 19595 * byte(rgba, at) + 38470 * byte(rgba, at + 1)
            val grey = (warm + 7471 * byte(rgba, at + 2) + 0x8000 shr 16).toByte()
            for (c in at until at + 3) rgba[c] = grey
        }
    }
"""
#: How far the filter reaches, in pixels of the smaller image, and its value at a distance x.
_FILTERS = {
    "bilinear": ("1.0", "if (x < 1) 1 - x else 0.0"),
    "bicubic": (
        "2.0",
        """when {
        x < 1 -> (1.5 * x - 2.5) * x * x + 1
        x < 2 -> (((x - 5) * x + 8) * x - 4) * -0.5
        else -> 0.0
    }""",
    ),
}
#: By whether MediaPipe Tasks takes the file: RGB, uint8 or floats, and its preprocessing in it.
_MEDIAPIPE_TEXT = {
    True: """\
`@NAME@MediaPipe` does the same by MediaPipe Tasks, which reads labels, preprocessing
and threshold from the file itself; without it `minSdk` may be 23.
""",
    False: "MediaPipe Tasks takes RGB in uint8 or float32, with its preprocessing in the file: not "
    "this one.\n",
}
