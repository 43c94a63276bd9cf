"""`data check` and `data pack`: images before a training."""

from __future__ import annotations

from pathlib import Path

from keras_inception.training.recipes.recipe import DATA, Recipe

from . import options


def _check(arguments) -> int:
    """decode every image and report; exit status 2 if something must be put right"""
    from keras_inception.training.data.report import check

    report = check(_data_ref(arguments))
    options.say(report)
    return 2 if report.wrong else 0


def _pack(arguments) -> None:
    """write the images and their split as TFRecord shards"""
    from keras_inception.training.data.packing import pack

    images = pack(_data_ref(arguments), Path(arguments.folder)).images
    counts = ", ".join(f"{count} {part}" for part, count in images.items())
    options.say(
        f"{arguments.folder}: {counts} images; train with --data tfrecord:{arguments.folder}"
    )


def _goes_on(arguments) -> str:
    return "the same command goes on with it"


def _data_ref(arguments):
    from keras_inception.training.data import DataRef

    return DataRef(
        **options.given(arguments, "source", "holdout", "seed", "validation", "group_by")
    )


def add(commands) -> None:
    data = commands.add_parser("data", help="check a set of images, or pack it for fast reading")
    verbs = data.add_subparsers(required=True, metavar="COMMAND")
    check = options.add_command(verbs, _check, options.never)
    pack = options.add_command(verbs, _pack, options.never, goes_on=_goes_on)
    for parser in (check, pack):
        parser.add_argument("source", metavar="SOURCE", help=DATA)
        for name in ("holdout", "validation", "seed", "group_by"):
            default = getattr(Recipe, name)
            parser.add_argument(
                f"--{name.replace('_', '-')}",
                type=type(default),
                default=default,
                help=f"as for train (default {default or 'none'})",
            )
    pack.add_argument("folder", metavar="DIR", help="a new or an empty folder")
