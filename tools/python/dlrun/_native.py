"""Calls of a session by a function of the library itself, without ctypes between."""

from __future__ import annotations

import ctypes
import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _dtypes
from ._library import library

#: Takes names of outputs, or None for all; the feed; and None or a tuple of arrays to write to, None
#: for those to be made. Gives the list of outputs; the status of a run that failed; None for what it
#: does not do.
Call = Callable[[Any, Any, Any], "list[Any] | int | None"]


def nothing(names: Any, feed: Any, given: Any) -> None:
    """Stands for the function where there is none."""


def _has_known_layout() -> bool:
    """Whether objects and arrays are laid out as the library reads them (PyArrayObject)."""
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)
    if sys.implementation.name != "cpython" or not has_lock() or object.__basicsize__ != 16:
        return False
    probe = np.zeros((2, 3), np.int16)
    start = id(probe)

    def word(offset: int) -> int:
        return ctypes.c_size_t.from_address(start + offset).value

    def number(offset: int) -> int:
        return ctypes.c_int.from_address(start + offset).value

    return (
        word(8) == id(np.ndarray)
        and word(16) == probe.ctypes.data
        and number(24) == 2
        and tuple((ctypes.c_ssize_t * 2).from_address(word(32))) == (2, 3)
        and word(56) == id(probe.dtype)
        and number(64) & 0x501 == probe.flags.num & 0x501 == 0x501
    )


def _maker() -> Callable[..., Any] | None:
    """The library's function that makes one for a session."""
    if not _has_known_layout():
        return None
    make = ctypes.PyDLL(library._name).dlrun_python_session
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p] + [ctypes.py_object] * 4
    return make


def _array_api() -> Any:
    """NumPy's own functions for C, as NumPy 2 and 1 name them; None where neither does."""
    for name in ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath"):
        try:
            return importlib.import_module(name)._ARRAY_API
        except (ImportError, AttributeError):
            continue
    return None


_api = _array_api()
_make = _maker() if _api is not None else None
_plain = tuple(_dtypes.dtype_of(c) if c in _dtypes.PLAIN else None for c in range(16))


def call_of(session: int | None, inputs: list[str], outputs: list[str]) -> Call:
    """The function of a session with inputs and outputs of these names."""
    call = None
    if _make is not None and session is not None:
        call = _make(session, tuple(inputs), tuple(outputs), _plain, _api)
    return nothing if call is None else call
