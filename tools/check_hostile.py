#!/usr/bin/env python3
"""Give dlrun hostile and broken files, one a rule, and check that each ends in its error.

usage: check_hostile.py [--dlrun PATH]     (an interpreter with the onnx package)

Each file must end with the exit status expected, one line on standard error, in under 5 seconds and
400 MB. Beside the single files: every truncation and every single-bit flip of a small model, which
may only end in 0, 64, 65, 69 or 75. Prints a row a case; exit status 1 when one failed.
"""

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
F = TensorProto.FLOAT


def model(nodes, inits=(), shape=("N", 4), outputs=("y",), opset=17) -> onnx.ModelProto:
    """A model with one float input `x`."""
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", F, shape)],
        [helper.make_tensor_value_info(o, F, None) for o in outputs],
        list(inits),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def relu() -> onnx.ModelProto:
    return model([helper.make_node("Relu", ["x"], ["y"])])


def varint(n: int) -> bytes:
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def nested(depth: int) -> bytes:
    """Graphs within attributes of nodes within graphs."""
    inner = b""
    for _ in range(depth):
        inner = field(1, field(5, field(6, inner)))
    return b"\x08\x08" + field(7, inner) + field(8, b"\x10\x11")


def external(location: str, offset: int = 0, length: int = 16) -> onnx.ModelProto:
    t = TensorProto(name="w", data_type=F, dims=[4], data_location=TensorProto.EXTERNAL)
    for k, v in (("location", location), ("offset", str(offset)), ("length", str(length))):
        t.external_data.add(key=k, value=v)
    return model([helper.make_node("Add", ["x", "w"], ["y"])], [t])


def init(name: str, array, dtype=np.float32) -> TensorProto:
    return numpy_helper.from_array(np.array(array, dtype), name)


def broken(change) -> bytes:
    m = model([helper.make_node("Add", ["x", "w"], ["y"])], [init("w", [1, 2, 3, 4])])
    change(m)
    return m.SerializeToString()


def cases(folder: str) -> dict[str, tuple[bytes, int]]:
    """Bytes and exit status by name."""

    def bad_dims(m):
        m.graph.initializer[0].dims[:] = [1 << 40, 1 << 40]

    def short(m):
        m.graph.initializer[0].raw_data = b"1234"

    def long(m):
        m.graph.initializer[0].raw_data += b"1234"

    def duplicate(m):
        m.graph.node.append(helper.make_node("Relu", ["x"], ["y"]))

    def missing(m):
        m.graph.node[0].input[0] = "nowhere"

    def attribute(m):
        m.graph.node[0].CopyFrom(helper.make_node("Softmax", ["x"], ["y"], axis="one"))

    def unknown(m):
        m.graph.node[0].op_type = "NoSuchOperator"

    cycle = model(
        [helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])],
        outputs=["b"],
    ).SerializeToString()
    good = relu().SerializeToString()
    nul = good.replace(b"\x04Relu", b"\x04Re\x00u")
    utf8 = good.replace(b"\x04Relu", b"\x04Re\xffu")
    empty = b"\x08\x08" + field(7, field(5, b"") * 1_000_000) + field(8, b"\x10\x11")
    gather = model(
        [helper.make_node("Gather", ["x", "i"], ["y"], axis=1)], [init("i", [9], np.int64)]
    )
    huge = model(
        [helper.make_node("ConstantOfShape", ["s"], ["c"]), helper.make_node("Add", ["x", "c"], ["y"])],
        [init("s", [1 << 20, 1 << 18, 4], np.int64)],
    )
    expand = model(
        [helper.make_node("Tile", ["x", "r"], ["y"])], [init("r", [1 << 40, 1 << 20], np.int64)]
    )
    for name in ("secret", "hard"):
        with open(f"{folder}/{name}.bin", "wb") as file:
            file.write(bytes(16))
    os.symlink(f"{folder}/secret.bin", f"{folder}/link.bin")
    os.link(f"{folder}/hard.bin", f"{folder}/hard2.bin")
    e = lambda *a: external(*a).SerializeToString()  # noqa: E731
    return {
        "nothing": (b"", 65),
        "rubbish": (bytes(range(256)), 65),
        "nested 10,000 deep": (nested(10_000), 65),
        "a million empty initializers": (empty, 75),
        "dims overflow": (broken(bad_dims), 65),
        "raw data too short": (broken(short), 65),
        "raw data too long": (broken(long), 65),
        "NUL in a name": (nul, 65),
        "bad UTF-8 in a name": (utf8, 65),
        "cycle": (cycle, 65),
        "duplicate name": (broken(duplicate), 65),
        "missing input": (broken(missing), 65),
        "wrong attribute type": (broken(attribute), 65),
        "unknown operator": (broken(unknown), 69),
        "external data with ..": (e("../x.bin"), 65),
        "external data, absolute": (e("/etc/passwd"), 65),
        "external data, symbolic link": (e("link.bin"), 65),
        "external data, hard link": (e("hard2.bin"), 65),
        "external data past the end": (e("secret.bin", 8, 16), 65),
        "external data missing": (e("none.bin"), 66),
        "gzip bomb": (gzip.compress(bytes(2 << 30)), 75),
        "Gather index out of range": (gather.SerializeToString(), 65),
        "a constant of terabytes": (huge.SerializeToString(), 75),
        "Tile beyond all memory": (expand.SerializeToString(), 65),
    }


def run(command: list[str]) -> tuple[int, str, float, float]:
    """Exit status, standard error, seconds and peak MB."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as err:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        err.seek(0)
        text = err.read().decode(errors="replace")
    code = os.waitstatus_to_exitcode(status)
    return code, text, time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--dlrun", default=f"{ROOT}/.build/release/dlrun")
    a = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/x.npz", x=np.ones((2, 4), np.float32))
        for name, (data, want) in cases(folder).items():
            path = f"{folder}/model.onnx"
            with open(path, "wb") as file:
                file.write(data)
            code, text, seconds, memory = run([a.dlrun, "infer", path, f"{folder}/x.npz"])
            ok = code == want and text.startswith("dlrun: ") and text.count("\n") == 1
            ok = ok and seconds < 5 and memory < 400
            failed += not ok
            print(
                f"{'ok' if ok else 'FAILED'}  {name}: status {code}, {seconds:.2f} s,"
                f" {memory:.0f} MB: {text.replace(folder, '.').strip()[:150]}"
            )
        good = relu().SerializeToString()
        odd = 0
        variants = [good[:i] for i in range(len(good))]
        for i in range(8 * len(good)):
            flipped = bytearray(good)
            flipped[i // 8] ^= 1 << i % 8
            variants.append(bytes(flipped))
        for data in variants:
            with open(path, "wb") as file:
                file.write(data)
            code, text, seconds, memory = run([a.dlrun, "infer", path, f"{folder}/x.npz"])
            if code not in (0, 64, 65, 69, 75) or seconds > 5 or memory > 400:
                odd += 1
                print(f"FAILED  a variant: status {code}, {text.strip()[:200]}")
        failed += odd
        print(f"{len(variants)} truncations and bit flips, {odd} ended oddly")
    print(f"{failed} failed")
    sys.exit(1 if failed else 0)


main()
