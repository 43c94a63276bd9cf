"""Losses and accuracy side by side, on the CPU and the GPU, in every precision; and a run that was
stopped and resumed beside one that was not.

With arguments a process of its own: `train NETWORK POLICY` or `run FOLDER`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from .setting import SETTING, network_of, seconds_left, tell

NETWORKS = SETTING.of(("googlenet", "inception_v3"), ("googlenet",))
#: name -> policy, and whether on the CPU
WAYS = {
    "float32, CPU": ("float32", True),
    "float32": ("float32", False),
    "mixed_float16": ("mixed_float16", False),
    "mixed_bfloat16": ("mixed_bfloat16", False),
}
if SETTING.rehearse:
    del WAYS["float32"], WAYS["mixed_bfloat16"]
STEPS, BATCH, SIZE = SETTING.of((64, 32, 96), (8, 8, 75))
QUARTERS = 4
RUN = {"network": "googlenet", "width": 0.25, "epochs": 6, "batch_size": 32, "aux": True}
RUN |= {"image_size": SETTING.of(64, 75), "precision": "mixed_float16", "dropout": 0.4}
#: Here it matters what comes out, not how soon: to look for the fastest convolutions takes long.
UNTUNED = "--xla_gpu_autotune_level=0"
#: XLA's, so that equal steps are equal to the bit.
DETERMINISTIC = "--xla_gpu_deterministic_ops=true"


def main() -> None:
    for network in NETWORKS:
        jobs = {way: _child("train", network, *how[:1], cpu=how[1]) for way, how in WAYS.items()}
        reference = None
        for way, job in jobs.items():
            if row := _answer(job):
                losses = np.array(row["losses"])
                reference = losses if reference is None else reference
                off = float(np.max(np.abs(losses - reference) / reference))
                tell(f"{network} at a quarter of its width, {way}", **row, off_the_first=off)
        if network == NETWORKS[0]:
            runs = {name: Path(SETTING.scratch, "runs", name) for name in ("whole", "stopped")}
            _stopped_and_resumed(runs, {name: _child("run", runs[name]) for name in runs})


def _child(*arguments, cpu: bool = False) -> subprocess.Popen:
    more = {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {UNTUNED}"}
    if arguments[0] == "run":
        more["XLA_FLAGS"] += f" {DETERMINISTIC}"
        more["TF_DETERMINISTIC_OPS"] = "1"
    if cpu:
        more |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(
        [sys.executable, "-m", "gpu_parts.right", *map(str, arguments)],
        env=os.environ | more,
        stdout=subprocess.PIPE,
        text=True,
    )


def _answer(job: subprocess.Popen) -> dict | None:
    try:
        out, _ = job.communicate(timeout=seconds_left() - 1)
    except subprocess.TimeoutExpired:
        out = ""
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if not lines:
        tell("no answer", of=" ".join(job.args[3:]))
    return json.loads(lines[-1]) if lines else None


def train(network: str, policy: str) -> dict:
    """A short training by `model.fit` on the first photographs, and how they are classified."""
    import keras

    from keras_inception.builder import build
    from keras_inception.costs import smallest_input
    from keras_inception.preprocess import Preprocessing
    from keras_inception.training.data import DataRef
    from keras_inception.training.data.evaluation_pixels import pixels
    from keras_inception.training.recipes.optimizers import optimizer_for
    from keras_inception.training.recipes.recipe import recipe_for

    asked = {"network": network, "width": 0.25, "aux": True, "learning_rate": 0.02}
    recipe = recipe_for(SETTING.data, image_size=SIZE, **asked)
    examples = DataRef.of(recipe).split().train
    net = network_of(recipe, examples.channels, len(examples.classes))
    size = max(SIZE, smallest_input(net))
    net = replace(net, input_shape=(size, size, examples.channels))
    order = np.random.default_rng(0).permutation(len(examples))[: STEPS * BATCH]
    expected = Preprocessing()
    images = expected(pixels(examples.take(order), size, expected))
    labels = examples.labels[order]
    keras.utils.set_random_seed(0)
    model = build(net, keras, dtype=policy)
    optimizer = optimizer_for(recipe, STEPS, policy)
    if policy == "mixed_float16":
        optimizer.dynamic_growth_steps = STEPS // QUARTERS  # else it would grow after 2,000
    model.compile(optimizer, recipe.loss, metrics=["accuracy"])
    scales = []

    def note(batch, logs):
        if policy == "mixed_float16" and batch % 4 == 3:
            if hasattr(model, "jax_state_sync"):
                model.jax_state_sync()
            scales.append(float(keras.ops.convert_to_numpy(optimizer.dynamic_scale)))

    began = time.monotonic()
    history = []
    for quarter in np.array_split(np.arange(len(images)), QUARTERS):
        fitted = model.fit(
            images[quarter],
            labels[quarter],
            batch_size=BATCH,
            verbose=0,
            shuffle=False,
            callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=note)],
        )
        history.append(fitted.history)
    outputs = model.predict(images, batch_size=BATCH, verbose=0)
    main = outputs[0] if isinstance(outputs, list) else outputs
    moving = [v for v in model.variables if "moving" in v.path]
    loss = model.compute_loss(y=labels[:BATCH], y_pred=model(images[:BATCH]))
    return {
        "losses": [float(each["loss"][0]) for each in history],
        "accuracy": float(np.mean(np.argmax(main, -1) == labels)),
        "finite": bool(all(np.isfinite(np.asarray(v)).all() for v in model.variables)),
        "scores": str(main.dtype),
        "loss": keras.backend.standardize_dtype(loss.dtype),
        "statistics": str(moving[0].dtype),
        **({"loss_scale": [min(scales), max(scales), scales[-1]]} if scales else {}),
        "seconds": round(time.monotonic() - began, 1),
    }


def run(folder: Path) -> None:
    """Train, or go on; told `stopped`, stop after the second epoch as a system would."""
    from keras_inception import training
    from keras_inception.training import fit

    fit.network_of = network_of
    if (folder / "run.json").exists():
        training.resume(folder)
    else:
        training.train(SETTING.data, run=folder, **RUN)


def _stopped_and_resumed(runs, children) -> None:
    second = runs["stopped"] / "checkpoints" / "epoch-0002.npz"
    while not second.exists() and children["stopped"].poll() is None:
        if seconds_left() < 15:
            tell("a run stopped and resumed", is_="not reached in its time")
            return
        time.sleep(0.02)
    children["stopped"].send_signal(signal.SIGTERM)
    children["stopped"].wait()
    last = max(path.stem for path in second.parent.glob("*.npz"))
    children["resumed"] = _child("run", runs["stopped"])
    for name in ("whole", "resumed"):
        children[name].wait(seconds_left())
    from keras_inception import load_model

    weights = [load_model(each / "model.keras").get_weights() for each in runs.values()]
    off = max(float(np.max(np.abs(a - b))) for a, b in zip(*weights, strict=True))
    records = [json.loads((each / "run.json").read_text("utf-8")) for each in runs.values()]
    results = [record["result"] for record in records]
    tell(
        "a run stopped and resumed beside one that was not",
        stopped_after=last,
        largest_difference_of_weights=off,
        top1=[result["top1"] for result in results],
        loss=[result["loss"] for result in results],
    )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    elif sys.argv[1] == "train":
        print(json.dumps(train(*sys.argv[2:])), flush=True)
    else:
        run(Path(sys.argv[2]))
