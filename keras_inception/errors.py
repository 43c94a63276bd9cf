"""Input that a person can put right, a person who wants to stop, and others that are gone."""


class BadInput(ValueError):
    """What was given, what is needed, what to do: one sentence, shown without a traceback."""


class Stopped(KeyboardInterrupt):
    """The signal `number` asked for an end; the sentence says what was kept."""

    def __init__(self, number: int, sentence: str):
        super().__init__(sentence)
        self.number = number


class Lost(ConnectionError):
    """The processes of a run no longer compute together; the sentence says what to do."""


class MissingPackage(BadInput, ImportError):
    """A package of an extra is not installed; the sentence says how to have it."""


def missing_package(error: ModuleNotFoundError) -> "MissingPackage | None":
    return None
