"""`train`."""

from __future__ import annotations

import argparse
from dataclasses import MISSING, fields

from ..errors import BadInput
from ..training import recipes


def _train(arguments) -> None:
    from ..training import board, fit

    watch = board.Watch(histograms=arguments.histograms, profile=arguments.profile)
    given = vars(arguments)
    options = {f.name: given[f.name] for f in fields(recipes.Recipe) if f.name in given}
    if arguments.resume:
        if options:
            raise BadInput(
                f"--resume continues {arguments.run} with its own recipe; leave out "
                f"{', '.join(_flag(name) for name in sorted(options))}"
            )
        run = fit.resume(arguments.run, watch)
    else:
        recipe = recipes.recipe_for(options.pop("data", "digits"), **options)
        run = fit.start(recipe, arguments.run, watch)
    result = run.result
    print(
        f"{run.model}: top-1 {result['top1']:.4f}, top-5 {result['top5']:.4f}, "
        f"loss {result['loss']:.4f} on {result['images']} held-out images; {result['seconds']} s"
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def add(commands) -> None:
    parser = commands.add_parser(
        "train",
        help="train a network on a data set",
        description="Train a network and leave a run folder. Options not given are those of the "
        "data set's recipe.",
    )
    parser.add_argument("--run", required=True, metavar="DIR", help="the run folder")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    parser.add_argument(
        "--histograms", action="store_true", help="show the weights' distributions in TensorBoard"
    )
    parser.add_argument(
        "--profile", action="store_true", help="profile a few steps into the TensorBoard folder"
    )
    kinds = {"int": int, "float": float, "str": str}
    for field in fields(recipes.Recipe):
        if field.type == "bool":
            how = {"action": argparse.BooleanOptionalAction}
        else:
            how = {"type": kinds[field.type], "metavar": field.type.upper()}
        if field.default is MISSING:
            how["help"] = "digits (default), fashion_mnist, or folder:PATH of class sub-folders"
        parser.add_argument(_flag(field.name), default=argparse.SUPPRESS, **how)
    parser.set_defaults(command=_train)
