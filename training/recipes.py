"""A recipe says everything that decides the outcome of a run; one per data set to start from."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from keras_inception.applications import configure
from keras_inception.errors import BadInput
from keras_inception.networks import FAMILY
from keras_inception.spec import BatchNorm, Network

NORMS = ("published", "batch", "lrn", "none")
#: Where images may come from.
DATA = (
    "digits, fashion_mnist, keras:NAME, folder:DIR, csv:FILE, imagenet:DIR, tfds:NAME or "
    "tfrecord:DIR"
)
PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov momentum, linear warm-up and cosine decay, on random crops.

    image_size is in pixels, learning_rate the peak, warmup_epochs at most a fifth of the epochs.
    weight_decay is decoupled and not applied to normalization and biases. min_area is the smallest
    fraction of an image a training crop keeps, holdout the fraction of each class kept for
    evaluation where the data set has no split of its own, batch_norm_momentum the share of the
    moving averages that each step keeps. weights are published ones to start from, as for the
    named builders ("": from scratch); their classifier is replaced by one for the classes of the
    data unless classes_from_data is False. Of a skewed set class_weights makes every class weigh
    the same in the loss, balanced_sampling shows all classes equally often. bad_images, "skip" or
    "stop", says what an image to train on does that turns out not to be readable.
    """

    data: str
    network: str = "googlenet"
    weights: str = ""
    classes_from_data: bool = True
    norm: str = "batch"
    width: float = 1.0
    aux: bool = False
    dropout: float = 0.4
    small_stem: bool = False
    pooling: str = "avg"
    image_size: int = 224
    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_epochs: float = 1.0
    batch_norm_momentum: float = 0.9
    flip: bool = True
    min_area: float = 0.5
    holdout: float = 0.2
    class_weights: bool = False
    balanced_sampling: bool = False
    bad_images: str = "skip"
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self):
        limits = {
            "network": (self.network in FAMILY, f"one of {', '.join(FAMILY)}"),
            "norm": (self.norm in NORMS, f"one of {', '.join(NORMS)}"),
            "pooling": (self.pooling in ("avg", "max", "attention"), "avg, max or attention"),
            "precision": (self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
            "bad_images": (self.bad_images in ("skip", "stop"), "skip or stop"),
            "balanced_sampling": (
                not (self.balanced_sampling and self.class_weights),
                "left out where class_weights is asked for: either alone balances the classes",
            ),
            "epochs": (self.epochs >= 1, "at least 1"),
            "batch_size": (self.batch_size >= 1, "at least 1"),
            "learning_rate": (self.learning_rate > 0, "above 0"),
            "momentum": (0 <= self.momentum < 1, "in [0, 1)"),
            "weight_decay": (self.weight_decay >= 0, "at least 0"),
            "warmup_epochs": (self.warmup_epochs >= 0, "at least 0"),
            "batch_norm_momentum": (0 <= self.batch_norm_momentum < 1, "in [0, 1)"),
            "min_area": (0 < self.min_area <= 1, "in (0, 1]"),
            "holdout": (0 < self.holdout < 1, "in (0, 1)"),
            "seed": (self.seed >= 0, "at least 0"),
        }
        for name, (met, needed) in limits.items():
            if not met:
                raise BadInput(f"{name} must be {needed}; got {getattr(self, name)}")


def network_of(
    recipe: Recipe, channels: int, classes: int, published: Network | None = None
) -> Network:
    """The network a recipe trains, auxiliary heads included where it asks for them.

    `published` is the network of the weights it starts from.
    """
    table = published or FAMILY[recipe.network]
    batch = replace(table.norm or BatchNorm(), momentum=recipe.batch_norm_momentum)
    norms = {"batch": batch, "none": None, "published": batch if table.norm else "published"}
    return configure(
        table,
        pooling=None if recipe.pooling == "avg" else recipe.pooling,
        input_shape=(recipe.image_size, recipe.image_size, channels),
        classes=classes,
        aux=recipe.aux,
        norm=norms.get(recipe.norm, recipe.norm),
        width=recipe.width,
        dropout=recipe.dropout,
        small_stem=recipe.small_stem,
    )


_DEFAULTS = {
    # 1,797 scanned digits of 8x8 pixels: half a minute on two cores.
    "digits": Recipe(
        "digits",
        width=0.5,
        image_size=32,
        epochs=16,
        batch_size=32,
        flip=False,
        min_area=0.7,
        dropout=0.2,
    ),
    # 60,000 articles of 28x28 pixels.
    "fashion_mnist": Recipe(
        "fashion_mnist",
        image_size=48,
        epochs=12,
        batch_size=128,
        learning_rate=0.1,
        batch_norm_momentum=0.97,
        min_area=0.7,
    ),
    # Photographs in a folder per class.
    "folder": Recipe("folder", image_size=96, batch_size=32, epochs=40, min_area=0.35),
    # GoogLeNet, section 6, as to the crops.
    "imagenet": Recipe("imagenet", epochs=90, min_area=0.08),
}
_DEFAULTS |= dict.fromkeys(("csv", "tfds", "tfrecord"), _DEFAULTS["folder"])
_DEFAULTS["keras"] = _DEFAULTS["fashion_mnist"]


def recipe_for(data: str, **changes) -> Recipe:
    """The recipe for a source of images, with `changes` made to it.

    With weights to start from: their normalization and image size, ten epochs at a lower rate.
    """
    kind = data.split(":", 1)[0]
    if kind not in _DEFAULTS:
        raise BadInput(f"data must be {DATA}; got {data!r}")
    unknown = changes.keys() - {field.name for field in fields(Recipe)}
    if unknown:
        raise BadInput(f"a recipe has no {', '.join(sorted(unknown))}")
    recipe = replace(_DEFAULTS[kind], data=data, **changes)
    if recipe.weights:
        tuning = {
            "norm": "published",
            "width": 1.0,
            "image_size": FAMILY[recipe.network].input_shape[0],
            "epochs": 10,
            "learning_rate": 0.005,
        }
        recipe = replace(recipe, **{**tuning, **changes})
    return recipe
