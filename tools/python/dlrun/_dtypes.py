"""Element types: dlrun's numbers, NumPy's dtypes, and the names onnxruntime gives them.

NumPy lacks some of them. Where the package ml_dtypes is installed, as it is beside onnx, its
dtypes stand for them; else arrays carry their bits: bfloat16 as uint16, the 8-bit floats as uint8,
and those below 8 bits one to an element: uint4 and uint2 as uint8, int4 and int2 as int8,
float4e2m1 and the 6-bit floats in the low bits of uint8. As inputs the bits are always taken, for
an input of that type.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InvalidArgument

Array = npt.NDArray[Any]

STRING = 8
FLOAT32 = 1
FLOAT64 = 11
INT64 = 7

_NUMPY = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64",
    15: "complex128",
}
_EXTRA = {
    16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2",
    20: "float8_e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4_e2m1fn", 24: "float8_e8m0fnu",
    25: "uint2", 26: "int2", 27: "float6_e2m3fn", 28: "float6_e3m2fn",
}
_SIGNED = (22, 26)
#: The types that NumPy has by itself.
PLAIN = frozenset(_NUMPY)
#: Bits of the types that stand side by side in dlrun's memory, and one to an element in NumPy.
NARROW = {21: 4, 22: 4, 23: 4, 25: 2, 26: 2, 27: 6, 28: 6}
#: As onnxruntime writes them.
NAMES = {
    1: "float", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    8: "string", 9: "bool", 10: "float16", 11: "double", 12: "uint32", 13: "uint64",
    14: "complex64", 15: "complex128", 16: "bfloat16", 17: "float8e4m3fn", 18: "float8e4m3fnuz",
    19: "float8e5m2", 20: "float8e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4e2m1",
    24: "float8e8m0", 25: "uint2", 26: "int2", 27: "float6e2m3", 28: "float6e3m2",
}
#: As dlrun writes them.
CODES = {name: code for code, name in NAMES.items()} | {"float32": 1, "float64": 11}

FROM_NUMPY: dict[Any, int] = {np.dtype(name): code for code, name in _NUMPY.items()}
_OF: dict[int, Any] = {code: np.dtype(name) for code, name in _NUMPY.items()}
_OF[STRING] = np.dtype(object)
#: What carries the bits of a type that NumPy lacks.
_BITS: dict[int, Any] = {
    code: np.dtype(np.uint16 if code == 16 else np.int8 if code in _SIGNED else np.uint8)
    for code in _EXTRA
}
_OF.update(_BITS)

try:
    import ml_dtypes  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    pass
else:
    for _code, _name in _EXTRA.items():
        _type = getattr(ml_dtypes, _name, None)
        if _type is not None:
            _OF[_code] = np.dtype(_type)
            FROM_NUMPY[np.dtype(_type)] = _code


def dtype_of(code: int) -> Any:
    """The NumPy dtype of arrays of this element type."""
    return _OF[code]


def code_of(dtype: Any, wanted: int = 0) -> int:
    """dlrun's number of a NumPy dtype; for the carrier of the bits of `wanted`, that one.

    Raises InvalidArgument for dtypes that no tensor has.
    """
    native = dtype if dtype.isnative else dtype.newbyteorder("=")
    if wanted in _BITS and native == _BITS[wanted]:
        return wanted
    known = FROM_NUMPY.get(native)
    if known is not None:
        return known
    if dtype.kind in "OUST":
        return STRING
    raise InvalidArgument(f"arrays of {dtype} have no element type in a model")


def pack(array: Array, bits: int) -> Array:
    """Elements of `bits` bits side by side, the first in the low bits."""
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    singly = np.unpackbits(flat[:, None], axis=1, bitorder="little")[:, :bits]
    return np.packbits(singly.reshape(-1), bitorder="little")


def unpack(data: Array, code: int, shape: tuple[int, ...]) -> Array:
    """The inverse of `pack`, as elements of the type's dtype."""
    bits = NARROW[code]
    count = 1
    for n in shape:
        count *= n
    singly = np.unpackbits(data, bitorder="little")[: count * bits].reshape(count, bits)
    whole = np.zeros((count, 8), np.uint8)
    whole[:, :bits] = singly
    if code in _SIGNED and dtype_of(code) == _BITS[code]:
        # The sign bit carried upward: an int8 with the value.
        whole[:, bits:] = singly[:, bits - 1 :]
    out: Array = np.packbits(whole.reshape(-1), bitorder="little").view(dtype_of(code))
    return out.reshape(shape)
