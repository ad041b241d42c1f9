#!/usr/bin/env python3
"""Optimise real transformers with ONNX Runtime's tools and check that dlrun runs what they write.

usage: check_optimized.py OUT [--zoo ZOO] [--dlrun COMMAND] [--tolerance 1e-4] [NAME...]

Models come from ZOO (what export_zoo.py wrote) and from small transformers with seeded weights
exported here (encoders, decoders with a cache, an encoder-decoder, a diffusion block). Each is
optimised in one or two ways: by ONNX Runtime's session at its extended level, and by
onnxruntime.transformers.optimizer. The optimised models go to OUT/NAME.WAY.onnx with their inputs
and ONNX Runtime's outputs in OUT/NAME.WAY.npz; dlrun must agree with these. The error of an output
is the largest absolute difference over the largest absolute value; dtype and shape must agree, and
NaN fails. A table names the operators of domain com.microsoft in each. Exit status 1 when one fails.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import onnx
import onnxruntime as ort

from export_zoo import import_torchvision

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ZOO_KINDS = {"minilm": ("bert", 12, 384), "gpt2_small": ("gpt2", 6, 384), "vit_tiny": ("vit", 3, 192)}


def session(path: str, level=ort.GraphOptimizationLevel.ORT_DISABLE_ALL, write: str | None = None):
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    if write:
        options.optimized_model_filepath = write
    return ort.InferenceSession(path, options, ["CPUExecutionProvider"])


def small(kind: str):
    """A small transformer of `transformers`, its inputs, their names and the names of outputs."""
    import_torchvision()
    import torch
    import transformers as t

    torch.manual_seed(sum(map(ord, kind)))
    ids = torch.randint(5, 90, (2, 7))
    mask = torch.ones(2, 7, dtype=torch.int64)
    mask[1, 5:] = 0
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    common = {"vocab_size": 99, "intermediate_size": 48, "attn_implementation": "eager", **size}
    if kind == "bert":
        model = t.BertModel(t.BertConfig(**common), add_pooling_layer=False)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": (ids > 50).long()}
    elif kind == "roberta":
        model = t.RobertaModel(t.RobertaConfig(**common), add_pooling_layer=False)
        inputs = {"input_ids": ids, "attention_mask": mask}
    elif kind == "distilbert":
        config = t.DistilBertConfig(
            vocab_size=99, dim=32, n_layers=2, n_heads=4, hidden_dim=48, attn_implementation="eager"
        )
        model, inputs = t.DistilBertModel(config), {"input_ids": ids, "attention_mask": mask}
    elif kind == "gpt2":
        config = t.GPT2Config(
            vocab_size=99, n_embd=32, n_layer=2, n_head=4, use_cache=False,
            attn_implementation="eager",
        )  # fmt: skip
        model, inputs = t.GPT2Model(config), {"input_ids": ids, "attention_mask": mask}
    elif kind == "llama":
        config = t.LlamaConfig(num_key_value_heads=2, use_cache=False, **common)
        model, inputs = t.LlamaModel(config), {"input_ids": ids, "attention_mask": mask}
    elif kind == "t5":
        config = t.T5Config(
            vocab_size=99, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, use_cache=False
        )
        model, inputs = t.T5EncoderModel(config), {"input_ids": ids, "attention_mask": mask}
    elif kind == "vit":
        config = t.ViTConfig(
            image_size=16, patch_size=4, **{k: v for k, v in common.items() if k != "vocab_size"}
        )
        model = t.ViTModel(config, add_pooling_layer=False)
        inputs = {"pixel_values": torch.randn(2, 3, 16, 16)}
    else:
        config = t.CLIPTextConfig(
            projection_dim=32, max_position_embeddings=16, bos_token_id=0, eos_token_id=98, **common
        )
        model, inputs = t.CLIPTextModel(config), {"input_ids": ids, "attention_mask": mask}
    model.eval()

    class First(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, *values):
            return self.model(**dict(zip(inputs, values, strict=True)), return_dict=False)[0]

    return First().eval(), inputs


def export(kind: str, path: str) -> dict[str, np.ndarray]:
    import torch

    model, inputs = small(kind)
    with torch.no_grad():
        torch.onnx.export(
            model, tuple(inputs.values()), path, opset_version=17, dynamo=False,
            input_names=list(inputs), output_names=["out"],
            dynamic_axes={n: {0: "batch"} for n in inputs},
        )  # fmt: skip
    return {n: x.numpy() for n, x in inputs.items()}


SMALL = {
    "bert": ("bert", 4, 32),
    "roberta": ("bert", 4, 32),
    "distilbert": ("bert", 4, 32),
    "gpt2": ("gpt2", 4, 32),
    "llama": ("gpt2", 4, 32),
    "t5": ("t5", 4, 32),
    "vit": ("vit", 4, 32),
    "clip": ("clip", 4, 32),
}


def optimise(way: str, source: str, target: str, kind: tuple[str, int, int]):
    if way == "session":
        session(source, ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED, target)
        return
    from onnxruntime.transformers import optimizer

    made = optimizer.optimize_model(
        source, model_type=kind[0], num_heads=kind[1], hidden_size=kind[2], opt_level=0
    )
    if way == "half":
        made.convert_float_to_float16(keep_io_types=True)
    made.save_model_to_file(target)


def error(got: np.ndarray, want: np.ndarray) -> float:
    """The largest error over the largest value; infinite where the arrays cannot be compared."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return float("inf")
    if want.size == 0:
        return 0.0
    difference = np.abs(got.astype(np.float64) - want.astype(np.float64)).max()
    scale = np.abs(want.astype(np.float64)).max()
    value = difference / scale if scale > 0 else difference
    return float(value) if np.isfinite(value) else float("inf")


def check(path: str, inputs: dict[str, np.ndarray], arguments) -> tuple[float, str]:
    """dlrun's largest error against ONNX Runtime on the same file, and why it failed."""
    runtime = session(path)
    names = [o.name for o in runtime.get_outputs()]
    given = dict(zip([i.name for i in runtime.get_inputs()], inputs.values(), strict=True))
    want = dict(zip(names, runtime.run(None, given), strict=True))
    np.savez(path[:-5] + ".npz", **given, **{f"out_{k}": v for k, v in want.items()})
    with tempfile.TemporaryDirectory() as folder:
        fed, made = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
        np.savez(fed, **given)
        command = [*shlex.split(arguments.dlrun), "infer", path, fed, "-o", made]
        run = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if run.returncode != 0:
            last = (run.stderr.strip().splitlines() or ["no message"])[-1]
            return float("inf"), f"exit status {run.returncode}: {last}"
        got = np.load(made)
        worst = max(error(got[n], want[n]) if n in got else float("inf") for n in names)
    limit = arguments.tolerance * (100 if ".half." in path else 1)
    return worst, "" if worst <= limit else f"more than {limit:g}"


def used(path: str) -> str:
    nodes = onnx.load(path, load_external_data=False).graph.node
    special = {n.op_type for n in nodes if n.domain not in ("", "ai.onnx")}
    special |= {n.op_type for n in nodes if n.op_type == "SimplifiedLayerNormalization"}
    return ", ".join(sorted(special)) or "none"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--zoo")
    parser.add_argument("--dlrun", default=os.path.join(ROOT, "tools", "dlrun"))
    parser.add_argument("--tolerance", type=float, default=1e-4)
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    work: list[tuple[str, str, dict[str, np.ndarray], tuple[str, int, int]]] = []
    for name, kind in SMALL.items():
        if not arguments.names or name in arguments.names:
            path = os.path.join(arguments.out, name + ".plain.onnx")
            try:
                work.append((name, path, export(name, path), kind))
            except Exception as problem:
                print(f"{name} was not exported: {type(problem).__name__}", file=sys.stderr)
    for file in sorted(os.listdir(arguments.zoo)) if arguments.zoo else []:
        name = file[:-5]
        if file.endswith(".onnx") and (not arguments.names or name in arguments.names):
            path = os.path.join(arguments.zoo, file)
            stored = np.load(path[:-5] + ".npz")
            given = {k: stored[k] for k in stored if k.startswith("in_")}
            work.append((name, path, given, ZOO_KINDS.get(name, ("", 0, 0))))
    failed = 0
    print("| model | way | operators beyond ONNX | error | |\n|---|---|---|---|---|")
    for name, source, inputs, kind in work:
        for way in ("session", "fusion", "half") if kind[0] else ("session",):
            path = os.path.join(arguments.out, f"{name}.{way}.onnx")
            try:
                optimise(way, source, path, kind)
                worst, why = check(path, inputs, arguments)
            except Exception as problem:
                print(f"| {name} | {way} | | | not made: {str(problem).splitlines()[0][:200]} |")
                continue
            failed += bool(why)
            print(f"| {name} | {way} | {used(path)} | {worst:.1e} | {why or 'ok'} |", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
