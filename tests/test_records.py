"""JSON that others wrote is a value of the right types, or one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest

from keras_inception import cli, records
from keras_inception.errors import BadInput
from keras_inception.networks import FAMILY
from keras_inception.preprocess import Preprocessing
from keras_inception.serialization import from_config, to_config
from keras_inception.training.data.sources import packed
from keras_inception.training.run import run_folder
from keras_inception.weights import pretrained


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b'{"a": 1,}', "no JSON"),
        (b"[" * 100_000, "nested more than 64 deep"),
        (b"[" * 65 + b"]" * 65, "nested more than 64 deep"),
        (b"1" + b"0" * 400, "an integer of 1329 bits"),
        (b"1" + b"0" * 5000, "no JSON"),
        (b" " * 200, "more than 100 bytes"),
    ],
)
def test_what_is_no_plain_json_is_refused(content, why):
    with pytest.raises(BadInput, match=why):
        records.parse(content, largest=100 if content.isspace() else records.LARGEST)


def test_only_files_are_read(tmp_path):
    with pytest.raises(BadInput, match="no file"):
        records.read(tmp_path)
    (tmp_path / "zeros").symlink_to("/dev/zero")
    with pytest.raises(BadInput, match="no file"):
        records.read(tmp_path / "zeros")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (5, "Expected `object`, got `int`"),
        ({"mean": "x"}, r"got `str` - at `\$.mean`"),
        ({"mean": [1, "x", 3]}, r"got `str` - at `\$.mean\[1\]`"),
        ({"mean": True}, "got `bool`"),
        ({"mean": float("nan")}, "not finite"),
        ({"std": float("inf")}, "not finite"),
        ({"std": -1}, "std must be above 0"),
        ({"mean": 10**400}, "not finite"),
        ({"means": 1}, "Preprocessing has no 'means'"),
    ],
)
def test_a_field_of_another_type_is_named(value, why):
    with pytest.raises(BadInput, match=why):
        records.convert(value, Preprocessing)


MADE_BEFORE = Path(__file__).parent / "made_before"


def changed(config, **fields):
    """Networks of which one convolution has other fields."""
    return json.loads(json.dumps(config)) | {"rows": [config["rows"][0] | fields]}


@pytest.mark.parametrize(
    "fields",
    [
        {"filters": "64"},
        {"filters": -1},
        {"filters": 10**12},
        {"filters": 1.5},
        {"filters": True},
        {"kernel": [7, 7, 7]},
        {"kernel": None},
        {"padding": 5},
        {"name": "../../x"},
        {"name": ""},
        {"name": "conv\n1"},
    ],
)
def test_a_network_has_fields_of_the_types_of_its_table(fields):
    config = to_config(FAMILY["googlenet"])
    assert from_config(changed(config)).rows == FAMILY["googlenet"].rows[:1]
    with pytest.raises(BadInput, match=r"of Conv must be|not the name of a layer"):
        from_config(changed(config, **fields))


RECORDS = [
    b"5",
    b"null",
    b"\xff\x00",
    b"[" * 100_000,
    {"network": 5},
    {"network": {"word": "BatchNorm"}},
    {"network": {"word": "Network", "name": "x", "rows": [], "top": []}},
    {"recipe": 5},
    {"recipe": {"data": "digits", "epochs": "x"}},
    {"preprocessing": {"mean": float("nan")}},
    {"classes": "abc"},
    {"classes": [1, 2]},
    {"classes": ["one"]},
    {"result": []},
]


@pytest.mark.parametrize("change", RECORDS, ids=lambda change: str(change)[:40])
def test_a_damaged_record_of_a_run_is_one_sentence(change, tmp_path, capsys):
    whole = json.loads((MADE_BEFORE / "run" / "run.json").read_bytes())
    text = change if isinstance(change, bytes) else json.dumps(whole | change).encode()
    (tmp_path / "run.json").write_bytes(text)
    with pytest.raises(BadInput, match=r"run\.json is damaged \(.+\); train again, or restore it"):
        run_folder.read(tmp_path)
    assert cli.main(["report", str(tmp_path)]) == 2
    assert "run.json is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        b"x",
        {"network": 5},
        {"network": to_config(FAMILY["googlenet"]) | {"classes": 10**12}},
        {"network": to_config(FAMILY["googlenet"]) | {"classes": -1}},
        {"network": to_config(FAMILY["googlenet"]) | {"classes": 11}},
        {"network": to_config(FAMILY["googlenet"]) | {"name": "../../x"}},
        {"preprocessing": {"mean": float("nan")}},
        {"preprocessing": {"mean": [1, 2, 3, 4, "x"]}},
        {},
    ],
    ids=lambda change: str(change)[-60:],
)
def test_weights_of_ours_with_a_bad_record_are_one_sentence(change, tmp_path, capsys):
    record = {"network": to_config(FAMILY["googlenet"]), "preprocessing": {}}
    text = change if isinstance(change, bytes) else json.dumps(record | change).encode()
    arrays = {"predictions/bias": np.zeros(10, np.float32)}
    np.savez(tmp_path / "w.npz", **arrays, **{pretrained.RECORD: np.frombuffer(text, np.uint8)})
    assert cli.main(["convert", str(tmp_path / "w.npz"), str(tmp_path / "out.npz")]) == 2
    assert not (tmp_path / "out.npz").exists()
    (said,) = capsys.readouterr().err.strip().splitlines()
    assert said.startswith("keras-inception: ")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_named(value, tmp_path):
    found = pretrained.load(MADE_BEFORE / "googlenet.npz")
    key = next(iter(found.arrays))
    found.arrays[key].flat[0] = value
    pretrained.save(found, tmp_path / "w.npz")
    with pytest.raises(BadInput, match=f"{key} holds NaN or infinity"):
        pretrained.load(tmp_path / "w.npz")


@pytest.mark.parametrize(
    "change",
    [{"channels": 4}, {"channels": "3"}, {"shards": {"train": "x"}}, {"classes": 5}, {"seed": 0.5}],
    ids=str,
)
def test_a_damaged_record_of_a_pack_is_one_sentence(change, tmp_path):
    plan = {
        "source": "digits",
        "holdout": 0.2,
        "seed": 0,
        "fingerprint": "f",
        "classes": ["a", "b"],
        "channels": 1,
        "images": {"train": 1, "test": 1},
        "shards": {"train": 1, "test": 1},
    }
    (tmp_path / "pack.json").write_text(json.dumps(plan | change))
    with pytest.raises(BadInput, match=r"the packed set in .* is damaged \(Expected|Invalid"):
        packed.read(tmp_path)
