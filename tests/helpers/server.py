"""A file server on 127.0.0.1 that misbehaves as told, and remembers what it was asked for."""

import hashlib
import itertools
import re
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = bytes(range(256)) * 4000
OTHER = CONTENT[::-1]
ALL = len(CONTENT)


def digest_of(content, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


DIGEST = digest_of(CONTENT)


class Server(ThreadingHTTPServer):
    """Serves CONTENT under every path; `then` says how, request by request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges = []  # of each request, as asked
        self.opened = threading.Event()  # what stalled transfers wait for
        self.then()
        self.url = f"http://127.0.0.1:{self.server_port}/weights.bin"

    def then(self, *answers, always=None):
        """The next requests get `answers`, all later ones `always`."""
        self.answers = itertools.chain(answers, itertools.repeat(always or whole))

    def handle_error(self, request, client_address):
        """Clients hang up here on purpose."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.ranges.append(self.headers["Range"])
        next(self.server.answers)(self)

    def log_message(self, *arguments):
        pass


def whole(handler, content=CONTENT, ranges=True, stop=None, stall=None, announced=True):
    """Bytes of `content` as asked: `stop` and `stall` bytes into the body it ends or waits."""
    asked = re.fullmatch(r"bytes=(\d+)-", handler.headers["Range"] or "")
    start = int(asked[1]) if asked and ranges else 0
    if start and start >= len(content):
        return refused(handler, 416)
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    body = content[start:]
    if announced:
        handler.send_header("Content-Length", len(body))
    handler.end_headers()
    handler.wfile.write(body[: stall if stop is None else stop])
    if stall is not None:
        handler.server.opened.wait(20)
        handler.wfile.write(body[stall:])


def refused(handler, code):
    handler.send_response(code)
    handler.send_header("Content-Length", 0)
    handler.end_headers()


def moved(handler, to):
    handler.send_response(302)
    handler.send_header("Location", to)
    handler.end_headers()


def cut(at):
    return partial(whole, stop=at)


def stalled(at):
    return partial(whole, stall=at)
