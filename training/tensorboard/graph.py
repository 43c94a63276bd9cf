"""A network's layers as a graph for TensorBoard, folded by the rows of its table."""

from __future__ import annotations

from collections import Counter

import keras
from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

from keras_inception.spec import Network

from .rows import Rows


def graph(model, net: Network) -> GraphDef:
    """The Keras model built from `net`: a node per layer, in the scopes of its rows."""
    rows = Rows(net)
    paths = {layer.name: rows.path(layer.name) for layer in model.layers}
    inside = Counter(path[:i] for path in paths.values() for i in range(1, len(path) + 1))
    names = {
        # A scope around one layer would be one more box to unfold.
        layer: "/".join([row for i, row in enumerate(path, 1) if inside[path[:i]] > 1] + [layer])
        for layer, path in paths.items()
    }
    flat = keras.tree.flatten
    maker = {id(tensor): layer.name for layer in model.layers for tensor in flat(layer.output)}
    result = GraphDef()
    for layer in model.layers:
        node = result.node.add(name=names[layer.name], op=type(layer).__name__)
        node.input.extend(names[maker[id(tensor)]] for tensor in flat(layer.input))
        shape = TensorShapeProto(
            dim=[TensorShapeProto.Dim(size=n or -1) for n in layer.output.shape]
        )
        # The name under which TensorBoard looks for the sizes that it writes on edges.
        node.attr["_output_shapes"].CopyFrom(AttrValue(list=AttrValue.ListValue(shape=[shape])))
        for key, value in {**layer.get_config(), "parameters": layer.count_params()}.items():
            if key != "name" and isinstance(value, bool | int | float | str | tuple):
                node.attr[key].s = str(value).encode()
    return result
