"""A `.keras` file may ask for what is on a list, and for nothing else that Keras has."""

import importlib
import inspect
import re

import keras
import numpy as np
import pytest
from helpers.keras_files import config_of, layer, rewritten, small
from keras.src import activations, constraints, initializers, regularizers
from keras.src.api_export import REGISTERED_NAMES_TO_OBJS

import keras_inception
from keras_inception import saving
from keras_inception.errors import BadInput
from keras_inception.evaluation.classifier import open_classifier
from keras_inception.tflite.keras_graph import input_preprocessing, lowering, read
from keras_inception.tflite.source import open_source


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return small(tmp_path_factory.mktemp("saved") / "small.keras")


def places(config):
    """Where a file may have an object: (container, key), and what stands there in this one."""
    conv, times = layer(config, "conv"), layer(config, "Multiply")
    layers, node = config["config"]["layers"], times["inbound_nodes"][0]
    nested = layer(config, "head")["config"]["layers"]
    fields = (
        "activation",
        "kernel_initializer",
        "kernel_regularizer",
        "kernel_constraint",
        "dtype",
    )
    node["args"].append(None)
    node["kwargs"] = {"x2": [None]}
    return [
        ({"whole": config}, "whole"),
        (layers, layers.index(conv)),
        (layers, layers.index(times)),
        (nested, -1),
        *((conv["config"], field) for field in fields),
        (node["args"], -1),
        (node["kwargs"]["x2"], 0),
    ]


def refused(config) -> bool:
    try:
        saving.require_known(config)
    except BadInput:
        return True
    return False


def asking(module, name):
    """The forms in which a config can ask for a symbol, and whether it may where it is listed."""
    function = module in ("builtins", "keras.activations")
    yield {"module": module, "class_name": name, "config": {}}, not function
    yield {"module": module, "class_name": "function", "config": name}, function


def disguised(module, name):
    """Forms that Keras would look up by other fields than those that the list is about."""
    stock = {"module": "keras.layers", "class_name": "Dense", "config": {}}
    yield {**stock, "registered_name": name}, name == "Dense"
    yield {**stock, "class_name": name, "module": None}, False
    yield {"class_name": name, "config": {}}, False
    yield {"class_name": "__typespec__", "spec_name": name, "module": module, "config": []}, False
    yield {"module": "builtins", "class_name": "function", "config": {"config": name}}, False


def symbols():
    """Module and name of every symbol that Keras exports, by its public and by its own module."""
    for public, symbol in REGISTERED_NAMES_TO_OBJS.items():
        module, _, name = public.rpartition(".")
        yield module, name
        yield getattr(symbol, "__module__", None), getattr(symbol, "__name__", name)


def test_every_symbol_of_keras_is_refused_in_every_place_unless_it_is_on_the_list(file):
    config = config_of(file)
    everywhere = places(config)
    assert len(everywhere) == 11 and not refused(config)
    taken = set()
    asked = {*symbols(), *saving.ALLOWED}
    assert len(asked) > 2000
    for module, name in asked:
        listed = (module, name) in saving.ALLOWED
        for where, forms in ((everywhere, asking), (everywhere[3:5], disguised)):
            for form, allowed in forms(module, name):
                allowed = allowed and (listed or forms is disguised)
                for container, key in where:
                    before = container[key]
                    container[key] = form
                    assert refused(container) != allowed, (form, key)
                    container[key] = before
                if allowed:
                    taken.add(name)
    assert taken >= {"Conv2D", "Dense", "relu", "GlorotUniform", "L2", "DTypePolicy", "Functional"}


def test_a_refused_object_is_seen_wherever_it_stands(file):
    """The test above looks at the place itself; this one at the whole file."""
    config = config_of(file)
    for container, key in places(config)[1:]:
        before, container[key] = container[key], {"module": "os", "class_name": "system"}
        assert refused(config), key
        container[key] = before
    assert not refused(config)


TABLES = {
    "activation": activations,
    "kernel_initializer": initializers,
    "kernel_regularizer": regularizers,
    "kernel_constraint": constraints,
}


def test_a_string_stands_for_nothing_that_is_not_on_the_list(file):
    config = config_of(file)
    conv = layer(config, "conv")["config"]
    names = {name for _, name in symbols()}
    names |= {name for table in TABLES.values() for name in table.ALL_OBJECTS_DICT}
    listed = {name for _, name in saving.ALLOWED}
    for field, table in TABLES.items():
        before, allowed = conv[field], set()
        for name in names:
            conv[field] = name
            if not refused(config):
                allowed.add(name)
        conv[field] = before
        found = {
            table.ALL_OBJECTS_DICT[name].__name__ for name in allowed & {*table.ALL_OBJECTS_DICT}
        }
        assert len(found) > 3 and found <= listed
    assert not refused(config)


@pytest.mark.parametrize("name", ["int8_from_float32", "gptq/4/1_from_float32", "float8", "string"])
def test_a_dtype_is_one_of_numbers_that_the_conversion_reads(file, name):
    for dtype in (name, {"module": "keras", "class_name": "DTypePolicy", "config": {"name": name}}):
        config = config_of(file)
        layer(config, "conv")["config"]["dtype"] = dtype
        assert refused(config)


def listed_classes():
    for module, name in saving.ALLOWED:
        if module.startswith("keras.src."):
            found = getattr(importlib.import_module(module), name)
        else:
            found = REGISTERED_NAMES_TO_OBJS.get(f"{module}.{name}")
        if isinstance(found, type):
            yield from (base for base in found.__mro__ if base.__module__.startswith("keras."))


def test_every_place_of_such_a_string_is_known():
    """What the classes of the list hand to a `get` of Keras, by its source."""
    getters = "activations|constraints|dtype_policies|initializers|regularizers"
    found = set()
    for kind in {*listed_classes()}:
        if "__init__" in vars(kind):
            source = inspect.getsource(kind.__init__)
            found |= set(re.findall(rf"(?:{getters})\.get\(\s*(\w+)", source))
    assert {"kernel_initializer", "activation", "dtype"} <= found
    assert {name.rpartition("_")[2] for name in found} <= saving._STRINGS.keys()


def test_what_is_refused_is_named_and_nothing_of_it_is_called(file, tmp_path, monkeypatch):
    config = config_of(file)
    layer(config, "conv")["class_name"] = "TFSMLayer"
    path = rewritten(file, tmp_path / "other.keras", config)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", pytest.fail)
    for opened in (keras_inception.load_model, open_classifier, lambda p: open_source(p, out="x")):
        with pytest.raises(
            BadInput, match=r"other.keras cannot be loaded: 'conv' asks for keras.layers.TFSML"
        ):
            opened(path)


def test_the_list_is_what_the_conversion_knows():
    known = {*lowering.STOCK, *lowering._LAYERS, *lowering._AFFINE, *read.ONLY_IN_TRAINING}
    known |= {*input_preprocessing._LAYERS, "Maximum", "Minimum"}
    known |= {"InputLayer", *(name for name in dir(keras.layers) if name.startswith("Random"))}
    listed = {name for module, name in saving.ALLOWED if module == "keras.layers"}
    assert {name for name in known if hasattr(keras.layers, name)} == listed
    known = {*lowering.OPERATIONS, *lowering._OF_OPS, *lowering._AFFINE} - {
        "LayerScale",
        "Rescaling",
    }
    listed = {name for module, name in saving.ALLOWED if module.startswith("keras.src.ops.")}
    # What preprocessing is made of, and what mixed precision adds.
    preprocessing = {"Cast", "Flip", "GetItem", "Stack"}
    assert known | {"Maximum", "Minimum"} | preprocessing == listed


def test_what_a_model_was_built_on_is_not_read(file, tmp_path):
    config = config_of(file)
    layer(config, "conv")["build_config"] = {"input_shape": {"class_name": "nothing at all"}}
    model = keras_inception.load_model(rewritten(file, tmp_path / "m.keras", config), compile=False)
    assert not model.compiled


def test_a_file_of_ones_own_comes_back_as_it_was_saved(file):
    image = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    before = keras.saving.load_model(file)
    after = keras_inception.load_model(file)
    np.testing.assert_array_equal(before(image), after(image))
    assert int(after.optimizer.iterations) == 1 and after.compiled
    for old, new in zip(before.optimizer.variables, after.optimizer.variables, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "compiled",
    [
        {"optimizer": {"module": "keras.utils", "class_name": "get_file", "config": {}}},
        {"loss": {"module": "keras.losses", "class_name": "deserialize", "config": {}}},
        {"metrics": [{"module": "keras.optimizers", "class_name": "function", "config": "x"}]},
    ],
)
def test_what_a_model_was_compiled_with_is_read_by_a_list_too(file, tmp_path, compiled):
    config = {**config_of(file), "compile_config": compiled}
    path = rewritten(file, tmp_path / "other.keras", config)
    with pytest.raises(BadInput, match="what the model was compiled with asks for"):
        keras_inception.load_model(path)
    assert keras_inception.load_model(path, compile=False).count_params()
