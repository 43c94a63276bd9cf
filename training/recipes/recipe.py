"""A recipe says everything that decides the outcome of a run; one per data set to start from."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from math import nextafter

from keras_inception.applications import configure
from keras_inception.errors import BadInput
from keras_inception.networks import FAMILY, member
from keras_inception.preprocess import NAMED as EXPECTED
from keras_inception.spec import BatchNorm, Network

from .published import NAMED

NORMS = ("published", "batch", "lrn", "none")
#: Where images may come from.
DATA = (
    "digits, fashion_mnist, keras:NAME, folder:DIR, csv:FILE, imagenet:DIR, tfds:NAME or "
    "tfrecord:DIR"
)
PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")

_INFINITY = float("inf")
_TINY = 5e-324  # the smallest number above 0
_BELOW_1 = nextafter(1, 0)
_RANGES = {
    "epochs batch_size": (1, _INFINITY, "at least 1"),
    "weight_decay l2 clipnorm mixup cutmix seed rand_augment": (0, _INFINITY, "at least 0"),
    "learning_rate decay_epochs epsilon": (_TINY, _INFINITY, "above 0"),
    "momentum rho ema batch_norm_momentum label_smoothing": (0, _BELOW_1, "in [0, 1)"),
    "min_area decay_rate": (_TINY, 1, "in (0, 1]"),
    "colour erasing": (0, 1, "in [0, 1]"),
    "holdout": (_TINY, _BELOW_1, "in (0, 1)"),
    "validation": (0, _BELOW_1, "in [0, 1)"),
    "aspect": (1, _INFINITY, "at least 1"),
    "rand_magnitude": (0, 10, "in [0, 10]"),
}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the outcome of a run. Off is 0, "" or False.

    What is trained: recipe is the named recipe it started from; weights are published ones to
    start from, as for the named builders, whose classifier is replaced by one for the classes of
    the data unless classes_from_data is False; preprocessing, a name in preprocess.NAMED, is what
    weights of one's own expect, or what is trained on instead of (pixel - 128) / 128; image_size is
    in pixels; batch_norm_momentum is the share of the moving averages that each step keeps; holdout
    is the share of each class that is only tested on, where the data set has no test part of its
    own, and validation that of the rest which everything is chosen by, where it has no validation
    part of its own; 0 chooses by the test images, and says so. group_by is a regular
    expression that finds in the images' names what belongs together, and stays in one part.

    Of a skewed set class_weights makes every class weigh the same in the loss, balanced_sampling
    shows all classes equally often. bad_images, "skip" or "stop", says what an image to train on
    does that turns out not to be readable.

    How it learns: learning_rate is the peak. The cosine schedule warms up linearly for
    warmup_epochs, at most a fifth of the epochs, and ends at 0; the staircase multiplies the rate
    by decay_rate every decay_epochs. rho and epsilon, inside the square root, are RMSProp's.
    weight_decay is decoupled; l2 is added to the gradient, as Caffe and TF-slim do; neither
    touches normalization and biases. clipnorm bounds the norm of all gradients together. ema is
    the share that each step keeps of the averaged weights, which are evaluated and exported.

    What it sees: crops of min_area..1 of the image and aspect 1/aspect..aspect, resized by
    random_interpolation or bilinearly; contrast, brightness and colour times 1 - colour..1 +
    colour; rand_augment operations of strength rand_magnitude (0..10); an erased rectangle with
    probability erasing. mixup and cutmix are the alpha of Beta(alpha, alpha); with both, each
    image draws one. label_smoothing is the probability spread evenly over all classes.
    """

    data: str
    recipe: str = ""
    network: str = "googlenet"
    weights: str = ""
    classes_from_data: bool = True
    preprocessing: str = ""
    norm: str = "batch"
    width: float = 1.0
    aux: bool = False
    dropout: float = 0.4
    small_stem: bool = False
    pooling: str = "avg"
    image_size: int = 224
    batch_norm_momentum: float = 0.9
    holdout: float = 0.2
    validation: float = 0.1
    group_by: str = ""

    epochs: int = 30
    batch_size: int = 64
    optimizer: str = "sgd"
    learning_rate: float = 0.05
    schedule: str = "cosine"
    warmup_epochs: float = 1.0
    decay_rate: float = 0.94
    decay_epochs: float = 2.0
    momentum: float = 0.9
    nesterov: bool = True
    rho: float = 0.9
    epsilon: float = 1.0
    weight_decay: float = 5e-4
    l2: float = 0.0
    clipnorm: float = 0.0
    ema: float = 0.0

    flip: bool = True
    min_area: float = 0.5
    aspect: float = 4 / 3
    random_interpolation: bool = False
    colour: float = 0.0
    rand_augment: int = 0
    rand_magnitude: float = 9.0
    erasing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    label_smoothing: float = 0.0
    class_weights: bool = False
    balanced_sampling: bool = False
    bad_images: str = "skip"

    precision: str = "auto"
    seed: int = 0

    def __post_init__(self):
        steps = self.schedule == "staircase"
        limits = {
            "recipe": (not self.recipe or self.recipe in NAMED, f"one of {', '.join(NAMED)}"),
            "network": (self.network in FAMILY, f"one of {', '.join(FAMILY)}"),
            "norm": (self.norm in NORMS, f"one of {', '.join(NORMS)}"),
            "preprocessing": (
                self.preprocessing in ("", *EXPECTED),
                f"one of {', '.join(EXPECTED)}",
            ),
            "pooling": (self.pooling in ("avg", "max", "attention"), "avg, max or attention"),
            "precision": (self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
            "bad_images": (self.bad_images in ("skip", "stop"), "skip or stop"),
            "balanced_sampling": (
                not (self.balanced_sampling and self.class_weights),
                "left out where class_weights is asked for: either alone balances the classes",
            ),
            "optimizer": (self.optimizer in ("sgd", "rmsprop"), "sgd or rmsprop"),
            "schedule": (steps or self.schedule == "cosine", "cosine or staircase"),
            "warmup_epochs": (
                self.warmup_epochs >= 0 and not (steps and self.warmup_epochs),
                "at least 0, and 0 with the staircase schedule",
            ),
        }
        for names, (low, high, needed) in _RANGES.items():
            for name in names.split():
                limits[name] = (low <= getattr(self, name) <= high, needed)
        for name, (met, needed) in limits.items():
            if not met:
                raise BadInput(f"{name} must be {needed}; got {getattr(self, name)}")

    @property
    def soft_labels(self) -> bool:
        """Whether an image may belong to several classes in parts."""
        return bool(self.mixup or self.cutmix or self.label_smoothing)

    @property
    def loss(self) -> str:
        """Keras' name of the cross-entropy for its labels."""
        return ("" if self.soft_labels else "sparse_") + "categorical_crossentropy"

    @property
    def with_hard_labels(self) -> Recipe:
        """The same with one class for each image."""
        return replace(self, mixup=0.0, cutmix=0.0, label_smoothing=0.0)


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


_DATA = {
    # 1,797 scanned digits of 8x8 pixels: half a minute on two cores.
    "digits": {
        "width": 0.5,
        "image_size": 32,
        "epochs": 16,
        "batch_size": 32,
        "flip": False,
        "min_area": 0.7,
        "dropout": 0.2,
    },
    # 60,000 articles of 28x28 pixels.
    "fashion_mnist": {
        "image_size": 48,
        "epochs": 12,
        "batch_size": 128,
        "learning_rate": 0.1,
        "batch_norm_momentum": 0.97,
        "min_area": 0.7,
    },
    # Photographs in a folder per class.
    "folder": {"image_size": 96, "batch_size": 32, "epochs": 40, "min_area": 0.35},
    # GoogLeNet, section 6, as to the crops.
    "imagenet": {"epochs": 90, "min_area": 0.08, "validation": 0.01},
}
_DATA |= dict.fromkeys(("csv", "tfds", "tfrecord"), _DATA["folder"])
_DATA["keras"] = _DATA["fashion_mnist"]


def sources(data: str, changes: dict) -> dict[str, dict]:
    """The values a recipe is made of by where they come from, later ones over earlier ones.

    `changes` are those given; weights without a named recipe imply "finetune".
    """
    kind = data.split(":", 1)[0]
    if kind not in _DATA:
        raise BadInput(f"data must be {DATA}; got {data!r}")
    known = {field.name: field.default for field in fields(Recipe)}
    unknown = changes.keys() - known.keys()
    if unknown:
        raise BadInput(f"a recipe has no {', '.join(sorted(unknown))}")
    name = changes.get("recipe") or ("finetune" if changes.get("weights") else "")
    found = {"default": known, kind: {"data": data, **_DATA[kind]}}
    if name in NAMED:
        found[name] = {"recipe": name, **NAMED[name].values}
    if name == "finetune":
        if not changes.get("weights"):
            raise BadInput("the recipe finetune starts from published weights; give --weights")
        network = member(changes.get("network", known["network"]))
        found[name]["image_size"] = network.input_shape[0]
    return {**found, "given": changes}


def recipe_for(data: str, **changes) -> Recipe:
    """The recipe for a source of images, with `changes` made to it.

    `changes` may name a recipe of NAMED, whose values go over those for the data.
    """
    values = {}
    for part in sources(data, changes).values():
        values |= part
    return Recipe(**values)
