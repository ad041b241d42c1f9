"""Converts every case of a folder and holds the results against the framework's.

usage: check_converted.py DLRUN FOLDER [NAME...]

FOLDER/NAME holds io.npz, an optional `tolerance`, and one or more of frozen.pb, saved_model/ and
model.tflite. Ends with `N passed, N failed`; status 1 where one failed.
"""

import json
import os
import subprocess
import sys
import tempfile

dlrun, folder, wanted = sys.argv[1], sys.argv[2], set(sys.argv[3:])
passed = failed = 0
with tempfile.TemporaryDirectory() as scratch:
    for name in sorted(os.listdir(folder)):
        here = f"{folder}/{name}"
        if wanted and name not in wanted or not os.path.exists(here + "/io.npz"):
            continue
        tolerance = "1e-5"
        if os.path.exists(here + "/tolerance"):
            tolerance = open(here + "/tolerance").read().strip()
        for model in ("frozen.pb", "saved_model", "model.tflite"):
            if not os.path.exists(f"{here}/{model}"):
                continue
            run = subprocess.run(
                [dlrun, "convert", f"{here}/{model}", "-o", scratch + "/m.onnx", "--check",
                 here + "/io.npz", "--tolerance", tolerance, "--json"],
                capture_output=True, text=True, timeout=300)
            if run.returncode == 0:
                passed += 1
                continue
            failed += 1
            reason = run.stderr.strip()
            if run.returncode == 1:
                reason = str([(o["name"], o["absolute"], o["relative"]) for o in json.loads(run.stdout)["outputs"]])
            print(f"{name}/{model}: status {run.returncode}: {reason[:400]}", flush=True)
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
