"""The size of the gradients, seen where the optimizer takes them, on every backend."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np


class GradientNorms:
    """Sums, over the steps of an epoch, the L2 norms of the gradients that `optimizer` applies.

    `group` maps a variable's path to the name it is counted under. `model.fit` shows gradients to
    the optimizer only, and JAX's loop keeps nothing but variables it knows: hence a variable of
    the optimizer's own. Under loss scaling these are the unscaled gradients of the steps that
    were not skipped. What the optimizer does with them stays as it is.
    """

    def __init__(self, optimizer, variables: list, group: Callable[[str], str]):
        self._members = {}
        for i, variable in enumerate(variables):
            self._members.setdefault(group(variable.path), []).append(i)
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        shape = (len(self._members) + 2,)
        self._sums = inner.add_variable(shape, dtype="float32", name="gradient_norms")
        self._apply, inner.apply = inner.apply, self._watched_apply

    def _watched_apply(self, grads, trainable_variables=None):
        ops, grads = keras.ops, list(grads)
        squares = [ops.sum(ops.square(ops.cast(g, "float32"))) for g in grads]
        groups = [sum(squares[i] for i in members) for members in self._members.values()]
        norms = ops.sqrt(ops.stack([sum(groups), *groups]))
        self._sums.assign_add(ops.concatenate([norms, ops.ones(1)]))
        return self._apply(grads, trainable_variables)

    def take(self) -> tuple[dict[str, float], int]:
        """The mean norms since the last call, "global" being that of all gradients together, and
        over how many steps."""
        *sums, steps = np.array(keras.ops.convert_to_numpy(self._sums))
        self._sums.assign(np.zeros(self._sums.shape, "float32"))
        names = ("global", *self._members)
        return dict(zip(names, np.array(sums) / max(steps, 1), strict=True)), int(steps)
