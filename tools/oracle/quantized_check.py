#!/usr/bin/env python3
"""Quantise models with `dlrun quantize` and hold what it writes against onnxruntime and OpenVINO.

usage: quantized_check.py [--dlrun COMMAND] [--zoo FOLDER] [--fixtures FOLDER] [--cases LIST] NAME...

NAME is a network of FOLDER (`NAME.onnx` with `NAME.npz`, whose in_0 is calibrated on, with noise) or
one of the fixtures digits_cnn, digits_transformer, digits_outliers and cancer_mlp. CASES are named
below. Runs with onnxruntime 1.32 and OpenVINO 2026.4 (tools/oracle/install.sh, .cache/peers).

Each line: the file's bytes over the float model's; then, in decibels of signal over noise against
dlrun's float model, dlrun, onnxruntime as it comes, onnxruntime without optimisation, and OpenVINO
in float32 precision; then the largest difference of dlrun (all passes, and none) and OpenVINO from
onnxruntime without optimisation, in steps: 1/255 of the span of its output. The last columns are
microseconds of onnxruntime on one thread, float and quantised. Exit status 1 when a file does not load or
dlrun differs from onnxruntime by more than it does from itself and two steps.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime as ort

try:
    import openvino
except ImportError:
    openvino = None

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CASES = {
    "static": ["--mode", "static"],
    "percentile": ["--mode", "static", "--method", "percentile"],
    "entropy": ["--mode", "static", "--method", "entropy"],
    "mse": ["--mode", "static", "--method", "mse"],
    "average": ["--mode", "static", "--method", "average"],
    "symmetric": ["--mode", "static", "--symmetric"],
    "per-tensor": ["--mode", "static", "--per-tensor"],
    "attention": ["--mode", "static", "--attention"],
    "smooth": ["--mode", "static", "--smooth", "0.5", "--bias-correction"],
    "dynamic": ["--mode", "dynamic"],
    "weights8": ["--mode", "weights8"],
    "weights4": ["--mode", "weights4"],
    "gptq": ["--mode", "weights4", "--gptq"],
    "nbits4": ["--mode", "weights4", "--format", "matmulnbits"],
    "nbits8": ["--mode", "weights8", "--format", "matmulnbits"],
    "fp16": ["--mode", "fp16"],
    "bf16": ["--mode", "bf16"],
}


def rows(name, args):
    """The model's path and its calibration rows by input."""
    path = os.path.join(args.fixtures, name + ".onnx")
    if os.path.exists(path):
        if name.startswith("digits"):
            return path, {"x": np.load(os.path.join(args.fixtures, "digits.npz"))["x"]}
        table = np.loadtxt(os.path.join(args.fixtures, "cancer_train.csv"), delimiter=",", skiprows=1)
        return path, {"x": table[:, :-1].astype(np.float32)}
    path = os.path.join(args.zoo, name + ".onnx")
    stored = np.load(os.path.join(args.zoo, name + ".npz"))
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(7)
    feeds = {}
    for i, port in enumerate(session.get_inputs()):
        x = stored[f"in_{i}"]
        if x.dtype.kind == "f":
            more = [x + 0.2 * rng.standard_normal(x.shape).astype(x.dtype) for _ in range(7)]
        else:
            more = [rng.permutation(x.ravel()).reshape(x.shape) for _ in range(7)]
        feeds[port.name] = np.concatenate([x] + more)
    return path, feeds


def onnxruntime_runs(path, feeds, level, repeats=0):
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    outputs = [session.run(None, feed)[0] for feed in feeds]
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        session.run(None, feeds[0])
        best = min(best, time.perf_counter() - start)
    return outputs, best * 1e6


def openvino_runs(path, feeds):
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = [p.get_any_name() for p in compiled.inputs]
    return [compiled([feed[n] for n in names])[0] for feed in feeds]


def dlrun_runs(command, path, feeds, folder, level):
    outputs = []
    for i, feed in enumerate(feeds):
        source, target = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
        np.savez(source, **feed)
        subprocess.run(
            command + ["infer", path, source, "-o", target, "--threads", "1", "--optimize", level], check=True)
        loaded = np.load(target)
        outputs.append(loaded[loaded.files[0]])
    return outputs


def decibels(exact, given):
    noise = sum(float(((a - b).astype(np.float64) ** 2).sum()) for a, b in zip(exact, given))
    signal = sum(float((a.astype(np.float64) ** 2).sum()) for a in exact)
    return 10 * np.log10(signal / noise) if noise > 0 else np.inf


def steps(exact, given):
    low, high = min(a.min() for a in exact), max(a.max() for a in exact)
    return max(float(np.abs(a - b).max()) for a, b in zip(exact, given)) / ((high - low) / 255)


def check(name, case, args, command, folder):
    path, feeds = rows(name, args)
    calibration = os.path.join(folder, "calibration.npz")
    np.savez(calibration, **feeds)
    target = os.path.join(folder, f"{name}-{case}.onnx")
    start = time.time()
    done = subprocess.run(
        command + ["quantize", path, "-o", target, "--calibration", calibration, "--json"] + CASES[case],
        capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{name:20} {case:10} {done.stderr.strip()}")
        return done.returncode == 65 and "nothing to quantise" in done.stderr
    took = time.time() - start
    figures = json.loads(done.stdout)
    parts = [{k: v[i : i + 1] for k, v in feeds.items()} for i in range(min(4, len(next(iter(feeds.values())))))]
    off, full = ort.GraphOptimizationLevel.ORT_DISABLE_ALL, ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    exact = dlrun_runs(command, path, parts, folder, "all")
    try:
        plain, _ = onnxruntime_runs(target, parts, off)
    except Exception as error:  # the peer's own errors have no common class
        print(f"{name:20} {case:10} onnxruntime: {str(error).splitlines()[0][:200]}")
        return False
    fast, micro = onnxruntime_runs(target, parts, full, 10)
    _, float_micro = onnxruntime_runs(path, parts, full, 10)
    mine = dlrun_runs(command, target, parts, folder, "all")
    slow = dlrun_runs(command, target, parts, folder, "none")
    line = f"{name:20} {case:10} {figures['file_bytes']['after'] / figures['file_bytes']['before']:5.2f} "
    line += f"{decibels(exact, mine):6.1f} {decibels(exact, fast):6.1f} {decibels(exact, plain):6.1f} "
    theirs = None
    if openvino is not None:
        try:
            theirs = openvino_runs(target, parts)
            line += f"{decibels(exact, theirs):6.1f} "
        except Exception as error:  # the peer's own errors have no common class
            line += f"OpenVINO: {str(error).splitlines()[0][:60]} "
    else:
        line += "     - "
    line += f"{steps(plain, mine):8.3f} {steps(plain, slow):8.3f} "
    line += f"{steps(plain, theirs):8.3f} " if theirs is not None else "       - "
    line += f"{float_micro:9.0f} {micro:9.0f} {took:6.1f} s"
    print(line, flush=True)
    return steps(plain, mine) <= steps(slow, mine) + 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dlrun", default=os.path.join(ROOT, "tools/dlrun"))
    parser.add_argument("--zoo", default=os.path.join(ROOT, ".cache/zoo"))
    parser.add_argument("--fixtures", default=os.path.join(ROOT, "Tests/QuantizationTests/Fixtures"))
    parser.add_argument("--cases", default="static,dynamic,weights8,weights4,fp16")
    parser.add_argument("names", nargs="+")
    args = parser.parse_args()
    command = shlex.split(args.dlrun)
    print(f"{'model':20} {'case':10}  size  dlrun    ort    raw  openv    dlrun    plain    openv "
          f"ort float ort quant")
    fine = True
    with tempfile.TemporaryDirectory() as folder:
        for name in args.names:
            for case in args.cases.split(","):
                fine = check(name, case, args, command, folder) and fine
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
