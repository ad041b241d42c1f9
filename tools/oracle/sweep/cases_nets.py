"""Convolutions, pools, products, recurrent networks, attention, resizing."""

import itertools

import numpy as np

from core import form
from values import f32, i32, i64


@form("Conv", types=("T",), versions="all")
def conv_types(c):
    yield [c.x((1, 2, 5, 4)), c.x((3, 2, 3, 2), salt="w"), c.x((3,), salt="b")], {"pads": [1, 0, 1, 1]}
    yield [c.x((2, 2, 6)), c.x((4, 1, 3), salt="w")], {"group": 2, "strides": [2]}


@form("Conv")
def conv_grid(c):
    for pad in ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"):
        for s, d in ((1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (5, 1)):
            a = {"strides": [s, 1], "dilations": [d, 2 if d == 2 else 1], "auto_pad": pad}
            if pad == "NOTSET":
                a["pads"] = [1, 2, 0, 1]
            yield [c.x((1, 2, 7, 6)), c.x((2, 2, 3, 2), salt="w"), c.x((2,), salt="b")], a
    for g, i, o in ((1, 3, 4), (3, 3, 6), (4, 4, 4), (2, 6, 2)):
        yield [c.x((2, i, 4, 5)), c.x((o, i // g, 2, 3), salt="w")], {"group": g}
    for n in (1, 2, 3):
        x = (2, 3) + (5, 4, 6)[:n]
        for k in (1, 3):
            yield [c.x(x), c.x((4, 3) + (k,) * n, salt="w"), c.x((4,), salt="b")], {"pads": [k // 2] * 2 * n}
        yield [c.x(x), c.x((3, 1) + (2,) * n, salt="w")], {"group": 3, "strides": [2] * n,
                                                           "dilations": [1 + (n == 2)] * n}
    yield [c.x((1, 2, 4, 4, 3, 3)[:5]), c.x((2, 2, 2, 2, 3), salt="w")], {"auto_pad": "SAME_UPPER",
                                                                          "strides": [2, 1, 3]}
    yield [c.x((0, 2, 4, 4)), c.x((3, 2, 3, 3), salt="w")], {}
    yield [c.x((1, 2, 5, 5)), c.x((20, 2, 3, 3), salt="w")], {"pads": [1, 1, 1, 1]}
    yield [c.x((1, 16, 9, 9)), c.x((16, 16, 3, 3), salt="w")], {"pads": [1, 1, 1, 1], "strides": [2, 2]}
    yield [c.x((1, 32, 5, 5)), c.x((32, 1, 3, 3), salt="w")], {"group": 32, "pads": [1, 1, 1, 1]}


@form("ConvTranspose", types=("T",), versions="all")
def deconv_types(c):
    yield [c.x((1, 2, 3, 4)), c.x((2, 3, 3, 2), salt="w"), c.x((3,), salt="b")], {"strides": [2, 1]}


@form("ConvTranspose")
def deconv_grid(c):
    x, w, b = c.x((1, 2, 3, 4)), c.x((2, 3, 3, 2), salt="w"), c.x((3,), salt="b")
    for pad in ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"):
        for s, d, o in ((1, 1, 0), (2, 1, 0), (2, 1, 1), (3, 1, 2), (1, 2, 0), (3, 2, 1)):
            a = {"strides": [s, s], "dilations": [d, 1], "auto_pad": pad, "output_padding": [o, 0]}
            if pad == "NOTSET":
                a["pads"] = [1, 0, 0, 1]
            yield [x, w, b], a
    for shape in ([7, 8], [8, 9], [9, 8]):
        for pad in ("NOTSET", "SAME_UPPER", "SAME_LOWER"):
            yield [x, w], {"strides": [2, 2], "output_shape": shape, "auto_pad": pad}
    for g in (1, 2, 4):
        yield [c.x((2, 4, 3)), c.x((4, 2, 3), salt="w")], {"group": g, "strides": [2], "pads": [1, 0]}
    yield [c.x((1, 2, 2, 3, 2)), c.x((2, 2, 2, 3, 2), salt="w")], {"strides": [2, 1, 3], "dilations": [1, 2, 1]}
    yield [x, c.x((2, 3, 1, 1), salt="w")], {"strides": [2, 3]}
    yield [x, c.x((2, 3, 4, 5), salt="w")], {"pads": [2, 3, 1, 1]}


POOLS = ("MaxPool", "AveragePool", "LpPool")


@form(*POOLS, "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", types=("T",), versions="all")
def pool_types(c):
    yield [c.x((1, 2, 5, 6))], {} if c.op.startswith("Global") else {"kernel_shape": [3, 2]}
    if c.op == "MaxPool" and c.version >= 8:
        yield [c.x((1, 2, 5, 6))], {"kernel_shape": [2, 3], "strides": [2, 2]}, {"out": 2}


@form("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pools(c):
    for shape in ((2, 3, 5), (1, 2, 1, 1), (2, 2, 2, 3, 2), (1, 2, 3, 70)):
        yield [c.x(shape)], {}
    if c.op == "GlobalLpPool":
        for p in (1, 3):
            yield [c.x((2, 3, 5))], {"p": p}


@form(*POOLS)
def pool_grid(c):
    extra = {"AveragePool": [{"count_include_pad": 0}, {"count_include_pad": 1}], "LpPool": [{"p": 1}, {"p": 3}],
             "MaxPool": [{}]}[c.op]
    out = 2 if c.op == "MaxPool" else 1
    for e in extra:
        for pad, ceil in itertools.product(("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"), (0, 1)):
            for s, d in ((1, 1), (2, 1), (3, 1), (1, 2), (2, 2)):
                a = {"kernel_shape": [3, 2], "strides": [s, s], "dilations": [d, 1], "auto_pad": pad,
                     "ceil_mode": ceil, **e}
                if pad == "NOTSET":
                    a["pads"] = [1, 0, 1, 1]
                yield [c.x((1, 1, 8, 7), "ties" if c.op == "MaxPool" else "mix")], a, {"out": out}
        for n, k, s in ((1, 2, 1), (1, 3, 2), (3, 2, 2), (3, 3, 1), (1, 1, 3)):
            for ceil in (0, 1):
                yield [c.x((2, 2) + (5, 4, 6)[:n])], {"kernel_shape": [k] * n, "strides": [s] * n,
                                                      "ceil_mode": ceil, **e}, {"out": out}
        yield [c.x((1, 2, 4, 4))], {"kernel_shape": [3, 3], "pads": [2, 2, 2, 2], "strides": [3, 3],
                                    "ceil_mode": 1, **e}
    if c.op == "MaxPool":
        yield [c.x((2, 2, 4, 5), "ties")], {"kernel_shape": [2, 2], "storage_order": 1}, {"out": 2}
        x = c.a([[[[1, np.nan, 2, -np.inf], [np.inf, 0.0, -0.0, -np.inf], [1, 2, 3, np.nan]]]])
        yield [x], {"kernel_shape": [2, 2]}
        yield [c.a(np.full((1, 1, 3, 3), -np.inf))], {"kernel_shape": [2, 2], "pads": [1, 1, 0, 0]}, {"out": 2}
    yield [c.x((0, 2, 4, 4))], {"kernel_shape": [2, 2]}


@form(*POOLS, versions="all")
def pool_old(c):
    for pad in ("SAME_UPPER", "SAME_LOWER"):
        yield [c.x((1, 2, 5, 6))], {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": pad}
    if c.version >= 10 and c.op != "LpPool":
        yield [c.x((1, 2, 5, 6))], {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1,
                                    "pads": [1, 1, 0, 1]}


@form("MaxUnpool", types=("T1",), versions="all")
def unpool(c):
    x = c.x((1, 1, 2, 2), var="T1")
    i = np.array([[[[1, 3], [9, 15]]]], i64)
    yield [x, i], {"kernel_shape": [2, 2], "strides": [2, 2]}
    if c.version >= 11:
        yield [x, i, np.array([1, 1, 5, 5], i64)], {"kernel_shape": [2, 2], "strides": [2, 2]}
    yield [c.x((1, 2, 3), var="T1"), np.array([[[0, 3, 4], [7, 8, 11]]], i64)], {
        "kernel_shape": [2], "strides": [2]}


@form("MatMul", types=("T",), versions="all")
def matmul(c):
    for a, b in (((3, 4), (4, 2)), ((2, 3, 4), (4, 2))):
        yield [c.x(a, salt="a"), c.x(b, salt="b")], {}


@form("MatMul")
def matmul_more(c):
    for a, b in (((4,), (4,)), ((4,), (4, 3)), ((3, 4), (4,)), ((2, 1, 3, 4), (5, 4, 2)), ((4,), (2, 4, 3)),
                 ((2, 3, 4), (4,)), ((0, 4), (4, 3)), ((3, 0), (0, 2)), ((2, 0, 3), (2, 3, 4)),
                 ((1, 2, 1, 2, 1, 1, 2, 3), (2, 1, 2, 1, 1, 2, 3, 2)), ((17, 33), (33, 19)), ((1, 70), (70, 65)),
                 ((65, 3), (3, 1)), ((2, 7, 9), (2, 9, 8))):
        yield [c.x(a, salt="a"), c.x(b, salt="b")], {}
    yield [c.a([[np.nan, 0], [np.inf, 1]]), c.a([[0, 1], [0, -np.inf]])], {}


@form("Gemm", types=("T",), versions="all")
def gemm(c):
    for ta, tb in itertools.product((0, 1), (0, 1)):
        a = c.x((4, 3) if ta else (3, 4), salt="a")
        b = c.x((2, 4) if tb else (4, 2), salt="b")
        whole = "int" in c.type()
        k = {"alpha": 2.0 if whole else 0.5, "beta": 3.0 if whole else 0.25, "transA": ta, "transB": tb}
        yield [a, b, c.x((3, 2), salt="c")], k
        yield [a, b, c.x((2,), salt="c")], {"transA": ta, "transB": tb}
        if c.version >= 11:
            yield [a, b], k


@form("Gemm")
def gemm_shapes(c):
    for s in ((), (1,), (2,), (3, 1), (1, 2), (1, 1), (3, 2)):
        yield [c.x((3, 4), salt="a"), c.x((4, 2), salt="b"), c.x(s, salt="c")], {"beta": 0.5}
    yield [c.x((0, 4), salt="a"), c.x((4, 2), salt="b"), c.x((2,), salt="c")], {}
    yield [c.x((3, 0), salt="a"), c.x((0, 2), salt="b"), c.x((2,), salt="c")], {}
    yield [c.x((3, 4), salt="a"), c.x((4, 2), salt="b"), c.a([np.nan, np.inf])], {"beta": 0.0}
    yield [c.x((3, 4), salt="a"), c.x((4, 2), salt="b"), c.x((2,), salt="c")], {"alpha": 0.0}


@form("Einsum", types=("T",), versions="all")
def einsum_types(c):
    yield [c.x((2, 3), salt="a"), c.x((3, 4), salt="b")], {"equation": "ij,jk->ik"}


@form("Einsum")
def einsum(c):
    for eq, *shapes in (
            ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->i", (2, 3)), ("ii->i", (3, 3)), ("ii->", (3, 3)),
            ("ii", (3, 3)), ("ij,jk", (2, 3), (3, 4)), ("ba,cb", (2, 3), (4, 2)), ("i,i->", (3,), (3,)),
            ("i,j->ij", (3,), (2,)), ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)), ("...ii->...i", (2, 3, 3)),
            ("i...->...", (3, 2)), ("...", (2, 3)), ("...i,i", (2, 3), (3,)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)),
            ("bhwd,hkd->bhwk", (2, 3, 2, 4), (3, 5, 4)), ("iij->j", (2, 2, 3)), ("ijj->ij", (2, 3, 3)),
            ("i,ij,j->", (2,), (2, 3), (3,)), ("ab,bc,cd->ad", (2, 3), (3, 4), (4, 2)), (" i j , j -> i ", (2, 3), (3,)),
            ("Ab,bA->A", (2, 3), (3, 2)), (",->", (), ()), (",ij->ij", (), (2, 3)), ("ij,ij->ij", (2, 3), (2, 3)),
            ("a...,...b->b...a", (2, 3), (3, 4)), ("ij->ij", (0, 3)), ("ij,jk->ik", (2, 0), (0, 3)),
            ("...,...->...", (2, 1), (3,)), ("ij...,jk...->ik...", (2, 3, 2), (3, 4, 1))):
        yield [c.x(s, salt=str(k)) for k, s in enumerate(shapes)], {"equation": eq}


def recurrent_inputs(c, n, d=1, layout=0, bias=True, lens=None, h=True, cell=False, peep=False, hidden=3):
    s, b, i = 4, 2, 2
    x = c.x((s, b, i) if layout == 0 else (b, s, i), "unit")
    w, r = c.x((d, n * hidden, i), "unit", salt="w"), c.x((d, n * hidden, hidden), "unit", salt="r")
    state = (d, b, hidden) if layout == 0 else (b, d, hidden)
    out = [x, w, r, c.x((d, 2 * n * hidden), "unit", salt="bias") if bias else None,
           None if lens is None else np.array(lens, i32), c.x(state, "unit", salt="h") if h else None]
    if c.op == "LSTM":
        out += [c.x(state, "unit", salt="c") if cell else None,
                c.x((d, 3 * hidden), "unit", salt="p") if peep else None]
    while out[-1] is None:
        out.pop()
    return out


GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
DEFAULT = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}


@form("RNN", "GRU", "LSTM", types=("T",), versions="all")
def recurrent_types(c):
    n = GATES[c.op]
    out = {"out": 3 if c.op == "LSTM" else 2}
    yield recurrent_inputs(c, n, 1), {"hidden_size": 3}, out
    yield recurrent_inputs(c, n, 2, bias=False, lens=[4, 2]), {"hidden_size": 3, "direction": "bidirectional"}, out


@form("RNN", "GRU", "LSTM")
def recurrent_grid(c):
    n = GATES[c.op]
    out = {"out": 3 if c.op == "LSTM" else 2}
    names = DEFAULT[c.op]
    for direction in ("forward", "reverse", "bidirectional"):
        d = 2 if direction == "bidirectional" else 1
        base = {"hidden_size": 3, "direction": direction}
        for lens in (None, [4, 4], [1, 3], [4, 0], [0, 2]):
            for h in (True, False):
                yield recurrent_inputs(c, n, d, lens=lens, h=h, cell=h), base, out
        yield recurrent_inputs(c, n, d, layout=1), {**base, "layout": 1}, out
        yield recurrent_inputs(c, n, d, layout=1, lens=[3, 1]), {**base, "layout": 1}, out
        for clip in (0.25, 5.0):
            yield recurrent_inputs(c, n, d), {**base, "clip": clip}, out
        for f in ("Relu", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu",
                  "Softsign", "Softplus", "sigmoid", "TANH"):
            if f == "Softplus" and c.op == "GRU":
                continue  # its gates leave 0...1 and the states grow without bound
            acts = ([f] + names[1:]) * d
            a = {**base, "activations": acts}
            if f in ("Affine", "ScaledTanh", "HardSigmoid"):
                a |= {"activation_alpha": [0.5] * d, "activation_beta": [0.25] * d}
            elif f in ("LeakyRelu", "ThresholdedRelu", "Elu"):
                a |= {"activation_alpha": [0.5] * d}
            yield recurrent_inputs(c, n, d), a, out
        if c.op == "GRU":
            for lens in (None, [4, 2]):
                yield recurrent_inputs(c, n, d, lens=lens), {**base, "linear_before_reset": 1}, out
            yield recurrent_inputs(c, n, d, layout=1), {**base, "linear_before_reset": 1, "layout": 1}, out
            yield recurrent_inputs(c, n, d, bias=False), {**base, "linear_before_reset": 1}, out
        if c.op == "LSTM":
            for lens in (None, [4, 2]):
                yield recurrent_inputs(c, n, d, lens=lens, cell=True, peep=True), base, out
            yield recurrent_inputs(c, n, d, cell=True), {**base, "input_forget": 1}, out
            yield recurrent_inputs(c, n, d, cell=True, peep=True), {**base, "input_forget": 1, "clip": 0.5}, out
    yield recurrent_inputs(c, n), {"hidden_size": 3}, {**out, "skip": (0,)}
    yield recurrent_inputs(c, n), {"hidden_size": 3}, {**out, "skip": (1,)}


MODES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
         "tf_crop_and_resize")


@form("Resize", types=("T1",), versions="all")
def resize_types(c):
    if c.version == 10:
        for mode in ("nearest", "linear"):
            for s in ([1, 1, 2, 1.5], [1, 1, 0.6, 0.5]):
                yield [c.x((1, 1, 3, 4), var="T" if "T" in c.kinds else "T1"), np.array(s, f32)], {"mode": mode}
        return
    roi = np.zeros(0, f32) if c.version < 13 else None
    o = {"tol": (1e-4, 1e-5)} if c.type("T1") == "double" else {}
    for mode in ("nearest", "linear", "cubic"):
        if c.type("T1") in ("string", "bool") and mode != "nearest" or "complex" in c.type("T1"):
            continue
        yield [c.x((1, 1, 3, 4), var="T1"), roi, np.array([1, 1, 2, 1.5], f32)], {"mode": mode}, o
        yield [c.x((1, 1, 4, 4), var="T1"), roi, np.zeros(0, f32) if c.version < 13 else None,
               np.array([1, 1, 3, 2], i64)], {"mode": mode}, o


@form("Resize", since=13, versions="all", tol=(1e-4, 1e-5))
def resize_grid(c):
    x = c.x((1, 1, 4, 5), var="T1")
    up, down = np.array([1, 1, 1.7, 2.5], f32), np.array([1, 1, 0.6, 0.5], f32)
    for mode, transform in itertools.product(("nearest", "linear", "cubic"), MODES):
        if transform == "half_pixel_symmetric" and c.version < 19:
            continue
        a = {"mode": mode, "coordinate_transformation_mode": transform}
        roi = np.array([0, 0, 0.1, -0.2, 1, 1, 0.8, 1.3], f32) if transform.startswith("tf") else None
        for s in (up, down):
            if mode == "nearest":
                for r in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
                    yield [x, roi, s], {**a, "nearest_mode": r}
            else:
                yield [x, roi, s], a
                if mode == "cubic":
                    yield [x, roi, s], {**a, "exclude_outside": 1}
                    yield [x, roi, s], {**a, "cubic_coeff_a": -0.5}
                if c.version >= 18 and not transform.startswith("tf"):
                    yield [x, roi, s], {**a, "antialias": 1}
                    if mode == "cubic":
                        yield [x, roi, s], {**a, "antialias": 1, "exclude_outside": 1}
        if roi is None:
            yield [x, None, None, np.array([1, 1, 7, 3], i64)], a
            yield [x, None, None, np.array([1, 1, 1, 1], i64)], a
        else:
            yield [x, roi, up], {**a, "extrapolation_value": 9.0}
            yield [x, roi, None, np.array([1, 1, 3, 1], i64)], a
        if c.version >= 18:
            two = np.array([3, 8], i64)
            for axes in ([2, 3], [-1, -2]):
                r = None if roi is None else np.array([0.1, 0.2, 0.7, 0.9], f32)
                yield [x, r, None, two], {**a, "axes": axes}
                if r is None:
                    for p in ("not_larger", "not_smaller"):
                        yield [x, r, None, two], {**a, "axes": axes, "keep_aspect_ratio_policy": p}
            yield [x, None if roi is None else np.array([0.0, 0.5], f32), np.array([1.5], f32)], {**a, "axes": [3]}
    for shape, sizes in (((5,), [3]), ((3, 4), [5, 2]), ((1, 1, 3, 2, 4), [1, 1, 2, 4, 5]), ((2, 3, 4), [2, 3, 6]),
                         ((1, 1, 1, 1), [1, 1, 3, 3])):
        for mode in ("nearest", "linear"):
            yield [c.x(shape, var="T1"), None, None, np.array(sizes, i64)], {"mode": mode}
    for mode in ("linear", "cubic"):
        yield [c.x((2, 2, 3, 4), var="T1"), None, None, np.array([2, 2, 3, 4], i64)], {"mode": mode}


@form("Upsample", versions="all")
def upsample(c):
    x = c.x((1, 1, 2, 3))
    for mode in ("nearest", "linear"):
        for s in ([1, 1, 2, 3], [1, 1, 1.5, 2.5]):
            if c.version < 9:
                yield [x], {"mode": mode, "scales": s}
            else:
                yield [x, np.array(s, f32)], {"mode": mode}


@form("Attention", types=("T1", "T2", "U"), versions="all", tol=None)
def attention(c):
    q, k, v = c.x((1, 2, 3, 4), "unit"), c.x((1, 2, 5, 4), "unit"), c.x((1, 2, 5, 4), "unit", "T2")
    q, k = c.x((1, 2, 3, 4), "unit", "T1"), c.x((1, 2, 5, 4), "unit", "T1", "k")
    yield [q, k, v], {}
    yield [q, k, v], {"is_causal": 1, "softcap": 2.0}
    yield [q, k, v, c.x((3, 5), "unit", "U")], {"scale": 0.3}


@form("Attention", versions="all")
def attention_grid(c):
    x = lambda s, t: c.x(s, "unit", "T1", t)  # noqa: E731
    for causal in (0, 1):
        a = {"is_causal": causal}
        yield [x((2, 3, 8), "q"), x((2, 5, 8), "k"), x((2, 5, 8), "v")], {**a, "q_num_heads": 2, "kv_num_heads": 2}
        yield [x((2, 4, 3, 4), "q"), x((2, 2, 5, 4), "k"), x((2, 2, 5, 6), "v")], a
        yield [x((2, 3, 16), "q"), x((2, 5, 8), "k"), x((2, 5, 8), "v")], {**a, "q_num_heads": 4, "kv_num_heads": 2}
        past = [x((2, 2, 3, 4), "pk"), x((2, 2, 3, 4), "pv")]
        yield [x((2, 2, 3, 4), "q"), x((2, 2, 2, 4), "k"), x((2, 2, 2, 4), "v"), None, *past], a, {"out": 3}
        for mode in range(4):
            yield [x((2, 2, 3, 4), "q"), x((2, 2, 2, 4), "k"), x((2, 2, 2, 4), "v"), x((2, 1, 3, 5), "m"), *past], {
                **a, "qk_matmul_output_mode": mode, "softcap": 1.5}, {"out": 4}
        m = np.array([[1, 0, 1, 0, 1], [0, 1, 1, 1, 0], [1, 1, 1, 1, 1]], bool)
        yield [x((1, 2, 3, 4), "q"), x((1, 2, 5, 4), "k"), x((1, 2, 5, 4), "v"), m], a
        none = np.array([[1, 0, 1, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
        yield [x((1, 2, 3, 4), "q"), x((1, 2, 5, 4), "k"), x((1, 2, 5, 4), "v"), none], a, {"name": "allmasked"}
        if c.version >= 24:
            yield [x((2, 2, 3, 4), "q"), x((2, 2, 5, 4), "k"), x((2, 2, 5, 4), "v"), None, None, None,
                   np.array([3, 5], i64)], a


@form("RotaryEmbedding", types=("T",))
def rotary(c):
    for inter in (0, 1):
        cos, sin = c.x((2, 3, 2), "unit", salt="c"), c.x((2, 3, 2), "unit", salt="s")
        yield [c.x((2, 2, 3, 4)), cos, sin], {"interleaved": inter}
        yield [c.x((2, 3, 8)), cos, sin], {"interleaved": inter, "num_heads": 2}
        cache = [c.x((5, 2), "unit", salt="c"), c.x((5, 2), "unit", salt="s"), np.array([[0, 4, 1], [2, 2, 3]], i64)]
        yield [c.x((2, 2, 3, 4)), *cache], {"interleaved": inter}
        yield [c.x((2, 2, 3, 6)), *cache], {"interleaved": inter, "rotary_embedding_dim": 4}
