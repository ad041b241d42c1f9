#!/usr/bin/env python3
"""Make Models/digits.onnx, digits.csv and digits.npz: handwritten digits and a convolutional network.

usage: make_digits.py
The data is scikit-learn's copy of the UCI handwritten digits, 1,797 images of 8x8 pixels from 0 to
16. A fifth of each class is held out; the network never sees it, and digits.csv and digits.npz
hold exactly these 360 images. Made with python 3.11, torch 2.13.0+cpu, scikit-learn 1.9.1, numpy
2.4.6 and onnx 1.23.2 (tools/oracle/install.sh); trained on one thread from seed 0. A stand-in
until `dlrun train` makes it.
"""

import numpy as np
import torch
from onnx import helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import common

EPOCHS = 60
BATCH = 64


def shifted(images: torch.Tensor) -> torch.Tensor:
    """The images `[N, 1, 8, 8]`, each moved by at most a pixel in each direction."""
    padded = nn.functional.pad(images, (1, 1, 1, 1))
    moves = torch.randint(0, 3, (len(images), 2)).tolist()
    return torch.stack([p[:, i : i + 8, j : j + 8] for p, (i, j) in zip(padded, moves, strict=True)])


def train(x: np.ndarray, y: np.ndarray) -> nn.Sequential:
    """The network, from images `[N, 64]` with values from 0 to 1."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(128, 10),
    )  # fmt: skip
    images = torch.from_numpy(x).reshape(-1, 1, 8, 8)
    targets = torch.from_numpy(y)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(shifted(images[batch])), targets[batch])
            loss.backward()
            optimizer.step()
        schedule.step()
    return network.eval()


def main() -> None:
    torch.set_num_threads(1)
    data = load_digits()
    pixels, digits = data.data.astype(np.float32), data.target.astype(np.int64)
    seen_x, held_x, seen_y, held_y = train_test_split(
        pixels, digits, test_size=0.2, random_state=0, stratify=digits
    )
    network = train(seen_x / 16, seen_y)
    layers = [m for m in network if isinstance(m, (nn.Conv2d, nn.Linear))]
    weights = {
        "image_shape": np.array([-1, 1, 8, 8], np.int64),
        "scale": np.array(1 / 16, np.float32),
    }
    for i, layer in enumerate(layers, 1):
        weights[f"W{i}"] = layer.weight.detach().numpy()
        weights[f"b{i}"] = layer.bias.detach().numpy()

    def conv(i: int, source: str, target: str):
        inputs = [source, f"W{i}", f"b{i}"]
        yield helper.make_node("Conv", inputs, [f"c{i}"], f"conv{i}", pads=[1, 1, 1, 1])
        yield helper.make_node("Relu", [f"c{i}"], [target], f"relu{i}")

    def pool(i: int, source: str, target: str):
        size = {"kernel_shape": [2, 2], "strides": [2, 2]}
        yield helper.make_node("MaxPool", [source], [target], f"pool{i}", **size)

    nodes = [
        helper.make_node("Mul", ["pixels", "scale"], ["scaled"], "scale"),
        helper.make_node("Reshape", ["scaled", "image_shape"], ["image"], "image"),
        *conv(1, "image", "r1"),
        *conv(2, "r1", "r2"),
        *pool(1, "r2", "p1"),
        *conv(3, "p1", "r3"),
        *pool(2, "r3", "p2"),
        helper.make_node("Flatten", ["p2"], ["flat"], "flatten", axis=1),
        helper.make_node("Gemm", ["flat", "W4", "b4"], ["logits"], "logits", transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax", axis=-1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], "label", axis=1, keepdims=0),
    ]
    features = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    common.save(
        "digits.onnx",
        nodes,
        [("pixels", common.FLOAT, ["N", 64])],
        [("probabilities", common.FLOAT, ["N", 10]), ("label", common.INT64, ["N"])],
        weights,
        {"dlrun.features": features, "dlrun.classes": [str(d) for d in range(10)]},
    )
    with open(common.path("digits.csv"), "w", encoding="utf-8", newline="\n") as file:
        file.write(",".join([*features, "digit"]) + "\n")
        for row, digit in zip(held_x, held_y, strict=True):
            file.write(",".join(f"{v:.0f}" for v in row) + f",{digit}\n")
    np.savez_compressed(common.path("digits.npz"), pixels=held_x, digit=held_y)
    right, total = common.accuracy("digits.onnx", {"pixels": held_x}, held_y)
    print(f"digits.onnx: {right} of {total} held-out images")


if __name__ == "__main__":
    main()
