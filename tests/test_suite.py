"""The suite itself: what is slow is marked, what is shared is made once."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent
LIMIT = """
from helpers import cpu_limit
from helpers.cpu_limit import pytest_runtest_call

cpu_limit.SECONDS = 0.3
"""
COMPUTING = """
import subprocess, sys, time
import pytest

COMPUTE = "import time\\nwhile time.process_time() < 0.6: pass"

def compute():
    end = time.process_time() + 0.6
    while time.process_time() < end:
        pass

@pytest.fixture
def shared():
    compute()

def test_computes():
    compute()

def test_lets_a_child_compute():
    subprocess.run([sys.executable, "-c", COMPUTE], check=True)

@pytest.mark.slow
def test_is_marked():
    compute()

def test_waits(shared):
    time.sleep(0.6)

def test_fails_of_itself():
    compute()
    assert False, "of itself"
"""
SHARING = """
import os, signal, time
from pathlib import Path

import pytest
from helpers.once import made_once

@pytest.fixture(scope="session")
def made(tmp_path_factory):
    def make(folder):
        folder.mkdir()
        with open("makers", "a") as makers:
            makers.write("x")
        if Path("makers").stat().st_size == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.5)
        (folder / "file").write_text("whole")
    return made_once(tmp_path_factory, "thing", make)

@pytest.mark.parametrize("number", range(6))
def test_has_one_of_its_own(made, number):
    assert (made / "file").read_text().startswith("whole")
    (made / "file").write_text(f"whole, and written to by {os.getpid()}")
    time.sleep(0.2)
    assert (made / "file").read_text().endswith(str(os.getpid()))
"""


def suite(folder, *options):
    """The output of pytest for the tests in `folder`."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    environment = {"PYTHONPATH": str(TESTS), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True
    ).stdout


def test_a_test_that_computes_for_long_fails_unless_it_is_marked(tmp_path):
    (tmp_path / "conftest.py").write_text(LIMIT)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    slow: takes minutes\n")
    (tmp_path / "test_computing.py").write_text(COMPUTING)
    out = suite(tmp_path, "-rA")
    for name in ("computes", "lets_a_child_compute", "fails_of_itself"):
        assert f"FAILED test_computing.py::test_{name}" in out
    for name in ("is_marked", "waits"):
        assert f"PASSED test_computing.py::test_{name}" in out
    assert out.count("is not marked slow may for 0.3") >= 2 and "AssertionError: of itself" in out


def test_what_is_shared_is_made_once_though_a_process_dies_over_it(tmp_path):
    """The first to make it is killed: another one does, and all have a copy of their own."""
    (tmp_path / "test_sharing.py").write_text(SHARING)
    out = suite(tmp_path, "-n", "2", f"--basetemp={tmp_path / 'temporary'}")
    assert "5 passed" in out and "1 failed" in out, out
    assert (tmp_path / "makers").read_text() == "xx"
