#!/usr/bin/env python3
"""Cases beyond the ONNX backend suite, answered by ONNX Runtime and onnx's reference evaluator.

usage: python tools/oracle/sweep OUT [--only OP,OP] [--pack DIR [--keep]]

Writes OUT/<operator>/<case>/{model.onnx,tol.json,test_data_set_0/*.pb}, which `dlrun verify OUT`
runs, and OUT-disputed/<case>.{ref,ort} where the two oracles differ and faults.py does not say
which is right; those are in no fixture until it does. With --pack the cases go to DIR too, as
the fixture that RuntimeTests read, `is_packed` being the choice: DIR/sweep-<n>.gz, which holds for
each case the fields name, model, and rtol and atol as text, then the count of inputs and so many
fields, then the count of outputs and so many fields. A count is a little-endian 32-bit number; a
field is such a number and so many bytes. An input or output is a TensorProto, SequenceProto or
OptionalProto; one without a value is empty. The fixture is made by
`python tools/oracle/sweep OUT --pack Tests/RuntimeTests/Sweep`.

Made with onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6, ml_dtypes 0.6.0.
"""

import argparse
import collections
import gzip
import importlib
import json
import os
import re
import shutil
import struct
import sys
import time
import zlib

import onnx

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import core
import faults

MODULES = [f[:-3] for f in sorted(os.listdir(os.path.dirname(os.path.abspath(__file__))))
           if f.startswith("cases_") and f.endswith(".py")]


def write_case(folder, case, want):
    rtol, atol = core.finish(case, want)
    data = os.path.join(folder, "test_data_set_0")
    os.makedirs(data)
    with open(os.path.join(folder, "model.onnx"), "wb") as file:
        file.write(case.model.SerializeToString(deterministic=True))
    with open(os.path.join(folder, "tol.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps({"rtol": rtol, "atol": atol}) + "\n")
    graph = case.model.graph
    for kind, vs, infos in (("input", case.inputs, graph.input), ("output", want, graph.output)):
        for j, (v, info) in enumerate(zip(vs, infos)):
            if v is not None:
                with open(os.path.join(data, f"{kind}_{j}.pb"), "wb") as file:
                    file.write(core.stored(v, info))


def field(data):
    return struct.pack("<I", len(data)) + data


def record(folder):
    """A case's files as the fixture holds them."""
    def read(name):
        path = os.path.join(folder, name)
        return open(path, "rb").read() if os.path.exists(path) else None

    tolerance = json.loads(read("tol.json"))
    text = field(os.path.basename(folder).encode()) + field(read("model.onnx"))
    text += field(f"{tolerance['rtol']!r} {tolerance['atol']!r}".encode())
    model = onnx.ModelProto.FromString(read("model.onnx"))
    for kind, count in (("input", len(model.graph.input)), ("output", len(model.graph.output))):
        text += struct.pack("<I", count)
        for j in range(count):
            text += field(read(f"test_data_set_0/{kind}_{j}.pb") or b"")
    return text


def is_packed(op, name):
    """Which cases the fixture keeps: all of the newest version, a share of the types of others."""
    version = re.search(r"-v(\d+)-", name)
    if op not in core.HISTORY or not version or int(version[1]) == max(core.HISTORY[op]):
        share = {"Cast": 3, "CastLike": 3}.get(op, 1)
    else:
        share = {"Cast": 40, "CastLike": 20, "QuantizeLinear": 8, "DequantizeLinear": 8, "Resize": 3,
                 "If": 1, "Loop": 1, "Scan": 1, "Optional": 1}.get(op, 4 if "." in name else 2)
    return zlib.crc32(name.encode()) % share == 0


def pack(out, target, limit):
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    parts, count = [b""] * 4, 0
    for n, op in enumerate(sorted(os.listdir(out))):
        for name in sorted(os.listdir(os.path.join(out, op)), key=number):
            text = record(os.path.join(out, op, name)) if is_packed(op, name) else b""
            if 0 < len(text) <= limit:
                parts[n % 4] += text
                count += 1
    for n, part in enumerate(parts):
        with open(os.path.join(target, f"sweep-{n}.gz"), "wb") as file:
            file.write(gzip.compress(part, 9, mtime=0))
    size = sum(os.path.getsize(os.path.join(target, f)) for f in os.listdir(target))
    print(f"{count} cases in {size} bytes in {target}")


def number(name):
    return [int(p) if p.isdigit() else 0 for p in name.split("-")], name


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--only")
    parser.add_argument("--pack")
    parser.add_argument("--keep", action="store_true", help="pack what OUT holds already")
    parser.add_argument("--limit", type=int, default=1 << 14, help="bytes of a packed case")
    arguments = parser.parse_args()
    if arguments.keep:
        pack(arguments.out, arguments.pack, arguments.limit)
        return 0
    for name in MODULES:
        importlib.import_module(name)
    only = set(arguments.only.split(",")) if arguments.only else None
    out, disputed = arguments.out, arguments.out + "-disputed"
    for folder in (out, disputed):
        if only is None:
            shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, exist_ok=True)
    for op in only or ():
        shutil.rmtree(os.path.join(out, op), ignore_errors=True)
        shutil.rmtree(os.path.join(disputed, op), ignore_errors=True)
    count, unanswered, dispute = collections.Counter(), [], []
    start = time.time()
    seen = set()
    for case in core.expand(only):
        assert case.name not in seen, case.name
        seen.add(case.name)
        result = core.answer(case, faults)
        if isinstance(result, str):
            unanswered.append(f"{case.name}: {result}")
        elif result is not None:
            ref, ort, why = result
            dispute.append(f"{case.name}: ref, ort {why}")
            for kind, want in (("ref", ref), ("ort", ort)):
                folder = os.path.join(disputed, case.op, f"{case.name}.{kind}")
                try:
                    write_case(folder, case, want)
                except Exception as e:
                    dispute[-1] += f" cannot write {e!r}"
        else:
            folder = os.path.join(out, case.op, case.name)
            try:
                write_case(folder, case, case.want)
            except Exception as e:
                shutil.rmtree(folder, ignore_errors=True)
                unanswered.append(f"{case.name}: cannot be stored: {e!r}")
                continue
            count[case.op] += 1
    for name, lines in (("unanswered", unanswered), ("disputed", dispute)):
        with open(f"{out}-{name}.txt", "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
    if arguments.pack:
        pack(out, arguments.pack, arguments.limit)
    print(f"{sum(count.values())} cases of {len(count)} operators, {len(dispute)} disputed, "
          f"{len(unanswered)} unanswered, {time.time() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
