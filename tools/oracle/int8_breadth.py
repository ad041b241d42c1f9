#!/usr/bin/env python3
"""Makes small quantised networks of many kinds, as ONNX Runtime's own tool writes them.

  .cache/oracle/bin/python tools/oracle/int8_breadth.py FOLDER

Blocks of ShuffleNet, MobileNetV3, YOLO, U-Net, DenseNet and a transformer with random weights, each
exported by torch and quantised statically three ways: QDQ with uint8 and with int8 activations, and
QLinear operators. Beside each NAME.onnx a folder NAME in the ONNX test layout, whose outputs are
those of ONNX Runtime without optimisation; tol.json allows one step of the last quantisation. So

  dlrun verify FOLDER/NAME

holds the fused kernels against the graph as it is written.

Made with torch 2.13, onnxruntime 1.32.0, onnx 1.23.2.
"""
import json
import pathlib
import shutil
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader, QuantFormat, QuantType, quantize_static)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn


def conv(i, o, k=3, s=1, g=1, act=None):
    parts = [nn.Conv2d(i, o, k, s, k // 2, groups=g)]
    return nn.Sequential(*parts, *([act()] if act else []))


class Shuffle(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv(3, 24, 3, 2, act=nn.ReLU)
        self.branch = nn.Sequential(
            conv(12, 12, 1, act=nn.ReLU), conv(12, 12, 3, g=12), conv(12, 12, 1, act=nn.ReLU))
        self.head = conv(24, 40, 1, act=nn.ReLU)
        self.fc = nn.Linear(40, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.stem(x), 3, 2, 1)
        for _ in range(2):
            a, b = x.chunk(2, 1)
            x = torch.cat((a, self.branch(b)), 1)
            n, c, h, w = x.shape
            x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.fc(self.head(x).mean((2, 3)))


class Squeeze(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.b = nn.Conv2d(c, 8, 1), nn.Conv2d(8, c, 1)

    def forward(self, x):
        s = nn.functional.adaptive_avg_pool2d(x, 1)
        return x * nn.functional.hardsigmoid(self.b(torch.relu(self.a(s))))


class MobileV3(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv(3, 16, 3, 2, act=nn.Hardswish)
        self.up = conv(16, 40, 1, act=nn.Hardswish)
        self.deep = conv(40, 40, 5, g=40, act=nn.Hardswish)
        self.se = Squeeze(40)
        self.down = conv(40, 16, 1)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.down(self.se(self.deep(self.up(x))))
        return self.fc(nn.functional.hardswish(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)))


class Yolo(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = conv(3, 16, 3, 2, act=nn.SiLU)
        self.b = conv(16, 32, 3, 2, act=nn.SiLU)
        self.c = conv(16, 16, 3, act=nn.SiLU)
        self.d = conv(48, 32, 1, act=nn.SiLU)
        self.pool = conv(16, 16, 1, act=nn.LeakyReLU)
        self.e = conv(64, 32, 1, act=nn.SiLU)
        self.f = conv(48, 24, 3, act=nn.SiLU)
        self.out = nn.Conv2d(24, 18, 1)

    def forward(self, x):
        p = self.a(x)
        x = self.b(p)
        a, b = x.chunk(2, 1)
        x = self.d(torch.cat((a, b, b + self.c(b)), 1))
        y = self.pool(x[:, :16])
        y1 = nn.functional.max_pool2d(y, 5, 1, 2)
        y2 = nn.functional.max_pool2d(y1, 5, 1, 2)
        y3 = nn.functional.max_pool2d(y2, 5, 1, 2)
        x = self.e(torch.cat((y, y1, y2, y3), 1))
        x = torch.cat((nn.functional.interpolate(x, scale_factor=2.0), p), 1)
        return torch.sigmoid(self.out(self.f(x)))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(conv(3, 16, act=nn.ReLU), conv(16, 16, act=nn.ReLU))
        self.b = nn.Sequential(conv(16, 32, act=nn.ReLU), conv(32, 32, act=nn.ReLU))
        self.up = nn.ConvTranspose2d(32, 16, 2, 2)
        self.c = nn.Sequential(conv(32, 16, act=nn.ReLU), conv(16, 16, act=nn.ReLU))
        self.up2 = nn.ConvTranspose2d(16, 8, 3, 2, 1, 1)
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        a = self.a(x)
        b = self.b(nn.functional.max_pool2d(a, 2))
        return self.out(torch.relu(self.up2(self.c(torch.cat((self.up(b), a), 1)))))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv(3, 16, 3, 2, act=nn.ReLU)
        self.layers = nn.ModuleList(conv(16 + 8 * i, 8, act=nn.ReLU) for i in range(3))
        self.shift = conv(40, 20, 1, act=nn.ReLU)
        self.fc = nn.Linear(20, 10)

    def forward(self, x):
        x = nn.functional.pad(self.stem(x), (1, 1, 1, 1))
        for layer in self.layers:
            x = torch.cat((x, layer(x)), 1)
        x = nn.functional.avg_pool2d(self.shift(x), 2)
        return torch.softmax(self.fc(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)), 1)


class Former(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 32, 8, 8)
        self.qkv, self.out = nn.Linear(32, 96), nn.Linear(32, 32)
        self.n1, self.n2 = nn.LayerNorm(32), nn.LayerNorm(32)
        self.m1, self.m2 = nn.Linear(32, 64), nn.Linear(64, 32)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        n, t, c = x.shape
        q, k, v = self.qkv(self.n1(x)).view(n, t, 3, 4, 8).permute(2, 0, 3, 1, 4)
        s = torch.softmax(q @ k.transpose(-1, -2) * 8 ** -0.5, -1)
        x = x + self.out((s @ v).transpose(1, 2).reshape(n, t, c))
        x = x + self.m2(nn.functional.gelu(self.m1(self.n2(x))))
        return self.fc(x.mean(1))


class Images(CalibrationDataReader):
    def __init__(self, rng):
        self.feeds = iter([
            {"x": rng.standard_normal((1, 3, 64, 64)).astype(np.float32)} for _ in range(6)])

    def get_next(self):
        return next(self.feeds, None)


FORMS = {
    "qdq": (QuantFormat.QDQ, QuantType.QUInt8),
    "qdq_s8": (QuantFormat.QDQ, QuantType.QInt8),
    "qop": (QuantFormat.QOperator, QuantType.QUInt8),
}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for kind in (Shuffle, MobileV3, Yolo, UNet, Dense, Former):
        torch.manual_seed(1)
        net = kind().eval()
        for p in net.parameters():
            if p.dim() > 1:
                nn.init.kaiming_normal_(p)
        for form, (shape, activation) in FORMS.items():
            name = f"{kind.__name__.lower()}_{form}"
            case = folder / name
            shutil.rmtree(case, ignore_errors=True)
            (case / "test_data_set_0").mkdir(parents=True)
            with tempfile.TemporaryDirectory() as scratch:
                plain, ready = f"{scratch}/plain.onnx", f"{scratch}/ready.onnx"
                torch.onnx.export(
                    net, (torch.zeros(1, 3, 64, 64),), plain, input_names=["x"],
                    output_names=["y"], opset_version=17, dynamo=False)
                quant_pre_process(plain, ready)
                quantize_static(
                    ready, str(case / "model.onnx"), Images(np.random.default_rng(7)),
                    quant_format=shape, per_channel=True, activation_type=activation,
                    weight_type=QuantType.QInt8)
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            session = onnxruntime.InferenceSession(
                str(case / "model.onnx"), options, providers=["CPUExecutionProvider"])
            x = np.random.default_rng(8).standard_normal((1, 3, 64, 64)).astype(np.float32)
            y = session.run(None, {"x": x})[0]
            for stem, array in (("input_0", x), ("output_0", y)):
                (case / "test_data_set_0" / f"{stem}.pb").write_bytes(
                    numpy_helper.from_array(array).SerializeToString())
            graph = onnx.load(case / "model.onnx").graph
            last = [n for n in graph.node if n.op_type == "DequantizeLinear"][-1]
            constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
            step = float(constants[last.input[1]].ravel()[0])
            (case / "tol.json").write_text(json.dumps({"rtol": 0, "atol": 1.01 * step}))
            print(f"{name}: {len(graph.node)} nodes, steps of {step:.3g}", flush=True)


if __name__ == "__main__":
    main()
