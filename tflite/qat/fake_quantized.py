"""A network that trains as its INT8 file will compute: what both engines have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType

import keras
import numpy as np

from keras_inception.errors import BadInput
from keras_inception.inference import outputs_of
from keras_inception.native_output import verbosity
from keras_inception.outputs import CLASSES, Kind

from ..convert.rounding import rounding
from ..keras_graph.plain import Layer, PlainNetwork
from ..keras_graph.to_keras import require_equal, to_keras
from .observer import FROZEN_AFTER, Observer

#: Values of images at a time: small ones are soon computed, and each call takes its time.
_VALUES = 1 << 21


class FakeQuantized(ABC):
    """A fake-quantized copy of `network`, its ranges calibrated on `images`.

    `images` are preprocessed evaluation images, (n, height, width, channels) float32;
    `input_range` is what pixels 0 and 255 become, and fixes the input's scale and zero point.
    `model` is the copy, in the Keras of the engine. Raises BadInput unless it computes, before
    anything is rounded, what `network` does.
    """

    #: The Keras module of its models, and whether they train in mixed precision.
    KERAS: ModuleType
    MIXED: bool

    def __init__(self, network: PlainNetwork, images: np.ndarray, input_range: tuple[float, float]):
        self.network = network
        self.rounding = rounding(network, input_range)
        self.observers: dict[int, Observer] = {}
        self.kernels: dict[str, object] = {}
        self.tensors: dict[int, object] = {}
        self.model = self._build()
        self._calibrate(images)

    @abstractmethod
    def _build(self):
        """The model; its observers and its own tensors, by those of the network, and its rounded
        kernels, by layer, are noted."""

    @abstractmethod
    def _variables(self, layer: Layer) -> list[np.ndarray]:
        """The variables of a layer as they are now, a kernel not multiplied by its factor."""

    @abstractmethod
    def _fed(self, batches, epochs: int) -> tuple[dict, Callable | None]:
        """What `fit` is given to train on, and what is to be called when an epoch begins."""

    def _computed_in(self, precision: str) -> AbstractContextManager:
        """The model computes in the dtype policy `precision` inside this block."""
        return nullcontext()

    def fine_tune(
        self,
        batches,
        epochs: int,
        learning_rate: float,
        after_epoch: Callable[[int], None] = lambda epoch: None,
        precision: str = "float32",
        kind: Kind = CLASSES,
    ) -> None:
        """Train with SGD from `learning_rate` down to 0 along a cosine.

        `batches` are TrainingBatches; their epochs count on from where they stand. `after_epoch` is
        told how many are done, from 1, and finds the model in float32. Ranges follow the
        activations for the first half of the steps. `kind` is what the outputs are, which decides
        the loss. `precision` is the dtype policy to train in; raises BadInput for one that the
        engine cannot compute in.
        """
        if precision != "float32" and not self.MIXED:
            raise BadInput(
                f"the engine tfmot trains in float32 only, the engine keras in {precision}"
            )
        for observer in self.observers.values():
            if observer.observes:
                observer.batches_left.assign(round(FROZEN_AFTER * epochs * len(batches)))
        fed, begin = self._fed(batches, epochs)
        optimizers, callback = self.KERAS.optimizers, self.KERAS.callbacks.LambdaCallback
        schedule = optimizers.schedules.CosineDecay(learning_rate, epochs * len(batches))

        def end(epoch, logs):
            with self._computed_in("float32"):
                after_epoch(epoch + 1)

        with self._computed_in(precision):
            self.model.compile(
                optimizer=optimizers.SGD(schedule, momentum=0.9, nesterov=True),
                loss=kind.loss(batches.examples.truth),
                metrics=["accuracy"] if kind is CLASSES else [],
            )
            callbacks = [callback(on_epoch_begin=begin, on_epoch_end=end)]
            self.model.fit(**fed, epochs=epochs, verbose=verbosity(), callbacks=callbacks)

    def outputs(self, images: np.ndarray, tensors: Mapping[str, int]) -> dict[str, np.ndarray]:
        """What tensors of the network, by any name, are for preprocessed images, rounded where they
        are."""
        wanted = {name: self.tensors[number] for name, number in tensors.items()}
        probe = self.KERAS.Model(self.model.input, wanted)
        count = max(8, _VALUES // int(np.prod(self.network.shape)))
        parts = [
            probe(images[start : start + count], training=False)
            for start in range(0, len(images), count)
        ]
        return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in wanted}

    def trained(self) -> PlainNetwork:
        """The network with its weights as they are now."""
        changed = {}
        for layer in self.network.layers:
            if layer.weights and layer.trainable:
                changed[layer.name] = layer.with_variables(self._variables(layer))
        return self.network.with_layers(changed)

    def ranges(self) -> dict[int, tuple[float, float]]:
        """The range that each rounded tensor has now."""
        return {
            number: tuple(float(end) for end in observer.limits())
            for number, observer in self.observers.items()
        }

    def _calibrate(self, images: np.ndarray) -> None:
        rounded = [*self.observers.values(), *self.kernels.values()]
        for each in rounded:
            each.calibrating = True
        found = self.outputs(images, {"scores": self.network.output})["scores"]
        for each in rounded:
            each.calibrating = False
        expected = outputs_of(to_keras(self.network, keras), images)
        require_equal("the quantized network", found, expected)
