"""What the machine is: card, driver, versions; peak of a matrix product; bandwidths."""

import importlib.metadata
import os
import shutil
import statistics
import subprocess
import time

import numpy as np

from .setting import SETTING, tell

PACKAGES = ("keras-inception", "keras", "jax", "jaxlib", "torch", "torchvision", "timm")
PACKAGES += ("tensorflow", "numpy", "pillow")


def main() -> None:
    if shutil.which("nvidia-smi"):
        query = "--query-gpu=name,driver_version,memory.total,power.limit"
        asked = ["nvidia-smi", query, "--format=csv,noheader"]
        tell("card", is_=subprocess.run(asked, capture_output=True, text=True).stdout.strip())
    tell("processor", cores=os.cpu_count(), memory_gb=_memory())
    tell("versions", **{name: _version(name) for name in PACKAGES})
    _torch()
    if SETTING.backend == "jax":
        _jax()


def _memory() -> int:
    with open("/proc/meminfo", encoding="ascii") as file:
        return int(file.readline().split()[1]) >> 20


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def median(run, tries: int = 10) -> float:
    """Seconds of `run`, which waits for its end; the first three calls do not count."""
    times = []
    for _ in range(tries + 3):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return statistics.median(times[3:])


def _torch() -> None:
    try:
        import torch
    except ImportError:
        tell("torch", is_="not installed")
        return
    device = "cuda" if torch.cuda.is_available() else "cpu"
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    size = SETTING.of(8192, 256)
    torch.backends.cuda.matmul.allow_tf32 = True
    for name, kind in (
        ("float16", torch.float16),
        ("bfloat16", torch.bfloat16),
        ("tf32", torch.float32),
    ):
        a, b = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
        seconds = median(lambda a=a, b=b: (a @ b, wait()))
        tell(f"matrix product, {name}, torch", tflops=2 * size**3 / seconds / 1e12)
    held = torch.empty(SETTING.of(4 << 30, 1 << 20), dtype=torch.uint8, device=device)
    kept = torch.empty_like(held)
    seconds = median(lambda: (kept.copy_(held), wait()))
    tell("memory, read and written", gb_per_s=2 * held.numel() / seconds / 1e9)
    host = torch.empty(SETTING.of(256 << 20, 1 << 20), dtype=torch.uint8)
    part = held[: host.numel()]
    sources = {"pageable": host} | ({"pinned": host.pin_memory()} if device == "cuda" else {})
    for name, source in sources.items():
        seconds = median(lambda source=source: (part.copy_(source), wait()))
        tell(f"host to device, {name}, torch", gb_per_s=host.numel() / seconds / 1e9)


def _jax() -> None:
    import jax

    tell("jax", devices=[str(device.device_kind) for device in jax.devices()])
    host = np.ones(SETTING.of(256 << 20, 1 << 20), np.uint8)
    seconds = median(lambda: jax.device_put(host).block_until_ready())
    tell("host to device, jax", gb_per_s=host.nbytes / seconds / 1e9)


if __name__ == "__main__":
    main()
