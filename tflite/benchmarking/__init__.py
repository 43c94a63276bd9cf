"""What `.tflite` files cost to run: latency, memory, size, operators, here and on a phone."""
