"""`keras-inception`: the command line. No framework is imported before a command needs it."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import sys
from dataclasses import MISSING, fields

from . import plot, table
from .errors import BadInput
from .files import write_bytes
from .native_output import held_back
from .networks import member
from .training import recipes

_FULL_OR_CLOSED = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)


def _start_frameworks() -> None:
    # TensorFlow's start-up notices are no news to the user of a command.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with held_back():
        from .training.precision import on_gpu

        on_gpu()


def _train(arguments) -> None:
    from .training import fit

    given = vars(arguments)
    options = {f.name: given[f.name] for f in fields(recipes.Recipe) if f.name in given}
    if arguments.resume:
        if options:
            raise BadInput(
                f"--resume continues {arguments.run} with its own recipe; leave out "
                f"{', '.join(_flag(name) for name in sorted(options))}"
            )
        run = fit.resume(arguments.run)
    else:
        run = fit.start(recipes.recipe_for(options.pop("data", "digits"), **options), arguments.run)
    result = run.result
    print(
        f"{run.model}: top-1 {result['top1']:.4f}, top-5 {result['top5']:.4f}, "
        f"loss {result['loss']:.4f} on {result['images']} held-out images; {result['seconds']} s"
    )


def _quantize(arguments) -> None:
    from .tflite import deliver

    print(
        deliver.quantize(
            arguments.folder,
            arguments.epochs,
            arguments.learning_rate,
            arguments.io,
            arguments.allow_float,
        )
    )


def _export(arguments) -> None:
    from .tflite import deliver

    print(deliver.export(arguments.folder, arguments.scheme, arguments.io, arguments.allow_float))


def _evaluate(arguments) -> None:
    from .tflite import evaluate

    print(f"{arguments.subject}: {evaluate.evaluate(arguments.subject, arguments.data)}")


def _report(arguments) -> None:
    from .tflite import evaluate

    print(evaluate.report(arguments.folder))


def _table(arguments) -> None:
    if arguments.block:
        print(table.compare(arguments.block))
    elif arguments.plot:
        write_bytes(arguments.plot, plot.svg(member(arguments.network)).encode())
        print(arguments.plot)
    else:
        print(table.network(arguments.network) if arguments.network else table.family())


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _add_train(commands) -> None:
    parser = commands.add_parser(
        "train",
        help="train a network on a data set",
        description="Train a network and leave a run folder. Options not given are those of the "
        "data set's recipe.",
    )
    parser.add_argument("--run", required=True, metavar="DIR", help="the run folder")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
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


def _add_tflite(commands) -> None:
    quantize = commands.add_parser(
        "quantize", help="fine-tune a run under fake quantization and write its INT8 .tflite"
    )
    quantize.add_argument("--epochs", type=int, help="default: a tenth of the run's")
    quantize.add_argument("--learning-rate", type=float, help="default: a hundredth of the run's")
    quantize.set_defaults(command=_quantize)
    export = commands.add_parser("export", help="convert a run to .tflite without training")
    export.add_argument(
        "--scheme", required=True, metavar="float32|float16|dynamic|int8", help="number format"
    )
    export.set_defaults(command=_export)
    for parser in (quantize, export):
        parser.add_argument("folder", metavar="RUN", help="a run folder")
        parser.add_argument(
            "--io",
            default="uint8",
            metavar="uint8|int8|float32",
            help="type of an INT8 file's input and output (default uint8: raw pixels)",
        )
        parser.add_argument(
            "--allow-float", action="store_true", help="keep an INT8 file with float operators"
        )


def _add_measuring(commands) -> None:
    evaluate = commands.add_parser(
        "evaluate", help="top-1, top-5 and loss of a run, a .keras or a .tflite file"
    )
    evaluate.add_argument("subject", metavar="RUN_OR_FILE")
    evaluate.add_argument("--data", help="as for train; default: the data it was trained on")
    evaluate.set_defaults(command=_evaluate)
    report = commands.add_parser("report", help="accuracy, size and latency of every file of a run")
    report.add_argument("folder", metavar="RUN", help="a run folder")
    report.set_defaults(command=_report)


def _add_table(commands) -> None:
    parser = commands.add_parser(
        "table", help="what the family costs, or one network row by row; imports no framework"
    )
    parser.add_argument("network", nargs="?", help="googlenet, inception_v2, ...")
    parser.add_argument(
        "--block", metavar="3a", help="a block of GoogLeNet beside plain convolutions"
    )
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the network")
    parser.set_defaults(command=_table)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="keras-inception",
        description="Train Inception networks, quantize them, and write .tflite files.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_table(commands)
    _add_train(commands)
    _add_tflite(commands)
    _add_measuring(commands)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command: 0 if it succeeded, 2 for bad input, 1 for a disk that refuses, 130 for
    Ctrl-C."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("keras_inception").setLevel(logging.INFO)
    try:
        if arguments.command is not _table:
            _start_frameworks()
        arguments.command(arguments)
    except BadInput as error:
        print(f"keras-inception: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("keras-inception: stopped; `train` continues with --resume", file=sys.stderr)
        return 130
    except OSError as error:
        if error.errno not in _FULL_OR_CLOSED:
            raise
        print(f"keras-inception: {error}; nothing that existed was changed", file=sys.stderr)
        return 1
    return 0
