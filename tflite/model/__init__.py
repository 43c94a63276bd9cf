"""A Keras 3 model, anybody's, as the plain layers that files are converted from."""
