"""What pixels become is said by the file, by its integers or by its user, and never guessed."""

from hashlib import sha256

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as flat
from helpers import tflite_files
from helpers.networks import small
from PIL import Image
from test_names import shapes

from keras_inception import cli
from keras_inception.builder import build
from keras_inception.errors import BadInput
from keras_inception.evaluation.classifier import open_classifier
from keras_inception.networks import FAMILY
from keras_inception.preprocess import NAMED, Preprocessing, Unsaid
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.metadata import reading, schema, tables
from keras_inception.tflite.metadata.input_pixels import expected_by
from keras_inception.transform import without_aux
from keras_inception.weights import presets, pretrained, store
from keras_inception.weights.pretrained import PretrainedWeights

PIXELS = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), np.uint8)


def of_another_tool(normalization=None):
    """A small file as other converters write it: without our record, and with MediaPipe's words for
    mean and std if they are given."""
    graph = tflite_files.graph("float32").changeable()
    if normalization:
        unit = schema.Unit(schema.NORMALIZATION, schema.Normalization(*normalization))
        inside = schema.SubGraph(
            inputs=[schema.Tensor(process_units=[unit])], outputs=[schema.Tensor(name="scores")]
        )
        buffer = flat.BufferT()
        buffer.data = tables.write(schema.Model(subgraphs=[inside]), schema.IDENTIFIER)
        graph.model.buffers.append(buffer)
        number = len(graph.model.buffers) - 1
        graph.model.metadata = [flat.MetadataT(schema.NAME.encode(), number)]
    return graph.content


def expected(content, told=None):
    said = reading.read(content)
    return expected_by(File(content), "x.tflite", said and said.preprocessing, told)


def of_integers(kind, scale, zero_point):
    """A file whose input has such numbers."""
    file = File(tflite_files.content(kind))
    file.input_quantization = scale, zero_point
    return file


def test_a_file_that_says_nothing_asks_and_what_it_is_told_counts():
    content = of_another_tool()
    with pytest.raises(Unsaid, match=r"say with --preprocessing how pixels 0\.\.255"):
        expected(content)
    assert expected(content, "unit") == NAMED["unit"]
    mine = Preprocessing(100.0, 50.0, crop=0.9)
    assert expected(content, mine) == mine


def test_metadata_of_other_tools_are_read():
    """As MediaPipe, TensorFlow Hub and Model Maker write them: one number, or one per channel."""
    assert expected(of_another_tool(normalization=([127.5], [127.5]))) == NAMED["tf"]
    torch = NAMED["torch"]
    said = expected(of_another_tool(normalization=([*torch.mean], [*torch.std])))
    np.testing.assert_allclose((*said.mean, *said.std), (*torch.mean, *torch.std), rtol=1e-6)
    with pytest.raises(Unsaid):  # Metadata without a word of pixels are none.
        expected(of_another_tool(normalization=([], [])))


@pytest.mark.parametrize(
    "kind, scale, zero_point, darkest",
    [
        ("uint8", 1 / 255, 0, 0),  # pixel / 255
        ("uint8", 2 / 255, 127, 0),  # [-1, 1], as Teachable Machine's converter calibrates it
        ("uint8", 0.0078125, 128, 0),
        ("uint8", 1.0, 0, 0),
        ("int8", 1 / 255, -128, -128),
        ("int8", 2 / 255, -1, -128),
    ],
)
def test_integers_that_are_the_pixels_are_recognized(kind, scale, zero_point, darkest, caplog):
    file = of_integers(kind, scale, zero_point)
    caplog.set_level("INFO")
    found = expected_by(file, "x.tflite")
    given = file.encoded(found(PIXELS)).astype(int)
    np.testing.assert_array_equal(given, PIXELS.astype(int) + darkest)
    assert "x.tflite takes pixels as they are" in caplog.text
    assert expected_by(file, "x.tflite", told="raw") == found  # in its user's words
    with pytest.raises(BadInput, match="says itself that its input is pixels as they are, not"):
        expected_by(file, "x.tflite", told="torch")


def test_metadata_do_not_change_what_integers_say():
    """Mean 0 and std 1 of a file of pixel / 255 are meant for pixels as they are."""
    file = of_integers("uint8", 1 / 255, 0)
    given = file.encoded(expected_by(file, "x.tflite", NAMED["raw"])(PIXELS))
    np.testing.assert_array_equal(given, PIXELS)


@pytest.mark.parametrize("scale, zero_point", [(0.0186, 114), (1.08, 115), (1 / 128, 0)])
def test_integers_that_are_something_else_ask(scale, zero_point):
    """Of a calibration on what torch or Caffe expect, or on nothing like pixels."""
    with pytest.raises(Unsaid):
        expected_by(of_integers("uint8", scale, zero_point), "x.tflite")


def test_what_an_integer_input_cannot_hold_is_refused():
    file = of_integers("uint8", 0.0186, 114)
    assert expected_by(file, "x.tflite", told="torch") == NAMED["torch"]
    with pytest.raises(BadInput, match=r"input holds -2.12 to 2.62, pixels would become 0 to 255"):
        expected_by(file, "x.tflite", told="raw")


def test_what_a_file_says_is_not_contradicted():
    content = tflite_files.labelled("float32")
    assert expected(content, "keras_inception") == tflite_files.EXPECTED  # the same, with its crop
    with pytest.raises(BadInput, match=r"says itself .*\(pixel - 128.0\) / 128.0, not \(pixel"):
        expected(content, "tf")


def test_predict_shows_the_first_class_by_each_preprocessing(tmp_path, capsys):
    Image.fromarray(PIXELS[0]).save(tmp_path / "photo.png")
    (tmp_path / "x.tflite").write_bytes(of_another_tool())
    (tmp_path / "names.txt").write_text("a\nb\nc\nd\n")
    (tmp_path / "ours.tflite").write_bytes(tflite_files.labelled())
    command = f"predict {tmp_path}/photo.png --trust --weights {tmp_path}/x.tflite".split()
    command += ["--classes", f"{tmp_path}/names.txt"]
    assert cli.main(command) == 2
    assert "say with --preprocessing" in capsys.readouterr().err
    assert cli.main([*command, "--preprocessing", "auto"]) == 0
    _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == [*NAMED]
    for row in rows:
        name, score, first = row.split()
        opened = open_classifier(tmp_path / "x.tflite", preprocessing=name)
        scores = opened.scores(PIXELS[0])[0]
        assert first == "abcd"[scores.argmax()] and float(score) == pytest.approx(
            scores.max(), abs=1e-4
        )
    command[4] = f"{tmp_path}/ours.tflite"
    assert cli.main([*command[:5], "--preprocessing", "auto"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2  # It says itself: there is one.


def test_weights_of_ones_own_ask_what_they_were_trained_on(tmp_path, monkeypatch):
    """torchvision's transform_input on and off are two networks of the same arrays."""
    arrays = {name: np.zeros(s, np.float32) for name, s in shapes("torchvision_googlenet").items()}
    monkeypatch.setattr(pretrained.formats, "read", lambda path: dict(arrays))
    (tmp_path / "mine.pth").write_bytes(b"mine")
    found = pretrained.load(tmp_path / "mine.pth")
    with pytest.raises(Unsaid, match=r'"tf" if it had transform_input=True.*"torch" if False'):
        found.expecting(None)
    assert found.expecting("torch").preprocessing == NAMED["torch"]
    # Those of a published file, to the last byte, are known.
    digest = f"sha256:{sha256(b'mine').hexdigest()[:8]}"
    monkeypatch.setitem(presets.PUBLISHED, digest, presets.INCEPTION)
    found = pretrained.load(tmp_path / "mine.pth")
    assert found.expecting(None).preprocessing == presets.INCEPTION
    with pytest.raises(BadInput, match="says itself that its input is"):
        found.expecting("torch")


def test_weights_of_ones_own_are_used_with_what_is_told(tmp_path, capsys):
    net = without_aux(small(FAMILY["googlenet"]))
    arrays = store.read(build(net))
    pretrained.save(PretrainedWeights(net, arrays, None, "mine"), tmp_path / "mine.npz")
    Image.fromarray(PIXELS[0]).save(tmp_path / "photo.png")
    (tmp_path / "names.txt").write_text("a\nb\nc\nd\n")
    command = f"predict {tmp_path}/photo.png --weights {tmp_path}/mine.npz".split()
    assert cli.main(command) == 2
    assert "mine.npz does not say what it expects of pixels" in capsys.readouterr().err
    command += ["--preprocessing", "torch", "--classes", f"{tmp_path}/names.txt", "--top", "4"]
    assert cli.main(command) == 0
    assert {row.split()[1] for row in capsys.readouterr().out.splitlines()[1:]} == {*"abcd"}
    # `convert` writes it down, and it need not be told again.
    told = ["convert", f"{tmp_path}/mine.npz", f"{tmp_path}/told.npz", "--preprocessing", "torch"]
    assert cli.main(told) == 0
    assert pretrained.load(tmp_path / "told.npz").expecting(None).preprocessing == NAMED["torch"]
