"""A downloaded file is the published one, whole, whatever server, network and cache do."""

import io
import resource
import socket
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from helpers.server import (
    ALL,
    CONTENT,
    DIGEST,
    OTHER,
    cut,
    digest_of,
    moved,
    refused,
    stalled,
    whole,
)

from keras_inception.errors import BadInput
from keras_inception.weights import download
from keras_inception.weights.download import extract_member, fetch

NAME = "weights.bin"


def held(target):
    """The names in the cache, those of unfinished downloads too."""
    return sorted(path.name for path in target.parent.iterdir())


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "md5"])
def test_a_file_is_downloaded_once_and_then_needs_no_network(server, target, algorithm):
    digest = digest_of(CONTENT, algorithm)
    assert fetch(server.url, digest, NAME) == target
    server.then(always=partial(refused, code=500))
    assert fetch(server.url, digest, NAME) == target
    assert target.read_bytes() == CONTENT and held(target) == [NAME]
    assert server.ranges == [None]


def test_the_first_eight_digits_suffice(server):
    assert fetch(server.url, DIGEST[:15], NAME).read_bytes() == CONTENT
    wrong = f"{DIGEST[:14]}{'0' if DIGEST[14] != '0' else '1'}"
    with pytest.raises(BadInput, match="not the file that was published"):
        fetch(server.url, wrong, NAME)


def test_the_cache_is_where_it_was_asked_for(server, tmp_path, monkeypatch):
    assert fetch(server.url, DIGEST, "b") == tmp_path / "cache" / "b"
    monkeypatch.delenv("KERAS_INCEPTION_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert fetch(server.url, DIGEST, NAME) == tmp_path / "xdg" / "keras_inception" / NAME
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fetch(server.url, DIGEST, NAME).parent == tmp_path / ".cache" / "keras_inception"


def test_a_cache_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "cache").write_bytes(b"")
    with pytest.raises(BadInput, match=r"cache cannot be written.*KERAS_INCEPTION_CACHE"):
        fetch(server.url, DIGEST, NAME)


@pytest.mark.parametrize("digest", [DIGEST, None])
def test_a_file_put_there_by_hand_needs_no_network(target, digest):
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    for _ in range(2):
        assert fetch(f"http://127.0.0.1:1/{NAME}", digest, NAME) == target
    assert held(target) == [NAME] + ["weights.bin.sha256"] * (digest is None)


def test_a_file_damaged_on_the_disk_is_named_and_downloaded_again(server, target, caplog):
    target.parent.mkdir()
    target.write_bytes(OTHER)
    assert fetch(server.url, DIGEST, NAME).read_bytes() == CONTENT
    assert f"{target} is damaged" in caplog.text


def test_another_file_than_the_published_one_is_discarded_and_the_old_one_kept(server, target):
    target.parent.mkdir()
    target.write_bytes(b"old")
    server.then(always=partial(whole, content=OTHER))
    with pytest.raises(BadInput) as caught:
        fetch(server.url, DIGEST, NAME)
    for word in (server.url, DIGEST, digest_of(OTHER), "try again"):
        assert word in str(caught.value)
    assert target.read_bytes() == b"old" and held(target) == [NAME]


def test_without_a_published_digest_that_of_the_first_download_is_required(server, target, caplog):
    assert fetch(server.url, None, NAME).read_bytes() == CONTENT
    assert "has no published digest" in caplog.text
    assert target.with_name("weights.bin.sha256").read_text() == DIGEST
    server.then(always=partial(whole, content=OTHER))
    assert fetch(server.url, None, NAME).read_bytes() == CONTENT
    target.unlink()
    with pytest.raises(BadInput, match="not the file that was published"):
        fetch(server.url, None, NAME)


def test_threads_at_once_do_not_damage_each_other(server, target):
    server.then(*[stalled(1000 * n) for n in range(4)])
    with ThreadPoolExecutor(4) as pool:
        paths = [pool.submit(fetch, server.url, DIGEST, NAME) for _ in range(4)]
        while len(server.ranges) < 4:
            pass
        server.opened.set()
        assert {path.result().read_bytes() for path in paths} == {CONTENT}
    assert held(target) == [NAME]


def test_a_killed_process_leaves_no_half_file(server, target):
    server.then(stalled(300_000))
    code = "import sys; from keras_inception.weights.download import fetch; fetch(*sys.argv[1:])"
    process = subprocess.Popen([sys.executable, "-c", code, server.url, DIGEST, NAME])
    while not any(path.stat().st_size for path in target.parent.glob(".partial-*")):
        assert process.poll() is None
    process.kill()
    process.communicate()
    assert not target.exists()
    assert fetch(server.url, DIGEST, NAME).read_bytes() == CONTENT


def test_a_download_that_breaks_off_goes_on_where_it_stopped(server):
    server.then(cut(1000), cut(500), cut(0))
    assert fetch(server.url, DIGEST, NAME).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-", "bytes=1500-", "bytes=1500-"]


def test_a_server_that_cannot_go_on_begins_again(server):
    server.then(cut(1000), partial(whole, ranges=False))
    assert fetch(server.url, DIGEST, NAME).read_bytes() == CONTENT


def test_a_server_that_always_breaks_off_is_given_up(server, target):
    server.then(always=cut(1000))
    with pytest.raises(BadInput) as caught:
        fetch(server.url, DIGEST, NAME)
    assert f"broke off after 4,000 of {ALL:,} bytes" in str(caught.value)
    assert f"call again, or put the file at {target}" in str(caught.value)
    assert held(target) == []


@pytest.mark.parametrize(
    "answer", [stalled(10), lambda handler: handler.server.opened.wait(20)], ids=["body", "head"]
)
def test_a_server_that_falls_silent_is_given_up(server, monkeypatch, answer):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    server.then(always=answer)
    with pytest.raises(BadInput, match=r"cannot be downloaded \(timed out\)"):
        fetch(server.url, DIGEST, NAME)
    assert len(server.ranges) == 4


def test_a_file_that_is_not_there_is_an_answer(server):
    server.then(always=partial(refused, code=404))
    with pytest.raises(BadInput, match="404: Not Found"):
        fetch(server.url, DIGEST, NAME)
    assert len(server.ranges) == 1


def test_a_server_in_trouble_is_asked_again(server):
    server.then(partial(refused, code=500), partial(refused, code=503))
    assert fetch(server.url, DIGEST, NAME).read_bytes() == CONTENT


def test_without_a_network_one_is_told_where_to_put_the_file(target):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/{NAME}"
        with pytest.raises(BadInput, match=rf"refused.*put the file at {target}"):
            fetch(url, DIGEST, NAME)


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_larger_than_any_weights_is_not_kept(server, target, monkeypatch, announced):
    monkeypatch.setattr(download, "LIMIT", ALL - 1)
    server.then(always=partial(whole, announced=announced))
    with pytest.raises(BadInput, match="has more than 1,023,999 bytes"):
        fetch(server.url, DIGEST, NAME)
    assert held(target) == []


@pytest.mark.parametrize("to", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x"])
def test_a_redirection_out_of_the_web_is_refused(server, to):
    server.then(always=partial(moved, to=to))
    with pytest.raises(BadInput, match=r"Error 302.*not allowed"):
        fetch(server.url, DIGEST, NAME)


def test_a_redirection_is_followed(server):
    server.then(partial(moved, to="/elsewhere"))
    assert fetch(server.url, DIGEST, NAME).read_bytes() == CONTENT


def test_a_full_disk_is_the_disks_error_and_not_the_networks(server, target):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ALL // 2, before[1]))
    try:
        with pytest.raises(OSError, match=r"File too large.*weights\.bin"):
            fetch(server.url, DIGEST, NAME)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(server.ranges) == 1 and held(target) == []


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_shows_how_far_it_is(server, monkeypatch, is_terminal):
    terminal = io.StringIO()
    terminal.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, "stderr", terminal)
    fetch(server.url, DIGEST, NAME)
    shown = terminal.getvalue()
    assert shown.endswith("\rweights.bin: 1 of 1 MB\n") if is_terminal else not shown


def packed(path, *members, kind=tarfile.REGTYPE):
    """An archive of (name, content); `kind` is every member's, links pointing to /etc/hostname."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, "/etc/hostname", len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    "name", ["x.ckpt", "./a/x.ckpt", "/etc/x.ckpt", "../../x.ckpt", "C:\\x.ckpt", "a\\..\\x.ckpt"]
)
def test_a_member_is_written_into_the_folder_whatever_its_path(tmp_path, name):
    archive = packed(tmp_path / "x.tar.gz", ("notes", b"-"), (name, b"weights"))
    folder = tmp_path / "deep" / "folder"
    assert extract_member(archive, "*.ckpt", folder) == folder / "x.ckpt"
    assert [path.read_bytes() for path in folder.iterdir()] == [b"weights"]
    assert sorted(tmp_path.rglob("*.ckpt")) == [folder / "x.ckpt"]


def test_a_link_that_stands_in_the_folder_is_replaced_and_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    (tmp_path / "x.ckpt").symlink_to(outside)
    extract_member(packed(tmp_path / "x.tar.gz", ("x.ckpt", b"-")), "*.ckpt", tmp_path)
    assert (tmp_path / "x.ckpt").read_bytes() == b"-" and outside.read_bytes() == b"mine"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_not_unpacked(tmp_path, kind):
    archive = packed(tmp_path / "x.tar.gz", ("x.ckpt", b""), kind=kind)
    with pytest.raises(BadInput, match=r"one file '\*.ckpt' .* holds no files"):
        extract_member(archive, "*.ckpt", tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("notes", b"-")], "it holds notes"),
        ([("a/x.ckpt", b"1"), ("b/x.ckpt", b"2")], "it holds a/x.ckpt .*, b/x.ckpt"),
        ([("bomb.ckpt", bytes(600_000))], "it holds bomb.ckpt .600,000 bytes"),
    ],
)
def test_none_two_or_too_much_is_refused_before_it_is_unpacked(
    tmp_path, monkeypatch, members, words
):
    monkeypatch.setattr(download, "LIMIT", 500_000)
    with pytest.raises(BadInput, match=words):
        extract_member(packed(tmp_path / "x.tar.gz", *members), "*.ckpt", tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_a_damaged_archive_is_named_and_leaves_what_was_there(tmp_path):
    (tmp_path / "x.ckpt").write_bytes(b"old")
    path = packed(tmp_path / "x.tar.gz", ("x.ckpt", bytes(range(256)) * 1000))
    content = path.read_bytes()
    for damaged in (b"", b"text", content[: len(content) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(BadInput, match=r"cannot be read as a \.tar\.gz .*fetch it"):
            extract_member(path, "*.ckpt", tmp_path)
        assert (tmp_path / "x.ckpt").read_bytes() == b"old"
