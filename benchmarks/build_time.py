"""Building Inception-ResNet-v2, ours against keras.applications', taking turns in one process.

python benchmarks/build_time.py
"""

import statistics
import time

import keras

import keras_inception as ki

BUILDERS = {
    "keras_inception": ki.InceptionResNetV2,
    "keras.applications": lambda: keras.applications.InceptionResNetV2(weights=None),
}


def main(rounds: int = 7) -> None:
    seconds = {name: [] for name in BUILDERS}
    for _ in range(rounds):
        for name, build in BUILDERS.items():
            keras.utils.clear_session()
            began = time.perf_counter()
            build()
            seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    for name, median in medians.items():
        print(f"{name}: {median:.2f} s, median of {rounds - 1}")
    ours, theirs = medians.values()
    print(f"ours / theirs: {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
