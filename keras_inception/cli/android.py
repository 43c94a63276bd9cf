"""`metadata`: what a file says of itself; and `android`: what an app needs beside it."""

from __future__ import annotations

from pathlib import Path

from . import options


def _metadata(arguments) -> None:
    """what a .tflite file says of itself; with options, write it into the file"""
    from keras_inception.tflite.metadata.saving import describe

    values = options.given(arguments, "mean", "std") | options.said(arguments)
    said = describe(arguments.file, **values)
    for key in options.SAID:
        print(f"{key:<15}{getattr(said, key) or '-'}")
    expected = said.preprocessing
    print(f"{'input':<15}(pixel - {expected.mean}) / {expected.std}, crop {expected.crop}")
    print(f"{'threshold':<15}{'-' if said.threshold is None else said.threshold}")
    print(f"{'labels':<15}{', '.join(said.labels[:5]) or '-'}{' …' if said.labels[5:] else ''}")
    print(f"{'locales':<15}{', '.join(said.localized) or '-'}")


def _android(arguments) -> None:
    """Kotlin classes, golden vectors and a test for one .tflite file"""
    from keras_inception.tflite.android import write

    write(arguments.file, arguments.folder, arguments.images, arguments.package)
    print(Path(arguments.folder) / "README.md")


def add(commands) -> None:
    metadata = options.add_command(commands, _metadata, options.never)
    metadata.add_argument("file", metavar="FILE.tflite")
    options.add_said(metadata)
    for key in ("mean", "std"):
        metadata.add_argument(
            f"--{key}", type=float, help="input = (pixel - mean) / std, if the file does not say"
        )
    option = options.add_command(commands, _android).add_argument
    option("file", metavar="FILE.tflite")
    option("folder", metavar="DIR", help="a folder that does not exist yet")
    option("--images", metavar="PHOTOS", help="for golden vectors (default: held-out images)")
    option("--package", default="com.example.classifier", help="of the Kotlin files")
