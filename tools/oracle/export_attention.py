#!/usr/bin/env python3
"""Export small transformer layers in every form that PyTorch's two exporters write.

usage: export_attention.py OUT [NAME...] [--opset N] [--exporter old|new]
Each form becomes OUT/NAME_old.onnx (TorchScript) and OUT/NAME_new.onnx (dynamo) with an .npz of
in_0.. and out_0.. beside it, which tools/zoo_check.py holds results against. Weights are seeded,
nothing is downloaded. What an exporter refuses is reported and left out. Needs the packages of
tools/oracle/install.sh and transformers.

Opsets where none is asked for: 14 of the old exporter (17 for encoders that normalise last), of the
new one what it writes by itself. Over 400 lines because each form is a module of its own.
"""

import argparse
import os
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import torch
import torch.nn.functional as F
from export_zoo import import_torchvision
from torch import nn

# The exporters know nothing of the fused layers that PyTorch runs by itself.
torch.backends.mha.set_fastpath_enabled(False)
D, H, E, S, B = 32, 4, 8, 6, 2


class SelfAttention(nn.Module):
    """nn.MultiheadAttention over one value."""

    def __init__(self, batch_first, causal=False):
        super().__init__()
        self.inner = nn.MultiheadAttention(D, H, batch_first=batch_first)
        self.causal = causal

    def forward(self, x):
        mask = None
        if self.causal:
            n = x.shape[1]
            mask = torch.full((n, n), float("-inf")).triu(1)
        return self.inner(x, x, x, need_weights=False, attn_mask=mask)[0]


class Product(nn.Module):
    """F.scaled_dot_product_attention over projected heads."""

    def __init__(self, form):
        super().__init__()
        self.form = form
        self.kv = 2 if form == "grouped" else H
        self.q, self.k = nn.Linear(D, D), nn.Linear(D, self.kv * E, bias=form != "grouped")
        self.v, self.o = nn.Linear(D, self.kv * E), nn.Linear(D, D)

    def forward(self, x, mask=None):
        b, s, _ = x.shape
        q, k, v = (
            f(x).view(b, s, n, E).transpose(1, 2)
            for f, n in ((self.q, H), (self.k, self.kv), (self.v, self.kv))
        )
        y = F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=self.form == "causal",
            enable_gqa=self.form == "grouped")
        return x + self.o(y.transpose(1, 2).reshape(b, s, D))


class RMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(0.5, 1.5, D))

    def forward(self, x):
        y = x.float()
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-6)
        return self.weight * y.to(x.dtype)


def rotate_half(x):
    a, b = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2:]
    return torch.cat((-b, a), dim=-1)


class Llama(nn.Module):
    """A layer with RMSNorm, rotary positions, grouped heads and a cache."""

    def __init__(self, cached):
        super().__init__()
        self.n1, self.n2, self.cached = RMSNorm(), RMSNorm(), cached
        self.q, self.k, self.v, self.o = (
            nn.Linear(D, n, bias=False) for n in (D, 2 * E, 2 * E, D))
        self.gate, self.up = (nn.Linear(D, 3 * D, bias=False) for _ in range(2))
        self.down = nn.Linear(3 * D, D, bias=False)
        self.register_buffer("inv", 1 / 10000 ** (torch.arange(0, E, 2).float() / E))

    def forward(self, x, ids, past_k=None, past_v=None):
        b, s, _ = x.shape
        h = self.n1(x)
        q = self.q(h).view(b, s, H, E).transpose(1, 2)
        k = self.k(h).view(b, s, 2, E).transpose(1, 2)
        v = self.v(h).view(b, s, 2, E).transpose(1, 2)
        angles = ids[:, :, None].float() * self.inv
        angles = torch.cat((angles, angles), dim=-1)
        cos, sin = angles.cos().unsqueeze(1), angles.sin().unsqueeze(1)
        q = q * cos + rotate_half(q) * sin
        k = k * cos + rotate_half(k) * sin
        if self.cached:
            k, v = torch.cat((past_k, k), 2), torch.cat((past_v, v), 2)
        wide_k, wide_v = (
            t[:, :, None].expand(b, 2, 2, t.shape[2], E).reshape(b, H, t.shape[2], E)
            for t in (k, v))
        w = q @ wide_k.transpose(2, 3) / E**0.5
        n = wide_k.shape[2]
        hidden = torch.arange(n)[None, :] > (torch.arange(s) + n - s)[:, None]
        w = w.masked_fill(hidden, torch.finfo(w.dtype).min)
        y = torch.softmax(w, -1, dtype=torch.float32).to(q.dtype) @ wide_v
        x = x + self.o(y.transpose(1, 2).reshape(b, s, D))
        h = self.n2(x)
        y = x + self.down(F.silu(self.gate(h)) * self.up(h))
        return (y, k, v) if self.cached else y


def encoder(norm_first):
    return nn.TransformerEncoderLayer(
        D, H, 64, activation="gelu", batch_first=True, norm_first=norm_first)


class Decoder(nn.Module):
    """nn.TransformerDecoderLayer with a causal mask made from the length."""

    def __init__(self):
        super().__init__()
        self.inner = nn.TransformerDecoderLayer(D, H, 64, batch_first=True)

    def forward(self, x, memory):
        n = x.shape[1]
        mask = torch.full((n, n), float("-inf")).triu(1)
        return self.inner(x, memory, tgt_mask=mask, tgt_is_causal=True)


class Padded(nn.Module):
    """nn.TransformerEncoder with a padding mask."""

    def __init__(self):
        super().__init__()
        self.inner = nn.TransformerEncoder(
            encoder(False), 2, enable_nested_tensor=False)

    def forward(self, x, mask):
        return self.inner(x, src_key_padding_mask=mask == 0)


class ByHand(nn.Module):
    """Attention and a feed-forward part written out, in the forms that model code has."""

    def __init__(self, scale="after", mask="none", act="erf", norm="layer"):
        super().__init__()
        self.scale, self.mask, self.act, self.norm = scale, mask, act, norm
        self.qkv, self.o = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.up, self.down = nn.Linear(D, 64), nn.Linear(64, D)
        self.g1, self.b1 = nn.Parameter(torch.rand(D)), nn.Parameter(torch.rand(D))
        self.g2, self.b2 = nn.Parameter(torch.rand(D)), nn.Parameter(torch.rand(D))

    def normal(self, x, g, b):
        if self.norm == "layer":
            m = x.mean(-1, keepdim=True)
            return (x - m) / torch.sqrt(((x - m) ** 2).mean(-1, keepdim=True) + 1e-5) * g + b
        if self.norm == "keras":
            m = x.mean(-1, keepdim=True)
            v = torch.square(x - m.detach()).mean(-1, keepdim=True)
            scale = torch.rsqrt(v + 1e-5) * g
            return x * scale + (b - m * scale)
        if self.norm == "moments":
            m = x.mean(-1, keepdim=True)
            v = (x * x).mean(-1, keepdim=True) - m * m
            return (x - m) * torch.rsqrt(v + 1e-5) * g + b
        if self.norm == "rms":
            return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5) * g
        if self.norm == "rms_div":
            return g * (x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))
        if self.norm == "rms_wide":
            y = x.to(torch.float64)
            y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-5)
            return y.to(torch.float32) * (1 + g)
        return F.layer_norm(x, (D,), g, b)

    def active(self, x):
        return {
            "erf": lambda: x * 0.5 * (1 + torch.erf(x / 2**0.5)),
            "cdf": lambda: x * (0.5 * (1.0 + torch.erf(x * 0.7071067811865476))),
            "tanh": lambda: 0.5 * x * (1 + torch.tanh(0.7978845608 * (x + 0.044715 * x**3))),
            "tanh_fast": lambda: 0.5 * x * (
                1 + torch.tanh(x * 0.7978845608 * (1 + 0.044715 * x * x))),
            "quick": lambda: x * torch.sigmoid(1.702 * x),
            "silu": lambda: x * torch.sigmoid(x),
            "hard": lambda: x * F.relu6(x + 3) / 6,
            "mish": lambda: x * torch.tanh(F.softplus(x)),
            "torch": lambda: F.gelu(x),
            "torch_tanh": lambda: F.gelu(x, approximate="tanh"),
        }[self.act]()

    def forward(self, x, mask=None):
        b, s, _ = x.shape
        h = self.normal(x, self.g1, self.b1)
        q, k, v = self.qkv(h).view(b, s, 3, H, E).permute(2, 0, 3, 1, 4).unbind(0)
        if self.scale == "before":
            q = q * E**-0.5
        elif self.scale == "both":
            q, k = q * E**-0.25, k * E**-0.25
        w = q @ k.transpose(-2, -1)
        if self.scale == "after":
            w = w / E**0.5
        elif self.scale == "after_mul":
            w = w * E**-0.5
        if self.mask == "add":
            w = w + (1.0 - mask[:, None, None, :].float()) * -10000.0
        elif self.mask == "add_inf":
            w = w + torch.zeros_like(mask, dtype=torch.float32).masked_fill(
                mask == 0, float("-inf"))[:, None, None, :]
        elif self.mask == "fill":
            w = w.masked_fill(mask[:, None, None, :] == 0, -1e9)
        elif self.mask == "fill_inf":
            w = w.masked_fill(mask[:, None, None, :] == 0, float("-inf"))
        elif self.mask == "where":
            w = torch.where(mask[:, None, None, :] > 0, w, torch.tensor(-1e4))
        elif self.mask == "tril":
            c = torch.tril(torch.ones(s, s)).view(1, 1, s, s)
            w = w.masked_fill(c == 0, float("-inf"))
        elif self.mask == "tril_minus":
            c = torch.tril(torch.ones(s, s)).view(1, 1, s, s)
            w = w * c - 1e10 * (1 - c)
        elif self.mask == "range":
            i = torch.arange(s)
            w = w.masked_fill(i[None, :] > i[:, None], torch.finfo(torch.float32).min)
        elif self.mask == "triu":
            w = w + torch.full((s, s), float("-inf")).triu(1)
        elif self.mask == "both":
            i = torch.arange(s)
            seen = (i[None, :] <= i[:, None])[None, None] & (mask[:, None, None, :] > 0)
            w = w + torch.where(seen, 0.0, torch.finfo(torch.float32).min)
        y = torch.softmax(w, -1) @ v
        x = x + self.o(y.transpose(1, 2).reshape(b, s, D))
        h = self.normal(x, self.g2, self.b2)
        return x + self.down(self.active(self.up(h)))


class Norms(nn.Module):
    """Normalisations of images."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.conv, self.last = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 8, 3)
        self.inner = {
            "group": lambda: nn.GroupNorm(4, 32), "instance": lambda: nn.InstanceNorm2d(
                32, affine=True), "layer": lambda: nn.LayerNorm(32),
            "batch_after": lambda: nn.BatchNorm2d(32), "batch_before": lambda: nn.BatchNorm2d(3),
        }[kind]()
        if "batch" in kind:
            nn.init.uniform_(self.inner.running_mean)
            nn.init.uniform_(self.inner.running_var)
            nn.init.uniform_(self.inner.weight)

    def forward(self, x):
        if self.kind == "batch_before":
            return self.last(F.silu(self.conv(self.inner(x))))
        y = self.conv(x)
        if self.kind == "layer":
            y = self.inner(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        else:
            y = self.inner(y)
        return self.last(F.hardswish(y))


class Cached(nn.Module):
    """A Hugging Face decoder handed the keys and values of what came before."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x, mask, *past):
        from transformers import DynamicCache

        cache = DynamicCache()
        for i in range(0, len(past), 2):
            cache.update(past[i], past[i + 1], i // 2)
        y = self.inner(x, attention_mask=mask, past_key_values=cache, use_cache=True)[0]
        return (y, *(t for layer in cache.layers for t in (layer.keys, layer.values)))


def hugging(kind, attention="sdpa", cached=False):
    import_torchvision()
    from transformers import AutoModel, BertConfig, CLIPTextConfig, CLIPVisionConfig
    from transformers import DistilBertConfig, GPT2Config, RobertaConfig, SwinConfig, T5Config
    from transformers import CLIPTextModel, CLIPVisionModel, T5EncoderModel, T5Model
    from transformers import LlamaConfig, ViTConfig

    common = dict(
        hidden_size=D, num_hidden_layers=2, num_attention_heads=H, intermediate_size=64,
        vocab_size=50, max_position_embeddings=64)
    config = {
        "bert": lambda: BertConfig(**common),
        "distilbert": lambda: DistilBertConfig(
            dim=D, n_layers=2, n_heads=H, hidden_dim=64, vocab_size=50),
        "gpt2": lambda: GPT2Config(
            n_embd=D, n_layer=2, n_head=H, vocab_size=50, n_positions=64, use_cache=False),
        "llama": lambda: LlamaConfig(**common, num_key_value_heads=2, use_cache=False),
        "vit": lambda: ViTConfig(
            hidden_size=D, num_hidden_layers=2, num_attention_heads=H, intermediate_size=64,
            image_size=8, patch_size=4),
        "roberta": lambda: RobertaConfig(**common),
        "clip_text": lambda: CLIPTextConfig(**common, eos_token_id=49),
        "clip_vision": lambda: CLIPVisionConfig(**common, image_size=8, patch_size=4),
        "swin": lambda: SwinConfig(
            image_size=16, patch_size=2, embed_dim=16, depths=[2, 2], num_heads=[2, 4],
            window_size=4),
        "t5": lambda: T5Config(
            vocab_size=50, d_model=D, d_kv=E, d_ff=64, num_layers=2, num_heads=H,
            decoder_start_token_id=0),
    }[kind.removesuffix("_both")]()
    # These read results of their own parts by name.
    config.return_dict = kind in ("swin", "t5_both")
    config._attn_implementation = attention
    made = {
        "clip_text": CLIPTextModel, "clip_vision": CLIPVisionModel, "t5": T5EncoderModel,
        "t5_both": T5Model,
    }.get(kind)
    inner = made(config) if made else AutoModel.from_config(config)
    if cached:
        return Cached(inner)

    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def forward(self, x, mask=None):
            if kind == "t5_both":
                return self.inner(
                    input_ids=x, attention_mask=mask, decoder_input_ids=x, use_cache=False)[0]
            if mask is None:
                return self.inner(x)[0]
            return self.inner(x, attention_mask=mask)[0]

    return First()


def x():
    return torch.randn(B, S, D)


def tokens():
    return torch.randint(0, 50, (B, S))


def padding():
    mask = torch.ones(B, S, dtype=torch.int64)
    mask[1, 4:] = 0
    return mask


ids = torch.arange(S)[None].repeat(B, 1)
FORMS = {
    "mha_batch": (lambda: SelfAttention(True), lambda: (x(),), {0: {0: "b", 1: "s"}}),
    "mha_seq": (lambda: SelfAttention(False), lambda: (x(),), {}),
    "mha_causal": (lambda: SelfAttention(True, True), lambda: (x(),), {}),
    "sdpa": (lambda: Product("plain"), lambda: (x(),), {0: {0: "b", 1: "s"}}),
    "sdpa_causal": (lambda: Product("causal"), lambda: (x(),), {0: {0: "b", 1: "s"}}),
    "sdpa_grouped": (lambda: Product("grouped"), lambda: (x(),), {}),
    "sdpa_bool": (
        lambda: Product("plain"), lambda: (x(), torch.rand(B, 1, S, S) > 0.3), {}),
    "sdpa_float": (lambda: Product("plain"), lambda: (x(), torch.randn(B, H, S, S)), {}),
    "encoder_post": (lambda: encoder(False), lambda: (x(),), {0: {0: "b", 1: "s"}}),
    "encoder_pre": (lambda: encoder(True), lambda: (x(),), {}),
    "llama_block": (lambda: Llama(False), lambda: (x(), ids), {}),
    "llama_cache": (
        lambda: Llama(True),
        lambda: (x(), ids + 3, torch.randn(B, 2, 3, E), torch.randn(B, 2, 3, E)),
        {0: {1: "s"}, 1: {1: "s"}, 2: {2: "p"}, 3: {2: "p"}}),
    "hf_bert": (lambda: hugging("bert"), lambda: (tokens(), padding()), {
        0: {0: "b", 1: "s"}, 1: {0: "b", 1: "s"}}),
    "hf_distilbert": (lambda: hugging("distilbert"), lambda: (tokens(), padding()), {}),
    "hf_gpt2": (lambda: hugging("gpt2"), lambda: (tokens(), padding()), {}),
    "hf_gpt2_open": (lambda: hugging("gpt2"), lambda: (tokens(),), {0: {0: "b", 1: "s"}}),
    "hf_llama": (lambda: hugging("llama"), lambda: (tokens(),), {}),
    "hf_vit": (lambda: hugging("vit"), lambda: (torch.randn(B, 3, 8, 8),), {}),
}


def past(heads):
    return tuple(torch.randn(B, heads, 3, E) for _ in range(4))


def long_padding():
    return torch.cat((torch.ones(B, 3, dtype=torch.int64), padding()), 1)


OPEN = {0: "b", 1: "s"}
GROWING = {i: {2: "p"} for i in range(2, 6)}
for eager in (False, True):
    tail, how = ("_eager", "eager") if eager else ("", "sdpa")
    for kind in ("bert", "roberta", "distilbert", "gpt2", "clip_text", "t5", "t5_both", "llama"):
        FORMS[f"hf_{kind}_mask{tail}"] = (
            lambda kind=kind, how=how: hugging(kind, how), lambda: (tokens(), padding()),
            {0: OPEN, 1: OPEN})
    for kind, heads in (("gpt2", H), ("llama", 2)):
        FORMS[f"hf_{kind}_cache{tail}"] = (
            lambda kind=kind, how=how: hugging(kind, how, True),
            lambda heads=heads: (tokens()[:, :2], long_padding()[:, :5], *past(heads)),
            {0: OPEN, 1: {0: "b", 1: "t"}, **{i: {0: "b", 2: "p"} for i in range(2, 6)}})
    for kind, size in (("vit", 8), ("clip_vision", 8), ("swin", 16)):
        FORMS[f"hf_{kind}_image{tail}"] = (
            lambda kind=kind, how=how: hugging(kind, how),
            lambda size=size: (torch.randn(B, 3, size, size),), {0: {0: "b"}})
FORMS["decoder"] = (Decoder, lambda: (x(), torch.randn(B, 5, D)), {0: OPEN, 1: {0: "b", 1: "m"}})
FORMS["encoder_padded"] = (Padded, lambda: (x(), padding()), {0: OPEN, 1: OPEN})
for scale in ("before", "both", "after_mul"):
    FORMS[f"hand_scale_{scale}"] = (
        lambda scale=scale: ByHand(scale=scale), lambda: (x(),), {0: OPEN})
for mask in ("add", "add_inf", "fill", "fill_inf", "where", "both"):
    FORMS[f"hand_mask_{mask}"] = (
        lambda mask=mask: ByHand(mask=mask), lambda: (x(), padding()), {0: OPEN, 1: OPEN})
for mask in ("tril", "tril_minus", "range", "triu"):
    FORMS[f"hand_mask_{mask}"] = (
        lambda mask=mask: ByHand(mask=mask), lambda: (x(),), {0: OPEN})
for act in ("cdf", "tanh", "tanh_fast", "quick", "silu", "hard", "mish", "torch", "torch_tanh"):
    FORMS[f"hand_act_{act}"] = (lambda act=act: ByHand(act=act), lambda: (x(),), {0: OPEN})
for norm in ("keras", "moments", "rms", "rms_div", "rms_wide", "torch"):
    FORMS[f"hand_norm_{norm}"] = (lambda norm=norm: ByHand(norm=norm), lambda: (x(),), {0: OPEN})
for kind in ("group", "instance", "layer", "batch_after", "batch_before"):
    FORMS[f"image_{kind}"] = (
        lambda kind=kind: Norms(kind), lambda: (torch.randn(B, 3, 10, 10),), {0: {0: "b"}})


def export(model, inputs, path, open_sizes, new, opset):
    names = [f"in_{i}" for i in range(len(inputs))]
    keep = dict(input_names=names)
    if new:
        shapes = None
        if open_sizes:
            # The exporter refuses a name for what it can settle; AUTO leaves that to it.
            shapes = tuple(
                {d: torch.export.Dim.AUTO for d in open_sizes.get(i, {})}
                for i in range(len(inputs)))
        torch.onnx.export(
            model, inputs, path, dynamo=True, dynamic_shapes=shapes, external_data=False,
            optimize=True, verbose=False, **({"opset_version": opset} if opset else {}), **keep)
    else:
        axes = {names[i]: dims for i, dims in open_sizes.items()}
        torch.onnx.export(
            model, inputs, path, dynamo=False,
            opset_version=opset or (17 if "post" in path else 14),
            dynamic_axes=axes or None, **keep)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--opset", type=int)
    parser.add_argument("--exporter", choices=("old", "new"))
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    for name in arguments.names or list(FORMS):
        make, feed, open_sizes = FORMS[name]
        for new in (False, True):
            if arguments.exporter == ("old" if new else "new"):
                continue
            torch.manual_seed(1)
            path = os.path.join(arguments.out, f"{name}_{'new' if new else 'old'}")
            try:
                model, inputs = make().eval(), feed()
                with torch.no_grad():
                    results = model(*inputs)
                    export(model, inputs, path + ".onnx", open_sizes, new, arguments.opset)
                results = results if isinstance(results, tuple) else (results,)
                np.savez(
                    path + ".npz", **{f"in_{i}": t.numpy() for i, t in enumerate(inputs)},
                    **{f"out_{i}": t.numpy() for i, t in enumerate(results)})
                print(path, "ok", flush=True)
            except Exception as error:
                lines = str(error).splitlines() or [type(error).__name__]
                print(path, "refused:", lines[0][:150], flush=True)


if __name__ == "__main__":
    main()
