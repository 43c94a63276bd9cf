"""What is installed is told, and what must not be."""

import importlib.metadata

import pytest

from keras_inception import cli, environment


@pytest.fixture
def installed(monkeypatch):
    """Versions of packages that are said to be installed instead of those that are."""
    real, others = importlib.metadata.version, {}

    def version(name):
        if others.get(name, real) is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return others.get(name) or real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    return others


def test_here_all_is_as_it_must_be(capsys):
    assert cli.main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("keras-inception", "pillow", "backend", "devices"))


@pytest.mark.parametrize(
    ("name", "version"),
    [("pillow", "12.9.0"), ("keras", "3.11.0"), ("keras", "3.15.0"), ("h5py", "3.11.0")],
)
def test_a_release_with_a_known_hole_is_named(name, version, installed, capsys):
    installed[name] = version
    assert cli.main(["doctor"]) == 2
    assert f"{name} {version} is not among" in capsys.readouterr().out


def test_what_is_missing_is_named_with_its_extra(installed):
    installed["ai-edge-litert"] = None
    assert environment.missing() == [
        'ai-edge-litert is not installed: pip install "keras-inception[tflite]"'
    ]
    assert "ai-edge-litert" not in environment.versions()
