#!/usr/bin/env python3
"""Parameters after steps of torch's and Keras' optimisers on fixed gradients, as JSON.

usage: optimizer_fixtures.py torch|keras OUTPUT

Two parameters, a matrix [3, 4] and a vector [5], in float64. Gradient of element i of parameter k at
step t (from 1): sin(0.7 t + 0.3 i + k) (1 + 0.1 i) + 0.2 w, w the element itself. 100 steps; the
parameters are written after steps 1, 2, 10 and 100.
Keras runs on its torch or numpy backend (KERAS_BACKEND).
"""
import json
import math
import sys

import numpy as np

SHAPES = [(3, 4), (5,)]
NOTED = (1, 2, 10, 100)


def initial(k):
    n = int(np.prod(SHAPES[k]))
    return np.array([math.cos(0.5 * i + k) for i in range(n)]).reshape(SHAPES[k])


def gradient(k, t, w):
    n = int(np.prod(SHAPES[k]))
    g = np.array([math.sin(0.7 * t + 0.3 * i + k) * (1 + 0.1 * i) for i in range(n)])
    return g.reshape(SHAPES[k]) + 0.2 * w


def with_torch():
    import torch

    o = torch.optim
    cases = {
        "sgd": (o.SGD, dict(lr=0.05)),
        "sgd momentum": (o.SGD, dict(lr=0.05, momentum=0.9, dampening=0.1, weight_decay=0.01)),
        "sgd nesterov": (o.SGD, dict(lr=0.05, momentum=0.9, nesterov=True)),
        "adam": (o.Adam, dict(lr=0.01)),
        "adam decay": (o.Adam, dict(lr=0.01, weight_decay=0.02)),
        "adam amsgrad": (o.Adam, dict(lr=0.01, amsgrad=True)),
        "adamW": (o.AdamW, dict(lr=0.01)),
        "adamax": (o.Adamax, dict(lr=0.01)),
        "nadam": (o.NAdam, dict(lr=0.01)),
        "rAdam": (o.RAdam, dict(lr=0.01)),
        "rmsprop": (o.RMSprop, dict(lr=0.01)),
        "rmsprop centered": (o.RMSprop, dict(lr=0.01, centered=True, momentum=0.5)),
        "adagrad": (o.Adagrad, dict(lr=0.05, lr_decay=0.01, initial_accumulator_value=0.1)),
        "adadelta": (o.Adadelta, dict(lr=0.5)),
        "adafactor": (o.Adafactor, dict(lr=0.05, weight_decay=0.01)),
    }
    for name, (kind, options) in cases.items():
        ws = [torch.tensor(initial(k), requires_grad=True) for k in range(2)]
        optimizer = kind(ws, foreach=False, **options)

        def step(t):
            for k, w in enumerate(ws):
                w.grad = torch.tensor(gradient(k, t, w.detach().numpy()))
            optimizer.step()
            return [w.detach().numpy() for w in ws]

        yield name, options, step
    ws = [torch.tensor(initial(k), requires_grad=True) for k in range(2)]
    lbfgs = o.LBFGS(ws, lr=0.5, max_iter=4, history_size=5)

    def closure():
        lbfgs.zero_grad()
        loss = sum((w**4).sum() + ((w - 1) ** 2).sum() for w in ws)
        loss.backward()
        return loss

    def step(t):
        lbfgs.step(closure)
        return [w.detach().numpy() for w in ws]

    yield "lbfgs", dict(lr=0.5, max_iter=4, history_size=5), step


def with_keras():
    import keras

    keras.config.set_floatx("float64")
    o = keras.optimizers
    cases = {
        "sgd": (o.SGD, dict(learning_rate=0.05)),
        "sgd momentum": (o.SGD, dict(learning_rate=0.05, momentum=0.9, weight_decay=0.01)),
        "sgd nesterov": (o.SGD, dict(learning_rate=0.05, momentum=0.9, nesterov=True)),
        "adam": (o.Adam, dict(learning_rate=0.01)),
        "adam amsgrad": (o.Adam, dict(learning_rate=0.01, amsgrad=True)),
        "adamW": (o.AdamW, dict(learning_rate=0.01)),
        "adamax": (o.Adamax, dict(learning_rate=0.01)),
        "nadam": (o.Nadam, dict(learning_rate=0.01)),
        "rmsprop": (o.RMSprop, dict(learning_rate=0.01)),
        "rmsprop centered": (o.RMSprop, dict(learning_rate=0.01, centered=True, momentum=0.5)),
        "adagrad": (o.Adagrad, dict(learning_rate=0.05)),
        "adadelta": (o.Adadelta, dict(learning_rate=0.5)),
        "adafactor": (o.Adafactor, dict(learning_rate=0.05)),
        "ftrl": (o.Ftrl, dict(learning_rate=0.05)),
        "ftrl regular": (
            o.Ftrl,
            dict(
                learning_rate=0.05,
                learning_rate_power=-0.6,
                l1_regularization_strength=0.01,
                l2_regularization_strength=0.02,
                l2_shrinkage_regularization_strength=0.03,
                beta=0.1,
            ),
        ),
        "lion": (o.Lion, dict(learning_rate=0.01, weight_decay=0.05)),
        "lamb": (o.Lamb, dict(learning_rate=0.01)),
        "muon": (o.Muon, dict(learning_rate=0.01)),
        "scheduleFreeAdamW": (
            o.ScheduleFreeAdamW,
            dict(learning_rate=0.01, warmup_steps=5, weight_decay=0.01),
        ),
    }
    for name, (kind, options) in cases.items():
        ws = [keras.Variable(initial(k), name=f"w{k}", dtype="float64") for k in range(2)]
        optimizer = kind(**options)
        optimizer.build(ws)

        def step(t, optimizer=optimizer, ws=ws):
            values = [keras.ops.convert_to_numpy(w) for w in ws]
            grads = [
                keras.ops.convert_to_tensor(gradient(k, t, v)) for k, v in enumerate(values)
            ]
            optimizer.apply(grads, ws)
            return [np.array(keras.ops.convert_to_numpy(w)) for w in ws]

        yield name, options, step


def main():
    which, path = sys.argv[1], sys.argv[2]
    cases = []
    for name, options, step in with_torch() if which == "torch" else with_keras():
        case = {"name": name, "options": {k: float(v) for k, v in options.items()}, "after": {}}
        for t in range(1, 101):
            values = step(t)
            if t in NOTED:
                case["after"][str(t)] = [v.reshape(-1).tolist() for v in values]
        cases.append(case)
    if which == "torch":
        import torch

        version = torch.__version__
    else:
        import keras

        version = f"{keras.__version__} on {keras.config.backend()}"
    with open(path, "w") as f:
        head = {"made by": f"tools/oracle/training/optimizer_fixtures.py {which}", "version": version}
        json.dump({**head, "cases": cases}, f, indent=0)
        f.write("\n")


main()
