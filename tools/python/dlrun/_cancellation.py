"""Ends runs from another thread."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from ._library import library
from .errors import check


class Cancellation:
    """Owns a dlrun_cancellation."""

    pointer: int | None = None

    def __init__(self) -> None:
        out = ctypes.c_void_p()
        check(library.dlrun_cancellation_create(ctypes.byref(out)))
        self.pointer = out.value

    def cancel(self) -> None:
        check(library.dlrun_cancellation_cancel(self.pointer))

    def __del__(self, release: Callable[[Any], None] = library.dlrun_cancellation_release) -> None:
        release(self.pointer)
