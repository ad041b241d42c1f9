#!/usr/bin/env python3
"""Losses of torch and of Keras' formulas on fixed predictions and targets, as JSON.

usage: loss_fixtures.py OUTPUT

Element i of the predictions [4, 3] is sin(1.3 i + 0.4) and of the targets cos(0.9 i); probabilities
are softmax of these along the last axis; classes are 2, 0, 1, 1; signs are those of the targets.
Where torch has no such loss, the value is Keras' formula in numpy (keras/src/losses/losses.py).
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

i = np.arange(12.0)
p = torch.tensor(np.sin(1.3 * i + 0.4).reshape(4, 3), requires_grad=True)
t = torch.tensor(np.cos(0.9 * i).reshape(4, 3))
q, d = p.softmax(-1), t.softmax(-1)
classes = torch.tensor([2, 0, 1, 1])
weights = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
signs = torch.sign(t)
var = t.abs() + 0.1

losses = {
    "meanSquared": F.mse_loss(p, t),
    "meanAbsolute": F.l1_loss(p, t),
    "meanAbsolutePercentage": 100 * ((p - t).abs() / t.abs().clamp(min=1e-7)).mean(),
    "meanSquaredLogarithmic": ((torch.log1p(q) - torch.log1p(d)) ** 2).mean(),
    "huber": F.huber_loss(p, t, delta=0.5),
    "smoothL1": F.smooth_l1_loss(p, t, beta=0.7),
    "logCosh": torch.log(torch.cosh(p - t)).mean(),
    "poisson": (q - d * torch.log(q + 1e-7)).mean(),
    "poissonFromLog": F.poisson_nll_loss(p, d),
    "binaryCrossEntropy": F.binary_cross_entropy(q, d),
    "binaryCrossEntropyFromLogits": F.binary_cross_entropy_with_logits(p, d),
    "binaryFocalFromLogits": (
        (1 - (d * p.sigmoid() + (1 - d) * (1 - p.sigmoid()))) ** 2
        * F.binary_cross_entropy_with_logits(p, d, reduction="none")
    ).mean(),
    "hinge": (1 - signs * p).relu().mean(),
    "squaredHinge": ((1 - signs * p).relu() ** 2).mean(),
    "softMargin": F.soft_margin_loss(p, signs),
    "crossEntropy": F.cross_entropy(p, classes),
    "crossEntropy weighed": F.cross_entropy(p, classes, weight=weights),
    "crossEntropy ignoring": F.cross_entropy(p, classes, ignore_index=1),
    "crossEntropy sum": F.cross_entropy(p, classes, reduction="sum"),
    "categoricalCrossEntropyFromLogits": F.cross_entropy(p, d),
    "categoricalCrossEntropyFromLogits smoothed": F.cross_entropy(p, d, label_smoothing=0.1),
    "categoricalCrossEntropy": -(d * torch.log(q)).sum(-1).mean(),
    "kullbackLeibler": F.kl_div(q.log(), d, reduction="batchmean"),
    "cosineSimilarity": -F.cosine_similarity(p, t, dim=-1).mean(),
    "categoricalHinge": (
        ((1 - d) * p).max(-1).values - (d * p).sum(-1) + 1
    ).relu().mean(),
    "dice": 1 - (2 * (q * d).sum() + 1e-7) / (q.sum() + d.sum() + 1e-7),
    "tversky": 1
    - ((q * d).sum() + 1e-7)
    / ((q * d).sum() + 0.3 * (q * (1 - d)).sum() + 0.7 * ((1 - q) * d).sum() + 1e-7),
    "gaussian": F.gaussian_nll_loss(p, t, var),
    "triplet": F.triplet_margin_loss(p, t, t.flip(0)),
    "marginRanking": F.margin_ranking_loss(p, t.flip(1), signs, margin=0.2),
}
cases = {}
for name, loss in losses.items():
    (g,) = torch.autograd.grad(loss, p, retain_graph=True)
    cases[name] = {"value": loss.item(), "gradient": g.reshape(-1).tolist()}
with open(sys.argv[1], "w") as f:
    head = {"made by": "tools/oracle/training/loss_fixtures.py", "version": f"torch {torch.__version__}"}
    json.dump({**head, "cases": cases}, f, indent=0)
    f.write("\n")
