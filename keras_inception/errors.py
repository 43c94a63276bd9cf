"""The one exception for input that a person can put right."""


class BadInput(ValueError):
    """What was given, what is needed, what to do: one sentence, shown without a traceback."""
