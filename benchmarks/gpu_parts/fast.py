"""Training steps and inference in mixed_float16, beside torchvision's, taking turns on the card."""

import statistics
from dataclasses import replace
from importlib.util import find_spec

import keras_inception
from keras_inception.costs import total

from .contender import Contender, Specification
from .setting import SETTING, tell, told

TURNS = SETTING.of(5, 1)
#: network -> native size, steps of a turn
NETWORKS = {"googlenet": (224, 40), "inception_v3": (299, 20)}
BATCH = SETTING.of(128, 4)


def main() -> None:
    for network, (size, steps) in NETWORKS.items():
        race(network, size, BATCH, steps, "torchvision")


def race(
    network: str, size: int, batch: int, steps: int, peer: str = "", backend: str = ""
) -> None:
    """Tell the images per second of ours, and of the peer's, as it is and compiled, beside ours.

    One compiles at a time, and nothing is measured beside a compiler: on 16 cores four at once took
    three times as long each.
    """
    shape = {"network": network, "size": SETTING.of(size, 75), "batch": batch}
    shape["steps"] = SETTING.of(steps, 1)
    mine = {"backend": backend or SETTING.backend, "width": SETTING.of(1.0, 0.25)}
    ours = _ready(Specification("ours", **shape, **mine))
    if not peer:
        _take_turns([ours])
    elif not (find_spec("torch") and find_spec(peer)):
        tell(f"{peer}, {network}", is_="not installed")
        _take_turns([ours])
    else:
        for compiled in SETTING.of((False, True), (False,)):
            theirs = _ready(Specification(peer, **shape, compiled=compiled))
            _take_turns([ours, theirs])
            theirs.end()
    ours.end()


def _ready(specification: Specification) -> Contender:
    contender = Contender(specification)
    said = contender.heard()
    state = "compiled" if said else "ended with an error, see the log"
    tell(f"{specification.network}, {specification.name}: {state}", **said)
    return contender


def _take_turns(contenders: list[Contender]) -> None:
    for kind in ("train", "infer"):
        times = {contender: [] for contender in contenders}
        for _ in range(TURNS):
            for contender in contenders:
                times[contender].append(contender.turn(kind))
        _tell_rates(kind, {c: [t for t in mine if t] for c, mine in times.items()})


def _tell_rates(kind: str, times: dict[Contender, list[float]]) -> None:
    products = [row for row in told("machine") if row["what"].startswith("matrix product, float16")]
    peaks = [row["tflops"] for row in products]
    rates = {}
    for contender, turns in times.items():
        if not turns:
            continue
        given = contender.specification
        images = given.batch * given.steps
        rates[given.name] = rate = images / statistics.median(turns)
        values = {"images_per_s": rate, "fastest": images / min(turns)}
        if peaks and given.whose == "ours":
            net = keras_inception.network(given.network)
            net = replace(net, input_shape=(given.size, given.size, 3))
            operations = 2 * total(net).macs * (3 if kind == "train" else 1)
            values["of_the_peak"] = rate * operations / (peaks[0] * 1e12)
        others = [each for name, each in rates.items() if name != given.name]
        if others:
            values["first_is_of_this"] = next(iter(rates.values())) / rate
        tell(f"{kind}, {given.network}, batch {given.batch}, {given.name}", **values)


if __name__ == "__main__":
    main()
