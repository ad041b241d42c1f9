#!/usr/bin/env python3
"""Convert saved torch.export programs and compare with PyTorch's own outputs.

usage: torch_check.py DLRUN FOLDER [--tolerance T] [--table] [--filter TEXT]
FOLDER holds NAME.pt2 and NAME.core.pt2 beside NAME.npz, as torch_export_models.py and
torch_operators.py write them. --table: for each NAME.onnx, the exporter's own, also the number of
steps of the compiled model and the least time of a run on one thread, of dlrun on both.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def steps(dlrun, model, folder):
    """Nodes of the optimised graph, as dlrun itself runs it."""
    made = run(dlrun, "bench", model, "--layers", "--json", "--runs", "1", "--threads", "1")
    try:
        return len(json.loads(made.stdout)["layers"])
    except (ValueError, KeyError):
        return None


def milliseconds(dlrun, model):
    made = run(dlrun, "bench", model, "--json", "--runs", "20", "--threads", "1")
    try:
        record = json.loads(made.stdout)
        return record["latency_ms"]["min"]
    except (ValueError, KeyError):
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dlrun")
    parser.add_argument("folder")
    parser.add_argument("--tolerance", default="1e-4")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--filter", default="")
    options = parser.parse_args()
    passed = failed = 0
    names = sorted(f[:-4] for f in os.listdir(options.folder) if f.endswith(".pt2"))
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            base = name.removesuffix(".core")
            arrays = os.path.join(options.folder, base + ".npz")
            if options.filter not in name or not os.path.exists(arrays):
                continue
            made = os.path.join(folder, "made.onnx")
            result = run(
                options.dlrun, "convert", os.path.join(options.folder, name + ".pt2"), "-o", made,
                "--check", arrays, "--tolerance", options.tolerance, "--json")
            line = result.stderr.strip().split("\n")[-1][:400]
            largest = None
            try:
                record = json.loads(result.stdout)
                largest = max(o["relative"] for o in record["outputs"])
                line = f"{largest:.1e} relative, {record['nodes']} nodes, opset {record['opset']}"
            except (ValueError, KeyError):
                pass
            if result.returncode == 0:
                passed += 1
            else:
                failed += 1
                print("FAILED", name, line, flush=True)
                continue
            own = os.path.join(options.folder, base + ".onnx")
            if options.table and os.path.exists(own):
                ours, theirs = (steps(options.dlrun, m, folder) for m in (made, own))
                t = [milliseconds(options.dlrun, m) for m in (made, own, made, own)]
                fast = [min(x for x in p if x is not None) if any(p) else None
                        for p in (t[0::2], t[1::2])]
                print(f"{name:36} {line}; steps {ours} / {theirs}; ms {fast[0]} / {fast[1]}",
                      flush=True)
            elif options.table:
                print(f"{name:36} {line}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
