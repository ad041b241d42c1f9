"""The C interface of dlrun by ctypes: loads the library and declares what is used of it."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from collections.abc import Iterator
from ctypes import (
    POINTER,
    c_char_p,
    c_double,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any

MAX_RANK = 8


class SessionOptions(ctypes.Structure):
    """dlrun_session_options."""

    size: int
    threads: int
    optimization: int
    exact: int
    check_nan: int
    max_memory_bytes: int
    plan_cache_size: int
    compact: int

    _fields_ = [
        ("size", c_size_t),
        ("threads", c_int32),
        ("optimization", c_int32),
        ("exact", c_int32),
        ("check_nan", c_int32),
        ("max_memory_bytes", c_uint64),
        ("plan_cache_size", c_int32),
        ("logger", c_void_p),
        ("logger_context", c_void_p),
        ("operators", c_void_p),
        ("operator_count", c_size_t),
        ("allocate", c_void_p),
        ("deallocate", c_void_p),
        ("allocator_context", c_void_p),
        ("compact", c_int32),
    ]


class RunOptions(ctypes.Structure):
    """dlrun_run_options."""

    size: int
    seconds: float
    cancellation: int | None
    profile_path: bytes | None

    _fields_ = [
        ("size", c_size_t),
        ("seconds", c_double),
        ("cancellation", c_void_p),
        ("profile_path", c_char_p),
    ]


class Port(ctypes.Structure):
    """dlrun_port."""

    size: int
    name: bytes
    kind: int
    dtype: int
    rank: int
    shape: Any
    symbols: Any
    is_optional: int
    type: bytes

    _fields_ = [
        ("size", c_size_t),
        ("name", c_char_p),
        ("kind", c_int32),
        ("dtype", c_int32),
        ("rank", c_int64),
        ("shape", POINTER(c_int64)),
        ("symbols", POINTER(c_char_p)),
        ("is_optional", c_int32),
        ("type", c_char_p),
    ]


class ModelInfo(ctypes.Structure):
    """dlrun_model_info."""

    size: int
    producer: bytes
    producer_version: bytes
    graph: bytes
    domain: bytes
    description: bytes
    graph_description: bytes
    version: int
    property_count: int

    _fields_ = [
        ("size", c_size_t),
        ("producer", c_char_p),
        ("producer_version", c_char_p),
        ("graph", c_char_p),
        ("domain", c_char_p),
        ("description", c_char_p),
        ("graph_description", c_char_p),
        ("version", c_int64),
        ("property_count", c_size_t),
    ]


class Tensor(ctypes.Structure):
    """dlrun_tensor."""

    dtype: int
    rank: int
    shape: Any
    data: int | None
    size_bytes: int
    value: int | None

    _fields_ = [
        ("dtype", c_int32),
        ("rank", c_uint32),
        ("shape", c_int64 * MAX_RANK),
        ("data", c_void_p),
        ("size_bytes", c_size_t),
        ("value", c_void_p),
    ]


class Call(ctypes.Structure):
    """dlrun_call."""

    size: int
    session: int | None
    options: int | None
    inputs: int | None
    input_count: int
    places: int | None
    outputs: int | None
    output_count: int
    indirect: int

    _fields_ = [
        ("size", c_size_t),
        ("session", c_void_p),
        ("options", c_void_p),
        ("inputs", c_void_p),
        ("input_count", c_size_t),
        ("places", c_void_p),
        ("outputs", c_void_p),
        ("output_count", c_size_t),
        ("indirect", c_int32),
    ]

_size_out = POINTER(c_size_t)
_handle_out = POINTER(c_void_p)

_FUNCTIONS: dict[str, tuple[Any, list[Any] | None]] = {
    "dlrun_error_message": (c_char_p, []),
    "dlrun_version": (c_char_p, []),
    "dlrun_status_name": (c_char_p, [c_int32]),
    "dlrun_value_strings": (
        c_int32, [POINTER(c_int64), c_size_t, POINTER(c_char_p), _size_out, _handle_out]),
    "dlrun_value_copy": (
        c_int32, [c_int32, POINTER(c_int64), c_size_t, c_void_p, c_size_t, _handle_out]),
    "dlrun_value_sequence": (c_int32, [POINTER(c_void_p), c_size_t, _handle_out]),
    "dlrun_value_optional": (c_int32, [c_void_p, _handle_out]),
    "dlrun_value_map": (c_int32, [c_void_p, c_void_p, _handle_out]),
    "dlrun_value_release": (None, [c_void_p]),
    "dlrun_value_kind": (c_int32, [c_void_p, POINTER(c_int32)]),
    "dlrun_value_type": (c_int32, [c_void_p, POINTER(c_int32), _size_out]),
    "dlrun_value_shape": (c_int32, [c_void_p, POINTER(c_int64), c_size_t]),
    "dlrun_value_data": (c_int32, [c_void_p, POINTER(c_void_p), _size_out]),
    "dlrun_value_string": (c_int32, [c_void_p, c_size_t, POINTER(c_void_p), _size_out]),
    "dlrun_value_count": (c_int32, [c_void_p, _size_out]),
    "dlrun_value_element": (c_int32, [c_void_p, c_size_t, _handle_out]),
    "dlrun_session_create": (c_int32, [c_char_p, POINTER(SessionOptions), _handle_out]),
    "dlrun_session_create_from_memory": (
        c_int32, [c_char_p, c_size_t, POINTER(SessionOptions), _handle_out]),
    "dlrun_session_release": (None, [c_void_p]),
    "dlrun_session_input_count": (c_int32, [c_void_p, _size_out]),
    "dlrun_session_output_count": (c_int32, [c_void_p, _size_out]),
    "dlrun_session_input": (c_int32, [c_void_p, c_size_t, POINTER(Port)]),
    "dlrun_session_output": (c_int32, [c_void_p, c_size_t, POINTER(Port)]),
    "dlrun_session_model": (c_int32, [c_void_p, POINTER(ModelInfo)]),
    "dlrun_session_property": (c_int32, [c_void_p, c_size_t, POINTER(c_char_p), POINTER(c_char_p)]),
    "dlrun_session_threads": (c_int32, [c_void_p, POINTER(c_int32)]),
    "dlrun_cancellation_create": (c_int32, [_handle_out]),
    "dlrun_cancellation_cancel": (c_int32, [c_void_p]),
    "dlrun_cancellation_release": (None, [c_void_p]),
    # Its argument is a c_void_p made once: checking argument types costs more than the call.
    "dlrun_session_call": (c_int32, None),
}


def _candidates() -> Iterator[str]:
    if os.environ.get("DLRUN_LIBRARY"):
        # Named by the user: this one or none.
        yield os.environ["DLRUN_LIBRARY"]
        return
    here = os.path.dirname(os.path.abspath(__file__))
    yield os.path.join(here, "libdlrun.so")
    yield os.path.join(here, "..", "..", "..", ".build", "install", "lib", "libdlrun.so")
    found = ctypes.util.find_library("dlrun")
    if found:
        yield found


def _load() -> ctypes.CDLL:
    tried = []
    for path in _candidates():
        if os.path.sep in path and not os.path.exists(path):
            tried.append(f"{path}: not there")
            continue
        try:
            library = ctypes.CDLL(path)
        except OSError as error:
            tried.append(f"{path}: {error}")
            continue
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype = result
            if arguments is not None:
                function.argtypes = arguments
        return library
    raise ImportError(
        "dlrun: libdlrun.so was not found; build it with tools/install, or say where it is in "
        "DLRUN_LIBRARY. Tried: " + "; ".join(tried or ["the system's libraries"])
    )


library = _load()
