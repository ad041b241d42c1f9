#!/usr/bin/env python3
"""Holds dlrun's int8 networks against their QDQ graph computed in float64.

  .cache/oracle/bin/python tools/oracle/int8_exact.py DLRUN MODEL.onnx MODEL.npz

Every node is computed as ONNX writes it, in float64, so that only exact ties are left to chance. Sums
that engines round in float32 before they become codes may fall on the other side of a tie; such a
code changes what follows. Prints the largest difference of the outputs in steps of the last
quantisation, and how many differ at all, for dlrun at levels none and all and for ONNX Runtime
without optimisation.

Made with torch 2.13, onnxruntime 1.32.0, onnx 1.23.2.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def along(x, scale, axis):
    if scale.dim() == 0 or scale.numel() == 1:
        return scale.reshape([])
    shape = [1] * x.dim()
    shape[axis] = -1
    return scale.reshape(shape)


def codes(x, inputs, a):
    scale, zero = inputs[1].double(), inputs[2] if len(inputs) > 2 else torch.tensor(0, dtype=torch.uint8)
    info = torch.iinfo(zero.dtype)
    axis = a.get("axis", 1)
    y = torch.round(x / along(x, scale, axis)) + along(x, zero.double(), axis)
    return y.clamp(info.min, info.max).to(zero.dtype)


def numbers(x, inputs, a):
    axis = a.get("axis", 1)
    zero = along(x, inputs[2].double(), axis) if len(inputs) > 2 else 0
    return (x.double() - zero) * along(x, inputs[1].double(), axis)


def pads(a):
    p = a.get("pads", [0, 0, 0, 0])
    assert p[0] == p[2] and p[1] == p[3]
    return p[:2]


def compute(node, x):
    a, f = attributes(node), torch.nn.functional
    match node.op_type:
        case "QuantizeLinear":
            return codes(x[0], x, a)
        case "DequantizeLinear":
            return numbers(x[0], x, a)
        case "Conv":
            return f.conv2d(
                x[0], x[1], x[2] if len(x) > 2 else None, a.get("strides", 1), pads(a),
                a.get("dilations", 1), a.get("group", 1))
        case "ConvTranspose":
            return f.conv_transpose2d(
                x[0], x[1], x[2] if len(x) > 2 else None, a.get("strides", 1), pads(a),
                a.get("output_padding", 0), a.get("group", 1), a.get("dilations", 1))
        case "Resize" if a["mode"] == b"nearest":
            size = x[3].tolist() if len(x) > 3 else [
                int(n * s) for n, s in zip(x[0].shape, x[2].tolist())]
            return f.interpolate(x[0].double(), size[2:], mode="nearest")
        case "Identity":
            return x[0]
        case "MatMul":
            return x[0] @ x[1]
        case "Softmax":
            return torch.softmax(x[0], a.get("axis", -1))
        case "LayerNormalization":
            axes = x[0].shape[a.get("axis", -1):]
            return f.layer_norm(x[0], axes, *x[1:], eps=a.get("epsilon", 1e-5))
        case "Erf":
            return torch.erf(x[0])
        case "Div":
            return x[0] / x[1]
        case "Sub":
            return x[0] - x[1]
        case "Transpose":
            return x[0].permute(a["perm"])
        case "Squeeze" | "Unsqueeze":
            y = x[0].numpy()
            axes = tuple(x[1].tolist())
            y = np.squeeze(y, axes) if node.op_type == "Squeeze" else np.expand_dims(y, axes)
            return torch.from_numpy(y)
        case "Split":
            axis = a.get("axis", 0)
            sizes = x[1].tolist() if len(x) > 1 else x[0].shape[axis] // len(node.output)
            return torch.split(x[0], sizes, axis)
        case "Shape":
            return torch.tensor(x[0].shape)
        case "Gather":
            return torch.as_tensor(np.take(x[0].numpy(), x[1].numpy(), a.get("axis", 0)))
        case "GatherElements":
            return torch.gather(x[0], a.get("axis", 0), x[1].long())
        case "Slice":
            axes = x[3].tolist() if len(x) > 3 else range(x[1].numel())
            steps = x[4].tolist() if len(x) > 4 else [1] * x[1].numel()
            at = [slice(None)] * x[0].dim()
            for axis, *part in zip(axes, x[1].tolist(), x[2].tolist(), steps):
                at[axis] = slice(*part)
            return torch.from_numpy(x[0].numpy()[tuple(at)])
        case "ConstantOfShape":
            value = numpy_helper.to_array(a["value"]) if "value" in a else np.float32(0)
            return torch.from_numpy(np.full(x[0].tolist(), value.item(), value.dtype))
        case "Equal":
            return x[0] == x[1]
        case "Where":
            return torch.where(*x)
        case "Expand":
            return torch.from_numpy(x[0].numpy() * np.ones(x[1].tolist(), x[0].numpy().dtype))
        case "Cast":
            return x[0].to(torch.float64 if a["to"] == 1 else torch.int64)
        case "Relu":
            return torch.relu(x[0])
        case "Clip":
            return torch.clamp(x[0], float(x[1]), float(x[2]))
        case "Add":
            return x[0] + x[1]
        case "Mul":
            return x[0] * x[1]
        case "Sigmoid":
            return torch.sigmoid(x[0])
        case "Concat":
            return torch.cat(x, a["axis"])
        case "MaxPool":
            return f.max_pool2d(
                x[0].double(), a["kernel_shape"], a.get("strides", 1), pads(a),
                ceil_mode=bool(a.get("ceil_mode", 0)))
        case "GlobalAveragePool":
            return x[0].mean((2, 3), keepdim=True)
        case "ReduceMean":
            axes = a.get("axes") or x[1].tolist()
            return x[0].mean(tuple(axes), keepdim=bool(a.get("keepdims", 1)))
        case "Flatten":
            return x[0].flatten(a.get("axis", 1))
        case "Reshape":
            return x[0].reshape([x[0].shape[i] if n == 0 else n for i, n in enumerate(x[1].tolist())])
        case "Gemm":
            b = x[1].T if a.get("transB", 0) else x[1]
            y = x[0] @ b
            return y + x[2] if len(x) > 2 else y
    raise SystemExit(f"no rule for {node.op_type}")


def main():
    dlrun, path, given = sys.argv[1:4]
    model = onnx.load(path)
    example = np.load(given)["in_0"]
    values = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in model.graph.initializer}
    name = model.graph.input[0].name
    values[name] = torch.from_numpy(example)
    if values[name].is_floating_point():
        values[name] = values[name].double()
    for node in model.graph.node:
        if node.op_type == "Constant":
            values[node.output[0]] = torch.from_numpy(
                numpy_helper.to_array(node.attribute[0].t).copy())
            continue
        inputs = [values[v] for v in node.input if v]
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            inputs = [v.double() if v.is_floating_point() else v for v in inputs]
        made = compute(node, inputs)
        for out, value in zip(node.output, made if isinstance(made, tuple) else (made,)):
            values[out] = value
    last = [n for n in model.graph.node if n.op_type == "DequantizeLinear"][-1]
    step = float(values[last.input[1]].ravel()[0])
    exact = values[model.graph.output[0].name].numpy()

    def tell(who, y):
        difference = np.abs(y.reshape(exact.shape) - exact) / step
        print(f"{who:24} {difference.max():5.2f} steps at most, {(difference > 0.5).sum():5d} of "
              f"{exact.size} differ, {difference.mean():.3f} on average")

    options = onnxruntime.SessionOptions()
    for label, level in (("none", "ORT_DISABLE_ALL"), ("all", "ORT_ENABLE_ALL")):
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        tell(f"onnxruntime, {label}", session.run(None, {name: example})[0])
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "x.npy"
        np.save(source, example)
        for level in ("none", "all"):
            made = pathlib.Path(folder) / f"{level}.npy"
            subprocess.run(
                [dlrun, "infer", path, str(source), "-o", str(made), "--optimize", level],
                check=True)
            tell(f"dlrun, {level}", np.load(made))


if __name__ == "__main__":
    main()
