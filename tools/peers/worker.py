"""Measures one model in a process of its own.

usage: python -m peers.worker JOB RESULT     (files of JSON; tools/bench_peers.py starts it)

Jobs by their "kind":
  inputs  what a model says of its inputs
  open    one engine: seconds from creation to ready and to the first output, and memory
  turns   all engines in one process, taking turns on the same inputs
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time

import numpy as np

from . import engines
from .turns import take_turns
from .zoo import Model, error


def memory() -> tuple[float, float]:
    """Resident bytes of this process, now and at most since `reset_peak`."""
    found = {}
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(("VmRSS:", "VmHWM:")):
                found[line[:5]] = int(line.split()[1]) * 1024.0
    return found["VmRSS"], found["VmHWM"]


def reset_peak() -> None:
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass  # then the peak counts from the start of the process, imports included


def inputs_job(job: dict) -> dict:
    """By the first engine that can read the model."""
    failures = []
    for name in job["engines"]:
        if name == "openvino":
            continue
        try:
            return {"inputs": engines.load(name, job["libraries"])[0].inputs(job["path"])}
        except Exception as failure:
            failures.append(f"{name}: {first_line(failure)}")
    return {"failure": "; ".join(failures) or "no engine that says what the inputs are"}


def open_job(job: dict) -> dict:
    model = Model(**job["model"])
    feed = model.feed()
    name = job["engine"]
    engine, imported_s = engines.load(name, job["libraries"])
    with open(model.path, "rb") as file:
        while file.read(1 << 24):  # into the system's cache
            pass
    gc.collect()
    before, _ = memory()
    reset_peak()
    start = time.perf_counter()
    run = engine.open(model, feed, job["threads"], job["settings"])
    ready = time.perf_counter()
    first = run()
    output = time.perf_counter()
    error_of_first = error(first, model.expected() or first)
    del first
    for _ in range(3):
        run()
    resident, peak = memory()
    return {
        "version": engine.version,
        "import_s": imported_s,
        "ready_s": ready - start,
        "first_s": output - start,
        "resident": resident - before,
        "peak": peak - before,
        "error": error_of_first,
    }


def turns_job(job: dict) -> dict:
    model = Model(**job["model"])
    feed = model.feed()
    runs, failures, outputs = {}, {}, {}
    for name in job["engines"]:
        try:
            engine = engines.load(name, job["libraries"])[0]
            run = engine.open(model, feed, job["threads"], job["settings"])
            for _ in range(3):
                outputs[name] = [np.array(o) for o in run()]
            runs[name] = run
        except Exception as failure:
            failures[name] = first_line(failure)
    want = model.expected()
    if want is None:
        # A peer's, if one can run the model, so that dlrun is held against somebody else.
        order = sorted(outputs, key=lambda name: name not in engines.PEERS)
        want = outputs[order[0]] if order else []
    errors = {name: error(got, want) for name, got in outputs.items() if name in runs}
    result = take_turns(runs, job) if runs else {"samples": {}}
    # Whoever changed its mind after many runs is wrong as well.
    for name, run in runs.items():
        errors[name] = max(errors[name], error(run(), want))
    result.update(errors=errors, failures=failures, affinity=sorted(os.sched_getaffinity(0)))
    return result


def first_line(failure: Exception) -> str:
    lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
    return (lines[0] if lines else type(failure).__name__)[:300]


def main() -> None:
    job_path, result_path = sys.argv[1:]
    with open(job_path, encoding="utf-8") as file:
        job = json.load(file)
    if job.get("processors"):
        # Before any engine is loaded: their pools size themselves by it.
        os.sched_setaffinity(0, job["processors"])
    work = {"inputs": inputs_job, "open": open_job, "turns": turns_job}[job["kind"]]
    try:
        result = work(job)
    except Exception as failure:
        result = {"failure": first_line(failure)}
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(result, file)
        file.flush()
    # Without the engines' own clearing up, which may fail after everything was measured.
    os._exit(0)


if __name__ == "__main__":
    main()
