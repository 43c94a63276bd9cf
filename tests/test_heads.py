"""Auxiliary heads: trained with one label array at the paper's weights, and gone without trace."""

import keras
import numpy as np
import pytest

import keras_inception as ki

SMALL = {"norm": "batch", "width": 0.25, "input_shape": (32, 32, 3), "classes": 4}


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 32, 32, 3)).astype("float32"), rng.integers(0, 4, 8)


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    model = ki.GoogLeNet(aux=True, **SMALL)
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_fit_takes_the_label_once(model, batch):
    history = model.fit(*batch, verbose=0).history
    expected = {f"{head}_{m}" for head in ("main", "aux1", "aux2") for m in ("loss", "accuracy")}
    assert history.keys() == expected | {"loss"}


def test_the_label_once_per_output_means_the_same(model, batch):
    images, labels = batch
    once = model.evaluate(images, labels, return_dict=True, verbose=0)
    named = {"main": labels, "aux1": labels, "aux2": labels}
    assert model.evaluate(images, named, return_dict=True, verbose=0) == once
    assert model.evaluate(images, [labels] * 3, return_dict=True, verbose=0) == once


def test_heads_count_three_tenths(model, batch):
    """Szegedy et al., section 5: the losses of the heads are weighted by 0.3."""
    losses = model.evaluate(*batch, return_dict=True, verbose=0)
    total = losses["main_loss"] + 0.3 * (losses["aux1_loss"] + losses["aux2_loss"])
    assert losses["loss"] == pytest.approx(total, rel=1e-5)


def test_other_weights_can_be_given(model, batch):
    model.compile(
        optimizer="sgd",
        loss="sparse_categorical_crossentropy",
        loss_weights={"main": 1.0, "aux1": 0.0, "aux2": 0.0},
    )
    losses = model.evaluate(*batch, return_dict=True, verbose=0)
    assert losses["loss"] == pytest.approx(losses["main_loss"], rel=1e-5)


def test_class_weights_reach_every_output(model, batch):
    images, labels = batch
    plain = model.evaluate(images, labels, return_dict=True, verbose=0)["loss"]
    doubled = model.evaluate(
        images, labels, sample_weight=np.full(8, 2.0), return_dict=True, verbose=0
    )["loss"]
    assert doubled == pytest.approx(2 * plain, rel=1e-5)


@pytest.mark.parametrize("norm", ["batch", "lrn"])
def test_saved_and_loaded_it_trains_on(batch, tmp_path, norm):
    model = ki.GoogLeNet(aux=True, **{**SMALL, "norm": norm})
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*batch, verbose=0)
    model.save(tmp_path / "m.keras")
    again = ki.load_model(tmp_path / "m.keras")
    assert again.evaluate(*batch, verbose=0) == pytest.approx(model.evaluate(*batch, verbose=0))
    again.fit(*batch, verbose=0)
    assert int(again.optimizer.iterations) == 2


def test_without_aux_gives_the_same_outputs_bit_for_bit(model, batch):
    images, _ = batch
    single = ki.without_aux(model)
    assert single.output_names == ["main"]
    assert single.count_params() == ki.GoogLeNet(**SMALL).count_params()
    np.testing.assert_array_equal(
        single.predict(images, verbose=0), model.predict(images, verbose=0)[0]
    )


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
