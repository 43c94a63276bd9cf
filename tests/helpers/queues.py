"""The queues of tf.data, and whether they are quick to end."""

from tensorflow.python.data.ops import iterator_ops


def noted_queues(monkeypatch) -> list[bool]:
    """Whether each of tf.data's queues that is made from here on has an autotuner."""
    found, make = [], iterator_ops.OwnedIterator._create_iterator

    def note(self, dataset):
        found.append(dataset.options().autotune.enabled is not False)
        make(self, dataset)

    monkeypatch.setattr(iterator_ops.OwnedIterator, "_create_iterator", note)
    return found
