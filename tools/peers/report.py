"""From what was measured to tables of at most 100 columns."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

SHORT = {
    "onnxruntime": "onnxruntime",
    "openvino": "OpenVINO",
    "dlrun": "dlrun",
    "baseline": "baseline",
}


@dataclass
class Ratio:
    """An engine's time over dlrun's: above 1 dlrun is faster."""

    #: The quotient of the lowest times of all, and the lowest and highest of the passes' own.
    of_minima: float
    lowest: float
    highest: float
    #: In each pass the median over rounds of that round's quotient, then over passes. None where
    #: neighbours disturbed every call: then the other figures tell little.
    paired: float | None
    against: str

    def minima(self, width: int, places: int) -> str:
        mark = "~" if self.paired is None else ""
        return f"{mark}{self.of_minima:.{places}f}".rjust(width)


@dataclass
class Case:
    """One model at one number of threads."""

    model: str
    threads: int
    passes: list[dict] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def minimum(self, engine: str) -> float | None:
        found = [p["samples"][engine]["min_s"] for p in self.passes if engine in p["samples"]]
        return min(found) if found else None

    def median(self, engine: str) -> float | None:
        found = [p["samples"][engine]["median_s"] for p in self.passes if engine in p["samples"]]
        return statistics.median(found) if found else None

    def error(self, engine: str) -> float | None:
        found = [p["errors"][engine] for p in self.passes if engine in p["errors"]]
        return max(found) if found else None

    def ratio(self, engine: str) -> Ratio | None:
        each, paired = [], []
        for p in self.passes:
            theirs, ours = p["samples"].get(engine), p["samples"].get("dlrun")
            if theirs is None or ours is None:
                continue
            each.append(theirs["min_s"] / ours["min_s"])
            both = zip(theirs["round_s"], ours["round_s"])
            quotients = [a / b for a, b in both if a is not None and b is not None]
            if quotients:
                paired.append(statistics.median(quotients))
        theirs_best, ours_best = self.minimum(engine), self.minimum("dlrun")
        if not each or theirs_best is None or ours_best is None:
            return None
        middle = statistics.median(paired) if paired else None
        return Ratio(theirs_best / ours_best, min(each), max(each), middle, engine)

    def to_faster(self, peers: list[str]) -> Ratio | None:
        """Against the peer with the lowest time."""
        found = [r for r in (self.ratio(p) for p in peers) if r is not None]
        return min(found, key=lambda r: r.of_minima) if found else None

    def undisturbed(self) -> float | None:
        """Of the calls counted, the part that neighbours left alone."""
        samples = [s for p in self.passes for s in p["samples"].values()]
        calls = sum(s["calls"] for s in samples)
        return sum(s["undisturbed"] for s in samples) / calls if calls else None


def number(seconds: float | None, width: int) -> str:
    """Milliseconds in three or four digits that tell something."""
    if seconds is None:
        return "-".rjust(width)
    ms = seconds * 1e3
    places = 4 if ms < 0.1 else 3 if ms < 10 else 2 if ms < 100 else 1
    return f"{ms:.{places}f}".rjust(width)


def quotient(value: float | None, width: int, places: int) -> str:
    return "-".rjust(width) if value is None else f"{value:{width}.{places}f}"


def geometric_mean(values: list[float]) -> float | None:
    return math.exp(statistics.fmean(map(math.log, values))) if values else None


def speed_table(cases: list[Case], peers: list[str], threads: int) -> list[str]:
    here = [c for c in cases if c.threads == threads]
    shown = ["dlrun", *peers]
    head = f"{threads} thread{'s' if threads > 1 else ''}, ms".ljust(16)
    lines = [
        head
        + "".join(SHORT[e].rjust(16) for e in shown)
        + "faster peer / dlrun".rjust(26)
        + "  dlrun",
        "model".ljust(16) + "     min  median" * len(shown) + "    min     (passes) paired  error",
    ]
    for case in here:
        line = case.model[:15].ljust(16)
        for engine in shown:
            line += number(case.minimum(engine), 8) + number(case.median(engine), 8)
        ratio = case.to_faster(peers)
        if ratio is None:
            line += "      -            -      -"
        else:
            spread = f"({ratio.lowest:.2f}-{ratio.highest:.2f})"
            line += f"{ratio.minima(7, 2)}{spread:>13}" + quotient(ratio.paired, 7, 2)
        error = case.error("dlrun")
        lines.append(line + ("      -" if error is None else f"{error:7.0e}"))
    return lines


def baseline_table(cases: list[Case], threads: int) -> list[str]:
    """Two builds of dlrun: before and after."""
    lines = [
        f"{threads} thread{'s' if threads > 1 else ''}, ms".ljust(16)
        + "baseline".rjust(16)
        + "dlrun".rjust(16)
        + "baseline / dlrun".rjust(29),
        "model".ljust(16) + "     min  median" * 2 + "     min       (passes)  paired",
    ]
    ratios = []
    for case in (c for c in cases if c.threads == threads):
        ratio = case.ratio("baseline")
        line = case.model[:15].ljust(16)
        for engine in ("baseline", "dlrun"):
            line += number(case.minimum(engine), 8) + number(case.median(engine), 8)
        if ratio is not None:
            ratios.append(ratio)
            spread = f"({ratio.lowest:.3f}-{ratio.highest:.3f})"
            line += f"{ratio.minima(8, 3)}{spread:>15}" + quotient(ratio.paired, 8, 3)
        lines.append(line)
    counted = [r for r in ratios if r.paired is not None]
    low = geometric_mean([r.of_minima for r in counted])
    paired = geometric_mean([r.paired for r in counted if r.paired is not None])
    name = "geometric mean" + disturbed(len(ratios) - len(counted))
    lines.append(name.ljust(48) + quotient(low, 8, 3) + " " * 15 + quotient(paired, 8, 3))
    return lines


def disturbed(count: int) -> str:
    return f" ({count} ~ not counted)" if count else ""


def total_line(cases: list[Case], peers: list[str], threads: int) -> str:
    ratios = [(c.to_faster(peers), c.model) for c in cases if c.threads == threads]
    known = [(r, name) for r, name in ratios if r is not None]
    counted = [(r, name) for r, name in known if r.paired is not None]
    title = f"{threads} thread{'s' if threads > 1 else ''}: faster peer / dlrun"
    left_out = disturbed(len(known) - len(counted))
    if not counted:
        return f"{title}: nothing to count{left_out}"
    low = geometric_mean([r.of_minima for r, _ in counted])
    paired = geometric_mean([r.paired for r, _ in counted if r.paired is not None])
    worst, name = min(counted, key=lambda k: k[0].of_minima)
    faster = sum(r.of_minima >= 1 for r, _ in counted)
    return (
        f"{title}, geometric mean of {len(counted)}{left_out}: {quotient(low, 1, 2)} of minima,"
        f" {quotient(paired, 1, 2)} paired; faster in {faster};"
        f" worst {name} {worst.of_minima:.2f} ({SHORT[worst.against]})"
    )


def open_table(
    opened: dict[str, dict[str, dict]], engines: list[str], sizes: dict[str, int]
) -> list[str]:
    """Load times and memory: ready, first output (ms); growth and peak of resident memory (MB)."""
    lines = [
        "load, memory".ljust(16) + "file" + "".join(SHORT[e].rjust(25) for e in engines),
        "model".ljust(16) + "  MB" + "    ready  first   MB peak" * len(engines),
    ]
    for model, by_engine in opened.items():
        line = model[:15].ljust(16) + f"{sizes[model] / 1e6:4.0f}"
        for engine in engines:
            o = by_engine.get(engine)
            if o is None or "ready_s" not in o:
                line += "        -      -    -    -"
                continue
            line += f"{o['ready_s'] * 1e3:9.1f}{o['first_s'] * 1e3:7.1f}"
            line += f"{o['resident'] / 1e6:5.0f}{o['peak'] / 1e6:5.0f}"
        lines.append(line)
    return lines
