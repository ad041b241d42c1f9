#!/usr/bin/env python3
"""Save a matrix of ATen operators by their options, as modules of a line, with torch.export.

usage: torch_operators.py OUT [--fixtures]
Each case gives OUT/NAME.pt2 as torch.export leaves it, OUT/NAME.core.pt2 after run_decompositions
where that differs, and OUT/NAME.npz with in_0.. and out_0... --fixtures: only the small selection
that stands in Tests/ConvertersTests/Fixtures/PyTorch, without stack traces. Made with torch 2.13.0.
"""

import json
import os
import sys
import warnings
import zipfile

warnings.filterwarnings("ignore")

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

CASES = {}


def case(name, function, *inputs, dynamic=None):
    CASES[name] = (function, inputs, dynamic)


def rand(*shape, seed=0, low=-2.0, high=2.0, dtype=torch.float32):
    g = torch.Generator().manual_seed(len(shape) + seed + sum(shape))
    return (torch.rand(*shape, generator=g) * (high - low) + low).to(dtype)


def ints(*shape, low=-5, high=6, dtype=torch.int64, seed=0):
    g = torch.Generator().manual_seed(7 + seed + sum(shape))
    return torch.randint(low, high, shape, generator=g).to(dtype)


X = rand(2, 3, 4)
Y = rand(2, 3, 4, seed=5)
P = rand(2, 3, 4, low=0.1, high=3)
U = rand(2, 3, 4, low=-0.95, high=0.95)
I = ints(2, 3, 4)
IMG = rand(2, 4, 9, 10)

for n in ("abs neg ceil floor round sign relu erf exp sin cos tan sinh cosh tanh asinh atan sigmoid "
          "trunc frac square erfc exp2 expm1 deg2rad rad2deg isnan isinf isfinite signbit "
          "logical_not positive sgn").split():
    case(f"unary_{n}", getattr(torch, n), X)
for n in "log log2 log10 log1p sqrt rsqrt reciprocal acosh".split():
    case(f"unary_{n}", getattr(torch, n), P + (1 if n == "acosh" else 0))
for n in "acos asin atanh".split():
    case(f"unary_{n}", getattr(torch, n), U)
for n in "abs neg sign square logical_not bitwise_not".split():
    case(f"unary_int_{n}", getattr(torch, n), I)
for n in "sqrt exp sin sigmoid".split():
    case(f"unary_int_{n}", getattr(torch, n), I.abs())
case("unary_bool_not", torch.bitwise_not, X > 0)
case("round_decimals", lambda x: torch.round(x, decimals=2), X)
case("logit_eps", lambda x: torch.logit(x, 1e-3), rand(3, 4, low=0, high=1))
for n in ("gelu silu mish hardswish hardsigmoid leaky_relu elu selu celu softplus logsigmoid "
          "softshrink hardshrink relu6 hardtanh softsign tanhshrink glu").split():
    f = getattr(F, n)
    case(f"act_{n}", f, rand(3, 4) * 3)
case("act_gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), X)
case("act_elu_alpha", lambda x: F.elu(x, 0.5), X)
case("act_softplus_beta", lambda x: F.softplus(x, 2.0, 1.0), X)
case("act_threshold", lambda x: F.threshold(x, 0.5, 9.0), X)
case("act_prelu", lambda x, w: F.prelu(x, w), IMG, rand(4))
case("act_rrelu", lambda x: F.rrelu(x, training=False), X)
case("act_relu_inplace", lambda x: F.relu_(x + 1) * 2, X)

for n in "add sub mul div maximum minimum fmax fmin atan2 fmod remainder floor_divide hypot copysign".split():
    case(f"binary_{n}", getattr(torch, n), X, rand(3, 1, seed=3))
case("binary_logaddexp", torch.logaddexp, X, Y)
case("binary_xlogy", torch.xlogy, P, P + 1)
for n in "add sub mul div remainder fmod floor_divide maximum".split():
    case(f"binary_int_{n}", getattr(torch, n), I, ints(4, low=1, high=5))
case("binary_int_negative_floor", torch.floor_divide, I, ints(4, low=-5, high=-1))
case("binary_int_negative_remainder", torch.remainder, I, ints(4, low=-5, high=-1))
for mode in ("floor", "trunc"):
    case(f"div_{mode}", lambda x, y, m=mode: torch.div(x, y, rounding_mode=m), X, Y)
    case(f"div_int_{mode}", lambda x, y, m=mode: torch.div(x, y, rounding_mode=m), I, ints(4, low=1, high=4))
case("add_alpha", lambda x, y: torch.add(x, y, alpha=3), X, Y)
case("sub_alpha_scalar", lambda x: torch.sub(x, 2, alpha=2), X)
case("rsub", lambda x: torch.rsub(x, 2.5), X)
case("add_scalar_int", lambda x: x + 1, I)
case("add_scalar_promotes", lambda x: x + 1.5, I)
case("mul_scalar_half", lambda x: x * 1.5, X.half())
case("promote_int_zero_dim", lambda x, y: x + y, I.int(), torch.tensor(3.5, dtype=torch.float64))
case("promote_f32_f64_zero_dim", lambda x, y: x * y, X, torch.tensor(3.5, dtype=torch.float64))
case("promote_f16_f32", lambda x, y: x * y, X.half(), Y)
case("promote_u8_i8", lambda x, y: x + y, ints(3, low=0, high=9, dtype=torch.uint8), ints(3, dtype=torch.int8))
case("promote_bool_add", lambda x, y: x + y, X > 0, Y > 0)
case("promote_bool_mul_int", lambda x, y: x * y, X > 0, I)
case("promote_int_div", lambda x, y: x / y, I, ints(4, low=1, high=5))
for n in "eq ne lt le gt ge".split():
    case(f"compare_{n}", getattr(torch, n), I, ints(4))
    case(f"compare_{n}_scalar", lambda x, f=getattr(torch, n): f(x, 1), I)
case("compare_bool", lambda x, y: (x > 0) < (y > 0), X, Y)
for n in "logical_and logical_or logical_xor".split():
    case(f"{n}", getattr(torch, n), I, ints(4, low=0, high=2))
for n in "bitwise_and bitwise_or bitwise_xor".split():
    case(f"{n}", getattr(torch, n), I, ints(4))
    case(f"{n}_bool", lambda x, y, f=getattr(torch, n): f(x > 0, y > 0), X, Y)
case("shift_left", lambda x: x << 2, I)
case("shift_right", lambda x: x >> 1, I)
for e in (2, 0.5, -1, -0.5, 3, 2.5, 0):
    case(f"pow_{str(e).replace('-', 'm').replace('.', '_')}", lambda x, e=e: torch.pow(x, e), P)
case("pow_tensor", torch.pow, P, Y)
case("pow_scalar_base", lambda x: torch.pow(2.0, x), X)
case("pow_int", lambda x: torch.pow(x, 3), I)
case("where", lambda c, x, y: torch.where(c > 0, x, y), X, X, Y)
case("where_scalar", lambda x: torch.where(x > 0, x, 0.5), X)
case("masked_fill", lambda x: x.masked_fill(x > 0, -9.0), X)
case("clamp", lambda x: x.clamp(-1, 1), X)
case("clamp_min", lambda x: x.clamp(min=0.25), X)
case("clamp_max_int", lambda x: x.clamp(max=2), I)
case("clamp_tensor", lambda x, a, b: torch.clamp(x, a, b), X, rand(4, low=-1, high=0), rand(4, low=0, high=1))
case("addcmul", lambda x, a, b: torch.addcmul(x, a, b, value=0.5), X, Y, P)
case("addcdiv", lambda x, a, b: torch.addcdiv(x, a, b, value=0.5), X, Y, P)
case("lerp", lambda x, y: torch.lerp(x, y, 0.3), X, Y)
case("isclose", lambda x, y: torch.isclose(x, y, atol=1.0), X, Y)

for n in "sum mean prod amax amin logsumexp".split():
    f = getattr(torch, n)
    case(f"reduce_{n}_dim", lambda x, f=f: f(x, 1), X)
    case(f"reduce_{n}_keep", lambda x, f=f: f(x, -1, keepdim=True), X)
    if n not in ("prod",):
        case(f"reduce_{n}_dims", lambda x, f=f: f(x, (0, 2)), X)
for n in "sum mean prod max min any all std var".split():
    case(f"reduce_{n}_all", lambda x, f=getattr(torch, n): f(x) if n not in ("any", "all") else f(x > 0), X)
case("reduce_sum_int", lambda x: x.sum(1), I.int())
case("reduce_sum_bool", lambda x: (x > 0).sum(), X)
case("reduce_mean_spatial", lambda x: x.mean((2, 3), keepdim=True), IMG)
case("reduce_any", lambda x: (x > 1.5).any(1), X)
case("reduce_all_keep", lambda x: (x > -1.9).all(1, keepdim=True), X)
case("reduce_count_nonzero", lambda x: torch.count_nonzero(x, 1), I)
case("max_dim", lambda x: tuple(x.max(1)), X)
case("min_dim_keep", lambda x: tuple(x.min(-1, keepdim=True)), X)
case("argmax", lambda x: (x.argmax(), x.argmax(1), x.argmin(-1, keepdim=True)), X)
case("var_correction", lambda x: (x.var(1, correction=0), x.std((0, 2)), x.var(-1, keepdim=True)), X)
case("var_mean", lambda x: torch.var_mean(x, (1, 2)), X)
for p in (1, 2, 3, float("inf"), 0):
    case(f"norm_{p}", lambda x, p=p: torch.linalg.vector_norm(x, p, 1), X)
case("normalize", lambda x: F.normalize(x, dim=1), X)
case("cosine_similarity", lambda x, y: F.cosine_similarity(x, y, 1), X, Y)
case("pairwise_distance", lambda x, y: F.pairwise_distance(x, y), rand(3, 4), rand(3, 4, seed=2))
case("cumsum", lambda x: (x.cumsum(1), x.cumprod(-1)), X)
case("cumsum_bool", lambda x: (x > 0).cumsum(1), X)
case("topk", lambda x: tuple(x.topk(2, 1)), X)
case("topk_smallest", lambda x: tuple(x.topk(2, 1, largest=False)), X)
case("sort", lambda x: tuple(x.sort(1, descending=True)), X)
case("argsort", lambda x: x.argsort(-1), X)
case("median", lambda x: tuple(x.median(1)), X)
case("softmax", lambda x: (x.softmax(-1), x.softmax(1), x.log_softmax(1), F.softmin(x, 1)), X)

case("view", lambda x: (x.view(6, 4), x.view(2, -1), x.reshape(3, 8), x.flatten(1), x.flatten(0, 1)), X)
case("unflatten", lambda x: x.unflatten(2, (2, 2)), X)
case("expand", lambda x: (x[:, :1].expand(-1, 5, -1), x[0, 0].expand(2, 4)), X)
case("repeat", lambda x: (x.repeat(1, 2, 1), x.repeat(2, 1, 1, 1), x.tile((2,))), X)
case("squeeze", lambda x: (x.unsqueeze(0).squeeze(), x.unsqueeze(1).squeeze(1), x.unsqueeze(-1).squeeze(0)), X)
case("permute", lambda x: (x.permute(2, 0, 1), x.transpose(0, 2), x[0].t(), x.movedim(0, 2), x.mT), X)
case("cat", lambda x, y: (torch.cat([x, y], 1), torch.stack([x, y], -1), torch.hstack([x, y]), torch.vstack([x, y])), X, Y)
case("cat_promotes", lambda x, y: torch.cat([x, y], 1), X, I)
case("split", lambda x: (*x.split(2, 1), *x.chunk(2, 2), *x.unbind(0)), X)
case("split_sizes", lambda x: (*torch.split(x, [1, 2], 1), *torch.tensor_split(x, 3, 2)), X)
case("slice", lambda x: (x[:, 1:], x[..., ::2], x[:, -2:-1], x[1], x[:, -1], x.narrow(2, 1, 2)), X)
case("slice_scatter", lambda x, y: torch.slice_scatter(x, y[:, :2], 1, 1, 3), X, Y)
case("select_scatter", lambda x, y: torch.select_scatter(x, y[:, 0], 1, 2), X, Y)
case("diagonal", lambda x: x[:, :, :3].diagonal(dim1=1, dim2=2), X)
case("tril_triu", lambda x: (x.tril(), x.triu(1), x.tril(-1)), X)
case("flip_roll", lambda x: (x.flip(1), x.flip((0, 2)), x.roll(1, 2), x.roll((1, -1), (1, 2)), x.roll(3)), X)
case("meshgrid", lambda x, y: (*torch.meshgrid(x, y, indexing="ij"), *torch.meshgrid(x, y, indexing="xy")), rand(3), rand(4))
case("broadcast_tensors", lambda x, y: torch.broadcast_tensors(x, y), rand(3, 1), rand(4))
case("pad", lambda x: (F.pad(x, (1, 2)), F.pad(x, (1, 0, 2, 1), value=3.0), F.pad(x, (-1, 1))), X)
for mode in ("reflect", "replicate", "circular"):
    case(f"pad_{mode}", lambda x, m=mode: F.pad(x, (1, 2, 2, 1), mode=m), IMG)
case("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), IMG)
case("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), IMG[:, :, :8])
case("channel_shuffle", lambda x: F.channel_shuffle(x, 2), IMG)
case("unfold_axis", lambda x: x.unfold(2, 3, 2), IMG)
case("unfold_image", lambda x: F.unfold(x, (3, 2), dilation=(1, 2), padding=1, stride=(2, 1)), IMG)
case("unfold_single", lambda x: F.unfold(x, (3, 2)), rand(3, 5, 6))
case("fold_single", lambda x: F.fold(x, (5, 6), (2, 2)), rand(12, 20))
case("fold_image", lambda x: F.fold(x, (5, 6), (2, 2)), rand(2, 12, 20))
case("repeat_interleave", lambda x: x.repeat_interleave(2, 1), X)
case("one_hot", lambda x: F.one_hot(x, 5), ints(3, low=0, high=5))
case("embedding", lambda x, w: F.embedding(x, w), ints(2, 3, low=0, high=5), rand(5, 4))
case("index_one", lambda x, i: (x[:, i], x[i[0]]), X, ints(2, 2, low=0, high=2))
case("index_two", lambda x, i: (x[i, i], x[:, i, i], x[i, :, i]), X, ints(2, low=0, high=2))
case("index_negative", lambda x, i: x[:, i], X, torch.tensor([-1, 0]))
case("index_broadcast", lambda x: x[torch.arange(2)[:, None], torch.tensor([0, 2])], X)
case("index_mask", lambda x: x[x > 0], X)
case("index_put", lambda x, i, v: (x.index_put((i,), v), x.index_put((None, i), v[:, :1])), X, torch.tensor([1, 0]), rand(2, 3, 4, seed=3))
case("index_put_add", lambda x, i: x.index_put((i, i), torch.ones(2), accumulate=True), rand(3, 3), torch.tensor([1, 1]))
case("index_put_mask", lambda x: x.index_put((x > 0,), torch.tensor(7.0)), X)
case("gather", lambda x, i: x.gather(1, i), X, ints(2, 2, 4, low=0, high=3))
case("index_select", lambda x: x.index_select(1, torch.tensor([2, 0])), X)
case("scatter", lambda x, i, s: (x.scatter(1, i, s), x.scatter(1, i, 5.0), x.scatter_add(1, i, s)), X, ints(2, 2, 4, low=0, high=3), Y)
for r in ("sum", "prod", "amax", "amin"):
    case(f"scatter_reduce_{r}", lambda x, i, s, r=r: x.scatter_reduce(1, i, s, r), X, ints(2, 3, 4, low=0, high=3), Y)
case("index_add", lambda x, s: (x.index_add(1, torch.tensor([2, 0]), s, alpha=2), x.index_copy(1, torch.tensor([2, 0]), s)), X, Y[:, :2])
case("index_fill", lambda x: x.index_fill(1, torch.tensor([0, 2]), 4.0), X)
case("bucketize", lambda x: torch.bucketize(x, torch.tensor([-1.0, 0.0, 1.0])), X)
case("nonzero", lambda x: (x > 0).nonzero(), X)
case("take_along_dim", lambda x: torch.take_along_dim(x, x.argsort(1), 1), X)

case("create", lambda x: (x + torch.zeros(4), torch.ones(2, 3), torch.full((2,), 3), torch.arange(5), torch.arange(1, 9, 2.5), torch.eye(3), torch.linspace(0, 1, 5), torch.zeros_like(x), x.new_ones(3), torch.full_like(x, 2)), X)
case("tri_indices", lambda x: x[torch.tril_indices(3, 3)[0]], rand(3, 3))
case("casts", lambda x: (x.to(torch.int32), x.long(), x.half(), x.double(), (x > 0).float(), x.bool()), X)
case("fill_in_place", lambda x: (x.clone().fill_(3), x.clone().zero_()), X)


def writes(x):
    y = x.clone()
    y[:, 0] = 1.0
    y[..., 1:3] += 2
    y[1].mul_(3)
    z = y.view(6, 4)
    z[0, 0] = -5.0
    return y, z


case("writes_to_views", writes, X)

for n in (1, 2, 3):
    shape = (2, 4) + (7, 8, 6)[:n]
    conv = getattr(F, f"conv{n}d")
    turned = getattr(F, f"conv_transpose{n}d")
    w = rand(6, 4, *(3,) * n)
    case(f"conv{n}d", lambda x, w, b, f=conv: f(x, w, b, stride=2, padding=1), rand(*shape), w, rand(6))
    case(f"conv{n}d_group", lambda x, w, f=conv: f(x, w, groups=2, dilation=2), rand(*shape), rand(6, 2, *(2,) * n))
    case(f"conv{n}d_same", lambda x, w, f=conv: f(x, w, padding="same"), rand(*shape), rand(6, 4, *(2,) * n))
    case(f"conv_transpose{n}d", lambda x, w, b, f=turned: f(x, w, b, stride=2, padding=1, output_padding=1), rand(*shape), rand(4, 6, *(3,) * n), rand(6))
    for k in ("max", "avg"):
        pool = getattr(F, f"{k}_pool{n}d")
        case(f"{k}_pool{n}d", lambda x, f=pool: f(x, 3, 2, 1), rand(*shape))
        case(f"{k}_pool{n}d_ceil", lambda x, f=pool: f(x, 3, 2, ceil_mode=True), rand(*shape))
        adaptive = getattr(F, f"adaptive_{k}_pool{n}d")
        case(f"adaptive_{k}_pool{n}d_one", lambda x, f=adaptive: f(x, 1), rand(*shape))
    adaptive = getattr(F, f"adaptive_avg_pool{n}d")
    case(f"adaptive_avg_pool{n}d_uneven", lambda x, f=adaptive: f(x, 3), rand(*shape))
    case(f"adaptive_avg_pool{n}d_more", lambda x, f=adaptive: f(x, 9), rand(*shape))
    case(f"upsample_nearest{n}d", lambda x: F.interpolate(x, scale_factor=2.0), rand(*shape))
    case(f"upsample_nearest{n}d_size", lambda x, n=n: F.interpolate(x, size=(5, 11, 9)[:n]), rand(*shape))
    mode = ("linear", "bilinear", "trilinear")[n - 1]
    for c in (False, True):
        case(f"upsample_{mode}_{c}", lambda x, n=n, m=mode, c=c: F.interpolate(x, size=(5, 11, 9)[:n], mode=m, align_corners=c), rand(*shape))
        case(f"upsample_{mode}_scale_{c}", lambda x, m=mode, c=c: F.interpolate(x, scale_factor=1.6, mode=m, align_corners=c), rand(*shape))
case("conv2d_unbatched", lambda x, w: F.conv2d(x, w), rand(4, 7, 8), rand(6, 4, 3, 3))
case("upsample_bicubic", lambda x: (F.interpolate(x, size=(7, 13), mode="bicubic"), F.interpolate(x, scale_factor=2.0, mode="bicubic", align_corners=True)), IMG)
case("upsample_exact", lambda x: F.interpolate(x, size=(7, 13), mode="nearest-exact"), IMG)
case("upsample_antialias", lambda x: F.interpolate(x, size=(5, 6), mode="bilinear", antialias=True), IMG)
case("max_pool_indices", lambda x: F.max_pool2d(x, 2, return_indices=True), IMG)
case("avg_pool_no_pad", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), IMG)
case("avg_pool_divisor", lambda x: F.avg_pool2d(x, 2, divisor_override=3), IMG)
case("lp_pool", lambda x: F.lp_pool2d(x, 2.0, 3), IMG.abs())
case("grid_sample", lambda x, g: (F.grid_sample(x, g, align_corners=False), F.grid_sample(x, g, mode="nearest", padding_mode="border", align_corners=True), F.grid_sample(x, g, mode="bicubic", padding_mode="reflection", align_corners=False)), IMG, rand(2, 5, 6, 2, low=-1.2, high=1.2))
case("affine_grid", lambda t: F.affine_grid(t, (2, 3, 4, 5), align_corners=False), rand(2, 2, 3))

case("linear", lambda x, w, b: (F.linear(x, w, b), F.linear(x[0], w, b), F.linear(x, w)), X, rand(5, 4), rand(5))
case("matmul", lambda x, y: (x @ y, x[0] @ y[0], x @ y[0, :, 0], torch.bmm(x, y)), X, rand(2, 4, 5))
case("mm_transposed", lambda x, w: (x @ w.t(), x.unsqueeze(0) @ w.t()), rand(3, 4), rand(5, 4))
case("addmm", lambda b, x, w: (torch.addmm(b, x, w), torch.addmm(b, x, w, alpha=0.5, beta=2)), rand(5), rand(3, 4), rand(4, 5))
case("baddbmm", lambda b, x, w: torch.baddbmm(b, x, w, alpha=0.5, beta=2), rand(2, 3, 5), X, rand(2, 4, 5))
case("vectors", lambda x, y: (torch.dot(x, y), torch.outer(x, y), torch.mv(torch.outer(x, y), x)), rand(4), rand(4, seed=2))
case("einsum", lambda x, y: torch.einsum("bij,bkj->bik", x, y), X, Y)
case("bilinear", lambda x, y, w, b: F.bilinear(x, y, w, b), rand(3, 4), rand(3, 5), rand(2, 4, 5), rand(2))
case("batch_norm", lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b, eps=1e-3), IMG, rand(4), rand(4, low=0.5, high=2), rand(4, seed=1), rand(4, seed=2))
case("batch_norm_plain", lambda x, m, v: F.batch_norm(x, m, v), IMG, rand(4), rand(4, low=0.5, high=2))
case("instance_norm", lambda x, w, b: (F.instance_norm(x), F.instance_norm(x, weight=w, bias=b)), IMG, rand(4, seed=1), rand(4, seed=2))
case("group_norm", lambda x, w, b: (F.group_norm(x, 2, w, b), F.group_norm(x, 4)), IMG, rand(4, seed=1), rand(4, seed=2))
case("layer_norm", lambda x, w, b: (F.layer_norm(x, (4,), w, b), F.layer_norm(x, (3, 4))), X, rand(4, seed=1), rand(4, seed=2))
case("rms_norm", lambda x, w: (F.rms_norm(x, (4,), w), F.rms_norm(x, (4,), eps=1e-3)), X, rand(4, seed=1))
case("local_response_norm", lambda x: F.local_response_norm(x, 3), IMG)

Q, K, V = rand(2, 2, 5, 4), rand(2, 2, 6, 4, seed=1), rand(2, 2, 6, 4, seed=2)
case("attention", lambda q, k, v: F.scaled_dot_product_attention(q, k, v), Q, K, V)
case("attention_causal", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), Q, K, V)
case("attention_mask", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, scale=0.3), Q, K, V, rand(5, 6))
case("attention_bool", lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m > -1.5), Q, K, V, rand(2, 1, 5, 6))
case("attention_rank3", lambda q, k, v: F.scaled_dot_product_attention(q[0], k[0], v[0]), Q, K, V)
case("attention_grouped", lambda q, k, v: F.scaled_dot_product_attention(q, k[:, :1], v[:, :1], enable_gqa=True), Q, K, V)
case("dropout", lambda x: F.dropout(x, 0.5, training=False) + 1, X)


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


for kind in ("LSTM", "GRU", "RNN"):
    for options in ({}, {"num_layers": 2, "bidirectional": True, "batch_first": True}, {"bias": False}):
        torch.manual_seed(3)
        name = f"{kind.lower()}_{len(options)}{'_plain' if 'bias' in options else ''}"
        case(name, Recurrent(getattr(nn, kind)(4, 5, **options)), X)
torch.manual_seed(3)
case("rnn_relu", Recurrent(nn.RNN(4, 5, nonlinearity="relu")), X)

B = torch.export.Dim("b", min=2, max=64)
case("dynamic_view", lambda x: (x.view(x.shape[0], -1), x.view(x.shape[0] * 3, 4), x.sum(0)), X, dynamic={0: B})
case("dynamic_sizes", lambda x: (x.new_zeros(x.shape[0] * 2 + 1), torch.arange(x.shape[0]), x[: x.shape[0] - 1]), X, dynamic={0: B})
case("dynamic_expand", lambda x, c: torch.cat([c.expand(x.shape[0], -1, -1), x], 1), X, rand(1, 1, 4), dynamic=({0: B}, None))
case("cond", lambda x: torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y * 2, (x,)), X)
case("while_loop", lambda x: torch._higher_order_ops.while_loop(lambda i, y: i < 5, lambda i, y: (i + 1, y * 1.5), (torch.tensor(0), x)), X)


def without_gradients(x):
    with torch.no_grad():
        y = x.exp()
    return y + 1


case("no_grad", without_gradients, X)

FIXTURES = (
    "unary_rsqrt binary_int_negative_floor promote_int_zero_dim div_int_floor max_dim view split "
    "index_two writes_to_views conv2d adaptive_avg_pool2d_uneven linear layer_norm attention_causal "
    "lstm_3 dynamic_view cond while_loop create").split()


class Module(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def slim(path):
    """The archive without stack traces and sample inputs, which nothing here reads."""
    with zipfile.ZipFile(path) as source:
        members = [(n, source.read(n)) for n in source.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
        for name, data in members:
            if "sample_inputs" in name or "serialization_id" in name:
                continue
            if "/models/" in name:
                program = json.loads(data)
                for node in program["graph_module"]["graph"]["nodes"]:
                    node["metadata"] = {}
                data = json.dumps(program, separators=(",", ":")).encode()
            target.writestr(zipfile.ZipInfo(name), data)


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    out, fixtures = arguments[0], "--fixtures" in sys.argv
    os.makedirs(out, exist_ok=True)
    failed = 0
    for name in arguments[1:] or (FIXTURES if fixtures else CASES):
        function, inputs, dynamic = CASES[name]
        path = os.path.join(out, name)
        module = function if isinstance(function, nn.Module) else Module(function)
        shapes = None
        if dynamic is not None:
            shapes = (dynamic if isinstance(dynamic, tuple) else (dynamic,),)
        try:
            with torch.no_grad():
                outputs = module.eval()(*[t.clone() for t in inputs])
                program = torch.export.export(
                    module, inputs, dynamic_shapes=(shapes if not isinstance(module, Recurrent) else None))
            leaves = [t for t in torch.utils._pytree.tree_leaves(outputs) if isinstance(t, torch.Tensor)]
            arrays = {f"in_{i}": t.numpy() for i, t in enumerate(inputs)}
            arrays |= {f"out_{i}": t.numpy() for i, t in enumerate(leaves)}
            (np.savez_compressed if fixtures else np.savez)(path + ".npz", **arrays)
            torch.export.save(program, path + ".pt2")
            if fixtures:
                slim(path + ".pt2")
                continue
            core = program.run_decompositions()
            if str(core.graph) != str(program.graph):
                torch.export.save(core, path + ".core.pt2")
        except Exception as error:
            failed += 1
            print(name, "failed:", str(error).split("\n")[0][:160], flush=True)
    print(len(arguments[1:] or CASES), "cases,", failed, "failed")


if __name__ == "__main__":
    main()
