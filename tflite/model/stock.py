"""The layers that both Kerases have, and what of their arguments: the table twins are made by."""

from __future__ import annotations

_CONV = "strides padding data_format dilation_rate use_bias"
_POOL = "pool_size strides padding data_format"
_SPACE = "data_format"
#: Class -> the arguments that mean the same in both. Their weights come in the same order.
LAYERS = {
    "Activation": "activation",
    "Add": "",
    "AttentionPooling": "",
    "Average": "",
    "AveragePooling2D": _POOL,
    "BatchNormalization": "axis momentum epsilon center scale",
    "Concatenate": "axis",
    "Conv2D": f"filters kernel_size groups {_CONV}",
    "Conv2DTranspose": f"filters kernel_size output_padding {_CONV}",
    "Cropping2D": f"cropping {_SPACE}",
    "Dense": "units use_bias",
    "DepthwiseConv2D": f"kernel_size depth_multiplier {_CONV}",
    "Dropout": "rate",
    "ELU": "alpha",
    "Flatten": _SPACE,
    "GlobalAveragePooling2D": f"keepdims {_SPACE}",
    "GlobalMaxPooling2D": f"keepdims {_SPACE}",
    "LayerNormalization": "axis epsilon center scale",
    "LeakyReLU": "negative_slope",
    "LocalResponseNormalization": "depth_radius bias alpha beta",
    "Maximum": "",
    "MaxPooling2D": _POOL,
    "Minimum": "",
    "Multiply": "",
    "PReLU": "shared_axes",
    "Permute": "dims",
    "ReLU": "max_value negative_slope threshold",
    "Reshape": "target_shape",
    "SeparableConv2D": f"filters kernel_size depth_multiplier {_CONV}",
    "SpatialDropout2D": f"rate {_SPACE}",
    "Subtract": "",
    "UpSampling2D": f"size interpolation {_SPACE}",
    "ZeroPadding2D": f"padding {_SPACE}",
}
#: Those that take several tensors, as a list.
MERGING = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")
_SAME = ("elu", "exponential", "gelu", "mish", "selu", "sigmoid", "softmax", "softplus", "softsign")
#: Keras 3's name of an activation -> the layer that it becomes, and its arguments.
ACTIVATIONS = {
    **{name: ("Activation", {"activation": name}) for name in (*_SAME, "tanh")},
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.2}),
    "relu": ("ReLU", {}),
    "relu6": ("ReLU", {"max_value": 6.0}),
    "silu": ("Activation", {"activation": "swish"}),
}
#: Operations of keras.ops -> the activation that they are.
OPERATIONS = {
    "Elu": "elu",
    "Relu": "relu",
    "Relu6": "relu6",
    "Selu": "selu",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Tanh": "tanh",
}
