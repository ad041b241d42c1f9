"""Casts between every two types, quantisation and its inverse in every form."""

import numpy as np
from onnx import TensorProto

from core import form
from values import NAMES, SMALL_FLOATS, FLOATS, f32, i32, i64, limits, onnx_type, values

FLOAT_POOL = [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -1.5, 0.3, 3.9, -3.9, 5.5, 7.0, 100.0, -100.0, 15.7,
              1e-3, -1e-5, 2.0**-9, 2.0**-10, 3 * 2.0**-10]
FLOAT_EDGES = [447.9, 448.0, 464.0, 465.0, 480.0, -500.0, 57344.0, 61439.0, 61440.0, 65504.0, 65519.9,
               65520.0, 1e6, -1e6, 3e38, 240.0, 247.9, 248.0, 6.0, 6.9, 8.0, 28.0, 7.5, 7.7,
               2.0**-17, 2.0**-18, 1.1 * 2.0**-17, 2.0**-16, 2.0**-24, 2.0**-25, 1e-40, 1.0625, 1.1875]
INFINITE = [np.nan, np.inf, -np.inf]


def sources(a):
    """Values of type `a`: any, out of range of some targets, and not finite."""
    dtype = NAMES[a]
    if a in FLOATS:
        out = [np.array(FLOAT_POOL), np.array(FLOAT_EDGES), np.array(INFINITE)]
    elif a in SMALL_FLOATS:
        bits = {"float4": 4, "float6": 6, "float8": 8}[a[:6]]
        return [np.arange(2**bits, dtype=np.uint8).view(dtype)]
    elif a == "bool":
        return [np.array([0, 1, 1, 0], bool)]
    elif a == "string":
        return [np.array(["0", "1", "7", "3"], object)]
    elif a.startswith("complex"):
        return [np.array([1 + 2j, -0.5j, 3.5], dtype)]
    else:
        low, high = limits(a)
        return [np.array([0, 1, high] + ([-1, low] if low else []), object).astype(dtype),
                values(a, (12,), "special")]
    with np.errstate(all="ignore"):
        return [v.astype(f32 if a != "double" else np.float64).astype(dtype) for v in out]


def defined(a, b, x):
    """Which of x the standard gives a value for in type b."""
    if b == "float8e8m0" and a != b:
        with np.errstate(all="ignore"):
            y = x.astype(np.float64)
            return (y > 2.0**-126) & (y < 2.0**126)
    if b.startswith(("float4", "float6")) and (a in FLOATS or a in SMALL_FLOATS):
        return np.isfinite(x.astype(np.float64))  # these have no code for NaN
    if b == "string" and "int" not in a:
        with np.errstate(all="ignore"):
            y = np.abs(x.astype(np.float64))
            return (y == 0) | (y > 0.01) & (y < 999)
    if b in FLOATS or b in SMALL_FLOATS or b == "bool" or b == "string":
        return np.ones(x.shape, bool)
    if a in FLOATS or a in SMALL_FLOATS:
        low, high = limits(b)
        with np.errstate(all="ignore"):
            y = np.trunc(x.astype(np.float64))
            return np.isfinite(y) & (y >= low) & (y <= high) & (np.abs(y) < 2.0**63)
    return np.ones(x.shape, bool)


@form("Cast", types=("T1",), versions="all", const=())
def cast(c):
    a = c.type("T1")
    for b in c.kinds["T2"]:
        if b.startswith("complex") or a.startswith("complex"):
            continue
        for k, x in enumerate(sources(a)):
            if a == "string" and b in ("float4e2m1", "float8e8m0", "int2", "uint2", "int4", "uint4"):
                continue
            if a == "string" and b == "bool":
                continue
            keep = defined(a, b, x)
            if not keep.any():
                continue
            narrow = b in SMALL_FLOATS
            for saturate in (1, 0) if narrow and c.version >= 19 and b.startswith("float8") else (1,):
                o = {"to": onnx_type(NAMES[b])}
                if saturate == 0:
                    o["saturate"] = 0
                yield [x[keep]], o, {"name": f"to.{b}.{k}"}


@form("Cast", const=())
def cast_undefined(c):
    """Out of range and not finite to integers: undefined by the standard, as ONNX Runtime does."""
    for b in ("int32", "int64"):
        for a in ("float", "double"):
            x = np.array([1e30, -1e30, np.nan, np.inf, -np.inf, 3e9 if b == "int32" else 1e19], NAMES[a])
            yield [x], {"to": onnx_type(NAMES[b])}, {"oracles": ("ort",), "name": "undefined"}


@form("Cast", since=24, const=())
def cast_modes(c):
    for mode in ("up", "down", "nearest"):
        for a in ("float", "float16", "bfloat16"):
            x = np.array([1.0, 1.5, 1.41, 1.42, 3.0, 2.9, 2.8, 1e-3, 5.9e4, 0.75], f32).astype(NAMES[a])
            yield [x], {"to": TensorProto.FLOAT8E8M0, "round_mode": mode}


@form("Cast", const=())
def cast_strings(c):
    s = np.array(["1.5", "-2e3", "inf", "-INF", "NaN", "0", "+7", "1e-3"], object)
    for t in (1, 11, 10):
        yield [s], {"to": t}
    yield [np.array(["12", "-7", "0", "+3"], object)], {"to": 7}
    yield [np.array(["12", "-7", "0", "100"], object)], {"to": 3}
    for t in (np.float32, np.float64):
        yield [np.array([1.5, -0.0, 3.14159274, 0.1], t)], {"to": 8}
    yield [np.array([-5, 0, 2**40], i64)], {"to": 8}
    yield [np.array([True, False])], {"to": 8}
    yield [np.zeros((0, 2), f32)], {"to": 7}
    yield [np.array(2.5, f32)], {"to": 7}


@form("CastLike", types=("T1", "T2"), versions="all", const=())
def cast_like(c):
    a, b = c.type("T1"), c.type("T2")
    if "string" in (a, b) or "complex" in a + b:
        return
    x = sources(a)[0][:8]
    x = x[defined(a, b, x)]
    yield [x, c.x((2,), "pos", "T2")], {}


QTYPES = ("uint8", "int8", "uint16", "int16", "uint4", "int4", "uint2", "int2", "float8e4m3fn",
          "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "float4e2m1")


def allowed(c, var):
    return [q for q in QTYPES if q in c.kinds[var]]


@form("QuantizeLinear", versions="all")
def quantize(c):
    out = "T3" if "T3" in c.kinds else "T2"
    first = "T1"
    scales = "T2" if "T3" in c.kinds else None
    for q in allowed(c, out):
        zero = lambda n: (values(q, n, "pos") if "float" not in q else np.zeros(n, NAMES[q]))  # noqa: E731
        for t in [k for k in c.kinds[first] if k != "int32"]:
            if t not in ("float",) and q not in ("uint8", "int8", "float8e4m3fn", "int4"):
                continue
            x = np.concatenate([values("float", (5, 4), "mix").ravel(),
                                np.array([0.25, 0.75, -0.25, 1e4, -1e4, 2.5, 3.5, -1.25], f32)])
            x = x.reshape(7, 4).astype(NAMES[t])
            s = NAMES[t if scales or t != "int32" else "float"]
            yield [x, np.array(0.5, s), zero(())], {}, {"name": f"{t}.{q}"}
            if c.version >= 13:
                for axis in (0, -1):
                    n = x.shape[axis]
                    yield [x, (np.arange(n) / 4 + 0.25).astype(s), zero((n,))], {"axis": axis}, {
                        "name": f"axis.{t}.{q}"}
            if c.version >= 21:
                yield [x[:6], np.full((3, 4), 0.5, s) * np.array([1, 2, 0.5], s)[:, None], zero((3, 4))], {
                    "axis": 0, "block_size": 2}, {"name": f"block.{t}.{q}"}
                yield [x, np.full((7, 2), 0.25, s)], {
                    "axis": 1, "block_size": 2, "output_dtype": onnx_type(NAMES[q])}
                if "float8" in q:
                    yield [x, np.array(0.5, s), zero(())], {"saturate": 0}
    if "int32" in c.kinds[first]:
        yield [np.array([3, -7, 1000, 12], i32), np.array(2, f32), np.array(3, np.uint8)], {}
    yield [values("float", (3, 4)), np.array(0.5, f32)], {}
    yield [np.array([np.nan, np.inf, -np.inf, 0.5, 1.5], f32), np.array(1, f32), np.array(1, np.int8)], {}
    yield [np.zeros((0, 3), f32), np.array(1, f32)], {}


@form("DequantizeLinear", versions="all")
def dequantize(c):
    first = "T1" if "T1" in c.kinds else "T"
    s_types = [t for t in c.kinds.get("T2", ["float"]) if t in FLOATS]
    for q in c.kinds[first]:
        for t in s_types:
            if t != "float" and q not in ("int8", "uint8", "float8e5m2", "uint4"):
                continue
            x = values(q, (6, 4), "mix")
            zero = lambda n: (values(q, n, "pos") if "float" not in q and q != "int32"  # noqa: E731
                              else np.zeros(n, NAMES[q]))
            s = NAMES[t]
            yield [x, np.array(0.5, s), zero(())], {}, {"name": f"{t}.{q}"}
            yield [x, np.array(0.5, s)], {}
            if c.version >= 13:
                for axis in (0, -1):
                    n = x.shape[axis]
                    yield [x, (np.arange(n) / 4 + 0.25).astype(s), zero((n,))], {"axis": axis}
            if c.version >= 21:
                yield [x, np.full((3, 4), 0.5, s), zero((3, 4))], {"axis": 0, "block_size": 2}
                yield [x, np.full((6, 2), 0.25, s)], {"axis": 1, "block_size": 3}
            if c.version >= 23 and t == "float":
                yield [x, np.array(0.5, s)], {"output_dtype": 10}


@form("DynamicQuantizeLinear")
def dynamic(c):
    yield [values("float", (3, 4))], {}, {"out": 3}
    yield [values("float", (3, 4), "pos")], {}, {"out": 3}
    yield [-values("float", (3, 4), "pos")], {}, {"out": 3}
    yield [np.array([0, 255, 0.5, 1.5, 2.5, -0.0], f32)], {}, {"out": 3}
    yield [np.zeros((3,), f32)], {}, {"out": 3}


@form("QLinearMatMul", types=("T1", "T2", "T3", "TS"), versions="all")
def qlinear_matmul(c):
    ts = "TS" if "TS" in c.kinds else None
    s = NAMES[c.type("TS")] if ts else f32
    z = lambda v, n=(): values(c.type(v), n, "pos", "z")  # noqa: E731
    q = lambda v: np.array(v, s)  # noqa: E731
    for a, b in (((3, 4), (4, 2)), ((2, 3, 4), (4, 2)), ((2, 1, 3, 4), (3, 4, 2)), ((4,), (4, 2))):
        yield [c.x(a, var="T1"), q(0.5), z("T1"), c.x(b, var="T2"), q(0.25), z("T2"), q(0.73), z("T3")], {}
    yield [c.x((3, 4), var="T1"), q(0.5), z("T1"), c.x((4, 2), var="T2"), q([0.25, 0.5]), z("T2", (2,)),
           q(0.73), z("T3")], {}


@form("MatMulInteger", types=("T1", "T2"))
def matmul_integer(c):
    z = lambda v, n=(): values(c.type(v), n, "pos", "z")  # noqa: E731
    for a, b in (((3, 4), (4, 2)), ((2, 3, 4), (4, 2)), ((2, 1, 3, 4), (3, 4, 2)), ((4,), (4, 2)),
                 ((3, 4), (4,)), ((4,), (4,)), ((33, 70), (70, 35))):
        kind = "special" if a[0] == 33 else "mix"
        yield [c.x(a, kind, "T1"), c.x(b, kind, "T2")], {}
        yield [c.x(a, kind, "T1"), c.x(b, kind, "T2"), z("T1"), z("T2")], {}
    yield [c.x((3, 4), var="T1"), c.x((4, 2), var="T2"), z("T1"), z("T2", (2,))], {}
    yield [c.x((3, 4), var="T1"), c.x((4, 2), var="T2"), None, z("T2")], {}


@form("ConvInteger", types=("T1", "T2"))
def conv_integer(c):
    z = lambda v, n=(): values(c.type(v), n, "pos", "z")  # noqa: E731
    x, w = c.x((1, 2, 5, 4), var="T1"), c.x((3, 2, 2, 3), var="T2")
    yield [x, w], {}
    yield [x, w, z("T1")], {"pads": [1, 0, 2, 1]}
    yield [x, w, z("T1"), z("T2")], {"strides": [2, 1], "auto_pad": "SAME_UPPER"}
    yield [x, c.x((4, 1, 2, 2), var="T2"), z("T1")], {"group": 2, "dilations": [2, 1]}


@form("QLinearConv", types=("T1", "T2", "T3"))
def qlinear_conv(c):
    z = lambda v, n=(): values(c.type(v), n, "pos", "z")  # noqa: E731
    q = lambda v: np.array(v, f32)  # noqa: E731
    x, w = c.x((1, 2, 5, 4), var="T1"), c.x((3, 2, 2, 3), var="T2")
    b = np.array([1, -20, 300], i32)
    base = [x, q(0.5), z("T1"), w, q(0.25), z("T2"), q(0.73), z("T3")]
    yield base, {}
    yield [*base, b], {"pads": [1, 0, 2, 1]}
    if c.type("T2") == "int8":
        yield [x, q(0.5), z("T1"), w, q([0.25, 0.5, 0.125]), np.zeros(3, NAMES[c.type("T2")]), q(0.73),
               z("T3"), b], {"strides": [2, 1]}
