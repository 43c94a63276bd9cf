"""`weights` lists published weights, `convert` makes a file of ours of them."""

from __future__ import annotations

from . import options


def _weights(arguments) -> None:
    from ..weights.presets import PRESETS, RECOMMENDED

    wide = max(map(len, PRESETS))
    print(f"  {'tag':<{wide}}  top-1   top-5  classes  heads      licence           origin")
    for tag, record in PRESETS.items():
        star = "*" if tag in RECOMMENDED.values() else " "
        print(
            f"{star} {tag:<{wide}}  {record.top1:5.2f}   {record.top5:5.2f}  {record.classes:7d}  "
            f"{record.heads:<9}  {record.licence:<16}  {record.origin}"
        )
    print(
        '(* what weights="imagenet" means; percentages on the 50,000 ImageNet validation images,\n'
        " one central crop, as published)"
    )


def _convert(arguments) -> None:
    from ..weights import pretrained

    found = pretrained.load(arguments.weights)
    pretrained.save(found, arguments.file)
    print(f"{arguments.file}: {found.net.name}, {len(found.arrays)} arrays")


def add(commands) -> None:
    weights = commands.add_parser("weights", help="the published weights that can be loaded")
    weights.set_defaults(command=_weights, needs_frameworks=options.never)
    convert = commands.add_parser(
        "convert", help="write published weights, by tag or from somebody's file, as one of ours"
    )
    convert.add_argument("weights", metavar="WEIGHTS", help="a tag or a file")
    convert.add_argument("file", metavar="FILE.npz")
    convert.set_defaults(command=_convert, needs_frameworks=options.never)
