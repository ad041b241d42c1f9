"""The arguments of a run in C's terms, made once and used for many runs."""

from __future__ import annotations

import ctypes
from ctypes import c_int64, c_size_t, c_void_p
from typing import Any

from ._dtypes import Array
from ._library import MAX_RANK, Call
from ._values import DATA_OFFSET, Handle, address, array_over, from_handle

# A dlrun_tensor in words of 8 bytes: element type and rank in the first, then these.
WORDS = 12
SHAPE, DATA, SIZE, VALUE = 1, 9, 10, 11

#: Stands where an output came in the memory for it.
IN_PLACE = object()


class Frame:
    """One dlrun_call, for one thread at a time.

    Its words are written through a memoryview: ctypes' own fields cost twice that.
    """

    __slots__ = ("argument", "buffer", "call", "inputs", "outputs", "places", "room", "words")

    def __init__(self, session: int, inputs: int, outputs: int) -> None:
        self.inputs = inputs
        self.room = outputs
        self.buffer = (c_int64 * (WORDS * (inputs + outputs) + 1))()
        self.words: Any = memoryview(self.buffer).cast("B").cast("Q")
        self.places = (c_size_t * (outputs + 1))()
        self.call = Call()
        self.call.size = ctypes.sizeof(Call)
        self.call.session = session
        self.call.inputs = ctypes.addressof(self.buffer)
        self.call.input_count = inputs
        self.call.places = ctypes.addressof(self.places)
        self.call.outputs = ctypes.addressof(self.buffer) + 8 * WORDS * inputs
        self.call.indirect = int(DATA_OFFSET is not None)
        self.argument = c_void_p(ctypes.addressof(self.call))

    def set_tensor(self, place: int, code: int, shape: tuple[int, ...], memory: Array) -> None:
        """Puts a tensor at `place`, outputs after inputs."""
        words = self.words
        w = place * WORDS
        words[w] = code | len(shape) << 32
        for axis, n in enumerate(shape):
            words[w + SHAPE + axis] = n
        words[w + DATA] = address(memory)
        words[w + SIZE] = memory.nbytes
        words[w + VALUE] = 0

    def set_handle(self, place: int, handle: Handle | None) -> None:
        """Puts a value at `place`; None: nothing, an input left out or an output of its own."""
        words = self.words
        w = place * WORDS
        words[w] = 0
        words[w + DATA] = 0
        words[w + SIZE] = 0
        words[w + VALUE] = handle.pointer if handle is not None and handle.pointer else 0

    def take(self, place: int) -> Any:
        """The output that came at `place` in memory of its own; IN_PLACE where none did."""
        words = self.words
        w = place * WORDS
        pointer = words[w + VALUE]
        if not pointer:
            return IN_PLACE
        handle = Handle(pointer)
        words[w + VALUE] = 0
        code = words[w] & 0xFFFF_FFFF
        if words[w + DATA] == 0 and words[w + SIZE] == 0 and code in (0, 8):
            return from_handle(handle)
        rank = min(words[w] >> 32, MAX_RANK)
        shape = tuple(words[w + SHAPE : w + SHAPE + rank])
        return array_over(handle, code, shape, words[w + DATA], words[w + SIZE])
