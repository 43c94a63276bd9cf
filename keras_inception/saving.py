"""`.keras` files: read by a list of what may stand in one, before Keras is asked.

A `.keras` file is a program: its config names classes and functions that Keras calls while it
reads, and Keras' safe mode refuses some of them only. So the config is read here first, and
whatever is not on the list below is refused by name.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

from .errors import BadInput
from .layers import OURS, default_keras

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
    SeparableConv2D Softmax SpatialDropout2D Subtract UpSampling2D
    ZeroPadding2D
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
    "keras.src.ops.math": "Rsqrt",
    "keras.src.ops.nn": """
        Elu HardSigmoid HardSilu Relu Relu6 Selu Sigmoid Silu Softmax Softplus Softsign
    """,
    "keras.src.ops.numpy": """
        Add Clip Concatenate Divide Exp ExpandDims Flip GetItem Log Max Maximum Mean Minimum
        Multiply Pad Reshape Square Squeeze Stack Subtract Tanh TrueDivide
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
#: Constants and the joints of the graph, which Keras writes like classes and does not look up.
_VALUES = ("__keras_tensor__", "__tensor__", "__numpy__", "__ellipsis__", "__slice__")
#: The names that `register_layers` makes known to Keras.
_REGISTERED = {f"keras_inception>{name}" for name in OURS}
_LARGEST, _UNFOLDED, _DEEPEST = 64 << 20, 100, 100


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
    """The Keras 3 model in the `.keras` file `path`, with its weights.

    compile: whether the model comes back as it was compiled, with the state of its optimizer.
    trust: whether its author is trusted with whatever the file may run.

    Nothing in the file runs: its config is read first, and a layer, operation or function that is
    neither stock and known to the conversion nor ours is refused by name. `trust` hands the file
    to `keras.saving.load_model` instead, which may run what its author wrote into it. Raises
    BadInput for a file that is missing, damaged, or asks for something that is not on the list.

    >>> import keras_inception
    >>> model = keras_inception.load_model("googlenet.keras")  # doctest: +SKIP
    """
    register_layers()
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"there is no file {str(path)!r}; give a .keras file")
    keras = default_keras()
    if trust:
        return keras.saving.load_model(path, compile=compile)
    config = _read(path)
    compiled = config.get("compile_config") if compile else None
    require_known(config, path)
    if compiled:
        _require_known_training(compiled, path)
    try:
        model = keras.saving.deserialize_keras_object(without_states(config), safe_mode=True)
        if compiled:
            model.compile_from_config(compiled)
        _fill(model, path)
    except (Exception, MemoryError) as error:
        why = (str(error).strip() or type(error).__name__).split("\n")[0]
        raise BadInput(f"Keras cannot load {path}: {why}") from error
    return model


def _read(path: Path) -> dict:
    """The config of a `.keras` file, its size, its growth and its depth bounded."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(_member(archive, "config.json", path, _LARGEST).read())
    except (OSError, ValueError, KeyError, RecursionError, zipfile.BadZipFile) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(
            f"{path} is not a .keras file that can be read ({error!r}); save the model anew with "
            "model.save"
        ) from error
    if not isinstance(config, dict) or not _is_object(config):
        raise BadInput(f"the config in {path} is not that of a Keras 3 model")
    return config


def _member(archive: zipfile.ZipFile, name: str, path: Path, largest: int | None = None):
    """A file in the archive, opened. Raises BadInput if it unfolds too far, KeyError without it."""
    info = archive.getinfo(name)
    if info.file_size > _UNFOLDED * max(info.compress_size, 1 << 10):
        raise BadInput(f"{name} in {path} unfolds more than {_UNFOLDED}-fold; it is not read")
    if largest and info.file_size > largest:
        raise BadInput(f"{name} in {path} has {info.file_size:,} bytes, more than {largest:,}")
    return archive.open(info)


def _is_object(value) -> bool:
    return isinstance(value, dict) and "class_name" in value


def _objects(value, depth: int = 0, within: str = "the model") -> Iterator[tuple[dict, str]]:
    """Every object that a config describes, and the name of the layer it stands in."""
    if depth > _DEEPEST:
        raise BadInput(f"the config is nested more than {_DEEPEST} deep at {within}")
    if isinstance(value, list):
        for each in value:
            yield from _objects(each, depth + 1, within)
    elif isinstance(value, dict):
        if _is_object(value):
            inner = value.get("config")
            named = inner.get("name") if isinstance(inner, dict) else None
            within = repr(named) if isinstance(named, str) and "module" in value else within
            yield value, within
        for key, each in value.items():
            if key not in _STATES or not _is_object(value):
                yield from _objects(each, depth + 1, within)


#: What an object was built on and compiled with: never read.
_STATES = ("build_config", "compile_config")


def require_known(config, path: str | Path) -> None:
    """Raise BadInput, naming layer and class, unless all that `config` asks for is on the list."""
    for wanted, within in _objects(config):
        if not _is_known(wanted):
            raise _refused(wanted, within, path)


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


def _refused(wanted: dict, within: str, path: str | Path) -> BadInput:
    kind = wanted.get("config") if wanted.get("class_name") == "function" else wanted["class_name"]
    what = ".".join(str(part) for part in (wanted.get("module"), kind) if part)
    registered = wanted.get("registered_name")
    also = f" (registered as {registered!r})" if registered not in (None, kind) else ""
    return BadInput(
        f"{within} in {path} asks for {what[:100]}{also[:100]}, which is not among the layers and "
        "functions that are read from a file: rebuild the model from stock layers, or, if you "
        "trust its author, open it in Python with keras_inception.load_model(path, trust=True)"
    )


def _require_known_training(compiled: dict, path: str | Path) -> None:
    for wanted, _ in _objects(compiled):
        module, kind = wanted.get("module"), wanted["class_name"]
        named = isinstance(module, str) and isinstance(kind, str)
        if named and module in _COMPILED and wanted.get("registered_name") is None:
            home = attrgetter(module.removeprefix("keras."))(default_keras())
            found = getattr(home, kind, None)
            if isinstance(found, type) and issubclass(found, getattr(home, _COMPILED[module])):
                continue
        if not _is_known(wanted):
            raise _refused(wanted, "what the model was compiled with", path)


def without_states(config):
    """The config without what its objects were built on and compiled with."""
    if isinstance(config, list):
        return [without_states(each) for each in config]
    if not isinstance(config, dict):
        return config
    dropped = _STATES if _is_object(config) else ()
    return {key: without_states(each) for key, each in config.items() if key not in dropped}


def _fill(model, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        weights = Path(folder) / "model.weights.h5"
        with _member(archive, weights.name, path) as source, weights.open("wb") as target:
            shutil.copyfileobj(source, target)
        model.load_weights(weights)
