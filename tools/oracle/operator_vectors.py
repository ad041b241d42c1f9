#!/usr/bin/env python3
"""Write reference vectors of operators as text that OperatorsTests reads.

usage: operator_vectors.py SUITE OUT OPERATOR...

SUITE is what dump_onnx_suite.py wrote. Every single-node case of the named operators that takes
and gives plain tensors of at most 6000 bytes goes to OUT, one line a fact:
  case NAME OPERATOR OPSET / attr NAME KIND VALUE / in TENSOR / out TENSOR
A tensor is `dtype dims hex`; dims are joined by commas, `-` for a scalar; an absent one is `none`.
Strings are hex each, joined by commas. Beside the suite's cases stand those of `extra` below, whose
results come from onnx's reference evaluator.
"""

import glob
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

LIMIT = 6000


def tensor_text(t: TensorProto) -> str:
    dims = ",".join(str(d) for d in t.dims) or "-"
    if t.data_type == TensorProto.STRING:
        return f"{t.data_type} {dims} {','.join(s.hex() or '.' for s in t.string_data) or '_'}"
    if not t.raw_data:
        packed = t.data_type in (21, 22, 23, 25, 26)
        if packed:
            data = bytes(v & 0xFF for v in t.int32_data)
        else:
            data = numpy_helper.to_array(t).tobytes()
    else:
        data = t.raw_data
    return f"{t.data_type} {dims} {data.hex() or '_'}"


def attribute_text(a: onnx.AttributeProto) -> str:
    kinds = {1: "f", 2: "i", 3: "s", 4: "t", 6: "fs", 7: "is", 8: "ss"}
    kind = kinds[a.type]
    value = helper.get_attribute_value(a)
    if kind == "f":
        text = str(float(value).hex())
    elif kind == "fs":
        text = ",".join(float(v).hex() for v in value) or "_"
    elif kind == "is":
        text = ",".join(str(v) for v in value) or "_"
    elif kind == "s":
        text = value.hex() or "."
    elif kind == "ss":
        text = ",".join(v.hex() or "." for v in value) or "_"
    elif kind == "t":
        text = tensor_text(value)
    else:
        text = str(value)
    return f"attr {a.name} {kind} {text}"


def write_case(out, name, node, opset, inputs, outputs) -> bool:
    lines = [f"case {name} {node.op_type} {opset}"]
    lines += [attribute_text(a) for a in node.attribute]
    lines += ["in " + ("none" if t is None else tensor_text(t)) for t in inputs]
    lines += ["out " + ("none" if t is None else tensor_text(t)) for t in outputs]
    text = "\n".join(lines) + "\n"
    if len(text) > 2 * LIMIT:
        return False
    out.write(text)
    return True


def suite_cases(suite: str, out, names: set) -> int:
    count = 0
    for path in sorted(glob.glob(os.path.join(suite, "node", "*", "model.onnx"))):
        model = onnx.load(path)
        if len(model.graph.node) != 1 or model.graph.node[0].op_type not in names:
            continue
        node = model.graph.node[0]
        if node.domain:
            continue
        values = list(model.graph.input) + list(model.graph.output)
        if not all(v.type.HasField("tensor_type") for v in values):
            continue
        folder = os.path.join(os.path.dirname(path), "test_data_set_0")

        def tensor(kind: str, values, name: str):
            for i, v in enumerate(values):
                if v.name == name:
                    t = TensorProto()
                    with open(os.path.join(folder, f"{kind}_{i}.pb"), "rb") as file:
                        t.ParseFromString(file.read())
                    return t
            return None

        inputs = [tensor("input", model.graph.input, n) for n in node.input]
        outputs = [tensor("output", model.graph.output, n) for n in node.output]
        case = os.path.basename(os.path.dirname(path))
        opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
        count += write_case(out, case, node, opset, inputs, outputs)
    return count


def array(values, dtype, shape=None):
    a = np.array(values, dtype=dtype)
    return a if shape is None else a.reshape(shape)


def extra():
    """(name, operator, opset, attributes, inputs): corners the suite leaves out."""
    r = np.random.RandomState(7)
    x234 = r.randn(2, 3, 4).astype(np.float32)
    x5 = np.arange(5, dtype=np.float32)
    i64 = lambda *v: np.array(v, dtype=np.int64)
    yield "squeeze_attr_11", "Squeeze", 11, {"axes": [0, -1]}, [x234.reshape(1, 24, 1)]
    yield "unsqueeze_attr_11", "Unsqueeze", 11, {"axes": [0, -1]}, [x234]
    for perm in ([2, 0, 1], [2, 1, 0], [1, 2, 0]):
        yield f"transpose_i8_{perm[0]}{perm[1]}{perm[2]}", "Transpose", 13, {"perm": perm}, [
            r.randint(-100, 100, (9, 17, 33)).astype(np.int8)]
        yield f"transpose_f32_{perm[0]}{perm[1]}{perm[2]}", "Transpose", 13, {"perm": perm}, [
            r.randn(5, 9, 18).astype(np.float32)]
        yield f"transpose_f64_{perm[0]}{perm[1]}{perm[2]}", "Transpose", 13, {"perm": perm}, [
            r.randn(3, 9, 17).astype(np.float64)]
    yield "transpose_strings", "Transpose", 13, {}, [
        np.array([["a", "b", "c"], ["d", "", "f"]], dtype=object)]
    yield "transpose_empty", "Transpose", 13, {}, [np.zeros((0, 3), np.float32)]
    yield "slice_steps", "Slice", 13, {}, [x234, i64(-1, 5), i64(-99, 0), i64(1, 2), i64(-2, -3)]
    yield "slice_empty", "Slice", 13, {}, [x234, i64(2), i64(1)]
    yield "slice_extremes", "Slice", 13, {}, [
        x5, i64(2**63 - 1), i64(-(2**63)), i64(0), i64(-2)]
    yield "slice_strings", "Slice", 13, {}, [
        np.array(["a", "b", "c"], dtype=object), i64(-1), i64(-9), i64(0), i64(-1)]
    yield "concat_strings", "Concat", 13, {"axis": 0}, [
        np.array(["a", "b"], dtype=object), np.array(["c"], dtype=object)]
    yield "concat_empty_part", "Concat", 13, {"axis": 1}, [x234, np.zeros((2, 0, 4), np.float32)]
    yield "gather_empty_indices", "Gather", 13, {"axis": 1}, [x234, np.zeros((0, 2), np.int64)]
    yield "gather_negative", "Gather", 13, {"axis": -1}, [x234, np.array([[-1, 0], [3, -4]], np.int32)]
    yield "gather_strings", "Gather", 13, {}, [
        np.array(["a", "b", "c"], dtype=object), i64(2, -3)]
    yield "expand_scalar", "Expand", 13, {}, [np.array(2.5, np.float32), i64(2, 3)]
    yield "expand_to_empty", "Expand", 13, {}, [np.ones((1, 2), np.float32), i64(0, 2)]
    yield "range_halves", "Range", 27, {}, [
        np.array(v, np.float16) for v in (0, 2, 0.25)]
    yield "tile_strings", "Tile", 13, {}, [np.array([["a", "b"]], dtype=object), i64(2, 2)]
    s3 = np.array(["a", "b", "c"], dtype=object)
    yield "pad_strings", "Pad", 18, {}, [s3, i64(1, 1), np.array("x", dtype=object)]
    yield "pad_reflect_far", "Pad", 18, {"mode": "reflect"}, [x5, i64(9, 6)]
    yield "pad_wrap_far", "Pad", 19, {"mode": "wrap"}, [x5, i64(12, 7)]
    yield "pad_axes", "Pad", 18, {"mode": "edge"}, [
        x234, i64(1, 2, 0, 3), None, np.array([-1, 0], np.int32)]
    yield "gather_elements_negative", "GatherElements", 13, {"axis": 2}, [
        x234, r.randint(-4, 4, (2, 3, 5)).astype(np.int64)]
    yield "gather_nd_strings", "GatherND", 13, {}, [s3, np.array([[-1], [0]], np.int64)]
    yield "gather_nd_no_tuples", "GatherND", 13, {}, [x234, np.zeros((0, 2), np.int64)]
    for reduction in ("add", "mul", "max", "min"):
        for dtype in (np.float64, np.int8, np.uint32, np.float16):
            yield f"scatter_nd_{reduction}_{np.dtype(dtype).name}", "ScatterND", 18, {
                "reduction": reduction}, [
                np.arange(1, 7).reshape(3, 2).astype(dtype), np.array([[1], [1], [-1]], np.int64),
                np.array([[2, 3], [1, 9], [4, 0]]).astype(dtype)]
            yield f"scatter_elements_{reduction}_{np.dtype(dtype).name}", "ScatterElements", 18, {
                "reduction": reduction, "axis": 1}, [
                np.arange(1, 7).reshape(3, 2).astype(dtype),
                np.array([[1, 1], [0, -1]], np.int32), np.array([[2, 3], [1, 9]]).astype(dtype)]
    yield "scatter_elements_strings", "ScatterElements", 18, {}, [
        s3, i64(-1, 0), np.array(["x", ""], dtype=object)]
    yield "one_hot_uint8_axis0", "OneHot", 11, {"axis": 0}, [
        np.array([[0, 2], [7, 1]], np.uint8), np.array(3.0, np.float32), np.array([5, 9], np.int16)]
    yield "compress_strings", "Compress", 11, {}, [s3, np.array([True, False, True])]
    yield "trilu_far", "Trilu", 14, {"upper": 0}, [x234, np.array(2**62, np.int64)]
    yield "space_to_depth_crd", "SpaceToDepth", 28, {"blocksize": 2, "mode": "CRD"}, [
        r.randn(2, 3, 4, 6).astype(np.float32)]
    yield "depth_to_space_strings", "DepthToSpace", 13, {"blocksize": 2}, [
        np.array([str(i) for i in range(8)], dtype=object).reshape(1, 8, 1, 1)]
    image = r.randn(2, 3, 5, 7).astype(np.float32)
    none = None
    for mode in ("linear", "cubic"):
        for places in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"):
            yield f"resize_{mode}_{places}", "Resize", 19, {
                "mode": mode, "coordinate_transformation_mode": places}, [
                image, none, none, i64(2, 3, 9, 4)]
        yield f"resize_{mode}_antialias_scales", "Resize", 19, {"mode": mode, "antialias": 1}, [
            image, none, np.array([1, 1, 0.4, 1.7], np.float32)]
        yield f"resize_{mode}_first_axes", "Resize", 19, {"mode": mode, "axes": [1, 0]}, [
            image, none, none, i64(5, 3)]
        yield f"resize_{mode}_double", "Resize", 19, {"mode": mode}, [
            image.astype(np.float64), none, none, i64(1, 3, 9, 4)]
        yield f"resize_{mode}_uint8", "Resize", 19, {"mode": mode}, [
            r.randint(0, 256, (1, 2, 4, 4)).astype(np.uint8), none, none, i64(1, 2, 7, 3)]
        yield f"resize_{mode}_int32", "Resize", 19, {"mode": mode}, [
            r.randint(-2**31, 2**31, (1, 2, 4, 4)).astype(np.int32), none, none, i64(1, 2, 7, 3)]
        yield f"resize_{mode}_half", "Resize", 19, {"mode": mode}, [
            image[:1].astype(np.float16), none, none, i64(1, 3, 6, 6)]
        yield f"resize_{mode}_crop", "Resize", 19, {
            "mode": mode, "coordinate_transformation_mode": "tf_crop_and_resize",
            "extrapolation_value": 9.5}, [
            image, np.array([0, 0, -0.2, 0.3, 1, 1, 0.7, 1.4], np.float32), none, i64(2, 3, 4, 6)]
    for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        for places in ("half_pixel", "asymmetric", "align_corners", "half_pixel_symmetric"):
            yield f"resize_nearest_{rounding}_{places}", "Resize", 19, {
                "nearest_mode": rounding, "coordinate_transformation_mode": places}, [
                np.arange(12, dtype=np.int16).reshape(3, 4), none, none, i64(7, 3)]
    yield "tile_none", "Tile", 13, {}, [x234, i64(1, 0, 2)]


def extra_cases(out, names: set) -> int:
    count = 0
    for name, op, opset, attributes, arrays in extra():
        if op not in names:
            continue
        protos = [
            None if a is None else numpy_helper.from_array(a, f"i{i}")
            for i, a in enumerate(arrays)]
        inputs = [
            helper.make_tensor_value_info(p.name, p.data_type, list(p.dims)) for p in protos if p]
        node = helper.make_node(op, [p.name if p else "" for p in protos], ["y"], **attributes)
        graph = helper.make_graph(
            [node], name, inputs, [helper.make_tensor_value_info("y", 0, None)])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        results = ReferenceEvaluator(model).run(
            None, {p.name: a for p, a in zip(protos, arrays) if p})
        outputs = [numpy_helper.from_array(np.asarray(v)) for v in results]
        count += write_case(out, "extra_" + name, node, opset, protos, outputs)
    return count


def main() -> None:
    suite, path, *operators = sys.argv[1:]
    names = set(operators)
    with open(path, "w") as out:
        count = suite_cases(suite, out, names) + extra_cases(out, names)
    print(f"{count} cases")


if __name__ == "__main__":
    main()
