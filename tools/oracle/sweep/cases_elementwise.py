"""Elementwise operators: types, versions, broadcasting, special values, overflow, rounding."""

import numpy as np

from core import form
from values import f32, limits

UNARY = {
    "Abs": "mix", "Neg": "mix", "Ceil": "mix", "Floor": "mix", "Round": "mix", "Sign": "mix",
    "Relu": "mix", "Sigmoid": "mix", "Tanh": "mix", "Exp": "mix", "Log": "pos", "Sqrt": "pos",
    "Reciprocal": "nonzero", "Sin": "mix", "Cos": "mix", "Tan": "unit", "Asin": "unit",
    "Acos": "unit", "Atan": "mix", "Sinh": "mix", "Cosh": "mix", "Asinh": "mix", "Acosh": "ge1",
    "Atanh": "unit", "Erf": "mix", "Softplus": "mix", "Softsign": "mix", "Elu": "mix",
    "Selu": "mix", "Celu": "mix", "LeakyRelu": "mix", "ThresholdedRelu": "mix", "Shrink": "mix",
    "HardSigmoid": "mix", "HardSwish": "mix", "Mish": "mix", "Gelu": "mix", "Swish": "mix",
    "Identity": "mix", "IsNaN": "special", "IsInf": "special", "Not": "mix", "BitwiseNot": "mix",
}


def unary_input(c, shape, kind):
    var = next((v for v in ("T", "T1", "V") if v in c.kinds), "T")
    if kind == "ge1":
        x = c.x(shape, "pos", var)
        return np.maximum(x, np.ones((), x.dtype))
    return c.x(shape, kind, var)


@form(*UNARY, types=("T", "T1", "V"), versions="all")
def unary(c):
    yield [unary_input(c, (3, 4), UNARY[c.op])], {}


@form(*UNARY)
def unary_shapes(c):
    for shape in ((), (0,), (2, 0, 3), (1, 2, 1, 2, 1, 2, 1, 2), (37,)):
        yield [unary_input(c, shape, UNARY[c.op])], {}


@form(*UNARY, types=("T", "T1", "V"))
def unary_special(c):
    if c.op == "Shrink" and "int" in c.type():
        return  # the bias is a float: what wraps around is not said
    yield [unary_input(c, (19,), "special")], {}, {"name": "special"}


@form("Round", types=("T",))
def rounding(c):
    yield [c.a([-3.5, -2.5, -1.5, -0.5, -0.0, 0.5, 1.5, 2.5, 3.5, 0.49, -0.51, 8.5])], {}


@form("Elu", "Celu", "LeakyRelu", "ThresholdedRelu", types=("T",), versions="all")
def alpha(c):
    for a in (0.0, 0.5, 2.0) if c.op != "Celu" else (0.5, 2.0):
        yield [c.x((9,))], {"alpha": a}
    if c.op != "Celu":
        yield [c.x((19,), "special")], {"alpha": -0.5}


@form("Selu")
def selu(c):
    yield [c.x((9,))], {"alpha": 0.5, "gamma": 3.0}


@form("HardSigmoid", types=("T",))
def hard_sigmoid(c):
    yield [c.x((19,))], {"alpha": 0.5, "beta": 0.25}


@form("Shrink", types=("T",))
def shrink(c):
    yield [c.x((19,))], {"lambd": 1.5, "bias": 0.5}
    yield [c.x((19,))], {"lambd": 1.0, "bias": -1.0}


@form("Gelu", types=("T",))
def gelu(c):
    yield [c.x((19,))], {"approximate": "tanh"}
    yield [c.x((19,), "special")], {"approximate": "tanh"}


@form("Swish")
def swish(c):
    yield [c.x((19,))], {"alpha": 0.5}


@form("IsInf", types=("T1",))
def is_inf(c):
    for n in (0, 1):
        for p in (0, 1):
            yield [c.x((19,), "special", "T1")], {"detect_negative": n, "detect_positive": p}


BINARY = {
    "Add": "mix", "Sub": "mix", "Mul": "mix", "Div": "nonzero", "Pow": "pow", "Mod": "nonzero",
    "PRelu": "mix", "Equal": "ties", "Greater": "ties", "Less": "ties", "GreaterOrEqual": "ties",
    "LessOrEqual": "ties", "And": "mix", "Or": "mix", "Xor": "mix", "BitwiseAnd": "mix",
    "BitwiseOr": "mix", "BitwiseXor": "mix", "Max": "mix", "Min": "mix", "Sum": "mix",
    "Mean": "mix", "BitShift": "shift",
}


def pair(c, a, b):
    kind = BINARY[c.op]
    first = "pos" if kind in ("pow", "shift") else "ties" if kind == "ties" else "mix"
    second = {"pow": "pos", "shift": "pos"}.get(kind, kind)
    x, y = c.x(a, first, salt="a"), c.x(b, second, c.op == "Pow" and "T1" in c.kinds and "T1" or "T")
    attributes = {}
    if c.op == "BitShift":
        attributes["direction"] = "LEFT" if len(a) % 2 else "RIGHT"
    if c.op == "Mod" and (x.dtype.kind not in "iu" and "int" not in c.type()):
        attributes["fmod"] = 1
    return [x, y], attributes


@form(*BINARY, types=("T", "T1"), versions="all")
def binary(c):
    yield pair(c, (2, 3), (2, 3))


@form(*BINARY, types=("T",))
def binary_broadcast(c):
    yield pair(c, (2, 3, 4), (4,))


@form(*BINARY)
def binary_shapes(c):
    shapes = [((), ()), ((3,), ()), ((2, 1, 3), (1, 4, 1)), ((0, 3), (3,)), ((2, 0), (1, 1)),
              ((1, 2, 1, 2, 1, 2, 1, 2), (2, 1, 2, 1, 2, 1, 2, 1)), ((3, 1), (3, 5)), ((1,), (0,)),
              ((2, 3, 1, 5), (2, 1, 4, 1)), ((70,), (70,)), ((3, 40), (40,))]
    for a, b in shapes:
        if c.op == "PRelu" and (len(a) < len(b) or any(
                x == 1 and y != 1 for x, y in zip(a[::-1], b[::-1]))):
            continue
        yield pair(c, a, b)
        if a != b and c.op != "PRelu":
            yield pair(c, b, a)


@form(*[op for op in BINARY if op not in ("BitShift",)], types=("T",))
def binary_special(c):
    kind = "special"
    if "int" in c.type() and c.op in ("Div", "Mod", "Pow"):
        low, high = limits(c.type())
        x = c.a([low, low + 1, high, high - 1, 7, 7 % (high + 1), 0, low])
        y = c.a([3, 2, 2, 1, 3, 1, 5, 1])
        if c.op == "Pow":
            x, y = c.a([2, 3, 0, 1, 5, 7, 2, 1]), c.a([3, 2, 0, 9, 1, 2, 6, 0])
        yield [x, y], {}, {"name": "signs"}
        if low < 0 and c.op != "Pow":
            yield [c.a([7, -7, 7, -7, 6, -6, 0]), c.a([3, 3, -3, -3, -2, 2, -5])], {}, {
                "name": "signs"}
        return
    x, y = c.x((18, 18) if c.op == "PRelu" else (18,), kind), c.x((18, 1), kind)
    yield [x, y], {"fmod": 1} if c.op == "Mod" else {}, {"name": "special"}


@form("Mod", types=("T",))
def mods(c):
    low = 0 if c.type().startswith("u") else -1
    x = c.a([7, 7 * low or 5, 7, -7 * -low or 5, 6, 0, 1])
    y = c.a([3, 3, 3 * low or 4, 3 * low or 4, 2, 5, 1])
    yield [x, y], {"fmod": 1}
    if "int" in c.type():
        yield [x, y], {"fmod": 0}


@form("BitShift", types=("T",), versions="all")
def shifts(c):
    bits = int(c.type().lstrip("uint"))
    low, high = limits(c.type())
    x = c.a([1, 3, high, high - 1, low, low + 1, 5, 0])
    y = c.a([0, 1, 2, bits - 1, 1, bits - 2, 3, 7])
    for d in ("LEFT", "RIGHT"):
        yield [x, y], {"direction": d}


@form("BitwiseNot", "BitwiseAnd", "BitwiseOr", "BitwiseXor", types=("T",))
def bits(c):
    x = c.x((8,), "special")
    yield [x] if c.op == "BitwiseNot" else [x, x[::-1].copy()], {}


@form("Pow", since=12, types=("T", "T1"), versions="all")
def powers(c):
    e = c.type("T1")
    y = [2, 3, 0, 1, 2, 2] if e.startswith("u") else [2, 3, 0, -1, 2, -2]
    if "int" in c.type():
        y = [abs(v) for v in y]
    yield [c.a([1, 2, 3, 4, 5, 6]), c.a(y, "T1")], {}
    if "int" not in c.type():
        yield [c.a([-1, -2, 0, 0, -8, 9]), c.a([2, 3, 0, 2, 1, 0], "T1")], {}
        if "int" not in e:
            yield [c.a([-1, -2, 0, 4, -8, 9, np.nan, np.inf, -np.inf, 1, np.nan]),
                   c.a([0.5, 3, -1, 0.5, -1, -0.5, 0, -1, 3, np.nan, 1], "T1")], {}


@form("Max", "Min", "Sum", "Mean", types=("T",), versions="all")
def variadic(c):
    yield [c.x((2, 3))], {}
    yield [c.x((2, 3), salt="a"), c.x((3,), salt="b"), c.x((2, 1), salt="c")], {}
    yield [c.x((), salt="a"), c.x((2, 3), salt="b"), c.x((1, 1, 1), salt="c"), c.x((3,))], {}


@form("Clip", types=("T",), versions="all")
def clip(c):
    kinds = ("mix", "special")
    if c.version < 11:
        for k in kinds:
            yield [c.x((18,), k)], {"min": -1.0, "max": 2.0}
        yield [c.x((9,))], {"min": 0.5}
        yield [c.x((9,), "special")], {}
        return
    low, high = c.a(1), c.a(2)
    for k in kinds:
        yield [c.x((18,), k), low, high], {}
    yield [c.x((9,)), None, high], {}
    yield [c.x((9,)), low], {}
    yield [c.x((9,), "special")], {}


@form("Clip")
def clip_edges(c):
    yield [c.x((9,)), f32.type(3), f32.type(-3)], {}, {"name": "crossed"}
    yield [c.x((18,), "special"), np.array(-np.inf, f32), np.array(np.inf, f32)], {}
    yield [c.x((0, 2)), np.array(-1, f32), np.array(1, f32)], {}


@form("Where", types=("T",), versions="all")
def where(c):
    yield [c.x((2, 3), var="B"), c.x((2, 3), salt="a"), c.x((2, 3), salt="b")], {}
    yield [c.x((3, 1), var="B"), c.x((1, 4), salt="a"), c.x((), salt="b")], {}


@form("Where")
def where_shapes(c):
    for a, b, d in (((), (), ()), ((0,), (1,), ()), ((2, 1, 1, 2), (3, 1), (1, 4, 1, 1)),
                    ((1,), (2, 3), (2, 3))):
        yield [c.x(a, var="B"), c.x(b, salt="a"), c.x(d, salt="b")], {}


@form("Div", types=("T",))
def division(c):
    if "int" in c.type() and not c.type().startswith("u"):
        yield [c.a([7, -7, 7, -7, -1, 1, -6]), c.a([2, 2, -2, -2, 2, -2, 4])], {}


@form("Add", "Sub", "Mul", "Neg", "Abs", "Sum", types=("T",))
def overflow(c):
    if "int" not in c.type():
        return
    low, high = limits(c.type())
    x, y = c.a([high, low, high, low, 2, high // 2]), c.a([1, high, high, low, high, 3])
    yield [x] if c.op in ("Neg", "Abs") else [x, y], {}, {"name": "wrap"}
