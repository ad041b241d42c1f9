"""Movement: shapes, slices, gathers, scatters, pads, and what picks elements."""

import numpy as np

from core import form
from values import NAMES, i32, i64

BIG = 2**63 - 1


def ints(*v):
    return np.array(v, i64)


@form("Reshape", types=("T",), versions="all")
def reshape(c):
    yield [c.x((2, 3, 4)), ints(4, -1)], {}


@form("Reshape")
def reshape_more(c):
    for shape, to, zero in (((2, 3, 4), (0, -1), 0), ((2, 3, 4), (0, 0, 2, 2), 0), ((), (1, 1), 0),
                            ((1,), (), 0), ((0, 3), (3, 0), 1), ((0, 3), (0, -1), 0),
                            ((2, 0), (0, 0), 0), ((3, 0, 2), (5, 0, 7), 1), ((2, 3), (-1,), 0)):
        yield [c.x(shape), np.array(to, i64)], {"allowzero": zero}


@form("Transpose", "Flatten", "Identity", "Shape", "Size", types=("T",), versions="all")
def movers(c):
    yield [c.x((2, 3, 4))], {"perm": [2, 0, 1]} if c.op == "Transpose" else {}


@form("Transpose")
def transpose(c):
    for shape, perm in (((2, 3), None), ((), None), ((5,), [0]), ((2, 0, 3), [1, 2, 0]),
                        ((2, 1, 3, 2, 1, 2, 2, 3), [7, 0, 3, 1, 6, 2, 5, 4]),
                        ((17, 33), [1, 0]), ((2, 17, 9), [0, 2, 1]), ((2, 3, 4, 5), [0, 2, 3, 1]),
                        ((1, 3, 1, 4), [3, 0, 1, 2])):
        yield [c.x(shape)], {} if perm is None else {"perm": perm}


@form("Transpose", types=("T",))
def transpose_odd(c):
    yield [c.x((3, 5))], {}
    yield [c.x((3, 3, 3))], {"perm": [0, 2, 1]}


@form("Flatten", versions="all")
def flatten(c):
    for shape in ((2, 3, 4), (0, 3), (5,), ()):
        for axis in range(0 if c.version < 11 else -len(shape), len(shape) + 1):
            yield [c.x(shape)], {"axis": axis}


@form("Shape", since=15)
def shape_of(c):
    for a, b in ((0, None), (1, None), (-1, None), (0, -1), (1, 2), (-9, 9), (2, 1), (5, 7)):
        yield [c.x((2, 0, 4))], {"start": a, **({} if b is None else {"end": b})}
    yield [c.x(())], {}


@form("Squeeze", "Unsqueeze", types=("T",), versions="all")
def squeeze(c):
    for axes in ([1], [0, 3]) if c.version < 11 else ([1], [0, 3], [-1], [-2, 1]):
        shape = (1, 1, 3, 1) if c.op == "Squeeze" else (2, 3)
        if c.op == "Squeeze" and -2 in axes:
            axes = [-4, 1]
        if c.version >= 13:
            yield [c.x(shape), np.array(axes, i64)], {}
        else:
            yield [c.x(shape)], {"axes": axes}
    if c.op == "Squeeze":
        yield [c.x((1, 2, 1, 0))], {}


@form("Unsqueeze")
def unsqueeze(c):
    yield [c.x(()), ints(0, 1)], {}
    yield [c.x((2,)), ints(2, 0)], {}
    yield [c.x((0,)), ints(-1)], {}
    yield [c.x((3,)), ints()], {}


@form("Concat", types=("T",), versions="all")
def concat(c):
    yield [c.x((2, 3), salt="a"), c.x((2, 1), salt="b"), c.x((2, 0), salt="c")], {"axis": 1}
    yield [c.x((1, 3), salt="a"), c.x((2, 3), salt="b")], {"axis": 0}
    yield [c.x((3,), salt="a"), c.x((5,), salt="b")], {"axis": -1 if c.version >= 11 else 0}
    yield [c.x((2, 3), salt="a")], {"axis": 0}


@form("Split", types=("T",), versions="all")
def split(c):
    x = c.x((6, 3))
    if c.version < 13:
        yield [x], {"axis": 0, "split": [1, 5]}, {"out": 2}
        yield [x], {"axis": 1}, {"out": 3}
    else:
        extra = {"num_outputs": 3} if c.version >= 18 else {}
        yield [x, ints(1, 0, 5)], {"axis": -2}, {"out": 3}
        yield [x], {"axis": 1, **extra}, {"out": 3}
        if c.version >= 18:
            yield [c.x((7,))], {"num_outputs": 3}, {"out": 3}
            yield [c.x((2, 5))], {"num_outputs": 2, "axis": 1}, {"out": 2}
            yield [c.x((0, 3)), ints(0, 0)], {}, {"out": 2}


@form("Slice", types=("T", "Tind"), versions="all")
def slice_(c):
    x = c.x((4, 5))
    if c.version < 10:
        yield [x], {"starts": [1, -3], "ends": [9, -1]}
        yield [x], {"starts": [1], "ends": [BIG], "axes": [1]}
        return
    t = c.type("Tind")
    n = lambda *v: np.array(v, NAMES[t])  # noqa: E731
    yield [x, n(1, 0), n(3, 5), n(0, 1), n(1, 2)], {}
    yield [x, n(-1), n(-9), n(1), n(-1)], {}
    yield [x, n(3, 1), n(1, 4)], {}


@form("Slice")
def slice_extremes(c):
    low = -(2**63)
    x, y = c.x((4, 5)), c.x((2, 0, 3))
    for a, b, axes, steps in (
            ([0], [BIG], [0], [1]), ([low], [BIG], [1], [1]), ([BIG], [low], [1], [-1]),
            ([-1], [low], [0], [-2]), ([3], [1], [0], [1]), ([4], [0], [0], [-3]), ([0], [0], [0], [1]),
            ([0], [5], [1], [BIG]), ([4], [low], [1], [low]), ([4], [-6], [1], [-BIG]),
            ([2**31 - 1], [-(2**31)], [0], [-1]), ([0, -1], [4, -6], [-2, -1], [2, -1]),
            ([100], [-100], [1], [-2]), ([-100], [100], [1], [3]), ([1], [-1], [-1], [2])):
        yield [x, ints(*a), ints(*b), ints(*axes), ints(*steps)], {}
    yield [y, ints(0), ints(9), ints(1)], {}
    yield [y, ints(2), ints(low), ints(2), ints(-1)], {}
    yield [x, ints(1), ints(3), None, ints(2)], {}
    yield [c.x((2, 3, 2, 3, 2, 3, 2, 3)), ints(2, 1), ints(-9, 2), ints(7, 1), ints(-1, 1)], {}
    yield [c.x((2000,)), ints(1990), ints(3), ints(0), ints(-41)], {}
    i = lambda *v: np.array(v, i32)  # noqa: E731
    yield [x, i(2**31 - 1), i(-(2**31)), i(1), i(-1)], {}
    yield [x, i(-(2**31)), i(2**31 - 1), i(1), i(2**31 - 1)], {}


@form("Gather", types=("T", "Tind"), versions="all")
def gather(c):
    t = NAMES[c.type("Tind")]
    low = c.version >= 11
    yield [c.x((3, 4)), np.array([[0, 2], [-1 if low else 1, 0]], t)], {"axis": 0}
    yield [c.x((3, 4)), np.array([3, 3, -4 if low else 0], t)], {"axis": 1}
    yield [c.x((3, 4)), np.array(1, t)], {"axis": -1 if low else 1}
    yield [c.x((3, 4)), np.zeros((0, 2), t)], {"axis": 1}


@form("GatherElements", types=("T", "Tind"), versions="all")
def gather_elements(c):
    t = NAMES[c.type("Tind")]
    yield [c.x((3, 3)), np.array([[0, -1, 2], [1, 0, -3]], t)], {"axis": 0}
    yield [c.x((2, 4)), np.array([[0, 3, -1], [3, 3, -4]], t)], {"axis": 1}
    yield [c.x((2, 3, 2)), np.array([[[0, 1], [1, -1], [0, 0]]], t)], {"axis": -1}
    yield [c.x((2, 3)), np.zeros((0, 3), t)], {"axis": 0}
    yield [c.x((4,)), np.array([3, -4, 0, 1, 1], t)], {}


@form("GatherND", types=("T",), versions="all")
def gather_nd(c):
    yield [c.x((2, 3, 4)), np.array([[0, 1], [-1, -3]], i64)], {}
    yield [c.x((2, 3, 4)), np.array([[[0, 1, 3]], [[1, 2, -4]]], i64)], {}
    yield [c.x((2, 3)), np.zeros((0, 1), i64)], {}
    if c.version >= 12:
        yield [c.x((2, 3, 4)), np.array([[1], [-1]], i64)], {"batch_dims": 1}
        yield [c.x((2, 3, 4)), np.array([[[1], [-1], [0]], [[3], [2], [0]]], i64)], {
            "batch_dims": 2}


@form("Scatter", "ScatterElements", types=("T", "Tind"), versions="all")
def scatter(c):
    t = NAMES[c.type("Tind")]
    low = -1 if c.version >= 11 else 2
    yield [c.x((3, 3)), np.array([[1, 0, 2], [0, 2, low and 1]], t), c.x((2, 3), salt="u")], {}
    yield [c.x((2, 5)), np.array([[1, 3], [0, low]], t), c.x((2, 2), salt="u")], {"axis": 1}
    yield [c.x((2, 3)), np.zeros((0, 3), t), c.x((0, 3), salt="u")], {}


def no_sums(c, r):
    return c.type() == "string" or c.type().startswith("complex") and r in ("min", "max")


@form("ScatterElements", types=("T",), since=16, versions="all")
def scatter_reduce(c):
    for r in ("none", "add", "mul") + (("min", "max") if c.version >= 18 else ()):
        if r != "none" and no_sums(c, r):
            continue
        x, u = c.x((2, 5)), c.x((2, 4), salt="u")
        i = [[0, 0, -1, 4], [2, -3, 2, 1]] if r != "none" else [[0, 1, -1, 3], [2, 4, 0, 1]]
        yield [x, np.array(i, i64), u], {"axis": -1, "reduction": r}


@form("ScatterND", types=("T",), versions="all")
def scatter_nd(c):
    rs = ("none",) if c.version < 16 else ("none", "add", "mul")
    if c.version >= 18:
        rs += ("min", "max")
    for r in rs:
        if r != "none" and no_sums(c, r):
            continue
        a = {"reduction": r} if c.version >= 16 else {}
        d = r != "none"
        yield [c.x((4, 2)), np.array([[1], [1 if d else 0], [-1]], i64), c.x((3, 2), salt="u")], a
        yield [c.x((2, 3)), np.array([[[1, 2], [-2, 0]], [[0, 1], [1, 2] if d else [1, 0]]], i64),
               c.x((2, 2), salt="u")], a
    yield [c.x((2, 3)), np.zeros((0, 1), i64), c.x((0, 3))], {}


@form("ScatterND", "ScatterElements")
def scatter_special(c):
    x = c.a([np.nan, 1, 2, np.inf, -0.0, 0.0])
    for r in ("add", "mul"):
        i = np.arange(6, dtype=i64)
        u = c.a([1, np.nan, 3, -np.inf, 0.0, -0.0])
        yield [x, i[:, None] if c.op == "ScatterND" else i, u], {"reduction": r}


@form("Pad", types=("T", "Tind"), versions="all")
def pad(c):
    x = c.x((3, 4))
    modes = ("constant", "reflect", "edge") + (("wrap",) if c.version >= 19 else ())
    for mode in modes:
        if c.version < 11:
            yield [x], {"mode": mode, "pads": [1, 0, 2, 3], "value": 1.5}
            yield [x], {"mode": mode, "pads": [-1, 2, 0, -1]}
            continue
        v = c.x((), salt="v")
        rest = [v] if mode == "constant" else []
        yield [x, ints(1, 0, 2, 3), *rest], {"mode": mode}
        if mode != "wrap":
            yield [x, ints(-1, 2, 1, -1)], {"mode": mode}
        if c.version >= 18:
            t = NAMES[c.type("Tind")]
            yield [x, ints(2, 1), *(rest or [None]), np.array([-1], t)], {"mode": mode}
            yield [x, ints(1, 2, 0, 1), *(rest or [None]), np.array([1, -2], t)], {"mode": mode}


@form("Pad")
def pad_more(c):
    for shape, pads in (((3,), (0, 0)), ((0, 2), (1, 0, 1, 1)), ((2, 3, 2, 2), (0, 0, 1, 1, 0, 0, 1, 1)),
                        ((1, 2, 1, 2, 1, 2, 1, 2), (0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 2, 0, 0, 0, 1)),
                        ((5,), (-2, -3)), ((5,), (-7, 4)), ((), ()), ((4,), (-2, 3))):
        yield [c.x(shape), np.array(pads, i64), c.x((), salt="v")], {}
    for mode in ("reflect", "edge", "wrap"):
        for n in (0, 1, 2, 3, 5, 9):
            yield [c.x((4,)), ints(n, n)], {"mode": mode}
        yield [c.x((2, 3)), ints(0, -1, 0, 2)], {"mode": mode}
        yield [c.x((2, 5)), ints(0, -2, 0, -1)], {"mode": mode}
        yield [c.x((2, 3, 4)), ints(1, 2, 0, 0, 1, 3)], {"mode": mode}
        yield [c.x((1,)), ints(2, 2)], {"mode": mode} if mode != "reflect" else {}


@form("Expand", types=("T",), versions="all")
def expand(c):
    yield [c.x((3, 1)), ints(2, 1, 4)], {}
    yield [c.x((3,)), ints(1, 1)], {}


@form("Expand")
def expand_more(c):
    for shape, to in (((), (2, 3)), ((1, 0), (2, 1)), ((1,), (0,)), ((2, 3), ()), ((1, 1, 2), (3, 1)),
                      ((2, 1, 2, 1, 2, 1, 2, 1), (1, 2, 1, 2, 1, 2, 1, 2))):
        yield [c.x(shape), np.array(to, i64)], {}


@form("Tile", types=("T",), versions="all")
def tile(c):
    yield [c.x((2, 3)), ints(2, 1)], {}
    yield [c.x((2, 3)), ints(1, 3)], {}
    yield [c.x((2, 3)), ints(0, 2)], {}
    yield [c.x((2, 1, 2, 1)), ints(1, 2, 2, 2)], {}


@form("SpaceToDepth", "DepthToSpace", types=("T",), versions="all")
def blocks(c):
    if c.op == "SpaceToDepth":
        yield [c.x((1, 2, 4, 6))], {"blocksize": 2}
        yield [c.x((2, 1, 3, 6))], {"blocksize": 3}
    else:
        yield [c.x((1, 8, 2, 3))], {"blocksize": 2}
        if c.version >= 11:
            for mode in ("DCR", "CRD"):
                yield [c.x((2, 18, 1, 2))], {"blocksize": 3, "mode": mode}
