"""One of our own parsers, led by what it covers: atheris finds bytes that go where none went.

    pip install atheris && python -m fuzz.guided caffemodel -max_total_time=60

What follows the name are libFuzzer's options. It ends at the first fault.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris


def main(name: str, *options: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        scratch, seeds = Path(folder, "scratch"), Path(folder, "seeds")
        scratch.mkdir()
        seeds.mkdir()
        # What is imported when a file is opened is seen too.
        with atheris.instrument_imports(include=["keras_inception"], enable_loader_override=False):
            from .targets import TARGETS

            target = TARGETS[name]
            for number, content in enumerate(target.seeds(scratch)):
                (seeds / str(number)).write_bytes(content)
                assert target.attempt(content, scratch) == "opened"
        atheris.Setup(
            [sys.argv[0], *options, str(seeds)], lambda data: target.attempt(data, scratch)
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
