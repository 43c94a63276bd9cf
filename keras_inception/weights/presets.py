"""Published ImageNet weights as records: whose they are, where they lie, what they expect.

Digests and figures are the publishers' own. Where a publisher gives no digest it is None, and
the one of the first download is kept and required from then on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import BadInput
from ..preprocess import Preprocessing
from ..spec import Network
from ..transform import without_aux
from ..variants import VARIANTS

APACHE, BSD = "Apache-2.0", "BSD-3-Clause"
#: [-1, 1], as TF-slim and keras.applications; torchvision's transform_input comes to the same.
INCEPTION = Preprocessing(127.5, 127.5, crop=0.875)
CAFFE = Preprocessing((104.0, 117.0, 123.0), 1.0, "BGR", crop=0.875)
BICUBIC = Preprocessing(127.5, 127.5, crop=0.875, interpolation="bicubic")


@dataclass(frozen=True)
class Preset:
    """One published file of weights.

    `tag` is network.trainer_dataset; `variant` the network in variants.VARIANTS that it fits;
    `names` whose names its arrays have. `classes` is 1001 where a background comes first. `heads`
    is "trained", "untrained" or "none". `archive_member` is a pattern of the file's name inside an
    archive. top1 and top5 are percentages on the 50,000 validation images, one central crop, as
    published.
    """

    tag: str
    variant: str
    names: str
    url: str
    digest: str | None
    preprocessing: Preprocessing
    top1: float
    top5: float
    licence: str
    origin: str
    classes: int = 1000
    heads: str = "none"
    archive_member: str | None = None

    @property
    def network(self) -> str:
        """The member of the family it belongs to."""
        return self.tag.split(".")[0]

    @property
    def file(self) -> str:
        """Its name in the cache: the address's last part, unless others' addresses end so too."""
        name = self.url.rpartition("/")[2]
        return f"{self.tag}.safetensors" if name == "model.safetensors" else name

    @property
    def net(self) -> Network:
        """The network as the file holds it."""
        net = replace(VARIANTS[self.variant], classes=self.classes)
        return without_aux(net) if self.heads == "none" else net


def _slim(network, variant, file, digest, top1, top5, heads="trained") -> Preset:
    """A checkpoint of TF-slim: https://github.com/tensorflow/models/tree/master/research/slim"""
    url = f"https://storage.googleapis.com/download.tensorflow.org/models/{file}.tar.gz"
    about = INCEPTION, top1, top5, APACHE, "Google, TF-slim", 1001, heads, "*.ckpt"
    return Preset(f"{network}.slim_in1k", f"{network}.{variant}", "slim", url, digest, *about)


def _keras(network, digest, top1, top5) -> Preset:
    """https://keras.io/api/applications/"""
    root = f"https://storage.googleapis.com/tensorflow/keras-applications/{network}"
    url = f"{root}/{network}_weights_tf_dim_ordering_tf_kernels.h5"
    about = INCEPTION, top1, top5, APACHE, "keras.applications"
    return Preset(
        f"{network}.keras_in1k", f"{network}.keras", "keras_applications", url, digest, *about
    )


def _torchvision(network, file, digits, top1, top5, heads) -> Preset:
    """https://pytorch.org/vision/stable/models.html"""
    url = f"https://download.pytorch.org/models/{file}-{digits}.pth"
    about = f"sha256:{digits}", INCEPTION, top1, top5, BSD, "torchvision", 1000, heads
    return Preset(f"{network}.tv_in1k", f"{network}.torchvision", "torchvision", url, *about)


def _timm(network, variant, top1, top5, preprocessing=BICUBIC) -> Preset:
    """https://huggingface.co/timm"""
    url = f"https://huggingface.co/timm/{network}.tf_in1k/resolve/main/model.safetensors"
    about = preprocessing, top1, top5, APACHE, "timm, from TF-slim's"
    return Preset(f"{network}.tf_in1k", f"{network}.{variant}", "timm", url, None, *about)


BVLC_DIGEST = "sha256:6f7101e3a2183738a7125a0c5021ba82a1feb4228c5ca0924d991b6daf6f6fad"
SLIM_V1_DIGEST = "sha256:7a620c430fcaba8f8f716241f5148c4c47c035cce4e49ef02cfbe6cd1adf96a6"
SLIM_V2_DIGEST = (
    "sha384:c0b2efbae8fc5e237ae67637dca3f311d4b4f7da576b56067e83d95c398a2fccd50baff9cc0de643"
    "35f4d7b78e1adb07"
)
SLIM_IR2_DIGEST = "md5:9e0f18e1259acf943e30690460d96123"
KERAS_V3_DIGEST = "sha256:00c9ea4e4762f716ac4d300d6d9c2935639cc5e4d139b5790d765dcbeea539d0"
KERAS_IR2_DIGEST = "md5:e693bd0210a403b3192acc6073ad2e96"

PRESETS = {
    preset.tag: preset
    for preset in (
        Preset(
            "googlenet.caffe_in1k",
            "googlenet.caffe",
            "caffe",
            "http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel",
            BVLC_DIGEST,
            CAFFE,
            68.7,
            88.9,
            "unrestricted use",
            "BVLC, Sergio Guadarrama",
            heads="trained",
        ),
        _slim("googlenet", "slim", "inception_v1_2016_08_28", SLIM_V1_DIGEST, 69.8, 89.6, "none"),
        _torchvision("googlenet", "googlenet", "1378be20", 69.778, 89.530, "untrained"),
        _slim(
            "inception_v2", "slim", "inception_v2_2016_08_28", SLIM_V2_DIGEST, 73.9, 91.8, "none"
        ),
        _keras("inception_v3", KERAS_V3_DIGEST, 77.9, 93.7),
        _slim("inception_v3", "keras", "inception_v3_2016_08_28", None, 78.0, 93.9),
        _torchvision("inception_v3", "inception_v3_google", "0cc3c7bd", 77.294, 93.450, "trained"),
        _timm("inception_v3", "torchvision", 77.866, 93.644),
        _slim("inception_v4", "slim", "inception_v4_2016_09_09", None, 80.2, 95.2),
        _timm("inception_v4", "timm", 80.144, 94.982),
        _keras("inception_resnet_v2", KERAS_IR2_DIGEST, 80.3, 95.3),
        _slim(
            "inception_resnet_v2",
            "keras",
            "inception_resnet_v2_2016_08_30",
            SLIM_IR2_DIGEST,
            80.4,
            95.3,
        ),
        _timm("inception_resnet_v2", "timm", 80.434, 95.312, replace(BICUBIC, crop=0.8975)),
    )
}

#: What files expect that are, to the last byte, somebody's published ones.
PUBLISHED = {
    # googlenet.caffe_in1k's arrays in an .npz, (height, width, in, out): docs/weights.md.
    "sha256:7e5feec68ef853333cc45f56ca3c9e782a40162bcfcf7451c33c8d17dec71390": CAFFE,
    **{each.digest: each.preprocessing for each in PRESETS.values() if each.digest},
}

#: What weights="imagenet" stands for.
RECOMMENDED = {
    "googlenet": "googlenet.caffe_in1k",
    "inception_v2": "inception_v2.slim_in1k",
    "inception_v3": "inception_v3.keras_in1k",
    "inception_v4": "inception_v4.slim_in1k",
    "inception_resnet_v2": "inception_resnet_v2.keras_in1k",
}


def preset(weights: str, network: str) -> Preset:
    """The preset a user means by "imagenet" or a tag. Raises BadInput if there is none."""
    tag = RECOMMENDED.get(network) if weights == "imagenet" else weights
    if tag is None:
        raise BadInput(
            f"no ImageNet weights of {network} can be loaded; "
            f"networks that have some: {', '.join(RECOMMENDED)}"
        )
    if tag not in PRESETS or PRESETS[tag].network != network:
        known = [name for name, record in PRESETS.items() if record.network == network]
        raise BadInput(
            f'weights of {network} are "imagenet", {", ".join(known) or "none yet"}, or the path '
            f"of a file; there is neither a preset nor a file {weights!r}"
        )
    return PRESETS[tag]
