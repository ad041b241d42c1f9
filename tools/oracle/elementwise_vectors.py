#!/usr/bin/env python3
"""Write reference vectors of elementwise operators for OperatorsTests.

usage: elementwise_vectors.py OUT

The format is that of operator_vectors.py. Results are those of onnx's reference evaluator, which
is numpy and ml_dtypes; the suite's own cases of these operators run with `dlrun verify`.
"""

import sys

import ml_dtypes
import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from operator_vectors import write_case

INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float32", "float64", "float16", "bfloat16"]
NARROW = ["float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float4_e2m1fn",
          "int4", "uint4", "int2", "uint2"]
CODES = {"float8_e4m3fn": 17, "float8_e4m3fnuz": 18, "float8_e5m2": 19, "float8_e5m2fnuz": 20,
         "float4_e2m1fn": 23, "uint4": 21, "int4": 22, "uint2": 25, "int2": 26, "bfloat16": 16}


def dtype(name):
    return np.dtype(getattr(ml_dtypes, name) if name in CODES else name)


def code(name):
    return CODES.get(name) or helper.np_dtype_to_tensor_dtype(np.dtype(name))


def numbers(name, shape, seed, positive=False):
    r = np.random.RandomState(seed)
    if name in INTS:
        low = 1 if positive or name[0] == "u" else -9
        v = r.randint(low, 10, shape)
        v = np.where(v == 0, 3, v)
    else:
        v = r.randn(*shape) * 2
        v = np.abs(v) + 0.25 if positive else np.where(np.abs(v) < 0.1, 0.7, v)
    return v.astype(dtype(name))


def cases():
    shapes = [((2, 1, 3), (4, 1))]
    for op in ("Add", "Sub", "Mul", "Div", "Min", "Max", "Greater", "GreaterOrEqual", "Less",
               "LessOrEqual", "Equal"):
        for t in INTS + FLOATS:
            for a, b in shapes:
                yield f"{op}_{t}", op, 19, {}, [numbers(t, a, 1), numbers(t, b, 2)]
    for t in INTS:
        for fmod in (0, 1):
            yield f"mod{fmod}_{t}", "Mod", 13, {"fmod": fmod}, [numbers(t, (3, 5), 3),
                                                                numbers(t, (5,), 4)]
        for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
            yield f"{op}_{t}", op, 18, {}, [numbers(t, (3, 5), 5), numbers(t, (3, 1), 6)]
        yield f"not_{t}", "BitwiseNot", 18, {}, [numbers(t, (7,), 7)]
    for t in FLOATS[:3]:
        yield f"fmod_{t}", "Mod", 13, {"fmod": 1}, [numbers(t, (3, 5), 3), numbers(t, (5,), 4)]
    for t in ("float32", "float64", "float16", "int32", "int64"):
        for e in ("float32", "float64", "int32", "int64", "uint8"):
            yield f"pow_{t}_{e}", "Pow", 15, {}, [
                numbers(t, (2, 4), 8, positive=True), numbers(e, (4,), 9, positive=True)]
    wide = [-30.0, -5.5, -1.0, -0.75, -1e-3, -0.0, 0.0, 1e-3, 0.3, 0.999, 2.5, 7.0, 40.0]
    unit = [-1.0, -0.9, -0.3, -1e-3, 0.0, 0.2, 0.75, 1.0]
    above = [1.0, 1.001, 1.7, 30.0]
    unary = [(n, wide) for n in (
        "Neg Abs Sign Exp Erf Floor Ceil Round Sin Cos Tan Atan Sinh Cosh Asinh Relu Sigmoid Tanh "
        "Softplus Softsign Elu Selu Celu LeakyRelu HardSigmoid HardSwish ThresholdedRelu Mish Gelu"
    ).split()]
    unary += [(n, unit) for n in ("Asin", "Acos", "Atanh")] + [("Acosh", above)]
    unary += [(n, [0.25, 1.0, 7.0, 1e-3, 50.0]) for n in ("Sqrt", "Log", "Reciprocal")]
    for op, values in unary:
        for t in ("float32", "float64", "float16"):
            if t == "float64" and op in ("Erf", "HardSwish", "Gelu"):
                continue  # The evaluator rounds these to float32 on the way.
            yield f"{op}_{t}", op, 24, {}, [np.array(values, dtype(t))]
    yield "gelu_tanh", "Gelu", 24, {"approximate": "tanh"}, [np.array(wide, np.float32)]
    yield "swish_alpha", "Swish", 24, {"alpha": 0.5}, [np.array(wide, np.float32)]
    for t in ("int8", "int16", "int32", "int64"):
        yield f"neg_{t}", "Neg", 13, {}, [numbers(t, (6,), 10)]
        yield f"relu_{t}", "Relu", 14, {}, [numbers(t, (6,), 10)]
        yield f"abs_{t}", "Abs", 13, {}, [numbers(t, (6,), 10)]
    for t in INTS + FLOATS:
        yield f"clip_{t}", "Clip", 13, {}, [
            numbers(t, (3, 4), 11), np.array(2, dtype(t)), np.array(5, dtype(t))]
        yield f"clip_max_{t}", "Clip", 13, {}, [numbers(t, (3, 4), 11), None, np.array(4, dtype(t))]
        yield f"where_{t}", "Where", 16, {}, [
            np.array([[True], [False]]), numbers(t, (3,), 12), numbers(t, (2, 3), 13)]
    for t in ("float32", "float64", "float16"):
        three = [numbers(t, (2, 3), 14), numbers(t, (3,), 15), numbers(t, (2, 1), 16)]
        for op in ("Sum", "Mean", "Min", "Max"):
            yield f"{op}3_{t}", op, 13, {}, three
    strings = np.array([["a", "bc"], ["", "é"]], dtype=object)
    yield "equal_strings", "Equal", 19, {}, [strings, np.array(["a", "é"], dtype=object)]
    yield "where_strings", "Where", 16, {}, [
        np.array([True, False]), strings, np.array([["x"], ["y"]], dtype=object)]
    values = np.array([0, 1, 1.5, 2.5, 3, 0.4, 100, 6.6, 0.01], np.float64)
    signed = np.array([0, -1, -1.5, 2.5, -3, 0.4, -100, 7, -0.01], np.float64)
    for a in INTS + FLOATS + NARROW + ["bool"]:
        v = values if a[0] == "u" or a == "bool" else signed
        x = (v != 0) if a == "bool" else v.astype(np.float32).astype(dtype(a))
        for b in INTS + FLOATS + NARROW + ["bool"]:
            if (a[0] != "u" and a != "bool") and b[0] == "u":
                y = np.abs(x.astype(np.float32)).astype(x.dtype)
            else:
                y = x
            yield f"cast_{a}_{b}", "Cast", 25, {"to": code(b)}, [y]
    text = np.array(["1", "-2.5", "1e3", " 7 ", "INF", "-inf", "NaN"], dtype=object)
    for b in ("float32", "float64", "float16"):
        yield f"cast_text_{b}", "Cast", 25, {"to": code(b)}, [text]
    yield "cast_text_int64", "Cast", 25, {"to": 7}, [
        np.array(["1", "-2", "9223372036854775807"], dtype=object)]
    for a in ("int8", "int64", "uint8"):
        yield f"cast_{a}_text", "Cast", 25, {"to": 8}, [numbers(a, (5,), 17)]
    yield "cast_float32_text", "Cast", 25, {"to": 8}, [
        np.array([0.47892547, 1.5, 3, -0.0, 1e-5, 1e20, np.nan, np.inf, -np.inf], np.float32)]
    yield "cast_float64_text", "Cast", 25, {"to": 8}, [
        np.array([0.1, 123456789.25, 1e15, 1e16, 1e-4, 1e-5, 2.0**60], np.float64)]
    yield "cast_bool_text", "Cast", 25, {"to": 8}, [np.array([True, False])]


def main() -> None:
    with open(sys.argv[1], "w") as out:
        count = 0
        for name, op, opset, attributes, arrays in cases():
            protos = [
                None if a is None else numpy_helper.from_array(a, f"i{i}")
                for i, a in enumerate(arrays)]
            inputs = [
                helper.make_tensor_value_info(p.name, p.data_type, list(p.dims))
                for p in protos if p]
            node = helper.make_node(op, [p.name if p else "" for p in protos], ["y"], **attributes)
            graph = helper.make_graph(
                [node], name, inputs, [helper.make_tensor_value_info("y", 0, None)])
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
            with np.errstate(all="ignore"):
                try:
                    y = ReferenceEvaluator(model).run(
                        None, {p.name: a for p, a in zip(protos, arrays) if p})[0]
                except Exception as error:
                    print(f"{name}: {error}".splitlines()[0][:150])
                    continue
            y = np.asarray(y)
            if y.dtype.kind == "U":
                y = y.astype(object)
            count += write_case(
                out, name, node, opset, protos, [numpy_helper.from_array(y)])
    print(f"{count} cases")


if __name__ == "__main__":
    main()
