#!/usr/bin/env python3
"""Measure training steps: dlrun, eager and compiled, against torch, jax.jit and Keras.

usage: tools/bench_training.py [--workloads A,B] [--engines A,B] [--threads 1,2] [--rounds N] ...

One step is forward, loss, backward and Adam on float32, and ends when its loss is a number. The
weights and the eight batches of a workload are the same in every engine, drawn by each for itself;
the losses of the first 20 steps are compared at the end.

dlrun's side is tools/bench/training, a package beside this one, built where a source is newer. The
peers are installed into .cache/training-peers: torch (eager, with the fused Adam) and torch.compile,
which needs a C++ compiler and some minutes in all to compile, jax.jit with optax; and into
.cache/training-keras: Keras on TensorFlow, its own layers in a tf.function.

Workloads
  tabular_32, tabular_256    32-64-64-2, batches of 32 and 256
  mnist_mlp_32, _128         784-128-10
  lenet5                     LeNet-5 on 28x28, batch 64
  mnist_convnet              Keras' example, batch 128, without its dropout
  resnet20                   on CIFAR's shapes, batch 32, batch norm in training
  char_lstm                  65 characters, embedded in 64, 128 cells; 32 by 64
  nanogpt                    4 layers, 4 heads, 128 numbers; 12 by 64
  tree_lstm                  16 binary trees of 4 to 12 words, 64 cells. Eager engines walk them by
                             recursion; compiled ones take tables, all nodes of one height at once

How it measures
  Each engine has a process of its own, bound to as many processors as threads. In each round every
  engine has a turn, in an order drawn anew: a step that is not counted, then steps for 50 ms, three
  at least, while the others wait for their turn. With one thread, steps from 1 ms on count their
  processor time, since the rest of their wall time is what neighbours took; all else is wall time.
  `least` and `median` are over all steps, in ms. `peer` is the fastest peer's least time over that
  of dlrun's compiled step; `paired` the median of the rounds' own quotients, whose engines met the
  same neighbours. `eager` is torch's least time over dlrun's eager one. Above 1 dlrun is faster.

Beside the table: what an operator on one element costs, the time from the start of a process to the
end of the first step, and sequences of 1,000 random lengths against one length.

Exit status: 0 measured, 1 an engine failed or losses differ, 64 wrong use, 69 something missing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers-training"))

import engines  # noqa: E402
import report  # noqa: E402

WORKLOADS = [
    "tabular_32",
    "tabular_256",
    "mnist_mlp_32",
    "mnist_mlp_128",
    "lenet5",
    "mnist_convnet",
    "resnet20",
    "char_lstm",
    "nanogpt",
    "tree_lstm",
]
KINDS = ["dlrun", "dlrun.eager", "torch", "torch.compile", "jax", "keras"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("--workloads", metavar="A,B", default=",".join(WORKLOADS))
    add("--engines", metavar="A,B", default=",".join(KINDS))
    add("--threads", metavar="1,2", default="1,2", help="numbers of threads")
    add("--rounds", metavar="N", type=int, default=12, help="turns of each engine (12)")
    add("--turn", metavar="SECONDS", type=float, default=0.05, help="of one turn (0.05)")
    add("--steps", metavar="N", type=int, default=20, help="whose losses are compared (20)")
    add("--no-extras", action="store_true", help="only the table")
    add("--no-build", action="store_true", help="measures what is built")
    add("--json", metavar="FILE", help="writes all figures")
    options = parser.parse_args()
    usable = sorted(os.sched_getaffinity(0))
    try:
        options.threads = sorted({int(n) for n in options.threads.split(",")})
    except ValueError:
        parser.exit(64, f"bench_training: --threads expects numbers, not '{options.threads}'\n")
    if options.threads[0] < 1 or options.threads[-1] > len(usable):
        parser.exit(64, f"bench_training: --threads must be from 1 to {len(usable)}\n")
    for name, known in (("workloads", WORKLOADS), ("engines", KINDS)):
        chosen = getattr(options, name).split(",")
        for value in chosen:
            if value not in known:
                parser.exit(64, f"bench_training: --{name} knows {','.join(known)}, not '{value}'\n")
        setattr(options, name, chosen)
    return options


def measure(name: str, threads: int, options: argparse.Namespace) -> dict:
    """All engines on one workload."""
    processors = sorted(os.sched_getaffinity(0))[-threads:]
    running: dict[str, engines.Engine] = {}
    result: dict = {"workload": name, "threads": threads, "engines": {}, "errors": {}}
    try:
        for kind in options.engines:
            engine = engines.Engine(kind, processors)
            running[kind] = engine
            mode = "eager" if kind == "dlrun.eager" else "compiled"
            try:
                opened = engine.ask(f"open {name} {mode} {threads}")
                losses = engine.ask(f"losses {options.steps - 1}")["losses"]
            except engines.Failed as failure:
                result["errors"][kind] = str(failure)
                running.pop(kind).close()
                continue
            result["engines"][kind] = {
                "open_s": opened["open_s"],
                "first_s": opened["first_s"],
                "losses": [opened["loss"], *losses],
                "rounds": [],
            }
        order = list(running)
        shuffle = random.Random(f"{name} {threads}").shuffle
        for _ in range(options.rounds):
            shuffle(order)
            for kind in order:
                samples = running[kind].ask(f"turn {options.turn} 3 2000")["samples"]
                result["engines"][kind]["rounds"].append(samples)
    finally:
        for engine in running.values():
            engine.close()
    return result


def main() -> int:
    options = arguments()
    try:
        engines.prepare(options.engines, build=not options.no_build)
    except engines.Missing as missing:
        print(f"bench_training: {missing}", file=sys.stderr)
        return 69
    results = []
    table = report.Table(options.engines)
    for threads in options.threads:
        print(table.head(threads), flush=True)
        for name in options.workloads:
            results.append(measure(name, threads, options))
            print(table.row(results[-1]), flush=True)
        print(table.foot(threads), flush=True)
    extras = {}
    if not options.no_extras and "dlrun" in options.engines:
        extras = engines.extras()
        print(report.extras(extras))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"results": results, "extras": extras}, file)
    for note in table.notes:
        print(note)
    return 1 if table.notes else 0


if __name__ == "__main__":
    sys.exit(main())
