"""One peer in a process of its own, with the commands of dlrun's own program.

usage: worker.py torch|torch.compile|jax|keras     (see tools/bench/training: main.swift)
"""

from __future__ import annotations

import gc
import json
import sys
import time


def opened(kind: str, name: str, threads: int):
    if kind == "jax":
        from jax_engine import Engine
    elif kind == "keras":
        from keras_engine import Engine
    else:
        from torch_engine import Engine
    return Engine(name, threads, kind == "torch.compile")


def main() -> None:
    kind = sys.argv[1]
    engine = None
    for line in sys.stdin:
        words = line.split()
        if not words or words[0] == "quit":
            return
        try:
            if words[0] == "open":
                start = time.perf_counter()
                engine = opened(kind, words[1], int(words[3]))
                ready = time.perf_counter()
                loss = engine.step()
                gc.collect()
                gc.disable()
                reply = {
                    "open_s": ready - start,
                    "first_s": time.perf_counter() - ready,
                    "loss": loss,
                }
            elif words[0] == "losses":
                reply = {"losses": [engine.step() for _ in range(int(words[1]))]}
            elif words[0] == "turn":
                seconds, least, most = float(words[1]), int(words[2]), int(words[3])
                engine.step()
                samples = []
                end = time.perf_counter() + seconds
                while len(samples) < least or (
                    len(samples) < most and time.perf_counter() < end
                ):
                    used, begin = time.process_time_ns(), time.perf_counter_ns()
                    engine.step()
                    wall = time.perf_counter_ns() - begin
                    samples.append([wall, time.process_time_ns() - used])
                gc.collect()
                reply = {"samples": samples}
            else:
                reply = {"error": f"unknown command {line.strip()}"}
        except Exception as failure:  # noqa: BLE001: the driver prints it
            reply = {"error": f"{type(failure).__name__}: {failure}"[:2000].replace("\n", " ")}
        print(json.dumps(reply), flush=True)


main()
