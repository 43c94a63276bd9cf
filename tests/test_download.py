"""A fetched file is the published one, whoever else fetches it, and whatever is in the cache."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from helpers.server import CONTENT, DIGEST, OTHER, digest_of, refused, stalled, visible, whole

from keras_inception import locks
from keras_inception.errors import BadInput
from keras_inception.weights.download import fetch


def elsewhere(server):
    """The same fetch in another process."""
    code = (
        "import logging, sys; logging.basicConfig(level='INFO');"
        "from keras_inception.weights.download import fetch; fetch(*sys.argv[1:])"
    )
    arguments = [sys.executable, "-c", code, server.url, DIGEST]
    return subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha1", "md5"])
def test_a_file_is_fetched_once_and_then_needs_no_network(server, target, algorithm):
    digest = digest_of(CONTENT, algorithm)
    assert fetch(server.url, digest) == target
    server.then(always=partial(refused, code=500))
    assert fetch(server.url, digest.upper()) == target
    assert target.read_bytes() == CONTENT and visible(target) == [target.name]
    assert server.ranges == [None]


def test_the_first_eight_digits_of_sha256_suffice(server):
    assert fetch(server.url, DIGEST[:15]).read_bytes() == CONTENT
    wrong = f"sha256:{DIGEST[7:14]}{'0' if DIGEST[14] != '0' else '1'}"
    with pytest.raises(BadInput, match="not the file that was published"):
        fetch(server.url, wrong, name="other")


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "sha256:",
        DIGEST[:14],
        DIGEST + "0",
        "md5:12345678",
        "crc32:12345678",
        "sha256:1234567g",
        DIGEST[7:],
    ],
)
def test_what_is_no_digest_is_refused_before_anything(target, digest):
    with pytest.raises(BadInput, match="is not a digest: give md5: and 32"):
        fetch("http://127.0.0.1:1/x", digest)
    assert not target.parent.exists()


def test_the_cache_is_where_it_was_asked_for(server, tmp_path, monkeypatch):
    assert fetch(server.url, DIGEST, folder=tmp_path / "a") == tmp_path / "a" / "weights.bin"
    assert fetch(server.url, DIGEST, name="b") == tmp_path / "cache" / "b"
    monkeypatch.delenv("KERAS_INCEPTION_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert fetch(server.url, DIGEST) == tmp_path / "xdg" / "keras_inception" / "weights.bin"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fetch(server.url, DIGEST).parent == tmp_path / ".cache" / "keras_inception"


def test_a_cache_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "cache").write_bytes(b"")
    with pytest.raises(BadInput, match=r"cache cannot be written.*KERAS_INCEPTION_CACHE"):
        fetch(server.url, DIGEST)


def test_a_cache_that_has_the_file_is_only_read(target):
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    assert fetch("http://127.0.0.1:1/weights.bin", DIGEST) == target
    assert list(target.parent.iterdir()) == [target]


def test_a_file_damaged_on_the_disk_is_named_and_fetched_again(server, part, target, caplog):
    target.write_bytes(OTHER)
    assert fetch(server.url, DIGEST).read_bytes() == CONTENT
    assert f"{target} is damaged" in caplog.text


def test_another_file_than_the_published_one_is_discarded_and_the_old_one_kept(
    server, part, target
):
    target.write_bytes(b"old")
    server.then(always=partial(whole, content=OTHER))
    with pytest.raises(BadInput) as caught:
        fetch(server.url, DIGEST)
    for word in (server.url, DIGEST, digest_of(OTHER), "try again"):
        assert word in str(caught.value)
    assert target.read_bytes() == b"old" and visible(target) == [target.name]
    assert server.ranges == [None]


@pytest.mark.parametrize("kept", [OTHER[:1000], OTHER, OTHER * 2])
def test_a_partial_file_of_something_else_is_fetched_again_from_the_start(server, part, kept):
    part.write_bytes(kept)
    assert fetch(server.url, DIGEST).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(kept)}-", None]


def test_a_resumed_file_is_fetched_anew_once_and_not_for_ever(server, part, target):
    part.write_bytes(CONTENT[:1000])
    other = partial(whole, content=OTHER)
    server.then(other, partial(other, stop=500), always=other)
    with pytest.raises(BadInput, match="not the file that was published"):
        fetch(server.url, DIGEST)
    assert server.ranges == ["bytes=1000-", None, "bytes=500-"] and visible(target) == []


def test_a_partial_file_that_is_complete_needs_no_network(server, part):
    part.write_bytes(CONTENT)
    assert fetch(server.url, DIGEST).read_bytes() == CONTENT
    assert server.ranges == [] and not part.exists()


@pytest.mark.parametrize("url", ["ftp://x/y", "data:,x", "/etc/passwd", "http://x/a b", "http://"])
def test_other_addresses_are_refused(url):
    with pytest.raises(BadInput, match="cannot be fetched: give an http:, https: or file:"):
        fetch(url, DIGEST)


@pytest.mark.parametrize("end", ["", "/", "/..", "/%2e%2e", "/..%2fx", "/.x", "/a%5cb", "/a%00b"])
def test_no_address_names_a_file_outside_the_cache(target, end):
    with pytest.raises(BadInput, match="cannot be a file's name"):
        fetch("http://127.0.0.1:1" + end, DIGEST)
    with pytest.raises(BadInput, match="cannot be a file's name"):
        fetch("http://127.0.0.1:1/x", DIGEST, name="../x")
    assert not target.parent.exists()


def test_a_file_on_the_disk_can_be_the_source(tmp_path, part):
    source = tmp_path / "weights.bin"
    source.write_bytes(CONTENT)
    part.write_bytes(CONTENT[:1000])
    assert fetch(source.as_uri(), DIGEST).read_bytes() == CONTENT
    with pytest.raises(BadInput, match=r"cannot be reached.*No such file"):
        fetch((tmp_path / "none").as_uri(), DIGEST)


def test_two_processes_at_once_download_once(server, target):
    server.then(stalled(1000))
    first = elsewhere(server)
    until(lambda: server.ranges)
    second = elsewhere(server)
    assert "waiting for another process" in second.stderr.readline()
    server.opened.set()
    assert [p.communicate() and p.returncode for p in (first, second)] == [0, 0]
    assert target.read_bytes() == CONTENT and server.ranges == [None]


def test_threads_at_once_download_once(server):
    server.then(stalled(1000))
    with ThreadPoolExecutor(4) as pool:
        paths = [pool.submit(fetch, server.url, DIGEST) for _ in range(4)]
        until(lambda: server.ranges)
        server.opened.set()
        assert {path.result().read_bytes() for path in paths} == {CONTENT}
    assert server.ranges == [None]


def test_a_killed_process_leaves_its_bytes_and_not_its_lock(server, part):
    server.then(stalled(300_000))
    process = elsewhere(server)
    until(lambda: part.exists() and part.stat().st_size >= 200_000)
    process.kill()
    process.communicate()
    kept = part.stat().st_size
    assert fetch(server.url, DIGEST).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={kept}-"]


def test_without_fcntl_the_lock_is_windows(server, monkeypatch):
    """Its stand-in behaves as msvcrt documents: PermissionError where another holds the byte."""
    import fcntl

    class Windows:
        LK_NBLCK = 2
        tried = 0

        def locking(self, number, mode, count):
            assert (mode, count) == (self.LK_NBLCK, 1)
            self.tried += 1
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise PermissionError(13, "Permission denied") from error

    windows = Windows()
    monkeypatch.setattr(locks, "fcntl", None)
    monkeypatch.setattr(locks, "msvcrt", windows, raising=False)
    test_threads_at_once_download_once(server)
    assert windows.tried >= 4


def test_a_file_without_a_published_digest_keeps_that_of_its_first_download(tmp_path, caplog):
    source, cache = tmp_path / "weights.bin", tmp_path / "cache"
    source.write_bytes(CONTENT)
    kept = fetch(source.as_uri(), None, cache)
    assert kept.read_bytes() == CONTENT
    assert DIGEST in caplog.text
    source.write_bytes(OTHER)
    assert fetch(source.as_uri(), None, cache).read_bytes() == CONTENT
    kept.unlink()
    with pytest.raises(BadInput, match="not the file that was published"):
        fetch(source.as_uri(), None, cache)


def test_without_a_digest_a_plain_http_address_is_refused(server):
    with pytest.raises(BadInput, match="neither signed nor encrypted"):
        fetch(server.url, None)
    assert server.ranges == []
