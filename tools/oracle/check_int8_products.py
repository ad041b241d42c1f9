#!/usr/bin/env python3
"""Hold products of 8-bit codes against onnxruntime: no code may differ by more than one.

usage: DLRUN_LIBRARY=libdlrun.so check_int8_products.py [--cases 200]

Random sizes, types, zero points, roundings, residuals and results; each graph once as standard ONNX,
which dlrun's passes fuse, and once as an ai.dlrun QuantizedLinear that runs as it is. onnxruntime runs
the standard graph without optimisation. Wants onnxruntime 1.32.0, onnx 1.23.2 and numpy. Exit status
1 where a result is off.
"""

import argparse
import os
import sys
import tempfile

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from peers import engines  # noqa: E402


def model(nodes: list, a: tuple, y: tuple, constants: dict):
    values = [helper.make_tensor_value_info(n, t, s) for n, t, s in (a, y)]
    initializers = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], initializers)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.dlrun", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def codes(random, kind, shape):
    info = np.iinfo(kind)
    return random.integers(info.min, info.max + 1, shape).astype(kind)


def case(random, i: int):
    """A graph in both forms, A, and the largest difference that is allowed."""
    m, k, n = (int(x) for x in random.integers(1, 90, 3))
    a_type = np.uint8 if i % 2 == 0 else np.int8
    w_type = np.uint8 if i % 3 == 0 else np.int8
    turned, columns, rounds, residual, quantizes = i % 4 == 1, i % 5 != 0, i % 2 == 1, i % 3, i % 4 < 2
    a = codes(random, a_type, (m, k))
    constants = {
        "a_scale": np.float32(0.011), "a_zero": a_type(7),
        "w": codes(random, w_type, (n, k) if turned else (k, n)),
        "w_scale": (random.random(n) * 0.02 + 0.004).astype(np.float32) if columns else np.float32(0.01),
        "w_zero": random.integers(0, 20, n).astype(w_type) if columns else w_type(3),
        "bias": random.standard_normal(n).astype(np.float32),
    }
    fused = list(constants)
    fused = ["a", *fused]
    nodes = [
        helper.make_node("DequantizeLinear", ["a", "a_scale", "a_zero"], ["a_number"]),
        helper.make_node(
            "DequantizeLinear", ["w", "w_scale", "w_zero"], ["w_number"], axis=0 if turned else 1
        ),
    ]
    if turned:
        nodes.append(helper.make_node("Transpose", ["w_number"], ["w_turned"], perm=[1, 0]))
    nodes.append(helper.make_node("MatMul", ["a_number", nodes[-1].output[0]], ["product"]))
    if rounds:
        constants |= {"r_scale": np.float32(0.5), "r_zero": np.uint8(120)}
        where = ["r_scale", "r_zero"]
        nodes.append(helper.make_node("QuantizeLinear", ["product", *where], ["code"]))
        nodes.append(helper.make_node("DequantizeLinear", ["code", *where], ["rounded"]))
    nodes.append(helper.make_node("Add", [nodes[-1].output[0], "bias"], ["biased"]))
    if residual:
        real = residual == 1
        constants["z"] = (
            random.standard_normal((m, n)).astype(np.float32) if real else codes(random, np.uint8, (m, n))
        )
        if not real:
            constants |= {"z_scale": np.float32(0.1), "z_zero": np.uint8(100)}
            nodes.append(helper.make_node("DequantizeLinear", ["z", "z_scale", "z_zero"], ["z_number"]))
        nodes.append(helper.make_node("Add", ["biased", "z" if real else "z_number"], ["sum"]))
        fused += ["z"] + (["", ""] if real else ["z_scale", "z_zero"])
    else:
        fused += ["", "", ""]
    fused += ["r_scale", "r_zero"] if rounds else ["", ""]
    last = nodes[-1].output[0]
    if quantizes:
        constants |= {"y_scale": np.float32(0.4), "y_zero": np.int8(-3)}
        nodes.append(helper.make_node("QuantizeLinear", [last, "y_scale", "y_zero"], ["y"]))
        fused += ["y_scale", "y_zero"]
    else:
        nodes.append(helper.make_node("Identity", [last], ["y"]))
    x = ("a", helper.np_dtype_to_tensor_dtype(a.dtype), [m, k])
    y = ("y", TensorProto.INT8 if quantizes else TensorProto.FLOAT, [m, n])
    options = {"transB": 1} if turned else {}
    one = helper.make_node("QuantizedLinear", fused, ["y"], domain="ai.dlrun", **options)
    step = 1 if quantizes else 0.5001 if rounds else None
    return model(nodes, x, y, constants), model([one], x, y, constants), a, step


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=200)
    arguments = parser.parse_args()
    dlrun = engines.DLRun("dlrun", os.environ["DLRUN_LIBRARY"]).module
    random = np.random.default_rng(0)
    failed, differ, count = 0, 0, 0
    plain = ort.SessionOptions()
    plain.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        for i in range(arguments.cases):
            standard, fused, a, step = case(random, i)
            reference = ort.InferenceSession(standard.SerializeToString(), plain)
            want = reference.run(None, {"a": a})[0].astype(np.float64)
            for form, level in ((standard, 99), (fused, 0)):
                path = os.path.join(folder, "model.onnx")
                with open(path, "wb") as file:
                    file.write(form.SerializeToString())
                options = dlrun.SessionOptions()
                options.graph_optimization_level = dlrun.GraphOptimizationLevel(level)
                session = dlrun.InferenceSession(path, options, threads=1 + i % 2)
                error = np.abs(session.run(None, {"a": a})[0].astype(np.float64) - want)
                near = 1e-4 * max(1, np.abs(want).max())
                if not error.max() <= (step or near):
                    failed += 1
                    print(f"case {i}, level {level}: off by {error.max()}")
                differ += int((error > near).sum())
                count += error.size
    print(f"{2 * arguments.cases - failed} passed, {failed} failed; {differ} of {count} differ by a step")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
