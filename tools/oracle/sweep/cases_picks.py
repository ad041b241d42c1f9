"""Movement: what picks, fills and counts elements."""

import numpy as np

from cases_layout import ints
from core import form
from values import NAMES, i64


@form("Trilu", types=("T",))
def trilu(c):
    for upper in (0, 1):
        for k in (-9, -1, 0, 2, 9):
            yield [c.x((3, 4)), np.array(k, i64)], {"upper": upper}
    yield [c.x((2, 4, 3))], {"upper": 0}
    yield [c.x((0, 3))], {}


@form("EyeLike", types=("T1",), versions="all")
def eye(c):
    for k in (-2, 0, 1, 7):
        yield [c.x((3, 4), var="T1")], {"k": k}
    for t in (1, 10, 11, 7, 3, 9, 16):
        yield [c.x((2, 3), var="T1")], {"dtype": t}


@form("OneHot", types=("T1", "T2", "T3"), versions="all")
def one_hot(c):
    d = c.a(4, "T2")
    for axis in (-1, 0, 1):
        yield [c.a([0, 3, 2], "T1"), d, c.a([0, 1], "T3") if c.type("T3") != "string" else
               np.array(["n", "y"], object)], {"axis": axis}
    if not c.type("T1").startswith("u"):
        yield [c.a([[-1, -4], [-5, 4]], "T1"), c.a([4], "T2"), c.x((2,), "distinct", "T3")], {}


@form("Compress", types=("T",), versions="all")
def compress(c):
    yield [c.x((3, 4)), np.array([1, 0, 1], bool)], {"axis": 0}
    yield [c.x((3, 4)), np.array([0, 1, 0, 1, 1, 0], bool)], {}
    yield [c.x((3, 4)), np.array([0, 1, 1], bool)], {"axis": -1 if c.version >= 11 else 1}
    yield [c.x((3, 4)), np.array([0, 0, 0], bool)], {"axis": 0}


@form("NonZero", types=("T",), versions="all")
def non_zero(c):
    yield [c.x((3, 4), "ties")], {}
    yield [c.x((2, 2, 3), "ties")], {}


@form("NonZero")
def non_zero_more(c):
    for shape in ((), (0,), (2, 0), (5,)):
        yield [c.x(shape, "ties")], {}
    yield [c.a([np.nan, 0.0, -0.0, np.inf])], {}


@form("Unique", types=("T",), versions="all")
def unique(c):
    for s in (0, 1):
        yield [c.x((3, 4), "ties")], {"sorted": s}, {"out": 4}
        yield [c.x((4, 2), "ties")], {"sorted": s, "axis": 0}, {"out": 4}
        yield [c.x((2, 5), "ties")], {"sorted": s, "axis": -1}, {"out": 4}
    yield [c.x((9,), "ties")], {}
    yield [c.x((0,), "ties")], {}, {"out": 4}
    yield [c.x((9,), "ties")], {}, {"out": 4, "skip": (1, 2)}


@form("ReverseSequence", types=("T",), versions="all")
def reverse(c):
    yield [c.x((4, 3)), ints(4, 2, 1)], {"time_axis": 0, "batch_axis": 1}
    yield [c.x((3, 4, 2)), ints(1, 3, 4)], {"time_axis": 1, "batch_axis": 0}


@form("Range", types=("T",), versions="all")
def range_(c):
    for a, b, s in ((1, 9, 3), (9, 1, -3), (3, 3, 1), (5, 1, 1), (0, 4, 1)):
        if s < 0 and c.type().startswith("u"):
            continue
        yield [c.a(a), c.a(b), c.a(s)], {}
    if "int" not in c.type():
        yield [c.a(0), c.a(1), c.a(0.25)], {}
        yield [c.a(1), c.a(-1.1), c.a(-0.5)], {}


@form("ConstantOfShape", types=("T2",), versions="all")
def constant_of_shape(c):
    from onnx import numpy_helper
    for shape in ((2, 3), (), (0, 2)):
        value = numpy_helper.from_array(c.x((1,), "pos", "T2"), "")
        yield [np.array(shape, i64)], {"value": value}
    yield [ints(2)], {}


@form("CenterCropPad", types=("T", "Tind"))
def center(c):
    t = NAMES[c.type("Tind")]
    yield [c.x((5, 4)), np.array([2, 7], t)], {}
    yield [c.x((5, 4)), np.array([8], t)], {"axes": [-1]}
    yield [c.x((5, 4, 3)), np.array([2, 4], t)], {"axes": [2, 0]}
    yield [c.x((5, 4, 3)), np.array([4, 1], t)], {"axes": [-3, -1]}


@form("BitCast", types=("T1", "T2"))
def bit_cast(c):
    from values import onnx_type
    a, b = NAMES[c.type("T1")], NAMES[c.type("T2")]
    if a.itemsize == b.itemsize and not {c.type("T1"), c.type("T2")} & {"bool", "string"}:
        yield [c.x((3, 4), "mix", "T1")], {"to": onnx_type(b)}


@form("TensorScatter", types=("T",))
def tensor_scatter(c):
    cache, update = c.x((2, 3, 6, 2)), c.x((2, 3, 2, 2), salt="u")
    for mode in ("linear", "circular"):
        yield [cache, update, ints(1, 3)], {"mode": mode}
        yield [cache, update], {"mode": mode}
    yield [cache, update, ints(5, 4)], {"mode": "circular"}
    yield [c.x((2, 6, 4)), c.x((2, 1, 4), salt="u"), ints(5, 0)], {"axis": 1}


@form("Col2Im", types=("T",))
def col2im(c):
    yield [c.x((1, 4, 9)), ints(4, 4), ints(2, 2)], {}
    yield [c.x((2, 8, 4)), ints(4, 4), ints(2, 2)], {"strides": [2, 2]}
    yield [c.x((1, 4, 4)), ints(3, 3), ints(2, 2)], {"dilations": [2, 2], "pads": [0, 1, 1, 0],
                                                    "strides": [1, 1]}
    yield [c.x((1, 3, 7)), ints(5), ints(3)], {"pads": [2, 2]}

