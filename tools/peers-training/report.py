"""The table of tools/bench_training.py."""

from __future__ import annotations

import math
import statistics

#: Steps at least this long count processor time with one thread.
LONG_NS = 1_000_000
#: How far losses may be apart, of the loss: over the first five steps, and over all. Batch norm and
#: rectifiers make rounding grow from step to step.
TOLERANCE = {"resnet20": (5e-3, 0.1)}
USUAL = (1e-4, 1e-3)
#: Keras' LSTM has one bias where the others have two, its Adam adds epsilon before the correction.
OF_KERAS = (2e-3, 2e-2)


def times(engine: dict, threads: int) -> list[list[float]]:
    """A list of ms for each round."""
    walls = [s[0] for r in engine["rounds"] for s in r]
    column = 1 if threads == 1 and min(walls) >= LONG_NS else 0
    return [[s[column] * 1e-6 for s in r] for r in engine["rounds"]]


class Table:
    def __init__(self, kinds: list[str]) -> None:
        self.kinds = kinds
        self.peers = [k for k in kinds if not k.startswith("dlrun")]
        self.notes: list[str] = []
        self.ratios: dict[int, list[tuple]] = {}

    def head(self, threads: int) -> str:
        columns = "".join(f"{kind:>19}" for kind in self.kinds)
        return (
            f"\n{threads} thread{'s' if threads > 1 else ''}; least and median of a step, ms\n"
            f"{'':14}{columns}   fastest peer   peer paired  eager"
        )

    def row(self, result: dict) -> str:
        name, threads = result["workload"], result["threads"]
        for kind, error in result["errors"].items():
            self.notes.append(f"{name}, {threads} threads: {error}")
        measured = {k: times(e, threads) for k, e in result["engines"].items()}
        least = {k: min(min(r) for r in rounds) for k, rounds in measured.items()}
        text = f"{name:14}"
        for kind in self.kinds:
            if kind in measured:
                middle = statistics.median(t for r in measured[kind] for t in r)
                text += f"{least[kind]:10.3f}{middle:9.3f}"
            else:
                text += f"{'failed':>19}"
        self.compare(result)
        peers = [p for p in self.peers if p in least]
        if not peers:
            return text
        best = min(peers, key=lambda p: least[p])
        ratio, paired, eager = (None, None, None)
        if "dlrun" in least:
            ratio = least[best] / least["dlrun"]
            paired = statistics.median(
                min(b) / min(d) for b, d in zip(measured[best], measured["dlrun"])
            )
        if "dlrun.eager" in least and "torch" in least:
            eager = least["torch"] / least["dlrun.eager"]
        self.ratios.setdefault(threads, []).append((ratio, paired, eager))
        return text + f"{best:>15}" + "".join(
            "      -" if r is None else f"{r:7.2f}" for r in (ratio, paired, eager)
        )

    def foot(self, threads: int) -> str:
        means = []
        for column in zip(*self.ratios.get(threads, [])):
            known = [r for r in column if r is not None]
            means.append(math.exp(sum(map(math.log, known)) / len(known)) if known else None)
        if not means:
            return ""
        shown = "".join("      -" if m is None else f"{m:7.2f}" for m in means)
        return f"{'geometric mean':14}" + " " * (19 * len(self.kinds) + 15) + shown

    def compare(self, result: dict) -> None:
        """Holds the losses of all engines against torch's, or the first engine's."""
        engines = result["engines"]
        if not engines:
            return
        reference = "torch" if "torch" in engines else next(iter(engines))
        wanted = engines[reference]["losses"]
        early, late = TOLERANCE.get(result["workload"], USUAL)
        for kind, engine in engines.items():
            for i, (a, b) in enumerate(zip(engine["losses"], wanted)):
                limit = early if i < 5 else late
                if kind == "keras":
                    limit = max(limit, OF_KERAS[0] if i < 5 else OF_KERAS[1])
                if not abs(a - b) <= limit * abs(b):
                    self.notes.append(
                        f"{result['workload']}, {result['threads']} threads: the loss of {kind} at"
                        f" step {i} is {a}, that of {reference} {b}"
                    )
                    break


def extras(figures: dict) -> str:
    lines = [
        f"an operator on one element: {figures['recorded_ns']:.0f} ns recorded,"
        f" {figures['whole_ns']:.0f} ns with its gradient",
        f"process start to the end of the first step (tabular_32): {figures['start_s'] * 1e3:.1f} ms"
        f" eager, {figures['compiled_start_s'] * 1e3:.1f} ms compiled",
        f"a character at random lengths over one at a fixed length:"
        f" {figures['random_s'] / figures['fixed_s']:.2f}",
    ]
    return "\n".join(lines)
