"""`data check` and `data pack`: images before a training."""

from __future__ import annotations

from pathlib import Path

from keras_inception.training.recipes.recipe import DATA, Recipe


def _check(arguments) -> int:
    from keras_inception.training.data.report import check

    report = check(arguments.source, arguments.holdout, arguments.seed)
    print(report)
    return 2 if report.wrong else 0


def _pack(arguments) -> None:
    from keras_inception.training.data.packing import pack

    packed = pack(arguments.source, Path(arguments.folder), arguments.holdout, arguments.seed)
    images = packed["images"]
    print(
        f"{arguments.folder}: {images['train']} images to train on, {images['validation']} to "
        f"evaluate on; train with --data tfrecord:{arguments.folder}"
    )


def add(commands) -> None:
    data = commands.add_parser("data", help="check a set of images, or pack it for fast reading")
    verbs = data.add_subparsers(required=True, metavar="COMMAND")
    check = verbs.add_parser(
        "check", help="decode every image and report; exit status 2 if something must be put right"
    )
    check.set_defaults(command=_check)
    pack = verbs.add_parser("pack", help="write the images and their split as TFRecord shards")
    pack.set_defaults(command=_pack)
    for parser in (check, pack):
        parser.add_argument("source", metavar="SOURCE", help=DATA)
        parser.add_argument(
            "--holdout", type=float, default=Recipe.holdout, help="as for train (default 0.2)"
        )
        parser.add_argument(
            "--seed", type=int, default=Recipe.seed, help="as for train (default 0)"
        )
        parser.set_defaults(needs_frameworks=False)
    pack.add_argument("folder", metavar="DIR", help="a new or an empty folder")
