"""The fenced blocks of the documentation, and what a reader who pastes them in order sees.

As a program it is that reader: blocks come as JSON on the standard input; commands go to a shell
of their own, Python to one session.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Python and commands are run unless a mark says why not; text is what they print, and the like.
RUN = ("console", "python")
LANGUAGES = (*RUN, "text")
MARK = re.compile(r"<!-- not run: (.+) -->")
FENCE = re.compile(r"^ *```(\S*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block: what is in it, the line of its first line, and why it is not run, if so."""

    language: str
    code: str
    line: int
    mark: str | None

    @property
    def is_run(self) -> bool:
        return self.language in RUN and self.mark is None


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page. A mark stands in the line directly before its fence."""
    found, begun, before = [], None, ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and begun is None:
            mark = MARK.fullmatch(before)
            begun = fence[1], number + 1, mark and mark[1], []
        elif fence:
            language, first, mark, lines = begun
            found.append(Block(language, "\n".join(lines), first, mark))
            begun = None
        elif begun:
            begun[3].append(line)
        before = line
    return found


def commands(code: str) -> list[list[str]]:
    """The commands of a console block, each as its words; comments and redirections left out."""
    found = []
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=";&|<>")
        words.whitespace_split = True
        found.append([])
        for word in words:
            if set(word) <= set(";&|<>"):
                found.append([])
            else:
                found[-1].append(word)
    return [words for words in found if words]


def read(page: str, parts: list[Block], folder: Path) -> str:
    """What a reader of `page` sees who pastes its blocks in `folder`. Raises AssertionError if one
    of them fails."""
    binaries = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-P", __file__, page],
        input=json.dumps([asdict(block) for block in parts]),
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def _paste(page: str, parts: list[dict]) -> None:
    session = {"__name__": "__main__"}
    for part in parts:
        print(f"{page}, line {part['line']}:\n{part['code']}", flush=True)
        if part["language"] == "python":
            exec(compile(part["code"], f"{page}, line {part['line']}", "exec"), session)
        else:
            subprocess.run(["bash", "-e", "-c", part["code"]], check=True)


if __name__ == "__main__":
    _paste(sys.argv[1], json.load(sys.stdin))
