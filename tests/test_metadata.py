"""What a `.tflite` file says of itself: written by us, read by us and by others' schema."""

import json
from hashlib import sha256
from importlib import util
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from helpers import tflite_files
from helpers.tflite_files import EXPECTED, LABELS

from keras_inception import label_files
from keras_inception.cli import main
from keras_inception.errors import BadInput
from keras_inception.evaluation.classifier import open_classifier
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite.checks.integer import audit
from keras_inception.tflite.file.graph import Graph
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.metadata import Metadata, embed, labels, read

GERMAN = ("Katze", "Hund", "Vogel", "Ünï")
SAID = Metadata(
    'a "name" $x',
    "four classes",
    "1.2",
    "Zoë",
    "CC0-1.0",
    EXPECTED,
    LABELS,
    {"de": GERMAN, "pt-BR": tuple("abcd")},
    0.25,
)


@pytest.fixture(scope="module")
def whole():
    return embed(tflite_files.graph(), SAID).content


@pytest.fixture
def path(tmp_path, whole):
    (tmp_path / "x.tflite").write_bytes(whole)
    return tmp_path / "x.tflite"


def test_what_is_written_is_read(whole):
    assert read(whole) == SAID
    assert read(tflite_files.content()) is None


def test_the_same_gives_the_same_bytes_and_replaces_what_was_there(whole):
    assert embed(tflite_files.graph(), SAID).content == whole
    assert embed(Graph.read(whole), SAID).content == whole
    assert len(whole) < len(tflite_files.content()) + 3000


def test_it_changes_nothing_that_is_computed(whole):
    images = np.random.default_rng(0).uniform(-1, 1, (8, 16, 16, 3)).astype("float32")
    before, after = File(tflite_files.content()), File(whole)
    np.testing.assert_array_equal(before.scores(images), after.scores(images))
    of_before, of_after = (each._opened.interpreter for each in (before, after))
    assert of_after.get_signature_list() == of_before.get_signature_list()


def test_weights_lie_on_boundaries_of_16_bytes(whole):
    model = schema.Model.GetRootAs(whole, 0)
    buffers = [model.Buffers(i) for i in range(model.BuffersLength())]
    with_data = [b for b in buffers if b.DataLength()]
    assert len(with_data) > 5
    assert {b._tab.Vector(b._tab.Offset(4)) % 16 for b in with_data} == {0}


def test_audit_and_the_cut_before_the_softmax_take_a_file_with_metadata(whole):
    with_metadata, without = Graph.read(whole), tflite_files.graph()
    assert audit(with_metadata) == audit(without)
    images = np.zeros((1, 16, 16, 3), np.float32)
    np.testing.assert_array_equal(
        File(with_metadata.without_softmax()).scores(images),
        File(without.without_softmax()).scores(images),
    )


def test_others_read_the_same_by_the_schema_they_generated(whole):
    """mediapipe's own module of the public schema; it is loaded without the rest of mediapipe."""
    found = util.find_spec("mediapipe")
    if found is None:
        pytest.skip("needs mediapipe: make test-mediapipe")
    module = Path(found.origin).parent / "tasks" / "metadata" / "metadata_schema_py_generated.py"
    spec = util.spec_from_file_location("theirs", module)
    theirs = util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(whole, 0))
    (entry,) = (m for m in model.metadata if m.name == b"TFLITE_METADATA")
    data = bytes(model.buffers[entry.buffer].data)
    assert theirs.ModelMetadata.ModelMetadataBufferHasIdentifier(data, 0)
    said = theirs.ModelMetadataT.InitFromObj(theirs.ModelMetadata.GetRootAs(data, 0))
    assert (said.name, said.author) == (SAID.name.encode(), "Zoë".encode())
    assert (said.description, said.version) == (b"four classes", b"1.2")
    assert (said.license, said.minParserVersion) == (b"CC0-1.0", b"1.5.0")
    (graph,) = said.subgraphMetadata
    (image,), (scores,) = graph.inputTensorMetadata, graph.outputTensorMetadata
    assert image.content.contentPropertiesType == theirs.ContentProperties.ImageProperties
    assert image.content.contentProperties.colorSpace == theirs.ColorSpaceType.RGB
    (unit,) = image.processUnits
    assert unit.optionsType == theirs.ProcessUnitOptions.NormalizationOptions
    assert (unit.options.mean, unit.options.std) == ([128.0], [128.0])
    assert (image.stats.min, image.stats.max) == ([0.0], [255.0])
    assert [f.name for f in scores.associatedFiles] == [
        b"labels.txt",
        b"labels_de.txt",
        b"labels_pt-BR.txt",
    ]
    assert {f.type for f in scores.associatedFiles} == {
        theirs.AssociatedFileType.TENSOR_AXIS_LABELS
    }
    assert [f.locale for f in scores.associatedFiles] == [None, b"de", b"pt-BR"]
    (unit,) = scores.processUnits
    assert unit.optionsType == theirs.ProcessUnitOptions.ScoreThresholdingOptions
    assert unit.options.globalScoreThreshold == 0.25
    builder = flatbuffers.Builder(1024)
    builder.Finish(said.Pack(builder), b"M001")
    assert len(builder.Output()) > 500  # every offset in it leads somewhere


@pytest.mark.parametrize("io_type, limits", [("int8", (-128, 127)), ("float32", (-1, 127 / 128))])
def test_the_range_of_the_input_is_in_its_own_unit(io_type, limits):
    whole = tflite_files.labelled(io_type)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(whole, 0))
    data = bytes(model.buffers[model.metadata[-1].buffer].data)
    assert np.array(limits[::-1], np.float32).tobytes()[:4] in data
    assert read(whole).preprocessing == EXPECTED


@pytest.mark.parametrize(
    "said, message",
    [
        ({"labels": LABELS[:3]}, "has 4 outputs and labels has 3 names"),
        ({"labels": (*LABELS[:3], "cat")}, "has 'cat' twice"),
        ({"labels": (*LABELS[:3], " ")}, "name 3 of labels is ' '"),
        ({"labels": (*LABELS[:3], "a\nb")}, "a name is one line"),
        ({"labels": LABELS, "localized": {"de": GERMAN[:2]}}, "labels_de.txt has 2 names"),
        ({"localized": {"de": GERMAN}}, "go with labels without one"),
        ({"threshold": 1.5}, r"threshold must be in \[0, 1\]"),
        ({"threshold": float("nan")}, r"threshold must be in \[0, 1\]"),
        ({"preprocessing": Preprocessing(order="BGR")}, "no word for BGR"),
    ],
)
def test_what_does_not_fit_is_refused(said, message):
    with pytest.raises(BadInput, match=message):
        embed(tflite_files.graph(), Metadata(**said))


def test_class_names_become_labels_that_can_be_told_apart():
    names = ("crane", "cat", "crane", "two\nlines", "")
    found = label_files.distinct(names)
    assert found == ("crane (0)", "cat", "crane (2)", "two lines", "class (4)")
    labels.check(found, 5)


def test_a_file_alone_is_evaluated_as_it_was(path):
    """Classes and preprocessing, crop included, come out of the file when its JSON is not there."""
    origin = open_classifier(path)
    assert (origin.preprocessing, origin.classes) == (EXPECTED, LABELS)


def test_the_command_shows_and_rewrites(path, tmp_path, capsys):
    (tmp_path / "labels_fr.txt").write_text("chat\nchien\noiseau\nÜ\n")
    before = path.read_bytes()
    assert main(["metadata", str(path)]) == 0
    assert "Zoë" in capsys.readouterr().out and path.read_bytes() == before
    changes = ["--author", "Ada", "--threshold", "0.5", "--labels", str(tmp_path / "labels_fr.txt")]
    assert main(["metadata", str(path), *changes]) == 0
    said = read(path.read_bytes())
    assert (said.author, said.threshold, said.license) == ("Ada", 0.5, "CC0-1.0")
    assert set(said.localized) == {"de", "fr", "pt-BR"} and said.labels == LABELS
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert record["metadata"]["author"] == "Ada" and record["classes"] == list(LABELS)
    beside = path.with_suffix(".labels.txt")
    assert tuple(beside.read_text().splitlines()) == LABELS


def test_a_label_file_that_is_no_text_is_refused(path, tmp_path, capsys):
    before = path.read_bytes()
    (tmp_path / "labels.txt").write_bytes("猫\nb\nc\n狗\n".encode("gbk"))
    assert main(["metadata", str(path), "--labels", str(tmp_path / "labels.txt")]) == 2
    assert "is not UTF-8" in capsys.readouterr().err and path.read_bytes() == before


def test_somebody_elses_file_must_say_what_it_expects(path, capsys):
    path.write_bytes(tflite_files.content("float32"))
    assert main(["metadata", str(path)]) == 0
    assert "(pixel" not in capsys.readouterr().out
    assert main(["metadata", str(path), "--author", "Ada"]) == 2
    assert "give --mean and --std" in capsys.readouterr().err
    assert main(["metadata", str(path), "--author", "Ada", "--mean", "128", "--std", "128"]) == 0
    assert read(path.read_bytes()).preprocessing == Preprocessing()


def test_damaged_metadata_are_a_sentence_with_the_files_name(path, capsys):
    path.write_bytes(path.read_bytes()[:-60])  # the end of the ZIP
    assert main(["metadata", str(path)]) == 2
    assert f"the metadata of {path} are damaged" in capsys.readouterr().err
