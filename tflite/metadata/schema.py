"""Field numbers of the tables that metadata is made of.

From the public schema, version 1.5.0; a union takes two numbers, that of its kind first:
https://github.com/google-ai-edge/mediapipe/blob/master/mediapipe/tasks/metadata/metadata_schema.fbs
"""

from __future__ import annotations

NAME = "TFLITE_METADATA"
#: The name of our own custom metadata.
OURS = "keras_inception"
IDENTIFIER = b"M001"
#: The first version of the schema that has everything we write: custom metadata came last.
MIN_PARSER_VERSION = "1.5.0"


class Model:
    NAME, DESCRIPTION, VERSION, SUBGRAPHS, AUTHOR, LICENSE, FILES, MIN_PARSER_VERSION = range(8)


class SubGraph:
    NAME, DESCRIPTION, INPUTS, OUTPUTS = range(4)
    CUSTOM = 9


class Tensor:
    NAME, DESCRIPTION, DIMENSION_NAMES, CONTENT, PROCESS_UNITS, STATS, FILES = range(7)


class Content:
    KIND, PROPERTIES = range(2)
    FEATURE, IMAGE = 1, 2  # kinds


class Image:
    COLOR_SPACE = 0
    RGB, GRAYSCALE = 1, 2  # colour spaces


class Unit:
    KIND, OPTIONS = range(2)
    NORMALIZATION, THRESHOLDING = 1, 3  # kinds


class Normalization:
    MEAN, STD = range(2)


class Stats:
    MAX, MIN = range(2)


class AssociatedFile:
    NAME, DESCRIPTION, KIND, LOCALE = range(4)
    TENSOR_AXIS_LABELS = 2  # kind


class Custom:
    NAME, DATA = range(2)


THRESHOLD = 0


class File:
    """The tables of the `.tflite` file itself, as far as metadata is found through them:
    https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs"""

    SUBGRAPHS = 2
    BUFFERS = 4
    METADATA = 6
    METADATA_NAME, METADATA_BUFFER = 0, 1
    BUFFER_DATA = 0
