"""`table` and `weights`: what there is. Neither imports a framework."""

from __future__ import annotations

from .. import plot, table
from ..files import write_bytes
from ..networks import member
from ..weights.presets import PRESETS, RECOMMENDED


def _table(arguments) -> None:
    if arguments.block:
        print(table.compare(arguments.block))
    elif arguments.plot:
        write_bytes(arguments.plot, plot.svg(member(arguments.network)).encode())
        print(arguments.plot)
    else:
        print(table.network(arguments.network) if arguments.network else table.family())


def _weights(arguments) -> None:
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


def add(commands) -> None:
    parser = commands.add_parser(
        "table", help="what the family costs, or one network row by row; imports no framework"
    )
    parser.add_argument("network", nargs="?", help="googlenet, inception_v2, ...")
    parser.add_argument(
        "--block", metavar="3a", help="a block of GoogLeNet beside plain convolutions"
    )
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the network")
    parser.set_defaults(command=_table, needs_frameworks=False)
    weights = commands.add_parser("weights", help="the published weights that can be loaded")
    weights.set_defaults(command=_weights, needs_frameworks=False)
