"""What has to be there: an interpreter with the pinned peers, and libdlrun.so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
REQUIREMENTS = os.path.join(HERE, "requirements.txt")
VENV = os.path.join(ROOT, ".cache", "peers")
LIBRARY = os.path.join(ROOT, ".build", "install", "lib", "libdlrun.so")


class Missing(Exception):
    """What is missing and how to get it."""


def say(text: str) -> None:
    print(f"bench_peers: {text}", file=sys.stderr, flush=True)


def interpreter() -> str:
    """The virtual environment's Python; made anew when the pinned list has changed."""
    python = os.path.join(VENV, "bin", "python")
    made_from = os.path.join(VENV, "requirements.txt")
    with open(REQUIREMENTS, encoding="utf-8") as file:
        wanted = file.read()
    if os.path.exists(made_from):
        with open(made_from, encoding="utf-8") as file:
            if file.read() == wanted:
                return python
    say("installing onnxruntime and OpenVINO into .cache/peers (once)")
    shutil.rmtree(VENV, ignore_errors=True)
    base = getattr(sys, "_base_executable", sys.executable)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    for command in ([base, "-m", "venv", VENV], [*pip, "-r", REQUIREMENTS]):
        done = subprocess.run(command, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise Missing(
                f"{' '.join(command)} failed; its output is above. With the packages of"
                " tools/peers/requirements.txt in another interpreter, use --python or --no-install"
            )
    shutil.copy(REQUIREMENTS, made_from)
    return python


def run_with(python: str) -> None:
    """Starts this program anew under another interpreter; returns if it runs there already."""
    if os.environ.get("BENCH_PEERS_PYTHON") == python:
        return
    if shutil.which(python) is None:
        raise Missing(f"there is no interpreter {python}")
    os.environ["BENCH_PEERS_PYTHON"] = python
    os.execv(shutil.which(python) or python, [python, *sys.argv])


def unpinned() -> list[str]:
    """The packages whose version is not the pinned one, for a note under the tables."""
    notes = []
    with open(REQUIREMENTS, encoding="utf-8") as file:
        for line in file:
            name, equals, version = line.strip().partition("==")
            if not equals or name.startswith("#"):
                continue
            try:
                found = metadata.version(name)
            except metadata.PackageNotFoundError:
                found = "none"
            if found != version:
                notes.append(f"{name} {found}, pinned is {version}")
    return notes


def library(given: str | None) -> str:
    """libdlrun.so: the one given, or this checkout's, built where a source is newer."""
    chosen = given or os.environ.get("DLRUN_LIBRARY")
    if chosen:
        if not os.path.isfile(chosen):
            raise Missing(f"there is no library {chosen}")
        return os.path.abspath(chosen)
    if not os.path.isfile(LIBRARY) or os.path.getmtime(LIBRARY) < newest_source():
        say("building libdlrun.so (some minutes the first time)")
        command = [os.path.join(ROOT, "tools", "install"), "--library-only"]
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
            raise Missing("tools/install --library-only failed; its output is above")
    return LIBRARY


def newest_source() -> float:
    newest = os.path.getmtime(os.path.join(ROOT, "Package.swift"))
    for folder, _, files in os.walk(os.path.join(ROOT, "Sources")):
        newest = max([newest, *(os.path.getmtime(os.path.join(folder, f)) for f in files)])
    return newest


def distinct(library_path: str, folder: str) -> str:
    """A copy of a library, which the dynamic linker loads beside the original."""
    if not os.path.isfile(library_path):
        raise Missing(f"there is no library {library_path}")
    copy = os.path.join(folder, "libdlrun-baseline.so")
    shutil.copy(library_path, copy)
    return copy
