#!/usr/bin/env python3
"""Compare exported preprocessing layers with Keras' answers, in onnxruntime.

usage: DLRUN_EXPORTS=FOLDER tools/test PreprocessingTests, then check_preprocessing.py FOLDER FIXTURE

FIXTURE is Tests/LayersTests/Fixtures/preprocessing.json. Needs onnxruntime 1.24 or later. Random layers are
left out: exported, they do nothing. Fails where an answer differs by more than 2e-5 of the largest element.
"""
import json
import os
import sys

import numpy as np
import onnxruntime as ort

folder, fixture = sys.argv[1:]
random = ("rotation", "zoom", "translation", "brightness")
kinds = {"float32": np.float32, "int64": np.int64, "string": object, "bool": bool}


def array(t):
    return np.array(t["values"], dtype=kinds[t["dtype"]]).reshape(t["shape"])


worst, count, failed = 0.0, 0, []
for case in json.load(open(fixture))["cases"]:
    path = f"{folder}/{case['name']}.onnx"
    if not os.path.exists(path) or case["name"].startswith(random):
        continue
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = {i.name: array(x) for i, x in zip(session.get_inputs(), case["inputs"])}
    got, want = session.run(None, feeds)[0], array(case["output"])
    if want.dtype == object:
        error = 0.0 if (got == want).all() else 1.0
    else:
        scale = max(1.0, float(np.abs(want).max()))
        error = float(np.abs(got.astype(np.float64) - want).max()) / scale
    worst, count = max(worst, error), count + 1
    if not error <= 2e-5 or got.shape != want.shape:
        failed.append((case["name"], error, got.shape, want.shape))
print(count, "graphs, largest difference", worst, "failed:", failed)
sys.exit(bool(failed))
