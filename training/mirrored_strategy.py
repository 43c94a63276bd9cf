"""What TensorFlow's MirroredStrategy needs, so that replicas compute what one device would."""

from __future__ import annotations

import keras


def as_tf_dataset(batches: keras.utils.PyDataset):
    """`batches` as a tf.data.Dataset, loaded by as many threads.

    Under a strategy Keras' loop draws a batch for a trial from the queue of a PyDataset's workers,
    and trains without it.
    """
    import tensorflow as tf

    specs = [tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in batches[0]]

    def load(index):
        parts = tf.numpy_function(
            lambda i: batches[int(i)], [index], [spec.dtype for spec in specs]
        )
        return tuple(
            tf.ensure_shape(part, spec.shape) for part, spec in zip(parts, specs, strict=True)
        )

    options = tf.data.Options()
    options.autotune.enabled = False  # Nothing to tune, and it is slow to end (`inference`).
    indices = tf.data.Dataset.range(len(batches)).with_options(options)
    return indices.map(load, num_parallel_calls=batches.workers).prefetch(2)


def sum_gradients_first(optimizer) -> None:
    """Make `optimizer` sum the replicas' gradients before it does anything else with them.

    Keras sums them last: each replica would clip, and show, its own part.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    apply, summed = inner.apply, inner._all_reduce_sum_gradients

    def apply_sums(grads, trainable_variables=None):
        pairs = summed([(g, v.value) for g, v in zip(grads, trainable_variables, strict=True)])
        return apply([grad for grad, _ in pairs], trainable_variables)

    inner.apply, inner._all_reduce_sum_gradients = apply_sums, lambda pairs: pairs


def synchronize(model) -> None:
    """Make batch normalization see the whole batch; all replicas then keep the same statistics."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
