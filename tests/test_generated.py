"""Models drawn at random become integer files that are the model."""

import numpy as np
import pytest
from helpers.generated import drawn, of_seed
from helpers.marks import slow_but
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_inception.tflite import checks
from keras_inception.tflite.convert.calibration import calibrated_ranges
from keras_inception.tflite.convert.to_tflite import convert
from keras_inception.tflite.file.interpreter import File
from keras_inception.tflite.keras_graph.integer_operators import in_integers
from keras_inception.tflite.keras_graph.keras_classifier import classifier
from keras_inception.tflite.keras_graph.to_keras import outputs
from keras_inception.tflite.qat import ENGINES, engine

#: What a file's logits may differ by from the fake-quantized model's, over their spread, where the
#: float model's differ by less: integer operators round sums their own way. A step of the logits
#: they may always: it is all that tells those of a model apart that says the same of every image.
ROUNDING = 0.03
#: Small ones of every kind, for the quick tests.
QUICK = (5, 13, 18, 42, 1047)
#: Some that have the layers of LATER, and of LATEST.
WITH_LATER = (1009, 1047, 1082, 1122)
WITH_LATEST = (2005, 2006, 2013, 2030, 2035)
#: Models that once failed: a product that overflows, a layer called twice that the converter
#: merges, a dense layer that it doubles, a first convolution rewritten after its preprocessing, one
#: in groups that is not to be, or has no name in the file; halves of averages; one that
#: says the same of every image.
FAILED = (8, 14, 17, 50, 107, 192, 259, 295, 344, 353, 385, 429)


def assert_served(model, preprocessing, engines=ENGINES):
    """The model's plain layers compute what it does, which `classifier` requires; so do its files,
    post-training and of each engine before a step, within the noise that 8 bits bring."""
    network, _, expected = classifier(model, preprocessing)
    pixels = np.random.default_rng(0).integers(0, 256, (16, *network.shape), np.uint8)
    images, end = expected(pixels), network.maker[network.output].inputs[0]
    wanted = outputs(network, images, {"logits": end})["logits"]
    network = in_integers(network, images)
    (end,) = network.maker[network.output].inputs
    ranges = calibrated_ranges(network, images, expected.range)
    files = [convert(network, "int8", expected, "uint8", ranges=ranges)]
    checks.require(files[0], network, pixels, expected, ranges)
    for name in engines:
        quantized = engine(name)(network, images, expected.range)
        emulated = quantized.outputs(images, {"logits": end})["logits"]
        ranges = quantized.ranges()
        files.append(convert(quantized.trained(), "int8", expected, "uint8", ranges=ranges))
        checks.require(files[-1], quantized.trained(), pixels, expected, ranges)
    spread, noise = np.std(emulated - emulated.mean(axis=0)), root_mean_square(emulated - wanted)
    for file in map(File, (file.without_softmax() for file in files)):
        difference = root_mean_square(file.scores(expected.caller(pixels)) - emulated)
        assert difference <= max(ROUNDING * spread, 1.5 * noise, file.output_step)


def root_mean_square(values) -> float:
    return float(np.sqrt(np.mean(values**2)))


@pytest.mark.parametrize("seed", slow_but(QUICK, (*range(100), *WITH_LATER, *WITH_LATEST)))
def test_a_model_drawn_at_random_is_served(seed):
    """By one engine, which takes turns: test_fine_tuning holds that both have the same ranges."""
    assert_served(*of_seed(seed), engines=[[*ENGINES][seed % 2]])


@pytest.mark.slow
@pytest.mark.parametrize("seed", FAILED)
def test_what_once_failed_is_served(seed):
    assert_served(*of_seed(seed))


@pytest.mark.slow
@settings(deadline=None, max_examples=20, suppress_health_check=[*HealthCheck], database=None)
@given(st.data())
def test_the_simplest_model_with_a_fault_is_found(data):
    assert_served(*drawn(lambda count: data.draw(st.integers(0, count - 1))))
