"""Any functional Keras 3 model of stock layers has a tf_keras twin; what cannot be is named."""

import keras
import numpy as np
import pytest
import tf_keras
from keras import layers, ops
from keras.applications import densenet, mobilenet_v2, resnet50
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

from keras_inception.errors import BadInput
from keras_inception.layers import attention_pooling, local_response_normalization
from keras_inception.preprocess import NAMED, Preprocessing
from keras_inception.tflite.model.calls import flat, in_float32
from keras_inception.tflite.model.foreign import classifier
from keras_inception.tflite.model.front import apart, then
from keras_inception.tflite.model.stock import ACTIVATIONS, LAYERS
from keras_inception.tflite.model.twin import twin

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


def filled(model):
    """With weights and statistics of which no two are equal."""
    rng = np.random.default_rng(1)
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if layer.weights and not isinstance(layer, keras.Model):
            shapes = [w.shape for w in layer.weights]
            layer.set_weights(
                [
                    rng.normal(0, np.prod(s[:-1]) ** -0.5, s)
                    if len(s) > 1
                    else rng.uniform(0.5, 1.5, s)
                    for s in shapes
                ]
            )
    return model


def twin_of(inputs, outputs, pixels):
    """The twin, whose outputs `twin` requires to be equal; they are seen not to be constant."""
    model = filled(keras.Model(inputs, outputs))
    values = np.array(model(pixels))
    assert np.ptp(values, axis=0).max() > 1e-3
    return twin(model, pixels)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def test_every_layer_of_the_table(pixels, image):
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
    found = twin_of(image, layers.Dense(5)(layers.Concatenate()(vectors)), pixels)
    assert set(kinds(found)) - {"InputLayer"} == set(LAYERS)


def test_activations_get_layers_of_their_own(pixels, image):
    x = layers.Rescaling(1 / 32)(image)
    each = [layers.Conv2D(2, 1, activation=name, name=f"c_{name}")(x) for name in ACTIVATIONS]
    each += [ops.relu6(x), ops.sigmoid(x), layers.Softmax()(x), layers.Activation("linear")(x)]
    found = twin_of(image, head(layers.Concatenate()(each)), pixels)
    assert isinstance(found.get_layer("c_relu6_relu6"), tf_keras.layers.ReLU)
    named = [getattr(layer, "activation", None) for layer in found.layers if layer.weights]
    assert {activation.__name__ for activation in named} == {"linear"}


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
    front, _ = apart(flat(model))
    assert front == NAMED[name]
    found = twin(model, pixels)
    assert not {"Functional", "Sequential", "Rescaling"} & set(kinds(found))
    conv = [layer.name for layer in found.layers if "conv" in layer.name]
    assert len(set(conv)) == 2 and "conv" in conv


def test_preprocessing_layers_are_measured(image):
    mean, variance = [10.0, 20.0, 30.0], [4.0, 9.0, 16.0]
    x = layers.Normalization(mean=mean, variance=variance)(layers.Rescaling(0.5, 1)(image))
    front, rest = apart(flat(keras.Model(image, head(x))))
    assert front == Preprocessing((18.0, 38.0, 58.0), (4.0, 6.0, 8.0))
    assert rest.calls[0].kind == "GlobalAveragePooling2D"


def test_preprocessing_inside_and_before_a_model_join():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5, 3)).astype("float32")
    for first in NAMED.values():
        for second in (NAMED["torch"], Preprocessing((1.0, 2.0, 3.0), 2.0, "BGR")):
            if first.order == second.order == "BGR":
                continue
            np.testing.assert_allclose(
                then(first, second)(pixels), second(first(pixels)), rtol=1e-4, atol=1e-4
            )


def test_images_may_be_of_any_size_where_the_model_resizes_them(pixels):
    anything = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 32)(layers.Resizing(8, 8)(anything))
    assert twin_of(anything, head(layers.Conv2D(4, 3)(x)), pixels).input_shape == (None, 8, 8, 3)


def test_sequential_models(pixels):
    model = keras.Sequential(
        [keras.Input(SHAPE), layers.Rescaling(1 / 32), layers.Flatten(), layers.Dense(5)]
    )
    assert kinds(twin(filled(model), pixels)) == ["InputLayer", "Flatten", "Dense"]


def test_a_layer_called_twice_becomes_two(pixels, image):
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    part_in = keras.Input(SHAPE)
    part = keras.Model(part_in, layers.DepthwiseConv2D(1, name="part")(part_in))
    x = shared(layers.ReLU()(shared(layers.Rescaling(1 / 32)(image))))
    found = twin_of(image, head(part(part(x))), pixels)
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
    found = twin_of(image, head(x), pixels)
    assert kinds(found).count("Add") == 3
    assert kinds(found).count("DepthwiseConv2D") == 1 and "Rescaling" not in kinds(found)


def test_what_cannot_be_folded_is_a_depthwise_convolution(pixels, image):
    x = layers.ReLU()(layers.Conv2D(3, 1)(layers.Rescaling(1 / 32)(image)))
    x = (
        layers.BatchNormalization()(x) * 0.5
    )  # folded into the normalization, which follows no layer
    found = twin_of(image, head(layers.ReLU()(x)), pixels)
    assert kinds(found)[1:5] == ["Conv2D", "ReLU", "DepthwiseConv2D", "ReLU"]


def test_a_model_in_mixed_precision_becomes_float32(pixels, image):
    policy = "mixed_float16"
    x = layers.Conv2D(4, 3, dtype=policy)(layers.Rescaling(1 / 32, dtype=policy)(image))
    inner = keras.Input(x.shape[1:])
    nested = keras.Model(inner, layers.BatchNormalization(dtype=policy)(inner))
    model = filled(keras.Model(image, head(nested(x))))
    assert in_float32(model) is not model
    found = twin(model, pixels)
    np.testing.assert_allclose(np.array(found(pixels / 32)), np.array(model(pixels)), atol=5e-3)


def test_auxiliary_heads_are_left_out(pixels, image):
    x = layers.Conv2D(4, 3)(layers.Rescaling(1 / 32)(image))
    main = layers.Activation("softmax", name="main")(layers.Dense(5)(layers.Flatten()(x)))
    found = twin(filled(keras.Model(image, [head(x), main])), pixels)
    assert found.layers[-1].name == "main" and len(found.layers) == 5


class Conv2D(layers.Conv2D):
    """Somebody's own layer under a stock name."""


class Subclassed(keras.Model):
    def call(self, x):
        return x


def test_what_has_no_twin_is_named(pixels, image):
    conv = layers.Conv2D(4, 1)
    other, any_size = keras.Input(SHAPE), keras.Input((None, None, 3))
    grey = layers.Concatenate()([image[..., :1] * 0.5 + image[..., 1:2] * 0.5] * 3)
    channels_first = layers.Conv2D(4, 1, data_format="channels_first", name="first")
    refused = [
        (
            image,
            head(layers.GroupNormalization(3, name="odd")(image)),
            "odd is a GroupNormalization",
        ),
        (image, head(Conv2D(4, 1, name="mine")(image)), "mine is a Conv2D, for which"),
        (image, head(layers.Conv2D(4, 1, activation="hard_silu")(image)), "activation 'hard_silu'"),
        (image, head(ops.abs(image)), "absolute is a Absolute"),
        (image, layers.Flatten()(channels_first(image)), "first .Conv2D. is channels_first"),
        (image, layers.ReLU()(head(conv(image))) * 2.0, "multiplies or shifts a vector"),
        ([image, other], head(conv(layers.Add()([image, other]))), "must take one image"),
        (image, [head(conv(image)), head(image)], 'outputs include "main"'),
        (any_size, head(conv(any_size)), r"any size, \(None, None, 3\)"),
        (image, head(conv(grey)), "begins with .* do not map each channel"),
        (image, head(conv(layers.Rescaling(-1.0)(image))), "do not map each channel"),
        (image, head(conv(layers.CenterCrop(4, 4)(image))), "makes images of"),
    ]
    for inputs, outputs, fault in refused:
        with pytest.raises(BadInput, match=fault):
            twin(filled(keras.Model(inputs, outputs)), pixels)
    for model in (Subclassed(name="own"), keras.Sequential([layers.Dense(2)], name="own")):
        with pytest.raises(BadInput, match=r"own is a .*; a functional Keras 3 model is needed"):
            twin(model, pixels)


def test_an_argument_that_was_lost_is_seen(pixels, image, monkeypatch):
    monkeypatch.setitem(LAYERS, "Conv2D", LAYERS["Conv2D"].replace("dilation_rate", ""))
    outputs = head(layers.Conv2D(4, 3, dilation_rate=2)(layers.Rescaling(1 / 32)(image)))
    with pytest.raises(BadInput, match="tf_keras twin is not the network that was trained"):
        twin_of(image, outputs, pixels)


def test_logits_get_their_softmax(pixels, image):
    logits = layers.Dense(5)(layers.Flatten()(layers.Rescaling(1 / 32)(image)))
    model = filled(keras.Model(image, logits))
    ready, expected = classifier(model)
    np.testing.assert_allclose(
        np.array(ready(expected(pixels))), ops.softmax(model(pixels)), atol=1e-5
    )
    again, _ = classifier(ready, "unit")
    assert kinds(again) == kinds(ready)


def test_what_is_no_classifier_is_refused(image):
    conv = layers.Conv2D(4, 1)(image)
    wide = keras.Input((8, 16, 3))
    for inputs, outputs, fault in [
        (image, layers.Dense(4, activation="sigmoid")(layers.Flatten()(conv)), "ends in .*sigmoid"),
        (image, layers.Dense(1)(layers.Flatten()(conv)), "with 1 outputs"),
        (image, layers.Softmax()(conv), "one number for each class"),
        (wide, head(layers.Conv2D(4, 1)(wide)), "square images"),
    ]:
        with pytest.raises(BadInput, match=fault):
            classifier(keras.Model(inputs, outputs), "tf")
    with pytest.raises(BadInput, match=r"does not begin with preprocessing.*--preprocessing.*tf"):
        classifier(keras.Model(image, head(conv)))
    with pytest.raises(BadInput, match="preprocessing must be one of"):
        classifier(keras.Model(image, head(conv)), "vgg")
