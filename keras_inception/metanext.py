"""The rows of MetaNeXt as layers; `layers` is the builder that applies them."""

from __future__ import annotations

from dataclasses import asdict

from .spec import BatchNorm, MetaNeXt, Norm, Patches


def patches(layers, row: Patches, x):
    return layers.map_layer(
        "Conv2D", row.name, x, filters=row.filters, kernel_size=row.size, strides=row.size
    )


def norm(layers, row: Norm, x):
    if row.kind == "layer":
        return layers.layer("LayerNormalization", row.name, x, epsilon=1e-6)
    constants = asdict(layers.net.norm or BatchNorm())
    return layers.layer("BatchNormalization", row.name, x, **constants)


def metanext(layers, row: MetaNeXt, x):
    channels = x.shape[-1]
    y = norm(layers, Norm(f"{row.name}_norm"), _mix(layers, row, x))
    y = _pointwise(layers, f"{row.name}_mlp_fc1", y, row.mlp_ratio * channels)
    y = layers.gelu(f"{row.name}_mlp_act", y)
    y = _pointwise(layers, f"{row.name}_mlp_fc2", y, channels)
    # A number per channel is a depthwise 1x1 convolution; so small, every block starts as x.
    y = layers.map_layer(
        "DepthwiseConv2D",
        f"{row.name}_gamma",
        y,
        kernel_size=1,
        use_bias=False,
        depthwise_initializer=layers.keras.initializers.Constant(1e-6),
    )
    return layers.layer("Add", row.name, [x, y])


def _pointwise(layers, name: str, x, filters: int):
    return layers.map_layer("Conv2D", name, x, filters=filters, kernel_size=1)


def _mix(layers, row: MetaNeXt, x):
    channels, branch = x.shape[-1], row.branch(x.shape[-1])
    name = f"{row.name}_token_mixer"
    start = channels - 3 * branch
    mixed = [_channels(layers, f"{name}_id", x, 0, start)]
    for suffix, kernel in (("hw", (3, 3)), ("w", (1, row.band)), ("h", (row.band, 1))):
        part = _channels(layers, f"{name}_{suffix}", x, start, start + branch)
        mixed.append(
            layers.map_layer(
                "DepthwiseConv2D",
                f"{name}_dwconv_{suffix}",
                part,
                kernel_size=kernel,
                padding="same",
            )
        )
        start += branch
    return layers.layer("Concatenate", name, mixed)


def _channels(layers, name: str, x, start: int, end: int):
    """Channels from `start` to `end`.

    Cropping crops the last two axes of what it takes for channels-first maps: unlike a slice it is
    a layer with a name, which every Keras saves and tensorflow-model-optimization knows.
    """
    edges = ((0, 0), (start, x.shape[-1] - end))
    return layers.layer("Cropping2D", name, x, cropping=edges, data_format="channels_first")
