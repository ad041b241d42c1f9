#!/usr/bin/env python3
"""Converts every model below a folder and holds the results against those of its framework.

usage: check.py FOLDER --dlrun PATH [--tolerance 1e-5] [--only TEXT] [--jobs 2] [--keep DIR] [--all]
       check.py FOLDER --dlrun PATH --table [--rounds 3]

A model is model.*, frozen.pb or saved_model beside an io.npz with in_0.. and out_0.. and perhaps a
file `tolerance`; or NAME.pt2 and NAME.core.pt2 beside NAME.npz. Prints a row for each that fails, then
the counts; ends with status 1 where any fails.

--table takes the models that the framework's own exporter also made an ONNX model of (tf2onnx.onnx,
NAME.onnx), and compares with it: nodes of the compiled models, and the least time of a run on one
thread, measured in turns. Time it with nothing else running; models that --keep kept before are not
converted again.
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import zipfile

MODELS = ("model.keras", "model.h5", "model.tflite", "frozen.pb", "saved_model")


def models(folder):
    """Model, its arrays, its tolerance or None, and the exporter's model or None."""
    for root, folders, files in sorted(os.walk(folder)):
        beside = lambda name: os.path.join(root, name) if name in files else None
        for name in sorted(files + folders):
            path = os.path.join(root, name)
            if name.endswith(".pt2"):
                base = name.removesuffix(".pt2").removesuffix(".core")
                if base + ".npz" in files:
                    yield path, beside(base + ".npz"), None, beside(base + ".onnx")
            elif name in MODELS and "io.npz" in files:
                tolerance = beside("tolerance")
                yield (path, beside("io.npz"),
                       float(open(tolerance).read()) if tolerance else None,
                       beside("tf2onnx.onnx"))


def is_half(io):
    """Whether an output is of float16, which has eleven bits."""
    with zipfile.ZipFile(io) as archive:
        heads = [archive.open(n).read(128) for n in archive.namelist() if n.startswith("out_")]
    return any(b"'<f2'" in head for head in heads)


def convert(dlrun, path, io, out):
    """The largest relative difference and the report, or None and why there is none."""
    done = subprocess.run(
        [dlrun, "convert", path, "-o", out, "--check", io, "--json", "--tolerance", "1e9"],
        capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
        errors = [o["relative"] for o in report["outputs"]]
        return max(e if isinstance(e, (int, float)) else float("inf") for e in errors), report
    except (ValueError, KeyError):
        return None, (done.stderr or done.stdout).strip()[-400:] or f"status {done.returncode}"


def target(path, scratch, given):
    """Where the converted model goes."""
    if not given.keep:
        return os.path.join(scratch, "model.onnx")
    os.makedirs(given.keep, exist_ok=True)
    return os.path.join(given.keep, os.path.relpath(path, given.folder).replace("/", "_") + ".onnx")


def check(job):
    path, io, tolerance, given = job
    with tempfile.TemporaryDirectory() as scratch:
        out = target(path, scratch, given)
        worst, report = convert(given.dlrun, path, io, out)
    if worst is None:
        return path, None, None, report
    limit = tolerance or given.tolerance
    if is_half(io):
        limit = max(limit, 2e-3)
    return path, worst, report["nodes"], None if worst <= limit else f"differs by {worst}"


def report_of(*command):
    return json.loads(subprocess.run(command, capture_output=True, text=True).stdout)


def nodes(dlrun, model):
    """Nodes of the compiled model."""
    return report_of(dlrun, "inspect", model, "--json")["compiled"]["nodes"]


def milliseconds(dlrun, model):
    report = report_of(dlrun, "bench", model, "--json", "--threads", "1", "--runs", "10")
    return report["min_ms"]


def table(jobs, given):
    """A row for each model and its exporter's form; the mean ratios last."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for path, io, _, own in jobs:
            if not own:
                continue
            out = target(path, scratch, given)
            if not (given.keep and os.path.exists(out)):
                worst, report = convert(given.dlrun, path, io, out)
                if worst is None:
                    print(os.path.relpath(path, given.folder), report)
                    continue
            try:
                counts = [nodes(given.dlrun, m) for m in (out, own)]
                times = [[], []]
                for _ in range(given.rounds):
                    for i, m in enumerate((out, own)):
                        times[i].append(milliseconds(given.dlrun, m))
            except (ValueError, KeyError) as error:
                print(os.path.relpath(path, given.folder), "bench failed:", error)
                continue
            least = [min(t) if t else float("nan") for t in times]
            rows.append((counts[0] / counts[1], least[0] / least[1]))
            print(f"{os.path.relpath(path, given.folder):40} nodes {counts[0]:4} / {counts[1]:4} "
                  f"= {rows[-1][0]:.2f}   ms {least[0]:8.3f} / {least[1]:8.3f} = {rows[-1][1]:.2f}",
                  flush=True)
    if rows:
        print(f"{len(rows)} models: nodes {sum(r[0] for r in rows) / len(rows):.3f}, "
              f"time {sum(r[1] for r in rows) / len(rows):.3f} of the exporter's, on average")
    return 0 if rows else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--dlrun", required=True)
    parser.add_argument("--tolerance", type=float, default=1e-5)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", help="where to keep the converted models")
    parser.add_argument("--all", action="store_true", help="print a row for every model")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--rounds", type=int, default=3, help="turns of timing; 0: none")
    given = parser.parse_args()
    jobs = [job for job in models(given.folder) if given.only in job[0]]
    if given.table:
        sys.exit(table(jobs, given))
    passed, failed, worst = 0, 0, 0.0
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        rows = pool.map(check, [(path, io, t, given) for path, io, t, _ in jobs])
        for path, error, nodes, why in rows:
            name = os.path.relpath(path, given.folder)
            if why is None:
                passed += 1
                worst = max(worst, error)
                if given.all:
                    print(f"ok    {name}  {nodes} nodes  {error:.2g}", flush=True)
            else:
                failed += 1
                print(f"FAIL  {name}  {why}", flush=True)
    print(f"{passed} converted and equal (largest difference {worst:.2g}), {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
