"""What is unpacked is what was named, inside the folder, whole, and not too much."""

import io
import stat
import tarfile
import zipfile

import pytest

from keras_inception.errors import BadInput
from keras_inception.weights.archive import extract_members

MEMBERS = {"./a/weights.ckpt": b"weights" * 1000, "a/b/labels.txt": b"cat\n", "notes": b"-"}


def packed(path, members, kind=tarfile.REGTYPE):
    """An archive of name -> content; `kind` is every member's, links pointing to /etc/hostname."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
                mode = {tarfile.SYMTYPE: stat.S_IFLNK, tarfile.CHRTYPE: stat.S_IFCHR}
                info.external_attr = mode.get(kind, stat.S_IFREG) << 16
                archive.writestr(info, content)
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name, content in members:
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, "/etc/hostname"
                info.size = len(content) if kind == tarfile.REGTYPE else 0
                archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture(params=["x.tar.gz", "x.tgz", "x.zip"])
def path(request, tmp_path):
    return tmp_path / request.param


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "deep" / "folder"


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("weights.ckpt", ["weights.ckpt"]),
        ("a/weights.ckpt", ["weights.ckpt"]),
        ("a/*", ["weights.ckpt", "labels.txt"]),
        ("*", ["weights.ckpt", "labels.txt", "notes"]),
    ],
)
def test_members_by_path_name_or_pattern_are_written_flat(path, folder, pattern, names):
    packed(path, MEMBERS.items())
    assert extract_members(path, pattern, folder) == [folder / name for name in names]
    contents = {name.split("/")[-1]: content for name, content in MEMBERS.items()}
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {n: contents[n] for n in names}


def test_folders_are_not_members(tmp_path, folder):
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("sub")
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
        archive.addfile(tarfile.TarInfo("sub/file"))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.mkdir("sub")
        archive.writestr("sub/file", b"")
    for name in ("x.tar.gz", "x.zip"):
        assert extract_members(tmp_path / name, "*", folder) == [folder / "file"]


def test_a_name_that_is_not_there_is_answered_with_what_is(path, folder):
    packed(path, MEMBERS.items())
    with pytest.raises(BadInput, match=r"called 'x': it holds .*a/weights\.ckpt, a/b/labels\.txt"):
        extract_members(path, "x", folder)


@pytest.mark.parametrize(
    "name", ["/etc/x", "../x", "a/../../x", "..", "C:\\x", "C:x", "a\\..\\..\\x", "\\\\host\\s\\x"]
)
def test_paths_that_lead_elsewhere_are_refused(path, folder, name):
    packed(path, [("good", b"good"), (name, b"bad")])
    with pytest.raises(BadInput, match="leads out of the folder"):
        extract_members(path, "*", folder)
    assert not folder.exists()
    assert extract_members(path, "good", folder) == [folder / "good"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(path, folder, kind):
    if path.suffix == ".zip" and kind == tarfile.LNKTYPE:
        pytest.skip("a zip has no hard links")
    packed(path, [("x", b"/etc/hostname")], kind)
    with pytest.raises(BadInput, match="'x' is a link or a device"):
        extract_members(path, "x", folder)
    assert not folder.exists()


def test_a_link_that_stands_in_the_folder_is_replaced_and_not_followed(path, tmp_path, folder):
    folder.mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    (folder / "notes").symlink_to(outside)
    packed(path, MEMBERS.items())
    extract_members(path, "notes", folder)
    assert (folder / "notes").read_bytes() == b"-" and outside.read_bytes() == b"mine"


def test_two_members_that_would_be_one_file_are_refused(path, folder):
    packed(path, [("a/x", b"1"), ("b/x", b"2")])
    with pytest.raises(BadInput, match="two members are called 'x'"):
        extract_members(path, "x", folder)
    assert extract_members(path, "b/x", folder)[0].read_bytes() == b"2"


def test_a_bomb_is_refused_before_it_is_unpacked(path, folder):
    packed(path, [("a", bytes(600_000)), ("b", bytes(600_000))])
    assert path.stat().st_size < 10_000
    with pytest.raises(BadInput, match="are 1,200,000 bytes unpacked, and 1,000,000 are allowed"):
        extract_members(path, "*", folder, limit=1_000_000)
    assert not folder.exists()
    assert extract_members(path, "a", folder, limit=1_000_000) == [folder / "a"]


def test_a_zip_that_understates_its_sizes_gives_no_more_than_that(tmp_path, folder):
    path = packed(tmp_path / "x.zip", [("a", bytes(1000))])
    content = path.read_bytes()
    # The size unpacked, in the member's own header and in the list at the end.
    assert content.count((1000).to_bytes(4, "little")) == 2
    path.write_bytes(content.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(BadInput, match="cannot be read"):
        extract_members(path, "a", folder, limit=100)
    assert list(folder.iterdir()) == []


def test_damaged_archives_are_named_and_leave_what_was_there(path, folder):
    folder.mkdir(parents=True)
    (folder / "weights.ckpt").write_bytes(b"old")
    packed(path, MEMBERS.items())
    content = path.read_bytes()
    middle = 60 if path.suffix == ".zip" else len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
    for damaged in (b"", b"PK", b"text", content[: len(content) // 2], content[:-9], flipped):
        path.write_bytes(damaged)
        with pytest.raises(BadInput, match=r"cannot be read as a \.tar\.gz or \.zip .*fetch it"):
            extract_members(path, "weights.ckpt", folder)
        assert [p.read_bytes() for p in folder.iterdir()] == [b"old"]


def test_an_encrypted_zip_is_bad_input(tmp_path, folder):
    path = packed(tmp_path / "x.zip", [("a", b"secret")])
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(signature) + flags] |= 1
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"cannot be read .*encrypted"):
        extract_members(path, "a", folder)
    assert list(folder.iterdir()) == []
