"""What can be had: `table` of networks, `recipes`, and `weights`, of which `convert` makes ours;
and what is here: `doctor`."""

from __future__ import annotations

import platform
from textwrap import fill

from keras_inception.training.recipes.published import NAMED

from .. import environment, plot, table
from ..errors import BadInput
from ..files import write_bytes
from ..networks import member
from .options import add_command, add_preprocessing, never, say


def _table(arguments) -> None:
    """what the family costs, or one network row by row; imports no framework"""
    if arguments.block:
        say(table.compare(arguments.block))
    elif arguments.plot:
        write_bytes(arguments.plot, plot.svg(member(arguments.network)).encode())
        say(arguments.plot)
    else:
        say(table.network(arguments.network) if arguments.network else table.family())


def _weights(arguments) -> None:
    """the published weights that can be loaded"""
    from ..weights.presets import PRESETS, RECOMMENDED

    wide = max(map(len, PRESETS))
    say(f"  {'tag':<{wide}}  top-1   top-5  classes  heads      licence           origin")
    for tag, record in PRESETS.items():
        star = "*" if tag in RECOMMENDED.values() else " "
        say(
            f"{star} {tag:<{wide}}  {record.top1:5.2f}   {record.top5:5.2f}  {record.classes:7d}  "
            f"{record.heads:<9}  {record.licence:<16}  {record.origin}"
        )
    say(
        '(* what weights="imagenet" means; percentages on the 50,000 ImageNet validation images,\n'
        " one central crop, as published)"
    )


def _convert(arguments) -> None:
    """write published weights, by tag or from somebody's file, as one of ours"""
    from ..weights import pretrained

    found = pretrained.load(arguments.weights)
    if arguments.preprocessing:
        found = found.expecting(arguments.preprocessing)
    pretrained.save(found, arguments.file)
    say(f"{arguments.file}: {found.net.name}, {len(found.arrays)} arrays")


def _recipes(arguments) -> None:
    """the named recipes, or one in full; imports no framework"""
    if arguments.name is None:
        wide = max(map(len, NAMED))
        for name, named in NAMED.items():
            say(f"{name:<{wide}}  {named.title}: {named.expected}; {named.reproduced}")
        return
    if arguments.name not in NAMED:
        raise BadInput(f"a named recipe is one of {', '.join(NAMED)}; got {arguments.name!r}")
    named = NAMED[arguments.name]
    say(f"{'command':<12}{named.command}")
    for part in ("title", "source", "cost", "expected", "reproduced", "open"):
        say(fill(f"{part:<12}{getattr(named, part)}", 100, subsequent_indent=" " * 12))
    say("values")
    for field, value in named.values.items():
        say(f"  {field:<20}  {value}")


def _doctor(arguments) -> int:
    """what is installed here, what computes, and what is amiss: a bug report begins with it"""
    import keras

    for name, version in environment.versions().items():
        say(f"{name:<30}{version}")
    say(f"{'system':<30}{platform.platform()}")
    say(f"{'backend':<30}{keras.backend.backend()}")
    say(f"{'devices':<30}{', '.join(keras.distribution.list_devices())}")
    for sentence in environment.missing():
        say(sentence)
    unfit = environment.unfit()
    for sentence in unfit:
        say(sentence)
    return 2 if unfit else 0


def add(commands) -> None:
    option = add_command(commands, _table, never).add_argument
    option("network", nargs="?", help="googlenet, inception_v2, ...")
    option("--block", metavar="3a", help="a block of GoogLeNet beside plain convolutions")
    option("--plot", metavar="FILE.svg", help="draw the network")
    add_command(commands, _weights, never)
    convert = add_command(commands, _convert, never)
    option = convert.add_argument
    option("weights", metavar="WEIGHTS", help="a tag or a file")
    option("file", metavar="FILE.npz")
    add_preprocessing(convert)
    add_command(commands, _doctor)
    option = add_command(commands, _recipes, never).add_argument
    option("name", nargs="?", metavar="NAME", help="googlenet_2014, modern, ...")
