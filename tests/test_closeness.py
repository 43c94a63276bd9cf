"""An exported file is said to be as close to its model as it is on the calibration images."""

import re

import numpy as np

from keras_inception.tflite.checks.closeness import closeness


def said(caplog, differing):
    """What is said of a file of which so many of 100 images have another first class."""
    expected = np.tile(np.float32([0.5, 0.3, 0.2]), (100, 1))
    found = expected + np.float32([0, 0.01, 0])
    found[:differing] = 0.2, 0.2, 0.6
    with caplog.at_level("INFO"):
        closeness(found, expected).say()
    (record,) = caplog.records
    return record


def test_how_many_first_classes_are_the_models_and_how_far_the_rest_is(caplog):
    record = said(caplog, differing=2)
    assert record.levelname == "INFO"
    expected = "on 98 of 100 calibration images; outputs differ by 0.010 .* and 0.400 at most"
    assert re.search(expected, record.getMessage())


def test_below_98_of_100_it_is_a_warning_that_says_what_helps(caplog):
    record = said(caplog, differing=3)
    assert record.levelname == "WARNING" and "on 97 of 100" in record.getMessage()
    for help in ("more calibration images", "keras-inception quantize", "--scheme int16x8"):
        assert help in record.getMessage()
