"""Signals, vision, losses, text, constants and the rest."""

import numpy as np
from onnx import helper, numpy_helper

from core import form, versions_of, one_node, models, last_opset
from values import NAMES, f32, i64, values


@form("DFT", types=("T1", "T2"), versions="all", tol=(1e-5, 1e-5))
def dft(c):
    n = lambda v: np.array(v, NAMES[c.type("T2")])  # noqa: E731
    at = lambda v: np.array(v, i64)  # noqa: E731
    for inverse in (0, 1):
        for one in (0, 1):
            if inverse and one:
                continue
            a = {"inverse": inverse, "onesided": one}
            for last in (1, 2):
                if one and last == 2:
                    continue
                for axis, size in ((1, None), (-2, 4), (1, 9)):
                    if c.version == 17:
                        axis = 1 if axis < 0 else axis
                        yield [c.x((2, 6, last), var="T1"), None if size is None else n(size)], {**a, "axis": axis}
                    else:
                        yield [c.x((2, 6, last), var="T1"), None if size is None else n(size), at(axis)], a
    x = c.x((2, 3, 5, 1), var="T1")
    yield [x, None, at(2)] if c.version > 17 else [x], {} if c.version > 17 else {"axis": 2}


@form("STFT", types=("T1",), tol=(1e-5, 1e-5))
def stft(c):
    yield [c.x((2, 16, 1), var="T1"), np.array(4, i64), c.x((8,), "pos", "T1")], {}
    yield [c.x((2, 16, 1), var="T1"), np.array(3, i64), None, np.array(6, i64)], {}
    yield [c.x((1, 16, 1), var="T1"), np.array(4, i64), c.x((8,), "pos", "T1"), np.array(8, i64)], {"onesided": 0}


@form("HannWindow", "HammingWindow", "BlackmanWindow", types=("T1",), tol=(1e-3, 1e-6))
def windows(c):
    for periodic in (0, 1):
        for t in (1, 11, 10):
            yield [np.array(7, NAMES[c.type("T1")])], {"periodic": periodic, "output_datatype": t}
    yield [np.array(1, NAMES[c.type("T1")])], {"periodic": 1}
    yield [np.array(8, NAMES[c.type("T1")])], {}


@form("MelWeightMatrix", types=("T1", "T2"))
def mel(c):
    n = lambda v: np.array(v, NAMES[c.type("T1")])  # noqa: E731
    q = lambda v: np.array(v, NAMES[c.type("T2")])  # noqa: E731
    yield [n(4), n(16), n(100), q(0), q(50)], {}
    yield [n(6), n(33), n(120), q(10), q(60)], {"output_datatype": 11}


@form("AffineGrid", types=("T1",))
def affine(c):
    for align in (0, 1):
        yield [c.x((2, 2, 3), "unit", "T1"), np.array([2, 1, 3, 4], i64)], {"align_corners": align}
        yield [c.x((1, 3, 4), "unit", "T1"), np.array([1, 1, 2, 3, 4], i64)], {"align_corners": align}
    yield [c.x((1, 2, 3), "unit", "T1"), np.array([1, 1, 1, 1], i64)], {}


@form("GridSample", types=("T1", "T2"), versions="all")
def grid_sample(c):
    old = c.version < 20
    x = c.x((1, 2, 3, 4), var="T1")
    if c.type("T1") in ("string", "bool"):
        return
    yield [x, c.x((1, 2, 3, 2), "unit", "T2")], {"mode": "nearest", "padding_mode": "border"}
    if c.type("T1") not in ("float", "double", "float16", "bfloat16"):
        return
    for mode in ("bilinear", "nearest", "bicubic") if old else ("linear", "nearest", "cubic"):
        for pad in ("zeros", "border", "reflection"):
            for align in (0, 1):
                g = c.x((1, 3, 3, 2), "unit", "T2", mode) * NAMES[c.type("T2")].type(1.5)
                yield [x, g], {"mode": mode, "padding_mode": pad, "align_corners": align}
                if not old and mode != "cubic":
                    yield [c.x((1, 1, 2, 3, 2), var="T1"), c.x((1, 2, 1, 3, 3), "unit", "T2", mode)], {
                        "mode": mode, "padding_mode": pad, "align_corners": align}


@form("RoiAlign", types=("T1", "T2"), versions="all")
def roi_align(c):
    x = c.x((2, 2, 6, 7), var="T1")
    rois = np.array([[0, 0, 4, 5], [1.5, 1, 6, 3.5], [-2, -1, 3, 9]], NAMES[c.type("T1")])
    i = np.array([0, 1, 1], i64)
    modes = [{}] if c.version < 16 else [{"coordinate_transformation_mode": m} for m in ("half_pixel", "output_half_pixel")]
    for m in modes:
        for mode in ("avg", "max"):
            for ratio in (0, 2):
                yield [x, rois, i], {**m, "mode": mode, "sampling_ratio": ratio, "output_height": 2, "output_width": 3,
                                     "spatial_scale": 0.5}


@form("MaxRoiPool", types=("T",), versions="all")
def max_roi(c):
    rois = np.array([[0, 0, 0, 4, 5], [1, 1, 1, 6, 3], [1, 2, 2, 2, 2]], NAMES[c.type("T")])
    for s in (1.0, 0.5):
        yield [c.x((2, 2, 6, 7)), rois], {"pooled_shape": [2, 3], "spatial_scale": s}


@form("NonMaxSuppression", versions="all")
def nms(c):
    boxes = np.array([[[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, -0.1, 1, 0.9], [0, 10, 1, 11], [0, 10.1, 1, 11.1],
                       [0, 100, 1, 101]]] * 2, f32)
    scores = np.array([[[0.9, 0.75, 0.6, 0.95, 0.5, 0.3], [0.5] * 6]] * 2, f32)
    n = lambda v, t=i64: np.array([v], t)  # noqa: E731
    yield [boxes, scores, n(3), n(0.5, f32), n(0.4, f32)], {}
    yield [boxes, scores, n(2), n(0.5, f32)], {}
    yield [boxes, scores, n(9), n(0.0, f32), n(0.0, f32)], {}
    yield [boxes, scores], {}
    yield [boxes, scores, n(0)], {}
    yield [boxes[:, :, [2, 3, 0, 1]], scores, n(3), n(0.5, f32)], {}
    center = np.array([[[0.5, 0.5, 1, 1], [0.5, 0.6, 1, 1], [0.5, 0.4, 1, 1], [0.5, 10.5, 1, 1], [0.5, 10.6, 1, 1],
                        [0.5, 100.5, 1, 1]]] * 2, f32)
    yield [center, scores, n(3), n(0.5, f32), n(0.4, f32)], {"center_point_box": 1}
    yield [np.zeros((1, 3, 4), f32), np.array([[[0.5, 0.5, 0.5]]], f32), n(3), n(0.5, f32)], {}
    yield [np.zeros((1, 0, 4), f32), np.zeros((1, 1, 0), f32), n(3)], {}


@form("Det", types=("T",), versions="all")
def det(c):
    for s in ((2, 2), (3, 3), (2, 3, 3), (1, 1), (2, 2, 4, 4), (0, 0), (0, 2, 2)):
        yield [c.x(s)], {}
    yield [c.a([[1, 2], [2, 4]])], {}


@form("NegativeLogLikelihoodLoss", types=("T", "Tind"), versions="all")
def nll(c):
    t = NAMES[c.type("Tind")]
    for reduction in ("none", "sum", "mean"):
        for shape in ((3, 4), (2, 4, 3), (1, 4, 2, 2)):
            target = np.arange(int(np.prod(shape)) // 4).reshape(shape[:1] + shape[2:]) % 4
            w = c.x((4,), "pos", salt="w")
            yield [c.x(shape), target.astype(t)], {"reduction": reduction}
            yield [c.x(shape), target.astype(t), w], {"reduction": reduction, "ignore_index": 1}
            yield [c.x(shape), np.where(target == 2, -1, target).astype(t)], {"reduction": reduction, "ignore_index": -1}


@form("SoftmaxCrossEntropyLoss", types=("T", "Tind"), versions="all")
def sce(c):
    t = NAMES[c.type("Tind")]
    for reduction in ("none", "sum", "mean"):
        for shape in ((3, 4), (2, 4, 3), (1, 4, 2, 2)):
            target = np.arange(int(np.prod(shape)) // 4).reshape(shape[:1] + shape[2:]) % 4
            w = c.x((4,), "pos", salt="w")
            yield [c.x(shape), target.astype(t)], {"reduction": reduction}, {"out": 2}
            yield [c.x(shape), target.astype(t), w], {"reduction": reduction, "ignore_index": 1}, {"out": 2}
            yield [c.x(shape), np.where(target == 2, -1, target).astype(t)], {"reduction": reduction, "ignore_index": -1}


@form("Dropout", types=("T", "T1"), versions="all")
def dropout(c):
    if c.version < 12:
        yield [c.x((3, 4))], {"ratio": 0.3}
        if c.version >= 10:
            yield [c.x((3, 4))], {}, {"out": 2}
        return
    yield [c.x((3, 4))], {}, {"out": 2}
    yield [c.x((3, 4)), np.array(0.3, NAMES[c.type("T1")])], {}, {"out": 2}
    yield [c.x((3, 4)), np.array(0.0, NAMES[c.type("T1")]), np.array(True)], {}, {"out": 2}
    yield [c.x((3, 4)), np.array(0.5, NAMES[c.type("T1")]), np.array(False)], {}


@form("StringConcat")
def string_concat(c):
    s = lambda shape, t: values("string", shape, salt=t)  # noqa: E731
    for a, b in (((3,), (3,)), ((2, 1), (3,)), ((), (2,)), ((0,), (1,))):
        yield [s(a, "a"), s(b, "b")], {}


@form("StringSplit")
def string_split(c):
    s = np.array([["a b  c", ""], [" x ", "a,b,,c"]], object)
    for a in ({}, {"delimiter": ","}, {"delimiter": " "}, {"maxsplit": 1}, {"delimiter": ",", "maxsplit": 1},
              {"delimiter": ""}):
        yield [s], a, {"out": 2}
    yield [np.zeros((0,), object)], {}, {"out": 2}


@form("StringNormalizer")
def string_normalizer(c):
    s = np.array(["Monday", "tuesday", "WEDNESDAY", "a o", "tuesday"], object)
    for case in ("LOWER", "UPPER", "NONE"):
        yield [s], {"case_change_action": case}
        for sens in (0, 1):
            yield [s], {"case_change_action": case, "is_case_sensitive": sens, "stopwords": ["monday", "Tuesday", "tuesday"]}
            yield [s[None, :]], {"case_change_action": case, "is_case_sensitive": sens, "stopwords": ["WEDNESDAY"]}
    yield [np.array(["a", "a"], object)], {"stopwords": ["a"], "is_case_sensitive": 1}


@form("RegexFullMatch")
def regex(c):
    s = np.array(["www.google.com", "account@gmail.com", "", "aaab", "Zürich"], object)
    for p in (r"www\.[\w.-]+\.\bcom\b", r"\w+@\w+\.com", "", "a+b?", "[A-Z].*", ".{6}"):
        yield [s], {"pattern": p}


@form("TfIdfVectorizer", types=("T",))
def tfidf(c):
    base = {"ngram_counts": [0, 4], "ngram_indexes": [0, 1, 2, 3, 4, 5, 6]}
    if c.type() == "string":
        base["pool_strings"] = ["2", "3", "5", "4", "5", "6", "7", "8", "6", "7"]
        x = np.array(["1", "1", "3", "3", "3", "7", "8", "6", "7", "5", "6", "8"], object)
    else:
        base["pool_int64s"] = [2, 3, 5, 4, 5, 6, 7, 8, 6, 7]
        x = np.array([1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8], NAMES[c.type()])
    for mode in ("TF", "IDF", "TFIDF"):
        for lo, hi, skip in ((1, 1, 0), (2, 2, 0), (1, 2, 1), (2, 2, 5)):
            a = {**base, "mode": mode, "min_gram_length": lo, "max_gram_length": hi, "max_skip_count": skip}
            yield [x], a
            yield [x.reshape(2, 6)], {**a, "weights": [0.5, 2, 1, 3, 0.25, 1, 4]}


@models
def constants():
    for v in versions_of("Constant"):
        opset = last_opset("Constant", v)
        for k, name in enumerate(NAMES):
            from core import Context
            if name not in Context("Constant", v, {}).kinds["T"]:
                continue
            node = {"value": numpy_helper.from_array(values(name, (2, 3)), "")}
            try:
                m, feeds = one_node("Constant", opset, [], node)
            except Exception:
                continue
            yield f"Constant-v{v}-{name}", m, feeds
        if v >= 12:
            for key, value in (("value_float", 1.5), ("value_int", -7), ("value_string", "Zü"), ("value_floats", [1.5, 2]),
                               ("value_ints", [1, -2, 3]), ("value_strings", ["a", ""])):
                m, feeds = one_node("Constant", opset, [], {key: value})
                yield f"Constant-v{v}-{key}", m, feeds
        if v >= 11:
            dense = helper.make_sparse_tensor(
                numpy_helper.from_array(np.array([1.5, -2, 3], f32), "v"),
                numpy_helper.from_array(np.array([1, 3, 5], i64), "i"), [2, 3])
            m, feeds = one_node("Constant", opset, [], {"sparse_value": dense})
            yield f"Constant-v{v}-sparse", m, feeds


@form("SwiGLU", types=("T",), versions="all")
def swiglu(c):
    for shape in ((3, 4), (), (0, 2), (2, 1, 2, 1, 2, 1, 2, 1), (37,)):
        for alpha in (1.0, 0.5):
            yield [c.x(shape, salt="a"), c.x(shape, salt="b")], {"alpha": alpha}
    yield [c.x((19,), "special"), c.x((19,), salt="b")], {}

