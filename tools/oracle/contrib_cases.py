"""Makes reference cases of single operators with ONNX Runtime's CPU kernels.

`case` runs a node and writes it with its results; `stated` writes results that are given. The
format is that of operator_vectors.py, with `com.microsoft:NAME` for operators of that domain.
"""

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from operator_vectors import attribute_text, tensor_text

R = np.random.default_rng(17)
MICROSOFT = "com.microsoft"
COUNTS: dict[str, int] = {}
REFUSED: list[str] = []
WANTED: set[str] = set()


def f(*shape, spread=1.0):
    return (R.standard_normal(shape) * spread).astype(np.float32)


def i32(values):
    return np.array(values, dtype=np.int32)


def run(op, inputs, outputs, domain, attributes):
    """The node and what ONNX Runtime makes of the inputs."""
    while inputs[-1] is None:
        inputs = inputs[:-1]
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    results = [f"y{i}" if i in outputs else "" for i in range(max(outputs) + 1)]
    node = helper.make_node(op, names, results, domain=domain, **attributes)
    protos = [None if x is None else numpy_helper.from_array(np.asarray(x)) for x in inputs]
    graph = helper.make_graph(
        [node],
        "g",
        [
            helper.make_tensor_value_info(n, p.data_type, list(p.dims))
            for n, p in zip(names, protos, strict=True)
            if p is not None
        ],
        [helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in results if n],
    )
    opsets = [helper.make_opsetid("", 16), helper.make_opsetid(MICROSOFT, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    for value in model.graph.output:
        value.ClearField("type")
        if value.name == "y3":  # ONNX Runtime infers no type for the scores.
            value.type.tensor_type.elem_type = protos[0].data_type
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    feed = {n: np.asarray(x) for n, x in zip(names, inputs, strict=True) if x is not None}
    return node, protos, dict(zip([r for r in results if r], session.run(None, feed), strict=True))


def case(op, inputs, outputs=(0,), domain=MICROSOFT, hide=None, half=False, **attributes):
    """One case; `hide` maps an output's number to a mask of elements that mean nothing.

    With `half` the case is written once more in float16.
    """
    if WANTED and op not in WANTED:
        return
    for dtype in [np.float32, np.float16] if half else [None]:
        given = [
            x.astype(dtype) if dtype is not None and x is not None and x.dtype == np.float32 else x
            for x in inputs
        ]
        COUNTS[op] = COUNTS.get(op, 0) + 1
        name = f"{op}_{COUNTS[op]}"
        try:
            node, protos, got = run(op, given, outputs, domain, attributes)
        except Exception as error:
            REFUSED.append(f"{name}: {str(error).splitlines()[0][:300]}")
            continue
        results = []
        for i in range(max(outputs) + 1):
            y = got.get(f"y{i}")
            if y is not None and hide and i in hide:
                y = y.copy()
                y[np.broadcast_to(hide[i], y.shape)] = np.nan
            results.append(None if y is None else numpy_helper.from_array(y))
        write(name, node, protos, results)


def write(name, node, inputs, outputs):
    operator = f"{node.domain}:{node.op_type}" if node.domain else node.op_type
    lines = [f"case {name} {operator} 1"]
    lines += [attribute_text(a) for a in node.attribute]
    lines += ["in " + ("none" if t is None else tensor_text(t)) for t in inputs]
    lines += ["out " + ("none" if t is None else tensor_text(t)) for t in outputs]
    case.out.write("\n".join(lines) + "\n")


def stated(op, inputs, results, domain=MICROSOFT, **attributes):
    """A case whose results are given."""
    if WANTED and op not in WANTED:
        return
    COUNTS[op] = COUNTS.get(op, 0) + 1
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    node = helper.make_node(op, names, [f"y{i}" for i in range(len(results))], domain=domain, **attributes)
    protos = [None if x is None else numpy_helper.from_array(np.asarray(x)) for x in inputs]
    write(f"{op}_{COUNTS[op]}", node, protos, [numpy_helper.from_array(np.asarray(y)) for y in results])
