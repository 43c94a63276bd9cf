"""Words out of files, escaped for the place where they are shown."""

from __future__ import annotations

import html
import re
import unicodedata

#: Controls; what turns the direction of writing or joins unseen; line ends; halves of characters
#: that are no text: they could change a terminal, or be taken for something else.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~=:$^])")


def terminal(text: str) -> str:
    """`text` as a terminal shows it without being told anything by it: `\\x1b` for ESC. Lines stay
    lines, and tabs tabs."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode()
        if char not in "\n\t" and unicodedata.category(char) in _UNSEEN
        else char
        for char in text
    )


def line(text: str) -> str:
    """The same on one line."""
    return terminal(text).replace("\n", "\\n").replace("\t", "\\t")


def markdown(text: str) -> str:
    """`text` as plain words of one line of Markdown, in a table's cell too."""
    return _MARKDOWN.sub(r"\\\1", html.escape(terminal(" ".join(text.split())), quote=False))
