"""What an INT8 file must pass before it is kept."""

from __future__ import annotations

import logging

import numpy as np

from keras_inception.errors import BadInput
from keras_inception.preprocess import Preprocessing

from ..conversion.convert import convert
from ..file.flatbuffer import unpack
from ..file.interpreter import File
from ..file.outputs import are_probabilities
from ..model.fake_quant import fake_quantization_off
from .audit import audit
from .ranges import require_input, require_ranges

log = logging.getLogger(__name__)


def require(
    content: bytes,
    model,
    pixels: np.ndarray,
    expected: Preprocessing,
    allow_float: bool,
    allowed: float,
) -> None:
    """Raise BadInput unless the file is integer throughout, or `allow_float`, of TFLite's own
    operators with a batch of 1, its ranges at most `allowed` times as wide as those that `model`,
    which computes in float, has on the calibration images `pixels`, and its input's that of the
    preprocessing `expected`."""
    require_integer(content, allow_float)
    require_plain(content)
    require_input(File(content), expected)
    with fake_quantization_off():
        floats = convert(model, "float32", expected, logits=not are_probabilities(content))
    require_ranges(content, floats, pixels, expected, allowed)


def require_integer(content: bytes, allow_float: bool) -> None:
    found = audit(content)
    if not (found.integer or allow_float):
        raise BadInput(
            f"the file is not integer throughout: {found}; "
            "change what is in float, or pass --allow-float to keep the file all the same"
        )
    log.info("audit: %s", found)


def require_plain(content: bytes) -> None:
    """Raise BadInput for operators that TFLite does not have, Flex among them, and for an open
    batch size, which delegates refuse."""
    model = unpack(content)
    foreign = [code.customCode.decode() for code in model.operatorCodes if code.customCode]
    if foreign:
        raise BadInput(
            f"the file needs operators that TFLite does not have: {', '.join(foreign)}; "
            "build the network of others"
        )
    (graph,) = model.subgraphs
    for tensor in (graph.tensors[i] for i in graph.inputs):
        signature = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
        if signature[0] != 1:
            raise BadInput(f"the file takes a batch of {signature[0]}; 1 is needed")
