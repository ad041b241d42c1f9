#!/usr/bin/env python3
"""Gradients by PyTorch for exported models, computed on the ONNX graph itself in float64.

usage: zoo_gradients.py ZOO OUT [--double] [NAME...]
For each ZOO/NAME.onnx (see export_zoo.py) writes OUT/NAME.npz: in_0.., `weight` of the
first output's elements, `loss` (their mean product) and under `d:NAME` the loss's gradient by each
float initializer with axes. The graph is run operator by operator on torch tensors, so the
gradients are those of the same graph and not of the module it came from. Needs the packages of
tools/oracle/install.sh.

A ReLU whose sum is within rounding of zero takes another side in float32 than in float64, and its
gradient with it. --double therefore writes each graph with float64 weights as OUT/NAME.onnx too,
and float64 arrays: there both sides round alike and the gradients must agree to the last digits.

Then: DLRUN_ZOO=ZOO DLRUN_ZOO_GRADIENTS=OUT swift test --filter ImportedZooTests
"""

import glob
import os
import sys

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional as F


def ints(t):
    return [int(v) for v in t.reshape(-1).tolist()]


def pads(attributes):
    """Padding of a 2-D window, the same before and behind."""
    p = attributes.get("pads", [0, 0, 0, 0])
    n = len(p) // 2
    assert p[:n] == p[n:], "padding that differs before and behind"
    return p[:n]


def conv(x, w, b=None, *, a):
    return F.conv2d(
        x, w, b, a.get("strides", 1), pads(a), a.get("dilations", 1), a.get("group", 1)
    )


def conv_transpose(x, w, b=None, *, a):
    return F.conv_transpose2d(
        x, w, b, a.get("strides", 1), pads(a), a.get("output_padding", 0), a.get("group", 1)
    )


def max_pool(x, *, a):
    return F.max_pool2d(
        x, a["kernel_shape"], a.get("strides", 1), pads(a), ceil_mode=bool(a.get("ceil_mode", 0))
    )


def gemm(x, y, c=None, *, a):
    x = x.T if a.get("transA") else x
    y = y.T if a.get("transB") else y
    made = a.get("alpha", 1.0) * (x @ y)
    return made if c is None else made + a.get("beta", 1.0) * c


def slice_(x, starts, ends, axes=None, steps=None, *, a):
    axes = range(x.dim()) if axes is None else ints(axes)
    steps = [1] * len(ints(starts)) if steps is None else ints(steps)
    for axis, start, end, step in zip(axes, ints(starts), ints(ends), steps, strict=True):
        assert step > 0, "slices backwards"
        index = [slice(None)] * x.dim()
        index[axis] = slice(start, end, step)
        x = x[tuple(index)]
    return x


def gather(x, i, *, a):
    axis = a.get("axis", 0) % x.dim()
    i = torch.where(i < 0, i + x.shape[axis], i)
    made = torch.index_select(x, axis, i.reshape(-1))
    return made.reshape(x.shape[:axis] + i.shape + x.shape[axis + 1 :])


def reshape(x, shape, *, a):
    sizes = ints(shape)
    if not a.get("allowzero", 0):
        sizes = [x.shape[i] if n == 0 else n for i, n in enumerate(sizes)]
    return x.reshape(sizes)


def expand(x, shape, *, a):
    return x.expand(torch.broadcast_shapes(x.shape, ints(shape)))


def split(x, sizes=None, *, a):
    axis = a.get("axis", 0)
    if sizes is None:
        return x.chunk(a["num_outputs"], axis)
    return x.split(ints(sizes), axis)


def layer_norm(x, w, b=None, *, a):
    axis = a.get("axis", -1) % x.dim()
    return F.layer_norm(x, x.shape[axis:], w, b, a.get("epsilon", 1e-5))


def recurrent(cell, gates):
    """An ONNX layer by its formula, step by step."""

    def run(x, w, r, b=None, lengths=None, h0=None, c0=None, *, a):
        assert lengths is None
        steps, batch, _ = x.shape
        size = a["hidden_size"]
        directions = w.shape[0]
        ys, hs, cs = [], [], []
        for d in range(directions):
            reverse = d == 1 or a.get("direction") == "reverse"
            h = x.new_zeros(batch, size) if h0 is None else h0[d]
            c = x.new_zeros(batch, size) if c0 is None else c0[d]
            bias = x.new_zeros(2 * gates * size) if b is None else b[d]
            out = [None] * steps
            for t in reversed(range(steps)) if reverse else range(steps):
                h, c = cell(x[t], h, c, w[d], r[d], bias, size, a)
                out[t] = h
            ys.append(torch.stack(out))
            hs.append(h)
            cs.append(c)
        y = torch.stack(ys, 1)
        return (y, torch.stack(hs), torch.stack(cs))[: 3 if gates == 4 else 2]

    return run


def lstm_cell(x, h, c, w, r, b, n, a):
    z = x @ w.T + h @ r.T + b[: 4 * n] + b[4 * n :]
    i, o, f, g = z.split(n, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def gru_cell(x, h, c, w, r, b, n, a):
    wx = x @ w.T + b[: 3 * n]
    rh = h @ r.T
    z = torch.sigmoid(wx[:, :n] + rh[:, :n] + b[3 * n : 4 * n])
    s = torch.sigmoid(wx[:, n : 2 * n] + rh[:, n : 2 * n] + b[4 * n : 5 * n])
    last = b[5 * n :]
    if a.get("linear_before_reset"):
        g = torch.tanh(wx[:, 2 * n :] + s * (rh[:, 2 * n :] + last))
    else:
        g = torch.tanh(wx[:, 2 * n :] + (s * h) @ r[2 * n :].T + last)
    return (1 - z) * g + z * h, c


def clip(x, low=None, high=None, *, a):
    return torch.clamp(x, low, high)


def squeeze(x, axes=None, *, a):
    return x.squeeze() if axes is None else x.squeeze(tuple(ints(axes)))


def unsqueeze(x, axes, *, a):
    rank = x.dim() + len(ints(axes))
    for axis in sorted(n % rank for n in ints(axes)):
        x = x.unsqueeze(axis)
    return x


def div(x, y, *, a):
    return x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")


def constant_of_shape(shape, *, a):
    value = a["value"] if "value" in a else torch.zeros(1, dtype=torch.float64)
    return value.reshape(()).expand(ints(shape)).clone()


OPERATORS = {
    "Add": lambda x, y, a: x + y,
    "And": lambda x, y, a: x & y,
    "Clip": clip,
    "Concat": lambda *x, a: torch.cat(x, a["axis"]),
    "ConstantOfShape": constant_of_shape,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Div": div,
    "Equal": lambda x, y, a: x == y,
    "Erf": lambda x, a: torch.erf(x),
    "Expand": expand,
    "Flatten": lambda x, a: x.flatten(a.get("axis", 1)),
    "GRU": recurrent(gru_cell, 3),
    "Gather": gather,
    "GatherElements": lambda x, i, a: torch.gather(x, a.get("axis", 0), i),
    "Gemm": gemm,
    "GlobalAveragePool": lambda x, a: x.mean((2, 3), keepdim=True),
    "Identity": lambda x, a: x,
    "LSTM": recurrent(lstm_cell, 4),
    "LayerNormalization": layer_norm,
    "MatMul": lambda x, y, a: x @ y,
    "MaxPool": max_pool,
    "Mul": lambda x, y, a: x * y,
    "Pow": lambda x, y, a: x**y,
    "Relu": lambda x, a: torch.relu(x),
    "Reshape": reshape,
    "Shape": lambda x, a: torch.tensor(x.shape),
    "Sigmoid": lambda x, a: torch.sigmoid(x),
    "Slice": slice_,
    "Softmax": lambda x, a: torch.softmax(x, a.get("axis", -1)),
    "Split": split,
    "Squeeze": squeeze,
    "Tanh": lambda x, a: torch.tanh(x),
    "Transpose": lambda x, a: x.permute(a.get("perm", list(reversed(range(x.dim()))))),
    "Unsqueeze": unsqueeze,
    "Where": lambda c, x, y, a: torch.where(c, x, y),
}


def tensor(proto):
    t = torch.from_numpy(numpy_helper.to_array(proto).copy())
    return t.double() if t.is_floating_point() else t


def attributes(node):
    table = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    for name, value in table.items():
        if isinstance(value, bytes):
            table[name] = value.decode()
        elif isinstance(value, onnx.TensorProto):
            table[name] = tensor(value)
    return table


def run(graph, values):
    for node in graph.node:
        a = attributes(node)
        if node.op_type == "Constant":
            made = a["value"]
        else:
            inputs = [values[n] if n else None for n in node.input]
            made = OPERATORS[node.op_type](*inputs, a=a)
        for name, value in zip(node.output, made if isinstance(made, tuple) else (made,)):
            values[name] = value
    return values[graph.output[0].name]


def gradients(path, inputs):
    graph = onnx.load(path).graph
    values = {i.name: tensor(i) for i in graph.initializer}
    weights = {n: t for n, t in values.items() if t.is_floating_point() and t.dim() > 0}
    for t in weights.values():
        t.requires_grad_()
    given = [i.name for i in graph.input if i.name not in values]
    for name, x in zip(given, inputs, strict=True):
        t = torch.from_numpy(x)
        values[name] = t.double() if t.is_floating_point() else t
    y = run(graph, values)
    weight = torch.cos(torch.arange(y.numel(), dtype=torch.float64)).reshape(y.shape)
    loss = (y * weight).mean()
    loss.backward()
    made = {"weight": weight.numpy(), "loss": np.float64(loss.item())}
    for name, t in weights.items():
        if t.grad is not None:
            made["d:" + name.replace("/", "|")] = t.grad.numpy()
    return made


def doubled(path):
    """The model with every float32 tensor and type as float64."""
    model = onnx.load(path)
    graph = model.graph
    single, double = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE
    tensors = list(graph.initializer)
    for node in graph.node:
        for a in node.attribute:
            if a.type == onnx.AttributeProto.TENSOR:
                tensors.append(a.t)
            if node.op_type == "Cast" and a.name == "to" and a.i == single:
                a.i = double
    for t in tensors:
        if t.data_type == single:
            t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(t).astype(np.float64), t.name))
    del graph.value_info[:]
    for value in [*graph.input, *graph.output]:
        if value.type.tensor_type.elem_type == single:
            value.type.tensor_type.elem_type = double
    return model


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 64
    double = "--double" in sys.argv
    zoo, out, *rest = [a for a in sys.argv[1:] if a != "--double"]
    chosen = set(rest)
    os.makedirs(out, exist_ok=True)
    for path in sorted(glob.glob(f"{zoo}/*.onnx")):
        name = os.path.basename(path)[: -len(".onnx")]
        target = f"{out}/{name}.npz"
        if (chosen and name not in chosen) or os.path.exists(target):
            continue
        with np.load(f"{zoo}/{name}.npz") as file:
            inputs = [file[f"in_{i}"] for i in range(sum(k.startswith("in_") for k in file))]
        made = gradients(path, inputs)
        made |= {f"in_{i}": x for i, x in enumerate(inputs)}
        if double:
            made = {k: v.astype(np.float64) if v.dtype == np.float32 else v for k, v in made.items()}
            onnx.save(doubled(path), f"{out}/{name}.onnx")
        else:
            made = {k: v.astype(np.float32) if k[:2] == "d:" else v for k, v in made.items()}
            made["weight"] = made["weight"].astype(np.float32)
        np.savez(target, **made)
        print(f"{name}: {len(made)} arrays, loss {float(made['loss']):.6f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
