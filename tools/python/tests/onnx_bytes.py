"""Small ONNX models as bytes, without the package onnx: field numbers are those of onnx.proto."""

import struct

import numpy as np

FLOAT, UINT8, INT8, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE = 1, 2, 3, 6, 7, 8, 9, 10, 11
BFLOAT16, FLOAT8, UINT4, INT4 = 16, 17, 21, 22
_CODES = {"f4": FLOAT, "i8": INT64, "i4": INT32, "u1": UINT8, "b1": BOOL, "f8": DOUBLE}


def _varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def _int(field, n):
    return _varint(field << 3) + _varint(n)


def _bytes(field, data):
    data = data.encode() if isinstance(data, str) else data
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def tensor(name, array):
    """An initializer."""
    out = b"".join(_int(1, n) for n in array.shape)
    if array.dtype.kind == "O":
        out += _int(2, STRING) + b"".join(_bytes(6, text) for text in array.reshape(-1))
    else:
        out += _int(2, _CODES[array.dtype.str[1:]]) + _bytes(9, array.tobytes())
    return out + _bytes(8, name)


def _attribute(name, value):
    out = _bytes(1, name)
    if isinstance(value, Graph):
        return out + _bytes(6, value.data) + _int(20, 5)
    if isinstance(value, np.ndarray):
        return out + _bytes(5, tensor("", value)) + _int(20, 4)
    if isinstance(value, float):
        return out + _varint(2 << 3 | 5) + struct.pack("<f", value) + _int(20, 1)
    if isinstance(value, int):
        return out + _int(3, value) + _int(20, 2)
    if isinstance(value, str):
        return out + _bytes(4, value) + _int(20, 3)
    if all(isinstance(v, str) for v in value):
        return out + b"".join(_bytes(9, v) for v in value) + _int(20, 8)
    return out + b"".join(_int(8, v) for v in value) + _int(20, 7)


def node(kind, inputs, outputs, domain="", **attributes):
    out = b"".join(_bytes(1, n) for n in inputs) + b"".join(_bytes(2, n) for n in outputs)
    out += _bytes(3, f"{kind} {outputs[0]}") + _bytes(4, kind)
    out += b"".join(_bytes(5, _attribute(n, v)) for n, v in attributes.items())
    return out + _bytes(7, domain)


def tensor_type(code, shape=None):
    """`shape`: sizes, names of open sizes, None for one without a name; None: not known."""
    out = _int(1, code)
    if shape is not None:
        dims = b""
        for n in shape:
            dim = b"" if n is None else _bytes(2, n) if isinstance(n, str) else _int(1, n)
            dims += _bytes(1, dim)
        out += _bytes(2, dims)
    return _bytes(1, out)


def sequence_type(element):
    return _bytes(4, _bytes(1, element))


def map_type(key, value):
    return _bytes(5, _int(1, key) + _bytes(2, value))


def optional_type(element):
    return _bytes(9, _bytes(1, element))


class Graph:
    """`inputs` and `outputs`: types by name; `weights`: arrays by name."""

    def __init__(self, nodes, inputs, outputs, weights=None, name="graph"):
        self.data = b"".join(_bytes(1, n) for n in nodes) + _bytes(2, name)
        self.data += b"".join(_bytes(5, tensor(n, a)) for n, a in (weights or {}).items())
        self.data += _bytes(10, "what the graph does")
        for field, values in ((11, inputs), (12, outputs)):
            for n, t in values.items():
                self.data += _bytes(field, _bytes(1, n) + _bytes(2, t))


def model(nodes, inputs, outputs, weights=None, properties=None, opset=20):
    """A serialised ModelProto."""
    out = _int(1, 10) + _bytes(2, "tests") + _bytes(3, "1.5") + _bytes(4, "org.example")
    out += _int(5, 42) + _bytes(6, "what the model does")
    out += _bytes(7, Graph(nodes, inputs, outputs, weights).data)
    for domain, version in (("", opset), ("ai.onnx.ml", 3)):
        out += _bytes(8, _bytes(1, domain) + _int(2, version))
    for key, value in (properties or {}).items():
        out += _bytes(14, _bytes(1, key) + _bytes(2, value))
    return out


def affine():
    """y = 2 x + 1 over rows of three floats."""
    return model(
        [node("Mul", ["x", "a"], ["t"]), node("Add", ["t", "b"], ["y"])],
        {"x": tensor_type(FLOAT, ["rows", 3])}, {"y": tensor_type(FLOAT, ["rows", 3])},
        {"a": np.array(2, np.float32), "b": np.array(1, np.float32)},
        {"colour": "grün", "dlrun.classes": '["a"]'})


def chain(length, size):
    """`length` products of a `size` x `size` matrix with itself: something that takes its time."""
    nodes = [node("MatMul", [f"x{i}" if i else "x", "x"], [f"x{i + 1}"]) for i in range(length)]
    kind = tensor_type(FLOAT, [size, size])
    return model(nodes, {"x": kind}, {f"x{length}": kind})
