"""What runs here: Python, the packages, and which of them are not as this package needs them."""

from __future__ import annotations

import importlib.metadata
import platform

from packaging.requirements import Requirement

from .errors import EXTRAS

_OURS = "keras-inception"
PACKAGES = (
    _OURS,
    "keras",
    "tensorflow",
    "tf_keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "jax",
    "torch",
    "numpy",
    "pillow",
    "h5py",
    "safetensors",
)


def versions() -> dict[str, str]:
    """Python's and the installed packages' versions."""
    found = {"python": platform.python_version()}
    return found | {name: version for name in PACKAGES if (version := _installed(name))}


def unfit() -> list[str]:
    """A sentence for each installed package outside of the versions that setup.cfg allows, whose
    lower bounds for what reads files exclude releases with known holes."""
    found = []
    for text in importlib.metadata.requires(_OURS) or ():
        needed = Requirement(text)
        version = _installed(needed.name)
        if version and not needed.specifier.contains(version, prereleases=True):
            found.append(
                f"{needed.name} {version} is not among {needed.specifier}, which is tested and "
                f'without known holes: pip install "{needed.name}{needed.specifier}"'
            )
    return found


def missing() -> list[str]:
    """A sentence for each package of an extra that is not installed."""
    return [
        f'{name} is not installed: pip install "{_OURS}[{extra}]"'
        for name, extra in dict.fromkeys(EXTRAS.values())
        if not _installed(name)
    ]


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
