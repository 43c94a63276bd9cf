"""`train`."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path

from keras_inception.training.recipes.published import NAMED
from keras_inception.training.recipes.recipe import DATA, Recipe, recipe_for

from ..errors import BadInput
from .options import add_command, say

AUTO = "auto"


def _train(arguments) -> None:
    """train a network on a data set"""
    from keras_inception.training import fit
    from keras_inception.training.tensorboard.board import BoardOptions

    board = BoardOptions(arguments.histograms, arguments.profile)
    given, distributed = vars(arguments), arguments.distribute is not None
    options = {f.name: given[f.name] for f in fields(Recipe) if f.name in given}
    if arguments.process_id is not None and not distributed:
        raise BadInput("--process-id is one of several; give their addresses to --distribute")
    if arguments.dry_run and distributed:
        raise BadInput("--dry-run plans for one device; leave out --distribute")
    if arguments.dry_run and arguments.resume:
        raise BadInput("--dry-run is about a new run; leave out --resume")
    if arguments.resume and options:
        raise BadInput(
            f"--resume continues {arguments.run} with its own recipe; leave out "
            f"{', '.join(_flag(name) for name in sorted(options))}"
        )
    options = {"data": "digits", **options}
    if options.get("batch_size") == AUTO:
        if distributed:
            raise BadInput(
                "--batch auto tries one device; give the batch of all devices together as a number"
            )
        del options["batch_size"]
        options |= _fastest_batch_size(recipe_for(**options))
    if arguments.dry_run:
        from keras_inception.training import dry_run

        say(dry_run.plan(options.pop("data"), options, arguments.run))
        return
    with _distribution(arguments) as distribution:
        if arguments.resume:
            run = fit.resume(arguments.run, board, distribution)
        else:
            run = fit.start(recipe_for(**options), arguments.run, board, distribution)
    if distribution.first:
        say(run)
    else:
        say(f"process {distribution.process} is done; process 0 wrote {arguments.run}")


def _goes_on(arguments) -> str:
    run = Path(arguments.run)
    begun = not arguments.dry_run and (run / "run.json").is_file()
    return f"`keras-inception train --run {run} --resume` goes on" if begun else ""


def _distribution(arguments):
    from keras_inception.training import distribution

    if arguments.distribute is None:
        return nullcontext(distribution.ALONE)
    if arguments.distribute:
        return distribution.joined(arguments.distribute, arguments.process_id)
    return nullcontext(distribution.of_this_machine())


def _fastest_batch_size(recipe: Recipe) -> dict:
    """The batch size and learning rate that "auto" stands for here."""
    from keras_inception.training import batch_size
    from keras_inception.training.data import DataRef

    train = DataRef.of(recipe).split().train
    found = batch_size.fitted(recipe, len(train), train.channels, len(train.classes))
    return {"batch_size": found.batch_size, "learning_rate": found.learning_rate}


def _batch_size(text: str) -> int | str:
    return AUTO if text == AUTO else int(text)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def add(commands) -> None:
    parser = add_command(
        commands,
        _train,
        goes_on=_goes_on,
        description="Train a network and leave a run folder. Options not given are those of the "
        "named recipe, then those for the data.",
    )
    option = parser.add_argument
    option("--run", required=True, metavar="DIR", help="the run folder")
    for name, what in (
        ("resume", "continue an interrupted run"),
        ("dry-run", "say what would be done and what it would cost, and write nothing"),
        ("histograms", "show the weights' distributions in TensorBoard"),
        ("profile", "profile a few steps into the TensorBoard folder"),
    ):
        option(f"--{name}", action="store_true", help=what)
    option(
        "--distribute",
        nargs="?",
        const="",
        metavar="HOST:PORT,...",
        help="train on all devices of this machine; with an address for each of several processes "
        "(JAX only), on the devices of all of them",
    )
    option(
        "--process-id",
        type=int,
        metavar="N",
        help="which of these processes this one is, from 0; process 0 writes the run folder",
    )
    special = {
        "data": {"help": f"{DATA}; default: digits"},
        "recipe": {"help": f"one of {', '.join(NAMED)}; its values go over those for the data"},
        "batch_size": {
            "type": _batch_size,
            "metavar": "INT|auto",
            "help": "auto: the one that trains fastest here, the learning rate in proportion",
        },
    }
    kinds = {"int": int, "float": float, "str": str}
    for field in fields(Recipe):
        if field.type == "bool":
            how = {"action": argparse.BooleanOptionalAction}
        else:
            how = {"type": kinds[field.type], "metavar": field.type.upper()}
        names = [_flag(field.name), *(["--batch"] if field.name == "batch_size" else [])]
        option(*names, default=argparse.SUPPRESS, **how | special.get(field.name, {}))
