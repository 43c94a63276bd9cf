"""Skewed sets: the order in which an epoch shows its images, and what each weighs in the loss."""

from __future__ import annotations

import numpy as np


def order(labels: np.ndarray, seed: int, epoch: int, balanced: bool) -> np.ndarray:
    """As many draws as there are images; draw d shows image d % len(labels).

    Without balance every image once. With it every class equally often: images of small classes
    come again, as draws of their own so that their crops differ, and of large classes each epoch
    shows others. Decided by the seed and the epoch.
    """
    rng, count = np.random.default_rng((seed, epoch)), len(labels)
    if not balanced:
        return rng.permutation(count)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    quotas = np.full(len(members), count // len(members))
    quotas[rng.permutation(len(members))[: count % len(members)]] += 1
    draws = []
    for mine, quota in zip(members, quotas, strict=True):
        times = -(-quota // len(mine))
        rounds = [rng.permutation(mine) + count * again for again in range(times)]
        draws.append(np.concatenate([*rounds, mine[:0]])[:quota])
    return rng.permutation(np.concatenate(draws))


def weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """(classes,) float32, in inverse proportion to their sizes; 1 on average over the images."""
    sizes = np.bincount(labels, minlength=classes)
    present = np.count_nonzero(sizes)
    return (len(labels) / (present * np.maximum(sizes, 1))).astype(np.float32)
