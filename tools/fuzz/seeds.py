"""Writes a folder of small seed files for each reader that `tools/fuzz/readers` fuzzes.

    python3 tools/fuzz/seeds.py OUT [--more FOLDER...] [--limit 32768] [--count 250]

Seeds are the committed fixtures of the converters, files of the wanted kind below the folders of
`--more` (the caches of `tools/oracle/convert`, the ONNX suite), and weights made here. Needs numpy.
"""

import argparse
import io
import os
import struct

import numpy as np

KINDS = {"keras": ".keras", "hdf5": ".h5", "tflite": ".tflite", "pt2": ".pt2", "onnx": ".onnx"}


def gguf(tensors):
    """Version 3: `tensors` of name, type code, sizes (fastest first) and bytes."""
    def text(s):
        return struct.pack("<Q", len(s)) + s.encode()
    meta = [("general.architecture", 8, text("llama")), ("general.alignment", 4, b"\x20\0\0\0"),
            ("llama.list", 9, struct.pack("<IQ", 5, 3) + struct.pack("<3i", 1, 2, 3)),
            ("llama.names", 9, struct.pack("<IQ", 8, 2) + text("a") + text("bc"))]
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(meta))
    for key, kind, value in meta:
        out += text(key) + struct.pack("<I", kind) + value
    at, data = 0, b""
    for name, code, sizes, raw in tensors:
        out += text(name) + struct.pack("<I", len(sizes)) + struct.pack(f"<{len(sizes)}Q", *sizes)
        out += struct.pack("<IQ", code, at)
        data += raw + b"\0" * (-len(raw) % 32)
        at = len(data)
    return out + b"\0" * (-len(out) % 32) + data


def weights(r):
    """Reader and bytes of files that hold arrays alone."""
    arrays = {"a": r.standard_normal((3, 4)).astype(np.float32), "b.weight": np.arange(5),
              "c": np.asfortranarray(np.ones((2, 3))), "half": np.ones(3, np.float16),
              "flags": np.array([True, False]), "scalar": np.float32(3)}
    for save in (np.savez, np.savez_compressed):
        f = io.BytesIO()
        save(f, **arrays)
        yield "npz", f.getvalue()
    texts = np.array(["one", "three"])
    for version in ((1, 0), (2, 0), (3, 0)):
        for a in [*arrays.values(), texts]:
            f = io.BytesIO()
            np.lib.format.write_array(f, np.asanyarray(a), version=version)
            yield "npy", f.getvalue()
    for dtype in ("F32", "F16", "BF16", "I64", "BOOL", "U8"):
        size = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8}.get(dtype, 1)
        entries = (f'"x":{{"dtype":"{dtype}","shape":[2,3],"data_offsets":[0,{6 * size}]}},'
                   f'"y":{{"dtype":"U8","shape":[],"data_offsets":[{6 * size},{6 * size + 1}]}}')
        head = ('{"__metadata__":{"format":"pt"},' + entries + "}").encode()
        head += b" " * (-len(head) % 8)
        yield "safetensors", struct.pack("<Q", len(head)) + head + bytes(6 * size + 1)
    block = struct.pack("<e", 0.5)
    yield "gguf", gguf([("f32", 0, (4, 2), bytes(32)), ("f16", 1, (3,), bytes(6)),
                        ("q4_0", 2, (32, 2), (block + bytes(range(16))) * 2),
                        ("q8_0", 8, (32,), block + bytes(range(32)))])
    yield "gguf", gguf([("token_embd.weight", 8, (64, 3), (block + bytes(range(32))) * 6)])


def saved_model(folder):
    parts = []
    for name in ("saved_model.pb", "variables/variables.index",
                 "variables/variables.data-00000-of-00001"):
        path = os.path.join(folder, name)
        parts.append(open(path, "rb").read() if os.path.exists(path) else b"")
    return struct.pack("<II", len(parts[0]), len(parts[1])) + b"".join(parts)


def found(folders):
    for top in folders:
        for folder, _, files in sorted(os.walk(top)):
            for name in sorted(files):
                path = os.path.join(folder, name)
                end = os.path.splitext(name)[1]
                if name == "saved_model.pb":
                    yield "savedmodel", saved_model(folder)
                elif name == "frozen.pb":
                    yield "graphdef", open(path, "rb").read()
                elif end in (".pt", ".pth"):
                    yield "torch", open(path, "rb").read()
                else:
                    for reader, ending in KINDS.items():
                        if end == ending:
                            yield reader, open(path, "rb").read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--more", nargs="*", default=[])
    parser.add_argument("--limit", type=int, default=32768)
    parser.add_argument("--count", type=int, default=250)
    a = parser.parse_args()
    here = os.path.dirname(os.path.abspath(__file__))
    fixtures = os.path.join(here, "../../Tests")
    seeds = {}
    for reader, data in [*weights(np.random.default_rng(1)), *found([fixtures, *a.more])]:
        if 0 < len(data) <= a.limit:
            seeds.setdefault(reader, {})[data] = None
    for reader, files in sorted(seeds.items()):
        folder = os.path.join(a.out, reader)
        os.makedirs(folder, exist_ok=True)
        files = list(files)
        # Evenly over all that were found.
        chosen = files[::max(1, -(-len(files) // a.count))]
        for i, data in enumerate(chosen):
            with open(os.path.join(folder, f"seed-{i:03}"), "wb") as f:
                f.write(data)
        print(f"{reader}: {len(chosen)} of {len(files)} seeds")


if __name__ == "__main__":
    main()
