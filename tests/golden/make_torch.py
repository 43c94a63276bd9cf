"""Writes the PyTorch files beside it, which the tests read without PyTorch.

    pip install torch==2.13.0 numpy && python tests/golden/make_torch.py

`torch_zip.pth` and `torch_legacy.pth` hold the same state dict in both containers;
`torch_training.pt` holds one inside what training scripts save, with an optimizer's storage beside.
"""

from collections import OrderedDict
from pathlib import Path

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


if __name__ == "__main__":
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
