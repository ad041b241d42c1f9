"""The cases of com.microsoft's attention operators: see contrib_transformers.py."""

import numpy as np

from contrib_cases import MICROSOFT, R, case, f, i32, run, stated


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
    case(op, [q, k, v, None, None, *whole, cos, sin], (0, 1, 2), rotary_interleaved=1, **rotate, **at)
    packed = f(b, s, (n + 2 * kv) * h)
    case(op, [packed, None, None, None, None, *whole, cos, sin], (0, 1, 2), **rotate, **at)
    # A prompt with padding at its right.
    short = {0: rows([2, 3], s), 1: cache([2, 3], s), 2: cache([2, 3], s)}
    uneven = [i32([1, 2]), i32(s)]
    case(op, [q, k, v, None, None, *uneven, cos, sin], (0, 1, 2), hide=short, **rotate, **at)
    # Decoding: caches as long as the past, or with room at the end. Without the outputs of the
    # cache ONNX Runtime computes something else.
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
