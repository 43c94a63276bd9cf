"""The number formats of `.tflite` files, by name: what is stored, what is computed, what for."""

from __future__ import annotations

from dataclasses import dataclass

from keras_inception.errors import BadInput


@dataclass(frozen=True)
class Scheme:
    """A number format. `io_types` are those that its input and output may have, the default first;
    `calibrated` ones take ranges from images. Kernels' 8 bits are per output channel throughout,
    but for dense layers of fine-tuned files."""

    weights: str
    activations: str
    good_for: str
    io_types: tuple[str, ...] = ("float32",)
    calibrated: bool = False


SCHEMES = {
    "float32": Scheme("float32", "float32", "comparing"),
    "float16": Scheme("float16", "float32, on a GPU float16", "GPUs: half the size"),
    "dynamic": Scheme("int8", "int8 by each image's own range", "CPUs, without calibration images"),
    "int8": Scheme(
        "int8", "int8", "CPUs, NPUs and DSPs: a quarter of the size",
        ("uint8", "int8", "float32"), calibrated=True,
    ),
    "int16x8": Scheme(
        "int8", "int16", "accuracy that int8 lost; slow: no accelerated kernels",
        calibrated=True,
    ),
}  # fmt: skip


def scheme_named(name: str) -> Scheme:
    """The scheme of that name. Raises BadInput if there is none."""
    if name not in SCHEMES:
        raise BadInput(f"scheme must be one of {', '.join(SCHEMES)}; got {name!r}")
    return SCHEMES[name]


def io_type_for(name: str, io_type: str | None) -> str:
    """The type of input and output, the scheme's own for None. Raises BadInput for another."""
    possible = scheme_named(name).io_types
    if io_type is None:
        return possible[0]
    if io_type not in possible:
        raise BadInput(f"the io of {name} files is {' or '.join(possible)}; got {io_type!r}")
    return io_type


def table() -> str:
    """The schemes in lines, for the command's help."""
    return "\n".join(
        f"  {name:<9}{scheme.weights:<9}{scheme.activations:<32}{scheme.good_for}"
        for name, scheme in SCHEMES.items()
    )
