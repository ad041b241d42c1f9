"""What ONNX Runtime and onnx's reference evaluator give for a model, and how they are compared."""

import warnings

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from values import NAMES, f32, i32, name_of, onnx_type

ort.set_default_logger_severity(4)

NARROW = ("bfloat16", "float8", "float4", "float6", "int4", "uint4", "int2", "uint2")


class Fault(Exception):
    """The oracle has no answer."""


def narrow(dtype) -> bool:
    return name_of(dtype).startswith(NARROW)


def run_reference(model, inputs):
    names = [i.name for i in model.graph.input]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            out = ReferenceEvaluator(model).run(None, dict(zip(names, inputs)))
        except Exception as e:
            raise Fault(f"{type(e).__name__}: {e}") from e
    return [tidy(o) for o in out]


def tidy(o):
    if isinstance(o, list):
        return [tidy(x) for x in o]
    if o is None:
        return None
    a = np.asarray(o)
    return a.astype(object) if a.dtype.kind in "US" else a


def run_onnxruntime(model, inputs):
    """Inputs that NumPy has no type for become initializers, such outputs are widened by Cast."""
    if batch_first(model):
        return run_batch_first(model, inputs)
    m = onnx.ModelProto()
    m.CopyFrom(model)
    feeds = {}
    for info, value in zip(list(m.graph.input), inputs):
        if isinstance(value, np.ndarray) and narrow(value.dtype):
            m.graph.input.remove(info)
            m.graph.initializer.append(numpy_helper.from_array(value, info.name))
        elif value is None:
            raise Fault("an empty optional")
        else:
            feeds[info.name] = value
    back = {}
    for j, info in enumerate(list(m.graph.output)):
        t = info.type.tensor_type.elem_type
        if not t:
            continue
        dtype = helper.tensor_dtype_to_np_dtype(t)
        if narrow(dtype):
            wide = TensorProto.INT32 if "int" in name_of(dtype) else TensorProto.FLOAT
            m.graph.node.append(helper.make_node("Cast", [info.name], [f"{info.name}w"], to=wide))
            m.graph.output[j].CopyFrom(helper.make_tensor_value_info(f"{info.name}w", wide, None))
            back[j] = dtype
    m.ir_version = min(m.ir_version, 13)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = ort.InferenceSession(
            m.SerializeToString(), options, providers=["CPUExecutionProvider"])
        out = session.run(None, feeds)
    except Exception as e:
        raise Fault(str(e)[:300]) from e
    out = [tidy(o) for o in out]
    with np.errstate(all="ignore"):
        return [o.astype(back[j]) if j in back else o for j, o in enumerate(out)]


def batch_first(model):
    node = model.graph.node[0] if model.graph.node else None
    return (node is not None and node.op_type in ("RNN", "GRU", "LSTM")
            and any(a.name == "layout" and a.i == 1 for a in node.attribute))


def run_batch_first(model, inputs):
    """ONNX Runtime knows layout 0 only: the same with the axes exchanged."""
    m = onnx.ModelProto()
    m.CopyFrom(model)
    node = m.graph.node[0]
    for k, a in enumerate(node.attribute):
        if a.name == "layout":
            del node.attribute[k]
            break
    exchanged = {node.input[k] for k in (0, 5, 6) if k < len(node.input)}
    given = []
    for info, v in zip(m.graph.input, inputs):
        if info.name in exchanged:
            v = np.ascontiguousarray(v.swapaxes(0, 1))
            info.CopyFrom(helper.make_tensor_value_info(info.name, onnx_type(v.dtype), v.shape))
        given.append(v)
    for k, t in enumerate(m.graph.initializer):
        if t.name in exchanged:
            v = np.ascontiguousarray(numpy_helper.to_array(t).swapaxes(0, 1))
            m.graph.initializer[k].CopyFrom(numpy_helper.from_array(v, t.name))
    out = run_onnxruntime(m, given)
    return [o.transpose(2, 0, 1, 3) if o.ndim == 4 else o.transpose(1, 0, 2) for o in out]


def in_float32(model, inputs, kinds):
    """The same with float32 for the one of `kinds` that its inputs have, or None.

    Returns the model, its inputs, which outputs changed and the dtype to come back to."""
    seen = {name_of(v.dtype) for v in inputs if isinstance(v, np.ndarray)}
    seen |= {name_of(helper.tensor_dtype_to_np_dtype(t.data_type)) for t in model.graph.initializer}
    seen &= set(kinds)
    if len(seen) != 1 or not all(isinstance(v, np.ndarray) for v in inputs):
        return None
    if any(not i.type.HasField("tensor_type") or not i.type.tensor_type.elem_type
           for i in model.graph.output):
        return None
    dtype = NAMES[seen.pop()]
    code = onnx_type(dtype)
    m = onnx.ModelProto()
    m.CopyFrom(model)
    wide = []
    for info, v in zip(m.graph.input, inputs):
        if v.dtype == dtype:
            info.type.tensor_type.elem_type = TensorProto.FLOAT
            with np.errstate(all="ignore"):
                v = v.astype(f32)
        wide.append(v)
    for k, t in enumerate(m.graph.initializer):
        if t.data_type == code:
            m.graph.initializer[k].CopyFrom(
                numpy_helper.from_array(numpy_helper.to_array(t).astype(f32), t.name))
    changed = []
    for info in m.graph.output:
        t = info.type.tensor_type
        changed.append(t.elem_type == code)
        if t.elem_type == code:
            t.elem_type = TensorProto.FLOAT
    return m, wide, changed, dtype


def tolerance(outputs, given=None):
    if given:
        return given
    kinds = set()

    def walk(o):
        if isinstance(o, list):
            for x in o:
                walk(x)
        elif o is not None:
            kinds.add(name_of(o.dtype))

    walk(outputs)
    if "bfloat16" in kinds:
        return 2.0**-7, 1e-4
    if "float16" in kinds:
        return 2.0**-10, 1e-4
    if kinds & {"float", "complex64"}:
        return 1e-5, 1e-6
    if kinds & {"double", "complex128"}:
        return 1e-6, 1e-9
    return 0.0, 0.0


def difference(got, want, rtol, atol):
    """None when equal; strict in dtype, shape, NaN and infinities."""
    if isinstance(want, list) or isinstance(got, list):
        if not (isinstance(want, list) and isinstance(got, list)) or len(got) != len(want):
            return "lists differ"
        for a, b in zip(got, want):
            if d := difference(a, b, rtol, atol):
                return d
        return None
    if got is None or want is None:
        return None if got is want else "one is absent"
    if name_of(got.dtype) != name_of(want.dtype):
        return f"dtype {got.dtype}, {want.dtype}"
    if got.shape != want.shape:
        return f"shape {got.shape}, {want.shape}"
    if got.dtype.kind in "OUS":
        return None if got.tolist() == want.tolist() else f"{got.tolist()}, {want.tolist()}"[:200]
    kind = name_of(got.dtype)
    if kind in ("bool",) or "int" in kind:
        same = got.astype(i32 if "int4" in kind or "int2" in kind else got.dtype) == \
            want.astype(i32 if "int4" in kind or "int2" in kind else got.dtype)
    else:
        a = got.astype(np.complex128 if got.dtype.kind == "c" else np.float64)
        b = want.astype(a.dtype)
        with np.errstate(all="ignore"):
            same = (a == b) | (np.isnan(a) & np.isnan(b)) | (
                np.isfinite(b) & (np.abs(a - b) <= atol + rtol * np.abs(b)))
    if same.all():
        return None
    at = np.unravel_index(np.argmin(same), same.shape) if same.shape else ()
    return f"at {tuple(map(int, at))}: {got[at]}, {want[at]}"
