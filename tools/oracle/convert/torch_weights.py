#!/usr/bin/env python3
"""Write the weight files that Tests/ConvertersTests/Fixtures/PyTorch holds: torch_weights.py OUT.

state.pt: a state dictionary with an int64 counter, a transposed view and a tensor within a shared
storage; checkpoint.pth: the same within a training checkpoint; legacy.pt: the form before torch
1.6; script.pt: TorchScript. Made with torch 2.13.0.
"""

import os
import sys
from collections import OrderedDict

import torch


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    base = torch.arange(12, dtype=torch.float32)
    state = OrderedDict(
        [
            ("layer.weight", base.view(3, 4)),
            ("layer.bias", base[2:5]),
            ("turned", base.view(3, 4).t()),
            ("half", base.half()[:2]),
            ("counter", torch.tensor(7)),
            ("flags", torch.tensor([True, False])),
        ])
    torch.save(state, os.path.join(out, "state.pt"))
    torch.save(
        {"epoch": 3, "loss": 0.5, "name": "net", "state_dict": state, "list": [base[:1], (base[1:2],)]},
        os.path.join(out, "checkpoint.pth"))
    torch.save({"w": base}, os.path.join(out, "legacy.pt"), _use_new_zipfile_serialization=False)
    torch.jit.script(torch.nn.Linear(2, 2)).save(os.path.join(out, "script.pt"))


if __name__ == "__main__":
    main()
