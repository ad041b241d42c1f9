#!/usr/bin/env python3
"""Time whole processes: dlrun beside Python with onnxruntime, taking turns.

usage: bench_process.py [--dlrun PATH] [--python PATH] [--zoo DIR] [--runs N] [CASE...]

Cases: iris (the model in Models/ over its CSV), resnet50 (first output of a 98 MB model), csv (a
million rows of 30 columns through tab_mlp), memory (what loading ResNet-50 adds to resident
memory). `--python` is an interpreter with onnxruntime, numpy and pandas (tools/oracle/install.sh).
Prints minimum and median of wall and CPU seconds, peak resident memory, and ratios of minima.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

IRIS = """
import csv, sys, numpy as np, onnxruntime as ort
rows = list(csv.reader(open(sys.argv[2])))
x = np.array([r[:4] for r in rows[1:]], np.float32)
s = ort.InferenceSession(sys.argv[1])
p, label = s.run(None, {"features": x})
for a, b in zip(p, label): print(",".join(map(str, a)), b, sep=",")
"""
RESNET = """
import sys, numpy as np, onnxruntime as ort
s = ort.InferenceSession(sys.argv[1])
z = np.load(sys.argv[2])
np.savez(sys.argv[3], *s.run(None, {"in_0": z["in_0"]}))
"""
CSV = """
import sys, numpy as np, pandas as pd, onnxruntime as ort
s = ort.InferenceSession(sys.argv[1])
x = pd.read_csv(sys.argv[2], dtype=np.float32).to_numpy()
y = s.run(None, {"in_0": x})[0]
pd.DataFrame(y).to_csv(sys.argv[3], index=False)
"""


def run(command: list[str], environment: dict[str, str] | None = None) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak resident MB of one process."""
    start = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, env={**os.environ, **(environment or {})}
    )
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{' '.join(command)} ended with status {status}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(title: str, ours: list[str], theirs: list[str], runs: int) -> None:
    """Run both in turn and print their figures."""
    samples: dict[str, list[tuple[float, float, float]]] = {"dlrun": [], "peer": []}
    run(ours), run(theirs)
    for _ in range(runs):
        samples["dlrun"].append(run(ours))
        samples["peer"].append(run(theirs))
    print(f"{title}, {runs} runs")
    for name, list_ in samples.items():
        wall, cpu, memory = zip(*list_)
        print(
            f"  {name:6} wall min {min(wall):.4f} median {statistics.median(wall):.4f} s,"
            f" cpu min {min(cpu):.4f} s, peak {max(memory):.0f} MB"
        )
    a, b = samples["dlrun"], samples["peer"]
    wall = min(s[0] for s in b) / min(s[0] for s in a)
    cpu = min(s[1] for s in b) / min(s[1] for s in a)
    print(f"  peer / dlrun: wall {wall:.2f}, cpu {cpu:.2f}")


def table(path: str, rows: int, columns: int) -> None:
    """A table of numbers from a fixed seed."""
    import random

    random.seed(1)
    # A few thousand distinct rows are enough to keep the parser honest and the script quick.
    lines = [
        ",".join(f"{random.gauss(0, 1):.6f}" for _ in range(columns)) + "\n" for _ in range(4000)
    ]
    with open(path, "w", encoding="ascii") as file:
        file.write(",".join(f"c{i}" for i in range(columns)) + "\n")
        for i in range(rows // len(lines)):
            file.writelines(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--dlrun", default=f"{ROOT}/.build/release/dlrun")
    parser.add_argument("--python", default=f"{ROOT}/.cache/oracle/bin/python")
    parser.add_argument("--zoo", default=f"{ROOT}/.cache/zoo")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("cases", nargs="*", default=["iris", "resnet50", "csv", "memory"])
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/out"
        if "iris" in a.cases:
            model, data = f"{ROOT}/Models/iris.pb", f"{ROOT}/Models/iris.csv"
            compare(
                "iris end to end",
                [a.dlrun, "infer", model, data],
                [a.python, "-c", IRIS, model, data],
                a.runs,
            )
        if "resnet50" in a.cases:
            model, data = f"{a.zoo}/resnet50.onnx", f"{a.zoo}/resnet50.npz"
            compare(
                "ResNet-50, process start to first output",
                [a.dlrun, "infer", model, data, "-o", out + ".npz"],
                [a.python, "-c", RESNET, model, data, out + "2.npz"],
                a.runs,
            )
        if "csv" in a.cases:
            path = f"{folder}/rows.csv"
            table(path, a.rows, 30)
            model = f"{a.zoo}/tab_mlp.onnx"
            compare(
                f"{a.rows} rows of 30 columns through tab_mlp",
                [a.dlrun, "infer", model, path, "-o", out + ".csv"],
                [a.python, "-c", CSV, model, path, out + "2.csv"],
                max(1, a.runs // 3),
            )
        if "memory" in a.cases:
            model = f"{a.zoo}/resnet50.onnx"
            size = os.path.getsize(model) / 1e6
            base = min(run([a.dlrun, "--version"])[2] for _ in range(3))
            load = min(run([a.dlrun, "inspect", model])[2] for _ in range(3))
            first = min(
                run([a.dlrun, "infer", model, f"{a.zoo}/resnet50.npz", "-o", out + ".npz"])[2]
                for _ in range(3)
            )
            print(
                f"ResNet-50 ({size:.0f} MB): peak resident {base:.0f} MB without a model,"
                f" {load:.0f} MB after loading, {first:.0f} MB with one run"
            )


main()
