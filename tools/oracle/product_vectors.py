#!/usr/bin/env python3
"""Write reference vectors of MatMul, Gemm, Conv and ConvTranspose, computed by onnxruntime
(1.32 for the committed file), or by onnx where that has no kernel.

usage: product_vectors.py OUT

The format is that of operator_vectors.py. Inputs are multiples of 1/8 below 2 from a fixed seed.
"""

import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from operator_vectors import attribute_text, tensor_text

RNG = np.random.default_rng(7)


def values(shape, dtype=np.float32):
    if np.issubdtype(dtype, np.integer):
        return RNG.integers(0 if np.issubdtype(dtype, np.unsignedinteger) else -9, 9, shape).astype(
            dtype
        )
    return np.asarray(RNG.integers(-15, 16, shape) / 8).astype(dtype)


def cases():
    f = np.float32
    for a, b in [
        ([3, 4], [4, 5]), ([4], [4]), ([4], [4, 3]), ([3, 4], [4]), ([2, 3, 4], [4, 5]),
        ([2, 1, 3, 4], [3, 4, 2]), ([1, 3, 4], [2, 4, 2]), ([5], [2, 5, 3]), ([2, 3, 5], [5]),
        ([2, 2, 1, 3], [2, 1, 3, 2]), ([0, 4], [4, 3]), ([2, 0], [0, 3]), ([1, 12], [12, 40]),
    ]:
        yield "MatMul", 13, {}, [values(a), values(b)]
    for t in [np.float64, np.int32, np.uint32, np.int64, np.uint64, np.float16]:
        yield "MatMul", 13, {}, [values([3, 4], t), values([2, 4, 5], t)]
    for attributes, a, b, c in [
        ({}, [3, 4], [4, 5], [5]), ({}, [3, 4], [4, 5], None), ({}, [3, 4], [4, 5], [3, 1]),
        ({}, [3, 4], [4, 5], []), ({}, [3, 4], [4, 5], [1]), ({}, [3, 4], [4, 5], [3, 5]),
        ({"alpha": 0.5, "beta": 0.25}, [3, 4], [4, 5], [1, 5]),
        ({"transA": 1}, [4, 3], [4, 5], [5]), ({"transB": 1}, [3, 4], [5, 4], [5]),
        ({"transA": 1, "transB": 1, "alpha": 2.0, "beta": -1.0}, [9, 16], [34, 9], [16, 34]),
        ({"beta": 0.0}, [3, 4], [4, 5], [5]), ({"transB": 1}, [1, 10], [40, 10], [40]),
    ]:
        yield "Gemm", 13, attributes, [values(a), values(b)] + ([values(c)] if c is not None else [])
    for t in [np.float64, np.float16]:
        yield "Gemm", 13, {"alpha": 0.5}, [values([3, 4], t), values([4, 5], t), values([5], t)]
    yield "Gemm", 7, {"alpha": 0.5}, [values([3, 4]), values([4, 5]), values([5])]
    for attributes, x, w, bias in [
        ({}, [1, 1, 5], [2, 1, 3], True), ({"strides": [2], "pads": [1, 2]}, [2, 3, 7], [2, 3, 4], True),
        ({"dilations": [2], "auto_pad": "SAME_UPPER"}, [1, 2, 9], [3, 2, 3], False),
        ({}, [1, 3, 5, 6], [4, 3, 3, 3], True), ({"pads": [1, 1, 1, 1]}, [2, 3, 5, 6], [4, 3, 3, 3], True),
        ({"pads": [1, 0, 2, 3], "strides": [2, 1]}, [1, 2, 6, 5], [3, 2, 3, 2], False),
        ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, [1, 2, 5, 6], [3, 2, 3, 3], True),
        ({"auto_pad": "SAME_LOWER", "strides": [2, 2]}, [1, 2, 5, 6], [3, 2, 2, 4], True),
        ({"auto_pad": "VALID", "strides": [2, 3]}, [1, 2, 6, 8], [3, 2, 3, 3], False),
        ({"dilations": [2, 3], "pads": [2, 3, 2, 3]}, [1, 2, 6, 7], [2, 2, 3, 3], True),
        ({"strides": [3, 4], "pads": [1, 2, 1, 2]}, [1, 2, 8, 10], [2, 2, 3, 5], True),
        ({"kernel_shape": [1, 1]}, [2, 5, 3, 4], [7, 5, 1, 1], True),
        ({"strides": [2, 2]}, [1, 5, 5, 6], [3, 5, 1, 1], False),
        ({"group": 2}, [1, 4, 4, 5], [6, 2, 2, 3], True),
        ({"group": 3, "pads": [1, 1, 1, 1]}, [2, 3, 5, 6], [3, 1, 3, 3], True),
        ({"group": 2, "pads": [1, 1, 1, 1], "strides": [2, 2]}, [1, 2, 7, 9], [2, 1, 3, 3], False),
        ({"group": 2, "pads": [2, 2, 2, 2]}, [1, 2, 6, 5], [4, 1, 5, 5], True),
        ({"group": 2, "dilations": [2, 2], "pads": [2, 2, 2, 2]}, [1, 2, 6, 20], [2, 1, 3, 3], True),
        ({"group": 2, "strides": [3, 3]}, [1, 2, 7, 8], [2, 1, 3, 3], True),
        ({"pads": [1, 0, 1, 1, 0, 1]}, [1, 2, 3, 4, 5], [2, 2, 3, 2, 3], True),
        ({"strides": [2, 1, 2], "dilations": [1, 2, 1]}, [1, 1, 5, 6, 5], [2, 1, 2, 3, 3], False),
        ({"group": 2, "pads": [1, 1, 1, 1, 1, 1]}, [1, 2, 3, 3, 4], [2, 1, 3, 3, 3], True),
        ({"pads": [1, 1, 1, 1]}, [1, 4, 6, 7], [15, 4, 3, 3], True),
    ]:
        yield "Conv", 11, attributes, [values(x), values(w)] + ([values([w[0]])] if bias else [])
    for t in [np.float64, np.float16]:
        x, w = values([1, 2, 5, 5], t), values([3, 2, 3, 3], t)
        yield "Conv", 11, {"pads": [1, 1, 1, 1]}, [x, w, values([3], t)]
    for attributes, x, w, bias in [
        ({}, [1, 2, 4], [2, 3, 3], True), ({"strides": [2], "pads": [1, 0]}, [2, 2, 5], [2, 1, 3], False),
        ({}, [1, 1, 3, 3], [1, 2, 3, 3], True), ({"strides": [3, 2]}, [1, 2, 3, 3], [2, 2, 3, 3], False),
        ({"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}, [1, 3, 4, 3], [3, 2, 3, 3], True),
        ({"strides": [2, 2], "pads": [1, 0, 2, 1]}, [1, 2, 4, 3], [2, 2, 3, 4], True),
        ({"strides": [3, 2], "output_shape": [10, 8]}, [1, 1, 3, 3], [1, 2, 3, 3], False),
        ({"strides": [3, 2], "output_shape": [8, 6]}, [1, 1, 3, 3], [1, 2, 3, 3], True),
        ({"strides": [2, 2], "auto_pad": "SAME_UPPER"}, [1, 1, 3, 4], [1, 2, 3, 3], True),
        ({"strides": [2, 2], "auto_pad": "SAME_LOWER"}, [1, 1, 3, 4], [1, 2, 3, 3], True),
        ({"strides": [2, 1], "auto_pad": "VALID"}, [1, 1, 3, 4], [1, 2, 3, 2], False),
        ({"dilations": [2, 2], "strides": [1, 2]}, [1, 2, 3, 3], [2, 1, 2, 3], False),
        ({"group": 2, "strides": [2, 2]}, [2, 4, 3, 3], [4, 3, 2, 2], True),
        ({"group": 3, "pads": [1, 1, 1, 1]}, [1, 3, 4, 4], [3, 1, 3, 3], True),
        ({"strides": [2, 1, 2], "pads": [0, 1, 0, 1, 0, 1]}, [1, 1, 3, 3, 2], [1, 2, 2, 3, 3], True),
    ]:
        outputs = w[1] * attributes.get("group", 1)
        yield "ConvTranspose", 11, attributes, [values(x), values(w)] + (
            [values([outputs])] if bias else [])
    for t in [np.float64, np.float16]:
        x, w = values([1, 2, 3, 3], t), values([2, 2, 3, 3], t)
        yield "ConvTranspose", 11, {"strides": [2, 2]}, [x, w, values([2], t)]


def out_case(out, i, name, opset, node, inputs, result):
    out.write(f"case {name.lower()}_{i} {name} {opset}\n")
    for a in node.attribute:
        out.write(attribute_text(a) + "\n")
    for v in inputs:
        out.write(f"in {tensor_text(numpy_helper.from_array(v))}\n")
    out.write(f"out {tensor_text(numpy_helper.from_array(result))}\n")


def main():
    with open(sys.argv[1], "w") as out:
        for i, (name, opset, attributes, inputs) in enumerate(cases()):
            names = [f"x{j}" for j in range(len(inputs))]
            kinds = [helper.np_dtype_to_tensor_dtype(v.dtype) for v in inputs]
            node = helper.make_node(name, names, ["y"], **attributes)
            graph = helper.make_graph(
                [node], "g",
                [helper.make_tensor_value_info(n, k, v.shape)
                 for n, k, v in zip(names, kinds, inputs)],
                [helper.make_tensor_value_info("y", kinds[0], None)])
            model = helper.make_model(
                graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
            try:
                # onnxruntime has no kernels for these; onnx's own evaluator does.
                is_double = "Conv" in name and kinds[0] == TensorProto.DOUBLE
                if is_double or ("dilations" in attributes and "auto_pad" in attributes):
                    result = ReferenceEvaluator(model).run(None, dict(zip(names, inputs)))[0]
                    out_case(out, i, name, opset, node, inputs, result)
                    continue
                session = ort.InferenceSession(
                    model.SerializeToString(), providers=["CPUExecutionProvider"])
                result = session.run(None, dict(zip(names, inputs)))[0]
            except Exception as e:
                print(name, attributes, [v.dtype for v in inputs], str(e)[:160], file=sys.stderr)
                continue
            out_case(out, i, name, opset, node, inputs, result)


main()
