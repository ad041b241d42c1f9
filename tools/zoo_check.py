#!/usr/bin/env python3
"""Run `dlrun infer` on every model of a zoo and compare with the outputs stored beside it.

usage: zoo_check.py ZOO [--dlrun COMMAND] [--tolerance 1e-4] [--max-seconds 120] [NAME...]

ZOO holds NAME.onnx and NAME.npz with in_0.. and out_0.., as tools/oracle/export_zoo.py writes
them. The error of an output is the largest absolute difference over the largest absolute value
of the stored output; dtype and shape must agree, and NaN fails. Seconds are those of the whole
command: start, load, plan, one run and writing. Exit status 1 when a model fails.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def io_names(path: str) -> tuple[list[str], list[str]]:
    """The names of the inputs and outputs of a model, without those that weights fill."""
    graph = onnx.load(path, load_external_data=False).graph
    filled = {tensor.name for tensor in graph.initializer}
    return [i.name for i in graph.input if i.name not in filled], [o.name for o in graph.output]


def numbered(values, kind: str) -> list[np.ndarray]:
    return [values[f"{kind}_{i}"] for i in range(sum(k.startswith(f"{kind}_") for k in values))]


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


def check(name: str, arguments) -> tuple[float, float, str]:
    """The largest error of a model, the seconds it took and, where it failed, why."""
    base = os.path.join(arguments.zoo, name)
    stored = np.load(base + ".npz")
    inputs, outputs = io_names(base + ".onnx")
    with tempfile.TemporaryDirectory() as folder:
        fed, made = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
        # Exporters rename inputs; the order is what stays.
        np.savez(fed, **dict(zip(inputs, numbered(stored, "in"), strict=True)))
        command = [*shlex.split(arguments.dlrun), "infer", base + ".onnx", fed, "-o", made]
        started = time.monotonic()
        try:
            run = subprocess.run(
                command, capture_output=True, text=True, timeout=arguments.max_seconds
            )
        except subprocess.TimeoutExpired:
            return float("inf"), arguments.max_seconds, "took too long"
        seconds = time.monotonic() - started
        if run.returncode != 0:
            last = (run.stderr.strip().splitlines() or ["no message"])[-1]
            return float("inf"), seconds, f"exit status {run.returncode}: {last}"
        got = np.load(made)
        missing = [o for o in outputs if o not in got]
        if missing:
            return float("inf"), seconds, f"lacks output {missing[0]}"
        pairs = zip(outputs, numbered(stored, "out"), strict=True)
        worst = max(error(got[o], want) for o, want in pairs)
    ok = worst <= arguments.tolerance
    return worst, seconds, "" if ok else f"more than {arguments.tolerance:g}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("zoo")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--dlrun", default=os.path.join(ROOT, "tools", "dlrun"))
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--max-seconds", type=float, default=120)
    arguments = parser.parse_args()
    found = sorted(f[:-5] for f in os.listdir(arguments.zoo) if f.endswith(".onnx"))
    names = arguments.names or [n for n in found if os.path.exists(f"{arguments.zoo}/{n}.npz")]
    failed = 0
    print("| model | largest error / largest output | seconds | |\n|---|---|---|---|")
    for name in names:
        worst, seconds, why = check(name, arguments)
        failed += bool(why)
        print(f"| {name} | {worst:.1e} | {seconds:.2f} | {why or 'ok'} |", flush=True)
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
