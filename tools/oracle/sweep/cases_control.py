"""If, Loop, Scan, sequences, optionals and SequenceMap."""

import numpy as np
from onnx import TensorProto, helper

from core import form, last_opset, model_of, models, versions_of
from values import NAMES, f32, i32, i64, onnx_type, values

F, I, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
info = helper.make_tensor_value_info
node = helper.make_node


def graph(nodes, ins, outs, name="b", init=()):
    return helper.make_graph(nodes, name, ins, outs, list(init))


def const(name, value):
    from onnx import numpy_helper
    return node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value), ""))


def both(op):
    """The last opset of every version of an operator."""
    return [(v, last_opset(op, v)) for v in versions_of(op)]


@models
def ifs():
    x = values("float", (2, 3))
    for v, opset in both("If"):
        for cond in (True, False):
            a = graph([node("Add", ["x", "x"], ["p"])], [], [info("p", F, None)])
            b = graph([node("Neg", ["x"], ["q0"]), node("Abs", ["q0"], ["q"])], [], [info("q", F, None)])
            g = graph([node("If", ["c"], ["o0"], then_branch=a, else_branch=b)],
                      [info("c", B, []), info("x", F, [2, 3])], [info("o0", F, None)])
            yield f"If-v{v}-captured-{cond}", model_of(g, opset), [np.array(cond), x]
            a = graph([const("p", np.ones((2,), f32)), const("p2", np.array([7], i64))], [],
                      [info("p", F, None), info("p2", I, None)])
            b = graph([const("q", np.zeros((3, 1), f32)), const("q2", np.zeros((0,), i64))], [],
                      [info("q", F, None), info("q2", I, None)])
            g = graph([node("If", ["c"], ["o0", "o1"], then_branch=a, else_branch=b)], [info("c", B, [1])],
                      [info("o0", F, None), info("o1", I, None)])
            yield f"If-v{v}-shapes-{cond}", model_of(g, opset), [np.array([cond])]
    for cond in (True, False):
        inner = lambda t: graph([node("Mul", ["x", t], [t + "p"])], [], [info(t + "p", F, None)])  # noqa: E731
        mid = graph([node("If", ["d"], ["m"], then_branch=inner("y"), else_branch=inner("x"))], [], [info("m", F, None)])
        other = graph([node("Identity", ["y"], ["n"])], [], [info("n", F, None)])
        g = graph([node("Add", ["x", "x"], ["y"]), node("If", ["c"], ["o0"], then_branch=mid, else_branch=other)],
                  [info("c", B, []), info("d", B, []), info("x", F, ["n"])], [info("o0", F, None)])
        yield f"If-nested-{cond}", model_of(g, 21), [np.array(cond), np.array(not cond), values("float", (3,))]


@models
def loops():
    x = values("float", (3,))
    for v, opset in both("Loop"):
        for trips in (0, 1, 4):
            body = graph([node("Identity", ["ci"], ["co"]), node("Add", ["a", "x"], ["b"]), node("Mul", ["b", "b"], ["s"])],
                         [info("i", I, []), info("ci", B, []), info("a", F, [3])],
                         [info("co", B, []), info("b", F, [3]), info("s", F, [3])])
            g = graph([node("Loop", ["n", "c", "x"], ["o0", "o1"], body=body)],
                      [info("n", I, []), info("c", B, []), info("x", F, [3])], [info("o0", F, [3]), info("o1", F, ["k", 3])])
            yield f"Loop-v{v}-for-{trips}", model_of(g, opset), [np.array(trips, i64), np.array(True), x]
        yield f"Loop-v{v}-never", model_of(g, opset), [np.array(5, i64), np.array(False), x]
        body = graph([const("one", np.array(1, i64)), const("lim", np.array(5, i64)), node("Add", ["a", "one"], ["b"]),
                      node("Less", ["b", "lim"], ["co"]), node("Cast", ["i"], ["s"], to=F)],
                     [info("i", I, []), info("ci", B, []), info("a", I, [])],
                     [info("co", B, []), info("b", I, []), info("s", F, [])])
        g = graph([node("Loop", ["", "c", "a0"], ["o0", "o1"], body=body)], [info("c", B, []), info("a0", I, [])],
                  [info("o0", I, []), info("o1", F, ["k"])])
        yield f"Loop-v{v}-while", model_of(g, opset), [np.array(True), np.array(0, i64)]
        g = graph([node("Loop", ["n", "", "a0"], ["o0", "o1"], body=body)], [info("n", I, [1]), info("a0", I, [])],
                  [info("o0", I, []), info("o1", F, ["k"])])
        yield f"Loop-v{v}-limit", model_of(g, opset), [np.array([3], i64), np.array(0, i64)]
        yield f"Loop-v{v}-stops", model_of(g, opset), [np.array([30], i64), np.array(2, i64)]
    # the state grows
    body = graph([node("Identity", ["ci"], ["co"]), node("Concat", ["a", "x"], ["b"], axis=0)],
                 [info("i", I, []), info("ci", B, []), info("a", F, ["m"])], [info("co", B, []), info("b", F, ["m2"])])
    g = graph([node("Loop", ["n", "", "x"], ["o0"], body=body)], [info("n", I, []), info("x", F, [3])], [info("o0", F, ["k"])])
    for n in (0, 3):
        yield f"Loop-grows-{n}", model_of(g, 21), [np.array(n, i64), x]
    # two states that swap, and a loop within
    body = graph([node("Identity", ["ci"], ["co"]), node("Identity", ["b"], ["a1"]), node("Identity", ["a"], ["b1"])],
                 [info("i", I, []), info("ci", B, []), info("a", F, [3]), info("b", F, [3])],
                 [info("co", B, []), info("a1", F, [3]), info("b1", F, [3])])
    for n in (2, 3):
        g = graph([node("Neg", ["x"], ["y"]), node("Loop", ["n", "", "x", "y"], ["o0", "o1"], body=body)],
                  [info("n", I, []), info("x", F, [3])], [info("o0", F, [3]), info("o1", F, [3])])
        yield f"Loop-swap-{n}", model_of(g, 21), [np.array(n, i64), x]
    inner = graph([node("Identity", ["cj"], ["cjo"]), node("Add", ["z", "x"], ["z1"])],
                  [info("j", I, []), info("cj", B, []), info("z", F, [3])], [info("cjo", B, []), info("z1", F, [3])], "inner")
    body = graph([node("Identity", ["ci"], ["co"]), node("Loop", ["i", "", "a"], ["b"], body=inner)],
                 [info("i", I, []), info("ci", B, []), info("a", F, [3])], [info("co", B, []), info("b", F, [3])])
    g = graph([node("Loop", ["n", "", "x"], ["o0"], body=body)], [info("n", I, []), info("x", F, [3])], [info("o0", F, [3])])
    yield "Loop-nested", model_of(g, 21), [np.array(4, i64), x]


@models
def scans():
    for v, opset in both("Scan"):
        def body(shape):
            return graph([node("Add", ["a", "e"], ["b"]), node("Mul", ["b", "e"], ["s"])],
                         [info("a", F, shape), info("e", F, shape)], [info("b", F, shape), info("s", F, shape)])
        if v == 8:
            for d in (0, 1):
                g = graph([node("Scan", ["", "x", "e"], ["o0", "o1"], body=body([3]), num_scan_inputs=1, directions=[d])],
                          [info("x", F, [2, 3]), info("e", F, [2, 4, 3])], [info("o0", F, [2, 3]), info("o1", F, [2, 4, 3])])
                yield f"Scan-v8-{d}", model_of(g, opset), [values("float", (2, 3)), values("float", (2, 4, 3))]
            g = graph([node("Scan", ["l", "x", "e"], ["o0", "o1"], body=body([3]), num_scan_inputs=1)],
                      [info("l", I, [2]), info("x", F, [2, 3]), info("e", F, [2, 4, 3])],
                      [info("o0", F, [2, 3]), info("o1", F, [2, 4, 3])])
            yield "Scan-v8-lengths", model_of(g, opset), [np.array([4, 2], i64), values("float", (2, 3)), values("float", (2, 4, 3))]
            continue
        for di in (0, 1):
            for do in (0, 1):
                for ia in (0, 1) if v < 11 else (0, 1, -1):
                    for oa in (0, 1) if v < 11 else (0, -1):
                        g = graph([node("Scan", ["x", "e"], ["o0", "o1"], body=body([3]), num_scan_inputs=1,
                                        scan_input_directions=[di], scan_output_directions=[do],
                                        scan_input_axes=[ia], scan_output_axes=[oa])],
                                  [info("x", F, [3]), info("e", F, [4, 3] if ia == 0 else [3, 4])],
                                  [info("o0", F, [3]), info("o1", F, None)])
                        yield (f"Scan-v{v}-{di}{do}.{ia}.{oa}", model_of(g, opset),
                               [values("float", (3,)), values("float", (4, 3) if ia == 0 else (3, 4))])
        g = graph([node("Scan", ["x", "e"], ["o0", "o1"], body=body([3]), num_scan_inputs=1)],
                  [info("x", F, [3]), info("e", F, ["n", 3])], [info("o0", F, [3]), info("o1", F, ["n", 3])])
        yield f"Scan-v{v}-empty", model_of(g, opset), [values("float", (3,)), values("float", (0, 3))]
        two = graph([node("Mul", ["e", "k"], ["p"]), node("Sub", ["p", "f"], ["s"]), node("Add", ["e", "f"], ["t"])],
                    [info("e", F, [2]), info("f", F, [2])], [info("s", F, [2]), info("t", F, [2])])
        g = graph([node("Scan", ["e0", "f0"], ["o0", "o1"], body=two, num_scan_inputs=2, scan_input_directions=[0, 1],
                        scan_output_directions=[1, 0])],
                  [info("e0", F, [3, 2]), info("f0", F, [3, 2]), info("k", F, [2])], [info("o0", F, [3, 2]), info("o1", F, [3, 2])])
        yield f"Scan-v{v}-captured", model_of(g, opset), [values("float", (3, 2), salt="e"), values("float", (3, 2)), values("float", (2,))]


def sequence_type(name, dtype=F):
    return helper.make_tensor_sequence_value_info(name, dtype, None)


@form("SequenceConstruct", types=("T",))
def construct(c):
    yield [c.x((2, 3), salt="a"), c.x((1,), salt="b"), c.x((0, 2))], {}


@models
def sequences():
    for name in ("float", "int64", "string", "bool", "float16", "int8", "double", "uint64", "int16"):
        t = onnx_type(NAMES[name])
        s = [values(name, (2,), salt="a"), values(name, (3, 1), salt="b"), values(name, (), salt="c")]
        one, index = values(name, (2, 2), salt="n"), lambda v, k=i64: np.array(v, k)
        seq, tensor = sequence_type("s", t), info("x", t, None)
        at = info("i", I, [])
        for k in (0, -1, 2, -3):
            g = graph([node("SequenceAt", ["s", "i"], ["o0"])], [seq, at], [info("o0", t, None)])
            yield f"SequenceAt-{name}-{k}", model_of(g, 21), [s, index(k)]
            g = graph([node("SequenceErase", ["s", "i"], ["o0"])], [seq, at], [sequence_type("o0", t)])
            yield f"SequenceErase-{name}-{k}", model_of(g, 21), [s, index(k)]
        for k in (0, -1, 3, -3):
            g = graph([node("SequenceInsert", ["s", "x", "i"], ["o0"])], [seq, tensor, at], [sequence_type("o0", t)])
            yield f"SequenceInsert-{name}-{k}", model_of(g, 21), [s, one, index(k)]
        g = graph([node("SequenceInsert", ["s", "x"], ["o0"])], [seq, tensor], [sequence_type("o0", t)])
        yield f"SequenceInsert-{name}-end", model_of(g, 21), [s, one]
        g = graph([node("SequenceErase", ["s"], ["o0"])], [seq], [sequence_type("o0", t)])
        yield f"SequenceErase-{name}-end", model_of(g, 21), [s]
        g = graph([node("SequenceLength", ["s"], ["o0"])], [seq], [info("o0", I, [])])
        yield f"SequenceLength-{name}", model_of(g, 21), [s]
        g = graph([node("SequenceEmpty", [], ["e"], dtype=t), node("SequenceInsert", ["e", "x"], ["o0"])], [tensor],
                  [sequence_type("o0", t)])
        yield f"SequenceEmpty-{name}", model_of(g, 21), [one]
        same = [values(name, (2, 3), salt="a"), values(name, (2, 3), salt="b")]
        for axis in (0, 1, -1):
            for new in (0, 1):
                g = graph([node("ConcatFromSequence", ["s"], ["o0"], axis=axis, new_axis=new)], [seq], [info("o0", t, None)])
                yield f"ConcatFromSequence-{name}-{axis}-{new}", model_of(g, 21), [same]
        for v, opset in both("SplitToSequence"):
            for tag, extra, ins in (("ones", {"keepdims": 1}, []), ("drop", {"keepdims": 0}, []), ("two", {}, [np.array(2, i64)]),
                                    ("list", {}, [np.array([1, 4], i64)]), ("listkeep", {"keepdims": 0}, [np.array([1, 4], i64)]),
                                    ("negative", {"axis": -1}, [np.array(2, i32)])):
                x = values(name, (5, 3))
                g = graph([node("SplitToSequence", ["x"] + ["n"] * len(ins), ["o0"], **extra)],
                          [tensor] + [info("n", onnx_type(n.dtype), n.shape) for n in ins], [sequence_type("o0", t)])
                yield f"SplitToSequence-v{v}-{name}-{tag}", model_of(g, opset), [x, *ins]
        g = graph([node("SequenceMap", ["s", "x"], ["o0"], body=graph(
            [node("Identity", ["e"], ["r"])], [info("e", t, None), info("f", t, None)], [info("r", t, None)]))],
            [seq, tensor], [sequence_type("o0", t)])
        yield f"SequenceMap-{name}", model_of(g, 21), [s, one]
    body = graph([node("Add", ["e", "k"], ["r"]), node("Shape", ["e"], ["q"])], [info("e", F, None)],
                 [info("r", F, None), info("q", I, None)])
    g = graph([node("SequenceMap", ["s"], ["o0", "o1"], body=body)], [sequence_type("s"), info("k", F, [])],
              [sequence_type("o0"), sequence_type("o1", I)])
    yield "SequenceMap-captured", model_of(g, 21), [[values("float", (2,)), values("float", (3, 1))], np.array(2, f32)]


@models
def optionals():
    x = values("float", (2, 3))
    for v, opset in both("Optional"):
        g = graph([node("Optional", ["x"], ["p"]), node("OptionalHasElement", ["p"], ["o0"]),
                   node("OptionalGetElement", ["p"], ["o1"])], [info("x", F, None)], [info("o0", B, []), info("o1", F, None)])
        yield f"Optional-v{v}-tensor", model_of(g, opset), [x]
        t = helper.make_tensor_type_proto(F, None)
        g = graph([node("Optional", [], ["p"], type=t), node("OptionalHasElement", ["p"], ["o0"])], [], [info("o0", B, [])])
        yield f"Optional-v{v}-none", model_of(g, opset), []
        g = graph([node("Optional", ["s"], ["p"]), node("OptionalHasElement", ["p"], ["o0"]),
                   node("OptionalGetElement", ["p"], ["o1"])], [sequence_type("s")], [info("o0", B, []), sequence_type("o1")])
        yield f"Optional-v{v}-sequence", model_of(g, opset), [[x, x[0]]]
    for v, opset in both("OptionalHasElement"):
        if v >= 18:
            g = graph([node("OptionalHasElement", ["x"], ["o0"]), node("OptionalGetElement", ["x"], ["o1"]),
                       node("OptionalHasElement", [], ["o2"])], [info("x", F, None)],
                      [info("o0", B, []), info("o1", F, None), info("o2", B, [])])
            yield f"OptionalHasElement-v{v}-plain", model_of(g, opset), [x]


@models
def small_graphs():
    """Shape arithmetic, shared values, outputs that are inputs or constants."""
    x = values("float", (2, 3, 4))
    g = graph([node("Shape", ["x"], ["sh"]), const("z", np.array([0], i64)), const("m", np.array([-1], i64)),
               node("Gather", ["sh", "z"], ["n"]), node("Concat", ["n", "m"], ["to"], axis=0), node("Reshape", ["x", "to"], ["o0"])],
              [info("x", F, ["a", "b", "c"])], [info("o0", F, None)])
    yield "Graph-flatten", model_of(g, 21), [x]
    g = graph([node("Identity", ["x"], ["o0"]), node("Neg", ["x"], ["o1"]), node("Neg", ["o1"], ["o2"])], [info("x", F, [2, 3, 4])],
              [info(o, F, None) for o in ("o0", "o1", "o2")])
    yield "Graph-shared", model_of(g, 21), [x]
    g = graph([const("k", np.ones((2,), f32)), node("Identity", ["k"], ["o0"]), node("Add", ["k", "k"], ["o1"])], [],
              [info("o0", F, None), info("o1", F, None)])
    yield "Graph-constant", model_of(g, 21), []
    g = graph([node("NonZero", ["x"], ["i"]), node("Transpose", ["i"], ["j"]), node("GatherND", ["x", "j"], ["v"]),
               node("ReduceSum", ["v"], ["o0"], keepdims=0), node("Shape", ["v"], ["o1"])], [info("x", F, ["a", "b", "c"])],
              [info("o0", F, None), info("o1", I, None)])
    yield "Graph-dynamic", model_of(g, 21), [x]
    yield "Graph-dynamic-empty", model_of(g, 21), [np.zeros((2, 3, 4), f32)]
