// The page: a photo or the camera in, the first five classes and the milliseconds out.

import { decoded, drawn, requireTruePixels } from "./drawing.js";
import { centre, encoded, grey, onWhite } from "./pixels.js";

const WASM = new URL("node_modules/@litertjs/core/wasm/", document.baseURI).href;
const TOP = 5;
// The camera's times are shown as the median of so many.
const REMEMBERED = 30;

const element = (id) => document.getElementById(id);
const [drop, view, status, error] = ["drop", "view", "status", "error"].map(element);
const [choose, camera, chosen] = ["choose", "camera", "file"].map(element);

let litert, model, description;
let filming = null;

function say(text) {
  status.textContent = text;
  error.hidden = true;
}

function fail(text) {
  error.textContent = text;
  error.hidden = false;
  status.textContent = "";
}

async function fetched(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${answer.statusText}`);
  return answer;
}

async function load() {
  if (location.protocol === "file:") {
    return fail("Browsers load no model from a file: serve this folder, " +
      "python3 -m http.server --bind 127.0.0.1, and open http://127.0.0.1:8000.");
  }
  try {
    litert = await import("@litertjs/core");
  } catch {
    return fail("The runtime is not installed: run npm install in this folder, and reload.");
  }
  try {
    description = await (await fetched("model.json")).json();
    document.title = element("name").textContent = description.name;
    const content = new Uint8Array(await (await fetched("model.tflite")).arrayBuffer());
    await requireTruePixels();
    await litert.loadLiteRt(WASM);
    model = await litert.loadAndCompile(content, { accelerator: "wasm" });
    const { size, classes } = description;
    element("facts").textContent =
      `${classes.length} classes, ${size} × ${size} pixels, ` +
      `${(content.length / 1e6).toFixed(1)} MB. Runs in this browser; no picture leaves it.`;
    await scores(new Uint8ClampedArray(4 * size * size)); // the first run is slower
    choose.disabled = camera.disabled = false;
    say("Ready.");
  } catch (problem) {
    fail(`The model cannot be run: ${problem.message ?? problem}`);
  }
}

async function scores(image) {
  const [input] = model.getInputDetails();
  const pixels = encoded(image, description.input, description.order, input.dtype);
  const given = new litert.Tensor(pixels, [...input.shape]);
  const began = performance.now();
  const [output] = await model.run(given);
  const found = await output.data();
  const milliseconds = performance.now() - began;
  const { scale, zero_point: zero, probabilities } = description.output;
  const values = Array.from(found, (value) => (scale ? scale * (value - zero) : value));
  given.delete();
  output.delete();
  return { values: probabilities ? values : softmax(values), milliseconds };
}

// A file may end before the softmax.
function softmax(values) {
  const largest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - largest));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

async function classify(source, width, height, orientation = 1) {
  const { size, short_side: short, interpolation } = description;
  const picture = drawn(source, width, height);
  onWhite(picture);
  if (description.input.length === 1) grey(picture);
  const image = centre(picture, orientation, size, short, interpolation);
  view.width = view.height = size;
  view.getContext("2d").putImageData(new ImageData(image, size, size), 0, 0);
  view.hidden = false;
  element("hint").hidden = true;
  drop.classList.add("filled");
  return scores(image);
}

function show({ values }, milliseconds) {
  const order = values.map((_, i) => i).sort((a, b) => values[b] - values[a]).slice(0, TOP);
  element("classes").replaceChildren(
    ...order.map((i) => {
      const row = document.createElement("li");
      row.style.setProperty("--share", values[i]);
      row.dataset.index = i;
      row.dataset.score = values[i];
      for (const text of [description.classes[i], `${(100 * values[i]).toFixed(1)} %`]) {
        row.appendChild(document.createElement("span")).textContent = text;
      }
      return row;
    }),
  );
  element("milliseconds").textContent = milliseconds.toFixed(1);
  element("time").hidden = false;
  return description.classes[order[0]];
}

async function photograph(file) {
  if (!model) return;
  if (!file) return fail("What was dropped is not a file.");
  stop();
  let decoding;
  try {
    decoding = await decoded(file);
  } catch {
    return fail(`${file.name} is not a picture that this browser can decode: ` +
      "it is damaged, or of another kind.");
  }
  const { bitmap, orientation } = decoding;
  try {
    const found = await classify(bitmap, bitmap.width, bitmap.height, orientation);
    const first = show(found, found.milliseconds);
    view.setAttribute("aria-label", `What the network sees of ${file.name}`);
    say(`${file.name}: ${first}.`);
  } catch (problem) {
    fail(`${file.name} could not be classified: ${problem.message ?? problem}.`);
  } finally {
    bitmap.close();
  }
}

async function film() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (problem) {
    const reasons = {
      NotAllowedError: "this page may not use it. Allow it in the browser's settings of this site",
      NotFoundError: "there is none",
      NotReadableError: "another program has it",
    };
    return fail(`The camera cannot be used: ${reasons[problem.name] ?? problem.message}.`);
  }
  const video = document.createElement("video");
  video.srcObject = stream;
  video.muted = video.playsInline = true;
  const mine = (filming = { stream });
  camera.setAttribute("aria-pressed", "true");
  camera.textContent = "Stop the camera";
  view.setAttribute("aria-label", "What the network sees of the camera's picture");
  say("The camera is on.");
  const times = [];
  try {
    await video.play();
    while (filming === mine) {
      const found = await classify(video, video.videoWidth, video.videoHeight);
      times.push(found.milliseconds);
      if (times.length > REMEMBERED) times.shift();
      show(found, [...times].sort((a, b) => a - b)[times.length >> 1]);
      await new Promise(requestAnimationFrame);
    }
  } catch (problem) {
    if (filming === mine) {
      stop();
      fail(`The camera stopped: ${problem.message ?? problem}`);
    }
  }
}

function stop() {
  if (!filming) return;
  filming.stream.getTracks().forEach((track) => track.stop());
  filming = null;
  camera.setAttribute("aria-pressed", "false");
  camera.textContent = "Use the camera";
  say("The camera is off.");
}

choose.addEventListener("click", () => chosen.click());
chosen.addEventListener("change", () => {
  if (chosen.files.length) photograph(chosen.files[0]);
  chosen.value = "";
});
camera.addEventListener("click", () => (filming ? stop() : film()));
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
addEventListener("dragleave", () => drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  photograph(event.dataTransfer.files[0]);
});
addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) photograph(event.clipboardData.files[0]);
});

load();
