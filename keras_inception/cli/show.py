"""`table`: what the networks cost."""

from __future__ import annotations

from .. import plot, table
from ..files import write_bytes
from ..networks import member
from . import options


def _table(arguments) -> None:
    if arguments.block:
        print(table.compare(arguments.block))
    elif arguments.plot:
        write_bytes(arguments.plot, plot.svg(member(arguments.network)).encode())
        print(arguments.plot)
    else:
        print(table.network(arguments.network) if arguments.network else table.family())


def add(commands) -> None:
    parser = commands.add_parser(
        "table", help="what the family costs, or one network row by row; imports no framework"
    )
    parser.add_argument("network", nargs="?", help="googlenet, inception_v2, ...")
    parser.add_argument(
        "--block", metavar="3a", help="a block of GoogLeNet beside plain convolutions"
    )
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the network")
    parser.set_defaults(command=_table, needs_frameworks=options.never)
