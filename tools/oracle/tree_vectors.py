#!/usr/bin/env python3
"""Write reference vectors of the tree ensembles as text that OperatorsTests reads.

usage: tree_vectors.py OUT

Random ensembles of every mode, aggregate and transform with the results of onnxruntime (for
some sets onnx's reference evaluator gives others), and small scikit-learn forests with
the predictions of scikit-learn itself. The format is that of operator_vectors.py. Cases in which
onnxruntime leaves scores out (a target that no leaf names) or takes 0 and 1 for the labels of two
classes whatever they are, are not among them.
Made with onnx 1.23.2, onnxruntime 1.32, scikit-learn 1.9.1 and skl2onnx 1.20.
"""

import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from operator_vectors import attribute_text, tensor_text

MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
TRANSFORMS = ["NONE", "NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]
rng = np.random.default_rng(11)


def tensor(a: np.ndarray) -> onnx.TensorProto:
    if a.dtype.kind in "OU":
        return numpy_helper.from_array(a.astype(object))
    return numpy_helper.from_array(a)


def write(out, name: str, node: onnx.NodeProto, version: int, x: np.ndarray, results: list) -> None:
    out.write(f"case {name} {node.op_type} {version}\n")
    for a in sorted(node.attribute, key=lambda a: a.name):
        out.write(attribute_text(a) + "\n")
    out.write(f"in {tensor_text(tensor(x))}\n")
    for r in results:
        out.write(f"out {tensor_text(tensor(np.asarray(r)))}\n")


def model(node: onnx.NodeProto, version: int, x: np.ndarray) -> onnx.ModelProto:
    given = helper.make_tensor_value_info("X", helper.np_dtype_to_tensor_dtype(x.dtype), [None, None])
    outputs = [helper.make_empty_tensor_value_info(o) for o in node.output]
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", version)]
    graph = helper.make_graph([node], "g", [given], outputs)
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def grow(depth: int) -> list:
    """A random tree: None for a leaf, else the places of its children."""
    nodes: list = []

    def add(level: int) -> int:
        i = len(nodes)
        nodes.append(None)
        if level == 0 or (level < depth and rng.random() < 0.7):
            nodes[i] = (add(level + 1), add(level + 1))
        return i

    add(0)
    return nodes


def ensemble(k: int):
    """One random node of the older operators, its version and input; None where it is unsound."""
    is_class = bool(rng.random() < 0.6)
    prefix = "class" if is_class else "target"
    kind = str(rng.choice(["f", "f", "d", "i", "l"] if is_class else ["f", "f", "d"]))
    features, trees = int(rng.integers(1, 5)), int(rng.choice([1, 2, 4]))
    count = int(rng.choice([2, 2, 3] if is_class else [1, 2, 3]))
    form = str(rng.choice(["single", "dense", "sparse"]))
    if not is_class and form != "dense" and count > 1:
        form = "dense"
    modes = MODES[:1] if k % 3 == 0 else MODES
    isPositive = rng.random() < 0.5
    one = 0 if count == 1 else int(rng.integers(0, count))
    lists: dict = {n: [] for n in ["treeids", "nodeids", "featureids", "modes", "values"]}
    lists.update({n: [] for n in ["truenodeids", "falsenodeids", "missing_value_tracks_true"]})
    votes: dict = {n: [] for n in ["treeids", "nodeids", "ids", "weights"]}
    for t in range(trees):
        for i, children in enumerate(grow(int(rng.choice([1, 3, 5])))):
            lists["treeids"].append(t)
            lists["nodeids"].append(i)
            lists["featureids"].append(int(rng.integers(0, features)))
            lists["values"].append(float(np.round(rng.normal() * 2) / 2))
            lists["missing_value_tracks_true"].append(int(rng.random() < 0.5))
            lists["modes"].append(str(rng.choice(modes)) if children else "LEAF")
            lists["truenodeids"].append(children[0] if children else 0)
            lists["falsenodeids"].append(children[1] if children else 0)
            if children:
                continue
            some = sorted(rng.choice(count, int(rng.integers(1, count + 1)), replace=False))
            for c in {"single": [one], "dense": range(count), "sparse": some}[form]:
                w = float(np.float32(rng.normal()))
                votes["treeids"].append(t)
                votes["nodeids"].append(i)
                votes["ids"].append(int(c))
                votes["weights"].append(abs(w) / trees if isPositive else w)
    attributes = {"nodes_" + n: v for n, v in lists.items()}
    attributes.update({f"{prefix}_{n}": v for n, v in votes.items()})
    base = [float(np.float32(v)) for v in rng.normal(size=count)] if rng.random() < 0.4 else []
    version = 3
    if kind == "d":
        attributes["base_values"] = base
        for n in ["nodes_values", prefix + "_weights", "base_values"]:
            v = attributes.pop(n)
            if v:
                attributes[n + "_as_tensor"] = helper.make_tensor(n, TensorProto.DOUBLE, [len(v)], v)
    else:
        version = 1 if k % 2 else 3
        if base:
            attributes["base_values"] = base
    attributes["post_transform"] = str(rng.choice(TRANSFORMS))
    x = np.round(rng.normal(size=(int(rng.choice([1, 3, 70])), features)) * 4) / 4
    x = x.astype({"f": np.float32, "d": np.float64, "i": np.int32, "l": np.int64}[kind])
    if kind in "fd":
        x[rng.random(x.shape) < 0.15] = np.nan
    if is_class:
        if rng.random() < 0.3:
            attributes["classlabels_strings"] = [f"c{i}" for i in range(count)]
        else:
            attributes["classlabels_int64s"] = [0, 1] if count == 2 else [3 * i + 1 for i in range(count)]
    else:
        attributes["n_targets"] = count
        attributes["aggregate_function"] = str(rng.choice(["SUM", "AVERAGE", "MIN", "MAX"]))
    node = helper.make_node(
        "TreeEnsembleClassifier" if is_class else "TreeEnsembleRegressor",
        ["X"], ["Y", "Z"] if is_class else ["Y"], domain="ai.onnx.ml", **attributes,
    )
    return node, version, x


def sets(k: int):
    """A TreeEnsemble with sets and every other mode."""
    modes = rng.integers(0, 7, 7)
    modes[k % 7] = 6
    values: list = []
    for _ in range(int((modes == 6).sum())):
        values += [float(v) for v in rng.integers(-2, 3, int(rng.integers(1, 4)))] + [np.nan]
    real = np.float64 if k % 2 else np.float32
    attributes = {
        "n_targets": 2, "tree_roots": [0, 3],
        "nodes_featureids": [int(v) for v in rng.integers(0, 3, 7)],
        "nodes_modes": numpy_helper.from_array(modes.astype(np.uint8)),
        "nodes_splits": numpy_helper.from_array(np.round(rng.normal(size=7)).astype(real)),
        "nodes_truenodeids": [1, 0, 2, 4, 5, 6, 8], "nodes_falsenodeids": [2, 1, 3, 4, 5, 7, 9],
        "nodes_trueleafs": [0, 1, 1, 0, 0, 1, 1], "nodes_falseleafs": [0, 1, 1, 1, 1, 1, 1],
        "membership_values": numpy_helper.from_array(np.array(values, real)),
        "leaf_targetids": [0, 1, 0, 1, 0, 1, 0, 1, 0, 1],
        "leaf_weights": numpy_helper.from_array(rng.normal(size=10).astype(real)),
        "aggregate_function": 1, "post_transform": 0,
    }
    node = helper.make_node("TreeEnsemble", ["X"], ["Y"], domain="ai.onnx.ml", **attributes)
    return node, 5, rng.integers(-3, 4, (9, 3)).astype(real)


def learned(out) -> None:
    """Small forests of scikit-learn, with what scikit-learn predicts."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn import ensemble
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    x = x.astype(np.float32)
    types = [("X", FloatTensorType([None, 4]))]
    models = {
        "forest": ensemble.RandomForestClassifier(5, max_depth=4, random_state=1).fit(x, y),
        "extra": ensemble.ExtraTreesClassifier(4, max_depth=5, random_state=1).fit(x, y > 0),
        "regressor": ensemble.RandomForestRegressor(4, max_depth=4, random_state=1).fit(x, y),
    }
    for name, m in models.items():
        classifies = hasattr(m, "predict_proba")
        onx = to_onnx(m, initial_types=types, options={id(m): {"zipmap": False}} if classifies else None)
        node = next(n for n in onx.graph.node if n.op_type.startswith("TreeEnsemble"))
        part = x[::5]
        results = [m.predict(part).astype(np.int64), m.predict_proba(part).astype(np.float32)] \
            if classifies else [m.predict(part).astype(np.float32).reshape(-1, 1)]
        write(out, "sklearn_" + name, node, 3, part, results)


def main() -> None:
    with open(sys.argv[1], "w", encoding="ascii") as out:
        for k in range(70):
            node, version, x = ensemble(k)
            options = ort.SessionOptions()
            options.log_severity_level = 3
            session = ort.InferenceSession(
                model(node, version, x).SerializeToString(), options,
                providers=["CPUExecutionProvider"],
            )
            write(out, f"random_{k}", node, version, x, session.run(None, {"X": x}))
        for k in range(8):
            node, version, x = sets(k)
            session = ort.InferenceSession(
                model(node, version, x).SerializeToString(), options,
                providers=["CPUExecutionProvider"],
            )
            result = session.run(None, {"X": x})
            write(out, f"sets_{k}", node, version, x, result)
        learned(out)


main()
