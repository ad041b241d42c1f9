"""What the scripts that make Models/ share: building and writing ONNX graphs, the same bytes always."""

import json
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MODELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Models")
OPSET = 17
IR_VERSION = 8


def path(name: str) -> str:
    return os.path.normpath(os.path.join(MODELS, name))


def save(name, nodes, inputs, outputs, weights, metadata) -> onnx.ModelProto:
    """Write Models/<name>. `inputs`/`outputs`: (name, element type, dims); `metadata`: key to list."""
    values = [
        [helper.make_tensor_value_info(n, kind, dims) for n, kind, dims in part]
        for part in (inputs, outputs)
    ]
    tensors = [numpy_helper.from_array(value, n) for n, value in weights.items()]
    graph = helper.make_graph(nodes, name.split(".")[0], values[0], values[1], tensors)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="dlrun tools/models",
    )
    helper.set_model_props(model, {key: json.dumps(value) for key, value in metadata.items()})
    onnx.checker.check_model(model, full_check=True)
    with open(path(name), "wb") as file:
        file.write(model.SerializeToString(deterministic=True))
    return model


def accuracy(name: str, feeds: dict, truth: np.ndarray) -> tuple[int, int]:
    """How many rows the written model gets right by ONNX's own reference, and of how many."""
    from onnx.reference import ReferenceEvaluator

    label = ReferenceEvaluator(path(name)).run(["label"], feeds)[0]
    return int((label == truth).sum()), len(truth)


FLOAT = TensorProto.FLOAT
INT64 = TensorProto.INT64
