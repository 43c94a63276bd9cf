"""`keras-inception`: the command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import sys
from dataclasses import MISSING, fields

from .errors import BadInput


def _train(arguments) -> None:
    from .training import fit, recipes

    given = vars(arguments)
    options = {f.name: given[f.name] for f in fields(recipes.Recipe) if f.name in given}
    if arguments.resume:
        if options:
            raise BadInput(
                f"--resume continues {arguments.run} with its own recipe; leave out "
                f"--{', --'.join(sorted(options)).replace('_', '-')}"
            )
        run = fit.resume(arguments.run)
    else:
        recipe = recipes.recipe_for(options.pop("data", "digits"), **options)
        run = fit.start(recipe, arguments.run)
    print(f"{run.model}: {_scores(run.result)}")


def _scores(result: dict) -> str:
    return (
        f"top-1 {result['top1']:.4f}, top-5 {result['top5']:.4f}, loss {result['loss']:.4f} "
        f"on {result['images']} held-out images; {result['seconds']} s"
    )


def _add_train(commands) -> None:
    from .training.recipes import Recipe

    parser = commands.add_parser(
        "train",
        help="train a network on a data set",
        description="Train a network; leaves a run folder. Options not given take the values "
        "of the data set's recipe.",
    )
    parser.add_argument("--run", required=True, metavar="DIR", help="the run folder")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    for field in fields(Recipe):
        kind = {"bool": None, "int": int, "float": float, "str": str}[field.type]
        how = {"type": kind, "metavar": field.type.upper()}
        if kind is None:
            how = {"action": argparse.BooleanOptionalAction}
        if field.default is not MISSING:
            how["help"] = f"general default: {field.default}"
        else:
            how["help"] = "digits (default), fashion_mnist, or folder:PATH of class sub-folders"
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", default=argparse.SUPPRESS, **how
        )
    parser.set_defaults(command=_train)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="keras-inception", description=__doc__.split(":")[0], allow_abbrev=False
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands)
    return top


def main(argv: list[str] | None = None) -> int:
    # TensorFlow's start-up notices are no news to the user of a command.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    arguments = parser().parse_args(argv)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("keras_inception").setLevel(logging.INFO)
    try:
        arguments.command(arguments)
    except BadInput as error:
        print(f"keras-inception: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        print(f"keras-inception: {error}; nothing that existed was changed", file=sys.stderr)
        return 1
    return 0
