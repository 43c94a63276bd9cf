"""A transfer comes to its end or to a sentence, whatever server and network do."""

import io
import logging
import resource
import socket
import sys
from functools import partial

import pytest
from helpers.server import (
    ALL,
    CONTENT,
    DIGEST,
    cut,
    digest_of,
    endless,
    moved,
    refused,
    stalled,
    visible,
    whole,
)

from keras_inception.errors import BadInput
from keras_inception.weights import transfer
from keras_inception.weights.download import fetch


def test_a_file_cut_short_is_resumed_from_where_it_stopped(server):
    server.then(cut(1000), cut(500), cut(0))
    assert fetch(server.url, DIGEST).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-", "bytes=1500-", "bytes=1500-"]


def test_a_server_that_always_cuts_is_given_up_and_the_next_call_goes_on(server, target):
    server.then(always=cut(1000))
    with pytest.raises(BadInput) as caught:
        fetch(server.url, DIGEST)
    assert f"broke off after 4,000 of {ALL:,} bytes; 4,000 bytes are kept" in str(caught.value)
    assert f"by hand to {target}" in str(caught.value)
    server.then()
    assert fetch(server.url, DIGEST).read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=4000-" and len(server.ranges) == 5


def test_a_server_that_stalls_is_left_and_asked_for_the_rest(server):
    server.then(stalled(70_000))
    assert fetch(server.url, DIGEST, timeout=1).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=70000-"]


def test_a_server_that_always_stalls_is_given_up(server):
    server.then(always=stalled(10))
    with pytest.raises(BadInput, match=r"sent nothing for 0\.4 s; 40 bytes are kept"):
        fetch(server.url, DIGEST, timeout=0.4)


def test_a_server_that_never_answers_is_given_up(server):
    server.then(always=lambda handler: server.opened.wait(20))
    with pytest.raises(BadInput, match=r"sent nothing for 0\.4 s; nothing is kept"):
        fetch(server.url, DIGEST, timeout=0.4)
    assert len(server.ranges) == 4


@pytest.mark.parametrize(
    "answer",
    [
        partial(whole, ranges=False),
        partial(refused, code=416),
        partial(whole, span=f"bytes 0-{ALL - 1}/{ALL}"),
        partial(whole, span="nonsense"),
    ],
    ids=["ignores", "refuses", "sends others", "nonsense"],
)
def test_a_server_that_cannot_resume_is_asked_for_the_whole(server, part, answer):
    part.write_bytes(CONTENT[:1000])
    server.then(answer)
    assert fetch(server.url, DIGEST).read_bytes() == CONTENT
    assert server.ranges[0] == "bytes=1000-" and len(server.ranges) <= 2


def test_a_file_that_is_not_there_is_an_answer(server, part):
    part.write_bytes(CONTENT[:1000])
    server.then(always=partial(refused, code=404))
    with pytest.raises(BadInput, match="answered 404 Not Found; 1,000 bytes are kept"):
        fetch(server.url, DIGEST)
    assert len(server.ranges) == 1 and part.read_bytes() == CONTENT[:1000]


def test_a_server_in_trouble_is_asked_again(server):
    server.then(partial(refused, code=500), partial(refused, code=503))
    assert fetch(server.url, DIGEST).read_bytes() == CONTENT
    server.then(always=partial(refused, code=500))
    with pytest.raises(BadInput, match=r"answered 500 .*; nothing is kept"):
        fetch(server.url, DIGEST, name="other")


def test_nobody_there_is_a_sentence(target):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/weights.bin"
        with pytest.raises(BadInput, match=rf"cannot be reached \(.*refused.*by hand to {target}"):
            fetch(url, DIGEST)


def test_more_than_was_announced_is_not_read(server):
    server.then(partial(endless, announced=ALL))
    assert fetch(server.url, DIGEST, timeout=5).read_bytes() == CONTENT


def test_an_endless_body_stops_at_the_known_size_or_the_limit(server, target, monkeypatch):
    server.then(always=endless)
    assert fetch(server.url, DIGEST, size=ALL).read_bytes() == CONTENT
    monkeypatch.setattr(transfer, "LIMIT", 2 * ALL)
    with pytest.raises(BadInput, match=digest_of(CONTENT * 2)):
        fetch(server.url, DIGEST, name="other")
    assert visible(target) == [target.name]


def test_a_wrong_length_is_refused_at_once(server, part, target, monkeypatch):
    part.write_bytes(CONTENT[:1000])
    server.then(always=partial(whole, ranges=False))
    with pytest.raises(BadInput, match=rf"announces {ALL:,} bytes instead of {ALL + 1:,}; 1,000"):
        fetch(server.url, DIGEST, size=ALL + 1)
    monkeypatch.setattr(transfer, "LIMIT", ALL - 1)
    with pytest.raises(BadInput, match=rf"announces {ALL:,} bytes of at most {ALL - 1:,}; 1,000"):
        fetch(server.url, DIGEST)
    assert visible(target) == [part.name]


def test_a_length_that_is_a_lie_is_noticed(server):
    server.then(always=partial(whole, length=ALL + 5, ranges=False))
    with pytest.raises(BadInput, match=f"broke off after {ALL:,} of"):
        fetch(server.url, digest_of(CONTENT + b"-----"))
    server.then(always=partial(whole, length=ALL - 5))
    with pytest.raises(BadInput, match=digest_of(CONTENT[:-5])):
        fetch(server.url, DIGEST, name="other")


@pytest.mark.parametrize("to", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x"])
def test_a_redirection_out_of_the_web_is_refused(server, target, to):
    server.then(always=partial(moved, to=to))
    with pytest.raises(BadInput, match=r"answered 302 .*not allowed"):
        fetch(server.url, DIGEST)
    assert visible(target) == []


def test_a_redirection_is_followed_and_keeps_the_range(server, part):
    part.write_bytes(CONTENT[:1000])
    server.then(partial(moved, to="/elsewhere"))
    assert fetch(server.url, DIGEST).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-", "bytes=1000-"]


def test_a_full_disk_is_the_disks_error_and_not_the_networks(server, part, target):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ALL // 2, before[1]))
    try:
        with pytest.raises(OSError, match=r"File too large.*weights\.bin\.part"):
            fetch(server.url, DIGEST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(server.ranges) == 1 and not target.exists()
    assert fetch(server.url, DIGEST).read_bytes() == CONTENT


def test_a_terminal_shows_how_far_it_is(server, monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    fetch(server.url, DIGEST)
    shown = terminal.getvalue()
    assert shown.startswith("\rweights.bin: 1.0 MB, ") and shown.endswith("\n")
    assert "MB/s, 100%, 0 s left" in shown


def test_a_log_gets_one_line(server, capsys, caplog):
    with caplog.at_level(logging.INFO, "keras_inception"):
        fetch(server.url, DIGEST)
        fetch(server.url, DIGEST)
    assert caplog.messages == ["downloaded weights.bin"]
    assert capsys.readouterr().err == ""
