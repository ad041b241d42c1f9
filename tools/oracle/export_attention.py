#!/usr/bin/env python3
"""Export small transformer layers in every form that PyTorch's two exporters write.

usage: export_attention.py OUT [NAME...]
Each form becomes OUT/NAME_old.onnx (TorchScript) and OUT/NAME_new.onnx (dynamo) with an .npz of
in_0.. and out_0.. beside it, which tools/zoo_check.py holds results against. Weights are seeded,
nothing is downloaded. What an exporter refuses is reported and left out. Needs the packages of
tools/oracle/install.sh and transformers.
"""

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


def hugging(kind):
    import_torchvision()
    from transformers import AutoModel, BertConfig, DistilBertConfig, GPT2Config
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
    }[kind]()
    config.return_dict = False
    inner = AutoModel.from_config(config)

    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def forward(self, x, mask=None):
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


def export(model, inputs, path, open_sizes, new):
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
            optimize=True, verbose=False, **keep)
    else:
        axes = {names[i]: dims for i, dims in open_sizes.items()}
        torch.onnx.export(
            model, inputs, path, dynamo=False, opset_version=17 if "post" in path else 14,
            dynamic_axes=axes or None, **keep)


def main():
    out, chosen = sys.argv[1], sys.argv[2:] or list(FORMS)
    os.makedirs(out, exist_ok=True)
    for name in chosen:
        make, feed, open_sizes = FORMS[name]
        for new in (False, True):
            torch.manual_seed(1)
            path = os.path.join(out, f"{name}_{'new' if new else 'old'}")
            try:
                model, inputs = make().eval(), feed()
                with torch.no_grad():
                    results = model(*inputs)
                    export(model, inputs, path + ".onnx", open_sizes, new)
                results = results if isinstance(results, tuple) else (results,)
                np.savez(
                    path + ".npz", **{f"in_{i}": t.numpy() for i, t in enumerate(inputs)},
                    **{f"out_{i}": t.numpy() for i, t in enumerate(results)})
                print(path, "ok", flush=True)
            except Exception as error:
                print(path, "refused:", str(error).splitlines()[0][:150], flush=True)


if __name__ == "__main__":
    main()
