#!/usr/bin/env python3
"""Measure language-model decoding with a growing cache: tokens a second of dlrun and its peers.

usage: tools/bench_decode.py --library libdlrun.so [--layers N] [--width N] [--heads N] [--vocab N]
                             [--start N] [--tokens N] [--threads N] [--rounds N]
                             [--peers onnxruntime,openvino] [--nbits 4]

Run it with an interpreter that has numpy, onnx and the peers, as .cache/oracle/bin/python.

The model is a GPT-2 written here with random weights: one token and the keys and values of those
before it go in, the next token's scores and the longer keys and values come out. Each engine
decodes --tokens tokens from a cache of --start on, always taking the likeliest; engines take turns
in --rounds rounds, and the best round of each (processor time for one thread) is printed, with the
tokens they agreed on. Bytes of weights (in float) and cache that a token must read, over its time,
say how near to the memory's rate it is.
--nbits also measures the model with weights of so many bits in blocks of 32 (MatMulNBits, as
onnxruntime's quantiser makes it, which wants the packages of tools/oracle/int8_transformers.txt), at
accuracy levels 0, activations in float, and 4, activations in int8.
Caches are handed from one run to the next as each engine's own values (OrtValue, Tensor) where it
has them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from peers import engines


class Writer:
    """A graph under construction."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.bytes = 0

    def constant(self, array: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def weight(self, *shape: int, scale: float) -> str:
        array = (self.random.standard_normal(shape) * scale).astype(np.float32)
        self.bytes += array.nbytes
        return self.constant(array)

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: object) -> list[str]:
        names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def one(self, kind: str, *inputs: str, **attributes: object) -> str:
        return self.node(kind, *inputs, **attributes)[0]

    def linear(self, x: str, n: int, k: int) -> str:
        y = self.one("MatMul", x, self.weight(k, n, scale=k**-0.5))
        return self.one("Add", y, self.weight(n, scale=0.02))

    def norm(self, x: str, n: int) -> str:
        gain = self.constant(np.ones(n, np.float32))
        return self.one("LayerNormalization", x, gain, self.weight(n, scale=0.02), axis=-1)


def build(path: str, a: argparse.Namespace) -> int:
    """Writes the model; returns bytes of weights that each token reads."""
    g = Writer(1)
    size = a.width // a.heads
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, [1, 1]) for n in ("ids", "place")]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 1, a.vocab])]
    x = g.one("Gather", g.weight(a.vocab, a.width, scale=0.3), "ids")
    x = g.one("Add", x, g.one("Gather", g.weight(4096, a.width, scale=0.1), "place"))
    g.bytes = 0
    scale = g.constant(np.float32(size**-0.5))
    split = g.constant(np.array([1, 1, a.heads, size], np.int64))
    merge = g.constant(np.array([1, 1, a.width], np.int64))
    for layer in range(a.layers):
        h = g.linear(g.norm(x, a.width), 3 * a.width, a.width)
        parts = g.node("Split", h, outputs=3, axis=2, num_outputs=3)
        q, k, v = (
            g.one("Transpose", g.one("Reshape", p, split), perm=[0, 2, 1, 3]) for p in parts
        )
        names = [f"past_{layer}_{part}" for part in "kv"]
        present = [f"present_{layer}_{part}" for part in "kv"]
        for name in names:
            shape = [1, a.heads, "past", size]
            inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        for name, past, new in zip(present, names, (k, v)):
            g.nodes.append(helper.make_node("Concat", [past, new], [name], axis=2))
            shape = [1, a.heads, "total", size]
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        s = g.one("MatMul", q, g.one("Transpose", present[0], perm=[0, 1, 3, 2]))
        p = g.one("Softmax", g.one("Mul", s, scale), axis=-1)
        y = g.one("Transpose", g.one("MatMul", p, present[1]), perm=[0, 2, 1, 3])
        y = g.linear(g.one("Reshape", y, merge), a.width, a.width)
        x = g.one("Add", x, y)
        h = g.linear(g.norm(x, a.width), 4 * a.width, a.width)
        h = g.one("Gelu", h, approximate="tanh")
        x = g.one("Add", x, g.linear(h, a.width, 4 * a.width))
    y = g.one("MatMul", g.norm(x, a.width), g.weight(a.width, a.vocab, scale=a.width**-0.5))
    g.nodes.append(helper.make_node("Identity", [y], ["scores"]))
    graph = helper.make_graph(g.nodes, "decoder", inputs, outputs, g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.save(model, path)
    return g.bytes


Step = Callable[[dict], tuple[np.ndarray, list]]


def dlrun_step(path: str, a: argparse.Namespace) -> Step:
    session = engines.DLRun("dlrun", a.library).module.InferenceSession(path, threads=a.threads)

    def step(feed: dict) -> tuple[np.ndarray, list]:
        out = session.run(None, feed)
        return out[0], out[1:]

    return step


def onnxruntime_step(path: str, a: argparse.Namespace) -> Step:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = a.threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]

    def step(feed: dict) -> tuple[np.ndarray, list]:
        values = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(x) if isinstance(x, np.ndarray) else x
            for name, x in feed.items()
        }
        out = session.run_with_ort_values(names, values)
        return out[0].numpy(), out[1:]

    return step


def openvino_step(path: str, a: argparse.Namespace) -> Step:
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": a.threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = openvino.Core().compile_model(path, "CPU", settings).create_infer_request()

    def step(feed: dict) -> tuple[np.ndarray, list]:
        out = list(request.infer(feed).to_tuple())
        return out[0], [np.array(x) for x in out[1:]]

    return step


STEPS = {"dlrun": dlrun_step, "onnxruntime": onnxruntime_step, "openvino": openvino_step}


def quantise(path: str, target: str, bits: int, level: int) -> None:
    from onnxruntime.quantization.matmul_nbits_quantizer import (
        DefaultWeightOnlyQuantConfig,
        MatMulNBitsQuantizer,
    )

    config = DefaultWeightOnlyQuantConfig(
        block_size=32, is_symmetric=False, accuracy_level=level, bits=bits
    )
    quantizer = MatMulNBitsQuantizer(onnx.load(path), algo_config=config)
    quantizer.process()
    quantizer.model.save_model_to_file(target)


def decode(step: Step, a: argparse.Namespace) -> tuple[float, list[int]]:
    """Seconds for all tokens, and the tokens."""
    random = np.random.default_rng(2)
    shape = (1, a.heads, a.start, a.width // a.heads)
    cache = [random.standard_normal(shape).astype(np.float32) * 0.5 for _ in range(2 * a.layers)]
    names = [f"past_{layer}_{part}" for layer in range(a.layers) for part in "kv"]
    token, tokens = 7, []
    # What neighbours take of a processor is no part of the time of one thread.
    clock = time.process_time if a.threads == 1 else time.perf_counter
    begin = clock()
    for i in range(a.tokens):
        feed = dict(zip(names, cache))
        feed["ids"] = np.array([[token]], np.int64)
        feed["place"] = np.array([[min(a.start + i, 4095)]], np.int64)
        scores, cache = step(feed)
        token = int(scores[0, 0].argmax())
        tokens.append(token)
    return clock() - begin, tokens


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", default=os.environ.get("DLRUN_LIBRARY"))
    for name, value in (
        ("layers", 6), ("width", 384), ("heads", 6), ("vocab", 8000), ("start", 128),
        ("tokens", 128), ("threads", 1), ("rounds", 5),
    ):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--peers", default="onnxruntime,openvino")
    parser.add_argument("--nbits", type=int, choices=(4, 8))
    a = parser.parse_args()
    if not a.library:
        parser.error("--library or DLRUN_LIBRARY says which library to measure")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "decoder.onnx")
        weights = build(path, a)
        steps: dict[str, Step] = {}
        for name in ["dlrun"] + [p for p in a.peers.split(",") if p]:
            try:
                steps[name] = STEPS[name](path, a)
            except Exception as failure:  # a peer that is not there or refuses the model
                print(f"{name}: {failure}", file=sys.stderr)
        for level in (0, 4) if a.nbits else ():
            target = os.path.join(folder, f"decoder{level}.onnx")
            quantise(path, target, a.nbits, level)
            for name in ("dlrun", "onnxruntime"):
                if name in steps:
                    steps[f"{name} {a.nbits} bits, level {level}"] = STEPS[name](target, a)
        best: dict[str, float] = {}
        tokens: dict[str, list[int]] = {}
        for _ in range(a.rounds):
            for name, step in steps.items():
                seconds, tokens[name] = decode(step, a)
                best[name] = min(best.get(name, seconds), seconds)
    cache = 2 * a.layers * a.width * 4 * (a.start + a.tokens / 2)
    print(f"{weights / 1e6:.0f} MB of weights, {cache / 1e6:.1f} MB of cache in the mean")
    for name, seconds in best.items():
        each = seconds / a.tokens
        same = sum(x == y for x, y in zip(tokens[name], tokens["dlrun"]))
        print(
            f"{name:28} {1 / each:8.1f} tokens/s  {each * 1e3:7.3f} ms  "
            f"{(weights + cache) / each / 1e9:5.1f} GB/s of float  {same}/{a.tokens} tokens as dlrun's"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
