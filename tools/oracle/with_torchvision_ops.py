"""Run a Python program with torchvision's operator names declared.

usage: with_torchvision_ops.py PROGRAM [ARGUMENT...]

The torchvision wheel of the public index is built for CUDA, so its compiled operators do not load
beside the CPU build of torch and `import torchvision` fails on the missing declarations of
`nms` and `qnms`. None of the models we export calls these operators; declaring them is enough.
"""

import runpy
import sys

import torch

library = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
