"""TFLite metadata: what a `.tflite` file says of itself to the tasks and tools that open it.

It is a flatbuffer of its own, in a buffer that the model's list of metadata names; the files of
labels are in an uncompressed ZIP behind the model. The same model and metadata give the same bytes.
"""

from .reading import read
from .record import Metadata, Said
from .writing import embed

__all__ = ["Metadata", "Said", "embed", "read"]
