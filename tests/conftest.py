"""What the tests share: quiet frameworks, the data beside the checkout, one small trained run."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared():
    """The folder of real data and weights that stands beside the project's own checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the real data in {SHARED}, which a plain clone does not have")
    return SHARED


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A GoogLeNet with heads, trained for a few epochs on the embedded digits."""
    from keras_inception.training import fit
    from keras_inception.training.recipes import recipe_for

    recipe = recipe_for("digits", width=0.25, aux=True, epochs=6)
    return fit.start(recipe, tmp_path_factory.mktemp("runs") / "digits")


@pytest.fixture(scope="session")
def int8_qat(run):
    """The run's quantization-aware INT8 file, uint8 in and out."""
    from keras_inception.tflite.deliver import quantize

    return quantize(run.folder)


@pytest.fixture(scope="session")
def int8(run):
    """The run's post-training INT8 file, uint8 in and out."""
    from keras_inception.tflite.deliver import export

    return export(run.folder, "int8")


@pytest.fixture(scope="session")
def float32(run):
    """The run's float32 file."""
    from keras_inception.tflite.deliver import export

    return export(run.folder, "float32")
