"""What is fuzzed: good files of every format, how they are changed, and what opens them."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from keras_inception import images
from keras_inception.errors import BadInput
from keras_inception.networks import FAMILY
from keras_inception.serialization import to_config
from keras_inception.spec import Network

from . import mutations
from .mutations import Change

CORPUS = Path(__file__).parent / "corpus"
TESTS = Path(__file__).parents[1] / "tests"
MADE_BEFORE = TESTS / "made_before"


@dataclass(frozen=True)
class Target:
    """A format. `seeds` gives good files, for which there is a folder; `open` opens bytes as a
    command does; `share` is how many of all files are its own."""

    seeds: Callable[[Path], list[bytes]]
    open: Callable[[bytes, Path], object]
    change: Change = mutations.of_bytes
    share: int = 10

    def attempt(self, content: bytes, scratch: Path) -> str:
        """Whether the file was opened or refused. Whatever else is raised is a fault."""
        try:
            self.open(content, scratch)
        except BadInput as error:
            # One sentence, which tells a terminal nothing.
            assert str(error).strip(), "refused without a word"
            return "refused"
        return "opened"


def made(target: Target, seeds: list[bytes], seed: int, number: int) -> bytes:
    """File `number`: the same bytes wherever they are asked for."""
    draw = Random(f"{seed} {number}")
    return target.change(draw.choice(seeds), draw)


def _at(name: str, call: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    """Opens bytes as the file of this name."""

    def attempt(content: bytes, scratch: Path):
        path = scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return call(path)

    return attempt


def _arrays() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    return {
        "conv/kernel": draw.normal(size=(3, 3, 3, 4)).astype(np.float32),
        "conv/bias": np.zeros(4, np.float16),
        "steps": np.array(7),
    }


# --- .tflite


def _tflite(scratch: Path) -> list[bytes]:
    return [(MADE_BEFORE / "run" / name).read_bytes() for name in _TFLITES]


_TFLITES = [path.name for path in sorted((MADE_BEFORE / "run").glob("*.tflite"))]


def _open_tflite(path: Path) -> None:
    from keras_inception.evaluation.classifier import open_classifier
    from keras_inception.tflite.metadata.saving import describe

    with _one_child():
        classifier = open_classifier(path)
        classifier.of_pixels(
            np.zeros((1, classifier.size, classifier.size, classifier.channels), np.uint8)
        )
        describe(path, author="somebody")


def _open_metadata(content: bytes, scratch: Path) -> None:
    from keras_inception.tflite import metadata

    metadata.read(content)


@contextlib.contextmanager
def _one_child():
    """A child for many files, started anew only when it has died: starting takes the longest."""
    from keras_inception.tflite.file import guard

    start = guard.Process

    def process(name, size, *modules):
        if not _alive or _alive[-1]._child.poll() is not None:
            _alive[:] = [start(name, size, "keras_inception.tflite.metadata.writing")]
        _alive[-1]._name = name
        return _alive[-1]

    guard.Process = process
    try:
        yield
    finally:
        guard.Process = start


_alive: list = []


# --- .keras


def _keras(scratch: Path) -> list[bytes]:
    import keras
    import tf_keras

    from keras_inception import GoogLeNet

    path, found = scratch / "seed.keras", []
    small = keras.Sequential(
        [
            keras.layers.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.SeparableConv2D(4, 3, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dense(3, "softmax"),
        ]
    )
    small.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(4, 3, padding="same", kernel_regularizer="l2")(x)
    y = keras.layers.Concatenate()([x, keras.ops.relu(y)])
    functional = keras.Model(x, keras.layers.GlobalAveragePooling2D()(y))
    inception = GoogLeNet(weights=None, classes=4, input_shape=(32, 32, 3), width=0.25)
    x = tf_keras.Input((8, 8, 3))  # of Keras 2, whose config is another
    inner = tf_keras.Sequential([tf_keras.layers.Conv2D(4, 3, input_shape=(8, 8, 3))])
    older = tf_keras.Model(x, tf_keras.layers.GlobalAveragePooling2D()(inner(x)))
    for model in (small, functional, inception, older):
        model.save(path)
        found.append(path.read_bytes())
    return found


def _open_keras(path: Path) -> None:
    from keras_inception.saving import load_model

    load_model(path)


# --- weights


def _h5(scratch: Path) -> list[bytes]:
    import h5py

    path, found = scratch / "seed.h5", []
    with h5py.File(path, "w") as file:  # the layout of Keras' first ten years
        file.attrs["layer_names"] = [b"conv"]
        group = file.create_group("conv")
        group.attrs["weight_names"] = [b"conv/kernel:0", b"conv/bias:0"]
        for name, array in (("kernel", _arrays()["conv/kernel"]), ("bias", np.zeros(4))):
            group.create_dataset(f"conv/{name}:0", data=array)
    found.append(path.read_bytes())
    with h5py.File(path, "w") as file:  # that of Keras 3
        group = file.create_group("layers/conv2d/vars")
        group.attrs["name"] = "conv"
        group.create_dataset("0", data=_arrays()["conv/kernel"], compression="gzip")
        group.create_dataset("1", data=np.zeros(4))
    found.append(path.read_bytes())
    return found


def _npz(scratch: Path) -> list[bytes]:
    plain, packed = io.BytesIO(), io.BytesIO()
    np.savez(plain, **_arrays())
    np.savez_compressed(packed, **_arrays())
    return [plain.getvalue(), packed.getvalue()]


def _pth(scratch: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((TESTS / "golden").glob("torch_*.pt*"))]


def _in_archive(content: bytes, draw: Random) -> bytes:
    """Changes inside the members of PyTorch's newer files, and anywhere in its older ones."""
    zipped = content.startswith(b"PK")
    return mutations.of_zip({})(content, draw) if zipped else mutations.of_bytes(content, draw)


def _safetensors(scratch: Path) -> list[bytes]:
    from safetensors.numpy import save

    return [save(_arrays()), save({"x": np.zeros((2, 3), np.int8)}, {"about": "nothing"})]


def _in_header(content: bytes, draw: Random) -> bytes:
    """Changes in what safetensors say of themselves, its length right again; or anywhere."""
    if draw.random() < 0.4:
        return mutations.of_bytes(content, draw)
    end = 8 + int.from_bytes(content[:8], "little")
    header = mutations.of_json(content[8:end], draw)
    return len(header).to_bytes(8, "little") + header + content[end:]


def _caffemodel(scratch: Path) -> list[bytes]:
    def field(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2]) + _varint(len(content)) + content

    def blob(shape, values) -> bytes:
        dims = b"".join(map(_varint, shape))
        return field(7, field(7, field(1, dims)) + field(5, np.asarray(values, "<f4").tobytes()))

    layer = field(1, b"conv") + field(2, b"Convolution")
    layer += blob((2, 3, 1, 1), range(6)) + blob((2,), range(2))
    net = field(1, b"net") + bytes([100 << 3 & 127 | 128 | 2, 100 >> 4]) + _varint(len(layer))
    return [net + layer]


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128, *_varint(value >> 7)])


def _open_weights(path: Path) -> None:
    from keras_inception.weights import formats

    formats.read(path)


def _open_ours(path: Path) -> None:
    from keras_inception.weights import pretrained

    pretrained.load(path)


# --- JSON


def _open_run(path: Path) -> None:
    from keras_inception.training.run import run_folder

    run = run_folder.read(path.parent)
    str(run), run.scores if run.result else None


def _open_pack(path: Path) -> None:
    from keras_inception.training.data import DataRef

    for each in (MADE_BEFORE / "pack").iterdir():
        if each.name != path.name:
            shutil.copy(each, path.parent)
    split = DataRef(f"tfrecord:{path.parent}").split()
    split.train.image(0)


def _open_beside(content: bytes, scratch: Path) -> None:
    from keras_inception.tflite.metadata import beside

    path = scratch / "beside" / "x.tflite"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    path.with_suffix(".json").write_bytes(content)
    beside.record(path, b"")


def _content_of(path: Path) -> Callable[[Path], list[bytes]]:
    return lambda scratch: [path.read_bytes()]


def _networks(scratch: Path) -> list[bytes]:
    return [json.dumps(to_config(net)).encode() for net in FAMILY.values()]


def _open_network(content: bytes, scratch: Path) -> None:
    from keras_inception import records
    from keras_inception.costs import check_input
    from keras_inception.serialization import from_config

    net = from_config(records.parse(content))
    if isinstance(net, Network):
        check_input(net)


# --- photographs


def _photograph(format: str, **options) -> Target:
    def seeds(scratch: Path) -> list[bytes]:
        draw, found = np.random.default_rng(0), []
        for mode, channels in (("RGB", 3), ("L", 1), ("RGBA", 4)):
            if mode == "RGBA" and format == "JPEG":
                continue
            shape = (24, 31) if channels == 1 else (24, 31, channels)
            image = Image.fromarray(draw.integers(0, 256, shape).astype(np.uint8))
            file = io.BytesIO()
            more = {"save_all": True, "append_images": [image]} if format in ("GIF", "TIFF") else {}
            image.save(file, format, **more, **options)
            found.append(file.getvalue())
        return found

    def open(content: bytes, scratch: Path) -> None:
        image = images.decode(content, "RGB")
        assert image.mode == "RGB" and image.width * image.height <= images.MAX_PIXELS

    return Target(seeds, open, mutations.of_png if format == "PNG" else mutations.of_bytes, share=5)


# --- words


def _labels(scratch: Path) -> list[bytes]:
    return [
        "cat\nhound dog\nécureuil\n猫\n".encode(),
        b"one\r\ntwo\r\n",
        b"0 one\n1 two\n",
        b'{"id2label": {"0": "one", "1": "two"}}',
        b'{"b": 0, "a": 1}',
    ]


def _open_labels(path: Path) -> None:
    from keras_inception import label_files

    found = label_files.read(path)
    label_files.check(found, "them")


def _table(scratch: Path) -> list[bytes]:
    rows = "".join(f"a{k}.png,{'cat' if k % 2 else 'dog'},{k % 3}\n" for k in range(6))
    return [b"file,label,other\n" + rows.encode(), b'"file","label"\n"a0.png","c,at"\n']


def _open_table(path: Path) -> None:
    from keras_inception.training.data import sources

    for k in range(6):
        if not (path.parent / f"a{k}.png").exists():
            Image.new("RGB", (4, 4), (k, k, k)).save(path.parent / f"a{k}.png")
    sources.find(f"csv:{path}")


def _records(scratch: Path) -> list[bytes]:
    from keras_inception.training.data import tfrecord

    return [tfrecord.example({"image/encoded": b"x" * 40, "image/class/label": 300})]


def _open_example(content: bytes, scratch: Path) -> None:
    from keras_inception.training.data import tfrecord

    try:
        tfrecord.features_of(content)
    except ValueError as error:  # A packed image is checked by its CRC before it is read.
        raise BadInput(str(error) or "damaged") from error


_ARCHIVE = mutations.of_zip({"config.json": mutations.of_json, "metadata.json": mutations.of_json})
TARGETS = {
    "tflite": Target(_tflite, _at("x.tflite", _open_tflite), share=4),
    "metadata": Target(_tflite, _open_metadata, share=5),
    "keras": Target(_keras, _at("x.keras", _open_keras), _ARCHIVE, share=2),
    "h5": Target(_h5, _at("x.h5", _open_weights), share=2),
    "npz": Target(_npz, _at("x.npz", _open_weights), mutations.of_zip({})),
    "our_npz": Target(
        _content_of(MADE_BEFORE / "googlenet.npz"),
        _at("ours.npz", _open_ours),
        mutations.of_zip({"keras_inception.json.npy": partial(mutations.after, 128)}),
        share=4,
    ),
    "pth": Target(_pth, _at("x.pth", _open_weights), _in_archive),
    "safetensors": Target(_safetensors, _at("x.safetensors", _open_weights), _in_header),
    "caffemodel": Target(_caffemodel, _at("x.caffemodel", _open_weights)),
    "run_json": Target(
        _content_of(MADE_BEFORE / "run" / "run.json"),
        _at("run/run.json", _open_run),
        mutations.of_json,
    ),
    "pack_json": Target(
        _content_of(MADE_BEFORE / "pack" / "pack.json"),
        _at("pack/pack.json", _open_pack),
        mutations.of_json,
        share=3,
    ),
    "pack_index": Target(
        _content_of(MADE_BEFORE / "pack" / "train.index.npz"),
        _at("pack/train.index.npz", _open_pack),
        mutations.of_zip({}),
        share=3,
    ),
    "beside_json": Target(
        _content_of(MADE_BEFORE / "run" / f"{Path(_TFLITES[0]).stem}.json"),
        _open_beside,
        mutations.of_json,
        share=3,
    ),
    "network": Target(_networks, _open_network, mutations.of_json, share=2),
    "jpeg": _photograph("JPEG", quality=80),
    "progressive": _photograph("JPEG", progressive=True),
    "png": _photograph("PNG"),
    "webp": _photograph("WEBP"),
    "avif": _photograph("AVIF", speed=10),
    "gif": _photograph("GIF"),
    "bmp": _photograph("BMP"),
    "tiff": _photograph("TIFF"),
    "tiff_lzw": _photograph("TIFF", compression="tiff_lzw"),
    "labels": Target(_labels, _at("labels.txt", _open_labels), mutations.of_text, share=5),
    "table": Target(_table, _at("t.csv", _open_table), mutations.of_text, share=5),
    "example": Target(_records, _open_example, share=3),
}
