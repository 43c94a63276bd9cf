"""A network as an SVG picture: rows from top to bottom, the branches of a block side by side."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from .costs import measure
from .spec import Aux, Block, Network, Row

WIDTH, HEIGHT, GAP = 128, 30, 8


@dataclass(frozen=True)
class _Piece:
    """A drawing with its size; `svg` is relative to its upper left corner."""

    width: int
    height: int
    svg: str


def _at(x: float, y: float, svg: str) -> str:
    return f'<g transform="translate({x:g},{y:g})">{svg}</g>'


def _piece(row: Row) -> _Piece:
    if isinstance(row, Block):
        return _block(row)
    middle = f'x="{WIDTH / 2}" y="{HEIGHT / 2 + 4}" text-anchor="middle"'
    svg = (
        f'<title>{escape(row.name)}</title><rect width="{WIDTH}" height="{HEIGHT}" rx="4" '
        f'fill="{row.drawing[0]}" stroke="#555"/>'
        f"<text {middle}>{escape(row.label)}</text>"
    )
    return _Piece(WIDTH, HEIGHT, svg)


def _stack(pieces: list[_Piece], least_height: int = 0) -> _Piece:
    """Pieces below each other, joined by lines, centred."""
    width = max((piece.width for piece in pieces), default=WIDTH)
    svg, y = [], 0
    for piece in pieces:
        if y:
            svg.append(_line(width / 2, y - GAP, width / 2, y))
        svg.append(_at((width - piece.width) / 2, y, piece.svg))
        y += piece.height + GAP
    y = max(0, y - GAP)
    if y < least_height:
        svg.append(_line(width / 2, y, width / 2, least_height))
    return _Piece(width, max(y, least_height), "".join(svg))


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="#555" fill="none"/>'


def _block(row: Block) -> _Piece:
    """A frame with the branches side by side."""
    branches = [[_piece(inner) for inner in branch] for branch in row.branches]
    tallest = max(_stack(branch).height for branch in branches)
    columns = [_stack(branch, tallest) for branch in branches]
    inner = sum(column.width for column in columns) + GAP * (len(columns) - 1)
    width, top = inner + 2 * GAP, 20
    svg, x, middle = [], GAP, width / 2
    for column in columns:
        centre = x + column.width / 2
        svg.append(_line(middle, top, centre, top + GAP))
        svg.append(_at(x, top + GAP, column.svg))
        svg.append(_line(centre, top + GAP + tallest, middle, top + 2 * GAP + tallest))
        x += column.width + GAP
    height = top + tallest + 3 * GAP
    frame = (
        f'<rect width="{width}" height="{height}" rx="8" fill="{row.drawing[0]}" stroke="#999"/>'
        f'<text x="{GAP}" y="14" class="name">{escape(row.label)}</text>'
    )
    return _Piece(width, height, frame + "".join(svg))


def svg(net: Network) -> str:
    """The network as an SVG document; hovering over a box shows the layer's name."""
    shapes = {cost.name: "×".join(map(str, cost.shape)) for cost in measure(net)}
    heads, pieces = {}, []
    for row in net.rows + net.top:
        if isinstance(row, Aux):
            heads[pieces[-1][0]] = row, _stack([_piece(inner) for inner in row.rows])
        else:
            pieces.append((row, _piece(row)))
    trunk = max(piece.width for _, piece in pieces)
    centre, margin, aside = 150 + trunk / 2, 16, 150 + trunk + 60
    drawn, y = [], 48
    for row, piece in pieces:
        if y > 48:
            drawn.append(_line(centre, y - GAP * 2, centre, y))
        drawn.append(_at(centre - piece.width / 2, y, piece.svg))
        drawn.append(f'<text x="140" y="{y + 18}" text-anchor="end">{shapes[row.name]}</text>')
        y += piece.height
        if row in heads:
            head, body = heads[row]
            drawn.append(_line(centre + piece.width / 2, y - 15, aside, y - 15))
            drawn.append(f'<text x="{aside}" y="{y - 20}" class="name">{head.name}</text>')
            drawn.append(_at(aside, y - 15, body.svg))
        y += 2 * GAP
    width = aside + (WIDTH if heads else 0) + margin
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{y:g}" '
        f'viewBox="0 0 {width:g} {y:g}" font-family="sans-serif" font-size="12">'
        "<style>.name{fill:#333;font-weight:bold}</style>"
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<text x="{margin}" y="28" font-size="18">{escape(net.name)}</text>'
        f"{''.join(drawn)}</svg>\n"
    )
