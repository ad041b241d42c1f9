#!/usr/bin/env python3
# Over 400 lines because each operator's cases stand beside the helpers that make them.
"""Write reference vectors of com.microsoft's quantised and fused operators.

usage: contrib_quant.py OUT

The format is that of operator_vectors.py, the operator's domain before its name and a colon;
results come from onnxruntime's kernels for the plain processor, one node a model, not optimised.
Operators without such a kernel have vectors only where a formula of theirs is written here.
"""

import sys

import ml_dtypes
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from operator_vectors import write_case

R = np.random.default_rng(11)
DOMAIN = "com.microsoft"
BYTES = (np.uint8, np.int8)


def f(v):
    return np.array(v, np.float32)


def ints(dtype, *shape):
    info = np.iinfo(dtype)
    return R.integers(info.min, info.max + 1, shape).astype(dtype)


def floats(*shape, dtype=np.float32, spread=1.0):
    return (R.standard_normal(shape) * spread).astype(dtype)


def pack(codes, bits):
    """Codes along the last axis in bytes, low bits first."""
    per = 8 // bits
    gap = -codes.shape[-1] % per
    zeros = np.zeros(codes.shape[:-1] + (gap,), np.uint8)
    groups = np.concatenate([codes, zeros], -1).reshape(codes.shape[:-1] + (-1, per))
    out = np.zeros(groups.shape[:-1], np.uint16)
    for i in range(per):
        out |= groups[..., i].astype(np.uint16) << (bits * i)
    return out.astype(np.uint8)


class Writer:
    def __init__(self, path):
        self.out = open(path, "w")
        self.count = 0

    def case(self, op, inputs, outputs=1, constant=(), expected=None, **attributes):
        opset = 21
        attribute = attributes.pop("attribute_opset", None)
        names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
        results = [f"y{i}" for i in range(outputs)]
        node = helper.make_node(op, names, results, domain=DOMAIN, **attributes)
        if attribute is not None:
            node.attribute.append(helper.make_attribute("opset", attribute))
        protos = [None if x is None else numpy_helper.from_array(np.asarray(x)) for x in inputs]
        try:
            got = expected or self.run(node, names, protos, results, constant, opset)
        except Exception as error:
            print("onnxruntime refuses", op, attributes, str(error)[-160:], file=sys.stderr)
            return
        protos_out = [numpy_helper.from_array(np.asarray(g)) for g in got]
        self.count += 1
        name = f"{op}_{self.count}"
        node.op_type = f"{DOMAIN}:{op}"
        if not write_case(self.out, name, node, 1, protos, protos_out):
            raise SystemExit(f"{name} is too long")

    def run(self, node, names, protos, results, constant, opset):
        given = [(n, p) for n, p in zip(names, protos) if p is not None]
        held = {f"x{i}" for i in constant}
        for name, p in given:
            p.name = name
        graph = helper.make_graph(
            [node],
            "g",
            [
                helper.make_tensor_value_info(n, p.data_type, list(p.dims))
                for n, p in given
                if n not in held
            ],
            [helper.make_empty_tensor_value_info(n) for n in results],
            [p for n, p in given if n in held],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid(DOMAIN, 1)],
            ir_version=10,
        )
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        feed = {n: ort.OrtValue.ortvalue_from_numpy(numpy_helper.to_array(p))
                if p.data_type not in (21, 22) else p for n, p in given if n not in held}
        return [v.numpy() for v in session.run_with_ort_values(None, feed)]


def elementwise(w):
    shapes = [((2, 3, 5), (2, 3, 5)), ((7,), ()), ((), (7,)), ((3, 1), (1, 4)), ((2, 1, 5), (3, 1)),
              ((0, 3), (1, 3)), ((40,), (1,)), ((1,), (40,))]
    for dtype in BYTES:
        z = lambda: ints(dtype, 1)[0]
        for op in ("QLinearAdd", "QLinearMul"):
            for i, (a, b) in enumerate(shapes):
                sa, sb, sc = f(R.random() + 0.01), f(R.choice([0.25, 0.1])), f(R.choice([0.5, 0.3]))
                if op == "QLinearMul":
                    sc = f(sc * 40)
                za, zb, zc = (np.array(z(), dtype) for _ in range(3))
                if i == 6:
                    za = zb = None
                w.case(op, [ints(dtype, *a), sa, za, ints(dtype, *b), sb, zb, sc, zc])
        every = np.arange(256).astype(np.uint8).view(dtype)
        for sx, sy, alpha in ((0.05, 0.07, 0.01), (0.5, 0.25, 0.5), (0.1, 0.3, -0.3)):
            zx, zy = np.array(z(), dtype), np.array(z(), dtype)
            w.case("QLinearLeakyRelu", [every, f(sx), zx, f(sy), zy], alpha=alpha)
            w.case("QLinearSigmoid", [every, f(sx), zx, f(1 / 256), zy])
        w.case("QLinearLeakyRelu", [every.reshape(4, 8, 8), f(0.02), None, f(0.03), np.array(1, dtype)])
        w.case("QLinearSigmoid", [every.reshape(4, 8, 8), f(0.02), None, f(0.01), np.array(1, dtype)])
        for i in range(3):
            x, y = ints(dtype, 3, 4), ints(dtype, 3, 4) if i else ints(dtype, 4)
            c = R.integers(0, 2, (3, 1) if i == 1 else (3, 4)) > 0
            w.case("QLinearWhere", [c, x, f(0.03), np.array(z(), dtype), y, f(0.5),
                                    np.array(z(), dtype), f(0.25), np.array(z(), dtype)])
        for axis, opset in ((-1, 13), (1, 13), (0, 13), (1, 11), (2, 12)):
            x = ints(dtype, 2, 3, 7)
            w.case("QLinearSoftmax", [x, f(0.04), np.array(z(), dtype), f(1 / 256), np.array(
                0 if dtype == np.uint8 else -128, dtype)], axis=axis, attribute_opset=opset)
        w.case("QLinearSoftmax", [ints(dtype, 4, 100), f(0.3), None, f(0.003), np.array(3, dtype)],
               attribute_opset=13)
        parts = [ints(dtype, 2, n, 3) for n in (1, 4, 0, 2)]
        groups = [v for n, x in enumerate(parts) for v in (x, f(0.1 * (n + 1)), np.array(z(), dtype))]
        w.case("QLinearConcat", [f(0.2), np.array(z(), dtype)] + groups, axis=1)
        w.case("QLinearConcat", [f(0.25), np.array(z(), dtype)] + groups[:3], axis=-1)


def pools(w):
    for dtype in BYTES:
        z = lambda: np.array(ints(dtype, 1)[0], dtype)
        for last in (0, 1):
            for n in (1, 7, 49):
                x = ints(dtype, 2, n, 3) if last else ints(dtype, 2, 3, n)
                w.case("QLinearGlobalAveragePool",
                       [x[:, :, None] if not last else x[:, None], f(0.07), z(), f(0.05), z()],
                       channels_last=last)
            for kw in (dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
                       dict(kernel_shape=[2, 3], auto_pad="SAME_UPPER"),
                       dict(kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1)):
                for counts in (0, 1):
                    x = ints(dtype, 1, 2, 6, 5)
                    x = x.transpose(0, 2, 3, 1).copy() if last else x
                    w.case("QLinearAveragePool", [x, f(0.07), z(), f(0.05), z()],
                           channels_last=last, count_include_pad=counts, **kw)
        w.case("QLinearAveragePool", [ints(dtype, 1, 2, 9), f(0.25), None, f(0.5), z()],
               kernel_shape=[4])
        x = ints(dtype, 1, 5, 6, 3)
        w.case("NhwcMaxPool", [x], kernel_shape=[2, 3], strides=[1, 2], pads=[1, 1, 0, 1])
        w.case("NhwcMaxPool", [x], kernel_shape=[2, 2], dilations=[2, 1], auto_pad="VALID")


def products(w):
    for ta in BYTES:
        for tb in BYTES:
            za = np.array(ints(ta, 1)[0], ta)
            for i in range(4):
                b_scale = f(0.02) if i % 2 else (R.random(5).astype(np.float32) + 0.01) / 50
                zb = None if i == 3 else np.array(3, tb) if i % 2 else ints(tb, 5)
                bias = floats(5) if i < 2 else None
                a, b = ints(ta, 2, 3, 7), ints(tb, 7, 5) if i else ints(tb, 2, 7, 5)
                w.case("MatMulIntegerToFloat",
                       [a, b, f(0.03), b_scale, None if i == 3 else za, zb, bias])
            w.case("MatMulIntegerToFloat", [ints(ta, 0, 4), ints(tb, 4, 3), f(0.1), f(0.2)])
            for trans in (0, 1, 2, 3):
                a = ints(ta, *((6, 4) if trans & 1 else (4, 6)))
                b = ints(tb, *((5, 6) if trans & 2 else (6, 5)))
                per = trans % 2 == 0
                sb = (R.random(5).astype(np.float32) + 0.1) / 9 if per else f(0.05)
                zb = ints(tb, 5) if per else np.array(7, tb)
                c = [None, R.integers(-999, 999, (5,)), R.integers(-999, 999, (4, 1)),
                     R.integers(-999, 999, (4, 5))][trans]
                c = None if c is None else c.astype(np.int32)
                kw = dict(transA=trans & 1, transB=trans >> 1, alpha=float([1, 0.5, 1, 0.3][trans]))
                w.case("QGemm", [a, f(0.1), za, b, sb, zb, c], **kw)
                w.case("QGemm", [a, f(0.1), za, b, sb, zb, c, f(6.5), np.array(50, ta)], **kw)
    for tb in BYTES:
        for i in range(3):
            b_scale = f(0.02) if i % 2 else (R.random(5).astype(np.float32) + 0.01) / 50
            zb = None if i == 2 else np.array(3, tb) if i % 2 else np.full(5, 9, tb)
            w.case("DynamicQuantizeMatMul", [floats(2, 3, 7), ints(tb, 7, 5), b_scale, zb,
                                             floats(5) if i == 1 else None])
        for last in (0, 1):
            x = ints(np.uint8, 1, 4, 5, 2) if last else ints(np.uint8, 1, 2, 4, 5)
            w.case("QLinearConv", [x, f(0.02), np.array(100, np.uint8), ints(tb, 4, 1, 3, 2),
                                   (R.random(4).astype(np.float32) + 0.1) / 9, np.full(4, 3, tb),
                                   f(0.31), np.array(7, np.uint8),
                                   R.integers(-999, 999, 4).astype(np.int32)],
                   channels_last=last, group=2, pads=[1, 0, 1, 1], strides=[1, 2],
                   constant=(3, 4, 5))


def linear(w):
    for code in (np.int8, np.uint8, np.int16, np.uint16, np.int32):
        for real in (np.float32, np.float16):
            x, s = ints(code, 3, 4), (R.random(3) + 0.1).astype(real)
            if code == np.int32:
                x = R.integers(-5000, 5000, (3, 4)).astype(code)
                w.case("DequantizeLinear", [x, s[:1].reshape(())])
                continue
            z = ints(code, 3)
            w.case("DequantizeLinear", [x, s, z], axis=0)
            w.case("DequantizeLinear", [x, s[:1].reshape(()), z[:1].reshape(())])
            v = floats(3, 4, dtype=real, spread=30)
            w.case("QuantizeLinear", [v, s, z], axis=-2)
            w.case("QuantizeLinear", [v, s[:1].reshape(()), z[:1].reshape(())])
    w.case("QuantizeLinear", [floats(3, 4, spread=30), f(0.3)])


def blocks(w):
    for bits in (2, 4, 8):
        for i, (k, n, block) in enumerate([(32, 5, 16), (40, 3, 16), (64, 4, 32)]):
            many = -(-k // block)
            codes = R.integers(0, 1 << bits, (n, many, block)).astype(np.uint8)
            zeros = pack(R.integers(0, 1 << bits, (n, many)).astype(np.uint8), bits)
            scales = (R.random((n, many)) * 0.1 + 0.05).astype(np.float32)
            real = None if bits == 8 else (R.random((n, many)) * 3).astype(np.float32)
            for zp, bias in ((None, None), (zeros, floats(n)), (real, None)):
                given = [floats(2, 2, k), pack(codes, bits), scales, zp, None, bias]
                constant = [j for j in (1, 2, 3) if given[j] is not None]
                w.case("MatMulNBits", given, constant=constant, bits=bits, K=k, N=n,
                       block_size=block)
            if i == 0:
                half = [floats(3, k, dtype=np.float16), pack(codes, bits),
                        scales.astype(np.float16), zeros, None, floats(n, dtype=np.float16)]
                w.case("MatMulNBits", half, constant=(1, 2, 3), bits=bits, K=k, N=n,
                       block_size=block, accuracy_level=0)
    codes = R.integers(0, 16, (3, 2, 16)).astype(np.uint8)
    groups = R.integers(0, 2, 32).astype(np.int32)
    w.case("MatMulNBits", [floats(2, 32), pack(codes, 4), floats(3, 2), None, groups],
           constant=(1, 2, 4), bits=4, K=32, N=3, block_size=16)
    w.case("MatMulNBits", [floats(2, 32), np.zeros((3, 0, 8), np.uint8), np.zeros((3, 0), np.float32),
                           None, None, floats(3)], bits=4, K=32, N=3, block_size=16)
    for bits in (2, 4, 8):
        for rows, columns, zp in ((5, 32, True), (4, 40, False), (3, 48, True)):
            codes = R.integers(0, 1 << bits, (rows, columns)).astype(np.uint8)
            many = -(-columns // 16)
            zeros = pack(R.integers(0, 1 << bits, (rows, many)).astype(np.uint8), bits)
            index = R.integers(-rows, rows, (2, 3)).astype(np.int64 if zp else np.int32)
            w.case("GatherBlockQuantized", [pack(codes, bits), index, floats(rows, many),
                                            zeros if zp else None],
                   constant=(0, 2, 3) if zp else (0, 2), bits=bits, block_size=16)
    codes = ints(np.uint8, 3, 2, 16)
    w.case("GatherBlockQuantized", [codes, np.array([1, 9, -1]), floats(3, 2, 1)], constant=(0, 2),
           bits=8, block_size=16, quantize_axis=-1)


def fusions(w):
    x, k = floats(1, 4, 5, 6), floats(6, 2, 3, 2)
    same = dict(group=2, pads=[1, 0, 1, 1], strides=[2, 1])
    z = floats(1, 6, 3, 6)
    for name, numbers in (("Relu", []), ("LeakyRelu", [0.3]), ("Tanh", []), ("Sigmoid", []),
                          ("Clip", [-0.5, 1.0]), ("HardSigmoid", [0.3, 0.4]), ("HardSwish", [])):
        kw = dict(activation=name, **same)
        if numbers:
            kw["activation_params"] = [float(v) for v in numbers]
        w.case("FusedConv", [x, k, floats(6)], **kw)
    w.case("FusedConv", [x, k, floats(6), z], activation="Relu", **same)
    w.case("FusedConv", [x, k, None, z], **same)
    w.case("FusedConv", [floats(2, 3, 9), floats(4, 3, 3)], activation="Relu", dilations=[2])
    for name, kw in (("Relu", {}), ("LeakyRelu", dict(activation_alpha=0.3)), ("Sigmoid", {}),
                     ("Tanh", {}), ("Softplus", {}), ("Softsign", {}),
                     ("HardSigmoid", dict(activation_alpha=0.3, activation_beta=0.4)),
                     ("Elu", dict(activation_alpha=0.7)),
                     ("ThresholdedRelu", dict(activation_alpha=0.3)),
                     ("Selu", dict(activation_alpha=1.5, activation_gamma=0.6)),
                     ("ParametricSoftplus", dict(activation_alpha=0.3, activation_beta=0.4)),
                     ("ScaledTanh", dict(activation_alpha=0.3, activation_beta=0.4))):
        w.case("FusedGemm", [floats(3, 4), floats(4, 5), floats(5)], activation=name, **kw)
    w.case("FusedGemm", [floats(4, 3), floats(5, 4), floats(3, 1)], activation="Relu", transA=1,
           transB=1, alpha=0.5, beta=2.0)
    for real in (np.float32, np.float64):
        r = lambda *s: floats(*s, dtype=real)
        for a, b, kw in (
            ((3, 4), (4, 5), dict(alpha=0.5)), ((4, 3), (4, 5), dict(transA=1)),
            ((3, 4), (5, 4), dict(transB=1)), ((2, 4, 3), (4, 5), dict(transA=1)),
            ((2, 3, 4), (2, 5, 4), dict(transB=1, alpha=2.0)), ((4,), (4, 5), dict(transA=1)),
            ((2, 3, 4), (4,), dict(transB=1)), ((3, 2, 2, 4), (2, 2, 4, 5), dict(transBatchA=1)),
            ((2, 2, 3, 4), (4, 2, 2, 5), dict(transBatchB=1)),
            ((4, 2, 3), (5, 2, 4), dict(transBatchA=1, transA=1, transBatchB=1, transB=1)),
            ((3, 1, 4), (2, 4, 5), dict(transBatchA=1)), ((0, 4), (4, 5), {}),
            ((2, 0), (0, 3), {}),
        ):
            w.case("FusedMatMul", [r(*a), r(*b)], **kw)
    w.case("TransposeMatMul", [floats(4, 3), floats(5, 4)], transA=1, transB=1, alpha=0.5)
    for upper in (0, 1):
        w.case("Trilu", [floats(2, 3, 4), np.array(1)], upper=upper)


def helpers(w):
    x = floats(2, 2, 5, 4)
    grid = (R.random((2, 3, 2, 2)).astype(np.float32) - 0.5) * 2.6
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            # Cubic samples beyond the border: ONNX's reference holds the place, onnxruntime the
            # elements. The operator follows ONNX.
            if mode != "bicubic" or padding != "border":
                w.case("GridSample", [x, grid], mode=mode, padding_mode=padding,
                       align_corners=int(padding != "zeros"))
    w.case("Pad", [floats(2, 3), np.array([[0, 1, 2, -1]]), f(3.5)])
    for mode in ("constant", "edge", "reflect"):
        w.case("Pad", [floats(3, 4), np.array([1, 2, 0, 1])], mode=mode)
    w.case("Unique", [np.array([2, 1, 1, 3, 4, 3, -1, 2], np.float32)], outputs=3)
    w.case("Unique", [np.zeros(0, np.float32)], outputs=3)
    w.case("Range", [f(1), f(4)])
    w.case("Range", [np.array([1.0]), np.array([-2.2]), np.array([-0.5])])
    for dtype in (np.int16, np.int32, np.int64):
        w.case("Range", [np.array(3, dtype), np.array([12], dtype), np.array(4, dtype)])
    for axis in (-1, 0, 1, -3, 2):
        w.case("ExpandDims", [floats(2, 3), np.array(axis, np.int32)])
    w.case("GatherND", [floats(2, 3, 2), np.array([[0, -1], [1, 2]], np.int32)])
    w.case("GatherND", [floats(2, 3, 2), np.array([[[1]], [[0]]])])
    w.case("Inverse", [floats(2, 4, 4)])
    w.case("Inverse", [floats(3, 3, dtype=np.float64)])
    w.case("Inverse", [floats(2, 2, 2, dtype=np.float16) + 2 * np.eye(2, dtype=np.float16)])
    boxes = np.concatenate([R.random((5, 4)).astype(np.float32) * 1.4 - 0.2,
                            [[0, 0, 1, 1]]]).astype(np.float32)
    images = R.integers(0, 2, 6).astype(np.int32)
    for mode in ("bilinear", "nearest"):
        for size in ((2, 3), (1, 4), (5, 1)):
            w.case("CropAndResize", [x, boxes, images, np.array(size, np.int32)], mode=mode,
                   extrapolation_value=1.5)
    image, k = floats(1, 2, 4, 3), floats(2, 2, 3, 3)
    w.case("ConvTransposeWithDynamicPads", [image, k, np.array([1, 0, 1, 2])], strides=[2, 2],
           output_padding=[1, 0])
    w.case("ConvTransposeWithDynamicPads", [image, k, np.array([0, 1, 1, 0]), floats(4)],
           strides=[2, 1], group=2)


def attention(w):
    n, s, d, h, e = 2, 4, 6, 2, 3
    for ta in (np.uint8,):
        for tb in BYTES:
            bias = floats(3 * h * e)
            a, b = ints(ta, n, s, d), ints(tb, d, 3 * h * e)
            za, zb = np.array(120, ta), np.array(5, tb)
            past = floats(2, n, h, 3, e)
            full = R.integers(0, 2, (n, s)).astype(np.int32)
            full[:, 0] = 1
            cube = np.tril(np.ones((n, s, s))).astype(np.int32)
            mask = lambda *v: np.array(v, np.int32)
            for m in (None, mask(2, 4), mask(3, 4, 0, 1), full, cube):
                for one in (0, 1):
                    w.case("QAttention", [a, b, bias, f(0.01), f(0.02), m, za, zb], num_heads=h,
                           unidirectional=one)
            w.case("QAttention", [a, b, bias, f(0.01), f(0.02), None, za, zb, past], outputs=2,
                   num_heads=h, unidirectional=1)
            each = (R.random(3 * h * e) / 50).astype(np.float32)
            w.case("QAttention", [a, b, bias, f(0.01), each, mask(2, 4), za,
                                  ints(tb, 3 * h * e)], num_heads=h, scale=0.7)
    for dtype in BYTES:
        z = lambda: np.array(ints(dtype, 1)[0], dtype)
        ids = R.integers(0, 5, (2, 3)).astype(np.int32)
        kinds = R.integers(0, 2, (2, 3)).astype(np.int32)
        sums = np.array([[1, 1, 0], [1, 1, 1]], np.int32)
        tables = [ints(dtype, 5, 8), ints(dtype, 4, 8), ints(dtype, 2, 8), ints(dtype, 8),
                  ints(dtype, 8)]
        scales = [f(v) for v in (0.02, 0.01, 0.03, 0.02, 0.01)]
        zeros = [z() for _ in range(5)]
        for m in (None, sums):
            w.case("QEmbedLayerNormalization",
                   [ids, kinds, *tables, m, *scales, *zeros], outputs=2)
        for lists in (tables, scales, zeros):
            lists[2] = None
        w.case("QEmbedLayerNormalization", [ids, None, *tables, None, *scales, *zeros], outputs=2)


def more(w):
    for metric in ("euclidean", "sqeuclidean"):
        w.case("CDist", [floats(4, 3), floats(5, 3)], metric=metric)
        w.case("CDist", [floats(2, 3, dtype=np.float64), floats(1, 3, dtype=np.float64)],
               metric=metric)
    for axis, size, step in ((-1, 3, 2), (0, 2, 1), (1, 4, 1)):
        w.case("UnfoldTensor", [floats(3, 4, 5)], dim=axis, size=size, step=step)
    for dtype in (np.int32, np.uint32, np.int64, np.uint64, np.float32, np.float64):
        x = (R.random(4) * 1e6).astype(dtype)
        for positive in (0, 1):
            w.case("MurmurHash3", [x], positive=positive, seed=42 * positive)
    w.case("MurmurHash3", [np.array(["", "a", "ab", "abc", "abcd", "gr\u00fc\u00dfe"], object)])
    w.case("SampleOp", [floats(3)])
    for kind in (0, 1):
        for k, n, block in ((32, 4, 16), (16, 3, 64)):
            w.case("MatMulBnb4", [floats(2, k), ints(np.uint8, n * k // 2),
                                  R.random(-(-n * k // block)).astype(np.float32) + 0.1],
                   constant=(1, 2), K=k, N=n, block_size=block, quant_type=kind)
    for shape in ((4, 6), (1, 5, 3), (1, 1)):
        w.case("DynamicTimeWarping", [R.integers(0, 5, shape).astype(np.float32)])


def conv(x, k, group=1):
    """A convolution of NHWC images without pads: the formula, nothing else."""
    n, h, width, channels = x.shape
    m, part, kh, kw = k.shape
    y = np.zeros((n, h - kh + 1, width - kw + 1, m))
    for o in range(m):
        first = o // (m // group) * part
        for i in range(kh):
            for j in range(kw):
                window = x[:, i : i + h - kh + 1, j : j + width - kw + 1, first : first + part]
                y[..., o] += (window.astype(np.float64) * k[o, :, i, j]).sum(-1)
    return y


def formulas(w):
    """Operators without a kernel of onnxruntime for the plain processor."""
    x, k, bias = floats(2, 5, 4, 4), floats(6, 2, 3, 2), floats(6)
    y = conv(x, k, 2)
    z = floats(*y.shape)
    w.case("NhwcConv", [x, k, bias], expected=[(y + bias).astype(np.float32)], group=2)
    w.case("NhwcFusedConv", [x, k, bias, z], group=2, activation="Relu",
           expected=[np.maximum(y + bias + z, 0).astype(np.float32)])
    a, b = floats(3, 4), floats(5, 4)
    w.case("FusedMatMulActivation", [a, b], transB=1, alpha=0.5, activation="Tanh",
           expected=[np.tanh(0.5 * (a.astype(np.float64) @ b.T)).astype(np.float32)])
    for dtype in BYTES:
        x, y, z = ints(dtype, 2, 3), ints(dtype, 3), np.array(ints(dtype, 1)[0], dtype)
        wide = x.astype(np.int32) - int(z)
        w.case("MulInteger", [x, z, y], expected=[wide * y.astype(np.int32)])
        total = np.int32 if dtype == np.int8 else np.uint32
        w.case("ReduceSumInteger", [x], axes=[1], keepdims=1,
               expected=[x.sum(1, keepdims=True).astype(total)])
        mean = (wide * np.float32(0.07)).mean(1, dtype=np.float32)
        info = np.iinfo(dtype)
        codes = np.clip(np.rint(mean / np.float32(0.05)) + 3, info.min, info.max).astype(dtype)
        w.case("QLinearReduceMean", [x, f(0.07), z, f(0.05), np.array(3, dtype)], axes=[1],
               keepdims=0, expected=[codes])
    a, b = floats(3, 2), floats(1, 2)
    p = (a[:, 0] + 1j * a[:, 1]) * (b[:, 0] + 1j * b[:, 1])
    q = (a[:, 0] + 1j * a[:, 1]) * (b[:, 0] - 1j * b[:, 1])
    pairs = lambda v: np.stack([v.real, v.imag], -1).astype(np.float32)
    w.case("ComplexMul", [a, b], expected=[pairs(p)])
    w.case("ComplexMulConj", [a, b], expected=[pairs(q)])
    for n in (8, 6):
        x = floats(2, n)
        spectrum = np.fft.rfft(x.astype(np.float64))
        w.case("Rfft", [x], expected=[pairs(spectrum)], signal_ndim=1)
        w.case("Irfft", [pairs(spectrum)], expected=[x], signal_ndim=1, onesided=1, normalized=0)
    w.case("BiasDropout", [a, b, a], outputs=2, expected=[a + b + a, np.ones(a.shape, bool)])
    w.case("TorchEmbedding", [a, np.array([[2, 0]])], expected=[a[[[2, 0]]]])
    for v in (1.0, np.nan, -np.inf):
        for kw in ({}, dict(isinf_only=1), dict(isnan_only=1)):
            bad = {0: not np.isfinite(v), 1: np.isinf(v), 2: np.isnan(v)}[
                1 if "isinf_only" in kw else 2 if kw else 0]
            w.case("IsAllFinite", [floats(3), np.array([2, v], np.float32)],
                   expected=[np.array(not bad)], **kw)


def main():
    w = Writer(sys.argv[1])
    groups = [elementwise, pools, products, linear, blocks, fusions, helpers, attention, more, formulas]
    for group in groups:
        group(w)
    print(w.count)


if __name__ == "__main__":
    main()
