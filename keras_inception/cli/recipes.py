"""`recipes`: the named recipes of training, and what each should give."""

from __future__ import annotations

from textwrap import fill

from keras_inception.training.recipes.published import NAMED

from ..errors import BadInput
from . import options


def _recipes(arguments) -> None:
    if arguments.name is None:
        wide = max(map(len, NAMED))
        for name, named in NAMED.items():
            print(f"{name:<{wide}}  {named.title}: {named.expected}; {named.reproduced}")
        return
    if arguments.name not in NAMED:
        raise BadInput(f"a named recipe is one of {', '.join(NAMED)}; got {arguments.name!r}")
    named = NAMED[arguments.name]
    print(f"{'command':<12}{named.command}")
    for part in ("title", "source", "cost", "expected", "reproduced", "open"):
        print(fill(f"{part:<12}{getattr(named, part)}", 100, subsequent_indent=" " * 12))
    print("values")
    for field, value in named.values.items():
        print(f"  {field:<20}  {value}")


def add(commands) -> None:
    parser = commands.add_parser(
        "recipes", help="the named recipes, or one in full; imports no framework"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="googlenet_2014, modern, ...")
    parser.set_defaults(command=_recipes, needs_frameworks=options.never)
