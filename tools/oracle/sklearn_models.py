#!/usr/bin/env python3
"""Train scikit-learn models, export them with skl2onnx, and write them for `dlrun verify`.

usage: sklearn_models.py OUT [PART...]
Each model whose name contains one of PART (default: all) becomes OUT/NAME/model.onnx with
test_data_set_0/{input,output}_I.pb and tol.json. The outputs are scikit-learn's own, computed in
float64 where it does, never a runtime's. Seeds are fixed. Made with scikit-learn 1.9.1 and
skl2onnx 1.20; needs the packages of tools/oracle/install.sh.

Models compute in float32. So that a label is not decided by its last bit, rows whose two best
scores lie within MARGIN of each other are left out of the inputs; which part of them is printed.
onnxruntime runs every model as well, as a second opinion. Where it deviates from scikit-learn (the
converter wrote another formula, or onnxruntime has a rule of its own), the model goes to
OUT.deviating instead, still with scikit-learn's outputs, and is named.
"""

import json
import os
import shutil
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, numpy_helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import (
    DictionaryType, DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType)

from sklearn_zoo import cases

# scikit-learn's boosting hands over flags as a mixture of bools and numbers of NumPy, which onnx
# refuses.
make_attribute = onnx.helper.make_attribute


def make_attribute_of_plain_numbers(name, value, *more, **named):
    if isinstance(value, list) and any(isinstance(v, (bool, np.integer, np.bool_)) for v in value):
        value = [int(v) for v in value]
    return make_attribute(name, value, *more, **named)


onnx.helper.make_attribute = make_attribute_of_plain_numbers

MARGIN = 2e-3
RTOL, ATOL = 1e-3, 1e-4


def column_type(a, width):
    if a.dtype.kind in "OU":
        return StringTensorType([None, width])
    kinds = {"float32": FloatTensorType, "float64": DoubleTensorType, "int64": Int64TensorType}
    return kinds[a.dtype.name]([None, width])


def declared(inputs):
    types = []
    for name, a in inputs.items():
        if isinstance(a, dict):
            types.append((name, DictionaryType(StringTensorType([1]), FloatTensorType([1]))))
        elif a.ndim == 1:
            types.append((name, StringTensorType([None])))
        else:
            types.append((name, column_type(a, a.shape[1])))
    return types


def tensor(a):
    return numpy_helper.from_array(a if a.dtype.kind != "U" else a.astype(object))


def map_proto(keys, values):
    m = onnx.MapProto()
    if isinstance(keys[0], (str, np.str_)):
        m.key_type = TensorProto.STRING
        m.string_keys.extend(str(k).encode() for k in keys)
    else:
        m.key_type = TensorProto.INT64
        m.keys.extend(int(k) for k in keys)
    m.values.elem_type = onnx.SequenceProto.TENSOR
    m.values.tensor_values.extend(tensor(np.asarray(v, np.float32)) for v in values)
    return m


def maps(keys, rows):
    s = onnx.SequenceProto()
    s.elem_type = onnx.SequenceProto.MAP
    s.map_values.extend(map_proto(keys, row) for row in rows)
    return s


def write(path, message):
    with open(path, "wb") as file:
        file.write(message.SerializeToString(deterministic=True))


def save(out, case, model, inputs, outputs):
    folder = os.path.join(out, case.name)
    data = os.path.join(folder, "test_data_set_0")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(data)
    write(os.path.join(folder, "model.onnx"), model)
    for i, (name, a) in enumerate(inputs.items()):
        message = map_proto(list(a), list(a.values())) if isinstance(a, dict) else tensor(a)
        write(os.path.join(data, f"input_{i}.pb"), message)
    for i, a in enumerate(outputs):
        if a is None:
            continue
        message = maps(*a) if isinstance(a, tuple) else tensor(a)
        write(os.path.join(data, f"output_{i}.pb"), message)
    with open(os.path.join(folder, "tol.json"), "w") as file:
        json.dump({"rtol": case.rtol or RTOL, "atol": case.atol or ATOL}, file)
        file.write("\n")


def expected(case, names, x):
    """scikit-learn's results under the names that skl2onnx gives them."""
    m, results = case.model, []
    for name in names:
        if case.results is not None:
            results.append(case.results(m, x, name))
        elif "label" in name:
            results.append(m.predict(x))
        elif "probabilit" in name:
            results.append(m.predict_proba(x))
        elif name == "scores":
            results.append(m.decision_function(x) if hasattr(m, "decision_function")
                           else m.transform(x))
        else:
            results.append(m.transform(x) if hasattr(m, "transform") and
                           not hasattr(m, "predict") else m.predict(x))
    return results


def far_from_ties(case, x):
    """Rows whose class is decided by more than MARGIN."""
    m = case.model
    n = len(x)
    if not hasattr(m, "classes_") or not hasattr(m, "predict"):
        return np.ones(n, bool)
    keep = np.ones(n, bool)
    for scores in ("predict_proba", "decision_function"):
        try:
            s = np.asarray(getattr(m, scores)(x))
        except Exception:
            continue
        if not isinstance(s, np.ndarray) or s.ndim > 2 or len(s) != n:
            continue
        if s.ndim == 1:
            s = np.stack([-s, s], 1)
        if s.shape[1] < 2:
            continue
        top = np.sort(s, axis=1)
        keep &= top[:, -1] - top[:, -2] > MARGIN * np.maximum(1, np.abs(top[:, -1]))
    return keep


def second_opinion(model, inputs, names):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(names, inputs)


def shaped(value, meta, other):
    """`value` in the dtype and shape that the model declares for it."""
    kind = meta.type.WhichOneof("value")
    if kind == "sequence_type":
        return value
    dtype = onnx.helper.tensor_dtype_to_np_dtype(meta.type.tensor_type.elem_type)
    a = np.asarray(value.todense() if hasattr(value, "todense") else value)
    a = a.astype(object) if dtype == object else a.astype(dtype)
    if isinstance(other, np.ndarray) and other.size == a.size:
        return a.reshape(other.shape)
    dims = meta.type.tensor_type.shape.dim
    return a.reshape(len(a), -1) if len(dims) == 2 else a


def close(case, a, b):
    if isinstance(a, tuple):
        keys, rows = a
        got = np.array([[row[k] for k in keys] for row in b])
        return close(case, rows, got)
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind in "OU":
        return a.shape == b.shape and (a == b).all()
    return a.shape == b.shape and np.allclose(
        b, a, rtol=case.rtol or RTOL, atol=case.atol or ATOL, equal_nan=True)


def export(out, case):
    opset = {"": case.opset, "ai.onnx.ml": case.ml}
    options = case.options
    if options and not any(isinstance(key, int) for key in options):
        options = {id(case.model): options}
    inputs = case.inputs
    model = convert_sklearn(
        case.model, case.name, declared(inputs), target_opset=opset, options=options,
        final_types=None)
    x = case.table
    dropped = 0
    if case.ties and x is not None:
        keep = far_from_ties(case, x)
        dropped = int((~keep).sum())
        x = x[keep]
        inputs = {k: v[keep] for k, v in inputs.items()}
    names = [o.name for o in model.graph.output]
    results = expected(case, names, x)
    note = ""
    try:
        others = second_opinion(model, inputs, names)
    except Exception as error:
        others = [None] * len(names)
        note = f"onnxruntime: {str(error).splitlines()[0][:140]}"
    outputs = []
    for name, meta, value, other in zip(names, model.graph.output, results, others):
        if value is None:
            outputs.append(None)
            continue
        if meta.type.WhichOneof("value") == "sequence_type":
            classes = case.model.classes_
            value = (list(classes), np.asarray(value))
        else:
            value = shaped(value, meta, other)
        if other is not None and not close(case, value, other):
            note = f"onnxruntime deviates in {name}"
            if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.shape == other.shape:
                note += f" by {np.nanmax(np.abs(value - other)):.3g}"
        outputs.append(value)
    shutil.rmtree(os.path.join(out, case.name), ignore_errors=True)
    save(out + ".deviating" if "deviates" in note else out, case, model, inputs, outputs)
    return dropped, note


def main():
    out, parts = sys.argv[1].rstrip("/"), sys.argv[2:]
    written = failed = 0
    for case in cases():
        if parts and not any(p in case.name for p in parts):
            continue
        try:
            dropped, note = export(out, case)
        except Exception as error:
            failed += 1
            print(f"{case.name}: NOT EXPORTED: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
            continue
        written += 1
        if dropped or note:
            print(f"{case.name}: {dropped} rows near ties left out. {note}")
    print(f"{written} models written, {failed} not exported")


if __name__ == "__main__":
    main()
