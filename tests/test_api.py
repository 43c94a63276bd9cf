"""What the packages export is what a stranger's editor shows: typed, documented, and true."""

import doctest
import importlib
import importlib.util
import inspect
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import keras
import pytest
from helpers.marks import slow_but

import keras_inception as ki
from keras_inception import cli, tflite, training
from keras_inception.costs import measure, smallest_input, total
from keras_inception.networks import FAMILY
from keras_inception.nodes import Dropout
from keras_inception.tflite.metadata import Said
from keras_inception.training.recipes.recipe import Recipe
from keras_inception.transform import without_aux, without_top

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (ki, training, tflite)
EXPORTED = [(package, name) for package in PACKAGES for name in package.__all__]
BUILDERS = {
    "googlenet": ki.GoogLeNet,
    "inception_v2": ki.InceptionV2,
    "inception_v3": ki.InceptionV3,
    "inception_v4": ki.InceptionV4,
    "inception_resnet_v1": ki.InceptionResNetV1,
    "inception_resnet_v2": ki.InceptionResNetV2,
}


def script(name):
    """One of the scripts in docs/ that write a page."""
    found = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def functions():
    named = {name: getattr(package, name) for package, name in EXPORTED}
    return {name: value for name, value in named.items() if inspect.isfunction(value)}


@pytest.mark.parametrize("name", ["api", "keras_names", "recipes"])
def test_a_page_is_what_its_script_writes(name):
    page = (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    assert page == script(name).page(), "run `make docs`"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["InceptionV3", "InceptionResNetV2"])
def test_keras_names_are_those_of_the_same_maps(name):
    """By shape, which tells most layers from their neighbours."""
    keras.utils.clear_session(free_memory=False)
    theirs = getattr(keras.applications, name)(weights=None)
    ours = getattr(ki, name)()
    names = script("keras_names")
    pairs = names.blocks(ours.network) | names.convolutions(ours.network)
    assert len(pairs) > 100
    for their_name, our_name in pairs.items():
        their_layer, our_layer = theirs.get_layer(their_name), ours.get_layer(our_name)
        assert their_layer.output.shape == our_layer.output.shape
        if their_name.startswith("conv2d"):
            assert their_layer.kernel.shape == our_layer.kernel.shape


#: Builders whose examples take seconds.
LARGE = {"InceptionV4", "InceptionResNetV1", "InceptionResNetV2"}


@pytest.mark.parametrize("name", slow_but(functions().keys() - LARGE, sorted(functions())))
def test_its_examples_run(name):
    finder, failed = doctest.DocTestFinder(recurse=False), []
    value = functions()[name]
    for example in finder.find(value, name):
        assert example.examples, "no example"
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=failed.append)
    assert not failed, "".join(failed)


@pytest.mark.parametrize("name", sorted(functions()))
def test_every_argument_is_annotated_or_described(name):
    value = functions()[name]
    for argument in inspect.signature(value).parameters:
        assert re.search(rf"\b{argument}\b", value.__doc__), f"{name} says nothing of {argument}"


@pytest.mark.parametrize(("name", "builder"), BUILDERS.items())
def test_the_numbers_of_a_builder_are_those_of_its_table(name, builder):
    net, text = FAMILY[name], re.sub(r"\s+", " ", builder.__doc__)
    cost = total(without_aux(net))
    size = net.input_shape[0]
    channels = measure(without_top(net))[-1].shape[-1]
    (rate,) = [row.rate for row in net.top if isinstance(row, Dropout)]
    for said in (
        f"{cost.parameters:,} parameters, {cost.macs / 1e9:.2f} G multiply-adds",
        f"(batch, height, width, {channels}) at width 1",
        f"None takes ({size}, {size}, 3)",
        f"at least {smallest_input(net)} otherwise",
        f"None takes {rate}",
        ", ".join(["main", *(head.name for head in net.heads)])
        if net.heads
        else "none were published",
    ):
        assert said in text
    assert inspect.signature(builder).parameters["name"].default == name


def test_the_builders_say_the_same_but_for_their_numbers():
    first = inspect.getdoc(BUILDERS["googlenet"]).split("Args:")[1]
    own = ("weights:", "aux:", "norm:", "name:")

    def common(text):
        entries = re.split(r"\n    (?=\w+:)", text)
        kept = [e for e in entries if not e.startswith(own)]
        return re.sub(r"\d[\d,.]*|GoogLeNet|Inception\w+", "#", "\n".join(kept))

    for builder in BUILDERS.values():
        assert common(inspect.getdoc(builder).split("Args:")[1]) == common(first)


def test_all_but_the_first_argument_is_given_by_keyword():
    for name in ("open_classifier", "predict", "evaluate", "report", "train", "resume"):
        first, *others = inspect.signature(functions()[name]).parameters.values()
        assert first.kind is first.POSITIONAL_OR_KEYWORD
        assert {each.kind for each in others} <= {first.KEYWORD_ONLY, first.VAR_KEYWORD}
    for name in ("export", "quantize"):
        _, *others = inspect.signature(functions()[name]).parameters.values()
        assert {each.kind for each in others[:-1]} == {inspect.Parameter.KEYWORD_ONLY}
        assert (others[-1].kind, others[-1].name) == (inspect.Parameter.VAR_KEYWORD, "said")


@pytest.mark.parametrize("name", ["predict", "evaluate", "export", "quantize"])
def test_arguments_are_the_options_of_the_command_line(name, capsys):
    with pytest.raises(SystemExit):
        cli.main([name, "--help"])
    options = set(re.findall(r"--([a-z-]+)", capsys.readouterr().out)) | {"photographs"}
    _, *arguments = inspect.signature(functions()[name]).parameters
    if "said" in arguments:
        arguments = [*arguments[:-1], *Said.__annotations__]
    assert {argument.replace("_", "-") for argument in arguments} <= options


def test_the_recipes_options_are_those_of_train():
    assert training.recipe("digits", epochs=3) == Recipe(
        **{
            **{f.name: getattr(training.recipe("digits"), f.name) for f in fields(Recipe)},
            "epochs": 3,
        }
    )
    assert {"finetune"} <= set(training.list_recipes())
    with pytest.raises(ki.BadInput, match="a recipe has no epoch"):
        training.recipe("digits", epoch=3)


def test_no_module_bears_the_name_of_an_exported_function():
    names = set(functions())
    for package in PACKAGES:
        folder = Path(package.__file__).parent
        assert not names & {path.stem for path in folder.iterdir()}


def test_what_is_exported_is_there_to_be_completed():
    for package, name in EXPORTED:
        assert name in dir(package) and getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'googlenet'"):
        ki.googlenet  # noqa: B018


@pytest.mark.parametrize(
    "how", [["-c", "import keras_inception.training.api"], ["-m", "keras_inception.table"]]
)
def test_a_bare_checkout_works(how):
    """Without any installation: in the clone, and with -m, where the clone comes first."""
    hidden = "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f)];"
    if how[0] == "-c":
        how = ["-c", hidden + how[1]]
    done = subprocess.run([sys.executable, *how], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert importlib.import_module("keras_inception.training.recipes").Recipe


def test_networks_and_weights_by_name():
    assert ki.list_networks()[:6] == list(FAMILY)
    assert ki.network("inception_v3") == FAMILY["inception_v3"]
    assert ki.network("googlenet.torchvision").name == "googlenet"
    with pytest.raises(ki.BadInput, match=r"a network is one of googlenet, .*; got 'resnet'"):
        ki.network("resnet")
    assert "inception_v4.timm_in1k" not in ki.list_weights("googlenet")
    assert set(ki.list_weights("inception_v4")) < set(ki.list_weights())
