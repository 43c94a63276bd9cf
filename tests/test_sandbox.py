"""A process that has closed itself in gets nothing more of the system."""

import json
import socket
import subprocess
import sys

import pytest

from keras_inception import sandbox

TRIED = """
import json, os, socket, sys, threading
from keras_inception import sandbox

folder = sys.argv[1]
tried = {
    "open": lambda: open(f"{folder}/there").close(),
    "make": lambda: open(f"{folder}/new", "w").close(),
    "change": lambda: open(f"{folder}/there", "a").close(),
    "list": lambda: os.listdir(folder),
    "mkdir": lambda: os.mkdir(f"{folder}/new"),
    "rename": lambda: os.rename(f"{folder}/there", f"{folder}/moved"),
    "remove": lambda: os.unlink(f"{folder}/there"),
    "execute": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),
    "write": lambda: os.write(written, b"x"),
    "duplicate": lambda: [os.dup(1), os.dup(1)],
    "socket": lambda: [socket.socket(), socket.socket()],
    "signal": lambda: os.kill(os.getppid(), 0),
    "memory": lambda: bytearray(400 << 20),
    "connect": lambda: kept.connect(("127.0.0.1", int(sys.argv[2]))),
}
written = os.open(f"{folder}/written", os.O_CREAT | os.O_WRONLY)
kept = socket.socket()
spare = os.dup(0)
sandbox.close(256 << 20)
os.close(spare)  # One descriptor is to be had: what is refused now is not refused for want of one.
outcomes = {}
for what, attempt in tried.items():
    try:
        attempt()
        outcomes[what] = "done"
    except Exception as error:
        outcomes[what] = type(error).__name__
thread = threading.Thread(target=lambda: outcomes.update(thread=len(bytes(50 << 20))))
thread.start()
thread.join()
print(json.dumps(outcomes))
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    (folder / "there").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-c", TRIED, folder, port], capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in folder.iterdir()} == {"there", "written"}
    return json.loads(done.stdout)


def needs_landlock(version):
    here = sandbox.landlock_version()
    return pytest.mark.skipif(here < version, reason=f"needs Landlock {version}; this has {here}")


@needs_landlock(1)
@pytest.mark.parametrize(
    "what", ["open", "make", "change", "list", "mkdir", "rename", "remove", "execute"]
)
def test_no_file_is_to_be_had(outcomes, what):
    assert outcomes[what] == "PermissionError"


@needs_landlock(4)
def test_no_socket_that_was_open_reaches_a_server(outcomes):
    assert outcomes["connect"] == "PermissionError"


@needs_landlock(6)
def test_no_other_process_gets_a_signal(outcomes):
    assert outcomes["signal"] == "PermissionError"


@pytest.mark.skipif(sandbox.resource is None, reason="needs limits, which Windows has not")
@pytest.mark.parametrize("what", ["write", "duplicate", "socket"])
def test_no_descriptor_is_to_be_had_and_no_file_grows(outcomes, what):
    assert outcomes[what] == "OSError"


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, which limits address space")
def test_memory_is_bounded(outcomes):
    assert outcomes["memory"] == "MemoryError"


def test_threads_run_and_memory_is_there(outcomes):
    assert outcomes["thread"] == 50 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to count threads")
def test_another_thread_would_keep_what_this_one_gives_up():
    code = (
        "import threading; from keras_inception import sandbox\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "sandbox.close(1 << 30)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "RuntimeError: other threads would keep" in done.stderr
