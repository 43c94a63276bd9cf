"""`quantize` and `export`: what goes to the phone."""

from __future__ import annotations


def _quantize(arguments) -> None:
    from ..tflite import deliver

    print(
        deliver.quantize(
            arguments.folder,
            arguments.epochs,
            arguments.learning_rate,
            arguments.io,
            arguments.allow_float,
        )
    )


def _export(arguments) -> None:
    from ..tflite import android, deliver

    if arguments.android:
        android.require_empty(arguments.android)
    path = deliver.export(
        arguments.subject,
        arguments.scheme,
        arguments.io,
        arguments.allow_float,
        arguments.float_lrn,
        arguments.images,
        arguments.out,
    )
    print(path)
    if arguments.android:
        android.write(path, arguments.android, arguments.images)
        print(arguments.android)


def add(commands) -> None:
    quantize = commands.add_parser(
        "quantize", help="fine-tune a run under fake quantization and write its INT8 .tflite"
    )
    quantize.add_argument("folder", metavar="RUN", help="a run folder")
    quantize.add_argument("--epochs", type=int, help="default: a tenth of the run's")
    quantize.add_argument("--learning-rate", type=float, help="default: a hundredth of the run's")
    quantize.set_defaults(command=_quantize)
    export = commands.add_parser(
        "export", help="convert a run, or published weights, to .tflite without training"
    )
    export.add_argument("subject", metavar="RUN_OR_WEIGHTS", help="a run folder, a tag or a file")
    export.add_argument(
        "--scheme", required=True, metavar="float32|float16|dynamic|int8", help="number format"
    )
    export.add_argument(
        "--images", metavar="DIR", help="photographs to calibrate published weights on, for int8"
    )
    export.add_argument(
        "--android", metavar="DIR", help="an Android app's part of it too, as `android` writes it"
    )
    export.add_argument("--out", metavar="DIR", help="where a file of published weights goes")
    export.add_argument(
        "--float-lrn",
        action="store_true",
        help="leave local response normalization to TFLite's own operator, slow and in float",
    )
    export.set_defaults(command=_export)
    for parser in (quantize, export):
        parser.add_argument(
            "--io",
            default="uint8",
            metavar="uint8|int8|float32",
            help="type of an INT8 file's input and output (default uint8: raw pixels)",
        )
        parser.add_argument(
            "--allow-float", action="store_true", help="keep an INT8 file with float operators"
        )
