#!/usr/bin/env python3
"""Measure dlrun against onnxruntime and OpenVINO, taking turns on the same inputs in one process.

usage: tools/bench_peers.py [--zoo FOLDER] [--models A,B] [--threads 1,2] [--passes N] ...

FOLDER holds NAME.onnx, and beside it NAME.npz with in_0.. and out_0.. (inputs and the outputs of
another framework in the model's order), or no .npz: then inputs are random numbers of the declared
shapes, completed by --shape, and outputs are held against those of the first peer. Ours is made
by tools/oracle/install.sh && .cache/oracle/bin/python tools/oracle/export_zoo.py .cache/zoo

dlrun runs through tools/python; the peers' pinned wheels are installed into .cache/peers.

How it measures
  Each model and number of threads has a process of its own, which holds all engines and is bound to
  as many processors as threads, others each pass. Rounds follow one another until --seconds are
  over; in each every engine has a turn, in an order drawn anew: one call that is not counted, then
  calls back to back for 20 ms, two at least. Passes over the whole zoo lie minutes apart.
  With one thread, calls from 1 ms on count their processor time: bound to one processor, the rest
  of their wall time is what neighbours took. All else is wall time, since processor time would hide
  threads that wait for each other and count those that spin; there, calls from 1 ms on whose
  threads were kept waiting for a processor (by the kernel's account, over 2 % of the call) are left
  out of medians and pairs, where others remain. For them the program waits, --patience seconds a
  process in all, for moments when nothing else wants to run.

Columns
  The lowest time of all; the median of each pass, and of these the median. `min` is the quotient of
  the lowest times, in parentheses the lowest and highest of the passes' own; `paired` the median
  over rounds of the round's own quotient, then over passes: the engines of a round met the same
  neighbours. Above 1 dlrun is faster. The faster peer is the one with the lowest time. `~` marks
  models of which neighbours disturbed every call; they are left out of the geometric means.
  --baseline LIBRARY.so puts another build of dlrun among the engines, for before and after.

No handicaps
  Peers run with their best settings: onnxruntime with all optimisations, sequentially, OpenVINO
  with the latency hint, one stream and float32; both are told the sizes that the file leaves open.
  Each engine is called the way that is fastest for it (tools/peers/engines.py has the figures), and
  what its call costs is counted. --calls plain measures the calls that most programs make.
  A pool's threads may spin after a run: onnxruntime's take 37 ms of processor time with 2 threads,
  OpenVINO's 1 to 5, dlrun's 0.03. Right after onnxruntime, OpenVINO was 1.8 times slower than by
  itself (mobilenet_v2, lowest tenth, 10.3 and 6.0 ms), dlrun 1.2 times in the median (15.0, 12.7).
  Without spinning onnxruntime's own best was 4 % (gru) to 50 % (mobilenet_v2) slower. So spinning
  stays as it comes, and before each turn the program waits until no thread of the process runs any
  more. On a machine whose processors others use, spinning threads lose: with 5 builds beside them
  onnxruntime's median was twice its best. Only `min` is fair to them there.

Load and memory are measured in a fresh process for each engine, at the largest number of threads:
milliseconds from creating a session to ready and to the first output (file in the system's cache,
import not counted), the growth of resident memory after a few runs, and its peak.

Exit status: 0 measured, 1 dlrun failed on a model or was wrong, 64 wrong use, 69 something missing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from typing import NoReturn

from peers import install

ROOT = install.ROOT


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(64, f"bench_peers: {message}; --help tells more\n")


def arguments() -> argparse.Namespace:
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add(
        "--zoo",
        metavar="FOLDER",
        default=os.path.join(ROOT, ".cache", "zoo"),
        help="models (.cache/zoo)",
    )
    add("--models", metavar="A,B", default="", help="some of the folder's models; default all")
    add(
        "--shape",
        metavar="NAME=1x3x224x224",
        action="append",
        default=[],
        help="of an input, or MODEL:NAME=...; where there is no .npz",
    )
    add("--threads", metavar="1,2", default="1,2", help="numbers of threads")
    add("--passes", metavar="N", type=int, default=3, help="over the whole zoo (3)")
    add("--pause", metavar="SECONDS", type=float, default=0.0, help="between passes (0)")
    add(
        "--seconds",
        metavar="S",
        type=float,
        default=3.0,
        help="a model, number of threads and pass (3)",
    )
    add("--rounds", metavar="N", type=int, help="instead of --seconds")
    add(
        "--patience",
        metavar="SECONDS",
        type=float,
        default=5.0,
        help="a process may wait for a quiet machine, with 2 threads or more (5)",
    )
    add(
        "--peers",
        metavar="A,B",
        default="onnxruntime,openvino",
        help="those to compare with, or none",
    )
    add(
        "--library",
        metavar="LIBRARY.so",
        help="dlrun; default DLRUN_LIBRARY or this checkout, built",
    )
    add("--baseline", metavar="LIBRARY.so", help="another dlrun, for before and after")
    add(
        "--level",
        choices=["none", "basic", "all"],
        default="all",
        help="dlrun's optimisation (all)",
    )
    add("--calls", choices=["fastest", "plain"], default="fastest", help="how engines are called")
    add("--no-open", action="store_true", help="without load times and memory")
    add(
        "--tolerance",
        metavar="T",
        type=float,
        default=1e-3,
        help="largest error over largest value that is not wrong (1e-3)",
    )
    add("--timeout", metavar="SECONDS", type=float, default=300.0, help="of one process (300)")
    add("--json", metavar="FILE", help="writes all figures, after each pass")
    add("--python", metavar="PYTHON", help="an interpreter that has the peers; installs nothing")
    add("--no-install", action="store_true", help="the running interpreter has the peers")
    parsed = parser.parse_args()
    for name in ("passes", "seconds", "timeout", "tolerance"):
        if not getattr(parsed, name) > 0:
            parser.error(f"--{name} must be above 0")
    if parsed.rounds is not None and parsed.rounds < 1:
        parser.error("--rounds must be above 0")
    for name in ("pause", "patience"):
        if not 0 <= getattr(parsed, name) < float("inf"):
            parser.error(f"--{name} must be 0 or more seconds")
    usable = len(os.sched_getaffinity(0))
    try:
        parsed.threads = sorted({int(n) for n in parsed.threads.split(",")})
    except ValueError:
        parser.error(f"--threads expects numbers like 1,2, received '{parsed.threads}'")
    if not parsed.threads or parsed.threads[0] < 1 or parsed.threads[-1] > usable:
        parser.error(f"--threads must be from 1 to the {usable} processors of this process")
    parsed.peers = [] if parsed.peers == "none" else parsed.peers.split(",")
    for peer in parsed.peers:
        if peer not in ("onnxruntime", "openvino"):
            parser.error(f"--peers knows onnxruntime and openvino, received '{peer}'")
    parsed.models = [m for m in parsed.models.split(",") if m]
    return parsed


def main() -> int:
    options = arguments()
    try:
        if options.python:
            install.run_with(options.python)
        elif not options.no_install:
            install.run_with(install.interpreter())
        try:
            import numpy  # noqa: F401
        except ImportError as missing:
            raise install.Missing(f"{sys.executable} has no NumPy") from missing
        # Only now: these need NumPy.
        from peers.bench import Bench
        from peers.zoo import ZooError

        with tempfile.TemporaryDirectory(prefix="bench-peers-") as folder:
            try:
                bench = Bench(options, folder)
            except ZooError as failure:
                print(f"bench_peers: {failure}", file=sys.stderr)
                return 64
            try:
                bench.run()
            except KeyboardInterrupt:
                bench.notes.append("interrupted: what was measured until then")
            bench.progress("")
            print(bench.report())
            return 1 if bench.wrong else 0
    except install.Missing as missing:
        print(f"bench_peers: {missing}", file=sys.stderr)
        return 69


if __name__ == "__main__":
    sys.exit(main())
