"""Photographs, a folder for each class -> a trained network, an INT8 file, and what both are worth.

python examples/train_on_your_photos.py photos runs/mine
"""

import sys
from pathlib import Path

from keras_inception import predict, report
from keras_inception.tflite import quantize
from keras_inception.training import train


def main(photos: str, folder: str) -> None:
    run = train(f"folder:{photos}", run=folder, image_size=96, epochs=40)
    print(f"top-1 on the test photographs: {run.result['top1']:.4f}")
    file = quantize(run)
    print(report(run))
    photograph = next(Path(photos).glob("*/*"))
    ((best, *_),) = predict(file, photographs=photograph)
    print(f"{photograph} is {best[0]}, says {file} ({best[1]:.2f})")


if __name__ == "__main__":
    main(*sys.argv[1:])
