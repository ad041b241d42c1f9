"""The whole measurement: processes, passes, and what is kept of them."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time

from . import install, machine, report, zoo


class Bench:
    """One call of the program."""

    def __init__(self, options: argparse.Namespace, folder: str) -> None:
        self.options, self.folder = options, folder
        self.shapes = zoo.parse_shapes(options.shape)
        self.models = zoo.find(options.zoo, options.models)
        self.libraries = {"dlrun": install.library(options.library)}
        self.engines = ["dlrun"]
        if options.baseline:
            self.libraries["baseline"] = install.distinct(options.baseline, folder)
            self.engines.append("baseline")
        self.engines += options.peers
        self.processor = machine.describe()
        self.opened: dict[str, dict[str, dict]] = {}
        self.versions: dict[str, str] = {}
        self.imports: dict[str, float] = {}
        self.cases: dict[tuple[str, int], report.Case] = {}
        #: Of each number of threads: processors that others kept busy, one figure a process.
        self.busy: dict[int, list[float]] = {n: [] for n in options.threads}
        self.notes: list[str] = install.unpinned() if options.peers else []
        self.wrong = False

    def progress(self, text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def work(self, job: dict) -> dict:
        """The result of a job in a process of its own, or {"failure": why}."""
        job = {"libraries": self.libraries, **job}
        paths = [os.path.join(self.folder, name) for name in ("job.json", "result.json")]
        if os.path.exists(paths[1]):
            os.remove(paths[1])
        with open(paths[0], "w", encoding="utf-8") as file:
            json.dump(job, file)
        environment = {**os.environ, "PYTHONPATH": os.path.join(install.ROOT, "tools")}
        log = os.path.join(self.folder, "log")
        with open(log, "wb") as output:
            try:
                done = subprocess.run(
                    [sys.executable, "-m", "peers.worker", *paths],
                    env=environment,
                    stdout=output,
                    stderr=output,
                    stdin=subprocess.DEVNULL,
                    timeout=self.options.timeout,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return {"failure": f"took longer than {self.options.timeout:g} s"}
        if os.path.exists(paths[1]):
            with open(paths[1], encoding="utf-8") as file:
                return json.load(file)
        with open(log, encoding="utf-8", errors="replace") as file:
            said = [line.strip() for line in file if line.strip()]
        end = f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"
        return {
            "failure": f"its process ended with {end}" + (f": {said[-1][:200]}" if said else "")
        }

    def settle(self) -> None:
        """Asks for the models' inputs; what cannot be known leaves the model out."""
        kept = []
        for model in self.models:
            self.progress(f"{model.name}: inputs")
            asked = [e for e in ("onnxruntime", "dlrun") if e in self.engines]
            said = self.work({"kind": "inputs", "path": model.path, "engines": asked})
            try:
                if "failure" in said:
                    raise zoo.ZooError(said["failure"])
                zoo.settle(model, said["inputs"], self.shapes)
            except zoo.ZooError as failure:
                self.notes.append(f"{model.name} left out: {failure}")
                self.wrong = True
                continue
            kept.append(model)
        self.models = kept

    def open_each(self, turn: int) -> None:
        """Load time and memory of every engine; which engines can run which model."""
        threads = self.options.threads[-1]
        for model in self.models:
            by_engine = self.opened.setdefault(model.name, {})
            for engine in self.engines:
                if "failure" in by_engine.get(engine, {}):
                    continue
                self.progress(
                    f"pass {turn + 1} of {self.options.passes}: {model.name}, loading in {engine}"
                )
                got = self.work(
                    {
                        "kind": "open",
                        "engine": engine,
                        "model": model.to_json(),
                        "threads": threads,
                        "settings": self.settings(),
                        "processors": machine.processors(threads, turn),
                    }
                )
                if "failure" in got:
                    self.fail(model.name, engine, got["failure"])
                    by_engine[engine] = got
                    continue
                self.versions[engine] = got["version"]
                self.imports[engine] = min(got["import_s"], self.imports.get(engine, 1e9))
                before = by_engine.get(engine)
                lower = ("ready_s", "first_s", "resident", "peak")
                if before is not None:
                    got.update({key: min(got[key], before[key]) for key in lower})
                by_engine[engine] = got

    def fail(self, model: str, engine: str, why: str) -> None:
        note = f"{model}: {engine} cannot run it: {why}"
        if note not in self.notes:
            self.notes.append(note)
        if engine == "dlrun":
            self.wrong = True

    def settings(self) -> dict:
        return {"level": self.options.level, "calls": self.options.calls}

    def measure(self, turn: int) -> None:
        options = self.options
        for model in self.models:
            able = [
                e
                for e in self.engines
                if "failure" not in self.opened.get(model.name, {}).get(e, {})
            ]
            for threads in options.threads:
                self.progress(
                    f"pass {turn + 1} of {options.passes}: {model.name}, {threads} threads"
                )
                case = self.cases.setdefault(
                    (model.name, threads), report.Case(model.name, threads)
                )
                before = machine.Load.now()
                got = self.work(
                    {
                        "kind": "turns",
                        "engines": able,
                        "model": model.to_json(),
                        "threads": threads,
                        "settings": self.settings(),
                        "processors": machine.processors(threads, turn),
                        "seed": f"{model.name} {threads} {turn}",
                        "rounds": options.rounds,
                        "seconds": options.seconds,
                        "patience": options.patience,
                    }
                )
                got["others_busy"] = machine.Load.now().others_since(before)
                if "failure" in got:
                    self.notes.append(
                        f"{model.name}, {threads} threads, pass {turn + 1}: {got['failure']}"
                    )
                    self.wrong = True
                    continue
                self.busy[threads].append(got["others_busy"])
                case.passes.append(got)
                for engine, why in got["failures"].items():
                    self.fail(model.name, engine, why)
                for engine, error in got["errors"].items():
                    self.judge(model, engine, error)

    def judge(self, model, engine: str, error: float) -> None:
        if error <= self.options.tolerance:
            return
        note = f"{model.name}: {engine} is wrong by {error:.1e} of the largest value"
        if note not in self.notes:
            self.notes.append(note)
        self.wrong = self.wrong or engine in ("dlrun", "baseline")

    def run(self) -> None:
        self.settle()
        for turn in range(self.options.passes):
            if turn > 0 and self.options.pause > 0:
                self.progress(f"pausing {self.options.pause:g} s")
                time.sleep(self.options.pause)
            # Load times too, or at least once which engines can run which model at all.
            if turn == 0 or not self.options.no_open:
                self.open_each(turn)
            self.measure(turn)
            if self.options.json:
                self.write(self.options.json)

    def write(self, path: str) -> None:
        found = {
            "date": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
            "processor": self.processor,
            "versions": self.versions,
            "settings": {**self.settings(), "seconds": self.options.seconds},
            "load_and_memory": self.opened,
            "notes": self.notes,
            "cases": [vars(case) for case in self.cases.values()],
        }
        with open(path + ".part", "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
        os.replace(path + ".part", path)

    def report(self) -> str:
        options, cases, peers = self.options, list(self.cases.values()), self.options.peers
        parts = []
        if peers:
            parts += [report.speed_table(cases, peers, n) for n in options.threads]
        if options.baseline:
            parts += [report.baseline_table(cases, n) for n in options.threads]
        if not options.no_open:
            sizes = {m.name: os.path.getsize(m.path) for m in self.models}
            shown = [e for e in self.engines if e != "baseline"]
            parts.append(report.open_table(self.opened, shown, sizes))
        end = [f"{time.strftime('%Y-%m-%d', time.gmtime())}, {self.processor}"]
        end += [
            f"{report.SHORT[e]} {v}, import {self.imports[e] * 1e3:.0f} ms"
            for e, v in self.versions.items()
        ]
        end.append(
            f"Python {platform.python_version()}; {options.passes} passes of "
            + (f"{options.rounds} rounds" if options.rounds else f"{options.seconds:g} s")
            + f"; calls {options.calls}, level {options.level}; processors that others kept busy: "
            + ", ".join(f"{sum(b) / len(b):.2f} at {n} threads" for n, b in self.busy.items() if b)
        )
        end += self.notes
        if peers:
            end += [report.total_line(cases, peers, n) for n in options.threads]
        parts.append(end)
        return "\n\n".join("\n".join(part) for part in parts)
