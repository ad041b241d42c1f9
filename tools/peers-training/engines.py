"""The processes of tools/bench_training.py: what they need, and talking to them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
VENV = os.path.join(ROOT, ".cache", "training-peers")
KERAS = os.path.join(ROOT, ".cache", "training-keras")
PACKAGE = os.path.join(ROOT, "tools", "bench", "training")
SCRATCH = os.path.join(ROOT, ".cache", "training-bench")
PROGRAM = os.path.join(SCRATCH, "release", "BenchTraining")
TORCH = "torch==2.13.0+cpu"
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"


class Missing(Exception):
    """What is missing and how to get it."""


class Failed(Exception):
    """What an engine said instead of an answer."""


def say(text: str) -> None:
    print(f"bench_training: {text}", file=sys.stderr, flush=True)


def prepare(kinds: list[str], build: bool) -> None:
    """Installs the peers that are asked for, and builds dlrun's side, where either is missing."""
    if any(kind.startswith("torch") or kind == "jax" for kind in kinds):
        install(VENV, "requirements.txt", TORCH)
    if "keras" in kinds:
        install(KERAS, "requirements-keras.txt")
    if "torch.compile" in kinds and not (shutil.which("g++") or shutil.which("clang++")):
        raise Missing("torch.compile needs a C++ compiler: install g++, or leave it out")
    if not any(kind.startswith("dlrun") for kind in kinds):
        return
    if build and (not os.path.isfile(PROGRAM) or os.path.getmtime(PROGRAM) < newest_source()):
        say("building tools/bench/training (some minutes the first time)")
        command = ["swift", "build", "-c", "release", "--package-path", PACKAGE]
        command += ["--scratch-path", SCRATCH]
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
            raise Missing("tools/bench/training does not build; the output is above")
    if not os.path.isfile(PROGRAM):
        raise Missing("tools/bench/training is not built; leave out --no-build")


def install(venv: str, listed: str, torch: str | None = None) -> None:
    """A virtual environment of peers, made anew where its pinned list has changed."""
    wanted = os.path.join(HERE, listed)
    made_from = os.path.join(venv, "requirements.txt")
    python = os.path.join(venv, "bin", "python")
    with open(wanted, encoding="utf-8") as file:
        text = file.read()
    if os.path.exists(made_from):
        with open(made_from, encoding="utf-8") as file:
            if file.read() == text:
                return
    say(f"installing peers into {os.path.relpath(venv, ROOT)} (once)")
    commands = []
    if not os.path.exists(python):
        commands.append([sys.executable, "-m", "venv", venv])
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if torch:
        commands.append([*pip, "--extra-index-url", TORCH_INDEX, torch])
    commands.append([*pip, "-r", wanted])
    for command in commands:
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
            raise Missing(f"{' '.join(command)} failed; its output is above")
    shutil.copy(wanted, made_from)


def newest_source() -> float:
    newest = os.path.getmtime(os.path.join(ROOT, "Package.swift"))
    for top in (os.path.join(ROOT, "Sources"), PACKAGE):
        for folder, _, files in os.walk(top):
            newest = max([newest, *(os.path.getmtime(os.path.join(folder, f)) for f in files)])
    return newest


class Engine:
    """A process that answers each line with a line of JSON."""

    def __init__(self, kind: str, processors: list[int]) -> None:
        self.kind = kind
        if kind.startswith("dlrun"):
            command = [PROGRAM]
        else:
            python = os.path.join(KERAS if kind == "keras" else VENV, "bin", "python")
            command = [python, os.path.join(HERE, "worker.py"), kind]
        environment = {**os.environ, "OMP_NUM_THREADS": str(len(processors))}
        environment["JAX_PLATFORMS"] = "cpu"
        self.child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, processors),
        )

    def ask(self, line: str) -> dict:
        try:
            self.child.stdin.write(line + "\n")
            self.child.stdin.flush()
            reply = self.child.stdout.readline()
        except BrokenPipeError:
            reply = ""
        if not reply:
            raise Failed(f"{self.kind} ended with status {self.child.wait()} at '{line}'")
        answer = json.loads(reply)
        if "error" in answer:
            raise Failed(f"{self.kind}: {answer['error']}")
        return answer

    def close(self) -> None:
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait()


def extras() -> dict:
    """What beside steps is asked of dlrun."""
    last = sorted(os.sched_getaffinity(0))[-1:]
    program = Engine("dlrun", last)
    figures = program.ask("operators 2000")
    figures.update(program.ask("lengths 1000 1"))
    program.close()
    starts = []
    for _ in range(11):
        begin = time.perf_counter()
        engine = Engine("dlrun", last)
        engine.ask("open tabular_32 eager 1")
        starts.append(time.perf_counter() - begin)
        engine.close()
    figures["start_s"] = min(starts)
    starts = []
    for _ in range(11):
        begin = time.perf_counter()
        engine = Engine("dlrun", last)
        engine.ask("open tabular_32 compiled 1")
        starts.append(time.perf_counter() - begin)
        engine.close()
    figures["compiled_start_s"] = min(starts)
    return figures
