"""The phone workshop."""
