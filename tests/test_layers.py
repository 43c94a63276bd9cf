"""Local response normalization equals the formula, in both conventions and every precision; and
attention sums within float16."""

import keras
import numpy as np
import pytest
import tf_keras

from keras_inception.layers import attention_pooling, local_response_normalization


def reference(x, n=5, alpha=1e-4, beta=0.75, k=1.0):
    """Caffe's across-channel LRN: alpha is divided by the window n."""
    out = np.empty_like(x, np.float64)
    for c in range(x.shape[-1]):
        window = x[..., max(0, c - n // 2) : c + n // 2 + 1].astype(np.float64)
        out[..., c] = x[..., c] * (k + alpha / n * (window**2).sum(-1)) ** -beta
    return out


@pytest.mark.parametrize("module", [keras, tf_keras], ids=lambda m: m.__name__)
def test_defaults_are_caffes_googlenet(module):
    x = np.random.default_rng(0).normal(0, 300, (2, 3, 4, 11)).astype("float32")
    out = np.array(local_response_normalization(module)()(x))
    np.testing.assert_allclose(out, reference(x), rtol=1e-5)


@pytest.mark.parametrize("module", [keras, tf_keras], ids=lambda m: m.__name__)
def test_half_precision_does_not_overflow(module):
    """Activations reach 3,791 in the published network; their square is infinite in float16."""
    x = np.full((1, 2, 2, 8), 3791, "float16")
    out = np.array(local_response_normalization(module)(dtype="mixed_float16")(x))
    assert out.dtype == np.float16
    np.testing.assert_allclose(out, reference(x), rtol=2e-3)


def test_configuration_survives():
    kind = local_response_normalization(keras)
    layer = kind(depth_radius=4, beta=0.5, alpha=1e-4 / 9)
    assert kind.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize("module", [keras, tf_keras], ids=lambda m: m.__name__)
def test_attention_to_large_activations_is_finite_in_half_precision(module):
    """64 products of 300 and a query of 10: their sum is infinite in float16."""
    layer = attention_pooling(module)(dtype="mixed_float16")
    x = np.full((1, 2, 2, 64), 300, "float16")
    layer.build(x.shape)
    layer.query.assign(np.full(64, 10, "float32"))
    np.testing.assert_array_equal(layer(x), np.full((1, 64), 300))
