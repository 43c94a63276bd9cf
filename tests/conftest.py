"""What the tests share: quiet frameworks, the data beside the checkout, one small trained run."""

import os
import shutil
import threading
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Each of two processes has one of two cores: threads of one would wait for those of the other.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

pytest.register_assert_rewrite("helpers")

from helpers.cpu_limit import pytest_runtest_call  # noqa: E402, F401
from helpers.once import made_once  # noqa: E402

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared():
    """The folder of real data and weights that stands beside the project's own checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the real data in {SHARED}, which a plain clone does not have")
    return SHARED


def pytest_collection_modifyitems(items):
    """What needs the trained run comes first: so one process has it, and none waits for another."""
    made = {item.path for item in items if "run" in item.fixturenames}
    items.sort(key=lambda item: item.path not in made)


@pytest.fixture(scope="session", autouse=True)
def no_trial():
    """Trainings begin at once: how fast images come is one test's matter."""
    from keras_inception.training.data import input_rate

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(input_rate, "TRIAL", 0)
        yield


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A GoogLeNet to its second head, trained for a few epochs on the embedded digits, with
    histograms."""
    from helpers.networks import to_heads

    from keras_inception.training import fit
    from keras_inception.training.recipes.recipe import recipe_for
    from keras_inception.training.run import run_folder
    from keras_inception.training.tensorboard.board import BoardOptions

    recipe = recipe_for("digits", width=0.25, aux=True, epochs=6)

    def make(folder):
        network_of = fit.network_of
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fit, "network_of", lambda *arguments: to_heads(network_of(*arguments)))
            fit.start(recipe, folder, BoardOptions(histograms=True))

    return run_folder.read(made_once(tmp_path_factory, "run", make))


@pytest.fixture
def tiny_network(monkeypatch):
    """Trainings in this process are of the network of helpers.tiny_run."""
    from helpers import tiny_run

    from keras_inception.training import fit

    monkeypatch.setattr(fit, "network_of", tiny_run.network_of)


@pytest.fixture(scope="session")
def tiny_runs(tmp_path_factory):
    """The tiny network's run in the folder `whole`, and as it was after two epochs in `stopped`."""
    from helpers import tiny_run

    from keras_inception.training import fit
    from keras_inception.training.recipes.recipe import recipe_for

    finish = fit.Divergence.on_epoch_end

    def make(folder):
        def copy(self, epoch, logs=None):
            if epoch == 2:  # The third is done, but not kept yet.
                shutil.copytree(folder / "whole", folder / "stopped")
            finish(self, epoch, logs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fit, "network_of", tiny_run.network_of)
            patch.setattr(fit.Divergence, "on_epoch_end", copy)
            fit.start(recipe_for("digits", **tiny_run.OPTIONS), folder / "whole")

    return made_once(tmp_path_factory, "tiny", make)


@pytest.fixture(scope="session")
def whole(tiny_runs):
    """The tiny network's run, never interrupted."""
    from keras_inception.training.run import run_folder

    return run_folder.read(tiny_runs / "whole")


@pytest.fixture
def stopped(tiny_runs, tmp_path):
    """The folder of the same run that ended, without a word, once two of three epochs were kept."""
    return shutil.copytree(tiny_runs / "stopped", tmp_path / "run")


def _delivered(factory, run, kind, deliver):
    """The run's file of that kind, which `deliver` makes of a copy of its folder."""

    def make(folder):
        shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("*.tflite"))
        deliver(folder)

    made = made_once(factory, kind, make)
    shutil.copytree(made, run.folder, dirs_exist_ok=True)
    return run.folder / f"googlenet_{kind}.tflite"


@pytest.fixture(scope="session")
def int8_qat(run, tmp_path_factory):
    """The run's quantization-aware INT8 file, uint8 in and out."""
    from keras_inception.tflite.exporting import quantize

    return _delivered(tmp_path_factory, run, "int8_qat", quantize)


@pytest.fixture(scope="session")
def int8(run, tmp_path_factory):
    """The run's post-training INT8 file, uint8 in and out."""
    from keras_inception.tflite.exporting import export

    return _delivered(tmp_path_factory, run, "int8", lambda folder: export(folder, scheme="int8"))


@pytest.fixture(scope="session")
def float32(run, tmp_path_factory):
    """The run's float32 file."""
    from keras_inception.tflite.exporting import export

    return _delivered(
        tmp_path_factory, run, "float32", lambda folder: export(folder, scheme="float32")
    )


@pytest.fixture(scope="session")
def crashing():
    """A small `.tflite` file that kills LiteRT."""
    from helpers import tflite_files

    found = tflite_files.crashing()
    if found is None:
        pytest.skip("no damage of one byte crashes this release of LiteRT")
    return found


@pytest.fixture
def target(tmp_path, monkeypatch):
    """Where the file that `server` has is kept, in a cache of the test's own."""
    from keras_inception.weights import download

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("KERAS_INCEPTION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "PAUSES", (0, 0, 0))
    return tmp_path / "cache" / "weights.bin"


@pytest.fixture
def server(target):
    """A server of one file, which misbehaves as told."""
    from helpers.server import Server

    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.opened.set()
        running.shutdown()


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless Chromium with a camera that films a test picture."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "no-first-run",
        "use-fake-device-for-media-stream",
        "use-fake-ui-for-media-stream",
        "window-size=1200,2400",
        f"user-data-dir={tmp_path_factory.mktemp('browser')}",
    ):
        options.add_argument(f"--{flag}")
    running = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield running
    running.quit()


@pytest.fixture
def shared_child(monkeypatch):
    """One child for many files, started anew only when it has died; counts the starts."""
    from keras_inception.tflite.benchmarking import latency
    from keras_inception.tflite.file import guard

    alive, start = [], guard.Process

    def process(name, size, *_):
        if not alive or alive[-1]._child.poll() is not None:
            modules = (latency.operator_timing.__name__, "keras_inception.tflite.metadata.writing")
            alive.append(start(name, size, *modules))
        alive[-1]._name = name
        return alive[-1]

    monkeypatch.setattr(guard, "Process", process)
    return alive
