#!/usr/bin/env python3
"""Compare what a trained model says in onnxruntime and in dlrun for every row of a table.

usage: check_trained.py DLRUN MODEL TABLE
Prints the largest difference, relative to the largest element; exits 1 above 1e-5.
"""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime


def main() -> int:
    command, path, table = sys.argv[1:]
    with open(table, encoding="utf-8-sig", newline="") as file:
        delimiter = max(",;\t|", key=file.readline().count)
        file.seek(0)
        rows = list(csv.DictReader(file, delimiter=delimiter))
    model = onnx.load(path)
    onnx.checker.check_model(model)
    meta = {p.key: p.value for p in model.metadata_props}
    names, at, feed = json.loads(meta["dlrun.features"]), 0, {}
    session = onnxruntime.InferenceSession(path)
    for x in session.get_inputs():
        width = int(np.prod(x.shape[1:]))
        cells = [[r[n] for n in names[at : at + width]] for r in rows]
        at += width
        if x.type == "tensor(string)":
            feed[x.name] = np.array(cells, dtype=object)
        else:
            numbers = [[float(c) if c not in ("", "NA") else np.nan for c in r] for r in cells]
            feed[x.name] = np.array(numbers, np.float32).reshape(len(rows), *x.shape[1:])
    said = session.run(None, feed)[0]
    text = subprocess.run([command, "infer", path, table], capture_output=True, check=True).stdout
    mine = list(csv.reader(io.StringIO(text.decode())))[1:]
    ours = np.array([[float(c) for c in r[: said.shape[1]]] for r in mine])
    worst = float(np.abs(ours - said).max() / np.abs(said).max())
    print(f"{path}: {len(rows)} rows, largest difference {worst:.2g}")
    return 0 if worst <= 1e-5 else 1


sys.exit(main())
