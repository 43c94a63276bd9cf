"""What several commands share: how they are declared, their options, and what those were given."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Callable

from .. import escaping

#: What a file says of itself, as text.
SAID = ("name", "description", "author", "license", "version")


def never(arguments) -> bool:
    """Whether a command needs a framework: this one does not."""
    return False


def always(arguments) -> bool:
    """Whether a command needs a framework: this one does."""
    return True


def nothing(arguments) -> str:
    """How a command that was stopped goes on: it does not, it is given anew."""
    return ""


def add_command(
    commands,
    command: Callable,
    needs_frameworks: Callable = always,
    goes_on: Callable = nothing,
    **how,
) -> ArgumentParser:
    """A parser of `command`, whose name and docstring are the command's; `how` is argparse's.

    goes_on: what to do if it was stopped, or the disk was full.
    """
    parser = commands.add_parser(command.__name__.strip("_"), help=command.__doc__, **how)
    parser.set_defaults(command=command, needs_frameworks=needs_frameworks, goes_on=goes_on)
    return parser


def say(*words, file=None) -> None:
    """`print`, for everything that a command says: names out of files tell the terminal nothing."""
    print(escaping.terminal(" ".join(map(str, words))), file=file)


def text(argument: str) -> str:
    """The type of an argument that is words: UTF-8, whatever the locale."""
    return os.fsencode(argument).decode("utf-8", "backslashreplace")


def given(arguments, *names: str) -> dict:
    """The values of the options of these names."""
    return {name: getattr(arguments, name) for name in names}


def add_preprocessing(parser: ArgumentParser, auto: str = "") -> None:
    parser.add_argument(
        "--preprocessing",
        metavar="tf|torch|caffe|unit|raw|keras_inception",
        help="how pixels 0..255 become the input of what does not say it, as others' .keras and "
        f".tflite files and weights{auto}",
    )
    parser.add_argument(
        "--image-size",
        type=int,
        metavar="PIXELS",
        help="the size of a .keras file's input where that is open or not square, or another one",
    )


def add_classes(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--classes",
        metavar="FILE",
        help="names of the classes, of a file that does not say them, in the order of its outputs: "
        "a text file or JSON; or: imagenet",
    )


def add_kind(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--kind",
        metavar="classes|labels|numbers|features",
        help="what the outputs are, where their end does not tell: one of them is right, any "
        "number are, numbers, a vector",
    )
    parser.add_argument(
        "--head", metavar="NAME", help="which output of a Keras model that has several, or number"
    )


def add_classes_map(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--classes-map",
        metavar="FILE|position",
        help="lines THEIRS,KNOWN: what the network calls a class of the images; or: both have one "
        "order",
    )


def add_trust(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--trust",
        action="store_true",
        help="open files with Keras, or LiteRT in this process: what is written into them may run",
    )


def add_said(parser: ArgumentParser) -> None:
    """What is to be written into a file: `said` reads it."""
    group = parser.add_argument_group("what the file says of itself")
    for key in SAID:
        group.add_argument(f"--{key}", type=text, metavar="TEXT")
    group.add_argument(
        "--labels",
        nargs="+",
        default=[],
        metavar="FILE",
        help="one name per line and output; of other locales by name: labels_de.txt",
    )
    group.add_argument(
        "--threshold", type=float, help="MediaPipe's tasks drop scores below this, in [0, 1]"
    )


def said(arguments) -> dict:
    """Those that were given, as `metadata.Said`."""
    values = given(arguments, *SAID, "labels", "threshold")
    return {key: value for key, value in values.items() if value not in (None, [])}
