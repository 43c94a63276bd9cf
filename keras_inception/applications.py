"""The named builders: networks with the arguments of keras.applications."""

from __future__ import annotations

import logging
import operator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from .builder import build
from .costs import check_input
from .errors import BadInput
from .layers import default_keras, reverse_channels
from .networks import FAMILY
from .preprocess import Preprocessing
from .spec import BatchNorm, Network
from .transform import (
    widen,
    with_dropout,
    with_norm,
    with_pooling,
    with_small_stem,
    without_aux,
    without_top,
)

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

Pooling = Literal["avg", "max", "attention"]


def configure(
    net: Network,
    include_top=True,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name=None,
    *,
    aux=False,
    norm="published",
    width=1.0,
    dropout=None,
    small_stem=False,
) -> Network:
    """The network that a named builder's arguments describe."""
    number = operator.index(classes) if hasattr(classes, "__index__") else 0  # numpy's too
    if number < 1:
        raise BadInput(f"classes must be a whole number of at least 1; got {classes!r}")
    if aux and not include_top:
        raise BadInput("aux=True needs include_top=True: the auxiliary heads are classifiers")
    if aux and not net.heads:
        raise BadInput(f"{net.name} was published without auxiliary heads; give aux=False")
    net = replace(
        with_norm(net, norm),
        name=name or net.name,
        input_shape=tuple(input_shape or net.input_shape),
        classes=number,
        activation=classifier_activation,
    )
    if small_stem:
        net = with_small_stem(net)
    if dropout is not None:
        net = with_dropout(net, dropout)
    if not include_top:
        net = without_top(net, pooling)
    else:
        net = net if pooling is None else with_pooling(net, pooling)
        net = net if aux else without_aux(net)
    return widen(net, width)


def _published(weights, built: Network, network: str, include_top: bool, classes: int, aux: bool):
    """The PretrainedWeights that `weights` names, for images as `built` takes them, which they may
    be of; None for a file that does not name its layers, as Keras 2 writes them."""
    from .weights import pretrained
    from .weights.formats.keras_h5_layouts import Nameless

    try:
        found = pretrained.load(weights, network, built)
    except Nameless:
        return None
    if include_top:
        found.require_classifier()
        found = found.with_classes(classes)
        if classes != found.net.classes:
            raise BadInput(
                f"{found.origin} has {found.net.classes} classes; got classes={classes}: give "
                f"classes={found.net.classes}, or include_top=False for a classifier of your own"
            )
    if aux and not found.heads_trained:
        log.warning("the auxiliary heads of %s were never trained", found.origin)
    return found.with_channels(built.input_shape[-1])


def _preprocessed(expected: Preprocessing, shape, x, keras: ModuleType):
    """RGB pixels 0..255 as a network expects them: of the Keras tensor `x`, or of a new input."""
    x = keras.Input(shape=shape, name="image") if x is None else x
    if expected.order == "BGR":
        x = reverse_channels(keras)(name="bgr")(x)
    return keras.layers.Rescaling(*expected.scale_and_offset, name="preprocessing")(x)


def _application(net: Network, *, weights, input_tensor, include_preprocessing, keras, **arguments):
    if input_tensor is not None:
        arguments["input_shape"] = tuple(input_tensor.shape[1:])
    published, net, found = net, configure(net, **arguments), None
    if weights is not None:
        built = configure(published, **{**arguments, "include_top": True})
        given = (arguments[name] for name in ("include_top", "classes", "aux"))
        found = _published(weights, built, published.name, *given)
    # What files do not say of pixels is not known.
    expected = found.preprocessing if found else Preprocessing() if weights is None else None
    if found and not _same(found.net, built):
        net = configure(found.net, **arguments)
    check_input(net)
    if include_preprocessing:
        if expected is None:
            raise BadInput(
                f"{weights} does not say what it expects of pixels: give "
                "include_preprocessing=False, and the model what it was trained on"
            )
        keras = keras or default_keras()
        input_tensor = _preprocessed(expected, net.input_shape, input_tensor, keras)
        expected = expected.raw
    model = build(net, keras, input_tensor=input_tensor)
    if found:
        from .weights import store

        store.write(model, found.arrays, partial=True)
    elif weights is not None:
        from .weights.formats import keras_file

        keras_file.fill(model, weights)
    model.preprocessing = expected
    return model


def _same(net: Network, built: Network) -> bool:
    """Whether two networks are one, but for their heads and classes."""
    net, built = without_aux(net), without_aux(built)
    return replace(net, classes=0, activation=None, name="") == replace(
        built, classes=0, activation=None, name=""
    )


def GoogLeNet(
    include_top: bool = True,
    weights: str | Path | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    pooling: Pooling | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    name: str = "googlenet",
    *,
    aux: bool = False,
    norm: str | BatchNorm | None = "published",
    width: float = 1.0,
    dropout: float | None = None,
    small_stem: bool = False,
    include_preprocessing: bool = False,
    keras: ModuleType | None = None,
) -> keras.Model:
    """GoogLeNet (Inception v1), "Going deeper with convolutions", arXiv 1409.4842, 2014.

    6,998,552 parameters, 1.58 G multiply-adds for one image of its native size.
    The positional arguments and their behaviour are those of `keras.applications`.

    Args:
        include_top: whether to end in the classifier; False gives the last map,
            (batch, height, width, 1024) at width 1.
        weights: None (random), "imagenet", a tag of `list_weights`, downloaded once and verified,
            or the path of a file: a `.weights.h5` or `.keras` of the same network, our `.npz`, a
            TF-slim checkpoint, Keras `.h5`, torch `.pth`, `.safetensors` or `.caffemodel` of a
            variant in `list_networks`, which is then what is built. Weights for three channels go
            into one (their sum) or others (in turn, times 3 / channels).
        input_tensor: a Keras tensor to build on, or None for a new input.
        input_shape: (height, width, channels), channels last; None takes (224, 224, 3). Height
            and width may be None where `aux` is False, and are at least 17 otherwise.
        pooling: how the last map becomes a vector: "avg", "max" or "attention". None means the
            average before the classifier, and the map itself without the top.
        classes: number of classes, at least 1; with weights and the top, theirs. A background
            class that comes before 1000 others is left out unless 1001 are asked for.
        classifier_activation: "softmax", or None for logits.
        name: the model's name.
        aux: adds the auxiliary classifiers as outputs: the model then gives a list, main,
            aux1, aux2.
        norm: "published" (local response normalization, or what the weights have),
            "batch", a `spec.BatchNorm`, or None for no normalization.
        width: every layer's width as a multiple of the paper's, 0.25 to 2.
        dropout: rate before the main classifier, in [0, 1); None takes 0.4.
        small_stem: leaves out the first two strides, for images of 28 to 64 pixels.
        include_preprocessing: begin with what the weights expect: the model takes pixels 0..255.
        keras: the Keras module to build with: Keras 3 (None), or `tf_keras` for those who have it.

    Returns:
        A functional model of stock layers. It takes floating-point images, (batch, *input_shape),
        as `model.preprocessing` makes them of RGB pixels 0..255 (without weights that is
        (pixel - 128) / 128), and gives float32 (batch, classes). `model.network` is its table.

    Raises:
        BadInput: for arguments it cannot use, and weights that do not fit or cannot be had.

    Example:
        >>> import keras_inception
        >>> model = keras_inception.GoogLeNet(classes=10, width=0.25)
        >>> model.output_shape
        (None, 10)
    """
    return _application(FAMILY["googlenet"], **locals())


def InceptionV2(
    include_top: bool = True,
    weights: str | Path | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    pooling: Pooling | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    name: str = "inception_v2",
    *,
    aux: bool = False,
    norm: str | BatchNorm | None = "published",
    width: float = 1.0,
    dropout: float | None = None,
    small_stem: bool = False,
    include_preprocessing: bool = False,
    keras: ModuleType | None = None,
) -> keras.Model:
    """Inception v2 (BN-Inception), "Batch Normalization", arXiv 1502.03167, 2015.

    11,198,112 parameters, 1.93 G multiply-adds for one image of its native size.
    The positional arguments and their behaviour are those of `keras.applications`.

    Args:
        include_top: whether to end in the classifier; False gives the last map,
            (batch, height, width, 1024) at width 1.
        weights: None (random), "imagenet", a tag of `list_weights`, downloaded once and verified,
            or the path of a file: a `.weights.h5` or `.keras` of the same network, our `.npz`, a
            TF-slim checkpoint, Keras `.h5`, torch `.pth`, `.safetensors` or `.caffemodel` of a
            variant in `list_networks`, which is then what is built. Weights for three channels go
            into one (their sum) or others (in turn, times 3 / channels).
        input_tensor: a Keras tensor to build on, or None for a new input.
        input_shape: (height, width, channels), channels last; None takes (224, 224, 3). Height
            and width may be None where `aux` is False, and are at least 17 otherwise.
        pooling: how the last map becomes a vector: "avg", "max" or "attention". None means the
            average before the classifier, and the map itself without the top.
        classes: number of classes, at least 1; with weights and the top, theirs. A background
            class that comes before 1000 others is left out unless 1001 are asked for.
        classifier_activation: "softmax", or None for logits.
        name: the model's name.
        aux: auxiliary classifiers; none were published, so True is refused.
        norm: "published" (batch normalization),
            "batch", a `spec.BatchNorm`, or None for no normalization.
        width: every layer's width as a multiple of the paper's, 0.25 to 2.
        dropout: rate before the main classifier, in [0, 1); None takes 0.2.
        small_stem: leaves out the first two strides, for images of 28 to 64 pixels.
        include_preprocessing: begin with what the weights expect: the model takes pixels 0..255.
        keras: the Keras module to build with: Keras 3 (None), or `tf_keras` for those who have it.

    Returns:
        A functional model of stock layers. It takes floating-point images, (batch, *input_shape),
        as `model.preprocessing` makes them of RGB pixels 0..255 (without weights that is
        (pixel - 128) / 128), and gives float32 (batch, classes). `model.network` is its table.

    Raises:
        BadInput: for arguments it cannot use, and weights that do not fit or cannot be had.

    Example:
        >>> import keras_inception
        >>> model = keras_inception.InceptionV2(classes=10, width=0.25)
        >>> model.output_shape
        (None, 10)
    """
    return _application(FAMILY["inception_v2"], **locals())


def InceptionV3(
    include_top: bool = True,
    weights: str | Path | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    pooling: Pooling | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    name: str = "inception_v3",
    *,
    aux: bool = False,
    norm: str | BatchNorm | None = "published",
    width: float = 1.0,
    dropout: float | None = None,
    small_stem: bool = False,
    include_preprocessing: bool = False,
    keras: ModuleType | None = None,
) -> keras.Model:
    """Inception v3, "Rethinking the Inception Architecture", arXiv 1512.00567, 2015.

    23,851,784 parameters, 5.71 G multiply-adds for one image of its native size.
    The positional arguments and their behaviour are those of `keras.applications`.

    Args:
        include_top: whether to end in the classifier; False gives the last map,
            (batch, height, width, 2048) at width 1.
        weights: None (random), "imagenet", a tag of `list_weights`, downloaded once and verified,
            or the path of a file: a `.weights.h5` or `.keras` of the same network, our `.npz`, a
            TF-slim checkpoint, Keras `.h5`, torch `.pth`, `.safetensors` or `.caffemodel` of a
            variant in `list_networks`, which is then what is built. Weights for three channels go
            into one (their sum) or others (in turn, times 3 / channels).
        input_tensor: a Keras tensor to build on, or None for a new input.
        input_shape: (height, width, channels), channels last; None takes (299, 299, 3). Height
            and width may be None where `aux` is False, and are at least 75 otherwise.
        pooling: how the last map becomes a vector: "avg", "max" or "attention". None means the
            average before the classifier, and the map itself without the top.
        classes: number of classes, at least 1; with weights and the top, theirs. A background
            class that comes before 1000 others is left out unless 1001 are asked for.
        classifier_activation: "softmax", or None for logits.
        name: the model's name.
        aux: adds the auxiliary classifiers as outputs: the model then gives a list, main,
            aux.
        norm: "published" (batch normalization),
            "batch", a `spec.BatchNorm`, or None for no normalization.
        width: every layer's width as a multiple of the paper's, 0.25 to 2.
        dropout: rate before the main classifier, in [0, 1); None takes 0.2.
        small_stem: leaves out the first two strides, for images of 28 to 64 pixels.
        include_preprocessing: begin with what the weights expect: the model takes pixels 0..255.
        keras: the Keras module to build with: Keras 3 (None), or `tf_keras` for those who have it.

    Returns:
        A functional model of stock layers. It takes floating-point images, (batch, *input_shape),
        as `model.preprocessing` makes them of RGB pixels 0..255 (without weights that is
        (pixel - 128) / 128), and gives float32 (batch, classes). `model.network` is its table.

    Raises:
        BadInput: for arguments it cannot use, and weights that do not fit or cannot be had.

    Example:
        >>> import keras_inception
        >>> model = keras_inception.InceptionV3(classes=10, width=0.25)
        >>> model.output_shape
        (None, 10)
    """
    return _application(FAMILY["inception_v3"], **locals())


def InceptionV4(
    include_top: bool = True,
    weights: str | Path | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    pooling: Pooling | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    name: str = "inception_v4",
    *,
    aux: bool = False,
    norm: str | BatchNorm | None = "published",
    width: float = 1.0,
    dropout: float | None = None,
    small_stem: bool = False,
    include_preprocessing: bool = False,
    keras: ModuleType | None = None,
) -> keras.Model:
    """Inception v4, arXiv 1602.07261, figures 3 to 9, 2016.

    42,711,400 parameters, 12.25 G multiply-adds for one image of its native size.
    The positional arguments and their behaviour are those of `keras.applications`.

    Args:
        include_top: whether to end in the classifier; False gives the last map,
            (batch, height, width, 1536) at width 1.
        weights: None (random), "imagenet", a tag of `list_weights`, downloaded once and verified,
            or the path of a file: a `.weights.h5` or `.keras` of the same network, our `.npz`, a
            TF-slim checkpoint, Keras `.h5`, torch `.pth`, `.safetensors` or `.caffemodel` of a
            variant in `list_networks`, which is then what is built. Weights for three channels go
            into one (their sum) or others (in turn, times 3 / channels).
        input_tensor: a Keras tensor to build on, or None for a new input.
        input_shape: (height, width, channels), channels last; None takes (299, 299, 3). Height
            and width may be None where `aux` is False, and are at least 75 otherwise.
        pooling: how the last map becomes a vector: "avg", "max" or "attention". None means the
            average before the classifier, and the map itself without the top.
        classes: number of classes, at least 1; with weights and the top, theirs. A background
            class that comes before 1000 others is left out unless 1001 are asked for.
        classifier_activation: "softmax", or None for logits.
        name: the model's name.
        aux: adds the auxiliary classifiers as outputs: the model then gives a list, main,
            aux.
        norm: "published" (batch normalization),
            "batch", a `spec.BatchNorm`, or None for no normalization.
        width: every layer's width as a multiple of the paper's, 0.25 to 2.
        dropout: rate before the main classifier, in [0, 1); None takes 0.2.
        small_stem: leaves out the first two strides, for images of 28 to 64 pixels.
        include_preprocessing: begin with what the weights expect: the model takes pixels 0..255.
        keras: the Keras module to build with: Keras 3 (None), or `tf_keras` for those who have it.

    Returns:
        A functional model of stock layers. It takes floating-point images, (batch, *input_shape),
        as `model.preprocessing` makes them of RGB pixels 0..255 (without weights that is
        (pixel - 128) / 128), and gives float32 (batch, classes). `model.network` is its table.

    Raises:
        BadInput: for arguments it cannot use, and weights that do not fit or cannot be had.

    Example:
        >>> import keras_inception
        >>> model = keras_inception.InceptionV4(classes=10, width=0.25)
        >>> model.output_shape
        (None, 10)
    """
    return _application(FAMILY["inception_v4"], **locals())


def InceptionResNetV1(
    include_top: bool = True,
    weights: str | Path | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    pooling: Pooling | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    name: str = "inception_resnet_v1",
    *,
    aux: bool = False,
    norm: str | BatchNorm | None = "published",
    width: float = 1.0,
    dropout: float | None = None,
    small_stem: bool = False,
    include_preprocessing: bool = False,
    keras: ModuleType | None = None,
) -> keras.Model:
    """Inception-ResNet v1, arXiv 1602.07261, figures 10 to 15, 2016.

    22,769,848 parameters, 6.21 G multiply-adds for one image of its native size.
    The positional arguments and their behaviour are those of `keras.applications`.

    Args:
        include_top: whether to end in the classifier; False gives the last map,
            (batch, height, width, 1792) at width 1.
        weights: None (random); no ImageNet weights of it are published as tags;
            or the path of a file: a `.weights.h5` or `.keras` of the same network, our `.npz`, a
            TF-slim checkpoint, Keras `.h5`, torch `.pth`, `.safetensors` or `.caffemodel` of a
            variant in `list_networks`, which is then what is built. Weights for three channels go
            into one (their sum) or others (in turn, times 3 / channels).
        input_tensor: a Keras tensor to build on, or None for a new input.
        input_shape: (height, width, channels), channels last; None takes (299, 299, 3). Height
            and width may be None where `aux` is False, and are at least 75 otherwise.
        pooling: how the last map becomes a vector: "avg", "max" or "attention". None means the
            average before the classifier, and the map itself without the top.
        classes: number of classes, at least 1; with weights and the top, theirs. A background
            class that comes before 1000 others is left out unless 1001 are asked for.
        classifier_activation: "softmax", or None for logits.
        name: the model's name.
        aux: auxiliary classifiers; none were published, so True is refused.
        norm: "published" (batch normalization),
            "batch", a `spec.BatchNorm`, or None for no normalization.
        width: every layer's width as a multiple of the paper's, 0.25 to 2.
        dropout: rate before the main classifier, in [0, 1); None takes 0.2.
        small_stem: leaves out the first two strides, for images of 28 to 64 pixels.
        include_preprocessing: begin with what the weights expect: the model takes pixels 0..255.
        keras: the Keras module to build with: Keras 3 (None), or `tf_keras` for those who have it.

    Returns:
        A functional model of stock layers. It takes floating-point images, (batch, *input_shape),
        as `model.preprocessing` makes them of RGB pixels 0..255 (without weights that is
        (pixel - 128) / 128), and gives float32 (batch, classes). `model.network` is its table.

    Raises:
        BadInput: for arguments it cannot use, and weights that do not fit or cannot be had.

    Example:
        >>> import keras_inception
        >>> model = keras_inception.InceptionResNetV1(classes=10, width=0.25)
        >>> model.output_shape
        (None, 10)
    """
    return _application(FAMILY["inception_resnet_v1"], **locals())


def InceptionResNetV2(
    include_top: bool = True,
    weights: str | Path | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, int | None, int] | None = None,
    pooling: Pooling | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    name: str = "inception_resnet_v2",
    *,
    aux: bool = False,
    norm: str | BatchNorm | None = "published",
    width: float = 1.0,
    dropout: float | None = None,
    small_stem: bool = False,
    include_preprocessing: bool = False,
    keras: ModuleType | None = None,
) -> keras.Model:
    """Inception-ResNet v2, arXiv 1602.07261, figures 15 to 19, 2016.

    55,873,736 parameters, 13.16 G multiply-adds for one image of its native size.
    The positional arguments and their behaviour are those of `keras.applications`.

    Args:
        include_top: whether to end in the classifier; False gives the last map,
            (batch, height, width, 1536) at width 1.
        weights: None (random), "imagenet", a tag of `list_weights`, downloaded once and verified,
            or the path of a file: a `.weights.h5` or `.keras` of the same network, our `.npz`, a
            TF-slim checkpoint, Keras `.h5`, torch `.pth`, `.safetensors` or `.caffemodel` of a
            variant in `list_networks`, which is then what is built. Weights for three channels go
            into one (their sum) or others (in turn, times 3 / channels).
        input_tensor: a Keras tensor to build on, or None for a new input.
        input_shape: (height, width, channels), channels last; None takes (299, 299, 3). Height
            and width may be None where `aux` is False, and are at least 75 otherwise.
        pooling: how the last map becomes a vector: "avg", "max" or "attention". None means the
            average before the classifier, and the map itself without the top.
        classes: number of classes, at least 1; with weights and the top, theirs. A background
            class that comes before 1000 others is left out unless 1001 are asked for.
        classifier_activation: "softmax", or None for logits.
        name: the model's name.
        aux: adds the auxiliary classifiers as outputs: the model then gives a list, main,
            aux.
        norm: "published" (batch normalization),
            "batch", a `spec.BatchNorm`, or None for no normalization.
        width: every layer's width as a multiple of the paper's, 0.25 to 2.
        dropout: rate before the main classifier, in [0, 1); None takes 0.2.
        small_stem: leaves out the first two strides, for images of 28 to 64 pixels.
        include_preprocessing: begin with what the weights expect: the model takes pixels 0..255.
        keras: the Keras module to build with: Keras 3 (None), or `tf_keras` for those who have it.

    Returns:
        A functional model of stock layers. It takes floating-point images, (batch, *input_shape),
        as `model.preprocessing` makes them of RGB pixels 0..255 (without weights that is
        (pixel - 128) / 128), and gives float32 (batch, classes). `model.network` is its table.

    Raises:
        BadInput: for arguments it cannot use, and weights that do not fit or cannot be had.

    Example:
        >>> import keras_inception
        >>> model = keras_inception.InceptionResNetV2(classes=10, width=0.25)
        >>> model.output_shape
        (None, 10)
    """
    return _application(FAMILY["inception_resnet_v2"], **locals())


InceptionV1 = GoogLeNet
InceptionBN = InceptionV2
