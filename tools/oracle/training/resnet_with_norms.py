#!/usr/bin/env python3
"""Write torchvision's ResNet-18 with its batch norms kept, for `FineTuneResNetTests`.

usage: resnet_with_norms.py FILE
The weights are torchvision's random ones from seed 1, those of
the norms moved a little. Run with torch 2.13.0, torchvision and onnx as
tools/oracle/requirements.txt has them.
"""

import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from export_zoo import import_torchvision  # noqa: E402

torch.manual_seed(1)
model = import_torchvision().models.resnet18(weights=None).eval()
# Tensors that are equal, as those of fresh norms are, would become one in the file.
with torch.no_grad():
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if ("bn" in name or "downsample.1" in name) and tensor.dtype == torch.float32:
            tensor += 0.05 * torch.rand_like(tensor)
torch.onnx.export(
    model,
    torch.zeros(2, 3, 64, 64),
    sys.argv[1],
    dynamo=False,
    training=torch.onnx.TrainingMode.PRESERVE,
    do_constant_folding=False,
    input_names=["image"],
    output_names=["scores"],
    dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}},
    opset_version=17,
)
