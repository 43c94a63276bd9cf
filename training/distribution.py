"""One training on several devices: all of this machine, or those of several processes."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import keras
import numpy as np

from keras_inception.errors import BadInput, Lost

log = logging.getLogger(__name__)

LOST = (
    "another process of this run has ended or cannot be reached; its own output says why; start "
    "all processes again, with --resume if there is a run folder: it goes on after the last "
    "complete epoch"
)
#: What the errors of a broken connection name: JAX has no type of its own for them.
_CONNECTIONS = ("Gloo", "NCCL", "oordination service", "distributed service")
_SIGNAL_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int)


@dataclass(frozen=True)
class Distribution:
    """The part of a training that is done here: `process` of `processes`, on whose devices there
    are `replicas` of the network in all. Every one computes an equal part of every batch.

    The network is built and trained inside `scope()`; `mirrored` is TensorFlow's way, which has
    needs of its own (`replicas`).
    """

    process: int = 0
    processes: int = 1
    replicas: int = 1
    scope: Callable[[], AbstractContextManager] = nullcontext
    mirrored: bool = False

    @property
    def first(self) -> bool:
        """Whether this process is the one that reads and writes the run folder."""
        return self.process == 0

    def rows(self, count: int) -> range:
        """Those of `count` rows of a batch that are computed here."""
        each = count // self.processes
        return range(self.process * each, (self.process + 1) * each)

    def require_even(self, what: str, count: int) -> None:
        """Raises BadInput if `count` rows cannot be shared out evenly."""
        if count % self.replicas:
            raise BadInput(
                f"{what} is {count}, which {self.replicas} devices cannot share evenly; "
                f"give a multiple of {self.replicas}"
            )

    def require_same(self, **facts) -> None:
        """Raises BadInput in every process if `facts` are not the same in all."""
        if self.processes == 1:
            return
        from jax.experimental import multihost_utils

        digests = [hashlib.sha256(repr(fact).encode()).digest() for fact in facts.values()]
        mine = np.frombuffer(b"".join(digests), np.uint8).reshape(len(facts), -1)
        others = np.asarray(multihost_utils.process_allgather(mine))
        differs = (others != others[0]).any(axis=-1)
        for process, names in enumerate(differs):
            if names.any():
                what = " and ".join(name for name, bad in zip(facts, names, strict=True) if bad)
                raise BadInput(
                    f"process {process} has not the same {what} as process 0; give all processes "
                    "the same options, data and versions"
                )

    def from_first(self, content: bytes) -> bytes:
        """What process 0 gives as `content`, in every process."""
        if self.processes == 1:
            return content
        from jax.experimental import multihost_utils

        size = int(multihost_utils.broadcast_one_to_all(np.int32(len(content))))
        if not size:
            return b""
        mine = np.frombuffer(content if self.first else bytes(size), np.uint8)
        return np.asarray(multihost_utils.broadcast_one_to_all(mine)).tobytes()

    def total(self, count: int) -> int:
        """The sum of every process' `count`; all wait here for the last one."""
        if self.processes == 1:
            return count
        from jax.experimental import multihost_utils

        return int(np.sum(multihost_utils.process_allgather(np.int32(count))))

    def stop_agreed(self, step: int) -> bool:
        """Whether all processes stop after this step, counted from the sitting's first: one of
        them got SIGTERM. To be asked after every step."""
        from jax.experimental import multihost_utils

        return multihost_utils.reached_preemption_sync_point(step)


ALONE = Distribution()


def of_this_machine() -> Distribution:
    """All devices of this machine: its GPUs, or what the backend takes for several CPUs.

    Raises BadInput if the backend cannot.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        return _data_parallel()
    if backend == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        strategy = tf.distribute.MirroredStrategy([device.name for device in found])
        count = strategy.num_replicas_in_sync
        return Distribution(replicas=count, scope=strategy.scope, mirrored=True)
    raise BadInput(
        f"the {backend} backend trains on one device; use KERAS_BACKEND=tensorflow or jax, or "
        "leave out --distribute"
    )


@contextmanager
def joined(job_addresses: str, process_id: int | None) -> Iterator[Distribution]:
    """The devices of as many processes as there are addresses, HOST:PORT,HOST:PORT,...

    They meet at the first address, where process 0 listens. Raises BadInput for addresses and
    process that cannot be, and Lost once another process is gone.
    """
    count = len(job_addresses.split(","))
    if keras.backend.backend() != "jax":
        raise BadInput(
            f"the {keras.backend.backend()} backend trains in one process (Keras' fit fails under "
            "TensorFlow's MultiWorkerMirroredStrategy); set KERAS_BACKEND=jax, or leave out the "
            "addresses"
        )
    if not all(address.rpartition(":")[2].isdigit() for address in job_addresses.split(",")):
        raise BadInput(f"{job_addresses} is not HOST:PORT,HOST:PORT,..., one for every process")
    if process_id is None or not 0 <= process_id < count:
        raise BadInput(
            f"{count} addresses need a --process-id of 0 to {count - 1}, another one for each "
            f"process; got {process_id}"
        )
    import jax

    # Older versions of JAX have no default.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    log.info("process %d of %d: meeting the others at %s", process_id, count, job_addresses)
    _explain_aborts()
    keras.distribution.initialize(job_addresses, count, process_id)
    try:
        yield _data_parallel()
    except (BadInput, OSError, KeyboardInterrupt):
        raise
    except Exception as error:
        if not any(word in str(error) for word in _CONNECTIONS):
            traceback.print_exc()
            raise Lost(f"process {process_id} failed, and the others with it") from error
        raise Lost(LOST) from error


def _data_parallel() -> Distribution:
    layout = keras.distribution.DataParallel(auto_shard_dataset=False)
    return Distribution(
        layout.data_shard_id, layout.num_processes, layout.num_model_replicas, layout.scope
    )


@_SIGNAL_HANDLER
def _last_words(number):
    os.write(2, f"\nkeras-inception: {LOST}\n".encode())
    os._exit(1)


def _explain_aborts() -> None:
    """JAX aborts the process from a thread of its own when another process is gone; Python's
    signal handlers would wait for a main thread that hangs in a computation."""
    set_handler = ctypes.pythonapi.PyOS_setsig
    set_handler.argtypes, set_handler.restype = [ctypes.c_int, _SIGNAL_HANDLER], ctypes.c_void_p
    set_handler(signal.SIGABRT, _last_words)
