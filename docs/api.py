"""Writes docs/api.md, from what the packages export: `python docs/api.py > docs/api.md`."""

import importlib
import inspect
import pydoc
import re
from types import ModuleType

PACKAGES = ("keras_inception", "keras_inception.training", "keras_inception.tflite")
HEAD = """\
# The Python interface

Generated from the docstrings by `python docs/api.py > docs/api.md`.

Everything after the first argument is given by keyword, under the names of the command line's
options; the builders take the arguments of `keras.applications` in their order. What cannot be
used raises `keras_inception.BadInput`, a `ValueError`, with one sentence.
"""


class _Bare(str):
    """An annotation that is printed without quotation marks."""

    __repr__ = str.__str__


def signature(name: str, value) -> str:
    """`name(...)`, with an argument on each line where one line is too short."""
    found = inspect.signature(value)
    arguments = [
        each.replace(annotation=_Bare(each.annotation))
        if isinstance(each.annotation, str)
        else each
        for each in found.parameters.values()
    ]
    result = found.return_annotation
    result = _Bare(result) if isinstance(result, str) else result
    found = found.replace(parameters=arguments, return_annotation=result)
    line = f"{name}{found}"
    if len(line) <= 88:
        return line
    lines, marked = [], False
    for argument in found.parameters.values():
        if argument.kind is argument.KEYWORD_ONLY and not marked:
            lines.append("*")
            marked = True
        lines.append(str(argument))
    listed = "".join(f"    {line},\n" for line in lines)
    gives = "" if result is inspect.Signature.empty else f" -> {result}"
    return f"{name}(\n{listed}){gives}"


def entry(package: str, name: str) -> str:
    value = getattr(importlib.import_module(package), name)
    lines = [f"### `{package}.{name}`", ""]
    if isinstance(value, ModuleType):
        inside = [f"{name}.{n}" for n in sorted(vars(value)) if _is_public(value, n)]
        return "\n".join([*lines, f"{inspect.getdoc(value)} {', '.join(inside)}.", ""])
    if isinstance(value, type) and issubclass(value, Exception):
        return "\n".join([*lines, inspect.getdoc(value), ""])
    lines += ["```text", signature(name, value), "", inspect.getdoc(value), "```", ""]
    return "\n".join(lines)


def _is_public(module: ModuleType, name: str) -> bool:
    value = getattr(module, name)
    return inspect.isfunction(value) and value.__module__ == module.__name__


def page() -> str:
    """docs/api.md."""
    import keras_inception

    names = ", ".join(name for name in dir(keras_inception) if not name.startswith("_"))
    shown = pydoc.render_doc(keras_inception.features, renderer=pydoc.plaintext).strip()
    shown = re.sub(r"(?m) +$", "", shown)  # Before Python 3.13 empty lines are indented.
    parts = [
        HEAD,
        "`keras_inception.<TAB>` offers",
        "",
        f"> {names}",
        "",
        "and `help(keras_inception.features)` says",
        "",
        "```text",
        shown,
        "```",
        "",
    ]
    for package in PACKAGES:
        module = importlib.import_module(package)
        parts += [f"## {package}", "", inspect.getdoc(module), ""]
        for name in sorted(module.__all__):
            own = getattr(getattr(module, name), "__name__", name).rpartition(".")[2]
            if own == name:
                parts.append(entry(package, name))
            else:
                parts += [f"### `{package}.{name}`", "", f"The same as `{own}`.", ""]
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    print(page(), end="")
