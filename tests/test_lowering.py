"""Any functional Keras 3 model of stock layers becomes plain ones; what cannot is named."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tf_keras
from helpers.networks import filled, plain
from keras import layers, ops
from keras.applications import densenet, mobilenet_v2, resnet50
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

from keras_inception.errors import BadInput
from keras_inception.inference import outputs_of
from keras_inception.layers import attention_pooling, local_response_normalization
from keras_inception.preprocess import NAMED, Preprocessing
from keras_inception.tflite.keras_graph import lowering
from keras_inception.tflite.keras_graph.emitter import ACTIVATIONS, COMPOSED
from keras_inception.tflite.keras_graph.input_preprocessing import (
    composed,
    on_whole_pixels,
    split_off,
)
from keras_inception.tflite.keras_graph.keras_classifier import classifier
from keras_inception.tflite.keras_graph.lowering import lower
from keras_inception.tflite.keras_graph.plain import KINDS, WEIGHTED
from keras_inception.tflite.keras_graph.read import in_float32, read
from keras_inception.tflite.keras_graph.to_keras import require_equal, to_keras

SHAPE = (8, 8, 3)


@pytest.fixture(scope="module")
def pixels():
    """Four images of noise, each brighter than the one before."""
    noise = (
        np.random.default_rng(0).integers(0, 64, (4, *SHAPE)) * np.arange(1, 5)[:, None, None, None]
    )
    return noise.astype("float32")


@pytest.fixture
def image():
    return keras.Input(SHAPE)


def head(x):
    return layers.Dense(5, activation="softmax")(layers.GlobalAveragePooling2D()(x))


def lowered(model, pixels):
    """The plain network of a model, which computes the same in both Kerases."""
    model = in_float32(model)
    front, rest = split_off(read(model))
    network = lower(rest)
    for module in (keras, tf_keras):
        plain = to_keras(network, module)
        found = np.array(plain(front(pixels) if front else pixels))
        require_equal("the plain network", found, np.array(model(pixels, training=False)))
    return network


def lowered_of(inputs, outputs, pixels):
    """The same of a model whose outputs are seen not to be constant."""
    model = filled(keras.Model(inputs, outputs))
    assert np.ptp(np.array(model(pixels)), axis=0).max() > 1e-3
    return lowered(model, pixels)


def kinds(network):
    return [layer.kind for layer in network.layers]


def test_every_kind_of_layer(pixels, image):
    x = layers.Conv2D(4, 3, padding="same")(layers.Rescaling(1 / 32)(image))
    maps = [
        layers.Activation("tanh")(x),
        layers.Add()([x, x]),
        layers.Average()([x, layers.Conv2D(4, 1)(x)]),
        layers.AveragePooling2D(3, 2, padding="same")(x),
        layers.BatchNormalization(epsilon=0.01)(layers.Conv2D(4, 1, use_bias=False)(x)),
        layers.Concatenate()([x, x]),
        layers.Conv2D(4, 3, strides=2, groups=2, dilation_rate=1)(x),
        layers.Conv2DTranspose(4, 3, strides=2)(x),
        layers.Cropping2D(((1, 2), (0, 1)))(x),
        layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x),
        layers.Dropout(0.5)(x),
        layers.ELU(0.5)(x),
        layers.LayerNormalization(epsilon=0.01)(x),
        layers.LeakyReLU(0.1)(x),
        local_response_normalization(keras)(alpha=0.1)(x),
        layers.Maximum()([x, layers.ReLU(negative_slope=0.3)(x)]),
        layers.MaxPooling2D(3, 2)(x),
        layers.Minimum()([x, layers.ReLU(max_value=0.5)(x)]),
        layers.Multiply()([x, x]),
        layers.PReLU(shared_axes=[1, 2])(x),
        layers.Permute((2, 1, 3))(x),
        layers.SeparableConv2D(4, 3)(x),
        layers.SpatialDropout2D(0.5)(x),
        layers.Subtract()([layers.Conv2D(4, 1)(x), x]),
        layers.UpSampling2D(2)(x),
        layers.ZeroPadding2D(((0, 1), (2, 0)))(x),
    ]
    vectors = [layers.GlobalAveragePooling2D()(y) for y in maps]
    vectors += [
        layers.GlobalMaxPooling2D()(x),
        attention_pooling(keras)()(x),
        layers.Flatten()(layers.Reshape((16, 16))(x)),
    ]
    found = lowered_of(image, layers.Dense(5)(layers.Concatenate()(vectors)), pixels)
    assert set(kinds(found)) == set(KINDS)


def test_activations_get_layers_of_their_own(pixels, image):
    x = layers.Rescaling(1 / 32)(image)
    names = [*ACTIVATIONS, *COMPOSED, "celu"]
    names = [name for name in names if name not in ("gelu_tanh", "log", "rsqrt")]
    names += [ops.gelu, layers.LeakyReLU(0.1)]
    each = [layers.Conv2D(2, 1, activation=name, name=f"c_{k}")(x) for k, name in enumerate(names)]
    each += [ops.log(ops.square(x) + 1.0), ops.rsqrt(ops.square(x) + 1.0)]
    each += [ops.relu6(x), ops.sigmoid(x), layers.Softmax()(x), layers.Activation("linear")(x)]
    each += [ops.gelu(x), ops.gelu(x, approximate=False), ops.elu(x, 0.5), ops.celu(x, 0.5)]
    each += [ops.leaky_relu(x, 0.1), ops.hard_tanh(x), layers.Activation(layers.ReLU(1.0))(x)]
    found = lowered_of(image, head(layers.Concatenate()(each)), pixels)
    assert not any("activation" in each.options for each in found.layers if each.weights)
    used = {layer.options["activation"] for layer in found.layers if layer.kind == "Activation"}
    assert used == set(ACTIVATIONS)


@pytest.mark.parametrize(
    ("network", "name"), [(mobilenet_v2, "tf"), (resnet50, "caffe"), (densenet, "torch")]
)
def test_a_transfer_learning_model_is_flattened_and_its_preprocessing_taken_off(
    network, name, image, pixels
):
    """As the Keras guide builds it: augmentation, preprocessing, a nested base, a new head."""
    base_in = keras.Input((None, None, 3))
    base = keras.Model(base_in, layers.ReLU()(layers.Conv2D(4, 3, name="conv")(base_in)))
    augmentation = keras.Sequential([layers.RandomFlip(), layers.RandomRotation(0.1)])
    x = base(network.preprocess_input(augmentation(image)), training=False)
    outputs = head(layers.Dropout(0.2)(layers.Conv2D(4, 1, name="conv")(x)))
    model = filled(keras.Model(image, outputs))
    front, _ = split_off(read(model))
    assert front == NAMED[name]
    found = lowered(model, pixels)
    assert kinds(found)[:3] == ["Convolution", "ReLU", "Convolution"]
    conv = [layer.name for layer in found.layers if "conv" in layer.name]
    assert len(set(conv)) == 2 and "conv" in conv


def test_preprocessing_layers_are_measured(image):
    mean, variance = [10.0, 20.0, 30.0], [4.0, 9.0, 16.0]
    x = layers.Normalization(mean=mean, variance=variance)(layers.Rescaling(0.5, 1)(image))
    front, rest = split_off(read(keras.Model(image, head(x))))
    assert front == Preprocessing((18.0, 38.0, 58.0), (4.0, 6.0, 8.0))
    assert rest.nodes[0].kind == "GlobalAveragePooling2D"


def test_preprocessing_inside_and_before_a_model_join():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5, 3)).astype("float32")
    for first in NAMED.values():
        for second in (NAMED["torch"], Preprocessing((1.0, 2.0, 3.0), 2.0, "BGR")):
            if first.order == second.order == "BGR":
                continue
            np.testing.assert_allclose(
                composed(first, second)(pixels), second(first(pixels)), rtol=1e-4, atol=1e-4
            )


def test_what_whole_pixels_lack_is_added_in_the_first_layer(pixels, image):
    """So that an 8-bit input has them all, and the network computes the same."""
    for first in (layers.Conv2D(4, 3), layers.Conv2D(4, 1, strides=2, padding="same")):
        network = plain(filled(keras.Model(image, head(first(image)))))
        found, whole = on_whole_pixels(network, NAMED["tf"])
        assert whole == Preprocessing(128.0, 127.5)
        assert [layer.kind for layer in found.layers] == [layer.kind for layer in network.layers]
        expected = outputs_of(to_keras(network, keras), NAMED["tf"](pixels))
        computed = outputs_of(to_keras(found, keras), whole(pixels))
        np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=1e-6)


def test_before_a_layer_that_pads_pixels_are_half_a_one_darker(image):
    x = layers.Conv2D(4, 3, padding="same")(image)
    padded = plain(keras.Model(image, head(x)))
    assert on_whole_pixels(padded, NAMED["tf"]) == (padded, Preprocessing(128.0, 127.5))
    read_twice = plain(keras.Model(image, head(layers.Add()([layers.Conv2D(3, 1)(image), image]))))
    assert on_whole_pixels(read_twice, NAMED["tf"])[0] is read_twice


@pytest.mark.parametrize("name", sorted(NAMED.keys() - {"tf"}))
def test_preprocessing_that_whole_pixels_have_stays(name, image):
    network = plain(keras.Model(image, head(layers.Conv2D(4, 3)(image))))
    found, expected = on_whole_pixels(network, NAMED[name])
    assert found is network and expected == NAMED[name]


def test_images_may_be_of_any_size_where_the_model_resizes_them(pixels):
    anything = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 32)(layers.Resizing(8, 8)(anything))
    assert lowered_of(anything, head(layers.Conv2D(4, 3)(x)), pixels).shape == (8, 8, 3)


def test_sequential_models(pixels):
    model = keras.Sequential(
        [keras.Input(SHAPE), layers.Rescaling(1 / 32), layers.Flatten(), layers.Dense(5)]
    )
    assert kinds(lowered(filled(model), pixels)) == ["Reshape", "Dense"]


def test_a_layer_called_twice_becomes_two(pixels, image):
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    part_in = keras.Input(SHAPE)
    part = keras.Model(part_in, layers.DepthwiseConv2D(1, name="part")(part_in))
    x = shared(layers.ReLU()(shared(layers.Rescaling(1 / 32)(image))))
    found = lowered_of(image, head(part(part(x))), pixels)
    names = [layer.name for layer in found.layers if layer.weights]
    assert names[:2] == ["shared", "shared_2"] and len(names) == 5


def residual(kind, x, branch):
    return {
        "Rescaling": lambda: layers.Add()([x, layers.Rescaling(0.1)(branch)]),
        "constant": lambda: x + branch * 0.1,
        "constants": lambda: layers.Add()([x, branch / np.float32([2, 3, 4]) + 1.0]),
        "CustomScaleLayer": lambda: CustomScaleLayer(0.1)([x, branch]),
    }[kind]()


@pytest.mark.parametrize("kind", ["Rescaling", "constant", "constants", "CustomScaleLayer"])
def test_a_scaled_residual_is_folded_into_its_projection(kind, pixels, image):
    x = layers.Conv2D(3, 1)(layers.Rescaling(1 / 32)(image))
    for branch in (
        layers.Conv2D(3, 3, padding="same", use_bias=False),
        layers.DepthwiseConv2D(1),
        layers.SeparableConv2D(3, 3, padding="same"),
    ):
        x = residual(kind, x, branch(x))
    found = lowered_of(image, head(x), pixels)
    assert kinds(found).count("Add") == 3
    assert kinds(found).count("DepthwiseConvolution") == 2 and "Scale" not in kinds(found)


NORMALIZED = {
    "after a convolution": (lambda x: layers.Conv2D(4, 3)(x), []),
    "after a transposed one": (lambda x: layers.Conv2DTranspose(4, 3)(x), []),
    "after a separable one": (lambda x: layers.SeparableConv2D(4, 3)(x), []),
    "after a dense layer": (lambda x: layers.Dense(4)(layers.Flatten()(x)), []),
    "before a dense layer, after pooling": (lambda x: layers.GlobalMaxPooling2D()(x), []),
    "before a dense layer": (lambda x: layers.Flatten()(layers.ReLU()(x)), []),
    "where nothing takes it": (lambda x: layers.ReLU()(x), ["DepthwiseConvolution"]),
    "of a vector": (
        lambda x: layers.Dense(4, activation="tanh")(layers.Flatten()(x)),
        [],
    ),
}


@pytest.mark.parametrize("name", NORMALIZED)
def test_normalization_is_folded_wherever_it_stands(name, pixels, image):
    before, kept = NORMALIZED[name]
    x = before(layers.Rescaling(1 / 32)(image))
    y = layers.BatchNormalization(name="norm")(x)
    y = head(layers.ReLU()(y)) if len(y.shape) == 4 else layers.Dense(5)(y)
    found = lowered_of(image, y, pixels)
    assert [layer.kind for layer in found.layers if layer.name == "norm"] == kept
    folded = [layer for layer in found.layers if np.ndim(layer.factor)]
    assert len(folded) == 1 and folded[0].kind in WEIGHTED


def test_a_vector_that_nothing_takes_is_normalized_as_a_map(pixels, image):
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(layers.Rescaling(1 / 32)(image)))
    y = layers.Dense(5)(layers.ReLU()(layers.BatchNormalization(name="norm")(x)))
    found = lowered_of(image, y, pixels)
    assert kinds(found)[2:] == ["Reshape", "DepthwiseConvolution", "ReLU", "Reshape", "Dense"]


def excitation(kind, x):
    pooled = layers.GlobalAveragePooling2D(keepdims=kind in ("dense", "convolutions"))(x)
    if kind == "reshaped first":
        pooled = layers.Reshape((1, 1, 3))(pooled)
    if kind == "convolutions":
        gate = layers.Conv2D(2, 1, activation="relu")(pooled)
        gate = layers.Conv2D(3, 1, activation="sigmoid")(gate)
    else:
        gate = layers.Dense(3, activation="sigmoid")(layers.Dense(2, activation="relu")(pooled))
    if kind == "reshaped last":
        gate = layers.Reshape((1, 1, 3))(gate)
    if kind == "axes":
        gate = ops.expand_dims(ops.expand_dims(gate, 1), 1)
    return layers.Multiply()([x, gate])


@pytest.mark.parametrize(
    "kind", ["convolutions", "dense", "reshaped first", "reshaped last", "axes"]
)
def test_excitation_is_the_same_in_every_spelling(kind, pixels, image):
    x = layers.Conv2D(3, 3)(layers.Rescaling(1 / 32)(image))
    found = lowered_of(image, head(excitation(kind, x)), pixels)
    expected = ["GlobalAveragePooling", "Convolution", "ReLU", "Convolution", "Activation"]
    assert kinds(found)[1:7] == [*expected, "Multiply"]


def test_concatenations_of_concatenations_are_one(pixels, image):
    x = layers.Rescaling(1 / 32)(image)
    pairs = [layers.Concatenate()([layers.Conv2D(2, 1)(x), x]) for _ in range(2)]
    found = lowered_of(image, head(layers.Concatenate()([*pairs, x])), pixels)
    assert kinds(found).count("Concatenate") == 1


#: Operations of keras.ops -> the layers that they are, of a map of 6x6x3 numbers.
OPERATIONS = {
    "amax": (lambda x: ops.amax(x, axis=(1, 2)), ["GlobalMaxPooling"]),
    "average_pool": (lambda x: ops.average_pool(x, 3, 1, "same"), ["AveragePooling"]),
    "channels": (lambda x: x[..., 1:], ["Convolution"]),
    "image.resize": (lambda x: ops.image.resize(x, (12, 18)), ["Resizing"]),
    "max of channels": (
        lambda x: ops.max(x, axis=-1, keepdims=True),
        ["Reshape", "MaxPooling", "Reshape"],
    ),
    "max_pool": (lambda x: ops.max_pool(x, 2), ["MaxPooling"]),
    "mean of channels": (lambda x: ops.mean(x, axis=-1, keepdims=True), ["Convolution"]),
    "moveaxis": (lambda x: ops.moveaxis(x, 1, 3), ["Permute"]),
    "negative": (lambda x: -ops.square(x), ["Multiply", "Scale"]),
    "padding before a pooling of the largest": (
        lambda x: ops.max_pool(
            ops.pad(x, [[0, 0], [1, 1], [2, 0], [0, 0]], constant_values=-np.inf), 3
        ),
        ["Cropping", "Cropping", "Concatenate", "Cropping", "Concatenate", "MaxPooling"],
    ),
    "power": (lambda x: x**2, ["Multiply"]),
    "rows and columns": (lambda x: x[:, 1:-1, 2:], ["Cropping"]),
    "rows and channels": (lambda x: x[:, :4, :, :2], ["Cropping", "Convolution"]),
    "sum": (lambda x: ops.sum(x, axis=(1, 2)), ["GlobalAveragePooling", "Scale"]),
    "swapaxes": (lambda x: ops.swapaxes(x, 1, 2), ["Permute"]),
    "transpose": (lambda x: ops.transpose(x, (0, 3, 1, 2)), ["Permute"]),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_that_a_layer_does_is_that(name, pixels, image):
    make, expected = OPERATIONS[name]
    y = make(layers.Conv2D(3, 3)(layers.Rescaling(1 / 32)(image)))
    found = lowered_of(image, layers.Flatten()(y) if len(y.shape) > 2 else y, pixels)
    assert kinds(found)[1 : 1 + len(expected)] == expected


CLIPPED = {
    "minimum": lambda x: ops.minimum(x, 0.3),
    "maximum": lambda x: ops.maximum(x, -0.2),
    "minimum of each channel": lambda x: ops.minimum(x, np.float32([0.1, 0.2, 0.3])),
    "minimum of a ReLU": lambda x: ops.minimum(ops.relu(x), 0.3),
    "clip": lambda x: ops.clip(x, -0.3, 0.4),
    "ReLU to 1": layers.ReLU(max_value=1.0),
    "leaky to 1": layers.ReLU(max_value=1.0, negative_slope=0.2),
    "threshold": layers.ReLU(threshold=0.3),
}


@pytest.mark.parametrize("name", CLIPPED)
def test_what_clips_does_so_afterwards_too(name, pixels, image):
    x = layers.Conv2D(3, 3)(layers.Rescaling(1 / 32)(image))
    clipped = CLIPPED[name](x)
    values = np.array(filled(keras.Model(image, [x, clipped]))(pixels)[0])
    assert values.min() < -1 and values.max() > 1
    lowered_of(image, layers.Flatten()(clipped), pixels)


def test_what_cannot_be_folded_is_a_depthwise_convolution(pixels, image):
    x = layers.ReLU()(layers.Conv2D(3, 1)(layers.Rescaling(1 / 32)(image)))
    x = (
        layers.BatchNormalization()(x) * 0.5
    )  # folded into the normalization, which follows no layer
    found = lowered_of(image, head(layers.ReLU()(x)), pixels)
    assert kinds(found)[:4] == ["Convolution", "ReLU", "DepthwiseConvolution", "ReLU"]


def test_a_model_in_mixed_precision_becomes_float32(pixels, image):
    policy = "mixed_float16"
    x = layers.Conv2D(4, 3, dtype=policy)(layers.Rescaling(1 / 32, dtype=policy)(image))
    inner = keras.Input(x.shape[1:])
    nested = keras.Model(inner, layers.BatchNormalization(dtype=policy)(inner))
    model = filled(keras.Model(image, head(nested(x))))
    assert in_float32(model) is not model
    found = to_keras(lowered(model, pixels), keras)
    np.testing.assert_allclose(np.array(found(pixels / 32)), np.array(model(pixels)), atol=5e-3)


def test_auxiliary_heads_are_left_out(pixels, image):
    x = layers.Conv2D(4, 3)(layers.Rescaling(1 / 32)(image))
    main = layers.Activation("softmax", name="main")(layers.Dense(5)(layers.Flatten()(x)))
    found = lowered(filled(keras.Model(image, [head(x), main])), pixels)
    assert found.layers[-1].name == "main" and len(found.layers) == 4


class Conv2D(layers.Conv2D):
    """Somebody's own layer under a stock name."""


class Subclassed(keras.Model):
    def call(self, x):
        return x


def test_what_cannot_be_lowered_is_named(pixels, image):
    conv = layers.Conv2D(4, 1)
    x, ones = layers.Conv2D(4, 1)(image), np.ones((4, 8, 8, 4), "float32")
    other, any_size = keras.Input(SHAPE), keras.Input((None, None, 3))
    grey = layers.Concatenate()([image[..., :1] * 0.5 + image[..., 1:2] * 0.5] * 3)
    channels_first = layers.Conv2D(4, 1, data_format="channels_first", name="first")
    refused = [
        (
            image,
            head(layers.GroupNormalization(3, name="odd")(image)),
            "odd is a GroupNormalization",
        ),
        (image, head(Conv2D(4, 1, name="mine")(image)), "mine is a Conv2D, which is not among"),
        (image, head(layers.Conv2D(4, 1, activation="sparsemax")(image)), "activation 'sparsemax'"),
        (image, head(ops.abs(image)), r"is a Absolute.*with keras.ops.maximum\(x, -x\)"),
        (image, head(x[:, ::2]), "is a GetItem, .*neighbouring rows"),
        (image, head(ops.max(x, axis=1, keepdims=True)), "is a Max, which"),
        (image, head(ops.image.resize(x, (9, 9))), "is a Resize, which"),
        (image, head(ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=1.0)), "a Pad,"),
        (image, head(x**3), "is a Power, .*ops.square"),
        (image, head(ops.split(x, 2, -1)[0]), "2 outputs; .*for a part of the channels"),
        (image, head(layers.Average()([x, ones])), "Average. is called with an array"),
        (image, head(ops.concatenate([x, ones], -1)), "is called with an array of constants"),
        (image, head(layers.Conv2D(4, 1, activation=lambda y: 2 * y)(image)), "'<lambda>'"),
        (image, layers.Flatten()(channels_first(image)), "first .Conv2D. is channels_first"),
        (image, head(conv(image) + np.ones((8, 8, 4), "float32")), "add.* called with an array"),
        (image, head(1 / (ops.relu(x) + 1)), "is a TrueDivide, .*Multiply and keras.ops.rsqrt"),
        (image, head(layers.UpSampling2D(interpolation="bicubic")(image)), "is a UpSampling2D"),
        (image, head(layers.BatchNormalization(axis=1, name="rows")(image)), "rows .* axis 1"),
        (image, head(layers.Softmax(axis=1, name="tall")(image)), "tall .* over axis 1"),
        ([image, other], head(conv(layers.Add()([image, other]))), "must take one image"),
        (image, [head(conv(image)), head(image)], 'outputs include "main"'),
        (any_size, head(conv(any_size)), r"any size, \(None, None, 3\).*--image-size"),
        (image, head(conv(grey)), "begins with .* do not map each channel"),
        (image, head(conv(layers.Rescaling(-1.0)(image))), "do not map each channel"),
        (image, head(conv(layers.CenterCrop(4, 4)(image))), "images of .*--image-size 4"),
    ]
    for inputs, outputs, fault in refused:
        with pytest.raises(BadInput, match=fault):
            lowered(filled(keras.Model(inputs, outputs)), pixels)
    for model in (Subclassed(name="own"), keras.Sequential([layers.Dense(2)], name="own")):
        with pytest.raises(BadInput, match=r"own is a .*; a functional Keras 3 model is needed"):
            lowered(model, pixels)


def test_an_argument_that_was_lost_is_seen(image, monkeypatch):
    without = KINDS["Convolution"].options.replace("dilation_rate", "")
    monkeypatch.setitem(KINDS, "Convolution", replace(KINDS["Convolution"], options=without))
    outputs = head(layers.Conv2D(4, 3, dilation_rate=2)(layers.Rescaling(1 / 32)(image)))
    with pytest.raises(BadInput, match="in plain layers is not the network that was trained"):
        classifier(filled(keras.Model(image, outputs)))


def test_logits_get_their_softmax(pixels, image):
    logits = layers.Dense(5)(layers.Flatten()(layers.Rescaling(1 / 32)(image)))
    model = filled(keras.Model(image, logits))
    network, _, expected = classifier(model)
    ready = to_keras(network, keras)
    np.testing.assert_allclose(
        np.array(ready(expected(pixels))), ops.softmax(model(pixels)), atol=1e-5
    )
    again, *_ = classifier(ready, "unit")
    assert kinds(again) == kinds(network)


def test_what_is_no_classifier_is_refused(image):
    conv = layers.Conv2D(4, 1)(image)
    wide = keras.Input((8, 16, 3))
    for inputs, outputs, fault in [
        (image, layers.Dense(1)(layers.Flatten()(conv)), "with 1 outputs"),
        (image, layers.Softmax()(conv), "one number for each output"),
        (wide, head(layers.Conv2D(4, 1)(wide)), "square images"),
    ]:
        with pytest.raises(BadInput, match=fault):
            classifier(keras.Model(inputs, outputs), "tf")
    with pytest.raises(BadInput, match=r"does not begin with preprocessing.*--preprocessing.*tf"):
        classifier(keras.Model(image, head(conv)))
    with pytest.raises(BadInput, match="preprocessing must be one of"):
        classifier(keras.Model(image, head(conv)), "vgg")


def test_the_last_of_the_layers_that_one_becomes_bears_its_name(pixels, image):
    x = layers.Rescaling(1 / 32)(image)
    branches = [layers.Conv2D(4, 1)(x) for _ in range(3)]
    found = lowered_of(image, head(layers.Add(name="total")(branches)), pixels)
    adds = [layer.name for layer in found.layers if layer.kind == "Add"]
    assert len(adds) == 2 and adds[-1] == "total"


def test_a_model_that_overflows_where_no_picture_does_is_lowered(image):
    """The comparison is on images 64 times as bright too, and e to the 64th squared is infinite."""
    x = layers.Activation("exponential")(layers.Conv2D(4, 3)(image))
    x = layers.GlobalAveragePooling2D()(layers.Activation("exponential")(x * 0.1))
    model = filled(keras.Model(image, layers.Dense(3, activation="softmax")(x)))
    noise = np.random.default_rng(0).uniform(-64, 64, (4, *SHAPE)).astype("float32")
    assert not np.isfinite(np.array(model(noise))).any()
    assert kinds(classifier(model, "tf")[0]).count("Activation") == 3


@pytest.mark.parametrize("bound", [6.0, 60.0])
def test_a_clip_that_only_bright_surfaces_reach_is_not_lost(bound, image, monkeypatch):
    """Four images of noise stayed below it, where a softmax showed anything at all."""
    x = ops.minimum(layers.Conv2D(4, 3, kernel_initializer="ones")(image), bound)
    outputs = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, outputs)
    model.layers[-1].kernel.assign(np.float32([[0.05, 0.1, -0.1]] * 4))
    assert "ReLU" in kinds(classifier(model, "tf")[0])
    monkeypatch.setattr(lowering, "_bounded", lambda emit, x: x)
    with pytest.raises(BadInput, match="in plain layers is not the network"):
        classifier(model, "tf")


def test_one_input_and_one_output_may_stand_in_dictionaries(pixels):
    named = {"photo": keras.Input(SHAPE, name="photo")}
    outputs = {"label": head(layers.Conv2D(4, 3)(layers.Rescaling(1 / 32)(named["photo"])))}
    model = filled(keras.Model(named, outputs))
    found, _, expected = classifier(model)
    plain = to_keras(found, keras)
    wanted = model({"photo": pixels})["label"]
    np.testing.assert_allclose(plain(expected(pixels)), wanted, rtol=1e-4)


@pytest.mark.parametrize("shape", [(None, None, 3), (6, 10, 3), (12, 12, 3)])
def test_inputs_that_are_open_not_square_or_of_another_size_get_the_size_that_is_said(
    shape, pixels
):
    """Nested models of a size of their own too."""
    inner, outer = (keras.Input(shape) for _ in range(2))
    part = keras.Model(inner, layers.Conv2D(4, 3, strides=2, activation="relu")(inner))
    model = filled(keras.Model(outer, head(part(layers.Rescaling(1 / 32)(outer)))))
    network, _, expected = classifier(model, image_size=8)
    again = keras.Input(SHAPE)
    inside = layers.Conv2D(4, 3, strides=2, activation="relu")
    same = keras.Model(again, head(inside(layers.Rescaling(1 / 32)(again))))
    same.set_weights(model.get_weights())
    found = to_keras(network, keras)(expected(pixels))
    np.testing.assert_allclose(found, same(pixels), rtol=1e-3)


def test_a_size_that_layers_do_not_fit_is_refused(image):
    model = keras.Model(image, layers.Dense(5)(layers.Flatten()(layers.Conv2D(2, 3)(image))))
    with pytest.raises(BadInput, match=r"takes images of \(8, 8\) and cannot be made for \(9, 9\)"):
        classifier(model, "tf", image_size=9)


def test_weights_that_are_no_numbers_are_called_so(image):
    model = keras.Model(image, head(layers.Conv2D(4, 3)(image)))
    model.layers[1].bias.assign(np.full(4, np.nan))
    with pytest.raises(BadInput, match=r"not finite for ordinary images.*NaN or infinity"):
        classifier(model, "tf")
