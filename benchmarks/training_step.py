"""Training steps of GoogLeNet with batch normalization, against torchvision's, taking turns.

    python benchmarks/training_step.py

float32 unless it says otherwise, 96x96, batches of 64, SGD with momentum, images in memory. Every
contender is a process of its own that waits while another has its turn; a turn is a few steps. CPU
seconds stand beside the wall's: where their ratio differs, another program had the cores.
torchvision needs `pip install torch` and `pip install --no-deps torchvision`; without them its
rows are left out.
"""

import os
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec

BATCH, SIZE, STEPS, TURNS = 64, 96, 4, 7
#: name -> backend, precision
OURS = {
    "model.fit, TensorFlow": ("tensorflow", "float32"),
    "model.fit, JAX": ("jax", "float32"),
    "model.fit, TensorFlow, mixed_bfloat16": ("tensorflow", "mixed_bfloat16"),
}
THEIRS = {"torchvision": False, "torchvision, channels_last": True}


def ours(backend: str, precision: str):
    """A function that trains for STEPS steps."""
    os.environ |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    import keras
    import numpy as np

    import keras_inception as ki

    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(precision)
    model = ki.GoogLeNet(norm="batch", input_shape=(SIZE, SIZE, 3))
    model.compile(
        optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="sparse_categorical_crossentropy"
    )
    images = np.random.default_rng(0).random((STEPS * BATCH, SIZE, SIZE, 3), np.float32)
    labels = np.arange(len(images)) % 1000
    if backend != "tensorflow":
        return lambda: model.fit(images, labels, batch_size=BATCH, shuffle=False, verbose=0)
    import tensorflow as tf

    # Of arrays Keras makes a queue whose autotuner is slow to end: that is no step.
    options = tf.data.Options()
    options.autotune.enabled = False
    batches = tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH)
    batches = batches.prefetch(2).with_options(options)
    return lambda: model.fit(batches, verbose=0)


def theirs(channels_last: bool):
    """A function that trains for STEPS steps."""
    import torch
    from torch.nn.functional import cross_entropy

    # Its compiled operators are for detection, and not loadable beside every torch.
    torch.library.register_fake = lambda *_, **__: lambda f: f
    from torchvision.models import googlenet

    layout = torch.channels_last if channels_last else torch.contiguous_format
    torch.set_num_threads(os.cpu_count())
    model = googlenet(aux_logits=False, init_weights=False).train().to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    images = torch.rand(STEPS, BATCH, 3, SIZE, SIZE)
    labels = torch.arange(BATCH)

    def steps():
        for batch in images:
            optimizer.zero_grad(set_to_none=True)
            cross_entropy(model(batch.to(memory_format=layout)), labels).backward()
            optimizer.step()

    return steps


def contend(name: str) -> None:
    """Take a turn for every line that comes in, and say how long it took."""
    steps = ours(*OURS[name]) if name in OURS else theirs(THEIRS[name])
    steps()
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        steps()
        print("turn", time.perf_counter() - wall, time.process_time() - cpu, flush=True)


def turn(process) -> tuple[float, float]:
    process.stdin.write("go\n")
    process.stdin.flush()
    for line in process.stdout:
        if line.startswith("turn"):
            return tuple(map(float, line.split()[1:]))
    raise SystemExit("a contender died")


def main() -> None:
    names = [*OURS, *(THEIRS if find_spec("torch") and find_spec("torchvision") else ())]
    contenders = {
        name: subprocess.Popen(
            [sys.executable, __file__, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for name in names
    }
    times = {name: [turn(process) for _ in range(1)][1:] for name, process in contenders.items()}
    for _ in range(TURNS):
        for name, process in contenders.items():
            times[name].append(turn(process))
    for process in contenders.values():
        process.stdin.close()
    print(f"{'contender':<40} images/s  images per CPU second")
    for name, turns in times.items():
        wall, cpu = (statistics.median(column) for column in zip(*turns, strict=True))
        images = STEPS * BATCH
        print(f"{name:<40} {images / wall:8.1f}  {images / cpu:21.1f}")


if __name__ == "__main__":
    contend(sys.argv[1]) if len(sys.argv) > 1 else main()
