#!/usr/bin/env python3
"""Compare what a trained model says in onnxruntime and in dlrun.

usage: check_trained.py DLRUN MODEL DATA
       check_trained.py --answers FOLDER

DATA is a table, of which every row is taken, an .npz whose arrays have the names of the model's inputs, or
a text, for models of characters. With --answers each X.onnx of a folder runs on the arrays of X.npz, which
holds its answers too: the tests of the README's programs write them with DLRUN_EXPORTS=FOLDER.
Prints the largest difference, relative to the largest element; exits 1 above 1e-5.
"""

import csv
import io
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime


def table(path: str, session, meta: dict) -> dict:
    with open(path, encoding="utf-8-sig", newline="") as file:
        delimiter = max(",;\t|", key=file.readline().count)
        file.seek(0)
        rows = list(csv.DictReader(file, delimiter=delimiter))
    names, at, feed = json.loads(meta["dlrun.features"]), 0, {}
    for x in session.get_inputs():
        width = int(np.prod(x.shape[1:]))
        cells = [[r[n] for n in names[at : at + width]] for r in rows]
        at += width
        if x.type == "tensor(string)":
            feed[x.name] = np.array(cells, dtype=object)
        else:
            numbers = [[float(c) if c not in ("", "NA") else np.nan for c in r] for r in cells]
            feed[x.name] = np.array(numbers, np.float32).reshape(len(rows), *x.shape[1:])
    return feed


def windows(path: str, session) -> dict:
    """The first hundred windows of a text, as code points."""
    x = session.get_inputs()[0]
    with open(path, encoding="utf-8") as file:
        points = [ord(c) for c in file.read()]
    count = min(100, len(points) // x.shape[1])
    return {x.name: np.array(points[: count * x.shape[1]], np.int64).reshape(count, x.shape[1])}


def ours(command: str, path: str, data: str, feed: dict, width: int) -> np.ndarray:
    """What dlrun says: of a table by its text, of arrays by an archive."""
    run = lambda *words: subprocess.run([command, "infer", path, *words], capture_output=True, check=True)  # noqa: E731
    if data.endswith((".csv", ".tsv")):
        mine = list(csv.reader(io.StringIO(run(data).stdout.decode())))[1:]
        return np.array([[float(c) for c in r[:width]] for r in mine])
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/in.npz", **feed)
        run(f"{folder}/in.npz", "-o", f"{folder}/out.npz")
        with np.load(f"{folder}/out.npz") as out:
            return out[out.files[0]]


def report(path: str, said: np.ndarray, mine: np.ndarray) -> bool:
    worst = float(np.abs(mine - said).max() / np.abs(said).max())
    same = said.shape == mine.shape and worst <= 1e-5
    print(f"{path}: {len(said)} rows, largest difference {worst:.2g}" + ("" if same else " TOO LARGE"))
    return same


def answers(folder: str) -> int:
    wrong = 0
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".npz"):
            continue
        path = os.path.join(folder, name[:-4] + ".onnx")
        model = onnx.load(path)
        # Graphs may go without a name in onnxruntime, and not in the checker.
        model.graph.name = model.graph.name or "graph"
        onnx.checker.check_model(model)
        session = onnxruntime.InferenceSession(path)
        with np.load(os.path.join(folder, name)) as arrays:
            feed = {x.name: arrays[x.name] for x in session.get_inputs()}
            output = session.get_outputs()[0].name
            wrong += not report(path, session.run([output], feed)[0], arrays[output])
    return 1 if wrong else 0


def main() -> int:
    if len(sys.argv) == 3 and sys.argv[1] == "--answers":
        return answers(sys.argv[2])
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 64
    command, path, data = sys.argv[1:]
    model = onnx.load(path)
    onnx.checker.check_model(model)
    meta = {p.key: p.value for p in model.metadata_props}
    session = onnxruntime.InferenceSession(path)
    if data.endswith(".npz"):
        with np.load(data) as arrays:
            feed = {x.name: arrays[x.name].astype(np.float32) for x in session.get_inputs()}
    elif data.endswith(".txt"):
        feed = windows(data, session)
    else:
        feed = table(data, session, meta)
    said = session.run(None, feed)[0]
    mine = ours(command, path, data, feed, said.shape[-1])
    return 0 if report(path, said, mine.reshape(said.shape)) else 1


sys.exit(main())
