#!/usr/bin/env python3
"""Quantise models of a zoo with onnxruntime's tools and compare dlrun's results with onnxruntime's.

usage: check_quantized.py ZOO [--dlrun COMMAND] [--kinds LIST] [--levels LIST] NAME...

ZOO holds NAME.onnx and NAME.npz with in_0 .., as export_zoo.py writes them. Kinds: dynamic (weights
of 8 bits, activations quantised as they come), qdq and qoperator (static, calibrated on the stored
input and noise), nbits4 (MatMulNBits, blocks of 32) and float (as it is). Each is run as written
(none) and as onnxruntime saves it at the levels given (extended, all). onnxruntime itself runs it
without further optimisation and without threads.

The figure is the largest error over the largest value of onnxruntime's output; beside it stands
onnxruntime's own error against the model in float, which says what an error of dlrun's is worth,
and the operators of com.microsoft that the file holds. Exit status 1 when a model does not run.
"""

import argparse
import logging
import os
import shlex
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LEVELS = {
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


class Reader(CalibrationDataReader):
    """The stored input, and two more with noise where it is of floats."""

    def __init__(self, feed):
        rng = np.random.default_rng(5)

        def noisy(v):
            return v + 0.1 * rng.standard_normal(v.shape).astype(v.dtype) if v.dtype.kind == "f" else v

        self.feeds = iter([feed] + [{k: noisy(v) for k, v in feed.items()} for _ in range(2)])

    def get_next(self):
        return next(self.feeds, None)


def quantise(kind, source, target, feed, reduces):
    if kind == "float":
        onnx.save(onnx.load(source), target)
    elif kind == "dynamic":
        quantize_dynamic(source, target, weight_type=QuantType.QInt8, reduce_range=reduces)
    elif kind == "nbits4":
        quantizer = MatMulNBitsQuantizer(onnx.load(source), block_size=32, is_symmetric=False)
        quantizer.process()
        quantizer.model.save_model_to_file(target)
    else:
        style = QuantFormat.QDQ if kind == "qdq" else QuantFormat.QOperator
        quantize_static(
            source, target, Reader(feed), quant_format=style, per_channel=kind == "qdq",
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, reduce_range=reduces,
        )


def session(path, level=ort.GraphOptimizationLevel.ORT_DISABLE_ALL, save=None):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = level
    if save:
        options.optimized_model_filepath = save
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def contrib(path):
    nodes = onnx.load(path).graph.node
    return sorted({n.op_type for n in nodes if n.domain.startswith("com.microsoft")})


def error(got, want):
    if got.dtype != want.dtype or got.shape != want.shape:
        return float("inf")
    difference = np.abs(got.astype(np.float64) - want.astype(np.float64)).max(initial=0)
    return float(difference / max(np.abs(want.astype(np.float64)).max(initial=0), 1e-30))


def check(path, feed, plain, dlrun, folder) -> bool:
    """Prints how closely dlrun and onnxruntime agree on one file; whether dlrun ran it."""
    want = session(path).run(None, feed)
    fed, made = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
    np.savez(fed, **feed)
    started = time.monotonic()
    done = subprocess.run(
        [*shlex.split(dlrun), "infer", path, fed, "-o", made], capture_output=True, text=True
    )
    if done.returncode:
        print(f"    FAILED {done.stderr.strip()[:300]}", flush=True)
        return False
    stored = np.load(made)
    names = [o.name for o in session(path).get_outputs()]
    ours = max(error(stored[n], v) for n, v in zip(names, want))
    theirs = max(error(v, p) for v, p in zip(want, plain))
    same = all((np.argmax(stored[n], -1) == np.argmax(v, -1)).mean() == 1 for n, v in zip(names, want))
    print(
        f"    error {ours:.2e} (quantisation's own {theirs:.2e}), best class "
        f"{'equal' if same else 'differs'}, {time.monotonic() - started:.1f} s",
        flush=True,
    )
    return bool(np.isfinite(ours))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("zoo")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--dlrun", default=os.path.join(ROOT, ".build/debug/dlrun"))
    parser.add_argument("--kinds", default="dynamic,qdq,qoperator,nbits4,float")
    parser.add_argument("--levels", default="extended")
    parser.add_argument("--reduce-range", action="store_true", help="weights of 7 bits")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    passed = failed = 0
    for name in arguments.names:
        source = os.path.join(arguments.zoo, name + ".onnx")
        stored = np.load(os.path.join(arguments.zoo, name + ".npz"))
        plain_session = session(source)
        feed = {i.name: stored[f"in_{n}"] for n, i in enumerate(plain_session.get_inputs())}
        plain = plain_session.run(None, feed)
        with tempfile.TemporaryDirectory() as folder:
            # What exporters leave between weights and their users is folded first.
            ready = os.path.join(folder, "ready.onnx")
            session(source, ort.GraphOptimizationLevel.ORT_ENABLE_BASIC, ready)
            for kind in arguments.kinds.split(","):
                path = os.path.join(folder, f"{kind}.onnx")
                try:
                    quantise(kind, ready, path, feed, arguments.reduce_range)
                except Exception as problem:
                    print(f"{name} {kind}: onnxruntime's tools: {str(problem)[:120]}", flush=True)
                    continue
                files = [("none", path)]
                for level in filter(None, arguments.levels.split(",")):
                    better = os.path.join(folder, f"{kind}_{level}.onnx")
                    session(path, LEVELS[level], better)
                    files.append((level, better))
                for level, file in files:
                    print(f"{name} {kind} {level}: {' '.join(contrib(file))}", flush=True)
                    if check(file, feed, plain, arguments.dlrun, folder):
                        passed += 1
                    else:
                        failed += 1
    print(f"{passed} ran, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
