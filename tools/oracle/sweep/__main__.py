#!/usr/bin/env python3
"""Cases beyond the ONNX backend suite, answered by ONNX Runtime and onnx's reference evaluator.

usage: python tools/oracle/sweep OUT [--only OP,OP] [--pack DIR]

Writes OUT/<operator>/<case>/{model.onnx,tol.json,test_data_set_0/*.pb}, which `dlrun verify OUT`
runs, and OUT-disputed/<case>.{ref,ort} where the two oracles differ and faults.py does not say
which is right; those are in no fixture until it does. With --pack the cases go to DIR too, as
the fixture that RuntimeTests read: DIR/sweep-<n>.gz, whose contents is, for each case, the
fields name, model, rtol and atol as text, count of inputs, inputs, count of outputs, outputs: each
a little-endian 32-bit length and that many bytes; a count is a field of 4 bytes. An input or output
is a TensorProto, SequenceProto or OptionalProto; an absent output is empty.

Made with onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6, ml_dtypes 0.6.0.
"""

import argparse
import collections
import gzip
import importlib
import json
import os
import shutil
import struct
import sys
import time

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
    blobs = [[], []]
    for k, (kind, vs, infos) in enumerate(
            (("input", case.inputs, graph.input), ("output", want, graph.output))):
        for j, (v, info) in enumerate(zip(vs, infos)):
            blobs[k].append(b"" if v is None else core.stored(v, info))
            if v is not None:
                with open(os.path.join(data, f"{kind}_{j}.pb"), "wb") as file:
                    file.write(blobs[k][-1])
    return (rtol, atol), blobs


def field(data):
    return struct.pack("<I", len(data)) + data


def record(case, tol, blobs):
    head = [case.name.encode(), case.model.SerializeToString(deterministic=True),
            f"{tol[0]!r} {tol[1]!r}".encode()]
    text = b"".join(field(h) for h in head)
    for list_ in blobs:
        text += field(struct.pack("<I", len(list_))) + b"".join(field(b) for b in list_)
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--only")
    parser.add_argument("--pack")
    parser.add_argument("--limit", type=int, default=1 << 14, help="bytes of a packed case")
    arguments = parser.parse_args()
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
    packed = collections.defaultdict(list)
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
                tol, blobs = write_case(folder, case, case.want)
            except Exception as e:
                shutil.rmtree(folder, ignore_errors=True)
                unanswered.append(f"{case.name}: cannot be stored: {e!r}")
                continue
            count[case.op] += 1
            if arguments.pack:
                text = record(case, tol, blobs)
                if len(text) <= arguments.limit:
                    packed[case.op].append(text)
    for name, lines in (("unanswered", unanswered), ("disputed", dispute)):
        with open(f"{out}-{name}.txt", "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
    if arguments.pack:
        shutil.rmtree(arguments.pack, ignore_errors=True)
        os.makedirs(arguments.pack)
        ops = sorted(packed)
        for n in range(4):
            part = b"".join(t for op in ops[n::4] for t in packed[op])
            with open(os.path.join(arguments.pack, f"sweep-{n}.gz"), "wb") as file:
                file.write(gzip.compress(part, 9, mtime=0))
    print(f"{sum(count.values())} cases of {len(count)} operators, {len(dispute)} disputed, "
          f"{len(unanswered)} unanswered, {time.time() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
