#!/usr/bin/env python3
"""Write reference vectors of quantisation, losses and their neighbours.

usage: quant_vectors.py OUT

The format is that of operator_vectors.py; results come from onnx's reference evaluator. Scales are
no powers of two, so that no product lies half-way between two integers.
"""

import itertools
import sys

import ml_dtypes
import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from operator_vectors import write_case

R = np.random.default_rng(7)
INTS = {"i1": np.int8, "u1": np.uint8}


def ints(dtype, *shape):
    info = np.iinfo(dtype)
    return R.integers(info.min, info.max + 1, shape).astype(dtype)


def floats(*shape, dtype=np.float32, spread=4.0):
    return (R.standard_normal(shape) * spread).astype(dtype)


def case(out, op, inputs, opset=28, outputs=1, **attributes):
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, **attributes)
    protos = [None if x is None else numpy_helper.from_array(np.asarray(x)) for x in inputs]
    given = [(n, p) for n, p in zip(names, protos) if p is not None]
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info(n, p.data_type, list(p.dims)) for n, p in given],
        [helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in results],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    feed = {n: x for n, x in zip(names, inputs) if x is not None}
    got = ReferenceEvaluator(model).run(None, {k: np.asarray(v) for k, v in feed.items()})
    protos_out = [numpy_helper.from_array(np.asarray(g)) for g in got]
    case.count += 1
    if not write_case(out, f"{op}_{case.count}", node, opset, protos, protos_out):
        raise SystemExit(f"{op} {attributes}: too large")


case.count = 0


def quantize(out):
    targets = [np.int8, np.uint8, np.int16, np.uint16]
    targets += [ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2]
    targets += [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.float4_e2m1fn]
    targets += [ml_dtypes.float6_e2m3fn, ml_dtypes.float6_e3m2fn]
    for t in targets:
        wide = 3000.0 if t in (np.int16, np.uint16) else 20.0
        # The reference leaves the zero points of 8-bit floats out.
        value = 0.0 if np.dtype(t).name.startswith("float8") else 1.0
        one = lambda *s, t=t, v=value: np.full(s, v, dtype=np.float32).astype(t)
        x = floats(3, 5, 7, spread=wide)
        case(out, "QuantizeLinear", [x, np.float32(0.37), one()])
        case(out, "QuantizeLinear", [x, floats(7) ** 2 + np.float32(0.1), one(7)], axis=-1)
        case(out, "QuantizeLinear", [x, floats(5) ** 2 + np.float32(0.1), one(5)], axis=1)
        blocks = floats(3, 2, 7) ** 2 + np.float32(0.1)
        case(out, "QuantizeLinear", [x, blocks, one(3, 2, 7)], axis=1, block_size=3)
        blocks = floats(3, 5, 3) ** 2 + np.float32(0.1)
        case(out, "QuantizeLinear", [x, blocks, one(3, 5, 3)], axis=2, block_size=3)
        half = x.astype(np.float16)
        case(out, "QuantizeLinear", [half, np.float16(0.37), one()])
        q = (floats(3, 5, 7, spread=3)).astype(t)
        if t in targets[:4]:
            q = ints(t, 3, 5, 7)
        zero = None if t in targets[8:] else one
        case(out, "DequantizeLinear", [q, np.float32(0.37), zero and zero()])
        case(out, "DequantizeLinear", [q, floats(7), zero and zero(7)], axis=2)
        case(out, "DequantizeLinear", [q, floats(3), zero and zero(3)], axis=0)
        case(out, "DequantizeLinear", [q, floats(3, 2, 7), zero and zero(3, 2, 7)], block_size=3)
        case(out, "DequantizeLinear", [q, np.float16(0.37), zero and zero()])
    case(out, "DequantizeLinear", [ints(np.int32, 4, 5), np.float32(1e-6)])
    for x in (floats(5, 9), np.abs(floats(4, 3)), -np.abs(floats(8)), np.zeros(3, np.float32)):
        case(out, "DynamicQuantizeLinear", [x], outputs=3)


def products(out):
    for a, b in itertools.product(INTS.values(), repeat=2):
        for sa, sb in [((5, 7), (7, 6)), ((2, 3, 4), (4, 5)), ((2, 1, 3, 8), (3, 8, 17))]:
            case(out, "MatMulInteger", [ints(a, *sa), ints(b, *sb), ints(a), ints(b, sb[-1])])
            inputs = [
                ints(a, *sa), np.float32(0.013), ints(a), ints(b, *sb), np.float32(0.0171), ints(b),
                np.float32(0.37), ints(a),
            ]
            case(out, "QLinearMatMul", inputs)
        x, zero = ints(a, 2, 4, 7, 9), ints(a)
        for w, at in [
            (ints(b, 6, 4, 3, 3), {"pads": [1, 1, 1, 1]}),
            (ints(b, 6, 2, 3, 2), {"group": 2, "strides": [2, 3], "dilations": [2, 1]}),
            (ints(b, 4, 1, 2, 2), {"group": 4, "auto_pad": "SAME_LOWER"}),
        ]:
            at = {"kernel_shape": list(w.shape[2:]), **at}
            case(out, "ConvInteger", [x, w, zero, ints(b)], **at)
            m = w.shape[0]
            scale = np.abs(floats(m, spread=0.01)) + np.float32(0.003)
            # The reference spreads scales over axis 0 of [M, H, W] only for one image.
            for image, s in [(x, np.float32(0.0113)), (x[:1], scale)]:
                bias = R.integers(-3000, 3000, m).astype(np.int32)
                if np.ndim(s):
                    s = s[:1].repeat(m)
                inputs = [image, np.float32(0.019), zero, w, s, ints(b, m), np.float32(0.173), ints(a), bias]
                case(out, "QLinearConv", inputs, **at)


def losses(out):
    for shape in [(5, 4), (3, 4, 2), (2, 3, 2, 5)]:
        x = floats(*shape)
        labels = R.integers(0, shape[1], (shape[0], *shape[2:]))
        weights = np.abs(floats(shape[1])) + np.float32(0.1)
        for reduction, w in itertools.product(["none", "sum", "mean"], [None, weights]):
            log = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
            inputs = [labels] if w is None else [labels, w]
            case(out, "NegativeLogLikelihoodLoss", [log, *inputs], reduction=reduction)
            case(out, "NegativeLogLikelihoodLoss", [log, *inputs], reduction=reduction, ignore_index=1)
            case(out, "SoftmaxCrossEntropyLoss", [x, *inputs], reduction=reduction, outputs=2)
            case(out, "SoftmaxCrossEntropyLoss", [x, *inputs], reduction=reduction, ignore_index=2)


def others(out):
    for n in (1, 2, 4, 7):
        case(out, "Det", [floats(3, n, n)])
    for t in (np.float32, np.int32, np.int8, np.float64):
        case(out, "Shrink", [floats(3, 7).astype(t)], lambd=1.5, bias=0.5)
    for shape, at in [((3, 9), {}), ((8, 2), {}), ((4,), {"axes": [1]}), ((5,), {"axes": [-2]})]:
        case(out, "CenterCropPad", [floats(5, 6), np.array(shape, np.int64)], **at)
    image = np.array([5, 6], np.int64)
    case(out, "Col2Im", [floats(2, 12, 20), image, np.array([2, 2], np.int64)])
    at = {"pads": [1, 1, 1, 1], "strides": [2, 1], "dilations": [1, 2]}
    case(out, "Col2Im", [floats(1, 12, 12), image, np.array([2, 3], np.int64)], **at)
    centre = np.abs(floats(2, 12, 4)).astype(np.float32)
    scores = R.random((2, 3, 12)).astype(np.float32)
    for centred in (0, 1):
        inputs = [centre, scores, np.array([4], np.int64), np.array([0.3], np.float32)]
        case(out, "NonMaxSuppression", inputs + [np.array([0.2], np.float32)], center_point_box=centred)


def main():
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        quantize(out)
        products(out)
        losses(out)
        others(out)
    print(f"{case.count} cases")


if __name__ == "__main__":
    main()
