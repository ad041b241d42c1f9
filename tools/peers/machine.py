"""The processors: what they are, which to use, and what else keeps them busy."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass

TELLING_FLAGS = (
    "avx2",
    "fma",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "avx512_bf16",
    "avx_vnni",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
)


def describe() -> str:
    """The processor's name, how many this process may use, and its instruction sets."""
    name, flags = "unknown processor", set()
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
                break
    known = " ".join(f for f in TELLING_FLAGS if f in flags)
    return f"{name}, {len(os.sched_getaffinity(0))} processors; {known or 'no AVX'}"


def processors(threads: int, turn: int) -> list[int]:
    """As many processors as threads; another choice each turn, so that no busy one decides."""
    usable = sorted(os.sched_getaffinity(0))
    return sorted(usable[(turn + i) % len(usable)] for i in range(threads))


def wait_until_quiet(limit_s: float = 0.25) -> float:
    """Returns when no other thread of this process runs any more; gives the seconds it took.

    A pool's threads that wait by spinning show as processor time that this thread, asleep, did not
    use: onnxruntime's spin for some 40 ms after a run.
    """
    start = time.perf_counter()
    while True:
        wall, used = time.perf_counter(), time.process_time()
        time.sleep(0.001)
        wall, used = time.perf_counter() - wall, time.process_time() - used
        if used < 0.2 * wall or time.perf_counter() - start > limit_s:
            return time.perf_counter() - start


def wait_for_neighbours(limit_s: float) -> float:
    """Returns when nothing else on the machine wants to run; gives the seconds it took."""
    start = time.perf_counter()
    while (waited := time.perf_counter() - start) < limit_s:
        with open("/proc/loadavg", encoding="ascii") as file:
            # The fourth field is threads that run or want to, this one among them, of all.
            if int(file.read().split()[3].partition("/")[0]) <= 1:
                break
        time.sleep(0.002)
    return waited


@dataclass
class Load:
    """Processor seconds of the whole machine since it started, and of this process's family."""

    wall: float
    busy: float
    stolen: float
    own: float

    @staticmethod
    def now() -> Load:
        with open("/proc/stat", encoding="ascii") as file:
            # user nice system idle iowait irq softirq steal
            ticks = [int(v) for v in file.readline().split()[1:9]]
        hertz = os.sysconf("SC_CLK_TCK")
        own = 0.0
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            usage = resource.getrusage(who)
            own += usage.ru_utime + usage.ru_stime
        busy = sum(ticks[:3]) + ticks[5] + ticks[6]
        return Load(time.perf_counter(), busy / hertz, ticks[7] / hertz, own)

    def others_since(self, before: Load) -> float:
        """Processors that others kept busy, or the hypervisor kept, on average since `before`."""
        wall = max(self.wall - before.wall, 1e-9)
        used = self.busy + self.stolen - before.busy - before.stolen - (self.own - before.own)
        return max(0.0, used / wall)
