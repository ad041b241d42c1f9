#!/usr/bin/env python3
"""Write reference vectors of com.microsoft's transformer operators from ONNX Runtime's CPU kernels.

usage: contrib_transformers.py OUT [OPERATOR...]

The format is that of operator_vectors.py, with `com.microsoft:NAME` where an operator is not of
ai.onnx. Each case is a model of one node, run without graph optimisation. Operators and forms that
ONNX Runtime has for GPUs only come from the formulas here, written after their documentation. What ONNX Runtime leaves
undefined (rows of padding) is set to NaN here, which the test skips. A case that ONNX Runtime
refuses is named on standard error.
"""

import math
import sys

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from operator_vectors import attribute_text, tensor_text

R = np.random.default_rng(17)
MICROSOFT = "com.microsoft"
COUNTS: dict[str, int] = {}
REFUSED: list[str] = []
WANTED: set[str] = set()


def f(*shape, spread=1.0):
    return (R.standard_normal(shape) * spread).astype(np.float32)


def i32(values):
    return np.array(values, dtype=np.int32)


def run(op, inputs, outputs, domain, attributes):
    """The node and what ONNX Runtime makes of the inputs."""
    while inputs[-1] is None:
        inputs = inputs[:-1]
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    results = [f"y{i}" if i in outputs else "" for i in range(max(outputs) + 1)]
    node = helper.make_node(op, names, results, domain=domain, **attributes)
    protos = [None if x is None else numpy_helper.from_array(np.asarray(x)) for x in inputs]
    graph = helper.make_graph(
        [node],
        "g",
        [
            helper.make_tensor_value_info(n, p.data_type, list(p.dims))
            for n, p in zip(names, protos, strict=True)
            if p is not None
        ],
        [helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in results if n],
    )
    opsets = [helper.make_opsetid("", 16), helper.make_opsetid(MICROSOFT, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    for value in model.graph.output:
        value.ClearField("type")
        if value.name == "y3":  # ONNX Runtime infers no type for the scores.
            value.type.tensor_type.elem_type = protos[0].data_type
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    feed = {n: np.asarray(x) for n, x in zip(names, inputs, strict=True) if x is not None}
    return node, protos, dict(zip([r for r in results if r], session.run(None, feed), strict=True))


def case(op, inputs, outputs=(0,), domain=MICROSOFT, hide=None, half=False, **attributes):
    """One case; `hide` maps an output's number to a mask of elements that mean nothing.

    With `half` the case is written once more in float16.
    """
    if WANTED and op not in WANTED:
        return
    for dtype in [np.float32, np.float16] if half else [None]:
        given = [
            x.astype(dtype) if dtype is not None and x is not None and x.dtype == np.float32 else x
            for x in inputs
        ]
        COUNTS[op] = COUNTS.get(op, 0) + 1
        name = f"{op}_{COUNTS[op]}"
        try:
            node, protos, got = run(op, given, outputs, domain, attributes)
        except Exception as error:
            REFUSED.append(f"{name}: {str(error).splitlines()[0][:300]}")
            continue
        results = []
        for i in range(max(outputs) + 1):
            y = got.get(f"y{i}")
            if y is not None and hide and i in hide:
                y = y.copy()
                y[np.broadcast_to(hide[i], y.shape)] = np.nan
            results.append(None if y is None else numpy_helper.from_array(y))
        write(name, node, protos, results)


def write(name, node, inputs, outputs):
    operator = f"{node.domain}:{node.op_type}" if node.domain else node.op_type
    lines = [f"case {name} {operator} 1"]
    lines += [attribute_text(a) for a in node.attribute]
    lines += ["in " + ("none" if t is None else tensor_text(t)) for t in inputs]
    lines += ["out " + ("none" if t is None else tensor_text(t)) for t in outputs]
    case.out.write("\n".join(lines) + "\n")


def stated(op, inputs, results, domain=MICROSOFT, **attributes):
    """A case whose results are given."""
    if WANTED and op not in WANTED:
        return
    COUNTS[op] = COUNTS.get(op, 0) + 1
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    node = helper.make_node(op, names, [f"y{i}" for i in range(len(results))], domain=domain, **attributes)
    protos = [None if x is None else numpy_helper.from_array(np.asarray(x)) for x in inputs]
    write(f"{op}_{COUNTS[op]}", node, protos, [numpy_helper.from_array(np.asarray(y)) for y in results])


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def gelu(x):
    return (x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))).astype(np.float32)


def group_norm(s, gamma, beta, groups, activation, epsilon=1e-5):
    """Channels last."""
    n, h, w, c = s.shape
    x = s.astype(np.float64).reshape(n, h * w, groups, c // groups)
    x = (x - x.mean(axis=(1, 3), keepdims=True)) / np.sqrt(x.var(axis=(1, 3), keepdims=True) + epsilon)
    y = x.reshape(s.shape) * gamma + beta
    return (y / (1 + np.exp(-y)) if activation else y).astype(np.float32)


def bucket(distance, both, buckets, most):
    """T5's bucket of key - query."""
    first, n = 0, -distance
    if both:
        buckets //= 2
        if n < 0:
            first, n = buckets, -n
    else:
        n = max(n, 0)
    exact = buckets // 2
    if n < exact:
        return first + n
    far = exact + int(math.log(n / exact) / math.log(most / exact) * (buckets - exact))
    return first + min(far, buckets - 1)


def activations():
    x = f(2, 3, 5, spread=2)
    case("Gelu", [x], half=True)
    case("QuickGelu", [x], half=True)
    case("QuickGelu", [x], alpha=0.5)
    case("FastGelu", [x], half=True)
    case("FastGelu", [x, f(5)], half=True)
    case("BiasGelu", [x, f(5)], half=True)
    x, bias, skip = f(2, 3, 8), f(8), f(2, 3, 8)
    left, right = np.split(x + bias, 2, axis=-1)
    stated("BiasSplitGelu", [x, bias], [left * gelu(right)])
    stated("BiasAdd", [x, bias, skip], [x + bias + skip])
    data = f(2, 3, 4, 5)
    for shape, inner in [((2, 1, 1, 5), 1), ((1, 1, 4, 5), 0)]:
        bias = f(*shape)
        at = {"axis": 3, "is_inner_broadcast": inner}
        stated("BiasSoftmax", [data, bias], [softmax(data + bias)], **at)
    bias = f(1, 3, 4, 5)
    flat = softmax((data + bias).reshape(2, 3, 20)).reshape(data.shape)
    stated("BiasSoftmax", [data, bias], [flat], axis=2, is_inner_broadcast=0)


def normalisations():
    x, s, g, b = f(2, 3, 8), f(2, 3, 8), f(8), f(8)
    every = (0, 1, 2, 3)
    case("SkipLayerNormalization", [x, s, g], half=True)
    case("SkipLayerNormalization", [x, s, g, b], half=True)
    case("SkipLayerNormalization", [x, s, g, b, f(8)], (0, 3), half=True, epsilon=0.01)
    case("SkipLayerNormalization", [x, f(1, 3, 8), g, b])
    case("SkipLayerNormalization", [x, f(3, 8), g, None, f(8)], (0, 3))
    case("SkipLayerNormalization", [f(5, 8), f(5, 8), g, b], (0, 3))
    case("SkipLayerNormalization", [x, s, g, b], every)
    case("SkipSimplifiedLayerNormalization", [x, s, g], half=True)
    case("SkipSimplifiedLayerNormalization", [x, s, g, f(8)], (0, 3), half=True, epsilon=1e-5)
    case("SkipSimplifiedLayerNormalization", [f(5, 8), f(5, 8), g], (0, 3))
    case("SkipSimplifiedLayerNormalization", [x, f(3, 8), g])
    case("SkipSimplifiedLayerNormalization", [x, f(1, 3, 8), g, f(8)], (0, 3))
    case("SkipSimplifiedLayerNormalization", [x, s, g], every)
    case("SimplifiedLayerNormalization", [x, g], domain="", half=True)
    case("SimplifiedLayerNormalization", [x, g], (0, 1), domain="", axis=-1, epsilon=0.01)
    case("SimplifiedLayerNormalization", [x, f(3, 8)], domain="", axis=1, stash_type=1)
    case("SimplifiedLayerNormalization", [x.astype(np.float64), g.astype(np.float64)], domain="")
    case("LayerNormalization", [x, g, b], (0, 1, 2), domain="", epsilon=0.01)
    case("LayerNormalization", [x, g], domain="", axis=2, half=True)
    n, full, row = f(2, 3, 4, 8), f(2, 3, 4, 8), f(2, 8)
    for activation in (0, 1):
        at = {"groups": 4, "activation": activation}
        y = group_norm(n, g, b, 4, activation)
        stated("GroupNorm", [n, g, b], [y], channels_last=1, **at)
        first = [np.ascontiguousarray(v.transpose(0, 3, 1, 2)) for v in (n, y)]
        stated("GroupNorm", [first[0], g, b], [first[1]], channels_last=0, **at)
        for skip, bias in [(full, f(8)), (row, f(8)), (row.reshape(2, 1, 1, 8), None)]:
            s = n + (row[:, None, None, :] if skip is not full else full)
            s = s if bias is None else s + bias
            y = group_norm(s, g, b, 4, activation)
            stated("SkipGroupNorm", [n, g, b, skip, bias], [y, s], **at)


def embeddings():
    ids, seg = i32([[1, 4, 2], [0, 6, 5]]), i32([[0, 1, 1], [0, 0, 1]])
    word, pos, segment, g, b = f(7, 8), f(5, 8), f(2, 8), f(8), f(8)
    mask = i32([[1, 1, 0], [1, 1, 1]])
    op = "EmbedLayerNormalization"
    case(op, [ids, seg, word, pos, segment, g, b], (0, 1), half=True)
    case(op, [ids, seg, word, pos, segment, g, b, mask], (0, 1, 2), half=True, epsilon=0.01)
    case(op, [ids, None, word, pos, None, g, b], (0, 1))
    case(op, [ids, None, word, pos, None, g, b, None, i32([[2, 0, 4]])], (0, 2))
    case(op, [ids, seg, word, pos, segment, g, b, None, i32([[2, 0, 4], [1, 1, 3]])], (0, 1, 2))
    case(op, [ids, seg, word, pos, segment, g, b, i32([[0, 1, 1], [0, 0, 0]])], (0, 1), mask_index_type=1)


def rotary():
    cos, sin = f(10, 4), f(10, 4)
    ids = np.array([[2, 0, 7], [1, 9, 3]], np.int64)
    first = np.array([3], np.int64)
    for interleaved in (0, 1):
        at = {"interleaved": interleaved}
        case("RotaryEmbedding", [f(2, 3, 16), ids, cos, sin], half=True, **at)
        case("RotaryEmbedding", [f(2, 3, 16), first, cos, sin], **at)
        case("RotaryEmbedding", [f(2, 2, 3, 8), ids, cos, sin], half=True, **at)
        case("RotaryEmbedding", [f(2, 2, 3, 8), first, cos, sin], scale=2.0, **at)
        part = {"num_heads": 2, "rotary_embedding_dim": 4}
        case("RotaryEmbedding", [f(2, 3, 16), ids, f(10, 2), f(10, 2)], **part, **at)
        case("RotaryEmbedding", [f(2, 2, 3, 8), first, f(10, 2), f(10, 2)], **part, **at)
    case("RotaryEmbedding", [f(2, 3, 16), np.array([0], np.int64), f(10, 4), f(10, 4)], is_packed_batching=1)


def positions():
    length = lambda n: np.array([n], np.int64)
    for both, most, q, k in [(1, 8, 5, 5), (0, 8, 6, 6), (1, 20, 30, 30), (0, 20, 30, 30), (0, 16, 4, 9)]:
        table = f(8, 2)
        y = np.array([[table[bucket(j - i, both, 8, most)] for j in range(k)] for i in range(q)])
        at = {"is_bidirectional": both, "max_distance": most}
        stated("RelativePositionBias", [table, length(q), length(k)], [y.transpose(2, 0, 1)[None]], **at)
    n, h, d, s = 2, 4, 8, 3
    q, qb, pos, w, bias, eco = f(2, s, n * h), f(n * h), f(1, n, s, s), f(h, d), f(d), f(1, n, 1, 1)
    gates = ((q + qb).reshape(2, s, n, h).transpose(0, 2, 1, 3) @ w + bias).reshape(2, n, s, 2, d // 2)
    u, r = np.split(1 / (1 + np.exp(-gates.sum(axis=-1))), 2, axis=-1)
    y = ((u * (r * eco - 1) + 2) * pos).astype(np.float32)
    stated("GatedRelativePositionBias", [q, qb, pos, w, bias, eco], [y], num_heads=n)
    ids = np.array([[1, 2, 3, 1, 2], [0, 0, 0, 0, 0], [4, 3, 4, 3, 4]], np.int64)
    for size in (1, 2, 3):
        case("NGramRepeatBlock", [ids, f(3, 6)], ngram_size=size)


def attention():
    op = "Attention"
    b, s, n, h = 2, 4, 2, 4
    d = n * h
    x, w, bias = f(b, s, 6), f(6, 3 * d), f(3 * d)
    case(op, [x, w, bias], num_heads=n, half=True)
    case(op, [x, w], num_heads=n)
    case(op, [x, w, bias], num_heads=n, unidirectional=1, half=True)
    case(op, [x, w, bias], num_heads=n, scale=0.3)
    sizes = [8, 8, 12]
    case(op, [x, f(6, 28), f(28)], num_heads=n, qkv_hidden_sizes=sizes)
    m2 = i32([[1, 1, 0, 0], [0, 1, 1, 1]])
    m3 = (R.random((b, s, s)) > 0.4).astype(np.int32)
    none = np.zeros_like(m2)
    for causal in (0, 1):
        at = {"num_heads": n, "unidirectional": causal}
        case(op, [x, w, bias, m2], half=not causal, **at)
        case(op, [x, w, bias, m2], mask_filter_value=-3.0, **at)
        case(op, [x, w, bias, m2], mask_filter_value=float(np.finfo(np.float32).min), **at)
        case(op, [x, w, bias, none], **at)
        case(op, [x, w, bias, m3], mask_filter_value=-2.0, **at)
        case(op, [x, w, bias, i32([2, 4])], mask_filter_value=-2.0, **at)
        case(op, [x, w, bias, i32([2, 0])], **at)
        case(op, [x, w, bias, i32([3, 4, 1, 2])], mask_filter_value=-2.0, **at)
        case(op, [x, w, bias, i32([3, 4, 0, 4, 8, 0, 4, 8])], **at)
        case(op, [x, w, bias, m2, None, f(b, n, s, s)], **at)
        case(op, [x, w, bias, None, None, f(1, n, s, s)], **at)
        case(op, [x, w, bias, m3, None, f(b, 1, s, s)], **at)
        case(op, [x, w, bias, None, None, f(1, 1, s, s)], **at)
        past = f(2, b, n, 3, h)
        case(op, [x, w, bias, None, past], (0, 1), half=True, **at)
        t2 = i32([[1, 1, 0, 0, 1, 1, 1], [0, 1, 1, 1, 0, 1, 1]])
        case(op, [x, w, bias, t2, past], (0, 1), mask_filter_value=-2.0, **at)
        t3 = (R.random((b, s, s + 3)) > 0.4).astype(np.int32)
        case(op, [x, w, bias, t3, past], (0, 1), **at)
        case(op, [x[:, :1], w, bias, t2[:, :4], past], (0, 1), **at)
        case(op, [x[:, :1], w, bias, i32([2, 4]), past], (0, 1), **at)
    case(op, [x, w, bias], (0, 1), num_heads=n, unidirectional=1)
    case(op, [x, w, bias, None, f(2, b, n, 0, h)], (0, 1), num_heads=n, unidirectional=1)
    m4 = np.tril(np.ones((b, 1, 6, 6), np.int32))
    _, _, got = run(op, [x, w, bias], (0,), MICROSOFT, {"num_heads": n, "unidirectional": 1})
    stated(op, [x, w, bias, m4], [got["y0"]], num_heads=n)


def multi_head():
    op = "MultiHeadAttention"
    b, s, l, n, h = 2, 3, 5, 2, 4
    d = n * h
    q, k, v, bias = f(b, s, d), f(b, l, d), f(b, l, d), f(3 * d)
    at = {"num_heads": n}
    case(op, [q, k, v], half=True, **at)
    case(op, [q, k, v, bias], half=True, **at)
    case(op, [q, k, f(b, l, 12), f(28)], **at)
    case(op, [q, k, v], scale=0.7, **at)
    case(op, [q, f(b, s, d), f(b, s, d)], unidirectional=1, half=True, **at)
    m = i32([[1, 1, 1, 0, 0], [0, 1, 1, 1, 1]])
    case(op, [q, k, v, None, m], half=True, **at)
    case(op, [q, k, v, bias, m], mask_filter_value=-2.0, **at)
    case(op, [q, k, v, None, i32([3, 5])], **at)
    case(op, [q, k, v, None, i32([3, 5, 0, 3, 6, 0, 5, 10])], **at)
    case(op, [q, k, v, None, (R.random((b, s, l)) > 0.4).astype(np.int32)], **at)
    case(op, [q, k, v, None, m, f(b, n, s, l)], **at)
    case(op, [q, k, v, None, None, f(1, n, s, l)], half=True, **at)
    case(op, [q, k, v, None, None, f(b, 1, s, l)], **at)
    case(op, [q, k, v, None, None, f(1, 1, s, l)], (0, 3), **at)
    case(op, [q, k, v, bias, m], (0, 3), **at)
    pk, pv = f(b, n, 2, h), f(b, n, 2, h)
    for causal in (0, 1):
        at["unidirectional"] = causal
        case(op, [q, k[:, :s], v[:, :s], None, None, None, pk, pv], (0, 1, 2), half=True, **at)
        case(op, [q, k[:, :s], v[:, :s], bias, None, f(1, n, s, s + 2), pk, pv], (0, 1, 2), **at)
        case(op, [q, k[:, :s], v[:, :s], None, m, None, pk, pv], (0, 1, 2, 3), **at)
        case(op, [q[:, :1], k[:, :1], v[:, :1], None, m[:, :3], None, pk, pv], (0, 1, 2), **at)
        case(op, [q, k[:, :s], v[:, :s]], (0, 1, 2), **at)
    at["unidirectional"] = 0
    case(op, [q, k[:, :s], v[:, :s], None, None, None, f(b, n, 0, h), f(b, n, 0, h)], (0, 1, 2), **at)
    ck, cv = f(b, n, l, h), f(b, n, l, h)
    case(op, [q, ck, cv], half=True, **at)
    case(op, [q, ck, cv, bias], **at)
    case(op, [q, ck, cv, None, m], **at)
    packed, pairs = f(b, s, n, 3, h), f(b, l, n, 2, h)
    for given in (None, bias):
        parts = [packed[:, :, :, i].reshape(b, s, d) for i in range(3)]
        _, _, got = run(op, [*parts, given], (0,), MICROSOFT, at)
        stated(op, [packed, None, None, given], [got["y0"]], **at)
        parts = [pairs[:, :, :, i].reshape(b, l, d) for i in range(2)]
        _, _, got = run(op, [q, *parts, given], (0,), MICROSOFT, at)
        stated(op, [q, pairs, None, given], [got["y0"]], **at)


def decoder_masked():
    op = "DecoderMaskedMultiHeadAttention"
    b, n, h, p = 2, 2, 4, 3
    d = n * h
    q, k, v, bias = f(b, 1, d), f(b, 1, d), f(b, 1, d), f(3 * d)
    at = {"num_heads": n}
    m = i32([[1, 0, 1, 1], [0, 1, 1, 1]])
    ck, cv = f(b, n, 5, h), f(b, n, 5, h)
    case(op, [q, ck, cv], **at)
    case(op, [q, ck, cv, None, None, None, None, None, None, None, bias], (0, 3), output_qk=1, **at)
    case(op, [q, ck, cv], (0, 3), output_qk=1, **at)
    at["past_present_share_buffer"] = 1
    bk, bv = f(b, n, 6, h), f(b, n, 6, h)
    tail = np.zeros((1, 1, 6, 1), bool)
    tail[:, :, 4:] = True
    hide = {1: tail, 2: tail}
    case(op, [q, k, v, None, None, bk, bv, i32([3])], (0, 1, 2), hide=hide, **at)
    case(op, [q, k, v, m, f(1, n, 1, p + 1), bk, bv, i32([3])], (0, 1, 2), hide=hide, **at)
    beams = R.integers(0, 2, (1, 2, 6)).astype(np.int32)
    case(op, [q, k, v, None, None, bk, bv, i32([3]), i32([2]), beams], (0, 1, 2), hide=hide, **at)
    # Attention itself, with the past cut to what is valid.
    x, w, past = f(b, 1, 6), f(6, 3 * d), f(2, b, n, 6, h)
    _, _, got = run("Attention", [x, w, bias, None, past[:, :, :, :3]], (0, 1), MICROSOFT, {"num_heads": n})
    present = past.copy()
    present[:, :, :, :4] = got["y1"]
    shared = [x, w, bias, None, past, None, i32([3])]
    stated("DecoderMaskedSelfAttention", shared, [got["y0"], present], **at)
    stated("Attention", shared, [got["y0"], present], **at)


def rows(lengths, s):
    """Where a row of a right-padded prompt is padding: [B, S, 1]."""
    return (np.arange(s)[None, :] >= np.array(lengths)[:, None])[:, :, None]


def cache(lengths, c):
    """Where a row of the cache holds nothing: [B, 1, C, 1]."""
    return (np.arange(c)[None, :] >= np.array(lengths)[:, None])[:, None, :, None]


def group_query():
    op = "GroupQueryAttention"
    b, s, n, kv, h = 2, 3, 2, 1, 16
    at = {"num_heads": n, "kv_num_heads": kv}
    q, k, v = f(b, s, n * h), f(b, s, kv * h), f(b, s, kv * h)
    cos, sin = f(12, 8), f(12, 8)
    whole = [i32([s - 1] * b), i32(s)]
    rotate = {"do_rotary": 1}
    case(op, [q, k, v, None, None, *whole], (0, 1, 2), half=True, **at)
    case(op, [f(b, s, (n + 2 * kv) * h), None, None, None, None, *whole], (0, 1, 2), half=True, **at)
    case(op, [q, k, v, None, None, *whole, cos, sin], (0, 1, 2), half=True, **rotate, **at)
    # Without the outputs of the cache ONNX Runtime computes something else after a past.
    case(op, [q, k, v, None, None, *whole, cos, sin], (0, 1, 2), rotary_interleaved=1, **rotate, **at)
    packed = f(b, s, (n + 2 * kv) * h)
    case(op, [packed, None, None, None, None, *whole, cos, sin], (0, 1, 2), **rotate, **at)
    # A prompt with padding at its right.
    short = {0: rows([2, 3], s), 1: cache([2, 3], s), 2: cache([2, 3], s)}
    uneven = [i32([1, 2]), i32(s)]
    case(op, [q, k, v, None, None, *uneven, cos, sin], (0, 1, 2), hide=short, **rotate, **at)
    # Decoding: caches as long as the past, or with room at the end.
    one = [q[:, :1], k[:, :1], v[:, :1]]
    for p in (4, 9):
        past = [f(b, kv, p, h), f(b, kv, p, h)]
        for lengths in ([5, 5], [5, 3]):
            full = [i32([n - 1 for n in lengths]), i32(5)]
            hide = {1: cache(lengths, max(5, p)), 2: cache(lengths, max(5, p))}
            half = p == 9
            case(op, [*one, *past, *full], (0, 1, 2), hide=hide, half=half, **at)
            case(op, [*one, *past, *full, cos, sin], (0, 1, 2), hide=hide, half=half, **rotate, **at)
            extra = [None, None, None, f(b, n, 1, 5)]
            case(op, [*one, *past, *full, *extra], (0, 1, 2), hide=hide, **at)
            case(op, [*one, *past, *full, None, None, None, f(1, 1, 1, 5)], (0, 1, 2), hide=hide, **at)
            for window in (1, 2, 4):
                case(op, [*one, *past, *full], (0, 1, 2), hide=hide, local_window_size=window, **at)
        case(op, [packed[:, :1], None, None, *past, *full, cos, sin], (0, 1, 2), hide=hide, **rotate, **at)
        ids = np.array([[7], [2]], np.int64)
        case(op, [*one, *past, *full, cos, sin, ids], (0, 1, 2), hide=hide, **rotate, **at)
    # More tokens after a past, one sequence only.
    single = [x[:1] for x in (q, k, v)]
    for p in (2, 7):
        past = [f(1, kv, p, h), f(1, kv, p, h)]
        full = [i32([4]), i32(5)]
        hide = {1: cache([5], max(5, p)), 2: cache([5], max(5, p))}
        case(op, [*single, *past, *full, cos, sin], (0, 1, 2), hide=hide, **rotate, **at)
        case(op, [*single, *past, *full], (0, 1, 2), hide=hide, local_window_size=2, **at)
    # The forms of the softmax.
    case(op, [q, k, v, None, None, *whole], softcap=0.5, **at)
    case(op, [q, k, v, None, None, *whole], smooth_softmax=1, **at)
    case(op, [q, k, v, None, None, *whole, None, None, None, None, f(n)], half=True, **at)
    case(op, [q, k, v, None, None, *whole, None, None, None, None, f(n)], softcap=0.7, local_window_size=2, **at)
    case(op, [q, k, v, None, None, *whole, None, None, None, f(1, n, s, s)], softcap=0.7, **at)
    case(op, [q, k, v, None, None, *whole], scale=0.2, local_window_size=1, **at)
    case(op, [q, k, v, None, None, *whole], local_window_size=2, **at)
    case(op, [q, k, v, None, None, *whole], causal=0, **at)
    for mode in (1, 2):
        case(op, [q, k, v, None, None, *whole], (0, 1, 2, 3), qk_output=mode, softcap=0.7, **at)
        past = [f(b, kv, 4, h), f(b, kv, 4, h)]
        full = [i32([4, 4]), i32(5)]
        extra = [None, None, None, f(1, 1, 1, 5)]
        case(op, [*one, *past, *full, *extra], (0, 1, 2, 3), qk_output=mode, **at)
    ids = np.array([[3, 1, 4], [0, 2, 5]], np.int64)
    case(op, [q, k, v, None, None, *whole, cos, sin, ids], **rotate, **at)
    # Chunks with padding at their right.
    past = [f(b, kv, 9, h), f(b, kv, 9, h)]
    chunk = [None] * 9
    totals, valid = [5, 4], [2, 3]
    hide = {0: rows(valid, s), 1: cache(totals, 9), 2: cache(totals, 9)}
    inputs = [q, k, v, *past, i32([t - 1 for t in totals]), i32(9), cos, sin, *[None] * 7, i32(valid)]
    case(op, inputs, (0, 1, 2), hide=hide, **rotate, **at)
    # Norms of heads.
    gains = [f(h), f(h)]
    scaled = []
    for x, heads, gain in [(q, n, gains[0]), (k, kv, gains[1])]:
        y = x.reshape(b, s, heads, h)
        y = y / np.sqrt((y * y).mean(axis=-1, keepdims=True) + 1e-6) * gain
        scaled.append(y.reshape(x.shape).astype(np.float32))
    tail = [None, None, *whole, cos, sin]
    _, _, got = run(op, [*scaled, v, *tail], (0, 1, 2), MICROSOFT, rotate | at)
    results = [got["y0"], got["y1"], got["y2"]]
    stated(op, [q, k, v, *tail, *[None] * 5, *gains], results, **rotate, **at)
    # A window-sized cache.
    past = [f(b, kv, 4, h), f(b, kv, 4, h)]
    for total in (3, 5, 9):
        left = {1: cache([min(total, 3)] * 2, 4), 2: cache([min(total, 3)] * 2, 4)}
        case(op, [*one, *past, i32([total - 1] * b), i32(total)], (0, 1, 2), hide=left,
             sliding_window_cache=1, local_window_size=3, **at)


def experts():
    op = "MoE"
    t, d, e, inner = 5, 6, 4, 3
    x, router = f(t, d), f(t, e)
    one, b1, two, b2 = f(e, inner, d), f(e, inner), f(e, d, inner), f(e, d)
    for activation in ("relu", "gelu", "silu", "identity"):
        case(op, [x, router, one, b1, two, b2], activation_type=activation, k=2)
    case(op, [x, router, one, None, two], k=1, half=True)
    case(op, [x, router, one, None, two], k=3, normalize_routing_weights=1)
    case(op, [f(1, 5, d), router, one, b1, two, b2], k=2, normalize_routing_weights=1)
    gate = {"activation_type": "swiglu", "k": 2, "activation_alpha": 1.702, "activation_beta": 1.0}
    double, wide = f(e, 2 * inner, d), f(e, 2 * inner)
    case(op, [x, router, double, wide, two, b2], swiglu_fusion=1, swiglu_limit=0.7, **gate)
    case(op, [x, router, double, wide, two, b2], swiglu_fusion=1, normalize_routing_weights=1, **gate)
    # Halves, and a layer of its own for the gate, from the interleaved form.
    _, _, got = run(op, [x, router, double, wide, two, b2], (0,), MICROSOFT, gate | {"swiglu_fusion": 1})
    parts = [np.ascontiguousarray(v) for v in (double[:, ::2], double[:, 1::2], wide[:, ::2], wide[:, 1::2])]
    halves = [np.concatenate(parts[:2], axis=1), np.concatenate(parts[2:], axis=1)]
    stated(op, [x, router, *halves, two, b2], [got["y0"]], swiglu_fusion=2, **gate)
    stated(op, [x, router, parts[0], parts[2], two, b2, parts[1], parts[3]], [got["y0"]], **gate)


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 64
    WANTED.update(sys.argv[2:])
    with open(sys.argv[1], "w", encoding="utf-8") as case.out:
        for part in (
            activations, normalisations, embeddings, rotary, positions, attention, multi_head,
            decoder_masked, group_query, experts,
        ):  # fmt: skip
            part()
    for line in REFUSED:
        print(line, file=sys.stderr)
    print(f"{sum(COUNTS.values()) - len(REFUSED)} cases, {len(REFUSED)} refused")
    return 0


if __name__ == "__main__":
    sys.exit(main())
