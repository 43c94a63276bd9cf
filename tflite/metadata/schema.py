"""The tables that metadata is made of, their fields in order and under the schema's names.

From the public schema, version 1.5.0; a union takes two fields, that of its kind first:
https://github.com/google-ai-edge/mediapipe/blob/master/mediapipe/tasks/metadata/metadata_schema.fbs
"""

from __future__ import annotations

from collections import namedtuple

NAME = "TFLITE_METADATA"
#: The names of our own custom metadata: of preprocessing, and of what the outputs are.
OURS, OUR_KIND = "keras_inception", "keras_inception_kind"
IDENTIFIER = b"M001"
#: The first version of the schema that has everything we write: custom metadata came last.
MIN_PARSER_VERSION = "1.5.0"


def _table(name: str, fields: str):
    """A table as a tuple, of which every field may be left out."""
    return namedtuple(name, fields, defaults=[None] * len(fields.split()))


Model = _table(
    "Model", "name description version subgraphs author license files min_parser_version"
)
SubGraph = _table(
    "SubGraph",
    "name description inputs outputs files input_units output_units input_groups output_groups "
    "custom",
)
Tensor = _table("Tensor", "name description dimension_names content process_units stats files")
Content = _table("Content", "kind properties")
FEATURE, IMAGE = 1, 2  # kinds
Image = _table("Image", "color_space")
RGB, GRAYSCALE = 1, 2  # colour spaces
Unit = _table("Unit", "kind options")
NORMALIZATION, THRESHOLDING = 1, 3  # kinds
Normalization = _table("Normalization", "mean std")
Thresholding = _table("Thresholding", "threshold")
Stats = _table("Stats", "max min")
AssociatedFile = _table("AssociatedFile", "name description kind locale")
TENSOR_AXIS_LABELS = 2  # kind
Custom = _table("Custom", "name data")

# The tables of the `.tflite` file itself, as far as metadata is found through them:
# https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs
File = _table(
    "File", "version operator_codes subgraphs description buffers metadata_buffer metadata"
)
Buffer = _table("Buffer", "data")
Subgraph = _table("Subgraph", "tensors inputs outputs operators name")
Values = _table("Values", "shape type buffer name")
Entry = _table("Entry", "name buffer")
