"""Reductions, ArgMax and ArgMin, TopK, CumSum, CumProd, softmaxes, norms over axes."""

import numpy as np

from core import form
from values import i64, i32

REDUCE = ["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
          "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"]


def reduce_by(c, x, axes, **attributes):
    asked = c.version >= (13 if c.op == "ReduceSum" else 18)
    if axes is None:
        return [x], attributes
    if asked:
        return [x, np.array(axes, i64)], attributes
    return [x], {"axes": axes, **attributes} if axes else attributes


@form(*REDUCE, types=("T",), versions="all")
def reduce(c):
    kind = "pos" if "Log" in c.op or c.op == "ReduceProd" else "mix"
    yield reduce_by(c, c.x((2, 3, 4), kind), [1])
    yield reduce_by(c, c.x((2, 3, 4), kind), [0, -1], keepdims=0)
    yield reduce_by(c, c.x((3, 2), kind), None, keepdims=0)


@form(*REDUCE)
def reduce_shapes(c):
    kind = "pos" if "Log" in c.op or c.op == "ReduceProd" else "mix"
    for shape, axes in (((), None), ((), []), ((5,), [0]), ((2, 0, 3), [1]), ((0, 3), [1]),
                        ((2, 1, 2, 1, 2, 1, 2, 2), [1, -1, 4]), ((3, 70), [1]), ((70, 3), [0]),
                        ((0,), None), ((2, 3, 4, 2), [0, 2]), ((2, 3, 4, 2), [1, 3])):
        for keep in (0, 1):
            yield reduce_by(c, c.x(shape, kind), axes, keepdims=keep)
    yield reduce_by(c, c.x((2, 3), kind), [], noop_with_empty_axes=1)
    yield reduce_by(c, c.x((2, 3), kind), None, noop_with_empty_axes=1)
    yield reduce_by(c, c.x((2, 3), kind), [], noop_with_empty_axes=0)
    yield reduce_by(c, c.x((2, 3), kind), [1], noop_with_empty_axes=1)


@form(*REDUCE, types=("T",))
def reduce_special(c):
    if "int" in c.type() and c.op not in ("ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"):
        return  # sums that leave the type: how they wrap around is not said
    yield reduce_by(c, c.x((18, 3), "special"), [1])
    yield reduce_by(c, c.x((6,), "special"), [0])
    x = c.x((3, 4), "special")
    if "int" not in c.type() and c.type() != "bool":
        x = c.a([[1, np.nan, 2, -1], [np.inf, 1, 2, -np.inf], [np.inf, 1, 2, 3], [-np.inf] * 4])
    yield reduce_by(c, x, [1])


@form("ArgMax", "ArgMin", types=("T",), versions="all")
def arg(c):
    yield [c.x((3, 4), "ties")], {"axis": 1}
    yield [c.x((3, 4), "ties", salt="b")], {"axis": 0, "keepdims": 0}
    if c.version >= 12:
        yield [c.x((3, 5), "ties")], {"axis": -1, "select_last_index": 1}
        yield [c.x((2, 3, 4), "ties")], {"axis": 1, "select_last_index": 1, "keepdims": 0}
    elif c.version >= 11:
        yield [c.x((3, 5), "ties")], {"axis": -1}


@form("ArgMax", "ArgMin", types=("T",))
def arg_special(c):
    for last in (0, 1):
        yield [c.x((3, 6), "special")], {"axis": 1, "select_last_index": last}
    yield [c.x((1,))], {}
    yield [c.x((40, 3), "ties")], {"axis": 0}
    yield [c.x((3, 70), "ties")], {"axis": 1}


@form("ArgMax", "ArgMin")
def arg_nan(c):
    for last in (0, 1):
        yield [c.a([[1, np.nan, 3], [np.nan, 2, np.nan], [-np.inf] * 3, [0.0, -0.0, 0.0]])], {
            "axis": 1, "select_last_index": last}
    yield [c.x((0, 3))], {"axis": 1}
    yield [c.x((1, 2, 1, 2, 1, 3, 1, 2), "ties")], {"axis": 5}


@form("TopK", types=("T",), versions="all")
def topk(c):
    if c.version < 10:
        for k, axis in ((2, -1), (1, 0), (3, 1)):
            yield [c.x((3, 4), "distinct")], {"k": k, "axis": axis}, {"out": 2}
        return
    k = lambda n: np.array([n], i64)  # noqa: E731
    yield [c.x((3, 4), "distinct"), k(2)], {}, {"out": 2}
    yield [c.x((3, 4), "ties"), k(3)], {}, {"out": 2}
    if c.version >= 11:
        yield [c.x((3, 4), "ties"), k(2)], {"largest": 0, "axis": 0}, {"out": 2}
        yield [c.x((3, 4, 2), "distinct"), k(4)], {"largest": 0, "axis": -2}, {"out": 2}
        if c.type() not in ("float16", "bfloat16"):
            yield [c.x((18,), "special"), k(9)], {}, {"out": 2, "name": "special"}
            yield [c.x((18,), "special"), k(9)], {"largest": 0}, {"out": 2, "name": "special"}


@form("TopK")
def topk_more(c):
    for n in (0, 1, 5):
        yield [c.x((2, 5), "ties"), np.array([n], i64)], {}, {"out": 2}
    yield [c.x((2, 0), "ties"), np.array([0], i64)], {}, {"out": 2}
    yield [c.x((0, 3), "ties"), np.array([2], i64)], {}, {"out": 2}
    yield [c.x((100,), "ties"), np.array([50], i64)], {}, {"out": 2}
    yield [c.x((3, 5), "distinct"), np.array([2], i64)], {}, {"out": 2, "skip": (1,)}
    yield [c.x((3, 5), "distinct"), np.array([2], i64)], {}, {"out": 2, "skip": (0,)}


@form("CumSum", "CumProd", types=("T", "T2"), versions="all")
def cumulate(c):
    t2 = np.int64 if c.type("T2") == "int64" else np.int32
    for axis in (0, -1):
        for e in (0, 1):
            for r in (0, 1):
                yield [c.x((3, 4), "pos" if c.op == "CumProd" else "mix"), np.array(axis, t2)], {
                    "exclusive": e, "reverse": r}


@form("CumSum", "CumProd")
def cumulate_shapes(c):
    for shape in ((1,), (0,), (2, 0, 3), (2, 1, 3), (2, 1, 2, 1, 2, 1, 2, 2)):
        for axis in (0, -1):
            yield [c.x(shape), np.array(axis, i32)], {"exclusive": 1}
    yield [c.x((3,)), np.array([0], i64)], {}
    yield [c.x((18,), "special"), np.array(0, i64)], {}


@form("Softmax", "LogSoftmax", "Hardmax", types=("T",), versions="all")
def softmax(c):
    yield [c.x((2, 3, 4), "ties")], {}
    yield [c.x((2, 3, 4))], {"axis": 1}
    yield [c.x((2, 3, 4))], {"axis": 0}
    if c.version >= 11:
        yield [c.x((2, 3, 4))], {"axis": -2}


@form("Softmax", "LogSoftmax", "Hardmax", versions="all")
def softmax_special(c):
    yield [c.x((5,), "ties")], {"axis": 0}
    yield [c.x((2, 0))], {"axis": 0}
    yield [c.x((0, 3))], {"axis": 1}
    yield [c.x((3, 1))], {"axis": 1}
    yield [c.x((2, 1, 2, 1, 2, 1, 2, 3))], {"axis": 4}
    yield [c.a([[1, 2, np.inf], [1, np.nan, 2], [-np.inf, 1, 2], [1e30, 1e30, -1e30]])], {"axis": 1}
    yield [c.a([[-np.inf] * 3, [np.inf] * 3])], {"axis": 1}
    yield [c.x((2, 100)) * 30], {"axis": 1}


@form("LpNormalization", types=("T",), versions="all")
def lp_norm(c):
    for p in (1, 2):
        for axis in (0, 1, -1):
            yield [c.x((3, 4, 2))], {"p": p, "axis": axis}
    yield [c.a([[0, 0], [3, -4]])], {"axis": 1, "p": 2}
    yield [c.a([[0, 0], [3, -4]])], {"axis": 1, "p": 1}


@form("MeanVarianceNormalization", types=("T",), versions="all")
def mvn(c):
    yield [c.x((2, 3, 2, 2))], {}
    yield [c.x((2, 3, 4))], {"axes": [1]}
    yield [c.x((2, 3, 4))], {"axes": [-1, 0]}


@form("LayerNormalization", types=("T", "U"))
def layer_norm(c):
    for axis in (-1, 1, 0):
        shape = (2, 3, 4)
        s = shape[axis % 3:] if axis else shape
        a = {"axis": axis}
        yield [c.x(shape), c.x(s, salt="s"), c.x(s, salt="b")], a, {"out": 3, "tol": None}
        yield [c.x(shape), c.x(s, salt="s")], {**a, "epsilon": 0.1}
    yield [c.x((2, 3, 4)), c.x((3, 1), salt="s"), c.x((4,), salt="b")], {"axis": 1}
    yield [c.x((2, 3, 4)), c.x((1,), salt="s")], {"axis": 1}


@form("RMSNormalization", types=("T", "V"))
def rms_norm(c):
    for axis in (-1, 1, -3):
        shape = (2, 3, 4)
        yield [c.x(shape), c.x(shape[axis % 3:], var="V", salt="s")], {"axis": axis}
    yield [c.x((2, 3, 4)), c.x((4,), var="V", salt="s")], {"axis": 1, "epsilon": 0.5}


@form("GroupNormalization", types=("T",), versions="all")
def group_norm(c):
    n = 2 if c.version == 18 else 4
    for shape in ((2, 4, 3), (1, 4, 2, 3), (1, 4, 1, 2, 2)):
        yield [c.x(shape), c.x((n,), salt="s"), c.x((n,), salt="b")], {"num_groups": 2}


@form("InstanceNormalization", types=("T",), versions="all")
def instance_norm(c):
    for shape in ((2, 3, 5), (1, 3, 2, 3), (1, 3, 1, 2, 2)):
        yield [c.x(shape), c.x((3,), salt="s"), c.x((3,), salt="b")], {"epsilon": 0.01}


@form("BatchNormalization", types=("T", "T1", "T2", "U"), versions="all")
def batch_norm(c):
    for shape in ((2, 3), (2, 3, 4), (1, 3, 2, 2), (1, 3, 1, 2, 2)):
        t1 = "T1" if "T1" in c.kinds else "T"
        t2 = "T2" if "T2" in c.kinds else "U" if "U" in c.kinds else "T"
        rest = [c.x((3,), "pos", t1, "s"), c.x((3,), "mix", t1, "b"), c.x((3,), "mix", t2, "m"),
                c.x((3,), "pos", t2, "v")]
        yield [c.x(shape), *rest], {"epsilon": 0.01}
        if c.version >= 14:
            yield [c.x(shape), *rest], {"training_mode": 1, "momentum": 0.75}, {"out": 3}


@form("LRN", types=("T",), versions="all")
def lrn(c):
    for size in (1, 3, 5):
        yield [c.x((2, 5, 3, 2))], {"size": size, "alpha": 0.5, "beta": 0.75, "bias": 2.0}
    yield [c.x((1, 5, 2, 3))], {"size": 9}
