"""Bytes from an address into a partial file: resumed, bounded, and never waiting for ever."""

from __future__ import annotations

import logging
import re
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, InvalidURL
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ..errors import BadInput

log = logging.getLogger(__name__)

TIMEOUT = 30.0  # seconds in which at least one byte has to come
PAUSES = (1, 2, 4)  # seconds before each further attempt at a transfer that broke off
LIMIT = 4 * 2**30  # bytes: more than any weights of the family, less than a disk
CHUNK = 2**18  # bytes


class _Broken(Exception):
    """A transfer that another attempt may bring to its end."""


class _Refused(Exception):
    """A transfer that will not get further by trying."""


def transfer(url: str, part: Path, by_hand: Path, size: int | None, timeout: float) -> bool:
    """Bring `part` to its end; whether that went on from what was there already.

    `size` is the whole file's in bytes, if it is known, `timeout` the longest silence in seconds.
    Raises BadInput if the server does not deliver, telling to put the file at `by_hand` instead;
    what came until then stays in `part`. OSError if the disk refuses.
    """
    try:
        for pause in PAUSES:
            try:
                return _attempt(url, part, size, timeout)
            except _Broken as broken:
                log.info("%s %s; trying again in %d s", url, broken, pause)
                time.sleep(pause)
        return _attempt(url, part, size, timeout)
    except (_Broken, _Refused) as failure:
        kept = _length(part)
        state = f"{kept:,} bytes are kept, and the next call goes on from there"
        raise BadInput(
            f"{url} {failure}; {state if kept else 'nothing is kept'}. "
            f"Call again, or download it by hand to {by_hand}"
        ) from failure


def _attempt(url: str, part: Path, size: int | None, timeout: float) -> bool:
    start = _length(part)
    with _opened(url, part, start, timeout) as answer:
        resumed = answer.status == 206
        if resumed:
            span = re.fullmatch(rf"bytes {start}-\d+/(\d+)", answer.headers["Content-Range"] or "")
            if not (start and span):
                part.unlink(missing_ok=True)
                raise _Broken("answered with other bytes than it was asked for")
            announced = int(span[1])
        else:
            start = 0
            length = answer.headers["Content-Length"] or ""
            announced = int(length) if length.isdecimal() else None
        if announced is not None and (announced != size if size else announced > LIMIT):
            most = f"instead of {size:,}" if size else f"of at most {LIMIT:,}"
            raise _Refused(f"announces {announced:,} bytes {most}")
        total = size if announced is None else announced
        with open(part, "ab" if resumed else "wb") as file, _progress(url, start, total) as show:
            done = start
            for data in _chunks(answer, (total or LIMIT) - start, timeout):
                try:
                    file.write(data)
                except OSError as error:
                    error.filename = str(part)
                    raise
                done += len(data)
                show(done)
            if total is not None and done < total:
                raise _Broken(f"broke off after {done:,} of {total:,} bytes")
    return resumed


class _OntoTheWeb(urllib.request.HTTPRedirectHandler):
    """Redirections to files are refused already, but not to ftp:, or from https: to http:."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if urlsplit(newurl).scheme not in ("https", req.type):
            raise HTTPError(newurl, code, f"{msg} - to {newurl}, which is not allowed", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opened(url: str, part: Path, start: int, timeout: float):
    """The server's answer, from byte `start` on if it can."""
    # Some hosts refuse urllib's own name.
    headers = {"User-Agent": "keras-inception"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)
    try:
        return urllib.request.build_opener(_OntoTheWeb).open(request, timeout=timeout)
    except HTTPError as error:
        error.close()
        if error.code == 416:
            part.unlink(missing_ok=True)
        again = error.code == 416 or error.code >= 500
        raise (_Broken if again else _Refused)(f"answered {error.code} {error.reason}") from error
    except (URLError, InvalidURL) as error:
        raise _Refused(f"cannot be reached ({getattr(error, 'reason', error)})") from error
    except (OSError, HTTPException) as error:
        raise _broken(error, timeout) from error


def _chunks(answer, most: int, timeout: float) -> Iterator[bytes]:
    """The body in the pieces that come, and not more than `most` bytes of it."""
    while most > 0:
        try:
            # read() would lose what came before a cut.
            data = answer.read1(min(CHUNK, most))
        except (OSError, HTTPException) as error:
            raise _broken(error, timeout) from error
        if not data:
            return
        most -= len(data)
        yield data


def _broken(error: Exception, timeout: float) -> _Broken:
    silent = isinstance(error, TimeoutError)
    return _Broken(f"sent nothing for {timeout:g} s" if silent else f"broke off ({error})")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _progress(url: str, start: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A function that shows how many bytes there are: on a terminal; a log gets one line."""
    name = url.rpartition("/")[2]
    began = shown = time.monotonic()

    def show(done: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown < 0.1 and done != total:
            return
        shown = now
        rate = (done - start) / max(now - began, 1e-3)
        text = f"{name}: {done / 1e6:.1f} MB, {rate / 1e6:.1f} MB/s"
        if total:
            text += f", {done / total:.0%}, {(total - done) / rate:.0f} s left"
        print(f"\r{text:<79.79}", end="", file=sys.stderr, flush=True)

    if sys.stderr and sys.stderr.isatty():
        try:
            yield show
        finally:
            print(file=sys.stderr)
    else:
        yield lambda done: None
        log.info("downloaded %s", name)
