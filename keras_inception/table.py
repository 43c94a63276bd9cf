"""What the family and its parts cost, as text: the tables of `keras-inception table`."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from .costs import Cost, measure, total
from .errors import BadInput
from .networks import FAMILY, member
from .networks.chains import chain
from .networks.googlenet import naive_inception
from .networks.predecessors import PREDECESSORS
from .nodes import Conv
from .spec import Concat, Network, walk
from .transform import with_norm, without_aux

#: Parameters and multiply-adds printed in the paper's Table 1 (thousands, millions).
PRINTED = {
    "conv1_7x7_s2": (2.7, 34),
    "conv2_3x3": (112, 360),
    "inception_3a": (159, 128),
    "inception_3b": (380, 304),
    "inception_4a": (364, 73),
    "inception_4b": (437, 88),
    "inception_4c": (463, 100),
    "inception_4d": (580, 119),
    "inception_4e": (840, 170),
    "inception_5a": (1072, 54),
    "inception_5b": (1388, 71),
    "loss3_classifier": (1000, 1),
}


def text(header: list[str], rows: list[list]) -> str:
    """Columns wide enough for their cells; the first to the left, numbers to the right."""
    cells = [header] + [[str(cell) for cell in row] for row in rows]
    wide = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        first, *others = zip(row, wide, strict=True)
        padded = [f"{first[0]:<{first[1]}}", *(f"{cell:>{w}}" for cell, w in others)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def activations(net: Network) -> int:
    """Numbers held at once at most: a row's input and output, for one image."""
    shapes = walk(net.rows + net.top, net.input_shape, net)
    return max(prod(given) + prod(made) for _, given, made in shapes if len(made) == 3)


def family() -> str:
    """A row per member, in the form that is trained here (batch normalization, no heads)."""
    rows = []
    for name, net in FAMILY.items():
        net = without_aux(with_norm(net, "batch"))
        cost = total(net)
        rows.append(
            [
                name,
                net.year,
                f"{net.input_shape[0]}x{net.input_shape[1]}",
                f"{cost.parameters:,}",
                f"{cost.macs / 1e6:,.1f} M",
                f"{4 * activations(net) / 1e6:.1f} MB",
                # Batch normalization is folded, weights and biases take a byte each.
                f"{cost.trainable / 1e6:.1f} MB",
            ]
        )
    for net in PREDECESSORS:
        parameters, macs = f"{net.parameters:,}", f"{net.macs / 1e6:,.1f} M"
        rows.append([net.name, net.year, "", parameters, macs, "", ""])
    header = ["network", "year", "input", "parameters", "mult-adds", "activations", "INT8"]
    return text(header, rows)


def network(name: str) -> str:
    """Every row of a member's table with its real costs; for GoogLeNet beside the printed ones."""
    net = member(name)
    bare = {cost.name: cost for cost in measure(replace(net, bias=False))}
    rows = []
    for cost in measure(net):
        rows.append(_figures(cost))
        if name == "googlenet":
            rows[-1] += _printed(cost, bare)
    figures = _figures(replace(total(net), name="total", shape=()))
    rows.append([*figures, *[""] * (len(rows[0]) - 4)])
    header = ["row", "output", "parameters", "mult-adds"]
    if name != "googlenet":
        return text(header, rows)
    note = "\n* does not follow from the widths the paper prints (docs/errata.md)"
    return text([*header, "printed params", "printed ops"], rows) + note


def _figures(cost: Cost) -> list[str]:
    shape = "x".join(str(n) for n in cost.shape)
    return [cost.name, shape, f"{cost.parameters:,}", f"{cost.macs:,}"]


def _printed(cost: Cost, bare: dict[str, Cost]) -> list[str]:
    """The paper's figures for a row, marked where its printed widths do not give them."""
    if cost.name not in PRINTED:
        return ["", ""]
    parameters, ops = PRINTED[cost.name]
    # The paper counts the second stage's two convolutions as one row, and weights without biases.
    counted = [bare[cost.name]]
    if cost.name == "conv2_3x3":
        counted.append(bare["conv2_3x3_reduce"])
    weights = sum(c.parameters for c in counted)
    macs = sum(c.macs for c in counted)
    # Some rows are thousands, others 1024s.
    fits = min(abs(weights / unit - parameters) for unit in (1000, 1024)) <= 1
    marks = ["" if fits else " *", "" if abs(macs / 1e6 - ops) < 1 else " *"]
    return [f"{parameters:g}K{marks[0]}", f"{ops}M{marks[1]}"]


def compare(block: str) -> str:
    """A GoogLeNet block beside plain convolutions and the naive block of the same width."""
    net = FAMILY["googlenet"]
    steps = walk(net.rows, net.input_shape, net)
    blocks = {row.name: (row, given) for row, given, _ in steps if isinstance(row, Concat)}
    name = f"inception_{block.removeprefix('inception_')}"
    if name not in blocks:
        raise BadInput(f"a block of GoogLeNet is one of 3a, 3b, 4a to 4e, 5a, 5b; got {block!r}")
    row, before = blocks[name]
    widths = [branch[-1].filters for branch in row.branches[:3]]
    filters = row.output(before, net)[2]
    rivals = [
        row,
        Conv("plain 3x3", filters, 3),
        Conv("plain 5x5", filters, 5),
        naive_inception("naive block", *widths),
    ]
    alone = Network("alone", (), top=(), bias=False, input_shape=before)
    costs = [measure(replace(alone, rows=(rival,)))[0] for rival in rivals]
    rows = [[*_figures(cost), f"{cost.macs / costs[0].macs:.1f}x"] for cost in costs]
    # The lecture's example: what a 1x1 in front saves a 5x5 convolution at 28x28.
    direct = Network("5x5", (Conv("5x5", 32, 5),), top=(), input_shape=(28, 28, 192))
    reduced = Concat("reduced", (chain("r", ("1x1", 16), ("5x5", 32, 5)),))
    wide, narrow = total(direct).macs, total(replace(direct, rows=(reduced,))).macs
    return "\n".join(
        [
            f"on {before[0]}x{before[1]}x{before[2]}, weights without biases",
            text(["", "output", "weights", "mult-adds", ""], rows),
            "",
            f"5x5, 192 to 32 channels at 28x28: {wide:,} multiplications;",
            f"through 1x1 to 16 channels first: {narrow:,}",
        ]
    )


def page() -> str:
    """docs/networks.md: the family, and every member row by row."""
    parts = [
        "# The networks",
        "Generated from the tables in `keras_inception/networks` by `make docs`; a test compares.",
        "Parameters are all numbers a model holds, multiply-adds those of one image of the native",
        "size, activations the largest input and output of one row in float32, INT8 the weights at",
        "a byte each.",
        "",
        f"```text\n{family()}\n```",
    ]
    for name, net in FAMILY.items():
        heads = ", with its auxiliary heads" if net.heads else ""
        parts.append(f"\n## {name}\n\nAs published{heads} (`keras-inception table {name}`):\n")
        parts.append(f"```text\n{network(name)}\n```")
    parts.append("\n## An Inception block beside plain convolutions\n")
    parts.append(f"`keras-inception table --block 3a`:\n\n```text\n{compare('3a')}\n```")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(page(), end="")
