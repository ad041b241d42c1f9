#!/usr/bin/env python3
"""Write reference vectors of com.microsoft's transformer operators from ONNX Runtime's CPU kernels.

usage: contrib_transformers.py OUT [OPERATOR...]

The format is that of operator_vectors.py, with `com.microsoft:NAME` where an operator is not of
ai.onnx. Each case is a model of one node, run without graph optimisation. Operators and forms that
ONNX Runtime has for GPUs only come from formulas here, written after its documentation. What ONNX
Runtime leaves undefined (rows of padding) is NaN, which the test skips. A case that ONNX Runtime
refuses is named on standard error.
"""

import math
import sys

import numpy as np

from contrib_attention import attention, decoder_masked, group_query, multi_head
from contrib_cases import COUNTS, MICROSOFT, REFUSED, WANTED, R, case, f, i32, run, stated


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
