"""Plain layers in, a `.tflite` file out: ranges, roundings, the converter."""
