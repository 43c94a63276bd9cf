"""Published weights and photographs -> a network of one's own, trained with Keras, as an INT8 file.

python examples/fine_tune_and_quantize.py imagenet photos files

The first argument may be the path of a file of weights too.
"""

import sys

import keras

import keras_inception
from keras_inception.tflite import quantize

SIZE = (128, 128)


def main(weights: str, photos: str, folder: str) -> None:
    trunk = keras_inception.GoogLeNet(
        include_top=False,
        weights=weights,
        input_shape=(*SIZE, 3),
        pooling="avg",
        include_preprocessing=True,
    )
    keras_inception.freeze(trunk, until="inception_4e")
    train, test = keras.utils.image_dataset_from_directory(
        photos, image_size=SIZE, validation_split=0.2, subset="both", seed=0
    )
    scores = keras.layers.Dense(len(train.class_names), activation="softmax")(trunk.output)
    model = keras.Model(trunk.input, scores, name="fine_tuned")
    model.compile(
        keras.optimizers.SGD(0.001, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(train, validation_data=test, epochs=10)
    file = quantize(model, data=f"folder:{photos}", classes=train.class_names, epochs=1, out=folder)
    print(f"{file}: {keras_inception.evaluate(file)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
