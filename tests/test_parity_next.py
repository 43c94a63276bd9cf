"""With the same random weights, InceptionNeXt computes what timm's computes."""

from dataclasses import replace
from importlib.util import find_spec

import keras
import numpy as np
import pytest
import tf_keras
from peers import import_torchvision

from keras_inception.build import build
from keras_inception.networks.inception_next import ATTO
from keras_inception.weights import store

pytestmark = pytest.mark.parity


def shaken(model):
    """Weights as large as keeps every layer's output in sight, and blocks that add theirs."""
    import torch

    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
        elif isinstance(module, torch.nn.BatchNorm2d | torch.nn.LayerNorm):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
        elif hasattr(module, "gamma"):
            torch.nn.init.uniform_(module.gamma, 0.5, 1.5)
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.3)
            torch.nn.init.uniform_(module.running_var, 0.3, 1.7)
        if getattr(module, "bias", None) is not None:
            torch.nn.init.normal_(module.bias, std=0.3)
    return model.eval()


def named_as_ours(model) -> dict[str, np.ndarray]:
    """timm's weights under our names: underscores for dots, and channels last."""
    import torch

    tensors = {}
    for path, module in model.named_modules():
        name = path.replace(".", "_")
        if isinstance(module, torch.nn.Conv2d):
            # (filters, inputs, height, width); a depthwise filter has one input, its own.
            order = (2, 3, 1, 0) if module.groups == 1 else (2, 3, 0, 1)
            tensors[f"{name}/kernel"] = module.weight.permute(order)
            tensors[f"{name}/bias"] = module.bias
        elif isinstance(module, torch.nn.Linear):
            tensors[f"{name}/kernel"] = module.weight.T
            tensors[f"{name}/bias"] = module.bias
        elif isinstance(module, torch.nn.BatchNorm2d | torch.nn.LayerNorm):
            tensors[f"{name}/gamma"] = module.weight
            tensors[f"{name}/beta"] = module.bias
        elif hasattr(module, "gamma"):
            tensors[f"{name}_gamma/kernel"] = module.gamma.reshape(1, 1, -1, 1)
        if isinstance(module, torch.nn.BatchNorm2d):
            tensors[f"{name}/moving_mean"] = module.running_mean
            tensors[f"{name}/moving_variance"] = module.running_var
    return {name: tensor.detach().numpy() for name, tensor in tensors.items()}


@pytest.mark.parametrize("module", [keras, tf_keras], ids=lambda m: m.__name__)
def test_the_same_numbers_as_timm(module):
    torch = pytest.importorskip("torch")
    if find_spec("timm") is None or find_spec("torchvision") is None:
        pytest.skip("needs timm, and torchvision, which timm imports")
    import_torchvision()
    import timm

    theirs = shaken(timm.create_model("inception_next_atto"))
    ours = build(replace(ATTO, activation=None), module)
    store.write(ours, named_as_ours(theirs))
    rng = np.random.default_rng(0)
    colours = rng.normal(size=(3, 1, 1, 3))
    images = rng.normal(colours, 1, (3, 224, 224, 3)).astype("float32")
    with torch.no_grad():
        expected = theirs(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
    # Images have logits of their own: the body is seen, not the last biases alone.
    assert np.std(expected, axis=0).mean() > 0.1 * np.std(expected)
    difference = np.abs(ours.predict(images, verbose=0) - expected).max()
    # The tanh approximation of GELU is out by 1.6e-4.
    assert difference <= 3e-5 * np.std(expected)
