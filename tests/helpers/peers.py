"""Other people's models behind two functions: the shapes of their arrays, and their logits.

torchvision, timm, tf2cv and tf_slim come with `make test-parity`. tf_slim has Inception v1, v2
and v3 only; v4 and Inception-ResNet-v2 are the package `nets` of tensorflow/models, found when its
folder research/slim is on PYTHONPATH.
"""

import sys
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from types import ModuleType
from unittest import mock

import numpy as np

from keras_inception.builder import build
from keras_inception.spec import Network
from keras_inception.transform import without_aux
from keras_inception.variants import VARIANTS
from keras_inception.weights import store
from keras_inception.weights.names import NAME_MAPS, NameMap
from keras_inception.weights.rename import rename


def import_torchvision() -> ModuleType:
    """torchvision, also where its compiled operators, which are for detection, cannot be loaded."""
    with mock.patch("torch.library.register_fake", lambda *_, **__: lambda f: f):
        return import_module("torchvision")


@dataclass(frozen=True)
class Torch:
    """A model of torchvision or timm; `taps` are the modules that its heads read."""

    network: Network
    package: str
    taps: dict[str, str] = field(default_factory=dict)
    #: The axis that kernels keep their filters on.
    filters = 0

    @property
    def names(self) -> NameMap:
        return NAME_MAPS[self.package]

    def model(self):
        import_torchvision()
        heads = {"aux_logits": True} if self.taps else {}
        if self.package == "timm":
            return import_module("timm").create_model(self.network.name, **heads).eval()
        make = getattr(import_module("torchvision.models"), self.network.name)
        return make(weights=None, init_weights=False, **heads).eval()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(array.shape) for name, array in self.model().state_dict().items()}

    def logits(self, arrays, images, heads: bool) -> dict[str, np.ndarray]:
        import torch

        model, tapped = self.model(), {}
        model.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})
        # torchvision computes its heads in training only, timm always.
        model.aux_logits = False
        for head, tap in self.taps.items():
            module = getattr(model, tap)
            module.register_forward_hook(lambda _, __, out, head=head: tapped.update({head: out}))
        with torch.no_grad():
            found = {"main": model(torch.tensor(images.transpose(0, 3, 1, 2)))}
            if heads:
                found |= {head: getattr(model, head)(x) for head, x in tapped.items()}
        return {head.replace("AuxLogits", "aux"): x.numpy() for head, x in found.items()}


@dataclass(frozen=True)
class Slim:
    """A network of TF-slim: the function `function` of the module of that name."""

    network: Network
    package: str
    function: str
    names = NAME_MAPS["slim"]
    filters = -1

    def graph(self, height: int, width: int, heads: bool):
        """Their graph, its input, its logits and its variables."""
        import tensorflow as tf

        _restore_legacy_layers()
        import tf_slim

        module = import_module(f"{self.package}.{self.function}")
        arguments = {"create_aux_logits": heads} if self.network.heads else {}
        with tf.Graph().as_default() as graph:
            images = tf.compat.v1.placeholder("float32", (2, height, width, 3))
            with tf_slim.arg_scope(getattr(module, f"{self.function}_arg_scope")()):
                main, ends = getattr(module, self.function)(
                    images, num_classes=self.network.classes, is_training=False, **arguments
                )
            outputs = {"main": main} | ({"aux": ends["AuxLogits"]} if "AuxLogits" in ends else {})
            return graph, images, outputs, tf.compat.v1.global_variables()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        *_, variables = self.graph(*self.network.input_shape[:2], heads=True)
        return {variable.op.name: tuple(variable.shape) for variable in variables}

    def logits(self, arrays, images, heads: bool) -> dict[str, np.ndarray]:
        import tensorflow as tf

        graph, placeholder, outputs, variables = self.graph(*images.shape[1:3], heads)
        values = {v.initializer.inputs[1]: arrays[v.op.name] for v in variables}
        with tf.compat.v1.Session(graph=graph) as session:
            session.run([v.initializer for v in variables], values)
            return session.run(outputs, {placeholder: images})


@cache
def _restore_legacy_layers():
    """tf_slim's layers are where tf_keras no longer shows them."""
    for name in ("", ".convolutional", ".core", ".normalization", ".pooling"):
        sys.modules[f"tf_keras.legacy_tf_layers{name}"] = import_module(
            f"tf_keras.src.legacy_tf_layers{name}"
        )


@dataclass(frozen=True)
class Osmr:
    """The network of tf2cv that no other project has weights of."""

    network: Network
    package: str
    names = NAME_MAPS["osmr"]
    filters = -1

    def model(self):
        import tensorflow
        import tf_keras

        # Written for the tf.keras of before Keras 3; which one tf.keras is here depends on what
        # was imported first.
        modules = {"tensorflow.keras": tf_keras, "tensorflow.keras.layers": tf_keras.layers}
        with (
            mock.patch.object(tensorflow, "keras", tf_keras),
            mock.patch.dict(sys.modules, modules),
        ):
            nets = import_module("tf2cv.models.inceptionresnetv1")
        model = nets.inceptionresnetv1()
        model.build((1, *self.network.input_shape))
        return model

    def variables(self, model) -> dict[str, object]:
        scoped = {v.name.removesuffix(":0"): v for v in model.weights}
        return {name.replace("features/features/", "features/"): v for name, v in scoped.items()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(v.shape) for name, v in self.variables(self.model()).items()}

    def logits(self, arrays, images, heads: bool) -> dict[str, np.ndarray]:
        model = self.model()
        for name, variable in self.variables(model).items():
            variable.assign(arrays[name])
        return {"main": model(images, training=False).numpy()}


def _slim(tag: str, package: str, function: str) -> Slim:
    return Slim(replace(VARIANTS[tag], classes=1001), package, function)


_V3 = VARIANTS["inception_v3.torchvision"]
_V3_TAPS = {"AuxLogits": "Mixed_6e"}
_SLIM_V1 = _slim("googlenet.slim", "tf_slim.nets", "inception_v1")
PEERS = {
    "torchvision_googlenet": Torch(
        VARIANTS["googlenet.torchvision"],
        "torchvision",
        {"aux1": "inception4a", "aux2": "inception4d"},
    ),
    "torchvision_inception_v3": Torch(_V3, "torchvision", _V3_TAPS),
    "timm_inception_v3": Torch(_V3, "timm", _V3_TAPS),
    "timm_inception_v3_headless": Torch(without_aux(_V3), "timm"),
    "timm_inception_v4": Torch(without_aux(VARIANTS["inception_v4.timm"]), "timm"),
    "timm_inception_resnet_v2": Torch(without_aux(VARIANTS["inception_resnet_v2.timm"]), "timm"),
    "osmr_inception_resnet_v1": Osmr(VARIANTS["inception_resnet_v1.osmr"], "tf2cv"),
    # Their v1 has no heads.
    "slim_inception_v1": replace(_SLIM_V1, network=without_aux(_SLIM_V1.network)),
    "slim_inception_v2": _slim("inception_v2.slim", "tf_slim.nets", "inception_v2"),
    "slim_inception_v3": _slim("inception_v3.keras", "tf_slim.nets", "inception_v3"),
    "slim_inception_v4": _slim("inception_v4.slim", "nets", "inception_v4"),
    "slim_inception_resnet_v2": _slim("inception_resnet_v2.keras", "nets", "inception_resnet_v2"),
}


def our_logits(peer, arrays: dict[str, np.ndarray], images: np.ndarray) -> dict[str, np.ndarray]:
    """Output name -> logits of our network of `peer`, a value of PEERS."""
    net = replace(peer.network, input_shape=images.shape[1:], activation=None)
    model = build(net)
    store.write(model, rename(arrays, net, peer.names))
    # Called, not predict: compiling takes longer than one batch.
    outputs = model(images, training=False)
    names = ["main", *(head.name for head in net.heads)]
    return {
        name: np.array(x)
        for name, x in zip(names, outputs if net.heads else [outputs], strict=True)
    }


def difference(mine: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, in standard deviations of their logits."""
    assert np.std(theirs) > 1e-3
    return float(np.max(np.abs(mine - theirs)) / np.std(theirs))
