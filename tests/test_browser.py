"""The page that runs a file in the browser: the same classes as LiteRT names in Python."""

import base64
import functools
import io
import json
import shutil
import subprocess
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from helpers import pictures, tflite_files
from helpers.tflite_files import graph_of
from PIL import Image

from keras_inception import cli
from keras_inception.errors import BadInput
from keras_inception.evaluation.classifier import open_classifier
from keras_inception.evaluation.prediction import predict
from keras_inception.images import centre, decode
from keras_inception.preprocess import Preprocessing
from keras_inception.tflite import browser as page
from keras_inception.tflite.exporting import export
from keras_inception.tflite.file.interpreter import File

RUNTIME = json.loads((Path(page.__file__).parent / "package.json").read_text())["dependencies"]
MODULES = Path(__file__).resolve().parents[1] / "node_modules"


@pytest.fixture
def path(tmp_path):
    """A small classifier file, uint8 in and out."""
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tflite_files.content())
    return path


def test_the_command_writes_a_page_with_its_description(path, tmp_path, capfd):
    folder = tmp_path / "page"
    assert cli.main(["browser", str(path), str(folder)]) == 0
    assert "npm install" in capfd.readouterr().out
    assert {"index.html", "model.tflite"} <= {each.name for each in folder.iterdir()}
    assert (folder / "model.tflite").read_bytes() == path.read_bytes()
    description = json.loads((folder / "model.json").read_text())
    assert description["size"] == description["short_side"] == 16
    assert description["output"] == {"scale": 1 / 256, "zero_point": 0, "probabilities": True}
    assert description["classes"] == [f"class {k}" for k in range(4)]
    assert all(version[0].isdigit() for version in RUNTIME.values())


def test_a_file_that_the_runtime_does_not_know_is_refused(path, tmp_path):
    path.write_bytes(tflite_files.content("int8"))
    with pytest.raises(BadInput, match=r"int8, which LiteRT\.js does not know; export it"):
        page.write(path, tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_pictures_of_every_size_are_turned_laid_on_white_and_scaled_as_in_python(tmp_path):
    """To the last bit, where the same pixels were decoded: 240 sizes, up and down."""
    if not shutil.which("node"):
        pytest.skip("needs node")
    found = list(pictures.pictures(240))
    pictures.written(tmp_path / "pictures", found)
    (tmp_path / "page").mkdir()
    for name in ("pixels.js", "orientation.js", "package.json"):
        shutil.copy(Path(page.__file__).parent / name, tmp_path / "page")
    program = Path(__file__).parent / "browser" / "pixels.mjs"
    command = ["node", program, tmp_path / "page", tmp_path / "pictures"]
    left = subprocess.run(command, capture_output=True, check=True).stdout
    for file, stored, size, how in found:
        cut, left = left[: 4 * size * size], left[4 * size * size :]
        theirs = np.frombuffer(cut, np.uint8).reshape(size, size, 4)[..., :3]
        np.testing.assert_array_equal(theirs, pictures.expected(file, size, how), str(stored.shape))
    assert not left


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def opened(browser, tmp_path):
    """Opens the page of a file, and waits until it is ready or says what is wrong."""
    servers = []

    def opened(path, runtime=True, spoil=lambda folder: None):
        folder = page.write(path, tmp_path / "page").parent
        if runtime:
            if not (MODULES / "@litertjs" / "core").is_dir():
                wanted = " ".join(f"{name}@{version}" for name, version in RUNTIME.items())
                pytest.skip(f"needs the runtime: npm install --no-save {wanted}")
            (folder / "node_modules").symlink_to(MODULES)
        spoil(folder)
        handler = functools.partial(Handler, directory=folder)
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        browser.get(f"http://127.0.0.1:{servers[-1].server_port}/index.html")
        until(browser, lambda: text(browser, "status") == "Ready." or text(browser, "error"))
        return browser

    yield opened
    browser.get("about:blank")
    for server in servers:
        server.shutdown()


def text(browser, name):
    return browser.find_element("id", name).get_attribute("textContent")


def until(browser, holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{text(browser, 'status')} {text(browser, 'error')}"
        time.sleep(0.05)


def seen(browser, photo):
    """The five classes that the page shows of a photo: {index: score}, and the first one's name."""
    browser.find_element("id", "file").send_keys(str(photo))
    until(browser, lambda: text(browser, "status").startswith(photo.name) or text(browser, "error"))
    assert not text(browser, "error")
    rows = browser.find_elements("css selector", "#classes li")
    scores = {int(row.get_dom_attribute("data-index")): row for row in rows}
    scores = {i: float(row.get_dom_attribute("data-score")) for i, row in scores.items()}
    return scores, text(browser, "status").removeprefix(f"{photo.name}: ").removesuffix(".")


def expected(path, photo):
    """All scores that LiteRT computes in Python."""
    subject = open_classifier(path)
    image = decode(photo.read_bytes(), "L" if subject.channels == 1 else "RGB")
    view = np.asarray(centre(image, subject.size, subject.preprocessing))
    shape = (1, subject.size, subject.size, subject.channels)
    return File(path).scores(subject.preprocessing(view.reshape(shape)))[0]


@pytest.fixture(scope="module")
def googlenet(shared, tmp_path_factory):
    """BVLC's GoogLeNet in INT8."""
    weights = shared / "weights" / "googlenet_bvlc_hwio.npz"
    out = tmp_path_factory.mktemp("googlenet")
    return export(weights, scheme="int8", images=shared / "data" / "photos", out=out).path


@pytest.mark.slow
def test_photographs_get_the_classes_that_python_gives(opened, googlenet, shared):
    browser = opened(googlenet)
    photos = sorted((shared / "data" / "photos").glob("*.jpg"))
    firsts, step = [], File(graph_of(googlenet).without_softmax()).output_step
    for photo in photos:
        scores, first = seen(browser, photo)
        (best, *_) = predict(googlenet, photographs=photo, top=1)[0]
        assert first == best[0]
        firsts.append(first)
        # JPEG decoders may differ by a grey level, which may move two logits by a step.
        theirs = expected(googlenet, photo)
        near = 2 * step * theirs * (1 - theirs) + 2 / 256
        assert all(abs(score - theirs[i]) <= near[i] for i, score in scores.items())
    assert {"chickadee", "macaw", "hotdog", "dragonfly"} <= set(firsts)
    assert float(text(browser, "milliseconds")) > 0


#: What the page cuts of the files `pictures/0`, …, by size, short side and filter; null if clear.
CUT = """
const [cases, done] = arguments;
(async () => {
  const { decoded, drawn } = await import("./drawing.js");
  const { centre, onWhite } = await import("./pixels.js");
  const cuts = [];
  for (const [k, size, short, filter] of cases) {
    const { bitmap, orientation } = await decoded(await (await fetch(`pictures/${k}`)).blob());
    try {
      const picture = drawn(bitmap, bitmap.width, bitmap.height);
      onWhite(picture);
      const cut = centre(picture, orientation, size, short, filter);
      cuts.push(btoa(Array.from(cut, (value) => String.fromCharCode(value)).join("")));
    } catch (problem) {
      if (!problem.message.includes("clear all over")) throw problem;
      cuts.push(null);
    }
  }
  done(cuts);
})().catch((problem) => done(String(problem)));
"""


def cuts(opened, path, found):
    """What the page makes of files, given with size and preprocessing: (size, size, 3) each."""

    def put(folder):
        (folder / "pictures").mkdir()
        for k, (content, *_) in enumerate(found):
            (folder / "pictures" / str(k)).write_bytes(content)

    cases = [
        (k, size, round(size / how.crop), how.interpolation)
        for k, (_, size, how) in enumerate(found)
    ]
    given = opened(path, spoil=put).execute_async_script(CUT, cases)
    assert isinstance(given, list), given
    for cut, (_, size, _) in zip(given, found, strict=True):
        pixels = cut and np.frombuffer(base64.b64decode(cut), np.uint8)
        yield pixels if pixels is None else pixels.reshape(size, size, 4)[..., :3]


@pytest.mark.slow
def test_what_a_browser_decodes_without_loss_is_pythons_to_the_bit(opened, path):
    """240 sizes, up and down, of PNG and WebP, turned as EXIF or XMP say, some partly clear."""
    found = [(each[0], *each[2:]) for each in pictures.pictures(240)]
    clear = 0
    for cut, each in zip(cuts(opened, path, found), found, strict=True):
        wanted = pictures.expected(*each)
        clear += cut is None
        np.testing.assert_array_equal(np.full_like(wanted, 255) if cut is None else cut, wanted)
    assert clear < 5  # single pixels


@pytest.mark.slow
def test_jpegs_are_decoded_within_a_bound_however_they_are_turned(opened, path, shared):
    """A browser decodes them by itself, to two grey levels and a tenth of one on average."""
    found, how = [], Preprocessing(crop=0.875)
    for k, photo in enumerate(sorted((shared / "data" / "photos").glob("*.jpg"))):
        turn = {"exif": pictures.exif_of(k % 8 + 1)} if k % 2 else {"xmp": pictures.xmp_of(k + 1)}
        content = io.BytesIO()
        quality = {"quality": 90, "progressive": k % 3 == 0, "subsampling": k % 3}
        Image.open(photo).convert("RGB").save(content, "JPEG", **turn, **quality)
        found += [(photo.read_bytes(), 224, how), (content.getvalue(), 96, how)]
    assert len(found) >= 18
    for cut, each in zip(cuts(opened, path, found), found, strict=True):
        apart = np.abs(cut.astype(int) - pictures.expected(*each))
        assert apart.mean() < 0.1 and apart.max() <= 2


@pytest.mark.slow
def test_scaling_is_that_of_training_to_the_bit(opened, googlenet, shared):
    """PNGs have one way to be decoded: every score is the same."""
    browser = opened(googlenet)
    for photo in sorted((shared / "data" / "photos" / "crops_224").glob("*.png")):
        scores, _ = seen(browser, photo)
        theirs = expected(googlenet, photo)
        assert scores == {i: theirs[i] for i in scores}
        assert min(scores.values()) >= np.sort(theirs)[-5]


@pytest.mark.slow
def test_grey_images_and_floats(opened, float32, shared):
    browser = opened(float32)
    for photo in sorted((shared / "data" / "photos" / "crops_224").glob("*.png"))[:3]:
        scores, _ = seen(browser, photo)
        theirs = expected(float32, photo)
        assert list(scores) == list(np.argsort(-theirs)[:5])
        np.testing.assert_allclose(list(scores.values()), np.sort(theirs)[::-1][:5], atol=1e-5)


@pytest.mark.slow
def test_the_camera(opened, path):
    browser = opened(path)
    button = browser.find_element("id", "camera")
    button.click()
    until(browser, lambda: text(browser, "milliseconds"))
    assert button.text == "Stop the camera"
    assert len(browser.find_elements("css selector", "#classes li")) == 4
    button.click()
    assert text(browser, "status") == "The camera is off." and not text(browser, "error")


@pytest.mark.slow
def test_what_is_wrong_is_said(opened, path, tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Image.new("RGBA", (30, 20)).save(tmp_path / "clear.png")
    browser = opened(path)
    for name, words in {
        "notes.txt": "notes.txt is not a picture",
        "torn.png": "torn.png is not a picture that this browser can decode",
        "clear.png": "nothing of its 30 × 20 pixels could be drawn",
    }.items():
        browser.find_element("id", "file").send_keys(str(tmp_path / name))
        until(browser, lambda words=words: words in text(browser, "error"))


@pytest.mark.slow
def test_a_model_that_cannot_be_run_is_said(opened, path):
    browser = opened(path, spoil=lambda folder: (folder / "model.tflite").write_bytes(b"torn"))
    assert "The model cannot be run" in text(browser, "error")


@pytest.mark.slow
def test_a_missing_runtime_is_said(opened, path):
    assert "run npm install in this folder" in text(opened(path, runtime=False), "error")
