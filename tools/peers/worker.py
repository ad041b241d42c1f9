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
import random
import sys
import time

import numpy as np

from . import engines, machine
from .zoo import Model, error

NS = 1e-9
#: A turn: one call that is not counted, then calls until this many seconds or calls are over.
TURN_S = 0.02
TURN_CALLS = (2, 400)
LEAST_ROUNDS = 4


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
        want = next(iter(outputs.values()), [])
    errors = {name: error(got, want) for name, got in outputs.items() if name in runs}
    result = take_turns(runs, job) if runs else {"samples": {}}
    # Whoever changed its mind after many runs is wrong as well.
    for name, run in runs.items():
        errors[name] = max(errors[name], error(run(), want))
    result.update(errors=errors, failures=failures, affinity=sorted(os.sched_getaffinity(0)))
    return result


def take_turns(runs: dict, job: dict) -> dict:
    """Rounds in which every engine has a turn, in an order drawn anew each round."""
    order = list(runs)
    shuffle = random.Random(job["seed"]).shuffle
    rounds: dict[str, list[list[int]]] = {name: [] for name in runs}
    cold: dict[str, list[int]] = {name: [] for name in runs}
    quiet = 0.0
    start = time.perf_counter()
    done = 0
    gc.collect()
    gc.disable()
    while not finished(done, start, job):
        shuffle(order)
        for name in order:
            quiet += machine.wait_until_quiet()
            first, samples = turn(runs[name])
            cold[name].append(first)
            rounds[name].append(samples)
        done += 1
    gc.enable()
    return {
        "rounds": done,
        "waited_s": quiet,
        "measured_s": time.perf_counter() - start,
        "samples": {name: summary(rounds[name], cold[name]) for name in runs},
    }


def finished(done: int, start: float, job: dict) -> bool:
    if job["rounds"] is not None:
        return done >= job["rounds"]
    return done >= LEAST_ROUNDS and time.perf_counter() - start >= job["seconds"]


def turn(run) -> tuple[int, list[int]]:
    """Nanoseconds of a first call, after a pause, and of the calls that follow back to back."""
    clock = time.perf_counter_ns
    begin = clock()
    run()
    first = clock() - begin
    samples: list[int] = []
    least, most = TURN_CALLS
    end = clock() + int(TURN_S / NS)
    while len(samples) < least or (len(samples) < most and clock() < end):
        begin = clock()
        run()
        samples.append(clock() - begin)
    return first, samples


def summary(rounds: list[list[int]], cold: list[int]) -> dict:
    samples = np.sort(np.concatenate([np.array(r) for r in rounds]))
    return {
        "calls": len(samples),
        "min_s": float(samples[0]) * NS,
        "low_s": float(samples[len(samples) // 10]) * NS,
        "median_s": float(np.median(samples)) * NS,
        "after_pause_s": float(np.median(cold)) * NS,
        # One figure a round, to be paired with the other engines' of the same round.
        "round_s": [float(min(r)) * NS for r in rounds],
    }


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
