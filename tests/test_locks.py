"""One at a time, and for no longer than the one who locked is there."""

import fcntl

import pytest

from keras_inception import locks


class Windows:
    """It behaves as msvcrt documents: PermissionError where another holds the byte."""

    LK_NBLCK = 2

    def locking(self, number, mode, count):
        assert (mode, count) == (self.LK_NBLCK, 1)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PermissionError(13, "Permission denied") from error


@pytest.mark.parametrize("system", ["here", "windows"])
def test_a_file_is_locked_by_one_until_it_is_closed(tmp_path, monkeypatch, system):
    if system == "windows":
        monkeypatch.setattr(locks, "fcntl", None)
        monkeypatch.setattr(locks, "msvcrt", Windows(), raising=False)
    path = tmp_path / "lock"
    with open(path, "w", encoding="utf-8") as first, open(path, "w", encoding="utf-8") as second:
        assert locks.locked(first.fileno())
        assert not locks.locked(second.fileno())
        first.close()
        assert locks.locked(second.fileno())
