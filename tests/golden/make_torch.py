"""Writes the PyTorch files beside it, which the tests read without PyTorch.

    pip install torch==2.13.0 numpy && python tests/golden/make_torch.py

`torch_zip.pth` and `torch_legacy.pth` hold the same state dict in both containers;
`torch_training.pt` holds one inside what training scripts save, with an optimizer's storage beside;
`torch_reference.pth` is all that torchvision's reference script saves, and a best accuracy.
"""

from argparse import Namespace
from collections import OrderedDict
from pathlib import Path, PosixPath

import numpy as np
import torch

HERE = Path(__file__).parent


def state():
    base = torch.arange(12, dtype=torch.float32)
    found = OrderedDict(
        transposed=torch.arange(6, dtype=torch.float32).reshape(2, 3).t(),
        first=base[:4],
        rest=base[4:].reshape(2, 4),
        half=torch.tensor([0.5, -2], dtype=torch.float16),
        brain=torch.tensor([[1.5, -3]], dtype=torch.bfloat16),
        double=torch.tensor([0.1], dtype=torch.float64),
        empty=torch.zeros(0, 3),
        steps=torch.tensor(7),
    )
    found._metadata = OrderedDict({"": {"version": 1}})
    return found


def reference():
    layer = torch.nn.Linear(2, 1)
    layer.load_state_dict({"weight": torch.ones(1, 2), "bias": torch.zeros(1)})
    optimizer = torch.optim.SGD(layer.parameters(), 0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 6])
    return {
        "model": layer.state_dict(),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": scheduler.state_dict(),
        "epoch": 3,
        "args": Namespace(lr=0.1, data_path="/data", device=torch.device("cpu")),
        "model_ema": {f"module.{name}": each for name, each in layer.state_dict().items()},
        "best_acc1": np.float64(77.3),
        "output": PosixPath("/runs"),
    }


if __name__ == "__main__":
    torch.save(reference(), HERE / "torch_reference.pth")
    torch.save(state(), HERE / "torch_zip.pth")
    torch.save(state(), HERE / "torch_legacy.pth", _use_new_zipfile_serialization=False)
    training = {
        "epoch": 3,
        "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}, "lr": 0.1, "betas": [0.9, None]},
        "state_dict": {"weight": torch.nn.Parameter(torch.arange(4.0).reshape(2, 2))},
    }
    torch.save(
        training,
        HERE / "torch_training.pt",
        _use_new_zipfile_serialization=False,
        pickle_protocol=4,
    )
