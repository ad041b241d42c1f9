#!/usr/bin/env python3
"""Save models with `dlrun optimize` and hold what ONNX Runtime makes of them against the originals.

usage: check_optimized.py FOLDER... [--dlrun COMMAND] [--levels basic,all] [--every N]
                          [--tolerance 1e-4] [--verbose]

FOLDER holds NAME.onnx with NAME.npz (in_0..), or models in the ONNX test layout
(`**/model.onnx` with `test_data_set_0/input_I.pb`); of the latter, every Nth is taken. Each model
is saved at each level. The result must pass `onnx.checker`, load in ONNX Runtime and give the
outputs that ONNX Runtime gives for the original without optimisation. Models that ONNX Runtime
itself does not run are skipped; those with halves are held to 1e-2, since they round at every step,
wherever that is. The error of an output is the largest absolute difference over the
largest absolute value. Exit status 1 when a model fails.
"""

import argparse
import glob
import os
import shlex
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RANDOM = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial",
          "Bernoulli", "Dropout"}


def session(path: str) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def stored(model: str) -> list | None:
    """The inputs kept beside a model, in order; nil where they are no tensors."""
    if os.path.basename(model) != "model.onnx":
        arrays = np.load(model[:-5] + ".npz")
        return [arrays[f"in_{k}"] for k in range(sum(n.startswith("in_") for n in arrays))]
    folder = os.path.join(os.path.dirname(model), "test_data_set_0")
    values = []
    for k in range(len(glob.glob(os.path.join(folder, "input_*.pb")))):
        tensor = onnx.TensorProto()
        try:
            with open(os.path.join(folder, f"input_{k}.pb"), "rb") as file:
                tensor.ParseFromString(file.read())
            values.append(numpy_helper.to_array(tensor))
        except Exception:
            return None
    return values


def error(got, want) -> float:
    """The largest error over the largest value; infinite where the two cannot be compared."""
    if isinstance(want, (list, tuple)):
        if not isinstance(got, (list, tuple)) or len(got) != len(want):
            return float("inf")
        return max((error(g, w) for g, w in zip(got, want)), default=0.0)
    if isinstance(want, dict):
        if not isinstance(got, dict) or got.keys() != want.keys():
            return float("inf")
        return max((error(np.asarray(got[k]), np.asarray(want[k])) for k in want), default=0.0)
    if want is None or got is None:
        return 0.0 if want is got else float("inf")
    got, want = np.asarray(got), np.asarray(want)
    if got.dtype != want.dtype or got.shape != want.shape:
        return float("inf")
    if want.size == 0:
        return 0.0
    if want.dtype.kind in "OSUb" or not np.issubdtype(want.dtype, np.number):
        return 0.0 if np.array_equal(got, want) else float("inf")
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    got, want = got.astype(wide), want.astype(wide)
    with np.errstate(invalid="ignore"):
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        difference = np.where(same, 0, np.abs(got - want)).max()
        finite = np.abs(want[np.isfinite(want)])
    scale = finite.max() if finite.size else 0
    value = float(difference / scale if scale > 0 else difference)
    return value if np.isfinite(value) else float("inf")


def check(model: str, level: str, arguments) -> tuple[str, str]:
    """"ok", "skip" or "FAIL", and why."""
    if any(n.op_type in RANDOM for n in onnx.load(model, load_external_data=False).graph.node):
        return "skip", "drawn at random"
    values = stored(model)
    if values is None:
        return "skip", "inputs are no tensors"
    try:
        plain = session(model)
        names = [i.name for i in plain.get_inputs()]
        feeds = dict(zip(names, values))
        want = plain.run(None, feeds)
    except Exception as reason:
        return "skip", f"ONNX Runtime does not run it: {str(reason)[:80]}"
    with tempfile.TemporaryDirectory() as folder:
        saved = os.path.join(folder, "saved.onnx")
        run = subprocess.run(
            [*shlex.split(arguments.dlrun), "optimize", model, "-o", saved, "--level", level],
            capture_output=True, text=True,
        )
        if run.returncode != 0:
            return "FAIL", (run.stderr.strip().splitlines() or ["no message"])[-1]
        try:
            onnx.checker.check_model(saved)
        except Exception as reason:
            return "FAIL", f"onnx.checker: {str(reason)[:200]}"
        try:
            got = session(saved).run(None, feeds)
        except Exception as reason:
            return "FAIL", f"ONNX Runtime: {str(reason)[:300]}"
    if len(got) != len(want):
        return "FAIL", "another number of outputs"
    worst = max((error(g, w) for g, w in zip(got, want)), default=0.0)
    halves = any(np.asarray(v).dtype.itemsize == 2 for v in [*values, *want] if v is not None)
    tolerance = max(1e-2, arguments.tolerance) if halves else arguments.tolerance
    return ("ok" if worst <= tolerance else "FAIL"), f"error {worst:.1e}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--dlrun", default=os.path.join(ROOT, "tools", "dlrun"))
    parser.add_argument("--levels", default="basic,all")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    models = []
    for folder in arguments.folders:
        flat = [m for m in glob.glob(f"{folder}/*.onnx") if os.path.exists(m[:-5] + ".npz")]
        models += sorted(flat)
        models += sorted(glob.glob(f"{folder}/**/model.onnx", recursive=True))[:: arguments.every]
    counts = {"ok": 0, "skip": 0, "FAIL": 0}
    for model in models:
        for level in arguments.levels.split(","):
            status, why = check(model, level, arguments)
            counts[status] += 1
            if status == "FAIL" or arguments.verbose:
                print(f"{status} {model} at level {level}: {why}", flush=True)
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    return 1 if counts["FAIL"] or not counts["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
