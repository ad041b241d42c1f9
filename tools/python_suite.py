#!/usr/bin/env python3
"""Run the ONNX backend suite through the Python package, and so through the C interface.

usage: python_suite.py SUITE EXCEPTIONS --json REPORT [--filter TEXT]

SUITE: the folder that tools/dump_onnx_suite.py writes. Outputs are compared as `dlrun verify` does:
|got - want| <= atol + rtol * |want| with the case's tolerance, NaN equals only NaN, an infinity
only itself; strings, int64, uint64, bool and all types below 16 bits but int8 and uint8 exactly. The
cases that EXCEPTIONS lists may pass by element type, shape and range, as draws. REPORT is of the
form of `dlrun verify --json`, for tools/suite_floor.py. The last line is `N passed, N failed`.
Needs the packages dlrun and onnx. Exit status: 0 all passed, 1 some failed.
"""

import argparse
import json
import os
import sys
import time
import warnings

import ml_dtypes
import numpy as np
import onnx
from onnx import numpy_helper

import dlrun

NARROW = [np.dtype(getattr(ml_dtypes, name)) for name in (
    "int4", "uint4", "int2", "uint2", "float4_e2m1fn")]
FLOAT8 = [np.dtype(getattr(ml_dtypes, name)) for name in (
    "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")]
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
CLOSE = [np.dtype(name) for name in (
    "float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32")]


class Difference(Exception):
    """How an output is not what was expected."""


def agree(got, want, rtol, atol):
    """Element by element; both float64."""
    with np.errstate(all="ignore"):
        near = np.isfinite(want) & (np.abs(got - want) <= atol + rtol * np.abs(want))
    return (got == want) | (np.isnan(got) & np.isnan(want)) | near


def compare_arrays(got, want, rtol, atol):
    if got.dtype != want.dtype and not (got.dtype.kind == "O" and want.dtype.kind in "OUST"):
        raise Difference(f"dtype {got.dtype}, expected {want.dtype}")
    if got.shape != want.shape:
        raise Difference(f"shape {got.shape}, expected {want.shape}")
    a, b = got.reshape(-1), want.reshape(-1)
    if got.dtype.kind == "O":
        texts = [v.decode() if isinstance(v, bytes) else str(v) for v in b.tolist()]
        same = np.array([x == y for x, y in zip(a.tolist(), texts)], bool)
    elif got.dtype in CLOSE:
        same = agree(a.astype(np.float64), b.astype(np.float64), rtol, atol)
    elif got.dtype == BFLOAT16:
        # Two steps of bfloat16, as ONNX's own test runner allows.
        same = agree(a.astype(np.float64), b.astype(np.float64), max(rtol, 2.0**-6), atol)
    elif got.dtype.kind == "c":
        same = agree(a.real.astype(np.float64), b.real.astype(np.float64), rtol, atol)
        same &= agree(a.imag.astype(np.float64), b.imag.astype(np.float64), rtol, atol)
    elif got.dtype in FLOAT8 or got.dtype in NARROW:
        # Exact, but any NaN is as good as another.
        x, y = a.astype(np.float32), b.astype(np.float32)
        same = ((x == y) & (np.signbit(x) == np.signbit(y))) | (np.isnan(x) & np.isnan(y))
    else:
        size = got.dtype.itemsize
        x = np.ascontiguousarray(a).view(np.uint8).reshape(-1, size)
        same = (x == np.ascontiguousarray(b).view(np.uint8).reshape(-1, size)).all(axis=1)
    if not same.all():
        i = int(np.argmin(same))
        raise Difference(f"element {i} is {a[i]}, expected {b[i]} ({got.dtype}{list(got.shape)})")


def compare(got, want, rtol, atol):
    if isinstance(want, dict):
        if not isinstance(got, dict) or set(got) != set(want):
            raise Difference(f"{got}, expected the keys {sorted(want)}")
        for key, value in want.items():
            x, y = np.asarray(got[key]), np.asarray(value)
            compare_arrays(x.astype(y.dtype) if x.dtype.kind == y.dtype.kind else x, y, rtol, atol)
    elif isinstance(want, list):
        if not isinstance(got, list) or len(got) != len(want):
            raise Difference(f"{got}, expected {len(want)} elements")
        for x, y in zip(got, want):
            compare(x, y, rtol, atol)
    elif want is None or got is None:
        if want is not got:
            raise Difference(f"{got}, expected {want}")
    elif not isinstance(got, np.ndarray):
        raise Difference(f"a {type(got).__name__}, expected an array")
    else:
        compare_arrays(got, want, rtol, atol)


def compare_draw(got, want):
    """Whether `got` may be another draw of what `want` was drawn from."""
    if got.dtype != want.dtype or got.shape != want.shape:
        raise Difference(f"{got.dtype}{got.shape}, expected {want.dtype}{want.shape}")
    x, y = got.astype(np.float64), want.astype(np.float64)
    whole = (y == np.round(y)).all()
    margin = 0 if whole else y.max() - y.min()
    inside = (x >= y.min() - margin) & (x <= y.max() + margin) & (not whole or x == np.round(x))
    if not inside.all():
        raise Difference("a value out of the range of a draw")


def read(path, kind):
    """The value in a file of the suite, as onnx gives it to a user of NumPy."""
    with open(path, "rb") as file:
        data = file.read()
    if kind == "optional_type":
        proto = onnx.OptionalProto()
        proto.ParseFromString(data)
        return numpy_helper.to_optional(proto)
    if kind == "sequence_type":
        proto = onnx.SequenceProto()
        proto.ParseFromString(data)
        return numpy_helper.to_list(proto)
    if kind == "map_type":
        proto = onnx.MapProto()
        proto.ParseFromString(data)
        return numpy_helper.to_dict(proto)
    proto = onnx.TensorProto()
    proto.ParseFromString(data)
    return numpy_helper.to_array(proto)


def run_case(folder, is_random):
    """Runs one case; gives how it passed if not by equal numbers."""
    rtol, atol = 1e-3, 1e-7
    if os.path.exists(os.path.join(folder, "tol.json")):
        with open(os.path.join(folder, "tol.json"), encoding="utf-8") as file:
            own = json.load(file)
        rtol, atol = own["rtol"], own["atol"]
    path = os.path.join(folder, "model.onnx")
    kinds = {}
    graph = onnx.load(path, load_external_data=False).graph
    for info in [*graph.input, *graph.output]:
        kinds[info.name] = info.type.WhichOneof("value")
    session = dlrun.InferenceSession(path, threads=1)
    remark = ""
    sets = 0
    while os.path.isdir(data := os.path.join(folder, f"test_data_set_{sets}")):
        # Old models list their weights among the inputs; the files are for the others.
        ports = session.get_inputs()
        if os.path.exists(os.path.join(data, f"input_{len(ports)}.pb")):
            ports = session._inputs
        feed = {}
        for i, port in enumerate(ports):
            file = os.path.join(data, f"input_{i}.pb")
            if os.path.exists(file):
                feed[port.name] = read(file, kinds[port.name])
        # Three times: each way through the package must give the same.
        results = [session.run(None, feed)]
        if not is_random:
            results += [session.run(None, feed), session.run(None, feed)]
        for outputs in results:
            for i, port in enumerate(session.get_outputs()):
                file = os.path.join(data, f"output_{i}.pb")
                if not os.path.exists(file):
                    continue
                want = read(file, kinds[port.name])
                try:
                    compare(outputs[i], want, rtol, atol)
                except Difference as difference:
                    if not is_random:
                        raise Difference(f"output '{port.name}': {difference}") from None
                    compare_draw(outputs[i], want)
                    remark = f"output '{port.name}' is a draw: compared by type, shape and range"
        sets += 1
    if sets == 0:
        raise Difference("no test_data_set_0 beside the model")
    return remark


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite")
    parser.add_argument("exceptions")
    parser.add_argument("--json", required=True)
    parser.add_argument("--filter", default="")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")

    with open(arguments.exceptions, encoding="utf-8") as file:
        random = {line.split(":")[0].strip() for line in file if not line.startswith("#")}
    folders = []
    for folder, below, files in os.walk(arguments.suite):
        below[:] = sorted(d for d in below if not d.startswith("test_data_set"))
        if "model.onnx" in files and arguments.filter in folder:
            folders.append(folder)
    records = []
    for folder in sorted(folders):
        name = os.path.relpath(folder, arguments.suite)
        start = time.monotonic()
        try:
            passed, reason = True, run_case(folder, name in random)
        except Exception as error:  # Whatever it is, the case has failed with it.
            passed, reason = False, f"{type(error).__name__}: {error}"
            print(f"FAILED {name}: {reason}")
        records.append({"case": folder, "passed": passed, "reason": reason,
                        "milliseconds": round((time.monotonic() - start) * 1e3, 3)})
    with open(arguments.json, "w", encoding="utf-8") as file:
        json.dump(records, file, indent=0)
    failed = sum(not r["passed"] for r in records)
    print(f"{len(records) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
