"""Writes Sources/Compiler/Saving/ElementTypeHistory.swift: the element types that the first input of
each operator of ai.onnx may have, from which opset on, where later ones have more.

    .cache/oracle/bin/python tools/oracle/convert/type_history.py > Sources/Compiler/Saving/ElementTypeHistory.swift
"""

import collections

import onnx
import onnx.defs

CODES = dict(zip(
    "float uint8 int8 uint16 int16 int32 int64 string bool float16 double uint32 uint64 complex64 "
    "complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz uint4 int4 float4e2m1 "
    "float8e8m0 uint2 int2".split(), range(1, 27)))


def mask(types):
    bits = 0
    for t in types:
        if not t.startswith("tensor("):
            return 0xFFFFFFFE
        bits |= 1 << CODES.get(t[7:-1], 0)
    return bits & 0xFFFFFFFE


history = collections.defaultdict(list)
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "" and schema.inputs:
        history[schema.name].append((schema.since_version, mask(schema.inputs[0].types)))

print(f"""// Made by tools/oracle/convert/type_history.py with onnx {onnx.__version__}.

/// The element types of the first input by operator of ai.onnx and the opset they came with, a bit for
/// each of ONNX's numbers; only operators whose later versions have more.
enum ElementTypeHistory {{
  static let all: [String: [Int: UInt32]] = [""")
for name in sorted(history):
    rows = []
    for since, bits in sorted(history[name]):
        if not rows or rows[-1][1] != bits:
            rows.append((since, bits))
    if any(b & ~a for (_, a), (_, b) in zip(rows, rows[1:])):
        print(f'    "{name}": [' + ", ".join(f"{s}: 0x{b:X}" for s, b in rows) + "],")
print("  ]\n}")
