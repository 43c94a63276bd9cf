"""The parts of `benchmarks/gpu.py`, each a module that a process of its own runs."""
