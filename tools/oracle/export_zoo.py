#!/usr/bin/env python3
"""Export real architectures with seeded weights to ONNX, with PyTorch's own inputs and outputs.

usage: export_zoo.py OUT [NAME...]
Each model becomes OUT/NAME.onnx and OUT/NAME.npz with in_0.. and out_0... Opset 17, or what the
newer exporter chooses where the older one cannot (gpt2_small). Nothing is downloaded. What is
there already is left alone. Needs the packages of tools/oracle/install.sh.
"""

import os
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import torch
from torch import nn


def import_torchvision():
    """torchvision, also where its compiled operators do not load beside a CPU build of torch.

    Its import then fails on the missing declarations of nms and qnms. None of these models calls
    them, so declaring them is enough.
    """
    try:
        import torchvision
    except RuntimeError:
        for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import_torchvision.library = library  # declarations go when this is freed
        import torchvision
    return torchvision


def warm(model: nn.Module, x: torch.Tensor) -> nn.Module:
    """The model with believable batch-norm statistics."""
    model.train()
    with torch.no_grad():
        for _ in range(2):
            model(x)
    return model.eval()


def vision(name: str, has_batch_norm: bool = True):
    def make():
        model = import_torchvision().models.get_model(name, weights=None)
        x = torch.randn(4 if has_batch_norm else 1, 3, 224, 224)
        if has_batch_norm:
            warm(model, x)
        return model.eval(), (torch.randn(1, 3, 224, 224),)

    return make


def vit():
    import_torchvision()
    import timm

    model = timm.create_model("vit_tiny_patch16_224", pretrained=False, exportable=True)
    warm(model, torch.randn(4, 3, 224, 224))
    return model.eval(), (torch.randn(1, 3, 224, 224),)


def tab_mlp():
    model = nn.Sequential(
        nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2), nn.Softmax(-1)
    )
    return model.eval(), (torch.randn(1, 30),)


class LSTMTagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(1000, 64)
        self.l = nn.LSTM(64, 128, 2, batch_first=True, bidirectional=True)
        self.o = nn.Linear(256, 20)

    def forward(self, x):
        return self.o(self.l(self.e(x))[0])


class GRUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.GRU(40, 96, 2, batch_first=True)
        self.o = nn.Linear(96, 12)

    def forward(self, x):
        return self.o(self.l(x)[0][:, -1])


class UNet(nn.Module):
    def __init__(self, c: int = 24):
        super().__init__()

        def block(i, o):
            return nn.Sequential(
                nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(),
                nn.Conv2d(o, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(),
            )  # fmt: skip

        def up(i, o):
            return nn.ConvTranspose2d(i, o, 2, 2)

        self.d = nn.ModuleList([block(3, c), block(c, 2 * c), block(2 * c, 4 * c), block(4 * c, 8 * c)])
        self.p = nn.MaxPool2d(2)
        self.u = nn.ModuleList([up(8 * c, 4 * c), up(4 * c, 2 * c), up(2 * c, c)])
        self.c = nn.ModuleList([block(8 * c, 4 * c), block(4 * c, 2 * c), block(2 * c, c)])
        self.o = nn.Conv2d(c, 4, 1)

    def forward(self, x):
        kept = []
        for i, down in enumerate(self.d):
            x = down(x)
            if i < 3:
                kept.append(x)
                x = self.p(x)
        for up, block in zip(self.u, self.c, strict=True):
            x = block(torch.cat([up(x), kept.pop()], 1))
        return self.o(x)


def transformer(kind: str):
    def make():
        import_torchvision()
        import transformers as t

        if kind == "bert":
            size = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12}
            config = t.BertConfig(
                vocab_size=8000, intermediate_size=1536, attn_implementation="eager", **size
            )
            model = t.BertModel(config, add_pooling_layer=False)
        else:
            size = {"n_embd": 384, "n_layer": 6, "n_head": 6}
            config = t.GPT2Config(
                vocab_size=8000, attn_implementation="eager", use_cache=False, **size
            )
            model = t.GPT2LMHeadModel(config)

        class FirstOutput(nn.Module):
            def __init__(self):
                super().__init__()
                self.m = model

            def forward(self, ids):
                return self.m(input_ids=ids, return_dict=False)[0]

        return FirstOutput().eval(), (torch.randint(0, 8000, (1, 128)),)

    return make


ZOO = {
    "tab_mlp": tab_mlp,
    "resnet18": vision("resnet18"),
    "resnet50": vision("resnet50"),
    "mobilenet_v2": vision("mobilenet_v2"),
    "efficientnet_b0": vision("efficientnet_b0"),
    "squeezenet1_1": vision("squeezenet1_1", has_batch_norm=False),
    "vit_tiny": vit,
    "unet": lambda: (warm(UNet(), torch.randn(2, 3, 128, 128)), (torch.randn(1, 3, 256, 256),)),
    "lstm_tagger": lambda: (LSTMTagger().eval(), (torch.randint(0, 1000, (1, 50)),)),
    "gru": lambda: (GRUNet().eval(), (torch.randn(1, 100, 40),)),
    "minilm": transformer("bert"),
    "gpt2_small": transformer("gpt2"),
}


def export(name: str, make, out: str) -> str:
    """Writes the model and its values; returns which exporter did it."""
    torch.manual_seed(sum(map(ord, name)))
    model, xs = make()
    with torch.no_grad():
        y = model(*xs)
    ys = y if isinstance(y, tuple) else (y,)
    names = [f"in_{i}" for i in range(len(xs))]
    path = f"{out}/{name}.onnx"
    try:
        axes = {n: {0: "batch"} for n in names}
        torch.onnx.export(
            model, xs, path, opset_version=17, dynamo=False, input_names=names, dynamic_axes=axes
        )
        how = "script"
    except torch.onnx.errors.OnnxExporterError:
        torch.onnx.export(model, xs, path, dynamo=True, external_data=False, verbose=False)
        how = "dynamo"
    values = {f"in_{i}": x.numpy() for i, x in enumerate(xs)}
    values |= {f"out_{i}": v.numpy() for i, v in enumerate(ys)}
    np.savez(f"{out}/{name}.npz", **values)
    return how


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 64
    out, chosen = sys.argv[1], set(sys.argv[2:])
    os.makedirs(out, exist_ok=True)
    failed = 0
    for name, make in ZOO.items():
        if (chosen and name not in chosen) or os.path.exists(f"{out}/{name}.npz"):
            continue
        try:
            how = export(name, make, out)
            size = os.path.getsize(f"{out}/{name}.onnx") // 1024
            print(f"{name}: {size} KiB, exported by {how}", flush=True)
        except Exception as error:
            failed += 1
            print(f"{name}: failed: {type(error).__name__}: {str(error)[:200]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
