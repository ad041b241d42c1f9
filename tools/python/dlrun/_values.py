"""Values between Python and dlrun: arrays (tensors), lists (sequences), dicts (maps), None."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterable
from ctypes import c_char_p, c_int32, c_int64, c_size_t, c_void_p
from typing import Any

import numpy as np

from . import _dtypes
from ._dtypes import Array
from ._library import MAX_RANK, library
from ._types import MAP, OPTIONAL, SEQUENCE, TENSOR, ValueType
from .errors import InvalidArgument, check


class Handle:
    """Owns a dlrun_value."""

    __slots__ = ("pointer",)

    def __init__(self, pointer: int | None) -> None:
        self.pointer = pointer

    def __del__(self, release: Callable[[Any], None] = library.dlrun_value_release) -> None:
        release(self.pointer)


class TypedArray:
    """An array with the element type that it stands for."""

    __slots__ = ("array", "code")

    def __init__(self, array: Array, code: int) -> None:
        self.array = array
        self.code = code


def _data_offset() -> int | None:
    """Where an array object keeps the address of its elements; None where that cannot be known.

    It is the first field after what every object has, in NumPy's public structure PyArrayObject.
    """
    if sys.implementation.name != "cpython":
        return None
    offset = object.__basicsize__
    probes: list[Array] = [np.empty(3), np.zeros((2, 2), np.int8), np.array(1)]
    for probe in probes:
        if c_size_t.from_address(id(probe) + offset).value != probe.ctypes.data:
            return None
    return offset


DATA_OFFSET = _data_offset()


def address(array: Array) -> int:
    """What a dlrun_call is given for an array's elements."""
    if DATA_OFFSET is not None:
        return id(array) + DATA_OFFSET
    return int(array.__array_interface__["data"][0])


def to_handle(value: Any, expected: ValueType | None = None) -> Handle:
    """A dlrun_value with a copy of what a Python value holds.

    `expected`: the type that an input has, for what Python's value leaves open.
    """
    from .binding import OrtValue

    if isinstance(value, OrtValue):
        value = value._held()
    if expected is not None and expected.kind == OPTIONAL:
        element = expected.element
        if value is None or isinstance(value, Handle):
            return _optional(value)
        return _optional(to_handle(value, element))
    out = c_void_p()
    if isinstance(value, Handle):
        return value
    if value is None:
        return _optional(None)
    if isinstance(value, dict):
        return _map(value, expected)
    if isinstance(value, (list, tuple)) and (expected is None or expected.kind != TENSOR):
        element = expected.element if expected is not None and expected.kind == SEQUENCE else None
        elements = [to_handle(v, element) for v in value]
        pointers = (c_void_p * max(1, len(elements)))(*[e.pointer for e in elements])
        check(library.dlrun_value_sequence(pointers, len(elements), ctypes.byref(out)))
        return Handle(out.value)
    typed = typed_array(value, 0 if expected is None else expected.code)
    array, code = typed.array, typed.code
    if expected is not None and expected.code not in (0, code):
        raise InvalidArgument(f"elements of type {array.dtype}, expected {expected}")
    if array.ndim > MAX_RANK:
        raise InvalidArgument(f"an array of {array.ndim} axes, expected at most {MAX_RANK}")
    shape = (c_int64 * MAX_RANK)(*array.shape)
    if code == _dtypes.STRING:
        texts = [_bytes(v) for v in array.reshape(-1).tolist()]
        strings = (c_char_p * max(1, len(texts)))(*texts)
        lengths = (c_size_t * max(1, len(texts)))(*[len(t) for t in texts])
        status = library.dlrun_value_strings(
            shape, array.ndim, strings, lengths, ctypes.byref(out))
    else:
        memory = memory_of(array, code)
        status = library.dlrun_value_copy(
            code, shape, array.ndim, memory.ctypes.data, memory.nbytes, ctypes.byref(out))
    check(status)
    return Handle(out.value)


def _optional(element: Handle | None) -> Handle:
    out = c_void_p()
    pointer = None if element is None else element.pointer
    check(library.dlrun_value_optional(pointer, ctypes.byref(out)))
    return Handle(out.value)


def _map(value: dict[Any, Any], expected: ValueType | None) -> Handle:
    has_text = all(isinstance(k, (str, bytes)) for k in value) and len(value) > 0
    if not has_text and not all(isinstance(k, (int, np.integer)) for k in value):
        raise InvalidArgument(f"a map's keys are {list(value)}, expected all integers or strings")
    try:
        keys = np.array(list(value), object if has_text else np.int64)
    except OverflowError as error:
        raise InvalidArgument(f"a map's keys: {error}") from None
    element = expected.element if expected is not None and expected.kind == MAP else None
    items = list(value.values())
    handle = to_handle(keys)
    if element is not None and element.kind != TENSOR:
        values = to_handle(items, ValueType(SEQUENCE, element=element))
    else:
        typed = typed_array(items, 0 if element is None else element.code)
        if typed.array.ndim != 1:
            raise InvalidArgument("a map's values are arrays, expected a number or string each")
        values = to_handle(typed, element)
    out = c_void_p()
    check(library.dlrun_value_map(handle.pointer, values.pointer, ctypes.byref(out)))
    return Handle(out.value)


def typed_array(value: Any, wanted: int = 0) -> TypedArray:
    """Anything that NumPy makes an array of; what has no dtype of its own gets that of `wanted`.

    Raises InvalidArgument where that would lose something, or where no array comes of it.
    """
    if isinstance(value, TypedArray):
        return value
    if not isinstance(value, (np.ndarray, np.generic)) and not hasattr(value, "__array__"):
        try:
            raw: Array = np.array(value)
            if wanted == _dtypes.STRING:
                value = np.array(value, object)
            elif wanted and raw.dtype.kind in "iub" or raw.dtype.kind == "f" and wanted:
                target = _dtypes.dtype_of(wanted)
                if raw.dtype.kind == "f" and target.kind in "iub" and raw.size > 0:
                    raise InvalidArgument(f"real numbers for elements of type {target}")
                if raw.dtype.kind in "iu" and target.kind in "iu" and raw.size > 0:
                    # NumPy 1 takes what does not fit modulo the type's range.
                    range_ = np.iinfo(target)
                    if int(raw.min()) < range_.min or int(raw.max()) > range_.max:
                        raise InvalidArgument(f"numbers out of the range of type {target}")
                value = np.array(value, target)
            else:
                value = raw
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidArgument(f"no array can be made of a {type(value).__name__}: {error}"
                                  ) from None
    array: Array = np.asarray(value)
    return TypedArray(array, _dtypes.code_of(array.dtype, wanted))


def _bytes(text: Any) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode()


def memory_of(array: Array, code: int) -> Array:
    """An array whose bytes are the tensor's: the array itself wherever that is so."""
    if code in _dtypes.NARROW:
        return _dtypes.pack(array, _dtypes.NARROW[code])
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if not array.flags.aligned:
        array = array.copy()
    # Asked first: ascontiguousarray gives an array without axes one.
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


class _Memory:
    """Lends a value's memory to NumPy and keeps the value alive meanwhile."""

    __slots__ = ("__array_interface__", "handle")

    def __init__(self, handle: Handle, data: int, size: int) -> None:
        self.handle = handle
        self.__array_interface__ = {
            "data": (data, False), "shape": (size,), "typestr": "|u1", "version": 3}


def array_over(handle: Handle, code: int, shape: tuple[int, ...], data: int, size: int) -> Array:
    """An array over a value's memory, without a copy."""
    raw: Array
    if size == 0:
        raw = np.empty(0, np.uint8)
    else:
        raw = np.asarray(_Memory(handle, data, size))
    if code in _dtypes.NARROW:
        return _dtypes.unpack(raw, code, shape)
    typed: Array = raw.view(_dtypes.dtype_of(code)).reshape(shape)
    return typed


def from_handle(handle: Handle) -> Any:
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
    return dict(zip(keys.tolist(), _items(values)))


def _items(values: Any) -> Iterable[Any]:
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return list(values.tolist())
    return list(values)


def _tensor(handle: Handle) -> Array:
    dtype, rank = c_int32(), c_size_t()
    check(library.dlrun_value_type(handle.pointer, ctypes.byref(dtype), ctypes.byref(rank)))
    sizes = (c_int64 * MAX_RANK)()
    check(library.dlrun_value_shape(handle.pointer, sizes, MAX_RANK))
    shape = tuple(sizes[: rank.value])
    if dtype.value != _dtypes.STRING:
        data, size = c_void_p(), c_size_t()
        check(library.dlrun_value_data(handle.pointer, ctypes.byref(data), ctypes.byref(size)))
        # What lies in a container may be a weight, or lie in it twice: it cannot be lent.
        return array_over(handle, dtype.value, shape, data.value or 0, size.value).copy()
    texts: Array = np.empty(shape, object)
    flat = texts.reshape(-1)
    text, length = c_void_p(), c_size_t()
    for i in range(flat.size):
        status = library.dlrun_value_string(
            handle.pointer, i, ctypes.byref(text), ctypes.byref(length))
        check(status)
        flat[i] = ctypes.string_at(text.value or 0, length.value).decode()
    return texts
