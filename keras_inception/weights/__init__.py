"""Moving weights between models, strictly: every array used once, every variable filled."""
