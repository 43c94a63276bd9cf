"""`quantize`, `export` and `browser`: what goes to the phone."""

from __future__ import annotations

import argparse

from keras_inception.tflite import schemes
from keras_inception.training.recipes.recipe import DATA

from . import options


def _quantize(arguments) -> None:
    from keras_inception.tflite import exporting

    print(
        exporting.quantize(
            arguments.subject,
            data=arguments.data,
            preprocessing=arguments.preprocessing,
            epochs=arguments.epochs,
            learning_rate=arguments.learning_rate,
            engine=arguments.engine,
            **_file_options(arguments),
        )
    )


def _file_options(arguments) -> dict:
    names = ("io", "logits", "allow_float", "out")
    return {name: getattr(arguments, name) for name in names} | options.said(arguments)


def _export(arguments) -> None:
    from keras_inception.tflite import android, exporting

    if arguments.android:
        android.require_empty(arguments.android)
    file = exporting.export(
        arguments.subject,
        scheme=arguments.scheme,
        images=arguments.images,
        classes=arguments.classes,
        preprocessing=arguments.preprocessing,
        float_lrn=arguments.float_lrn,
        **_file_options(arguments),
    )
    print(file)
    if arguments.android:
        android.write(file.path, arguments.android, arguments.images)
        print(arguments.android)


def _browser(arguments) -> None:
    from keras_inception.tflite import browser

    page = browser.write(arguments.file, arguments.folder)
    print(page)
    print(f"now: cd {page.parent} && npm install && python3 -m http.server --bind 127.0.0.1")
    print("and open http://127.0.0.1:8000")


def add(commands) -> None:
    quantize = commands.add_parser(
        "quantize", help="fine-tune under fake quantization and write an INT8 .tflite"
    )
    quantize.add_argument("subject", metavar="RUN_OR_MODEL", help="a run folder or a .keras file")
    quantize.add_argument("--data", help=f"images to fine-tune a .keras file on: {DATA}")
    quantize.add_argument("--epochs", type=int, help="default: a tenth of the run's")
    quantize.add_argument("--learning-rate", type=float, help="default: a hundredth of the run's")
    quantize.add_argument(
        "--engine",
        default="tfmot",
        metavar="tfmot|keras",
        help="tensorflow-model-optimization (default), or Keras 3 itself, in mixed precision too",
    )
    quantize.set_defaults(command=_quantize)
    export = commands.add_parser(
        "export",
        help="convert a run, weights or any Keras model to .tflite without training",
        epilog=f"schemes: weights, activations, what for\n{schemes.table()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument(
        "subject", metavar="RUN_OR_MODEL", help="a run folder, a tag, or a file: .keras or weights"
    )
    export.add_argument(
        "--scheme", required=True, metavar="|".join(schemes.SCHEMES), help="number format, as below"
    )
    export.add_argument("--images", metavar="DIR", help="photographs to calibrate a file on")
    options.add_classes(export)
    export.add_argument(
        "--android", metavar="DIR", help="an Android app's part of it too, as `android` writes it"
    )
    export.add_argument(
        "--float-lrn",
        action="store_true",
        help="leave local response normalization to TFLite's own operator, slow and in float",
    )
    export.set_defaults(command=_export)
    browser = commands.add_parser(
        "browser", help="write a page that runs a .tflite file in the browser"
    )
    browser.add_argument("file", metavar="FILE", help="a .tflite file with uint8 or float32 input")
    browser.add_argument("folder", metavar="DIR", help="where the page goes")
    browser.set_defaults(command=_browser, needs_frameworks=options.never)
    for parser in (quantize, export):
        parser.add_argument("--out", metavar="DIR", help="where the file goes, if not to a run")
        options.add_preprocessing(parser)
        parser.add_argument(
            "--io",
            metavar="uint8|int8|float32",
            help="type of an INT8 file's input and output (default uint8: raw pixels)",
        )
        parser.add_argument(
            "--logits",
            action="store_true",
            help="end before the softmax, which keeps an INT8 file from being fully accelerated",
        )
        parser.add_argument(
            "--allow-float", action="store_true", help="keep an INT8 file with float operators"
        )
        options.add_said(parser)
