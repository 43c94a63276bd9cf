"""A Keras 3 model, anybody's, read into a graph and lowered to a closed set of plain layers."""
