"""Images per second from encoded photographs to random crops of 224 pixels.

    python benchmarks/input_pipeline.py [--size 500x375] [--workers 2] [--photos DIR]

The photographs of shared/data, scaled to one size and encoded anew as JPEG, are decoded, cropped
at random (8 to 100 % of the area) and resized, on so many threads: by us; by Pillow as one writes
it down (decode, crop, resize); by us on processes; and, where they are installed, by torchvision's
transforms, torchvision's own decoder, and TensorFlow's decoder, which decodes the crop alone. They
take turns; medians over the rounds; CPU time counts all threads.
"""

import argparse
import io
import statistics
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from keras_inception.images import Undecoded
from keras_inception.training.data.augment import random_crop
from keras_inception.training.recipes.recipe import Recipe

PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "data" / "photos"
IMAGES, ROUNDS, SIZE, MIN_AREA = 128, 9, 224, 0.08
RECIPE = Recipe("folder", image_size=SIZE, min_area=MIN_AREA)


def encoded(photos: Path, width: int, height: int) -> list[bytes]:
    found = []
    for path in sorted(photos.glob("*.jpg")):
        buffer = io.BytesIO()
        image = Image.open(path).convert("RGB").resize((width, height), Image.LANCZOS)
        image.save(buffer, "JPEG", quality=90)
        found.append(buffer.getvalue())
    return found


def box_of(width: int, height: int, seed: int) -> tuple[int, int, int, int]:
    """(left, top, width, height) of a crop in whole pixels, as torchvision draws it."""
    rng = np.random.default_rng(seed)
    area = width * height * rng.uniform(MIN_AREA, 1)
    aspect = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
    wide = min(width, round(np.sqrt(area * aspect)))
    high = min(height, round(np.sqrt(area / aspect)))
    return int(rng.integers(width - wide + 1)), int(rng.integers(height - high + 1)), wide, high


def ours(data: bytes, seed: int) -> None:
    rng = np.random.default_rng(seed)
    np.asarray(random_crop(Undecoded(data, "RGB"), RECIPE, rng))


def pillow(data: bytes, seed: int) -> None:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    left, top, wide, high = box_of(*image.size, seed)
    image = image.crop((left, top, left + wide, top + high))
    np.asarray(image.resize((SIZE, SIZE), Image.BILINEAR))


def others(example: bytes) -> dict:
    """Name -> function of those that can be imported."""
    found = {}
    try:
        import torch

        # Its compiled operators are for detection, and not loadable beside every torch.
        torch.library.register_fake = lambda *_, **__: lambda f: f
        from torchvision import transforms

        transform = transforms.Compose(
            [
                transforms.RandomResizedCrop(SIZE, (MIN_AREA, 1)),
                transforms.RandomHorizontalFlip(),
                transforms.PILToTensor(),
            ]
        )
        torch.set_num_threads(1)
        found["torchvision, Pillow"] = lambda data, seed: transform(
            Image.open(io.BytesIO(data)).convert("RGB")
        )
        tensors = transforms.Compose(transform.transforms[:2])

        def own(data: bytes, seed: int) -> None:
            tensors(decode_jpeg(torch.frombuffer(bytearray(data), dtype=torch.uint8)))

        from torchvision.io import decode_jpeg

        own(example, 0)
        found["torchvision, decode_jpeg"] = own
    except (ImportError, RuntimeError) as error:  # The latter: it was built for another torch.
        print(f"torchvision, or a part of it, is left out: {error}")
    try:
        import tensorflow as tf

        def fused(data: bytes, seed: int) -> None:
            width, height = Image.open(io.BytesIO(data)).size
            left, top, wide, high = box_of(width, height, seed)
            part = tf.io.decode_and_crop_jpeg(data, [top, left, high, wide], channels=3)
            tf.image.resize(part, (SIZE, SIZE), antialias=True).numpy()

        found["TensorFlow, decode_and_crop"] = fused
    except ImportError as error:
        print(f"TensorFlow is left out: {error}")
    return found


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--size", default="500x375")
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--photos", type=Path, default=PHOTOS)
    options = options.parse_args()
    files = encoded(options.photos, *map(int, options.size.split("x")))
    work = [files[k % len(files)] for k in range(IMAGES)]
    # Before TensorFlow and its threads: processes are forked.
    processes = ProcessPoolExecutor(options.workers)
    list(processes.map(ours, work[:8], range(8)))
    methods = {"ours": ours, "Pillow": pillow, **others(files[0])}
    walls, cpus = {}, {}
    with processes, ThreadPoolExecutor(options.workers) as threads:
        runs = {name: (threads, method) for name, method in methods.items()}
        runs["ours, on processes"] = (processes, ours)
        for round_ in range(ROUNDS + 1):
            for name, (pool, method) in runs.items():
                wall, cpu = time.perf_counter(), time.process_time()
                list(pool.map(method, work, range(len(work)), chunksize=8))
                if round_:  # the first warms up
                    walls.setdefault(name, []).append(time.perf_counter() - wall)
                    cpus.setdefault(name, []).append(time.process_time() - cpu)
    base = statistics.median(walls["Pillow"])
    print(
        f"{options.size}, {options.workers} workers, medians of {ROUNDS} rounds of {IMAGES} images"
    )
    print(f"{'':<28}  images/s  to Pillow  CPU ms/image")
    for name, times in walls.items():
        wall, cpu = statistics.median(times), statistics.median(cpus[name])
        spent = "-" if "processes" in name else f"{1000 * cpu / IMAGES:.2f}"
        print(f"{name:<28}  {IMAGES / wall:8.0f}  {base / wall:9.2f}  {spent:>12}")


if __name__ == "__main__":
    main()
