"""TFLite metadata: what a `.tflite` file says of itself to the tasks and tools that open it.

A flatbuffer of its own, in a buffer that the model's list of metadata names, and the files of labels
in an uncompressed ZIP behind the model. The same model and metadata give the same bytes.
"""

from .reading import read
from .record import Metadata
from .writing import embed

__all__ = ["Metadata", "embed", "read"]
