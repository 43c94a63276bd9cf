"""`train`."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from dataclasses import MISSING, fields

from keras_inception.training.recipes.published import NAMED
from keras_inception.training.recipes.recipe import DATA, Recipe, recipe_for

from ..errors import BadInput

AUTO = "auto"


def _train(arguments) -> None:
    from keras_inception.training import fit
    from keras_inception.training.tensorboard.board import BoardOptions

    board = BoardOptions(histograms=arguments.histograms, profile=arguments.profile)
    given = vars(arguments)
    options = {f.name: given[f.name] for f in fields(Recipe) if f.name in given}
    if arguments.distribute is None and arguments.process_id is not None:
        raise BadInput("--process-id is one of several; give their addresses to --distribute")
    if arguments.dry_run:
        if arguments.distribute is not None:
            raise BadInput("--dry-run plans for one device; leave out --distribute")
        if arguments.resume:
            raise BadInput("--dry-run is about a new run; leave out --resume")
        from keras_inception.training import dry_run

        options = _with_batch_size(options)
        print(dry_run.plan(options.pop("data", "digits"), options, arguments.run))
        return
    if arguments.resume and options:
        raise BadInput(
            f"--resume continues {arguments.run} with its own recipe; leave out "
            f"{', '.join(_flag(name) for name in sorted(options))}"
        )
    if arguments.distribute is not None and options.get("batch_size") == AUTO:
        raise BadInput(
            "--batch auto tries one device; give the batch of all devices together as a number"
        )
    options = {"data": "digits", **_with_batch_size(options)}
    with _distribution(arguments) as distribution:
        if arguments.resume:
            run = fit.resume(arguments.run, board, distribution)
        else:
            recipe = recipe_for(**options)
            run = fit.start(recipe, arguments.run, board, distribution)
    if not distribution.first:
        print(f"process {distribution.process} is done; process 0 wrote {arguments.run}")
        return
    print(run)


def _distribution(arguments):
    from keras_inception.training import distribution

    if arguments.distribute is None:
        return nullcontext(distribution.ALONE)
    if arguments.distribute:
        return distribution.joined(arguments.distribute, arguments.process_id)
    return nullcontext(distribution.of_this_machine())


def _with_batch_size(options: dict) -> dict:
    """The options with the batch size and learning rate that "auto" stands for here."""
    if options.get("batch_size") != AUTO:
        return options
    from keras_inception.training import batch_size
    from keras_inception.training.data import DataRef

    options = {name: value for name, value in options.items() if name != "batch_size"}
    recipe = recipe_for(**{"data": "digits", **options})
    train = DataRef.of(recipe).split().train
    found = batch_size.fitted(recipe, len(train), train.channels, len(train.classes))
    return {**options, "batch_size": found.batch_size, "learning_rate": found.learning_rate}


def _batch_size(text: str) -> int | str:
    return AUTO if text == AUTO else int(text)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def add(commands) -> None:
    parser = commands.add_parser(
        "train",
        help="train a network on a data set",
        description="Train a network and leave a run folder. Options not given are those of the "
        "named recipe, then those for the data.",
    )
    parser.add_argument("--run", required=True, metavar="DIR", help="the run folder")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would be done and what it would cost, and write nothing",
    )
    parser.add_argument(
        "--histograms", action="store_true", help="show the weights' distributions in TensorBoard"
    )
    parser.add_argument(
        "--profile", action="store_true", help="profile a few steps into the TensorBoard folder"
    )
    parser.add_argument(
        "--distribute",
        nargs="?",
        const="",
        metavar="HOST:PORT,...",
        help="train on all devices of this machine; with an address for each of several processes "
        "(JAX only), on the devices of all of them",
    )
    parser.add_argument(
        "--process-id",
        type=int,
        metavar="N",
        help="which of these processes this one is, from 0; process 0 writes the run folder",
    )
    kinds = {"int": int, "float": float, "str": str}
    for field in fields(Recipe):
        if field.type == "bool":
            how = {"action": argparse.BooleanOptionalAction}
        else:
            how = {"type": kinds[field.type], "metavar": field.type.upper()}
        if field.name == "batch_size":
            how = {
                "type": _batch_size,
                "metavar": "INT|auto",
                "help": "auto: the one that trains fastest here, the learning rate in proportion",
            }
        if field.name == "recipe":
            how["help"] = f"one of {', '.join(NAMED)}; its values go over those for the data"
        if field.default is MISSING:
            how["help"] = f"{DATA}; default: digits"
        names = [_flag(field.name), *(["--batch"] if field.name == "batch_size" else [])]
        parser.add_argument(*names, default=argparse.SUPPRESS, **how)
    parser.set_defaults(command=_train)
