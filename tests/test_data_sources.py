"""Every kind of source gives the images, labels and split that it says it has."""

import importlib.util
import sys
import types

import numpy as np
import pytest
from helpers.photos import encoded, photo
from PIL import Image

from keras_inception.errors import BadInput
from keras_inception.training import data
from keras_inception.training.data import headers
from keras_inception.training.data.sources import arrays


def write(path, seed=0, kind="PNG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(photo(seed), kind))
    return path


def names(examples):
    return [examples.name(i).rsplit("/", 1)[-1] for i in range(len(examples))]


@pytest.fixture
def table(tmp_path):
    """A CSV file of six images of two classes; gives what writes its text."""
    for k in range(6):
        write(tmp_path / "images" / f"{k}.png", k)

    def written(*lines):
        (tmp_path / "set.csv").write_text("\n".join(lines) + "\n", "utf-8")
        return f"csv:{tmp_path / 'set.csv'}"

    return written


def test_a_table_names_files_and_classes_in_its_first_columns(table):
    split = data.DataRef(
        table("which,what", *(f"images/{k}.png,{'ab'[k % 2]}" for k in range(6))), validation=0
    ).split()
    assert split.train.classes == ("a", "b")
    assert len(split.train) == 4 and np.bincount(split.test.labels).tolist() == [1, 1]
    i = names(split.train).index("2.png") if "2.png" in names(split.train) else 0
    number = int(names(split.train)[i][0])
    np.testing.assert_array_equal(split.train.image(i), photo(number))
    assert split.train.labels[i] == number % 2


def test_a_tables_columns_may_be_named_and_may_split(table):
    rows = [f"{k % 2},x,{['train', 'val', 'Test'][k // 2]},images/{k}.png" for k in range(6)]
    split = data.DataRef(table("label,other,split,path", *rows)).split()
    assert names(split.train) == ["0.png", "1.png"] and split.train.labels.tolist() == [0, 1]
    assert names(split.validation) == ["2.png", "3.png"]
    assert names(split.test) == ["4.png", "5.png"]
    rows = [row.replace(",val,", ",train,") for row in rows]
    split = data.DataRef(table("label,other,split,path", *rows)).split()
    assert names(split.test) == ["4.png", "5.png"]
    assert len(split.train) == len(split.validation) == 2


def test_of_two_parts_the_second_is_the_test_part_whatever_it_is_called(table):
    for called in ("val", "test"):
        rows = [f"images/{k}.png,{k % 2},{'train' if k < 4 else called}" for k in range(6)]
        split = data.DataRef(table("path,label,split", *rows)).split()
        assert names(split.test) == ["4.png", "5.png"] and split.test.part == "test"
        assert sorted(names(split.train) + names(split.validation)) == [
            f"{k}.png" for k in range(4)
        ]


def test_a_tables_labels_decide_its_fingerprint(table):
    rows = [f"images/{k}.png,{k % 2}" for k in range(6)]
    before = data.DataRef(table("path,label", *rows)).split().train.fingerprint
    assert data.DataRef(table("path,label", *rows)).split().train.fingerprint == before
    rows[0], rows[1] = "images/0.png,1", "images/1.png,0"
    assert data.DataRef(table("path,label", *rows)).split().train.fingerprint != before


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["path,label", "images/0.png,0", "images/1.png,-1"], "label '-1' is out of range"),
        (["path,label", "images/0.png,0", "images/1.png,7"], "'7' is out of range.* 0 to 1"),
        (["path,label", "images/0.png,a", "images/9.png,b"], "line 3 .*no file 'images/9.png'"),
        (["path,label", "images/0.png,a", "images/1.png,"], "label '' is out of range"),
        (["path,label,split", "images/0.png,a,train"], "others validation or test"),
        (["path,label", "images/0.png,a"], "at least two classes"),
        (["path"], "must name its columns"),
    ],
)
def test_tables_that_cannot_be_used_get_one_sentence(table, lines, words):
    with pytest.raises(BadInput, match=words):
        data.DataRef(table(*lines)).split()
    with pytest.raises(BadInput, match="cannot be read as a table"):
        data.DataRef("csv:/no/such/file.csv").split()


@pytest.fixture
def imagenet(tmp_path):
    """Three classes in ImageNet's layout, without its val."""
    for number, wnid in enumerate(["n01440764", "n01443537", "n01484850"]):
        for k in range(2):
            write(tmp_path / "train" / wnid / f"{wnid}_{k}.JPEG", 10 * number + k, "JPEG")
    return tmp_path


def test_imagenets_layout_with_class_folders(imagenet):
    write(imagenet / "val" / "n01443537" / "v.JPEG", 50, "JPEG")
    split = data.DataRef(f"imagenet:{imagenet}", validation=0).split()
    assert split.train.classes == ("n01440764", "n01443537", "n01484850")
    assert split.train.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert names(split.test) == ["v.JPEG"] and split.test.labels.tolist() == [1]
    write(imagenet / "test" / "n01440764" / "t.JPEG", 52, "JPEG")
    split = data.DataRef(f"imagenet:{imagenet}").split()
    assert names(split.validation) == ["v.JPEG"] and names(split.test) == ["t.JPEG"]
    write(imagenet / "val" / "n99999999" / "v.JPEG", 51, "JPEG")
    with pytest.raises(
        BadInput, match="n99999999 is a class that the images to train on do not have"
    ):
        data.DataRef(f"imagenet:{imagenet}").split()


@pytest.mark.parametrize("place", ["val.txt", "val/val.txt"])
def test_imagenets_layout_with_a_list(imagenet, place):
    for k in range(2):
        write(imagenet / "val" / f"{k}.JPEG", 50 + k, "JPEG")
    (imagenet / place).write_text("0.JPEG 2\n1.JPEG n01443537\n")
    split = data.DataRef(f"imagenet:{imagenet}").split()
    assert names(split.test) == ["0.JPEG", "1.JPEG"] and split.test.labels.tolist() == [2, 1]


def test_imagenet_without_images_to_evaluate_on_gets_one_sentence(imagenet):
    with pytest.raises(BadInput, match="must hold the images to evaluate on"):
        data.DataRef(f"imagenet:{imagenet}").split()


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar100"])
def test_keras_sets_have_all_their_classes(name, monkeypatch):
    import keras

    grey, count = "mnist" in name, 100 if name == "cifar100" else 10
    images = np.random.default_rng(0).integers(
        0, 256, (6, 8, 8) if grey else (6, 8, 8, 3), np.uint8
    )
    labels = np.arange(6, dtype=np.uint8).reshape((6,) if grey else (6, 1))
    both = ((images[:4], labels[:4]), (images[4:], labels[4:]))
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", lambda: both)
    split = data.DataRef(f"keras:{name}").split()
    assert len(split.train.classes) == count == len(set(split.train.classes))
    assert split.train.channels == (1 if grey else 3) and split.test.labels.tolist() == [4, 5]
    np.testing.assert_array_equal(split.test.image(1), images[5])
    assert list(arrays._CIFAR100) == sorted(arrays._CIFAR100)


def test_other_keras_sets_are_refused():
    with pytest.raises(
        BadInput, match=r"one of mnist, fashion_mnist, cifar10, cifar100; got 'imdb'"
    ):
        data.DataRef("keras:imdb").split()


@pytest.mark.skipif(bool(importlib.util.find_spec("tensorflow_datasets")), reason="is installed")
def test_without_tensorflow_datasets_its_installation_is_named():
    with pytest.raises(BadInput, match="`pip install tensorflow_datasets` installs it"):
        data.DataRef("tfds:mnist").split()


def test_tensorflow_datasets_are_read_and_never_downloaded(tmp_path, monkeypatch):
    """A stand-in for the library: what is called, and with which arguments."""
    files = {"train": [encoded(photo(k)) for k in range(4)], "test": [encoded(photo(9))]}
    label = types.SimpleNamespace(names=["x", "y"])
    image = types.SimpleNamespace(shape=(None, None, 3))
    info = types.SimpleNamespace(
        supervised_keys=("image", "label"),
        splits=files,
        features={"image": image, "label": label},
    )

    def as_dataset(split, shuffle_files, decoders):
        assert not shuffle_files and decoders == {"image": "bytes"}
        return [{"image": f, "label": k % 2} for k, f in enumerate(files[split])]

    builder = types.SimpleNamespace(
        name="mini", data_dir=str(tmp_path / "mini"), info=info, as_dataset=as_dataset
    )
    library = types.ModuleType("tensorflow_datasets")
    library.builder = lambda name: builder
    library.as_numpy = lambda dataset: dataset
    library.decode = types.SimpleNamespace(SkipDecoding=lambda: "bytes")
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", library)
    with pytest.raises(BadInput, match=r"not prepared in .*`tfds build mini:1.0.0`"):
        data.DataRef("tfds:mini:1.0.0").split()
    (tmp_path / "mini").mkdir()
    split = data.DataRef("tfds:mini:1.0.0", validation=0).split()
    assert split.train.labels.tolist() == [0, 1, 0, 1] and len(split.test) == 1
    np.testing.assert_array_equal(split.train.image(2), photo(2))


def test_images_of_several_parts_are_tested_on_only(table, tmp_path, caplog):
    write(tmp_path / "images" / "copy.png", 4)
    rows = [f"images/{k}.png,{k % 2},{'train' if k < 4 else 'test'}" for k in range(6)]
    rows += ["images/copy.png,0,train", "images/copy.png,0,val", "images/0.png,0,val"]
    split = data.DataRef(table("path,label,split", *rows)).split()
    assert names(split.train) == ["1.png", "2.png", "3.png"]
    assert names(split.validation) == ["0.png"] and names(split.test) == ["4.png", "5.png"]
    assert "1 of 5 images to train on are there to test on as well" in caplog.text
    assert "1 of 2 images for validation are there to test on as well" in caplog.text
    assert "1 of 4 images to train on are there for validation as well" in caplog.text
    assert "copy.png" in caplog.text


def test_large_files_are_told_apart_by_all_of_their_content(tmp_path):
    """Both ends and the sizes are equal; only then are large files read whole."""
    whole = encoded(photo(size=(300, 300)))
    assert len(whole) > 2 * headers.END
    other = bytearray(whole)
    other[len(whole) // 2] ^= 1
    for name, content in (("a", whole), ("b", bytes(other)), ("c", whole)):
        (tmp_path / name).write_bytes(content)
    a, b, c = (one.digest for one in headers.look_at([tmp_path / name for name in "abc"]))
    assert a == c != b


def test_whole_images_are_not_decoded_before_the_training(tmp_path, monkeypatch):
    for label in "ab":
        for k in range(3):
            write(tmp_path / label / f"{k}.jpg", k + 9 * ord(label), "JPEG")

    def decoded(self):
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", decoded)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    assert len(data.DataRef(f"folder:{tmp_path}").split().train) == 2


def test_names_in_any_script_and_circular_links(tmp_path, caplog):
    for label in ("猫", "собака"):
        for k in range(2):
            write(tmp_path / label / "día" / f"ñ {k}.png", k + len(label))
    (tmp_path / "猫" / "again").symlink_to(tmp_path / "猫")
    (tmp_path / "猫" / "self").symlink_to(tmp_path / "猫" / "self")
    split = data.DataRef(f"folder:{tmp_path}").split()
    assert split.train.classes == ("собака", "猫")
    assert len(split.train) + len(split.test) == 4
    # Two of a class leave one to train on, and none for validation.
    assert split.validation is split.test and split.test.part == "held-out"
    assert "symlink loop" in caplog.text
