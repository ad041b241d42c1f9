#!/usr/bin/env python3
"""Losses of 20 training steps of small networks in torch, in float64, as JSON.

usage: training_fixtures.py OUTPUT

Weights: element i of parameter k is 0.5 cos(0.37 i + k). Data: element i is sin(0.61 i), classes
are i mod 3. The networks stand below and in Tests/TrainingTests/NetworkTests.swift.
"""
import json
import math
import sys

import torch

torch.set_default_dtype(torch.float64)


def weight(k, *shape):
    n = math.prod(shape)
    w = torch.tensor([0.5 * math.cos(0.37 * i + k) for i in range(n)]).reshape(shape)
    return w.requires_grad_()


def data(*shape):
    return torch.tensor([math.sin(0.61 * i) for i in range(math.prod(shape))]).reshape(shape)


def classes(n):
    return torch.arange(n) % 3


def mlp():
    ws = [weight(0, 5, 8), weight(1, 8), weight(2, 8, 3), weight(3, 3)]
    x, y = data(6, 5), classes(6)

    def loss():
        h = torch.nn.functional.gelu(x @ ws[0] + ws[1])
        return torch.nn.functional.cross_entropy(h @ ws[2] + ws[3], y)

    return ws, torch.optim.AdamW(ws, lr=0.05), loss


def lstm():
    ws = [weight(0, 4, 12), weight(1, 3, 12), weight(2, 12), weight(3, 3, 3)]
    x, y = data(7, 5, 4), classes(5)

    def loss():
        h = torch.zeros(5, 3)
        c = torch.zeros(5, 3)
        for t in range(7):
            i, f, g, o = (x[t] @ ws[0] + h @ ws[1] + ws[2]).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return torch.nn.functional.cross_entropy(h @ ws[3], y)

    return ws, torch.optim.SGD(ws, lr=0.5, momentum=0.9, nesterov=True), loss


def attention():
    ws = [weight(0, 4, 12), weight(1, 4, 4), weight(2, 4, 3)]
    x, y = data(2, 5, 4), classes(10)

    def loss():
        q, k, v = (x @ ws[0]).chunk(3, 2)
        scores = q @ k.transpose(1, 2) / 2
        mask = torch.ones(5, 5).triu(1).bool()
        a = scores.masked_fill(mask, -1e9).softmax(-1) @ v @ ws[1] + x
        n = (a - a.mean(-1, keepdim=True)) / (a.var(-1, keepdim=True, correction=0) + 1e-5).sqrt()
        return torch.nn.functional.cross_entropy((n @ ws[2]).reshape(10, 3), y)

    return ws, torch.optim.Adam(ws, lr=0.02, amsgrad=True), loss


TREES = [((0, 1), 2), (1, (2, (0, 1))), 2, ((0, 2), (1, 1))]


def tree():
    ws = [weight(0, 3, 4), weight(1, 8, 16), weight(2, 16), weight(3, 4, 3)]

    def embed(t):
        if isinstance(t, int):
            return ws[0][t : t + 1], torch.zeros(1, 4)
        (a, ca), (b, cb) = embed(t[0]), embed(t[1])
        i, f, o, u = (torch.cat([a, b], 1) @ ws[1] + ws[2]).chunk(4, 1)
        c = torch.sigmoid(i) * torch.tanh(u) + torch.sigmoid(f) * (ca + cb)
        return torch.sigmoid(o) * torch.tanh(c), c

    def loss():
        logits = torch.cat([embed(t)[0] for t in TREES]) @ ws[3]
        return torch.nn.functional.cross_entropy(logits, classes(4))

    return ws, torch.optim.RMSprop(ws, lr=0.01), loss


cases = {}
for network in (mlp, lstm, attention, tree):
    ws, optimizer, loss = network()
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    cases[network.__name__] = losses
with open(sys.argv[1], "w") as f:
    head = {"made by": "tools/oracle/training/training_fixtures.py", "version": f"torch {torch.__version__}"}
    json.dump({**head, "losses": cases}, f, indent=0)
    f.write("\n")
