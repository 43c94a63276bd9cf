"""The named builders: networks with the arguments of keras.applications."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .build import build
from .errors import BadInput
from .networks.googlenet import GOOGLENET
from .spec import Network
from .transform import widen, with_dropout, with_norm, without_aux, without_top

_DOC = """{title} as a functional Keras model.

    The positional arguments and their behaviour are those of keras.applications.

    include_top: whether to end in the classifier; False gives the last map,
        (batch, height, width, {features}) at width 1.
    weights: None (random), or the path of a `.weights.h5` or `.keras` file of the same network.
    input_tensor: a Keras tensor to build on, or None for a new input.
    input_shape: (height, width, channels), channels last; None takes {native}. Height and width
        may be None where aux is False, and are at least {least} otherwise.
    pooling: without the top, None, "avg" or "max" of the last map.
    classes: number of classes, at least 1.
    classifier_activation: "softmax", or None for logits.
    name: the model's name.
    aux: adds the auxiliary classifiers as outputs of their own: main, {heads}.
    norm: "lrn" (the paper), "batch", a spec.BatchNorm, or None for no normalization.
    width: every layer's width as a multiple of the paper's, 0.25 to 2.
    dropout: rate before the main classifier; None takes the paper's {dropout}.
    keras: the Keras module to build with, `keras` (the default) or `tf_keras`.

    Takes images of shape (batch, *input_shape) in the range its weights were trained on; gives
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
    norm="lrn",
    width=1.0,
    dropout=None,
) -> Network:
    """The network that a named builder's arguments describe."""
    if not isinstance(classes, int) or classes < 1:
        raise BadInput(f"classes must be a whole number of at least 1; got {classes!r}")
    if aux and not include_top:
        raise BadInput("aux=True needs include_top=True: the auxiliary heads are classifiers")
    net = replace(
        with_norm(net, norm),
        name=name or net.name,
        input_shape=tuple(input_shape or net.input_shape),
        classes=classes,
        activation=classifier_activation,
    )
    if dropout is not None:
        net = with_dropout(net, dropout)
    if not include_top:
        net = without_top(net, pooling)
    elif not aux:
        net = without_aux(net)
    return widen(net, width)


def _builder(table: Network, title: str, **facts) -> Callable:
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
        norm="lrn",
        width=1.0,
        dropout=None,
        keras=None,
    ):
        if input_tensor is not None:
            input_shape = tuple(input_tensor.shape[1:])
        net = configure(
            table,
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
        )
        if weights is not None and not Path(weights).is_file():
            raise BadInput(
                f"weights must be None or the path of a weights file of {table.name}; "
                f"there is no file {str(weights)!r}"
            )
        model = build(net, keras, input_tensor=input_tensor)
        if weights is not None:
            model.load_weights(weights)
        return model

    application.__name__ = application.__qualname__ = title.split()[0]
    application.__doc__ = _DOC.format(title=title, **facts)
    return application


GoogLeNet = _builder(
    GOOGLENET,
    'GoogLeNet (Inception v1, "Going deeper with convolutions", 2014)',
    features=1024,
    native="(224, 224, 3)",
    least=17,
    heads="aux1, aux2",
    dropout=0.4,
)
InceptionV1 = GoogLeNet
