"""Values between Python and dlrun: NumPy arrays, lists (sequences), dicts (maps), None (optionals)."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int32, c_int64, c_size_t, c_void_p

import numpy as np

from . import _dtypes
from ._library import MAX_RANK, library
from .errors import InvalidArgument, check

TENSOR, SEQUENCE, OPTIONAL, MAP = 1, 2, 3, 4


class Handle:
    """Owns a dlrun_value."""

    __slots__ = ("pointer", "__weakref__")

    def __init__(self, pointer: int) -> None:
        self.pointer = pointer

    def __del__(self, release=library.dlrun_value_release) -> None:
        release(self.pointer)


def number(dtype: np.dtype) -> int:
    """dlrun's number of an element type.

    Raises InvalidArgument for types that no tensor has.
    """
    known = _dtypes.FROM_NUMPY.get(dtype)
    if known is not None:
        return known
    if dtype.kind in "OUST":
        return _dtypes.STRING
    native = dtype.newbyteorder("=")
    if native in _dtypes.FROM_NUMPY:
        return _dtypes.FROM_NUMPY[native]
    raise InvalidArgument(f"arrays of {dtype} have no element type in a model")


def to_handle(value) -> Handle:
    """A dlrun_value with a copy of what a Python value holds."""
    out = c_void_p()
    if value is None:
        check(library.dlrun_value_optional(None, ctypes.byref(out)))
    elif isinstance(value, dict):
        keys = to_handle(np.array(list(value.keys()), object if _has_text(value.keys()) else np.int64))
        held = list(value.values())
        values = to_handle(np.array(held, object if _has_text(held) else np.result_type(*held) if held else np.float32))
        check(library.dlrun_value_map(keys.pointer, values.pointer, ctypes.byref(out)))
    elif isinstance(value, (list, tuple)):
        elements = [to_handle(v) for v in value]
        pointers = (c_void_p * max(1, len(elements)))(*[e.pointer for e in elements])
        check(library.dlrun_value_sequence(pointers, len(elements), ctypes.byref(out)))
    else:
        array = np.asarray(value)
        if array.ndim > MAX_RANK:
            raise InvalidArgument(f"arrays of {array.ndim} axes, expected at most {MAX_RANK}")
        shape = (c_int64 * MAX_RANK)(*array.shape)
        dtype = number(array.dtype)
        if dtype == _dtypes.STRING:
            texts = [_bytes(v) for v in array.reshape(-1).tolist()]
            strings = (c_char_p * max(1, len(texts)))(*texts)
            lengths = (c_size_t * max(1, len(texts)))(*[len(t) for t in texts])
            check(library.dlrun_value_strings(shape, array.ndim, strings, lengths, ctypes.byref(out)))
        else:
            data = memory_of(array, dtype)
            check(library.dlrun_value_copy(
                dtype, shape, array.ndim, data.ctypes.data, data.nbytes, ctypes.byref(out)))
    return Handle(out.value)


def _has_text(values) -> bool:
    return any(isinstance(v, (str, bytes)) for v in values)


def _bytes(text) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode()


def memory_of(array: np.ndarray, dtype: int) -> np.ndarray:
    """An array whose bytes are the tensor's: the array itself wherever that is so."""
    if dtype in _dtypes.NARROW:
        return _dtypes.pack(array, _dtypes.NARROW[dtype])
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return np.ascontiguousarray(array)


class _Memory:
    """Lends a value's memory to NumPy and keeps the value alive meanwhile."""

    __slots__ = ("__array_interface__", "handle")

    def __init__(self, handle: Handle, data: int, size: int) -> None:
        self.handle = handle
        self.__array_interface__ = {
            "data": (data, False), "shape": (size,), "typestr": "|u1", "version": 3}


def array_over(handle: Handle, dtype: int, shape: tuple[int, ...], data: int, size: int) -> np.ndarray:
    """An array over a value's memory, without a copy."""
    if size == 0:
        raw = np.empty(0, np.uint8)
    else:
        raw = np.asarray(_Memory(handle, data, size))
    if dtype in _dtypes.NARROW:
        return _dtypes.unpack(raw, dtype, shape)
    known = _dtypes.TO_NUMPY.get(dtype)
    if known is None:
        # No such type in NumPy: its bytes.
        return raw.view(np.uint16).reshape(shape) if dtype == 16 else raw
    return raw.view(known).reshape(shape)


def from_handle(handle: Handle):
    """The Python value of a dlrun_value."""
    kind = c_int32()
    check(library.dlrun_value_kind(handle.pointer, ctypes.byref(kind)))
    if kind.value == TENSOR:
        return _tensor(handle)
    count = c_size_t()
    check(library.dlrun_value_count(handle.pointer, ctypes.byref(count)))
    elements = []
    for i in range(count.value):
        out = c_void_p()
        check(library.dlrun_value_element(handle.pointer, i, ctypes.byref(out)))
        elements.append(from_handle(Handle(out.value)))
    if kind.value == SEQUENCE:
        return elements
    if kind.value == OPTIONAL:
        return elements[0] if elements else None
    keys, values = elements
    return dict(zip(keys.tolist(), values.tolist() if isinstance(values, np.ndarray) else values))


def _tensor(handle: Handle) -> np.ndarray:
    dtype, rank = c_int32(), c_size_t()
    check(library.dlrun_value_type(handle.pointer, ctypes.byref(dtype), ctypes.byref(rank)))
    sizes = (c_int64 * MAX_RANK)()
    check(library.dlrun_value_shape(handle.pointer, sizes, MAX_RANK))
    shape = tuple(sizes[: rank.value])
    if dtype.value != _dtypes.STRING:
        data, size = c_void_p(), c_size_t()
        check(library.dlrun_value_data(handle.pointer, ctypes.byref(data), ctypes.byref(size)))
        return array_over(handle, dtype.value, shape, data.value or 0, size.value)
    count = int(np.prod(shape, dtype=np.int64))
    texts = np.empty(count, object)
    text, length = c_void_p(), c_size_t()
    for i in range(count):
        check(library.dlrun_value_string(handle.pointer, i, ctypes.byref(text), ctypes.byref(length)))
        texts[i] = ctypes.string_at(text.value, length.value).decode()
    return texts.reshape(shape)
