"""Converts ONNX models to other opsets and types with `dlrun convert`, and runs what comes out.

    .cache/oracle/bin/python tools/oracle/convert/convert_onnx.py [--dlrun PATH] [--opsets 9,13,17,21,24]
        [--dtype float16] [--filter TEXT] [--every N] FOLDER...

A folder holds NAME.onnx with NAME.npz beside it (`x` inputs and outputs by their names, as
export_zoo.py writes), or cases in the ONNX test layout (model.onnx, test_data_set_0). Of every model
and opset: whether dlrun converts it; whether the result's outputs in dlrun have the bits of the
model's own (else their largest relative difference); whether converting back gives these bits again;
whether onnx's checker and ONNX Runtime take it and agree.
"""

import argparse
import collections
import glob
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

onnxruntime.set_default_logger_severity(4)


def cases(folders, text, every):
    for folder in folders:
        paths = sorted(p for p in glob.glob(folder + "/**/*.onnx", recursive=True) if text in p)
        yield from paths[::every]


def feeds(path, model):
    """The inputs of a case, by name; None where they are no tensors."""
    names = [i.name for i in model.graph.input]
    initializers = {t.name for t in model.graph.initializer}
    names = [n for n in names if n not in initializers]
    beside = os.path.splitext(path)[0] + ".npz"
    if os.path.exists(beside):
        arrays = np.load(beside, allow_pickle=False)
        return {n: arrays[n] for n in names if n in arrays}
    found = {}
    for i, name in enumerate(names):
        file = os.path.join(os.path.dirname(path), "test_data_set_0", f"input_{i}.pb")
        if not os.path.exists(file):
            continue
        tensor = onnx.TensorProto()
        try:
            with open(file, "rb") as f:
                tensor.ParseFromString(f.read())
            found[name] = numpy_helper.to_array(tensor)
        except Exception:
            return None
    return found


def run_dlrun(dlrun, model, inputs, out):
    r = subprocess.run(
        [dlrun, "infer", model, inputs, "-o", out, "--optimize", "none", "--threads", "1"],
        capture_output=True, text=True)
    if r.returncode != 0:
        return None, r.stderr.strip()
    return dict(np.load(out, allow_pickle=False)), ""


def difference(a, b):
    """0 for equal bits, else the largest difference relative to the largest element."""
    if set(a) != set(b):
        return float("inf")
    worst = 0.0
    for k in a:
        x, y = a[k], b[k]
        if x.shape != y.shape:
            return float("inf")
        if x.dtype == y.dtype and x.tobytes() == y.tobytes():
            continue
        if x.dtype.kind not in "fc":
            worst = max(worst, float(np.max(x != y)) if x.size else 0)
            continue
        x, y = x.astype(np.float64), y.astype(np.float64)
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        with np.errstate(all="ignore"):
            d = np.where(same, 0, np.abs(x - y))
        scale = np.max(np.abs(x[np.isfinite(x)]), initial=0) or 1
        worst = max(worst, float(np.max(d, initial=0) / scale), 1e-30)
    return worst


def run_peer(path, inputs):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = {i.name for i in session.get_inputs()}
    outputs = session.run(None, {k: v for k, v in inputs.items() if k in wanted})
    return {o.name: v for o, v in zip(session.get_outputs(), outputs)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--dlrun", default=".build/release/dlrun")
    parser.add_argument("--opsets", default="7,9,11,13,15,17,19,21,24")
    parser.add_argument("--dtype")
    parser.add_argument("--filter", default="")
    parser.add_argument("--every", type=int, default=1, help="take one model in so many")
    parser.add_argument("--tolerance", type=float)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--json")
    a = parser.parse_args()
    tolerance = a.tolerance or (0.05 if a.dtype else 1e-4)
    wanted = [None] if a.dtype else [int(n) for n in a.opsets.split(",")]
    counts = collections.defaultdict(collections.Counter)
    records = []
    with tempfile.TemporaryDirectory() as folder:
        for path in cases(a.folders, a.filter, a.every):
            model = onnx.load(path)
            values = feeds(path, model)
            own = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), None)
            name = os.path.relpath(path, a.folders[0])
            if values is None or own is None:
                counts["all"]["skipped: inputs are no tensors, or no opset"] += 1
                continue
            inputs = folder + "/in.npz"
            try:
                np.savez(inputs, **values)
                before, error = run_dlrun(a.dlrun, path, inputs, folder + "/a.npz")
            except Exception as e:
                before, error = None, str(e)
            if before is None:
                counts["all"]["skipped: the model itself does not run here"] += 1
                continue
            for opset in wanted:
                c = counts[opset or a.dtype]
                if opset == own:
                    c["its own opset"] += 1
                    continue
                record = {"model": name, "from": own, "to": opset or a.dtype}
                records.append(record)
                to = folder + "/b.onnx"
                what = ["--dtype", a.dtype] if a.dtype else ["--opset", str(opset)]
                r = subprocess.run(
                    [a.dlrun, "convert", path, "-o", to] + what, capture_output=True, text=True)
                if r.returncode != 0:
                    kind = {69: "no form", 64: "no form"}.get(r.returncode, "FAILED")
                    c["refused: " + kind] += 1
                    record["error"] = r.stderr.strip()
                    continue
                after, error = run_dlrun(a.dlrun, to, inputs, folder + "/b.npz")
                if after is None:
                    c["DOES NOT RUN in dlrun"] += 1
                    record["error"] = error
                    continue
                d = difference(before, after)
                record["difference"] = d
                c["bits equal" if d == 0 else "close" if d <= tolerance else "DIFFERS"] += 1
                if not a.dtype:
                    back = folder + "/c.onnx"
                    r = subprocess.run(
                        [a.dlrun, "convert", to, "-o", back, "--opset", str(own)],
                        capture_output=True, text=True)
                    if r.returncode != 0:
                        c["back: refused"] += 1
                        record["back"] = r.stderr.strip()
                    else:
                        again, error = run_dlrun(a.dlrun, back, inputs, folder + "/c.npz")
                        same = again is not None and difference(after, again) == 0
                        c["back: bits equal" if same else "back: DIFFERS"] += 1
                        if not same:
                            record["back"] = error or "other bits"
                try:
                    onnx.checker.check_model(to)
                    c["checker: ok"] += 1
                except Exception as e:
                    c["checker: REFUSES"] += 1
                    record["checker"] = str(e).split("\n")[0]
                if a.no_peer:
                    continue
                try:
                    reference = run_peer(path, values)
                except Exception:
                    c["peer: cannot run the model itself"] += 1
                    continue
                try:
                    other = run_peer(to, values)
                except Exception as e:
                    c["peer: cannot run it"] += 1
                    record["peer"] = str(e).split("\n")[0]
                    continue
                d = difference(reference, other)
                c["peer: agrees" if d <= tolerance else "peer: DIFFERS"] += 1
                if d > tolerance:
                    record["peer"] = d
    for key, counter in counts.items():
        print(key, dict(counter))
    if a.json:
        with open(a.json, "w") as f:
            json.dump(records, f, indent=1)
    bad = sum(n for c in counts.values() for k, n in c.items() if any(w.isupper() for w in k.split()))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
