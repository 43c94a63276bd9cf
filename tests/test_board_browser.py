"""TensorBoard itself, in a browser: what a person who watches a run sees on each of its pages."""

import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from keras_inception.training import fit
from keras_inception.training.recipes.recipe import recipe_for
from keras_inception.training.tensorboard.board import BoardOptions

pytestmark = pytest.mark.slow

#: The text on the page, that of the components' own trees included.
TEXT = """
const texts = [];
(function walk(node) {
  if (node.nodeType === Node.TEXT_NODE) texts.push(node.textContent.trim());
  if (["STYLE", "SCRIPT", "TEMPLATE"].includes(node.nodeName)) return;
  if (node.shadowRoot) walk(node.shadowRoot);
  node.childNodes.forEach(walk);
})(document.body);
return texts.filter(Boolean).join("\\n");
"""

#: How many pictures with pixels are shown.
PICTURES = """
let count = 0;
(function walk(node) {
  if (node.nodeName === "IMG" && node.src.includes("plugin/images") && node.naturalWidth) count++;
  if (node.shadowRoot) walk(node.shadowRoot);
  node.childNodes.forEach(walk);
})(document.body);
return count;
"""


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture(scope="module")
def url(browser, tmp_path_factory):
    """A TensorBoard on the folder of a small run, with histograms."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    recipe = recipe_for("digits", width=0.25, aux=True, epochs=3, image_size=24)
    run = fit.start(recipe, folder, BoardOptions(histograms=True))
    port = free_port()
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(run.tensorboard)]
    server = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)])
    address = f"http://127.0.0.1:{port}"
    try:
        answers(address)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def answers(address, seconds=120):
    until = time.monotonic() + seconds
    while True:
        try:
            return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def seen(browser, address, *texts, pictures=0, seconds=90):
    """Open a page and wait until it shows `texts` and that many pictures."""
    browser.get("about:blank")
    browser.get(address)
    until, missing = time.monotonic() + seconds, texts
    while missing or browser.execute_script(PICTURES) < pictures:
        shown = browser.execute_script(TEXT)
        missing = [text for text in texts if text not in shown]
        assert time.monotonic() < until, f"{missing or 'pictures'} not among: {shown}"
        time.sleep(0.5)


def test_scalars(browser, url):
    groups = ("gradient_norm", "weight_norm", "main", "aux1", "images_per_second", "learning_rate")
    seen(browser, f"{url}/?tagFilter=.#scalars", *groups, "validation", "train")


def test_pictures(browser, url):
    tags = [f"pictures/{name}" for name in ("samples", "confusion", "misclassified")]
    seen(browser, f"{url}/#images", *tags, pictures=3)


def test_histograms(browser, url):
    seen(browser, f"{url}/#histograms", "inception_3a", "conv1_7x7_s2")


def test_graph(browser, url):
    seen(browser, f"{url}/#graphs", "inception_3a", "inception_4d", "aux1", "image")


def test_hparams(browser, url):
    seen(browser, f"{url}/#hparams", "learning_rate", "image_size", "main/accuracy")


def test_text(browser, url):
    seen(browser, f"{url}/#text", "recipe", "run.json", "classes", "mostly taken for")
