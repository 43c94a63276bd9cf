"""What goes to the phone: `quantize` and `export`; `browser` and `android`, for what runs a file;
and `metadata`, what a file says of itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from keras_inception import escaping
from keras_inception.files import require_empty
from keras_inception.tflite import schemes
from keras_inception.training.recipes.recipe import DATA

from . import options

#: What both commands pass on.
_OPENED = ("classes", "kind", "head", "preprocessing", "image_size", "trust")
_FILE = (*_OPENED, "io", "logits", "allow_float", "out")


def _quantize(arguments) -> None:
    """fine-tune under fake quantization and write an INT8 .tflite"""
    from keras_inception.tflite import exporting

    names = ("data", "classes_map", "accept", "epochs", "learning_rate", "engine", *_FILE)
    values = options.given(arguments, *names) | options.said(arguments)
    options.say(exporting.quantize(arguments.subject, **values))


def _export(arguments) -> None:
    """convert a run, weights or any Keras model to .tflite without training"""
    from keras_inception.tflite import android, exporting

    if arguments.android:
        require_empty(arguments.android)
    names = ("scheme", "images", "float_lrn", *_FILE)
    values = options.given(arguments, *names) | options.said(arguments)
    file = exporting.export(arguments.subject, **values)
    options.say(file)
    if arguments.android:
        android.write(file.path, arguments.android, arguments.images)
        options.say(arguments.android)


def _browser(arguments) -> None:
    """write a page that runs a .tflite file in the browser"""
    from keras_inception.tflite import browser

    page = browser.write(arguments.file, arguments.folder, arguments.preprocessing)
    options.say(page)
    options.say(f"now: cd {page.parent} && npm install && python3 -m http.server --bind 127.0.0.1")
    options.say("and open http://127.0.0.1:8000")


def _metadata(arguments) -> None:
    """what a .tflite file says of itself; with options, write it into the file"""
    from keras_inception.tflite.metadata.saving import describe

    values = options.given(arguments, "mean", "std") | options.said(arguments)
    said = describe(arguments.file, **values)
    for key in options.SAID:
        options.say(f"{key:<15}{escaping.line(getattr(said, key)) or '-'}")
    expected = said.preprocessing
    options.say(f"{'input':<15}{f'{expected}, crop {expected.crop}' if expected else '-'}")
    options.say(f"{'outputs':<15}{said.kind or '-'}")
    options.say(f"{'threshold':<15}{'-' if said.threshold is None else said.threshold}")
    options.say(
        f"{'labels':<15}{', '.join(said.labels[:5]) or '-'}{' …' if said.labels[5:] else ''}"
    )
    options.say(f"{'locales':<15}{', '.join(said.localized) or '-'}")


def _android(arguments) -> None:
    """Kotlin classes, golden vectors and a test for one .tflite file"""
    from keras_inception.tflite.android import write

    names = ("images", "package", "preprocessing")
    write(arguments.file, arguments.folder, **options.given(arguments, *names))
    options.say(Path(arguments.folder) / "README.md")


def add(commands) -> None:
    quantize = options.add_command(commands, _quantize)
    option = quantize.add_argument
    option("subject", metavar="RUN_OR_MODEL", help="a run folder or a .keras file")
    option("--data", help=f"images to fine-tune a .keras file on: {DATA}")
    options.add_classes_map(quantize)
    option(
        "--accept",
        action="store_true",
        help="go on with a model that knows the images' classes no better than chance",
    )
    option("--epochs", type=int, help="default: a tenth of the run's")
    option("--learning-rate", type=float, help="default: a hundredth of the run's")
    option(
        "--engine",
        default="tfmot",
        metavar="tfmot|keras",
        help="tensorflow-model-optimization (default), or Keras 3 itself, in mixed precision too",
    )
    export = options.add_command(
        commands,
        _export,
        epilog=f"schemes: weights, activations, what for\n{schemes.table()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option = export.add_argument
    option(
        "subject",
        metavar="RUN_OR_MODEL",
        help="a run folder, a tag, or a file: .keras, .h5, weights",
    )
    known = "|".join(schemes.SCHEMES)
    option("--scheme", required=True, metavar=known, help="number format, as below")
    option("--images", metavar="DIR", help="photographs to calibrate a file on")
    option(
        "--android", metavar="DIR", help="an Android app's part of it too, as `android` writes it"
    )
    option(
        "--float-lrn",
        action="store_true",
        help="leave local response normalization to TFLite's own operator, slow and in float",
    )
    browser = options.add_command(commands, _browser, options.never)
    option = browser.add_argument
    option("file", metavar="FILE", help="a .tflite file with uint8 or float32 input")
    option("folder", metavar="DIR", help="where the page goes")
    options.add_preprocessing(browser)
    for parser in (quantize, export):
        option = parser.add_argument
        option("--out", metavar="DIR", help="where the file goes, if not to a run")
        options.add_classes(parser)
        options.add_kind(parser)
        options.add_preprocessing(parser)
        options.add_trust(parser)
        option(
            "--io",
            metavar="uint8|int8|float32",
            help="type of an INT8 file's input and output (default uint8: raw pixels)",
        )
        option(
            "--logits",
            action="store_true",
            help="end before the softmax, which keeps an INT8 file from being fully accelerated",
        )
        option("--allow-float", action="store_true", help="keep an INT8 file with float operators")
        options.add_said(parser)
    metadata = options.add_command(commands, _metadata, options.never)
    metadata.add_argument("file", metavar="FILE.tflite")
    options.add_said(metadata)
    for key in ("mean", "std"):
        metadata.add_argument(
            f"--{key}", type=float, help="input = (pixel - mean) / std, if the file does not say"
        )
    android = options.add_command(commands, _android)
    options.add_preprocessing(android)
    option = android.add_argument
    option("file", metavar="FILE.tflite")
    option("folder", metavar="DIR", help="a folder that does not exist yet")
    option("--images", metavar="PHOTOS", help="for golden vectors (default: held-out images)")
    option("--package", default="com.example.classifier", help="of the Kotlin files")
