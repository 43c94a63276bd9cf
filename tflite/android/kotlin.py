"""Python values as Kotlin source."""

from __future__ import annotations

import re

from keras_inception.errors import BadInput

_KEYWORDS = """
    as break class continue do else false for fun if in interface is null object package return
    super this throw true try typealias typeof val var when while
"""
_ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def string(text: str) -> str:
    """A string literal; everything but plain ASCII as \\uXXXX, in UTF-16 as Kotlin has it."""
    return '"' + "".join(map(_character, text)) + '"'


def _character(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if " " <= char <= "~":
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def comment(text: str) -> str:
    """Text that neither ends a comment nor begins another one."""
    return " ".join(text.split()).replace("*/", "* /").replace("/*", "/ *")


def floats(values) -> str:
    return ", ".join(f"{float(value)!r}f" for value in values)


def class_name(stem: str) -> str:
    """`GooglenetInt8` for googlenet_int8; `Model` before what no name can begin with."""
    words = re.findall(r"[A-Za-z0-9]+", stem)
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if re.match("[A-Z]", name) else f"Model{name}"


def require_package(package: str) -> None:
    parts, taken = package.split("."), _KEYWORDS.split()
    if not all(re.fullmatch("[a-z][a-z0-9_]*", part) and part not in taken for part in parts):
        raise BadInput(
            f"package must be small letters, digits and dots, as com.example.app, and no words of "
            f"Kotlin; got {package!r}"
        )
