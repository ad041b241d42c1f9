#!/usr/bin/env python3
"""Classifies the rows of a table: a program as a user of the Python package would write it.

usage: classify.py MODEL TABLE

MODEL says in its metadata which columns it reads and what its classes are called. TABLE: a CSV file
with a header. Prints the class of each row and how sure the model is, and how often it agrees with
the table's last column.

    pip install ./tools/python
    python Tests/Examples/Python/classify.py Models/iris.pb Models/iris.csv
"""

import csv
import json
import sys

import numpy as np

import dlrun


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 64
    try:
        session = dlrun.InferenceSession(sys.argv[1], threads=1)
    except (dlrun.NoSuchFile, dlrun.InvalidProtobuf) as error:
        print(f"classify: {error}", file=sys.stderr)
        return 65

    properties = session.get_modelmeta().custom_metadata_map
    features = json.loads(properties["dlrun.features"])
    classes = json.loads(properties["dlrun.classes"])
    entry = session.get_inputs()[0]
    print(f"{entry.name}: {entry.type} {entry.shape}, threads: {session.threads}")

    with open(sys.argv[2], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    x = np.array([[float(row[name]) for name in features] for row in rows], np.float32)
    probabilities, labels = session.run(["probabilities", "label"], {entry.name: x})

    right = 0
    for row, p, label in zip(rows, probabilities, labels):
        print(f"{classes[label]} {p[label]:.3f}")
        right += classes[label] == list(row.values())[-1]
    print(f"{right} of {len(rows)} as the table has it")

    try:
        session.run(None, {entry.name: x[:, :-1]})
    except dlrun.InvalidArgument as error:
        print(f"refused, as it should be: {error}")
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
