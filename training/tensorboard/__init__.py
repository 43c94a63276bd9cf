"""What a run shows in TensorBoard."""
