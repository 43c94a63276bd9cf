"""The code is laid out as docs/architecture.md says: imports go down, and start light."""

import ast
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = {
    "keras_inception.errors": 0,
    "keras_inception.spec": 0,
    "keras_inception.escaping": 0,
    "keras_inception.class_matching": 3,
    "keras_inception.environment": 1,
    "keras_inception.label_files": 2,
    "keras_inception.records": 1,
    "keras_inception.locks": 1,
    "keras_inception.files": 2,
    "keras_inception.native_output": 0,
    "keras_inception.children": 0,
    "keras_inception.sandbox": 0,
    "keras_inception.nodes": 1,
    "keras_inception.networks": 2,
    "keras_inception.transform": 2,
    "keras_inception.costs": 1,
    "keras_inception.preprocess": 1,
    "keras_inception.imagenet": 1,
    "keras_inception.serialization": 2,
    "keras_inception.layers": 1,
    "keras_inception.builder": 3,
    "keras_inception.inference": 3,
    "keras_inception.plot": 3,
    "keras_inception.table": 3,
    "keras_inception.variants": 3,
    "keras_inception.weights": 4,
    "keras_inception.applications": 5,
    "keras_inception.blocks": 5,
    "keras_inception.saving": 5,
    "keras_inception.surgery": 5,
    "keras_inception.catalog": 5,
    "keras_inception.lazy": 1,
    "keras_inception.protobuf": 1,
    "keras_inception.images": 3,
    "keras_inception.crops": 4,
    "keras_inception.metrics": 2,
    "keras_inception.outputs": 3,
    "keras_inception": 14,
    "keras_inception.training": 6,
    "keras_inception.tflite.schemes": 7,
    "keras_inception.tflite.file": 7,
    "keras_inception.tflite.keras_graph": 7,
    "keras_inception.tflite.metadata": 8,
    "keras_inception.tflite.benchmarking": 8,
    "keras_inception.tflite.upstream_fixes": 8,
    "keras_inception.tflite.convert": 9,
    "keras_inception.tflite.qat": 10,
    "keras_inception.tflite.checks": 11,
    "keras_inception.evaluation": 9,
    "keras_inception.tflite": 12,
    "keras_inception.cli": 13,
}
PACKAGES = ("keras_inception", "training", "tflite")


def sources():
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def module_of(path):
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[0] != "keras_inception":
        parts.insert(0, "keras_inception")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module):
    while module not in LAYERS:
        module = module.rpartition(".")[0]
    return module, LAYERS[module]


def imported(path):
    """The modules of ours that a file imports, inside functions too."""
    names = {module_of(p) for p in sources()}
    package = module_of(path) if path.stem == "__init__" else module_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level]
            base = ".".join([*base, node.module or ""]).strip(".") if node.level else node.module
            for alias in node.names:
                name = f"{base}.{alias.name}"
                if name in names:
                    yield name
                elif base in names:
                    yield base


def test_imports_go_down_only():
    climbing = []
    for path in sources():
        package, here = layer_of(module_of(path))
        for name in imported(path):
            other, there = layer_of(name)
            if there >= here and other != package:
                climbing.append(f"{module_of(path)} (layer {here}) imports {name} (layer {there})")
    assert not climbing


def test_no_two_files_import_each_other():
    """Nor three in a ring, anywhere: what is read first then needs nothing that comes later."""
    imports = {module_of(path): {*imported(path)} - {module_of(path)} for path in sources()}
    while leaves := [module for module, others in imports.items() if not others & imports.keys()]:
        for module in leaves:
            del imports[module]
    assert not imports, sorted(imports)


def test_the_import_reader_sees_relative_imports():
    """The test above would pass on an empty list of imports."""
    found = set(imported(ROOT / "keras_inception" / "builder.py"))
    assert {"keras_inception.layers", "keras_inception.costs"} <= found
    assert "keras_inception.training.fit" in set(
        imported(ROOT / "keras_inception" / "cli" / "train.py")
    )


def test_files_stay_small():
    """A soft bound: a file is split by sense, and not because a line would be one too many.

    The lines of docstrings do not count.
    """
    long = []
    for path in sources():
        text = path.read_text()
        described = sum(
            node.body[0].end_lineno - node.body[0].lineno + 1
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        )
        if text.count("\n") - described > 400:
            long.append(str(path.relative_to(ROOT)))
    assert long == []


@pytest.mark.parametrize("module", ["keras_inception", "keras_inception.training.recipes"])
def test_importing_imports_no_framework(module):
    code = f"import sys, {module}; print(*{{'tensorflow', 'keras', 'jax'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("folder", ["benchmarks", "docs", "examples"])
def test_what_stands_beside_the_package_finds_what_it_imports(folder):
    """The tests do not run benchmarks: a name that was moved would be missed when it is needed."""
    missing = []
    for path in (ROOT / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("keras_inception"):
                module = import_module(node.module)
                names = {alias.name for alias in node.names if not hasattr(module, alias.name)}
                missing += [name for name in names if not find_spec(f"{node.module}.{name}")]
    assert not missing
