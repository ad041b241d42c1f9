"""Engines taking turns, and what becomes of the single calls' times."""

from __future__ import annotations

import gc
import os
import random
import time
from collections.abc import Callable

import numpy as np

from . import machine

NS = 1e-9
#: A turn: one call that is not counted, then calls until this many seconds or calls are over.
TURN_S = 0.02
TURN_CALLS = (2, 400)
LEAST_ROUNDS = 4
#: At most so long a turn waits for neighbours; the whole process as long as its job says.
PATIENCE_S = 0.3
#: Of calls at least this long neighbours often take a part; shorter ones fit in between.
LONG_NS = 1_000_000
#: Of its time, what a call may have waited for a processor and still count as undisturbed.
UNDISTURBED = 0.02


class Turns:
    """One engine's calls, a list a round, in nanoseconds.

    With one thread, bound to one processor, a long call counts its processor time: the rest of
    its wall time is what neighbours took. With more it counts wall time, and `delays` holds how
    long its threads were ready to run but kept waiting.
    """

    def __init__(self, run: Callable[[], object], threads: int) -> None:
        self.run = run
        self.rounds: list[list[int]] = []
        self.delays: list[list[int]] = []
        self.walls: list[int] = []
        self.after_pause: list[int] = []
        is_long = min(self.timed() for _ in range(3)) >= LONG_NS
        self.by_processor = is_long and threads == 1
        self.by_delay = is_long and threads > 1

    def timed(self) -> int:
        begin = time.perf_counter_ns()
        self.run()
        return time.perf_counter_ns() - begin

    def turn(self) -> None:
        self.after_pause.append(self.timed())
        samples: list[int] = []
        delays: list[int] = []
        least, most = TURN_CALLS
        end = time.perf_counter_ns() + int(TURN_S / NS)
        while len(samples) < least or (len(samples) < most and time.perf_counter_ns() < end):
            if self.by_processor:
                begin = time.process_time_ns()
                self.walls.append(self.timed())
                samples.append(time.process_time_ns() - begin)
            elif self.by_delay:
                before = waited_ns()
                samples.append(self.timed())
                delays.append(waited_ns() - before)
            else:
                samples.append(self.timed())
        self.rounds.append(samples)
        self.delays.append(delays or [0] * len(samples))

    def summary(self) -> dict:
        everything = np.concatenate([np.array(r) for r in self.rounds])
        waited = np.concatenate([np.array(d) for d in self.delays])
        undisturbed = everything[waited <= UNDISTURBED * everything]
        counted = np.sort(undisturbed if len(undisturbed) else everything)
        return {
            "calls": len(everything),
            "undisturbed": len(undisturbed),
            "min_s": float(everything.min()) * NS,
            "low_s": float(counted[len(counted) // 10]) * NS,
            "median_s": float(np.median(counted)) * NS,
            "min_wall_s": float(min(self.walls, default=everything.min())) * NS,
            "after_pause_s": float(np.median(self.after_pause)) * NS,
            "by": "processor time" if self.by_processor else "wall time",
            # The lowest undisturbed call of each round, to be paired with other engines'.
            "round_s": [lowest(r, d) for r, d in zip(self.rounds, self.delays)],
        }


def lowest(samples: list[int], delays: list[int]) -> float | None:
    counted = [s for s, d in zip(samples, delays) if d <= UNDISTURBED * s]
    return min(counted) * NS if counted else None


def waited_ns() -> int:
    """Nanoseconds that this process's threads were ready to run and waited for a processor."""
    total = 0
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/schedstat", "rb", buffering=0) as file:
                total += int(file.read().split()[1])
        except (OSError, IndexError):
            continue  # the thread has ended, or the kernel keeps no such account
    return total


def take_turns(runs: dict[str, Callable[[], object]], job: dict) -> dict:
    """Rounds in which every engine has a turn, in an order drawn anew each round."""
    order = list(runs)
    shuffle = random.Random(job["seed"]).shuffle
    engines = {name: Turns(run, job["threads"]) for name, run in runs.items()}
    quiet = 0.0
    patience = job["patience"]
    start = time.perf_counter()
    done = 0
    gc.collect()
    gc.disable()
    while not finished(done, start + job["patience"] - patience, job):
        shuffle(order)
        for name in order:
            quiet += machine.wait_until_quiet()
            if engines[name].by_delay:
                patience -= machine.wait_for_neighbours(min(PATIENCE_S, patience))
            engines[name].turn()
        done += 1
    gc.enable()
    return {
        "rounds": done,
        "waited_s": quiet,
        "measured_s": time.perf_counter() - start,
        "samples": {name: turns.summary() for name, turns in engines.items()},
    }


def finished(done: int, start: float, job: dict) -> bool:
    if job["rounds"] is not None:
        return done >= job["rounds"]
    return done >= LEAST_ROUNDS and time.perf_counter() - start >= job["seconds"]
