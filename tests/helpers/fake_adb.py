"""An adb with a phone behind it that answers as told by the files in the folder $FAKE_PHONE.

As a program: what it was asked is added to `asked` there. Its benchmark_model prints in the format
of TensorFlow's, each of three runs with other times.
"""

import os
import sys
from pathlib import Path

RUN = """INFO: count=20 first=9000 curr=8 min=8 max=9000 avg=500 std=9 p5=7 median=7777 p95=8888

INFO: count=67 first=60 curr=50 min=40 max=80 avg=50 std=2 p5=41 median={median} p95={p95}

INFO: Inference timings in us: Init: 772, First inference: 9000, Warmup (avg): 500, Inference \
(avg): 50.5
INFO: Memory footprint delta from the start of the tool (MB): init=8.4 overall=10.5"""


def answer(asked: str, phone: Path) -> str:
    runs = [line for line in (phone / "asked").read_text().splitlines() if "--graph" in line]
    if "--enable_op_profiling" in asked:
        return (phone / "profile").read_text()
    if "--graph" in asked:
        return RUN.format(
            median=(9000, 5000, 6000)[len(runs) % 3], p95=(9900, 5500, 6600)[len(runs) % 3]
        )
    answers = {
        "get-state": (phone / "state").read_text(),
        "shell test -f": (phone / "there").read_text(),
        "shell getprop ro.product.model": "Pixel 9",
        "shell getprop": "15",
    }
    return next((text for start, text in answers.items() if asked.startswith(start)), "")


if __name__ == "__main__":
    folder, command = Path(os.environ["FAKE_PHONE"]), " ".join(sys.argv[1:])
    with open(folder / "asked", "a", encoding="utf-8") as file:
        file.write(command + "\n")
    print(answer(command, folder), file=sys.stderr if "--graph" in command else sys.stdout)
