#!/usr/bin/env python3
"""Write what onnx says of every version of every operator, as text that OperatorsTests reads.

usage: onnx_signatures.py OUT

One line a version, fields parted by tabs:
  DOMAIN NAME SINCE FLAGS INPUTS OUTPUTS ATTRIBUTES IN-TYPES OUT-TYPES
FLAGS is `d` for a version that is deprecated, else `-`. INPUTS and OUTPUTS are `least-most`, `*` for
any number. ATTRIBUTES are `name:kind`, `!` behind a required one, `=value` behind one with a default,
joined by spaces; lists are joined by commas and strings written as hex, `.` for an empty one. Types
are one number a parameter, in hex: bit N stands for element type N of TensorProto, bit 0 for
anything that is no tensor. `-` stands for none.
"""

import sys

import onnx
import onnx.defs
from onnx import TensorProto, helper

KINDS = {
    1: "float", 2: "int", 3: "string", 4: "tensor", 5: "graph", 6: "floats", 7: "ints",
    8: "strings", 11: "sparse", 13: "type",
}
MANY = 2**31 - 1


def element_type(text: str) -> int:
    """The number of the tensor type, 0 for a container."""
    if not text.startswith("tensor("):
        return 0
    name = text[len("tensor("):-1]
    name = {"float": "FLOAT"}.get(name, name.upper())
    return TensorProto.DataType.Value(name)


def mask(types) -> str:
    bits = 0
    for t in types:
        bits |= 1 << element_type(t)
    return f"{bits:x}"


def value_text(kind: str, value) -> str:
    if kind == "float":
        return float(value).hex()
    if kind == "floats":
        return ",".join(float(v).hex() for v in value)
    if kind == "string":
        return value.hex() or "."
    if kind == "strings":
        return ",".join(v.hex() or "." for v in value)
    if kind == "ints":
        return ",".join(str(v) for v in value)
    if kind == "tensor":
        return "tensor"
    return str(value)


def attribute_text(a) -> str:
    kind = KINDS[int(a.type.value)]
    text = f"{a.name}:{kind}"
    if a.required:
        return text + "!"
    if a.default_value.name:
        text += "=" + value_text(kind, helper.get_attribute_value(a.default_value))
    return text


def counts(least: int, most: int) -> str:
    return f"{least}-{'*' if most >= MANY else most}"


def main() -> None:
    schemas = sorted(
        onnx.defs.get_all_schemas_with_history(),
        key=lambda s: (s.domain, s.name, s.since_version))
    with open(sys.argv[1], "w") as out:
        out.write(f"# onnx {onnx.__version__}, tools/oracle/onnx_signatures.py\n")
        for s in schemas:
            attributes = " ".join(attribute_text(s.attributes[n]) for n in sorted(s.attributes))
            fields = [
                s.domain or "ai.onnx", s.name, str(s.since_version), "d" if s.deprecated else "-",
                counts(s.min_input, s.max_input), counts(s.min_output, s.max_output),
                attributes or "-", " ".join(mask(i.types) for i in s.inputs) or "-",
                " ".join(mask(o.types) for o in s.outputs) or "-",
            ]
            out.write("\t".join(fields) + "\n")


if __name__ == "__main__":
    main()
