"""A published file in the cache: downloaded once, and verified before anything reads it."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import shutil
import sys
import tarfile
import time
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from http.client import HTTPException
from pathlib import Path, PureWindowsPath
from ssl import SSLError
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ..errors import BadInput
from ..files import replacing, write_bytes

log = logging.getLogger(__name__)

TIMEOUT = 30.0  # seconds in which at least one byte has to come
PAUSES = (1, 2, 4)  # seconds before each further attempt
LIMIT = 2 * 10**9  # bytes: more than any weights of the family, less than a disk
CHUNK = 2**18  # bytes

#: What the network raises; any other OSError is the disk's.
_NETWORK = (URLError, ConnectionError, TimeoutError, SSLError, HTTPException)
_DAMAGED = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError)


def fetch(url: str, digest: str | None, name: str) -> Path:
    """The verified file of `url`, `name` in the cache, downloaded unless it is there already.

    The cache is $KERAS_INCEPTION_CACHE or ~/.cache/keras_inception. `digest` is the publisher's,
    "sha256:", "sha384:" or "md5:" and hexadecimal digits, of which the first ones suffice. None,
    where there is none, takes that of the first download, or of a file that was put there by hand;
    it is kept beside the file.

    Raises BadInput if the server does not deliver, if what it delivers is another file (an older
    one of that name then stays), or if the cache cannot be written. OSError if the disk is full.
    """
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = os.environ.get("KERAS_INCEPTION_CACHE") or Path(caches, "keras_inception")
    target = Path(folder).expanduser() / name
    pin = target.with_name(f"{name}.sha256")
    wanted = digest or (pin.read_text("utf-8").strip() if pin.is_file() else "sha256:")
    if not (target.is_file() and digest_of(target, wanted).startswith(wanted)):
        if target.is_file():
            log.warning("%s is damaged (its digest is not %s): fetching it again", target, wanted)
        with _arriving(target) as part:
            _download(url, part, target)
            found = digest_of(part, wanted)
            if not found.startswith(wanted):
                raise BadInput(
                    f"{url} is not the file that was published: its digest is {found}, expected "
                    f"{wanted}. It was discarded; try again, and if it stays so, the address or "
                    "the digest is out of date, or something on the way changes files"
                )
    if wanted == "sha256:":
        write_bytes(pin, digest_of(target, wanted).encode())
        log.warning("%s has no published digest; from now on it is that in %s", url, pin)
    return target


def digest_of(path: Path, like: str) -> str:
    """`path`'s digest, by the algorithm of the digest `like`."""
    algorithm = like.partition(":")[0]
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return f"{algorithm}:{digest.hexdigest()}"


@contextmanager
def _arriving(target: Path) -> Iterator[Path]:
    """A path of one's own, also beside other threads and processes, that becomes `target`."""
    with ExitStack() as stack:
        try:
            part = stack.enter_context(replacing(target))
        except OSError as error:
            raise BadInput(
                f"{target.parent} cannot be written ({error.strerror}): "
                "name another folder with KERAS_INCEPTION_CACHE"
            ) from error
        yield part


def _download(url: str, part: Path, target: Path) -> None:
    """Bring `part` to its end. Raises BadInput, telling to put the file at `target` instead."""
    for pause in (*PAUSES, None):
        try:
            return _receive(url, part, target.name)
        except _NETWORK as error:
            # A server that is not there or does not have the file, against one in trouble.
            final = isinstance(error, URLError) and getattr(error, "code", 0) < 500
            if final or pause is None:
                raise BadInput(
                    f"{url} cannot be downloaded ({error}): call again, or put the file at {target}"
                ) from error
            log.info("%s: %s; trying again in %d s", url, error, pause)
            time.sleep(pause)


def _receive(url: str, part: Path, name: str) -> None:
    """Append to `part` what it lacks, if the server can do that, or else write it anew; `name` is
    what it is shown as."""
    done = part.stat().st_size if part.exists() else 0
    # Some hosts refuse urllib's own name.
    headers = {"User-Agent": "keras-inception"} | ({"Range": f"bytes={done}-"} if done else {})
    request = urllib.request.Request(url, headers=headers)
    opener = urllib.request.build_opener(_OntoTheWeb)
    with opener.open(request, timeout=TIMEOUT) as answer, open(part, "ab") as file:
        if answer.status != 206:
            done = 0
            file.truncate(0)
        # None where the server does not say it.
        left = getattr(answer, "length", None)
        total = done + (left or 0)
        show = sys.stderr and sys.stderr.isatty()
        while max(done, total) <= LIMIT and (data := answer.read(CHUNK)):
            file.write(data)
            done += len(data)
            if show:
                of = f" of {total / 1e6:.0f}" if left else ""
                print(f"\r{name}: {done / 1e6:.0f}{of} MB", end="", file=sys.stderr)
    if show:
        print(file=sys.stderr)
    if max(done, total) > LIMIT:
        raise BadInput(f"{url} has more than {LIMIT:,} bytes, which no weights here have")
    if done < total:
        raise ConnectionError(f"broke off after {done:,} of {total:,} bytes")


class _OntoTheWeb(urllib.request.HTTPRedirectHandler):
    """Redirections to files are refused already, but not to ftp:, or from https: to http:."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if urlsplit(newurl).scheme not in ("https", req.type):
            raise HTTPError(newurl, code, f"{msg} - to {newurl}, which is not allowed", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def extract_member(archive: Path, pattern: str, folder: Path) -> Path:
    """The one file in a .tar.gz whose name, without its path, fits `pattern`, in `folder`.

    Raises BadInput if there is none, if there are several, or if it is larger than LIMIT; links
    and devices are no files. Raises it for a damaged archive, too.
    """
    try:
        with tarfile.open(archive, "r:gz") as opened:
            # Windows' rules know the separators of both systems.
            named = {m: PureWindowsPath(m.name).name for m in opened if m.isreg()}
            found = [m for m, name in named.items() if fnmatchcase(name, pattern)]
            if len(found) != 1 or found[0].size > LIMIT:
                held = ", ".join(f"{m.name} ({m.size:,} bytes)" for m in found or named)
                raise BadInput(
                    f"{archive} is not unpacked: one file {pattern!r} of at most {LIMIT:,} bytes "
                    f"is needed, and it holds {held or 'no files'}. Remove it, to fetch it again"
                )
            target = folder / named[found[0]]
            with _arriving(target) as part, open(part, "wb") as file:
                shutil.copyfileobj(opened.extractfile(found[0]), file)
    except _DAMAGED as error:
        raise BadInput(
            f"{archive} cannot be read as a .tar.gz ({error}): remove it, to fetch it again"
        ) from error
    return target
