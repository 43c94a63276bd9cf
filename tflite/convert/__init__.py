"""A model in, the bytes of a `.tflite` file out."""
