"""Deterministic input values of every ONNX element type."""

import zlib

import ml_dtypes
import numpy as np
from onnx import TensorProto

NAMES = {
    "float": np.float32, "double": np.float64, "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16, "float8e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8e4m3fnuz": ml_dtypes.float8_e4m3fnuz, "float8e5m2": ml_dtypes.float8_e5m2,
    "float8e5m2fnuz": ml_dtypes.float8_e5m2fnuz, "float8e8m0": ml_dtypes.float8_e8m0fnu,
    "float4e2m1": ml_dtypes.float4_e2m1fn, "float6e2m3": ml_dtypes.float6_e2m3fn,
    "float6e3m2": ml_dtypes.float6_e3m2fn, "int2": ml_dtypes.int2, "uint2": ml_dtypes.uint2,
    "int4": ml_dtypes.int4, "uint4": ml_dtypes.uint4, "int8": np.int8, "uint8": np.uint8,
    "int16": np.int16, "uint16": np.uint16, "int32": np.int32, "uint32": np.uint32,
    "int64": np.int64, "uint64": np.uint64, "bool": np.bool_, "complex64": np.complex64,
    "complex128": np.complex128, "string": np.object_,
}
NAMES = {k: np.dtype(v) for k, v in NAMES.items()}
DTYPE_NAMES = {v: k for k, v in NAMES.items()}
FLOATS = ("float", "double", "float16", "bfloat16")
SMALL_FLOATS = tuple(n for n in NAMES if n.startswith(("float8", "float4", "float6")))
INTEGERS = tuple(n for n in NAMES if "int" in n)
f32, f64, f16, bf16 = (NAMES[n] for n in FLOATS)
i8, u8, i16, u16, i32, u32, i64, u64 = (
    NAMES[n] for n in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"))


def name_of(dtype) -> str:
    dtype = np.dtype(dtype)
    return "string" if dtype.kind in "USO" else DTYPE_NAMES[dtype]


def onnx_type(dtype) -> int:
    name = name_of(dtype)
    return getattr(TensorProto, name.upper())


def limits(name: str) -> tuple[int, int]:
    bits = int(name.lstrip("uint"))
    if name.startswith("u"):
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def values(name: str, shape, kind: str = "mix", salt: str = "") -> np.ndarray:
    """`kind`: mix, pos (above 0), unit (-1 to 1), nonzero, ties (few distinct), special (NaN,
    infinities, signed zeros, extremes), distinct (no two equal)."""
    shape = tuple(shape)
    n = int(np.prod(shape, dtype=np.int64)) if shape else 1
    rng = np.random.default_rng(zlib.crc32(f"{kind}{shape}{salt}".encode()))
    dtype = NAMES[name]
    if name == "string":
        words = ["", "a", "b", "ab", "Zürich", "x y", "7", "-1.5"]
        return np.array([words[i] for i in rng.integers(0, 8, n)], object).reshape(shape)
    if name == "bool":
        return rng.integers(0, 2, n).astype(bool).reshape(shape)
    if name in INTEGERS:
        low, high = limits(name)
        if kind == "special":
            pool = [low, high, 0, 1, high - 1, low + 1, high // 2, (low + high) // 2 - 1]
            if low < 0:
                pool += [-1, low // 2]
            v = [pool[i % len(pool)] for i in range(n)]
            return np.array(v, object).astype(dtype).reshape(shape)
        if kind == "ties":
            v = rng.integers(max(low, -1), 2, n)
        elif kind == "distinct":
            v = rng.permutation(n) + (0 if low == 0 else -(n // 2))
        else:
            a, b = (1, min(high, 7)) if kind in ("pos", "nonzero") else (max(low, -9), min(high, 9))
            v = rng.integers(a, b + 1, n)
            if kind == "nonzero" and low < 0:
                v = v * np.where(rng.integers(0, 2, n), 1, -1)
                v = np.clip(v, low, high)
                v[v == 0] = 1
        return v.astype(dtype).reshape(shape)
    if name.startswith("complex"):
        v = rng.integers(-16, 17, n) / 4 + 1j * rng.integers(-16, 17, n) / 4
        return v.astype(dtype).reshape(shape)
    if kind == "special":
        if name in FLOATS:
            info = ml_dtypes.finfo(dtype)
            pool = [np.nan, np.inf, -np.inf, -0.0, 0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5,
                    float(info.max), float(info.min), float(info.tiny), 3.7, -3.7]
        else:
            pool = [float(x) for x in np.arange(256, dtype=np.uint8).view(NAMES["float8e5m2"])]
        v = np.array([pool[i % len(pool)] for i in range(n)])
    elif kind == "ties":
        v = rng.integers(-2, 3, n) / 2
    elif kind == "distinct":
        v = (rng.permutation(n) - n // 2) / 4
    elif kind == "pos":
        v = rng.integers(1, 17, n) / 4
    elif kind == "nonzero":
        v = rng.integers(1, 17, n) / 4 * np.where(rng.integers(0, 2, n), 1, -1)
    elif kind == "unit":
        v = rng.integers(-7, 8, n) / 8
    else:
        v = rng.integers(-32, 33, n) / 8
    if name == "float8e8m0":
        v = np.exp2(np.round(v))
    with np.errstate(all="ignore"):
        return v.astype(np.float32 if name != "double" else np.float64).astype(dtype).reshape(shape)
