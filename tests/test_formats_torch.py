"""PyTorch's files: tensors where they lie, and nothing executed."""

import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers.weight_files import GOLDEN, assert_same

from keras_inception.errors import BadInput
from keras_inception.weights.formats import read, torch_file

STATE = {
    "transposed": np.float32([[0, 3], [1, 4], [2, 5]]),
    "first": np.float32([0, 1, 2, 3]),
    "rest": np.float32([[4, 5, 6, 7], [8, 9, 10, 11]]),
    "half": np.float16([0.5, -2]),
    "brain": np.float32([[1.5, -3]]),
    "double": np.float64([0.1]),
    "empty": np.zeros((0, 3), np.float32),
    "steps": np.int64(7),
}


@pytest.mark.parametrize("name", ["torch_zip.pth", "torch_legacy.pth"])
def test_torch_state_dicts(name):
    assert_same(read(GOLDEN / name), STATE)


def test_the_state_dict_of_a_training_checkpoint():
    assert_same(read(GOLDEN / "torch_training.pt"), {"weight": np.float32([[0, 1], [2, 3]])})


def test_what_a_reference_script_saves_beside_the_weights_is_left_out_and_said(caplog):
    """Its arguments, an optimizer, a schedule, an accuracy of NumPy's, averaged weights."""
    with caplog.at_level("INFO"):
        found = read(GOLDEN / "torch_reference.pth")
    assert_same(found, {"weight": np.float32([[1, 1]]), "bias": np.float32([0])})
    assert "read from its entry 'model'" in caplog.text
    assert "left out: 'model_ema', further weights" in caplog.text


def torch_zip(path, content, byteorder=b"little", compression=zipfile.ZIP_STORED, numbers=b""):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("x/data.pkl", content)
        archive.writestr("x/byteorder", byteorder)
        archive.writestr("x/data/0", numbers)
    return path


def torch_legacy(path, content):
    head = (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True})
    path.write_bytes(b"".join(pickle.dumps(part, 2) for part in head) + content)
    return path


class Evil:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize("container", [torch_zip, torch_legacy])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_executes_nothing(tmp_path, monkeypatch, container, protocol):
    import os

    monkeypatch.chdir(tmp_path)
    evil = pickle.dumps({"weight": Evil(os.system, "touch sentinel")}, protocol)
    pickle.loads(evil)
    assert Path("sentinel").exists()
    Path("sentinel").unlink()
    refusal = "instruction" if protocol == 0 else rf"asks for '{os.name}\.system'"
    with pytest.raises(BadInput, match=refusal):
        read(container(tmp_path / "x.pth", evil))
    assert not Path("sentinel").exists()


@pytest.mark.parametrize(
    "name", ["builtins eval", "torch.nn.Linear", "torch.hub load", "os system"]
)
def test_globals_are_words(tmp_path, name):
    module, _, function = name.partition(" ")
    content = b"\x80\x02c" + f"{module}\n{function}\n".encode() + b"(tR."
    with pytest.raises(BadInput, match=f"asks for '{module}"):
        read(torch_zip(tmp_path / "x.pth", content))


def tensor(numel=4, offset=0, size=b"K\x04", stride=b"K\x01", key=b"0"):
    """A pickled state dict of one float32 tensor, `a`, of one dimension."""
    return (
        b"\x80\x02}X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n"
        b"((X\x07\0\0\0storagectorch\nFloatStorage\n"
        + (b"X" + struct.pack("<i", len(key)) + key)
        + (b"X\x03\0\0\0cpuK%ctQK%c%s\x85%s\x85\x89}tRs." % (numel, offset, size, stride))
    )


def test_the_hand_made_tensor_is_one(tmp_path):
    numbers = np.float32([1, 2, 3, 4])
    path = torch_zip(tmp_path / "x.pth", tensor(), numbers=numbers.tobytes())
    assert_same(read(path), {"a": numbers})


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"numel": 5}, "beyond its storage"),
        ({"offset": 1}, "beyond its storage"),
        ({"size": b"K\x05"}, "beyond its storage"),
        ({"stride": b"K\x02"}, "beyond its storage"),
        ({"stride": b"\x8a\x08\0\0\0\0\0\0\0\x40"}, "beyond its storage"),
        ({"stride": b"J\xff\xff\xff\xff"}, "a tensor of no storage or shape"),
        ({"size": b"J\xff\xff\xff\xff"}, "a tensor of no storage or shape"),
        ({"size": b"J\xff\xff\xff\x7f", "stride": b"K\0"}, "unfolds to 8589934588 bytes"),
        ({"key": b"../1"}, "KeyError"),
    ],
)
def test_tensors_lie_within_their_storage(tmp_path, changes, refusal):
    with pytest.raises(BadInput, match=refusal):
        read(torch_zip(tmp_path / "x.pth", tensor(**changes), numbers=bytes(16)))


def test_torch_containers_of_another_make_are_refused(tmp_path):
    path = tmp_path / "x.pth"
    with pytest.raises(BadInput, match="big-endian"):
        read(torch_zip(path, tensor(), byteorder=b"big", numbers=bytes(16)))
    with pytest.raises(BadInput, match="compressed"):
        read(torch_zip(path, tensor(), compression=zipfile.ZIP_DEFLATED, numbers=bytes(10**6)))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("classes.dex", b"")
    with pytest.raises(BadInput, match=r"no data\.pkl"):
        read(path)
    with pytest.raises(BadInput, match="holds no state dict"):
        read(torch_zip(path, pickle.dumps([1, 2], 2)))
    with pytest.raises(BadInput, match="entry 'epoch' is no tensor"):
        read(torch_zip(path, pickle.dumps({"epoch": 1}, 2)))
    path.write_bytes(pickle.dumps({"a": 1}, 2) * 3)
    with pytest.raises(BadInput, match=r"not of torch\.save's"):
        read(path)


def test_a_tuple_of_tuples_is_not_hashed(tmp_path):
    """Its hash would take 2 ** 60 steps."""
    nested = b"K\x01" + b"q\x00h\x00\x86" * 60
    with pytest.raises(BadInput, match="entries without a name"):
        read(torch_zip(tmp_path / "x.pth", b"\x80\x02}" + nested + b"K\x01s."))


def test_a_small_file_takes_little_memory(tmp_path):
    """Python's unpickler in C takes 268 MB for the first; the second would be 2,000 large dicts."""
    items = b"]q\0(" + b"".join(b"M%sN\x86" % struct.pack("<H", n) for n in range(2000)) + b"e"
    bombs = {
        "memo": b"\x80\x02}r\0\0\0\x01.",
        "dicts": b"\x80\x02(" + items + b"ccollections\nOrderedDict\nq\1h\0\x85R" * 2000 + b"t.",
    }
    for name, bomb in bombs.items():
        path = torch_zip(tmp_path / f"{name}.pth", bomb)
        tracemalloc.start()
        with pytest.raises(BadInput):
            read(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2e6, name


def test_what_a_file_sets_leaves_no_trace(tmp_path):
    """In Python's own unpickler, the last instruction sets an attribute of the function."""
    before = {name: dict(vars(torch_file)[name].__dict__) for name in ("_tensor", "_ordered_dict")}
    for name in ("torch._utils\n_rebuild_tensor_v2", "collections\nOrderedDict"):
        content = b"\x80\x02c" + name.encode() + b"\n}X\4\0\0\0evilK\1sb."
        with pytest.raises(BadInput, match="holds no state dict"):
            read(torch_zip(tmp_path / "x.pth", content))
    assert before == {name: vars(torch_file)[name].__dict__ for name in before}
