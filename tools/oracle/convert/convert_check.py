"""Converts every model below a folder and compares it with the outputs of its framework.

usage: convert_check.py FOLDER --dlrun BIN [--tolerance 1e-5] [--only TEXT] [--jobs 2] [--keep DIR]

A model is a file model.* (or a folder saved_model) beside an io.npz with in_0.. and out_0... Prints
a row for each that fails and the counts; ends with status 1 where any fails.
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import zipfile


def models(folder, only):
    for root, folders, files in sorted(os.walk(folder)):
        if "io.npz" not in files:
            continue
        for name in sorted(files + folders):
            if name.startswith("model.") or name == "saved_model":
                path = os.path.join(root, name)
                if only in path:
                    yield path, os.path.join(root, "io.npz")


def is_half(io):
    """Whether an output is of float16, which has eleven bits."""
    with zipfile.ZipFile(io) as archive:
        heads = [archive.open(n).read(128) for n in archive.namelist() if n.startswith("out_")]
    return any(b"'<f2'" in head for head in heads)


def check(arguments):
    path, io, given = arguments
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "model.onnx")
        if given.keep:
            os.makedirs(given.keep, exist_ok=True)
            out = os.path.join(given.keep, os.path.relpath(path, given.folder).replace("/", "_") + ".onnx")
        done = subprocess.run(
            [given.dlrun, "convert", path, "-o", out, "--check", io, "--json", "--tolerance", "1e9"],
            capture_output=True, text=True,
        )
        try:
            report = json.loads(done.stdout)
            worst = max(o["relative"] if isinstance(o["relative"], (int, float)) else float("inf") for o in report["outputs"])
        except (ValueError, KeyError):
            return path, None, None, (done.stderr or done.stdout).strip()[-400:] or f"status {done.returncode}"
        tolerance = max(given.tolerance, 2e-3) if is_half(io) else given.tolerance
    fine = worst <= tolerance
    return path, worst, report["nodes"], None if fine else f"differs by {worst}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--dlrun", required=True)
    parser.add_argument("--tolerance", type=float, default=1e-5)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", help="where to keep the converted models")
    parser.add_argument("--all", action="store_true", help="print a row for every model")
    given = parser.parse_args()
    jobs = [(p, i, given) for p, i in models(given.folder, given.only)]
    passed, failed, worst = 0, 0, 0.0
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        for path, error, nodes, why in pool.map(check, jobs):
            name = os.path.relpath(path, given.folder)
            if why is None:
                passed += 1
                worst = max(worst, error)
                if given.all:
                    print(f"ok    {name}  {nodes} nodes  {error:.2g}")
            else:
                failed += 1
                print(f"FAIL  {name}  {why}")
    print(f"{passed} converted and equal within {given.tolerance:g} (largest {worst:.2g}), {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
