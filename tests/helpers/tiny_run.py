"""A network that trains in seconds, with everything that a run must keep: moving averages,
momenta and the states of dropout's generators. It is GoogLeNet's first rows and its classifier.

As a program it is `keras-inception`, dying by SIGKILL around the moves of files onto those that
`KILL_BEFORE` and `KILL_AFTER` name; it computes in `PRECISION`, where that is given, and on other
backends than TensorFlow cannot import it.
"""

import os
import signal
import sys
from dataclasses import replace

from keras_inception.training.recipes import recipe

OPTIONS = {"width": 0.25, "epochs": 3, "image_size": 17, "batch_size": 128, "dropout": 0.4}
#: As arguments of `keras-inception train`.
TRAIN = [f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items()]
_network_of = recipe.network_of


def network_of(*arguments):
    """GoogLeNet to its first pool, or as far as `LAST` says, with its classifier."""
    network = _network_of(*arguments)
    names = [row.name for row in network.rows]
    rows = network.rows[: names.index(os.environ.get("LAST", "pool1_3x3_s2")) + 1]
    return replace(network, rows=rows)


if __name__ == "__main__":
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        sys.modules["tensorflow"] = None
    from keras_inception import cli
    from keras_inception.training import fit
    from keras_inception.training.recipes import precision

    fit.network_of = network_of
    if "PRECISION" in os.environ:
        precision.resolve = lambda _: os.environ["PRECISION"]
    move = os.replace

    def deadly(source, target):
        if os.environ.get("KILL_BEFORE") == os.path.basename(target):
            os.kill(os.getpid(), signal.SIGKILL)
        move(source, target)
        if os.environ.get("KILL_AFTER") == os.path.basename(target):
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = deadly
    sys.exit(cli.main())
