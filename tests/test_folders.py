"""Folders and tables as people have them: all that is in them is used, or counted and named."""

import os

import numpy as np
import pytest
from helpers.photos import encoded, photo, two_classes

from keras_inception import cli, images
from keras_inception.errors import BadInput
from keras_inception.training import data
from keras_inception.training.data.examples import PARTS
from keras_inception.training.data.labelled import labelled
from keras_inception.training.data.packing import pack
from keras_inception.training.data.report import TORN, check
from keras_inception.training.data.sources.part_names import part_of
from keras_inception.training.recipes.recipe import recipe_for


@pytest.fixture
def folder(tmp_path):
    return two_classes(tmp_path / "set")


def write(path, seed=0, kind="PNG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(photo(seed), kind))


def names(examples):
    return sorted(os.path.basename(examples.name(i)) for i in range(len(examples)))


def sizes(split):
    return [len(split.train), len(split.validation), len(split.test)]


# --- what is no data, and what cannot be read


def test_what_systems_leave_behind_is_no_data_at_any_depth_and_counted_once(folder, caplog):
    whole = sizes(data.DataRef(f"folder:{folder}").split())
    left = ["__MACOSX/cats/1.jpg", "@eaDir/1.jpg", ".cache/1.jpg", "cats/.ipynb_checkpoints/1.png"]
    left += ["cats/._0.jpg", "cats/Thumbs.db", "dogs/deep/@eaDir/1.jpg", "dogs/deep/.hidden.png"]
    left += ["dogs/#recycle/2.png", "dogs/desktop.ini", "dogs/0.jpg~", "$RECYCLE.BIN/a/1.jpg"]
    for number, name in enumerate(left):
        write(folder / name, 100 + number)
    report = check(data.DataRef(f"folder:{folder}"))
    assert report.sizes[""] == {"cats": 4, "dogs": 4} and not report.wrong
    assert list(report.notices) == [images.HIDDEN] and len(report.notices[images.HIDDEN]) == 12
    assert sizes(data.DataRef(f"folder:{folder}").split()) == whole
    assert caplog.text.count(f"{images.HIDDEN}: 12: {folder}") == 1
    caplog.clear()
    assert len(images.photographs(folder)) == 8
    assert caplog.text.count(f"{images.HIDDEN}: 12: {folder}") == 1


def test_what_is_no_photograph_is_counted_and_named_by_its_ending(folder, caplog):
    (folder / "cats" / "raw.CR2").write_bytes(encoded(photo(70), "TIFF"))  # As cameras do.
    for name in ("cats/drawing.svg", "cats/notes.txt", "dogs/more.txt", "readme.txt"):
        (folder / name).write_text("<svg/>")
    write(folder / "loose.png", 71)
    split = data.DataRef(f"folder:{folder}").split()
    assert sum(sizes(split)) == 8
    for words in (
        "no photographs that can be read (.cr2), and left out: 1: ",
        "no photographs that can be read (.svg), and left out: 1: ",
        "no photographs that can be read (.txt), and left out: 3: ",
        f"in no class's folder, and left out: 1: {folder / 'loose.png'}",
    ):
        assert words in caplog.text
    assert str(folder / "cats" / "raw.CR2") in str(check(data.DataRef(f"folder:{folder}")))
    caplog.clear()
    images.photographs(folder)  # Calibration, golden vectors, evaluation.
    assert "(.txt), and left out: 3: " in caplog.text


def test_photographs_are_told_by_content_whatever_they_are_called(folder):
    for number, name in enumerate(("noending", "a.jpg_large", "b.jpg?w=640", "c.image.1")):
        write(folder / "cats" / name, 80 + number, "JPEG")
    (folder / "cats" / "phone").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(90))
    report = check(data.DataRef(f"folder:{folder}"))
    assert report.images == 13 and not report.notices
    ((unread,),) = report.wrong.values()
    assert unread.startswith(f"{folder / 'cats' / 'phone'}: HEIC")


def test_an_evaluation_counts_and_names_what_it_leaves_out(folder, caplog):
    (folder / "cats" / "empty.jpg").write_bytes(b"")
    (folder / "cats" / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(90))
    (folder / "dogs" / "raw.nef").write_bytes(encoded(photo(70), "TIFF"))
    write(folder / "loose.png", 71)
    assert len(labelled(folder)) == 8
    for words in ("empty.jpg: zero bytes", "phone.HEIC: HEIC", "(.nef), and left out: 1: "):
        assert words in caplog.text
    assert f"in no class's folder, and left out: 1: {folder / 'loose.png'}" in caplog.text
    assert "2 of 10 images could not be read and are left out" in caplog.text
    flat = folder / "cats"
    with pytest.raises(BadInput, match="in no sub-folders, which would say their classes"):
        labelled(flat)


def test_a_training_says_that_one_image_has_several_classes(folder, caplog):
    (folder / "dogs" / "cat.png").write_bytes((folder / "cats" / "1.png").read_bytes())
    data.DataRef(f"folder:{folder}").split()
    names = f"{folder / 'cats' / '1.png'} = {folder / 'dogs' / 'cat.png'}"
    assert f"the same image in several classes: 1: {names}" in caplog.text


# --- parts


@pytest.mark.parametrize(
    "called",
    [
        "Training Testing",
        "train dev",
        "train_data test_data",
        "TRAIN-Set TEST-Set",
        "Trainingsdaten Testdaten",
        "entraînement test",
        "entrenamiento prueba",
        "обучающая тестовая",
        "训练集 测试集",
        "学習用データ テスト",
        "훈련 검증",
        "x_train x_test",
        "train2 Test_2",
    ],
)
def test_folders_that_are_called_as_parts_are_the_parts(called, tmp_path):
    train, test = called.split()
    for number, part in enumerate((train, test)):
        for label in "ab":
            for k in range(3):
                write(tmp_path / part / label / f"{number}{k}.png", ord(label) + 20 * number + k)
    split = data.DataRef(f"folder:{tmp_path}", validation=0).split()
    assert split.train.classes == ("a", "b")
    assert names(split.train) == sorted(["00.png", "01.png", "02.png"] * 2)
    assert names(split.test) == sorted(["10.png", "11.png", "12.png"] * 2)
    report = check(data.DataRef(f"folder:{tmp_path}"))
    assert len(report.notices["taken for the parts of a split, not for classes"]) == 2


def test_of_three_parts_each_is_what_it_is_called_around_the_classes_or_inside(tmp_path):
    for number, part in enumerate(("training", "valid", "holdout")):
        for label in "ab":
            write(tmp_path / "around" / part / label / f"{number}.png", ord(label) + number)
            write(tmp_path / "inside" / label / part / f"{number}.png", ord(label) + number)
    write(tmp_path / "inside" / "a" / "loose.png")
    for place in ("around", "inside"):
        split = data.DataRef(f"folder:{tmp_path / place}").split()
        assert split.train.classes == ("a", "b")
        assert [names(getattr(split, part))[:1] for part in PARTS] == [
            ["0.png"],
            ["1.png"],
            ["2.png"],
        ]
    report = check(data.DataRef(f"folder:{tmp_path / 'inside'}"))
    assert [*report.notices["in no class's folder, and left out"]] == [
        str(tmp_path / "inside" / "a" / "loose.png")
    ]


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ("train/a train/b test/a test/b labels/a", "train are called as .*labels not"),
        ("fold1/a fold2/a fold3/b", "fold1, fold2, fold3.*csv:FILE"),
        ("split_1/a split_2/a", "split_1, split_2.*csv:FILE"),
        ("train/a train/b train2/a test/a", "not one is to train on"),
        ("val/a test/a", "not one is to train on"),
        ("train test", "has not a sub-folder for each of at least two classes"),
        ("a/train a/test b/x", "has no parts of a split inside, as other classes"),
        ("all/a all/b", "it has 1, .*all: if the classes are in it, give that"),
    ],
)
def test_folders_that_may_be_parts_and_cannot_be_read_so_get_one_sentence(folders, words, tmp_path):
    for number, name in enumerate(folders.split()):
        write(tmp_path / name / f"{number}.png", number)
    with pytest.raises(BadInput, match=words):
        data.DataRef(f"folder:{tmp_path}").split()


def test_classes_may_be_called_as_a_part_is_which_is_said(tmp_path, caplog):
    for number, label in enumerate(("bus", "tram", "train")):
        for k in range(2):
            write(tmp_path / label / f"{k}.png", 2 * number + k)
    assert data.DataRef(f"folder:{tmp_path}").split().train.classes == ("bus", "train", "tram")
    assert "called as a part of a split is, and taken for a class: 1: train" in caplog.text


def test_names_that_are_of_nothing_else_are_no_parts():
    words = "cats trainers testament device contest latest valley evaluator 1 set2 split data ''"
    assert [word for word in words.split() if part_of(word)] == []
    part_of("dataset" * 36 + "!")  # In no time.


# --- tables


@pytest.fixture
def rows(tmp_path):
    """(path, label) of six images in `tmp_path`."""
    for k in range(6):
        write(tmp_path / "i" / f"{k}.png", k)
    return [(f"i/{k}.png", "ab"[k % 2]) for k in range(6)]


def lines(rows, header="path,label", sign=","):
    return "\n".join([*([header] if header else []), *(sign.join(row) for row in rows), ""])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lambda rows: lines(rows, ""), "no line that names its columns"),
        (lambda rows: lines([(b, a) for a, b in rows], ""), "paths are in column '2'"),
        (lambda rows: lines(rows, "path;label", ";"), "separated by semicolons"),
        (lambda rows: lines(rows, "path\tlabel", "\t"), "separated by tabs"),
        (lambda rows: lines(rows, "", ";"), "separated by semicolons"),
        (lambda rows: lines(rows).encode("utf-16"), "UTF-16"),
        (
            lambda rows: lines([(*row, "né") for row in rows], "path,label,by").encode("cp1252"),
            "read as Windows-1252",
        ),
        (lambda rows: lines(rows).replace("/", "\\"), "backslashes"),
        (lambda rows: lines(rows, "id,breed").replace(".png", ""), "without their ending"),
        (lambda rows: lines(rows, "").replace(".png", ""), "no line that names its columns"),
        (lambda rows: lines([(str(k), *row) for k, row in enumerate(rows)], ",a,b"), "column 'a'"),
        (lambda rows: lines([("x", *row) for row in rows], "User,Image Path,Class"), "'Class'"),
    ],
)
def test_tables_as_other_tools_write_them_lose_no_row(text, said, rows, tmp_path, caplog):
    caplog.set_level("INFO")
    written = text(rows)
    content = written if isinstance(written, bytes) else written.encode()
    (tmp_path / "set.csv").write_bytes(content)
    split = data.DataRef(f"csv:{tmp_path / 'set.csv'}", 0.34, validation=0).split()
    assert split.train.classes == ("a", "b") and said in caplog.text
    assert names(split.train) + names(split.test) != names(split.train)
    assert sorted(names(split.train) + names(split.test)) == [f"{k}.png" for k in range(6)]
    for part in (split.train, split.test):
        for i, label in enumerate(part.labels):
            assert int(os.path.basename(part.name(i))[0]) % 2 == label


def test_a_column_of_parts_is_one_whatever_it_is_called(rows, tmp_path):
    parts = ["Training", "valid", "testing"]
    given = [("7", *row, parts[k // 2]) for k, row in enumerate(rows)]
    for header in ("class id,filepaths,labels,data set", ""):
        (tmp_path / "set.csv").write_text(
            lines(given, header) if header else lines([row[1:] for row in given], "")
        )
        split = data.DataRef(f"csv:{tmp_path / 'set.csv'}").split()
        assert [names(getattr(split, part)) for part in PARTS] == [
            [f"{k}.png", f"{k + 1}.png"] for k in (0, 2, 4)
        ]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [(("0.0", "1.0"), ("0", "1")), (("1", "2"), ("1", "2")), (("2", "10"), None)],
)
def test_labels_that_are_numbers_are_positions_unless_they_count_from_1(
    labels, classes, rows, tmp_path
):
    given = [(path, labels["ab".index(label)]) for path, label in rows]
    (tmp_path / "set.csv").write_text(lines(given))
    source = data.DataRef(f"csv:{tmp_path / 'set.csv'}")
    if classes:
        assert source.split().train.classes == classes
    else:
        with pytest.raises(BadInput, match="out of range"):
            source.split()


@pytest.mark.parametrize("header", ["path,width,species_code", "path,x,y"])
def test_of_columns_that_may_all_be_labels_none_is_guessed(header, rows, tmp_path):
    (tmp_path / "set.csv").write_text(lines([(*row, "7") for row in rows], header))
    with pytest.raises(BadInput, match=r"which columns of .* paths and the labels\?.*'path'"):
        data.DataRef(f"csv:{tmp_path / 'set.csv'}").split()


# --- the same picture on both sides, and what belongs together


@pytest.fixture
def people(tmp_path):
    """Five photographs each of eight people for each of two signs: bursts that look the same."""
    rng = np.random.default_rng(0)
    for label in ("fist", "palm"):
        (tmp_path / label).mkdir()
        for person in range(8):
            one = np.asarray(photo(ord(label[0]) + person, (6, 5)).resize((64, 48)), int)
            for shot in range(5):
                pixels = np.clip(one + rng.integers(-4, 5, one.shape), 0, 255)
                content = images.Image.fromarray(pixels.astype(np.uint8))
                path = tmp_path / label / f"p{person}_{shot}.jpg"
                path.write_bytes(encoded(content, "JPEG", quality=95))
    return tmp_path


def persons(examples):
    return {os.path.basename(examples.name(i)).split("_")[0] for i in range(len(examples))}


def test_nearly_the_same_image_on_both_sides_is_found_by_name(folder, capsys):
    original = folder / "cats" / "0.jpg"
    smooth = photo(5, (6, 5)).resize((90, 70))
    original.write_bytes(encoded(smooth, "JPEG", quality=95))
    copies = {
        "again.jpg": encoded(smooth, "JPEG", quality=60),
        "small.png": encoded(smooth.resize((60, 47))),
        "stripped.webp": encoded(smooth, "WEBP", lossless=True),
    }
    for name, content in copies.items():
        (folder / "cats" / name).write_bytes(content)
    report = check(data.DataRef(f"folder:{folder}", holdout=0.4))
    (found,) = report.wrong[TORN]
    assert all(str(folder / "cats" / name) in found for name in copies) and str(original) in found
    assert found.count(" = ") == 3 and cli.main(["data", "check", f"folder:{folder}"]) == 2
    assert "keep one, or both together by --group-by: 1\n" in capsys.readouterr().out


def test_bursts_that_a_split_tears_apart_are_found_and_kept_together_by_their_names(people, capsys):
    source = f"folder:{people}"
    assert len(check(data.DataRef(source)).wrong[TORN]) > 8
    assert cli.main(["data", "check", source, "--group-by", r"(p\d+)_"]) == 0
    parts = [data.DataRef(source, group_by=r"(p\d+)_").split()]
    parts += [data.DataRef(source, group_by=r"(p\d+)_", seed=seed).split() for seed in range(1, 6)]
    for split in parts:
        each = [persons(getattr(split, part)) for part in PARTS]
        assert sum(map(len, each)) == 8 == len(set.union(*each)) and sum(sizes(split)) == 80
        assert len(split.test) == 20 and np.bincount(split.test.labels).tolist() == [10, 10]
        assert np.bincount(split.validation.labels).tolist() == [5, 5]
    assert len({tuple(names(split.test)) for split in parts}) > 1
    again = data.DataRef(source, group_by=r"(p\d+)_").split()
    assert names(again.test) == names(parts[0].test)


def test_groups_stand_in_the_recipe_the_pack_and_its_fingerprint(people, tmp_path_factory):
    recipe = recipe_for(f"folder:{people}", group_by=r"p\d+")
    assert data.DataRef.of(recipe).group_by == r"p\d+"
    packs, found = tmp_path_factory.mktemp("packs"), []
    for number, group_by in enumerate(("", r"p\d+")):
        plan = pack(data.DataRef(f"folder:{people}", group_by=group_by), packs / str(number))
        assert plan.group_by == group_by
        found.append(data.DataRef(f"tfrecord:{packs / str(number)}").split())
    plain, grouped = found
    assert plain.train.fingerprint != grouped.train.fingerprint
    assert not persons(grouped.train) & persons(grouped.test)
    with pytest.raises(BadInput, match="in both the train and the"):
        data.DataRef(f"tfrecord:{packs / '0'}", group_by=r"p\d+_").split()


@pytest.mark.parametrize(
    ("group_by", "words"),
    [
        ("(p", "takes a regular expression.*'\\(p' is none"),
        ("p[1-7]", r"finds nothing in the names of 10 of 80 images, such as 'fist/p0_0.jpg'"),
        ("^[^/]*/", "all images of class 'fist' are in one group"),
        ("palm|fist", "all images of class 'fist' are in one group"),
    ],
)
def test_groups_that_cannot_be_kept_together_get_one_sentence(group_by, words, people):
    with pytest.raises(BadInput, match=words):
        data.DataRef(f"folder:{people}", group_by=group_by).split()


def test_groups_of_a_sources_own_parts_must_not_be_torn(people):
    rows = ["path,label,split"]
    for number, path in enumerate(sorted(people.rglob("*.jpg"))):
        part = "test" if number % 5 == 0 else "train"
        rows.append(f"{path.relative_to(people)},{path.parent.name},{part}")
    (people / "set.csv").write_text("\n".join(rows))
    with pytest.raises(BadInput, match=r"finds 'p0', and 7 more, in both the train and the test"):
        data.DataRef(f"csv:{people / 'set.csv'}", group_by=r"p\d+").split()
