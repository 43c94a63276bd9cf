"""Auxiliary heads: trained with one label array at the paper's weights, and gone without trace."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from helpers.networks import batches, to_heads

import keras_inception as ki
from keras_inception.builder import build
from keras_inception.networks.googlenet import GOOGLENET
from keras_inception.transform import widen, with_norm


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 32, 32, 3)).astype("float32"), rng.integers(0, 4, 8)


def compiled(norm="batch", **more):
    """GoogLeNet with its heads, cut short after the last of them."""
    keras.utils.set_random_seed(0)
    net = widen(to_heads(with_norm(GOOGLENET, norm)), 0.25)
    net = replace(net, input_shape=(32, 32, 3), classes=4)
    model = build(net)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], **more)
    return model


@pytest.fixture(scope="module")
def model():
    return compiled()


def evaluated(model, *arrays):
    model.reset_metrics()  # Keras 3.12 averages with the batches before.
    return model.test_on_batch(*arrays, return_dict=True)


def test_fit_takes_the_label_once(batch):
    history = compiled(run_eagerly=True).fit(*batch, verbose=0).history
    expected = {f"{head}_{m}" for head in ("main", "aux1", "aux2") for m in ("loss", "accuracy")}
    assert history.keys() == expected | {"loss"}


def test_the_label_once_per_output_means_the_same(model, batch):
    images, labels = batch
    once = evaluated(model, images, labels)
    named = {"main": labels, "aux1": labels, "aux2": labels}
    assert evaluated(model, images, named) == once
    assert evaluated(model, images, [labels] * 3) == once


def test_heads_count_three_tenths(model, batch):
    """Szegedy et al., section 5: the losses of the heads are weighted by 0.3."""
    losses = evaluated(model, *batch)
    total = losses["main_loss"] + 0.3 * (losses["aux1_loss"] + losses["aux2_loss"])
    assert losses["loss"] == pytest.approx(total, rel=1e-5)


def test_other_weights_can_be_given(batch):
    losses = evaluated(compiled(loss_weights={"main": 1.0, "aux1": 0.0, "aux2": 0.0}), *batch)
    assert losses["loss"] == pytest.approx(losses["main_loss"], rel=1e-5)


def test_class_weights_reach_every_output(model, batch):
    images, labels = batch
    plain = evaluated(model, images, labels)["loss"]
    doubled = evaluated(model, images, labels, np.full(8, 2.0))["loss"]
    assert doubled == pytest.approx(2 * plain, rel=1e-5)


@pytest.mark.slow
def test_saved_and_loaded_it_trains_on(model, batch, tmp_path):
    model.fit(batches(*batch), verbose=0)
    model.save(tmp_path / "m.keras")
    again = ki.load_model(tmp_path / "m.keras")
    steps = int(again.optimizer.iterations)
    assert evaluated(again, *batch) == pytest.approx(evaluated(model, *batch))
    again.fit(batches(*batch), verbose=0)
    assert int(again.optimizer.iterations) == steps + 1


@pytest.mark.slow
def test_saved_and_loaded_it_trains_on_with_local_response_normalization(batch, tmp_path):
    test_saved_and_loaded_it_trains_on(compiled("lrn"), batch, tmp_path)


def test_without_aux_gives_the_same_outputs_bit_for_bit(model, batch):
    images, _ = batch
    single = ki.without_aux(model)
    assert single.output_names == ["main"]
    assert single.count_params() < model.count_params()
    np.testing.assert_array_equal(single(images), model(images)[0])


def test_without_aux_is_the_network_built_without():
    small = {"norm": "batch", "width": 0.25, "input_shape": (32, 32, 3), "classes": 4}
    single = ki.without_aux(ki.GoogLeNet(aux=True, **small))
    assert single.count_params() == ki.GoogLeNet(**small).count_params()


def test_without_aux_is_a_stock_model_that_loads_without_this_package(model, tmp_path):
    ki.without_aux(model).save(tmp_path / "m.keras")
    stock = keras.saving.load_model(tmp_path / "m.keras")
    kinds = {type(layer).__module__.split(".")[0] for layer in stock.layers}
    assert kinds == {"keras"}


def test_without_aux_needs_a_main_output():
    x = keras.Input((4,))
    two = keras.Model(x, [keras.layers.Dense(1)(x), keras.layers.Dense(1)(x)])
    with pytest.raises(ki.BadInput, match='"main" is needed'):
        ki.without_aux(two)
