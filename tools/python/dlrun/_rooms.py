"""Memory for results: large ones begin with a line of the cache, the largest are used again once
nobody holds what lay in them."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from ._dtypes import Array

# From this size on the C library takes fresh pages for every array, and filling them in costs more
# than many an operator.
LARGE = 31 << 20

# NumPy's memory lies at any multiple of 16 bytes. From this size on an array begins with a line of
# the cache: vectors that end in the next line take products up to 1.3 times as long to store.
ALIGNED = 4096
LINE = 64

_empty = np.empty


def _aligned(block: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """An array that begins with a line, in a block of a line more than it takes."""
    start = -block.ctypes.data % LINE
    array: Array = block[start:start + block.nbytes - LINE].view(dtype).reshape(shape)
    return array


def _pop(kept: list[Array]) -> tuple[Array, int]:
    """The first block, and how many references there are to it."""
    block = kept.pop(0)
    return block, sys.getrefcount(block)


def _is_counted() -> bool:
    """Whether references tell if an array is in use: not without the interpreter's lock."""
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)
    return sys.implementation.name == "cpython" and has_lock()


#: What `_pop` counts for a block that nobody else holds.
_FREE = _pop([_empty(1, np.uint8)])[1] if _is_counted() else -1


class Rooms:
    """The blocks of one session, at most `most` of them.

    An array made here is a view of its block, as is all that is made of it, so that a block without
    other references is free. It goes back to the system where the session ends or sizes change.
    """

    __slots__ = ("_kept", "_most")

    def __init__(self, most: int) -> None:
        self._kept: list[Array] = []
        self._most = most

    def array(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Uninitialised memory."""
        size = math.prod(shape) * dtype.itemsize
        if size < ALIGNED:
            return _empty(shape, dtype)
        if size < LARGE or _FREE < 0:
            return _aligned(_empty(size + LINE, np.uint8), shape, dtype)
        kept = self._kept
        block = None
        for _ in range(len(kept)):
            try:
                # Only one thread gets a block, and gives it back with a view of it made.
                candidate, count = _pop(kept)
            except IndexError:
                break
            if count > _FREE:
                kept.append(candidate)
            elif candidate.nbytes == size + LINE:
                block = candidate
                break
        if block is None:
            block = _empty(size + LINE, np.uint8)
        array = _aligned(block, shape, dtype)
        if len(kept) < self._most:
            kept.append(block)
        return array
