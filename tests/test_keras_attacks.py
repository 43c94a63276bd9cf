"""The published attacks on `.keras` files: none does here what it was found to do.

Each would make a file, or read one. What they have in common with the real ones is the place in
the config or in the archive; what they run is harmless.
"""

import base64
import contextlib
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from helpers.keras_files import config_of, layer, member, rewritten, small
from keras.src.utils.python_utils import func_dump

import keras_inception as ki
from keras_inception.errors import BadInput
from keras_inception.evaluation.classifier import open_classifier


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return small(tmp_path_factory.mktemp("saved") / "small.keras")


@pytest.fixture
def made(tmp_path):
    """The file that an attack would make."""
    path = tmp_path / "made"
    yield path
    assert not path.exists()


class Touching:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return Path.touch, (Path(self.path),)


def function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def of_keras(name, **config):
    config = {"name": "conv", **config}
    return {"module": "keras.layers", "class_name": name, "config": config, "registered_name": None}


def code_of(made):
    """A function of Python's that makes the file, as Keras writes lambdas down."""
    touch = eval(f"lambda x: (open({str(made)!r}, 'w'), x)[1]")  # its code holds the path
    dumped = dict(zip(("code", "defaults", "closure"), func_dump(touch), strict=True))
    return {"class_name": "__lambda__", "config": {**dumped, "value": dumped}}


def foreign_module(made):
    """Any module of Python's that is installed is imported, and its function called."""
    return {"module": "pathlib", "class_name": "Path.touch", "config": {"self": str(made)}}


def download_by_lambda(made):
    origin = Path(made.parent, "origin")
    origin.write_text("x", encoding="utf-8")
    get_file = function("keras.utils", "get_file")
    said = {"origin": origin.as_uri(), "cache_dir": str(made.parent), "cache_subdir": "."}
    return of_keras("Lambda", function=get_file, arguments={"fname": made.name, **said})


def safe_mode_switched_off(made):
    switch = function("keras.config", "enable_unsafe_deserialization")
    return of_keras("Lambda", function=switch, arguments={"then": code_of(made)})


def archive_that_leads_out(made):
    with tarfile.open(made.parent / "x.tar", "w") as archive:
        archive.add(__file__, f"../{made.name}")
    get_file = function("keras.utils", "get_file")
    said = {"origin": (made.parent / "x.tar").as_uri(), "extract": True}
    return of_keras("Lambda", function=get_file, arguments={"fname": "x", **said})


def vocabulary_of_a_file(made):
    return of_keras("StringLookup", vocabulary="/etc/hostname")


def pickled_module(made):
    pickled = base64.b64encode(pickle.dumps(Touching(made))).decode("ascii")
    return of_keras("TorchModuleWrapper", module=pickled)


def saved_model(made):
    return of_keras("TFSMLayer", filepath=str(made.parent), call_endpoint="serve")


def plain_lambda(made):
    return of_keras("Lambda", function=code_of(made))


CONFIGS = {
    "CVE-2025-1550": foreign_module,
    "CVE-2025-8747": download_by_lambda,
    "CVE-2025-9906": safe_mode_switched_off,
    "CVE-2025-12058": vocabulary_of_a_file,
    "CVE-2025-12060": archive_that_leads_out,
    "CVE-2025-49655": pickled_module,
    "CVE-2026-1462": saved_model,
    "CVE-2026-12481": plain_lambda,
}


@pytest.mark.parametrize("number", CONFIGS)
@pytest.mark.parametrize("place", ["layer", "argument", "activation", "nested"])
def test_an_attack_by_the_config_is_refused_by_name(file, tmp_path, made, number, place):
    config, attack = config_of(file), CONFIGS[number](made)
    conv = layer(config, "conv")
    if place == "layer":
        conv |= attack
    elif place == "argument":
        layer(config, "Multiply")["inbound_nodes"][0]["kwargs"]["x2"] = attack
    elif place == "activation":
        conv["config"]["activation"] = attack
    else:
        layer(config, "head")["config"]["layers"].append({**attack, "name": "more"})
    path = rewritten(file, tmp_path / "attack.keras", config)
    for opened in (ki.load_model, open_classifier):
        with pytest.raises(BadInput, match=f"asks for .*{attack['class_name']}"):
            opened(path)


def test_the_attack_by_a_lambda_is_one(tmp_path):
    """Keras runs it where it is told to: the tests above and below would otherwise say little."""
    config = config_of(small(tmp_path / "small.keras"))
    layer(config, "conv").update(plain_lambda(tmp_path / "made"), name="conv")
    path = rewritten(tmp_path / "small.keras", tmp_path / "attack.keras", config)
    with contextlib.suppress(Exception):
        keras.saving.load_model(path, safe_mode=False)
    assert (tmp_path / "made").exists()


def test_cve_2025_9905_a_model_in_the_old_format_runs_no_lambda(tmp_path, made):
    """Its safe mode is none."""
    touch = eval(f"lambda x: (open({str(made)!r}, 'w'), x)[1]")
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Lambda(touch)])
    made.unlink()
    model.save(tmp_path / "old.h5")
    shutil.copy(tmp_path / "old.h5", tmp_path / "old.keras")
    for path in (tmp_path / "old.keras", tmp_path / "old.h5"):
        for opened in (ki.load_model, open_classifier):
            with pytest.raises(BadInput):
                opened(path)


def weights_of(file, tmp_path, change):
    """The file with its weights changed by hand: `change` is given the group of the layer."""
    path = tmp_path / "w.h5"
    path.write_bytes(member(file, "model.weights.h5"))
    with h5py.File(path, "a") as weights:
        group = weights["layers/conv2d/vars"]
        del group["0"]
        change(group)
    return rewritten(file, tmp_path / "attack.keras", weights=path.read_bytes())


def shape_bomb(group, secret):
    group.create_dataset("0", (1 << 40,), "f4", chunks=(1 << 10,), compression="gzip")


def external_storage(group, secret):
    group.create_dataset("0", (3, 3, 3, 4), "u1", external=[(str(secret), 0, 108)])


def external_link(group, secret):
    group["0"] = h5py.ExternalLink(str(secret.with_suffix(".h5")), "/secret")


def virtual_dataset(group, secret):
    layout = h5py.VirtualLayout((3, 3, 3, 4), "f4")
    layout[:] = h5py.VirtualSource(str(secret.with_suffix(".h5")), "secret", (3, 3, 3, 4))
    group.create_virtual_dataset("0", layout)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(shape_bomb, "unfolds to", id="CVE-2026-0897"),
        pytest.param(external_storage, "lies in another file", id="CVE-2026-1669"),
        pytest.param(external_link, "has a link at", id="CVE-2026-1669-link"),
        pytest.param(virtual_dataset, "lies in another file", id="GHSA-virtual"),
    ],
)
def test_weights_are_of_their_file_alone(file, tmp_path, change, reason):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(108)))
    with h5py.File(tmp_path / "secret.h5", "w") as other:
        other["secret"] = np.ones((3, 3, 3, 4), np.float32)
    path = weights_of(file, tmp_path, lambda group: change(group, secret))
    with pytest.raises(BadInput, match=reason):
        ki.load_model(path)
    weights = tmp_path / "x.weights.h5"
    weights.write_bytes(member(path, "model.weights.h5"))
    with pytest.raises(BadInput, match=reason):
        ki.GoogLeNet(weights=weights, width=0.25)


def test_names_in_the_archive_lead_nowhere(file, tmp_path, made):
    """GHSA-hqp4-2352-xf5r and others: what is unpacked is never written under its own name."""
    path = tmp_path / "attack.keras"
    shutil.copy(file, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"assets/../../{made.name}", "x")
        archive.writestr(str(made), "x")
    before = {*tmp_path.parent.rglob("*")}
    assert ki.load_model(path).count_params()
    assert {*tmp_path.parent.rglob("*")} == before
