"""Files of a run that tests share, left as they were found."""

from contextlib import contextmanager


@contextmanager
def kept(path):
    """What is there of a run's file, and beside it, is there again afterwards."""
    before = {each: each.read_bytes() for each in path.parent.glob(f"{path.stem}.*")}
    try:
        yield
    finally:
        for each, content in before.items():
            each.write_bytes(content)
