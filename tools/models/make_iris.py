#!/usr/bin/env python3
"""Make Models/iris.pb and Models/iris.csv: Fisher's irises and a small network that names them.

usage: make_iris.py
Made with python 3.11, torch 2.13.0+cpu, scikit-learn 1.9.1 (its copy of the data), numpy 2.4.6 and
onnx 1.23.2 (tools/oracle/install.sh); trained on one thread from seed 0. A stand-in until
`dlrun train` makes it.
"""

import numpy as np
import torch
from onnx import helper
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold

import common

FEATURES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
CLASSES = ["setosa", "versicolor", "virginica"]
HIDDEN = 16


def train(x: np.ndarray, y: np.ndarray) -> torch.nn.Module:
    """A network with one hidden layer over standardised features `[N, 4]`."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(4, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, 3)
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02, weight_decay=1e-3)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(300):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(inputs), targets).backward()
        optimizer.step()
    return network


def cross_validated(x: np.ndarray, y: np.ndarray) -> int:
    """How many of the 150 a network trained on the other four fifths gets right."""
    right = 0
    for kept, held in StratifiedKFold(5, shuffle=True, random_state=0).split(x, y):
        mean, scale = x[kept].mean(0), x[kept].std(0)
        network = train((x[kept] - mean) / scale, y[kept])
        with torch.no_grad():
            guess = network(torch.from_numpy((x[held] - mean) / scale)).argmax(1).numpy()
        right += int((guess == y[held]).sum())
    return right


def main() -> None:
    torch.set_num_threads(1)
    data = load_iris()
    x, y = data.data.astype(np.float32), data.target.astype(np.int64)
    mean, scale = x.mean(0), x.std(0)
    network = train((x - mean) / scale, y)
    state = [p.detach().numpy() for p in network.parameters()]

    nodes = [
        helper.make_node("Sub", ["features", "mean"], ["centred"], "centre"),
        helper.make_node("Div", ["centred", "scale"], ["standard"], "standardise"),
        helper.make_node("Gemm", ["standard", "W1", "b1"], ["hidden"], "hidden", transB=1),
        helper.make_node("Relu", ["hidden"], ["active"], "activate"),
        helper.make_node("Gemm", ["active", "W2", "b2"], ["logits"], "logits", transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax", axis=-1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], "label", axis=1, keepdims=0),
    ]
    names = ["mean", "scale", "W1", "b1", "W2", "b2"]
    common.save(
        "iris.pb",
        nodes,
        [("features", common.FLOAT, ["N", 4])],
        [("probabilities", common.FLOAT, ["N", 3]), ("label", common.INT64, ["N"])],
        dict(zip(names, [mean, scale, *state], strict=True)),
        {"dlrun.features": FEATURES, "dlrun.classes": CLASSES},
    )
    with open(common.path("iris.csv"), "w", encoding="utf-8", newline="\n") as file:
        file.write(",".join([*FEATURES, "species"]) + "\n")
        for row, label in zip(data.data, y, strict=True):
            file.write(",".join(f"{v:.1f}" for v in row) + f",{CLASSES[label]}\n")
    right, total = common.accuracy("iris.pb", {"features": x}, y)
    print(f"iris.pb: {right} of {total} over the file")
    print(f"the same network, five-fold cross-validated: {cross_validated(x, y)} of {total}")


if __name__ == "__main__":
    main()
