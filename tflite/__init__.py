"""The phone workshop: from a trained run to `.tflite` files, audited and measured."""
