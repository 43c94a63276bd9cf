"""A `.tflite` file: its graph, what it computes, and how to open one that may be damaged."""
