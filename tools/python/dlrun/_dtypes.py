"""Element types: dlrun's numbers, NumPy's dtypes, and the names onnxruntime gives them."""

from __future__ import annotations

import numpy as np

STRING = 8
FLOAT32 = 1

_NUMPY = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64",
    15: "complex128",
}
# Element types that NumPy lacks, from ml_dtypes where that is installed. Those narrower than a byte
# stand unpacked in NumPy and packed in dlrun.
_EXTRA = {
    16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2",
    20: "float8_e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4_e2m1fn", 24: "float8_e8m0fnu",
    25: "uint2", 26: "int2",
}
NARROW = {21: 4, 22: 4, 23: 4, 25: 2, 26: 2}
NAMES = {
    1: "float", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
    8: "string", 9: "bool", 10: "float16", 11: "double", 12: "uint32", 13: "uint64",
    14: "complex64", 15: "complex128", 16: "bfloat16", 17: "float8e4m3fn", 18: "float8e4m3fnuz",
    19: "float8e5m2", 20: "float8e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4e2m1",
    24: "float8e8m0", 25: "uint2", 26: "int2", 27: "float6e2m3", 28: "float6e3m2",
}

TO_NUMPY: dict[int, np.dtype] = {n: np.dtype(name) for n, name in _NUMPY.items()}
FROM_NUMPY: dict[np.dtype, int] = {d: n for n, d in TO_NUMPY.items()}

try:
    import ml_dtypes
except ImportError:  # Such tensors come and go as bytes then.
    pass
else:
    for _number, _name in _EXTRA.items():
        _type = getattr(ml_dtypes, _name, None)
        if _type is not None:
            TO_NUMPY[_number] = np.dtype(_type)
            FROM_NUMPY[np.dtype(_type)] = _number


def byte_count(dtype: int, count: int) -> int:
    """Bytes of `count` elements as dlrun holds them."""
    if dtype in NARROW:
        return (count * NARROW[dtype] + 7) // 8
    if dtype in (27, 28):
        return (count * 6 + 7) // 8
    known = TO_NUMPY.get(dtype)
    return count * (known.itemsize if known is not None else 2 if dtype == 16 else 1)


def pack(array: np.ndarray, bits: int) -> np.ndarray:
    """Elements of `bits` bits side by side, the first in the low bits."""
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8) & ((1 << bits) - 1)
    per = 8 // bits
    padded = np.zeros((flat.size + per - 1) // per * per, np.uint8)
    padded[: flat.size] = flat
    out = np.zeros(padded.size // per, np.uint8)
    for i in range(per):
        out |= padded[i::per] << (bits * i)
    return out


def unpack(data: np.ndarray, dtype: int, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of `pack`, as elements of the dtype where NumPy has it, else as uint8."""
    bits = NARROW[dtype]
    per = 8 // bits
    count = int(np.prod(shape, dtype=np.int64))
    out = np.empty(data.size * per, np.uint8)
    for i in range(per):
        out[i::per] = (data >> (bits * i)) & ((1 << bits) - 1)
    out = out[:count]
    if dtype in (22, 26):
        # Sign bit carried upward: a byte of the signed type.
        out = ((out ^ (1 << (bits - 1))).astype(np.int16) - (1 << (bits - 1))).astype(np.int8)
        out = out.view(np.uint8)
    known = TO_NUMPY.get(dtype)
    out = out.view(known) if known is not None else out
    return out.reshape(shape)
