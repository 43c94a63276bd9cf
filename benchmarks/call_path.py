"""The way through our code of what `export` is given, to the file that it becomes.

    python benchmarks/call_path.py RUN

Exports the run to INT8, in a copy, and counts what is called of ours meanwhile: named functions and
their files, the calls that lead from one file to another, and those of them that lead back up, into
a file that is still at work further up. A measure of how one has to walk to follow a value.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import keras_inception
from keras_inception.tflite import export

ROOT = Path(keras_inception.__file__).resolve().parents[1]
PACKAGES = tuple(f"{ROOT}/{name}/" for name in ("keras_inception", "training", "tflite"))


class CallPath:
    """What is called of ours, as `sys.setprofile` tells of it."""

    def __init__(self):
        self.functions, self.edges = set(), {}

    def __call__(self, frame, event, argument):
        code = frame.f_code
        if event != "call" or not is_ours(code):
            return
        self.functions.add(code)
        above = []
        while frame := frame.f_back:
            if is_ours(frame.f_code):
                above.append(frame.f_code)
        if above and above[0].co_filename != code.co_filename:
            files = {each.co_filename for each in above}
            self.edges[above[0], code] = code.co_filename in files


def is_ours(code) -> bool:
    return code.co_filename.startswith(PACKAGES) and not code.co_name.startswith("<")


def main(folder: str) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary, "run")
        shutil.copytree(folder, copy)
        path = CallPath()
        sys.setprofile(path)
        try:
            export(copy, scheme="int8")
        finally:
            sys.setprofile(None)
    files = {code.co_filename for code in path.functions}
    print(
        f"functions {len(path.functions)}, files {len(files)}, calls from file to file "
        f"{len(path.edges)}, of them back up {sum(path.edges.values())}"
    )
    for name in sorted(os.path.relpath(file, ROOT) for file in files):
        print(f"  {name}")


if __name__ == "__main__":
    main(sys.argv[1])
