"""Files of whole models: read by a list of what may stand in one, before Keras is asked.

A `.keras` or `.h5` file is a program: its config names classes and functions that Keras calls
while it reads, and Keras' safe mode refuses some of them only. So the config is read here first,
and whatever is not on the list below is refused by name. Its weights are read as weights are, in a
process of their own, and memory is taken for as many as there are.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from math import prod
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import records
from .errors import BadInput
from .layers import OURS, default_keras

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)

#: Layers that the conversion to `.tflite` knows, or that only train (tests compare the two).
_LAYERS = """
    Activation ActivityRegularization Add AlphaDropout AugMix Average
    AveragePooling2D BatchNormalization CenterCrop Concatenate Conv2D Conv2DTranspose Cropping2D
    CutMix Dense DepthwiseConv2D Dropout ELU Flatten GaussianDropout GaussianNoise
    GlobalAveragePooling2D GlobalMaxPooling2D Identity InputLayer LayerNormalization LeakyReLU
    MaxPooling2D Maximum Minimum MixUp Multiply Normalization PReLU Permute RMSNormalization
    RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop
    RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue
    RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation
    RandomSharpness RandomShear RandomTranslation RandomZoom ReLU Rescaling Reshape Resizing
    SeparableConv2D Softmax SpatialDropout2D Subtract UnitNormalization UpSampling2D ZeroPadding2D
"""
_INITIALIZERS = """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones
    Orthogonal RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
"""
#: Module, as the file names it -> the classes it may ask for there.
_CLASSES = {
    "keras": "DTypePolicy Functional Model Sequential",
    "keras.dtype_policies": "DTypePolicy",
    "keras.models": "Functional Model Sequential",
    "keras.src.models.functional": "Functional",
    "keras.layers": _LAYERS,
    "keras.src.applications.convnext": "LayerScale StochasticDepth",
    "keras.src.applications.inception_resnet_v2": "CustomScaleLayer",
    "keras.src.ops.core": "Cast",
    "keras.src.ops.image": "Resize",
    "keras.src.ops.math": "Rsqrt",
    "keras.src.ops.nn": """
        AveragePool Celu Elu Gelu HardSigmoid HardSilu HardTanh LeakyRelu LogSigmoid MaxPool Relu
        Relu6 Selu Sigmoid Silu Softmax Softplus Softsign
    """,
    "keras.src.ops.numpy": """
        Add Amax Clip Concatenate Divide Exp ExpandDims Flip GetItem Log Max Maximum Mean Minimum
        Moveaxis Multiply Negative Pad Power Reshape Square Squeeze Stack Subtract Sum Swapaxes Tanh
        Transpose TrueDivide
    """,
    "keras.initializers": _INITIALIZERS,
    "keras.regularizers": "L1 L1L2 L2 OrthogonalRegularizer",
    "keras.constraints": "MaxNorm MinMaxNorm NonNeg UnitNorm",
}
_OF_FUNCTIONS = ("builtins", "keras.activations")
#: Functions, which Keras names "builtins" for the module where it names one at all.
_FUNCTIONS = """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu
    linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus
    softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
"""
#: What `compile` was given, in the modules where Keras has optimizers, losses and metrics.
_COMPILED = {
    "keras.losses": "Loss",
    "keras.metrics": "Metric",
    "keras.optimizers": "Optimizer",
    "keras.optimizers.schedules": "LearningRateSchedule",
}
ALLOWED = {
    *((module, name) for module, names in _CLASSES.items() for name in names.split()),
    *((module, name) for name in _FUNCTIONS.split() for module in _OF_FUNCTIONS),
}
#: Names that Keras has for those of the list where a string stands for an object.
_ALIASES = {
    "initializer": _INITIALIZERS
    + "IdentityInitializer Normal One OrthogonalInitializer Uniform Zero",
    "regularizer": _CLASSES["keras.regularizers"],
    "constraint": _CLASSES["keras.constraints"],
    "activation": _FUNCTIONS,
    "dtype": """
        bfloat16 bool float16 float32 float64 int16 int32 int64 int8 mixed_bfloat16 mixed_float16
        uint16 uint32 uint64 uint8
    """,
}
_STRINGS = {
    kind: {name.lower().replace("_", "") for name in names.split()}
    for kind, names in _ALIASES.items()
}
#: Constants and the joints of the graph, which Keras writes like classes and does not look up.
_VALUES = ("__keras_tensor__", "__tensor__", "__numpy__", "__ellipsis__", "__slice__")
#: The names that `register_layers` makes known to Keras.
_REGISTERED = {f"keras_inception>{name}" for name in OURS}
#: What layers are called with in a loop of Python's, and metrics make lists of: the most of it.
_COUNTS = dict.fromkeys(("chain_depth", "depth_radius", "num_chains", "num_ops"), 1000) | {
    "num_thresholds": 100_000,
    "num_classes": 10_000,
}
#: Calls of layers: NASNetLarge has 1041. Numbers in a tensor of one image: half a gigabyte.
_MOST_CALLS, _LARGEST_TENSOR = 5000, 1 << 27


def register_layers() -> None:
    """Make the layers of ours that stock Keras lacks known to Keras 3.

    After it `keras.models.load_model`, `clone_model` and `from_config` take every model of this
    package. Models with batch normalization, no heads and average pooling are stock layers and
    need it not.

    >>> import keras, keras_inception
    >>> keras_inception.register_layers()
    >>> keras.models.load_model("googlenet.keras")  # doctest: +SKIP
    """
    for make in OURS.values():
        make(default_keras())


def load_model(path: str | Path, compile: bool = True, *, trust: bool = False):
    """The Keras 3 model in the file `path`, with its weights: a `.keras`, also of Keras 2, a `.h5`
    that holds a whole model, or the folder of a SavedModel that Keras 2 wrote.

    compile: whether the model of a `.keras` comes back as it was compiled, with the state of its
        optimizer; others come back without.
    trust: whether its author is trusted with whatever the file may run.

    Nothing in the file runs: its config is read first, and a layer, operation or function that is
    neither stock and known to the conversion nor ours is refused by name. Its weights are read in a
    process of their own. `trust` hands the file to `keras.saving.load_model` instead, which may run
    what its author wrote into it; a SavedModel is a program, and is read no other way. Raises
    BadInput for a file that is missing or damaged, asks for something that is not on the list,
    unfolds more than a hundredfold, or whose weights are not all finite.

    >>> import keras_inception
    >>> model = keras_inception.load_model("googlenet.keras")  # doctest: +SKIP
    """
    # Not at the top: `import keras_inception` needs no HDF5.
    from .weights import store, whole_models
    from .weights.formats import keras_file

    register_layers()
    path = Path(path)
    if whole_models.is_saved_model(path):
        whole_models.require_trust(path, trust)
        with keras_file.told(path):
            model = _filled(whole_models.of_saved_model(path))
    elif trust:
        log.warning("%s is opened by Keras, which may run what its author wrote into it", path)
        with keras_file.told(path):
            _require_file(path)
            model = default_keras().saving.load_model(path, compile=compile)
    else:
        with keras_file.told(path):
            _require_file(path)
            if path.suffix in whole_models.H5:
                model = _filled(whole_models.of_h5(path))
            else:
                model = _of_keras_file(path, compile)
    with keras_file.told(path):
        store.require_finite(model)
    return model


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise BadInput("there is no such file; give a .keras or .h5 file")


def _of_keras_file(path: Path, compile: bool):
    from .weights import whole_models
    from .weights.formats import keras_file

    with keras_file.opened(path) as archive, tempfile.TemporaryDirectory() as folder:
        with keras_file.member(archive, "config.json", records.LARGEST) as written:
            config = records.parse(written.read())
        if whole_models.is_of_keras_2(archive):
            return _filled(whole_models.of_keras_2(archive, Path(folder), config))
        if not _is_object(config):
            raise BadInput("its config is not that of a Keras model")
        require_known(config)  # Before its weights are read, which takes longer.
        compiled = config.get("compile_config") if compile else None
        if compiled:
            _require_known_training(compiled)
        weights, held = keras_file.copy_weights(archive, Path(folder))
        model = _described(config, held)
        if compiled:
            model.compile_from_config(compiled)
        model.load_weights(weights)
    return model


def _filled(read: tuple[Any, dict[str, np.ndarray]]):
    """The model of a config and its weights, as `whole_models` reads them."""
    from .weights import whole_models

    config, arrays = read
    if not _is_object(config):
        raise BadInput("its config is not that of a Keras model")
    model = _described(config, sum(array.size for array in arrays.values()))
    whole_models.fill(model, arrays)
    return model


def _described(config, held: int):
    """The model that a config describes, if all of it is known, small, and has weights for it."""
    require_known(config)
    _require_small(config)
    if any(_is_statistics(each) for each, _ in _objects(config)):
        _built(without_states(config, _passing_on), held)
    return _built(without_states(config), held)


def _is_object(value) -> bool:
    return isinstance(value, dict) and "class_name" in value


def _objects(value, within: str = "the model") -> Iterator[tuple[dict, str]]:
    """Every object that a config describes, and the name of the layer it stands in."""
    if isinstance(value, list):
        for each in value:
            yield from _objects(each, within)
    elif isinstance(value, dict):
        if _is_object(value):
            inner = value.get("config")
            named = inner.get("name") if isinstance(inner, dict) else None
            within = repr(named) if isinstance(named, str) and "module" in value else within
            yield value, within
        for key, each in value.items():
            if key not in _STATES or not _is_object(value):
                yield from _objects(each, within)


#: What an object was built on and compiled with: never read.
_STATES = ("build_config", "compile_config")


def require_known(config) -> None:
    """Raise BadInput, naming layer and class, unless all that `config` asks for is on the list."""
    for wanted, within in _objects(config):
        if not _is_known(wanted):
            raise _refused(wanted, within)
        unknown = next(_unknown_strings(wanted), None)
        if unknown:
            raise _refused({"class_name": unknown}, within)


def _is_known(wanted: dict) -> bool:
    kind, module, registered = (
        wanted.get(key) for key in ("class_name", "module", "registered_name")
    )
    function = kind == "function"
    name = wanted.get("config") if function else kind
    if not isinstance(name, str) or not all(
        isinstance(x, str | None) for x in (module, registered)
    ):
        return False
    if not function and name in _VALUES:
        return registered is None
    if registered in _REGISTERED:
        return registered == f"keras_inception>{name}"
    # A name that Keras knows by registration would be taken before module and class.
    if registered not in (None, name) or (module in _OF_FUNCTIONS) != function:
        return False
    return (module, name) in ALLOWED


def _unknown_strings(wanted: dict) -> Iterator[str]:
    """The strings in an object's own config that Keras makes objects of, and that it should not."""
    config = wanted.get("config")
    for key, value in config.items() if isinstance(config, dict) else ():
        if wanted["class_name"] == "DTypePolicy" and key == "name":
            key = "dtype"
        known = _STRINGS.get(key.rpartition("_")[2])
        if known and isinstance(value, str) and value.lower().replace("_", "") not in known:
            yield f"{key} {value!r}"


def _refused(wanted: dict, within: str) -> BadInput:
    kind = wanted.get("config") if wanted.get("class_name") == "function" else wanted["class_name"]
    what = ".".join(str(part) for part in (wanted.get("module"), kind) if part)
    registered = wanted.get("registered_name")
    also = f" (registered as {registered!r})" if registered not in (None, kind) else ""
    return BadInput(
        f"{within} asks for {what[:100]}{also[:100]}, which is not among the layers and functions "
        "that are read from a file: rebuild the model from stock layers or, if you trust its "
        "author with whatever it may run, give --trust (in Python trust=True)"
    )


def _require_known_training(compiled: dict) -> None:
    for wanted, _ in _objects(compiled):
        module, kind = wanted.get("module"), wanted["class_name"]
        named = isinstance(module, str) and isinstance(kind, str)
        if named and module in _COMPILED and wanted.get("registered_name") is None:
            home = attrgetter(module.removeprefix("keras."))(default_keras())
            found = getattr(home, kind, None)
            if isinstance(found, type) and issubclass(found, getattr(home, _COMPILED[module])):
                _require_counts(wanted.get("config"), "what the model was compiled with")
                continue
        if not _is_known(wanted):
            raise _refused(wanted, "what the model was compiled with")


def _require_small(config) -> None:
    """Raise BadInput if Keras would take too long to build what `config` describes, or would
    compute something while it does."""
    calls = _calls(config)
    if calls > _MOST_CALLS:
        raise BadInput(f"its layers are called {calls:,} times, more than {_MOST_CALLS:,}")
    for wanted, within in _objects(config):
        _require_counts(wanted.get("config"), within)
        nodes = wanted.get("inbound_nodes") or []
        for node in nodes if isinstance(nodes, list) else [nodes]:
            # A call without a joint of the graph is no part of it: it is made at once.
            joints = (each["class_name"] == "__keras_tensor__" for each, _ in _objects(node))
            if isinstance(node, dict) and not any(joints):
                raise BadInput(f"{within} is called with constants alone")


def _require_counts(config, within: str) -> None:
    for key, most in _COUNTS.items():
        value = config.get(key) if isinstance(config, dict) else None
        if isinstance(value, int | float) and value > most:
            raise BadInput(f"{within} has {key} {value:,}, more than {most:,}")


def _calls(model) -> int:
    """How many calls of layers the building of a model comes to: what stands in another is called
    whenever that is."""
    config = model.get("config") if isinstance(model, dict) else None
    layers = config.get("layers") if isinstance(config, dict) else None
    calls = 0
    for layer in layers if isinstance(layers, list) else ():
        nodes = layer.get("inbound_nodes") if isinstance(layer, dict) else None
        calls += (1 + _calls(layer)) * max(1, len(nodes) if isinstance(nodes, list) else 0)
    return calls


def _is_statistics(wanted: dict) -> bool:
    return wanted["class_name"] == "Normalization"


def _passing_on(wanted: dict) -> dict:
    """An object's config, or nothing but its name in place of a layer that computes while it is
    built."""
    if not _is_statistics(wanted):
        return wanted
    inner = wanted.get("config") or {}
    kept = {key: inner[key] for key in ("name", "dtype") if key in inner}
    return {**wanted, "class_name": "Identity", "registered_name": None, "config": kept}


def _built(config, held: int) -> Any:
    """The model of a config. Raises BadInput, before its weights take memory, if they are more
    numbers than the `held` that its file has."""
    from keras.src.backend.common import global_state

    keras = default_keras()
    scope = keras.StatelessScope(initialize_variables=False)
    try:
        with scope:
            model = keras.saving.deserialize_keras_object(config, safe_mode=True)
            needed = sum(prod(weight.shape) for weight in model.weights)
            if needed > held:
                raise BadInput(f"its layers need {needed:,} weights, it holds {held:,}")
            for name, shape in _shapes(model):
                if prod(size or 1 for size in shape) > _LARGEST_TENSOR:
                    raise BadInput(f"{name!r} gives {shape}, more than {_LARGEST_TENSOR:,} numbers")
            scope.initialize_variables = True
    except (Exception, MemoryError):
        # Keras has no public way to forget variables, and would make them at the next chance.
        global_state.set_global_attribute("uninitialized_variables", [])
        raise
    return model


def _shapes(model) -> Iterator[tuple[str, tuple]]:
    """The layers of a model, those of models in it too, and the shape of each of their outputs."""
    functional = getattr(model, "_functional", None) or model
    for operation in getattr(functional, "operations", ()):
        # Keras has no public way to walk a model's nodes; all of Keras 3 keeps them here.
        for node in operation._inbound_nodes:
            yield from ((operation.name, tensor.shape) for tensor in node.output_tensors)
        yield from _shapes(operation)


def without_states(config, instead: Callable[[dict], dict] = lambda wanted: wanted):
    """The config without what its objects were built on and compiled with, and of each what is to
    stand instead of it."""
    if isinstance(config, list):
        return [without_states(each, instead) for each in config]
    if not isinstance(config, dict):
        return config
    dropped = ()
    if _is_object(config):
        config, dropped = instead(config), _STATES
    return {k: without_states(v, instead) for k, v in config.items() if k not in dropped}
