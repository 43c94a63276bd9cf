"""The batch size a machine can hold, tried out in processes that may die of it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

from keras_inception.children import command
from keras_inception.errors import BadInput

from .recipes.recipe import Recipe, network_of

log = logging.getLogger(__name__)

SMALLEST, LARGEST, STEPS = 8, 1024, 3
#: A larger batch has to be so much faster than a smaller one to be worth it.
GAIN = 1.05
#: Of the memory that is free: what else runs keeps some, and loading images needs some.
SHARE = 0.8
#: How a system that lacks memory ends a process, and what Python, C++, LLVM and the backends say.
KILLED = -9
NO_MEMORY = (
    "memoryerror",
    "bad_alloc",
    "out of memory",
    "allocate memory",
    "resourceexhausted",
    "resource_exhausted",
)


def fitted(recipe: Recipe, images: int, channels: int, classes: int) -> Recipe:
    """`recipe` with the batch size that trains fastest here, its learning rate in proportion.

    Sizes are powers of two, from SMALLEST up to LARGEST or as many as there are `images`; each is
    tried for a few steps in a process of its own, until one does not fit or a doubling gains less
    than 5 %. Raises BadInput if not even the smallest fits.
    """
    best, rate = None, 0.0
    size = SMALLEST
    while size <= min(LARGEST, max(SMALLEST, images)):
        found = images_per_second(replace(recipe, batch_size=size), channels, classes)
        log.info("batch of %d: %s", size, f"{found:.1f} images/s" if found else "does not fit")
        if not found or found < GAIN * rate:
            break
        best, rate = size, found
        size *= 2
    if best is None:
        raise BadInput(
            f"{recipe.network} at {recipe.image_size}x{recipe.image_size} does not fit into memory "
            f"in batches of {SMALLEST}; take a smaller --image-size or --width"
        )
    scaled = recipe.learning_rate * best / recipe.batch_size
    log.info("batch size %d, learning rate %g, in proportion", best, scaled)
    return replace(recipe, batch_size=best, learning_rate=scaled)


def images_per_second(
    recipe: Recipe, channels: int, classes: int, limit: int | None = None
) -> float | None:
    """How fast batches of the recipe's size are trained on; None if they do not fit. A trial that
    ends for another reason raises RuntimeError with its last words.

    `limit` is in bytes of address space; None takes a share of the memory that is free, on a CPU,
    where the system would end some other process for lack of it.
    """
    task = {
        "recipe": asdict(recipe),
        "channels": channels,
        "classes": classes,
        "limit": limit or _free_memory(),
    }
    done = subprocess.run(
        command("keras_inception.training.batch_size"),
        input=json.dumps(task),
        capture_output=True,
        text=True,
    )
    if not done.returncode:
        return float(done.stdout.splitlines()[-1])
    said = done.stderr.lower()
    if done.returncode == KILLED or any(words in said for words in NO_MEMORY):
        return None
    last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    raise RuntimeError(f"a batch of {recipe.batch_size} could not be tried: {last}")


def _free_memory() -> int | None:
    listing = Path("/proc/meminfo")
    if not listing.is_file():
        return None
    lines = dict(line.split(":") for line in listing.read_text("utf-8").splitlines())
    return int(SHARE * 1024 * int(lines["MemAvailable"].split()[0]))


def _try(task: dict) -> float:
    """Train on noise for a few steps, within the limit, and time them."""
    import keras

    from keras_inception.builder import build

    from .data.augment import noise
    from .recipes import precision
    from .recipes.optimizers import optimizer_for

    recipe = Recipe(**task["recipe"])
    if task["limit"] and not precision.on_gpu():
        import resource

        used = int(Path("/proc/self/statm").read_text("utf-8").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + task["limit"],) * 2)
    policy = precision.resolve(recipe.precision)
    net = network_of(recipe, task["channels"], task["classes"])
    model = build(net, keras, dtype=policy)
    model.compile(optimizer=optimizer_for(recipe, 100, policy), loss=recipe.loss)
    batch = noise(model, recipe, recipe.batch_size)
    model.train_on_batch(*batch)
    began = time.perf_counter()
    for _ in range(STEPS):
        model.train_on_batch(*batch)
    return STEPS * recipe.batch_size / (time.perf_counter() - began)


if __name__ == "__main__":
    print(_try(json.load(sys.stdin)))
