"""How a session runs its model."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import _dtypes, _library
from ._dtypes import Array
from ._frames import IN_PLACE, Frame
from ._library import MAX_RANK, library
from ._native import Call, call_of, nothing
from ._profile import Profile
from ._rooms import Rooms
from ._types import TENSOR
from ._values import Handle, memory_of, to_handle, typed_array
from .errors import InvalidArgument, NotImplemented, check
from .model import NodeArg
from .options import RunOptions

_call = library.dlrun_session_call

#: Element type, dtype and shape of an output; None where it is no plain array.
_Known = tuple[int, Any, tuple[int, ...]]


class Runner:
    """The part of InferenceSession that runs."""

    _pointer: int | None
    _inputs: list[NodeArg]
    _outputs: list[NodeArg]
    _profile: Profile | None

    def _prepare(self) -> None:
        self._input_place = {p.name: i for i, p in enumerate(self._inputs)}
        self._output_place = {p.name: i for i, p in enumerate(self._outputs)}
        self._all = tuple(range(len(self._outputs)))
        self._call = self._native_call() if self._profile is None else nothing
        # For what a caller still holds of the run before, and for this one's.
        self._rooms = Rooms(2 * len(self._outputs))
        # Frames that no run uses now: a run takes one and puts it back, so that each thread has
        # its own while it runs.
        self._frames: list[Frame] = []
        # For each set of input types and outputs asked for, what the outputs were like.
        self._known: dict[Any, list[_Known | None]] = {}

    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        run_options: RunOptions | None = None,
    ) -> list[Any]:
        """Runs the model and gives the outputs named, or all for None, in their order.

        `input_feed`: NumPy arrays by input name, read in place where they are contiguous and
        aligned, which nobody may write to meanwhile; lists for sequences, dicts for maps, None for
        empty optionals. The interpreter lock is released while the model runs.

        Raises InvalidArgument for unknown and missing names and for what does not fit; Cancelled
        where `run_options` ended the run; OutOfMemory.
        """
        if run_options is None:
            outputs = self._call(output_names, input_feed, None)
            if isinstance(outputs, list):
                return outputs
            if outputs is not None:
                check(outputs)
        return self._run(self._places(output_names), input_feed, run_options)

    def _run_into(
        self, names: tuple[str, ...], feed: dict[str, Any], run_options: RunOptions | None,
        given: tuple[Array | None, ...],
    ) -> list[Any]:
        """`run` that writes to the arrays `given`, None for outputs that get memory of their own."""
        if run_options is None:
            outputs = self._call(names, feed, given)
            if isinstance(outputs, list):
                return outputs
            if outputs is not None:
                check(outputs)
        return self._run(self._places(names), feed, run_options, given)

    def _native_call(self) -> Call:
        """What runs the session on plain arrays."""
        return call_of(
            self._pointer, [p.name for p in self._inputs], [p.name for p in self._outputs])

    def _places(self, names: Sequence[str] | None) -> tuple[int, ...]:
        """The numbers of outputs. Raises InvalidArgument for names that the model does not have."""
        if names is None:
            return self._all
        if isinstance(names, str):
            raise InvalidArgument(f"output_names is the string {names!r}, expected a list of names")
        try:
            return tuple([self._output_place[n] for n in names]) or self._all
        except KeyError as missing:
            raise InvalidArgument(
                f"the model has no output {missing}, expected one of {list(self._output_place)}"
            ) from None
        except TypeError:
            raise InvalidArgument(f"output_names is {names!r}, expected a list of names") from None

    def _run(
        self,
        wanted: tuple[int, ...],
        feed: Mapping[str, Any],
        run_options: RunOptions | None,
        given: Sequence[Array | None] | None = None,
    ) -> list[Any]:
        """`given`: arrays to write to, in the order of `wanted`."""
        if not isinstance(feed, Mapping):
            raise InvalidArgument(
                f"input_feed is a {type(feed).__name__}, expected a dict of arrays by name")
        frame = self._frame(len(wanted))
        alive: list[Any] = []
        types = self._fill(frame, feed, alive)
        count = len(self._inputs)
        for k, place in enumerate(wanted):
            frame.places[k] = place
        frame.call.output_count = len(wanted)
        key = (wanted, types)
        known = self._known.get(key)
        arrays: list[Any] = []
        for k in range(len(wanted)):
            array = given[k] if given is not None else None
            code = 0 if array is None else _dtypes.FROM_NUMPY[array.dtype]
            if array is None and known is not None:
                like = known[k]
                if like is not None:
                    code = like[0]
                    array = self._rooms.array(like[2], like[1])
            if array is None:
                frame.set_handle(count + k, None)
            else:
                frame.set_tensor(count + k, code, array.shape, array)
            arrays.append(array)
        options = None
        profile = self._profile
        if run_options is not None or profile is not None:
            options = self._run_options(run_options)
            if profile is not None:
                options.profile_path = profile.begin()
            frame.call.options = ctypes.addressof(options)
        status = _call(frame.argument)
        frame.call.options = None
        check(status)
        if profile is not None and options is not None and options.profile_path is not None:
            profile.end(options.profile_path)
        fits = self._replace(frame, arrays)
        if known is None or not fits:
            self._remember(key, arrays, fits)
        self._frames.append(frame)
        return arrays

    def _frame(self, outputs: int) -> Frame:
        """One that no other thread uses."""
        try:
            frame = self._frames.pop()
            if frame.room >= outputs:
                return frame
        except IndexError:
            pass
        if self._pointer is None:
            raise InvalidArgument("the session is closed")
        return Frame(self._pointer, len(self._inputs), max(outputs, len(self._outputs)))

    def _fill(self, frame: Frame, feed: Mapping[str, Any], alive: list[Any]) -> tuple[Any, ...]:
        """Puts the inputs into a frame, and into `alive` what has to outlive the call; gives their
        types."""
        types: list[Any] = [None] * len(self._inputs)
        missing = set(self._input_place)
        for name, value in feed.items():
            i = self._input_place.get(name)
            if i is None:
                raise InvalidArgument(
                    f"the model has no input {name!r}, expected one of {list(self._input_place)}")
            missing.discard(name)
            port = self._inputs[i]
            held = self._held(value, port)
            alive.append(held)
            if isinstance(held, Handle):
                frame.set_handle(i, held)
                types[i] = Handle
            else:
                memory, code, shape = held
                frame.set_tensor(i, code, shape, memory)
                types[i] = (code, shape)
        for name in missing:
            frame.set_handle(self._input_place[name], None)
        return tuple(types)

    def _held(self, value: Any, port: NodeArg) -> Handle | tuple[Array, int, tuple[int, ...]]:
        """What C is given for an input: memory of an array, or a value of its own."""
        from .binding import OrtValue

        if isinstance(value, OrtValue):
            value = value._held()
        if port._kind != TENSOR or value is None or isinstance(value, (dict, Handle)):
            return to_handle(value, port._value_type)
        try:
            typed = typed_array(value, port._dtype)
        except InvalidArgument as error:
            raise InvalidArgument(f"input '{port.name}': {error}") from None
        array, code = typed.array, typed.code
        if array.ndim > MAX_RANK:
            raise InvalidArgument(
                f"input '{port.name}' has {array.ndim} axes, expected at most {MAX_RANK}")
        if code == _dtypes.STRING:
            return to_handle(array)
        return memory_of(array, code), code, array.shape

    def _replace(self, frame: Frame, arrays: list[Any]) -> bool:
        """Puts the outputs that came in memory of their own in the places of those offered, and
        says whether there were none where one was offered."""
        fits = True
        first = len(self._inputs)
        for k, offered in enumerate(arrays):
            result = frame.take(first + k)
            if result is not IN_PLACE:
                fits = fits and offered is None
                arrays[k] = result
        return fits

    def _remember(self, key: Any, arrays: list[Any], fits: bool) -> None:
        """Notes what to make for the outputs of the next run with these types; those whose size
        depends on more than types make their own."""
        if len(self._known) >= 64:
            self._known.clear()
        if not fits:
            self._known[key] = [None] * len(arrays)
            return
        known: list[_Known | None] = []
        for place, array in zip(key[0], arrays):
            port = self._outputs[place]
            code = 0
            if port._kind == TENSOR and isinstance(array, np.ndarray):
                code = _dtypes.FROM_NUMPY.get(array.dtype, 0)
            is_plain = code != 0 and code not in _dtypes.NARROW and port._dtype in (0, code)
            known.append((code, array.dtype, array.shape) if is_plain else None)
        self._known[key] = known

    def _run_options(self, options: RunOptions | None) -> _library.RunOptions:
        c = _library.RunOptions()
        c.size = ctypes.sizeof(c)
        if options is not None:
            if not isinstance(options, RunOptions):
                raise InvalidArgument(
                    f"run_options is a {type(options).__name__}, expected RunOptions")
            if options.training_mode:
                raise NotImplemented("a session has no training mode")
            try:
                c.seconds = options.timeout
            except TypeError:
                raise InvalidArgument(
                    f"timeout is {options.timeout!r}, expected seconds") from None
            c.cancellation = options._cancellation.pointer
        return c
