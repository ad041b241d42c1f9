#!/usr/bin/env python3
"""What Keras' layers compute on small inputs, values and gradients, in float64, as JSON.

usage: KERAS_BACKEND=torch layer_fixtures.py OUTPUT

Needs `pip install keras==3.15.1 torch==2.13.0`, which the file it writes names.

Element i of parameter k is 0.5 cos(0.37 i + k), in the layout that dlrun stores; element i of input
j is sin(0.61 i + j + 0.3), or 7 i mod 5 for whole numbers. Gradients are those of the sum of the output's
elements, element i times cos(0.23 i). The layers stand, under the same names, in
Tests/LayersTests/LayerCases.swift.
"""
import json
import math
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import torch

from layer_fixture_cases import CASES

keras.config.set_floatx("float64")


def formula(shape, f):
    n = math.prod(shape)
    return torch.tensor([f(i) for i in range(n)], dtype=torch.float64).reshape(shape)


def numbers(t):
    return [float(f"{v:.7g}") for v in t.detach().reshape(-1).tolist()]


def run(case):
    torch.manual_seed(0)
    xs = []
    for j, shape in enumerate(case["inputs"]):
        if case.get("whole"):
            xs.append(formula(shape, lambda i: 7 * i % 5).long())
        else:
            xs.append(formula(shape, lambda i: math.sin(0.61 * i + j + 0.3)).requires_grad_())
    mine = [
        formula(shape, lambda i: 0.5 * math.cos(0.37 * i + k)).requires_grad_()
        for k, (name, shape) in enumerate(case["params"])
    ]
    layer = case["layer"]()
    given = [case["turn"](x) for x in xs] if "turn" in case else xs
    arguments = case["call"](given) if "call" in case else (
        given if len(given) == 1 else [given])
    keywords = {}
    if case.get("masked"):
        shape = case["inputs"][0][:2]
        keywords["mask"] = formula(shape, lambda i: i % 4 != 2).bool()
    if case.get("training") is not None:
        keywords["training"] = case["training"]
    keywords |= case.get("keywords", {})
    layer(*[a.detach() if torch.is_tensor(a) else [x.detach() for x in a] for a in arguments],
          **keywords)
    weights = case["map"](*mine) if "map" in case else mine
    for w, v in zip(weights, layer.trainable_variables):
        assert tuple(w.shape) == tuple(v.shape), (case["name"], [v.path for v in layer.trainable_variables],
            [tuple(w.shape) for w in weights], [tuple(v.shape) for v in layer.trainable_variables])
    assert len(weights) == len(layer.trainable_variables), case["name"]
    before = case.get("states")
    others = [v.value for v in layer.non_trainable_variables]
    if before:
        others = [formula(v.shape, lambda i: 0.3 + 0.1 * i + k) for k, v in enumerate(others)]
    y, after = layer.stateless_call(weights, others, *arguments, **keywords)
    ys = list(y) if isinstance(y, (list, tuple)) else [y]
    if "back" in case:
        ys = [case["back"](y) for y in ys]
    total = sum((y * formula(y.shape, lambda i: math.cos(0.23 * i))).sum() for y in ys)
    record = {
        "name": case["name"], "inputs": case["inputs"], "whole": bool(case.get("whole")),
        "masked": bool(case.get("masked")), "training": bool(case.get("training")),
        "params": [[name, list(shape)] for name, shape in case["params"]],
        "outputs": [{"shape": list(y.shape), "values": numbers(y)} for y in ys],
    }
    leaves = [t for t in xs + mine if t.requires_grad]
    if total.requires_grad:
        gradients = torch.autograd.grad(total, leaves, allow_unused=True)
        record["gradients"] = [
            numbers(g if g is not None else torch.zeros_like(t))
            for g, t in zip(gradients, leaves)]
    if before:
        record["states"] = [[name, numbers(v)] for name, v in zip(before, after)]
    return record


def main():
    assert keras.__version__ == "3.15.1" and torch.__version__.startswith("2.13"), "pinned"
    records = []
    for case in CASES:
        try:
            records.append(run(case))
        except Exception:
            print("case", case["name"], file=sys.stderr)
            raise
    made = {
        "made with": f"keras {keras.__version__}, torch {torch.__version__}",
        "command": "KERAS_BACKEND=torch tools/oracle/training/layer_fixtures.py",
        "cases": records,
    }
    with open(sys.argv[1], "w") as f:
        f.write('{"made with": %s,\n"command": %s,\n"cases": [\n' % (
            json.dumps(made["made with"]), json.dumps(made["command"])))
        f.write(",\n".join(json.dumps(r, separators=(",", ":")) for r in records))
        f.write("\n]}\n")


main()
