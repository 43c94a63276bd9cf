"""The family as one picture: `python docs/family.py > docs/images/family.svg`."""

from math import sqrt

from keras_inception.costs import total
from keras_inception.transform import without_aux
from keras_inception.weights.presets import PRESETS, RECOMMENDED

TITLES = {
    "googlenet": "GoogLeNet",
    "inception_v2": "Inception v2",
    "inception_v3": "Inception v3",
    "inception_v4": "Inception v4",
    "inception_resnet_v2": "Inception-ResNet v2",
}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 400, 64, 24, 52
GIGA, PERCENT = range(0, 16, 2), range(66, 84, 2)
COLOURS = ("#4477aa", "#228833", "#ccbb44", "#ee6677", "#aa3377")


def svg() -> str:
    across = (WIDTH - LEFT - 96) / GIGA[-1]
    up = (HEIGHT - TOP - BOTTOM) / (PERCENT[-1] - PERCENT[0])
    floor = HEIGHT - BOTTOM
    right = LEFT + across * GIGA[-1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for percent in PERCENT:
        y = floor - up * (percent - PERCENT[0])
        parts.append(f'<path d="M{LEFT} {y:g}H{right:g}" stroke="#e5e5e5"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:g}" text-anchor="end">{percent}</text>')
    for giga in GIGA:
        x = LEFT + across * giga
        parts.append(f'<text x="{x:g}" y="{floor + 20}" text-anchor="middle">{giga} G</text>')
    middle = (TOP + floor) / 2
    parts += [
        f'<text x="{(LEFT + right) / 2:g}" y="{HEIGHT - 10}" text-anchor="middle">'
        "multiply-adds for one image</text>",
        f'<text transform="translate(18,{middle:g})rotate(-90)" text-anchor="middle">'
        "ImageNet top-1, %, as published</text>",
        f'<text x="{right:g}" y="{floor - 12}" text-anchor="end" fill="#666">'
        "area of a dot: parameters</text>",
    ]
    for (name, tag), colour in zip(RECOMMENDED.items(), COLOURS, strict=True):
        record = PRESETS[tag]
        cost = total(without_aux(record.net))
        x = LEFT + across * cost.macs / 1e9
        y = floor - up * (record.top1 - PERCENT[0])
        radius = 4 * sqrt(cost.parameters / 1e6)
        at = {
            "inception_v4": (x - radius - 8, y - 2, "end"),
            "inception_resnet_v2": (x, y + radius + 18, "middle"),
        }.get(name, (x + radius + 8, y - 2, "start"))
        label = f'<tspan font-weight="bold">{TITLES[name]}</tspan>'
        size = f"{cost.parameters / 1e6:.1f} M"
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" '
            'fill-opacity="0.85"/>'
        )
        # Written twice, first as a halo: not every viewer knows paint-order.
        parts += [
            f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{at[2]}"{halo}>{label}'
            f'<tspan x="{at[0]:.1f}" dy="16"{ink}>{record.top1} %, {size}</tspan></text>'
            for halo, ink in (
                (' fill="#ffffff" stroke="#ffffff" stroke-width="4"', ""),
                ("", ' fill="#666"'),
            )
        ]
    return "\n".join([*parts, "</svg>"])


if __name__ == "__main__":
    print(svg())
