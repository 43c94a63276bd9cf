"""The named builders: networks with the arguments of keras.applications."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .build import build
from .errors import BadInput
from .measure import measure, smallest_input
from .networks import FAMILY
from .spec import LRN, Dropout, Network
from .transform import (
    widen,
    with_dropout,
    with_norm,
    with_pooling,
    with_small_stem,
    without_aux,
    without_top,
)

log = logging.getLogger(__name__)

_DOC = """{title}, as a functional Keras model.

    The positional arguments and their behaviour are those of keras.applications.

    include_top: whether to end in the classifier; False gives the last map,
        (batch, height, width, {features}) at width 1.
    weights: None (random); "imagenet" or a tag of keras_inception.weights.presets, downloaded once
        and verified; or the path of a file: a `.weights.h5` or `.keras` of the same network, our
        `.npz`, or a TF-slim checkpoint, Keras `.h5`, torch `.pth` or `.safetensors`, or
        `.caffemodel` of a variant we know, which is then the network that is built.
    input_tensor: a Keras tensor to build on, or None for a new input.
    input_shape: (height, width, channels), channels last; None takes {native}. Height and width
        may be None where aux is False, and are at least {least} otherwise.
    pooling: how the last map becomes a vector: "avg", "max" or "attention". None means the
        average before the classifier, and the map itself without the top.
    classes: number of classes, at least 1; with weights, theirs. A background class that comes
        before 1000 others is left out unless 1001 are asked for.
    classifier_activation: "softmax", or None for logits.
    name: the model's name.
    aux: adds the auxiliary classifiers as outputs of their own: main, {heads}.
    norm: "published" (the network's, or its weights', own{norms}), "batch", a spec.BatchNorm, or
        None for no normalization.
    width: every layer's width as a multiple of the paper's, 0.25 to 2.
    dropout: rate before the main classifier; None takes the table's {dropout}.
    small_stem: leaves out the first two strides, for images of 28 to 64 pixels.
    include_preprocessing: takes RGB pixels 0..255 and does what its weights expect in the model;
        without weights, (pixel - 128) / 128.
    keras: the Keras module to build with, `keras` (the default) or `tf_keras`.

    Takes images of shape (batch, *input_shape) in the range its weights were trained on
    (keras_inception.preprocess_input); gives
    (batch, classes) probabilities in float32, or with aux a list of one per output.
    Raises keras_inception.BadInput for arguments it cannot use.
    """


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
    if not isinstance(classes, int) or classes < 1:
        raise BadInput(f"classes must be a whole number of at least 1; got {classes!r}")
    if aux and not include_top:
        raise BadInput("aux=True needs include_top=True: the auxiliary heads are classifiers")
    if aux and not net.heads:
        raise BadInput(f"{net.name} was published without auxiliary heads; give aux=False")
    net = replace(
        with_norm(net, norm),
        name=name or net.name,
        input_shape=tuple(input_shape or net.input_shape),
        classes=classes,
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


def _published(weights, network: str, classes: int | None, aux: bool):
    """The weights.published.Published that `weights` names; None where Keras is to load a file.

    `classes` is None where there is no classifier to fit.
    """
    if weights is None or _is_keras_file(weights):
        return None
    from .weights import published

    found = published.load(weights, network).with_classes(classes)
    if classes not in (None, found.net.classes):
        raise BadInput(
            f"{found.origin} tells {found.net.classes} classes apart; got classes={classes}: leave "
            "it out, take include_top=False and a classifier of your own, or fine-tune with "
            "`keras-inception train --weights`"
        )
    if aux and not found.heads_trained:
        log.warning("the auxiliary heads of %s were never trained", found.origin)
    return found


def _is_keras_file(weights) -> bool:
    return str(weights).endswith((".keras", ".weights.h5")) and Path(weights).is_file()


def _builder(function_name: str, title: str) -> Callable:
    table = FAMILY[title.split(":")[0]]

    def application(
        include_top=True,
        weights=None,
        input_tensor=None,
        input_shape=None,
        pooling=None,
        classes=1000,
        classifier_activation="softmax",
        name=table.name,
        *,
        aux=False,
        norm="published",
        width=1.0,
        dropout=None,
        small_stem=False,
        include_preprocessing=False,
        keras=None,
    ):
        if input_tensor is not None:
            input_shape = tuple(input_tensor.shape[1:])
        found = _published(weights, table.name, classes if include_top else None, aux)
        net = configure(
            found.net if found else table,
            include_top,
            input_shape,
            pooling,
            classes,
            classifier_activation,
            name,
            aux=aux,
            norm=norm,
            width=width,
            dropout=dropout,
            small_stem=small_stem,
        )
        if include_preprocessing:
            from .preprocess import Preprocessing
            from .preprocess_layers import preprocessed

            expected = found.preprocessing if found else Preprocessing()
            input_tensor = preprocessed(expected, net.input_shape, input_tensor, keras)
        model = build(net, keras, input_tensor=input_tensor)
        if found:
            from .weights import store

            store.write(model, found.arrays, partial=True)
        elif weights is not None:
            model.load_weights(weights)
        return model

    application.__name__ = application.__qualname__ = function_name
    application.__doc__ = _DOC.format(
        title=title.split(": ")[1],
        features=measure(without_top(table))[-1].shape[-1],
        native=table.input_shape,
        least=smallest_input(table),
        heads=", ".join(head.name for head in table.heads) or "none were published",
        norms=": local response" if any(isinstance(row, LRN) for row in table.rows) else "",
        dropout=next(row.rate for row in table.top if isinstance(row, Dropout)),
    )
    return application


GoogLeNet = InceptionV1 = _builder(
    "GoogLeNet", 'googlenet: GoogLeNet (Inception v1), "Going deeper with convolutions", 2014'
)
InceptionV2 = InceptionBN = _builder(
    "InceptionV2", 'inception_v2: Inception v2 (BN-Inception), "Batch Normalization", 2015'
)
InceptionV3 = _builder(
    "InceptionV3", 'inception_v3: Inception v3, "Rethinking the Inception Architecture", 2015'
)
InceptionV4 = _builder("InceptionV4", "inception_v4: Inception v4, 2016")
InceptionResNetV1 = _builder("InceptionResNetV1", "inception_resnet_v1: Inception-ResNet v1, 2016")
InceptionResNetV2 = _builder("InceptionResNetV2", "inception_resnet_v2: Inception-ResNet v2, 2016")
