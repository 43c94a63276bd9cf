"""A network that trains and infers on a batch that lies on the card, in a process of its own.

    python -m gpu_parts.contender SPECIFICATION

prepares what the lines of its input will ask for, `train` or `infer`, says `ready` with the seconds
that compiling took, and then for every line takes a turn and says how long it took.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

TURN = "turn "


@dataclass(frozen=True)
class Specification:
    """whose: "ours" (`model.fit` on `backend`), "torchvision" or "timm"; network: a name of ours;
    steps: how many a turn has; compiled: whether `torch.compile` makes it faster first."""

    whose: str
    network: str
    size: int
    batch: int
    steps: int
    backend: str = ""
    width: float = 1.0
    compiled: bool = False

    @property
    def name(self) -> str:
        if self.backend:
            return f"{self.whose} on {self.backend}"
        return f"{self.whose}, compiled" if self.compiled else self.whose


class Contender:
    """The process, seen from the one that has them take turns."""

    def __init__(self, specification: Specification):
        self.specification = specification
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gpu_parts.contender", json.dumps(asdict(specification))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def heard(self) -> dict:
        """What it says next; nothing if it has ended."""
        for line in self.process.stdout:
            if line.startswith(TURN):
                return json.loads(line.removeprefix(TURN))
        return {}

    def turn(self, kind: str) -> float | None:
        """Seconds of a turn; None if it has ended."""
        try:
            self.process.stdin.write(f"{kind}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        said = self.heard()
        return said.get("seconds")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def resident(images, labels, steps: int):
    """The same batch for every step, where it lies: no copy, no decoding. It has the epochs that
    fine-tuning counts."""
    import keras

    class Resident(keras.utils.PyDataset):
        epoch = 0

        def __len__(self):
            return steps

        def __getitem__(self, index):
            return images, labels

        def start_epoch(self, epoch, logs=None):
            self.epoch = epoch

    return Resident(workers=1)


def ours(given: Specification):
    """Functions that train, and infer, for a turn."""
    import os

    os.environ["KERAS_BACKEND"] = given.backend
    import keras
    import numpy as np

    from keras_inception.builder import build
    from keras_inception.training.recipes.optimizers import optimizer_for
    from keras_inception.training.recipes.recipe import recipe_for

    from .setting import network_of

    keras.utils.set_random_seed(0)
    recipe = recipe_for(
        "folder:photos", network=given.network, image_size=given.size, width=given.width
    )
    policy = "mixed_float16"
    model = build(network_of(recipe, 3, 1000), keras, dtype=policy)
    model.compile(optimizer_for(recipe, 1000, policy), recipe.loss, metrics=["accuracy"])
    rng = np.random.default_rng(0)
    images = rng.standard_normal((given.batch, given.size, given.size, 3), np.float32)
    images = keras.ops.convert_to_tensor(images)
    labels = keras.ops.convert_to_tensor(np.arange(given.batch, dtype=np.int32) % 1000)

    batches = resident(images, labels, given.steps)
    if given.backend == "tensorflow":
        import tensorflow as tf

        options = tf.data.Options()
        options.autotune.enabled = False
        batches = tf.data.Dataset.from_tensors((images, labels)).repeat(given.steps)
        batches = batches.prefetch(2).with_options(options)

    def train():
        model.fit(batches, verbose=0, shuffle=False)

    return train, _inference(given, model, images)


def _inference(given: Specification, model, images):
    if given.backend == "jax":
        import jax

        call = jax.jit(lambda t, n, x: model.stateless_call(t, n, x, training=False)[0])

        def infer():
            # Training gives away the arrays that the model had.
            t = [v.value for v in model.trainable_variables]
            n = [v.value for v in model.non_trainable_variables]
            for _ in range(given.steps):
                found = call(t, n, images)
            found.block_until_ready()
    elif given.backend == "tensorflow":
        import tensorflow as tf

        call = tf.function(lambda x: model(x, training=False), jit_compile=True)

        def infer():
            for _ in range(given.steps):
                found = call(images)
            found.numpy()
    else:
        import torch

        def infer():
            with torch.inference_mode():
                for _ in range(given.steps):
                    found = model(images, training=False)
            found.float().sum().item()

    return infer


def theirs(given: Specification):
    """Functions that train, and infer, for a turn: channels_last, autocast."""
    import torch
    from torch.nn.functional import cross_entropy

    cuda = torch.cuda.is_available()
    device = "cuda" if cuda else "cpu"
    dtype = torch.float16 if cuda else torch.bfloat16  # CPUs have no float16 arithmetic
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    if given.whose == "torchvision":
        # Its compiled operators are for detection, and not loadable beside every torch.
        try:
            import torchvision
        except RuntimeError:
            torch.library.register_fake = lambda *_, **__: lambda f: f
            import torchvision
        make = getattr(torchvision.models, given.network)
        model = make(aux_logits=False, init_weights=False)
    else:
        import timm

        model = timm.create_model(given.network)
    model = model.to(device, memory_format=torch.channels_last)
    images = torch.randn(given.batch, 3, given.size, given.size, device=device)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.arange(given.batch, device=device) % 1000
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True)
    scaler = torch.amp.GradScaler(device, enabled=cuda)
    called = torch.compile(model) if given.compiled else model

    def train():
        model.train()
        for _ in range(given.steps):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device, dtype):
                loss = cross_entropy(called(images), labels)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        loss.item()

    def infer():
        model.eval()
        with torch.inference_mode(), torch.autocast(device, dtype):
            for _ in range(given.steps):
                found = called(images)
        found.float().sum().item()

    return train, infer


def main() -> None:
    given = Specification(**json.loads(sys.argv[1]))
    train, infer = (ours if given.whose == "ours" else theirs)(given)
    said = {}
    for name, run in (("train", train), ("infer", infer)):
        began = time.perf_counter()
        run()
        said[f"first_{name}"] = round(time.perf_counter() - began, 1)
    print(TURN + json.dumps(said), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        {"train": train, "infer": infer}[line.strip()]()
        print(TURN + json.dumps({"seconds": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    main()
