#!/usr/bin/env python3
"""Measure what a new input size costs: dlrun, onnxruntime and OpenVINO on many sizes of one model.

usage: tools/bench_shapes.py [MODEL.onnx] [--sizes N] [--low N] [--high N] [--threads N] ...

MODEL (.cache/zoo/mobilenet_v2.onnx) takes an image [batch, channels, height, width] as its first
input. Its height and width are left open in a copy, and the same list of sizes, in an order drawn
once, goes through each engine: first the largest one, whose memory counts as the model's own, then
all others, each run once at a new size and then again as a steady run.

As tools/bench_peers.py does it, each engine has a process of its own, bound to as many processors as
threads, and is called the way that is fastest for it where sizes change. With one thread a run counts
its processor time: what neighbours take of the wall clock is not the engine's. No engine is told
the sizes beforehand. Between runs the program waits until no thread of the process runs any more.

Columns
  first / steady: of each size its first run over the median of its steady runs; of these the median
  over the sizes, and the highest tenth. `sum` is the quotient of the sums, which says what all sizes
  together cost. `steady` is the median of steady runs over all sizes.
  resident: after the largest size and at the end, and the growth between them.
  error: largest difference from the first peer's outputs over the largest output, of all sizes.

Exit status: 0 measured, 1 dlrun failed or was wrong, 64 wrong use, 69 something missing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NoReturn

from peers import install, machine

ROOT = install.ROOT
ENGINES = ("dlrun", "onnxruntime", "openvino")


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(64, f"bench_shapes: {message}; --help tells more\n")


def arguments() -> argparse.Namespace:
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    add = parser.add_argument
    add("model", nargs="?", default=os.path.join(ROOT, ".cache", "zoo", "mobilenet_v2.onnx"))
    add("--sizes", type=int, default=150, help="how many sizes (150)")
    add("--low", type=int, default=96, help="the least height and width (96)")
    add("--high", type=int, default=320, help="the largest (320)")
    add("--threads", type=int, default=1)
    add("--steady", type=int, default=5, help="steady runs at a size (5)")
    add("--seed", type=int, default=1)
    add("--engines", default=",".join(ENGINES), help="those to measure, with commas between")
    add("--library", metavar="LIBRARY.so", help="dlrun; default DLRUN_LIBRARY or this checkout, built")
    add("--python", metavar="PYTHON", help="an interpreter with onnx and the peers")
    add("--no-install", action="store_true", help="the running interpreter has them")
    options = parser.parse_args()
    options.engines = options.engines.split(",")
    for name in options.engines:
        if name not in ENGINES:
            parser.error(f"--engines knows {', '.join(ENGINES)}, received '{name}'")
    if not 0 < options.low <= options.high or options.sizes < 2 or options.steady < 1:
        parser.error("there is no such list of sizes")
    if (options.high - options.low + 1) ** 2 < options.sizes:
        parser.error("there are fewer sizes than --sizes")
    if not 1 <= options.threads <= len(os.sched_getaffinity(0)):
        parser.error("--threads must not exceed the processors of this process")
    return options


def sizes(options: argparse.Namespace) -> list[tuple[int, int]]:
    """Distinct heights and widths, the largest image first."""
    draw = random.Random(options.seed)
    found = {(options.high, options.high)}
    while len(found) < options.sizes:
        found.add((draw.randint(options.low, options.high), draw.randint(options.low, options.high)))
    others = sorted(found - {(options.high, options.high)})
    draw.shuffle(others)
    return [(options.high, options.high), *others]


def open_sizes(source: str, target: str) -> None:
    """Writes the model with the height and width of its first input left open."""
    import onnx

    model = onnx.load(source)
    filled = {t.name for t in model.graph.initializer}
    image = next(i for i in model.graph.input if i.name not in filled)
    dims = image.type.tensor_type.shape.dim
    if len(dims) != 4:
        raise SystemExit(f"bench_shapes: the first input of {source} is no image")
    dims[2].dim_param, dims[3].dim_param = "height", "width"
    del model.graph.value_info[:]
    for output in model.graph.output:
        for k, dim in enumerate(output.type.tensor_type.shape.dim):
            if k > 1:
                dim.dim_param = f"open{k}"
    onnx.save(model, target)


# What a process of one engine does.


def opened(job: dict):
    """A function from an image to the first output."""
    from peers import engines

    threads, path = job["threads"], job["model"]
    if job["engine"] == "dlrun":
        engine, _ = engines.load("dlrun", {"dlrun": job["library"]})
        session = engine.module.InferenceSession(path, threads=threads)
        name = session.get_inputs()[0].name
        return lambda x: session.run(None, {name: x})[0]
    if job["engine"] == "onnxruntime":
        ort = engines.load("onnxruntime", {})[0].module
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = threads
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda x: session.run(None, {name: x})[0]
    engine = engines.load("openvino", {})[0]
    compiled = engine.core.compile_model(
        engine.core.read_model(path), "CPU",
        {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32",
         "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1},
    )
    request = compiled.create_infer_request()
    return lambda x: request.infer({0: x}, share_inputs=True, share_outputs=True)[0]


def child(job_path: str, result_path: str) -> None:
    import gc

    import numpy as np

    from peers.worker import memory

    with open(job_path, encoding="utf-8") as file:
        job = json.load(file)
    os.sched_setaffinity(0, job["processors"])
    clock = time.process_time if job["threads"] == 1 else time.perf_counter
    run = opened(job)
    height, width = job["sizes"][0]
    pool = np.random.default_rng(5).standard_normal(job["channels"] * height * width)
    pool = pool.astype(np.float32)
    rows, outputs, before = [], [], 0.0
    for turn, (height, width) in enumerate(job["sizes"]):
        count = job["channels"] * height * width
        x = pool[:count].reshape(1, job["channels"], height, width)
        times = []
        for k in range(1 + job["steady"]):
            machine.wait_until_quiet()
            start = clock()
            y = run(x)
            times.append(clock() - start)
            if k == 0:
                outputs.append(np.array(y, dtype=np.float64).ravel()[:64].tolist())
            del y
        rows.append(times)
        if turn == 0:
            gc.collect()
            before, _ = memory()
    gc.collect()
    after, _ = memory()
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump({"times": rows, "outputs": outputs, "before": before, "after": after}, file)


def measure(options: argparse.Namespace, folder: str) -> int:
    model = os.path.join(folder, "model.onnx")
    open_sizes(options.model, model)
    library = install.library(options.library) if "dlrun" in options.engines else None
    found: dict[str, dict] = {}
    wrong = False
    for name in options.engines:
        job = {
            "engine": name, "model": model, "library": library, "threads": options.threads,
            "sizes": sizes(options), "steady": options.steady, "channels": 3,
            "processors": machine.processors(options.threads, 0),
        }
        paths = [os.path.join(folder, name + end) for end in (".job", ".result")]
        with open(paths[0], "w", encoding="utf-8") as file:
            json.dump(job, file)
        done = subprocess.run([sys.executable, __file__, "--child", *paths], check=False)
        if done.returncode != 0:
            print(f"{name} failed with status {done.returncode}")
            wrong = wrong or name == "dlrun"
            continue
        with open(paths[1], encoding="utf-8") as file:
            found[name] = json.load(file)
    print(
        f"{os.path.basename(options.model)}, {options.sizes} sizes from {options.low} to"
        f" {options.high}, {options.threads} threads; {machine.describe()}"
    )
    print(f"{'':12} {'first / steady':>24} {'steady':>10} {'resident MB':>22}")
    print(f"{'engine':12} {'median':>8}{'top 10 %':>9}{'sum':>7} {'ms':>10} {'largest, end, growth':>22}  error")
    peers = [n for n in found if n != "dlrun"]
    for name, got in found.items():
        # The first row is the size that everything starts with.
        rows = got["times"][1:]
        ratios = sorted(r[0] / statistics.median(r[1:]) for r in rows)
        total = sum(r[0] for r in rows) / sum(statistics.median(r[1:]) for r in rows)
        steady = statistics.median(t for r in rows for t in r[1:]) * 1e3
        growth = got["after"] / got["before"] - 1
        error = 0.0
        reference = found[peers[0]] if peers else got
        for mine, theirs in zip(got["outputs"], reference["outputs"]):
            largest = max(abs(v) for v in theirs) or 1.0
            error = max(error, max(abs(a - b) for a, b in zip(mine, theirs)) / largest)
        wrong = wrong or (name == "dlrun" and not error <= 1e-3)
        print(
            f"{name:12} {statistics.median(ratios):8.3f}{ratios[int(len(ratios) * 0.9)]:9.3f}"
            f"{total:7.3f} {steady:10.3f} {got['before'] / 2**20:8.1f}"
            f"{got['after'] / 2**20:7.1f}{growth:7.1%}  {error:.0e}"
        )
    return 1 if wrong else 0


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:4])
        return 0
    options = arguments()
    try:
        oracle = os.path.join(ROOT, ".cache", "oracle", "bin", "python")
        if not options.no_install:
            python = options.python or oracle
            if not os.path.exists(python):
                raise install.Missing("no interpreter with onnx: tools/oracle/install.sh makes one")
            install.run_with(python)
        with tempfile.TemporaryDirectory(prefix="bench-shapes-") as folder:
            return measure(options, folder)
    except install.Missing as missing:
        print(f"bench_shapes: {missing}", file=sys.stderr)
        return 69


if __name__ == "__main__":
    sys.exit(main())
