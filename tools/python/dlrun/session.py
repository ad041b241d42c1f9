"""InferenceSession: a model made ready to run."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Mapping, Sequence
from ctypes import c_char_p, c_int32, c_size_t, c_void_p
from typing import Any

import numpy as np

from . import _dtypes, _library
from ._library import MAX_RANK, library
from ._values import Handle, array_over, from_handle, memory_of, number, to_handle
from .errors import InvalidArgument, NotImplemented, check
from .model import PROVIDER, ModelMetadata, NodeArg, check_providers
from .options import GraphOptimizationLevel, RunOptions, SessionOptions, path_of


class _Frame(threading.local):
    """The arguments of a call, made once for each thread."""

    ready = False


class InferenceSession:
    """A model made ready to run; safe for many threads at once, each run with memory of its own.

    `path_or_bytes`: a path, or a serialised model. `threads`: of one run, the caller's included;
    by default what the process may use. `providers` may name the CPU's, first or alone: others are
    refused if they are the only choice, and passed over if the CPU follows them.
    """

    def __init__(
        self,
        path_or_bytes: str | bytes | os.PathLike[str],
        sess_options: SessionOptions | None = None,
        providers: Sequence[str | tuple[str, dict[str, Any]]] | None = None,
        provider_options: Sequence[dict[str, Any]] | None = None,
        *,
        threads: int | None = None,
        **kwargs: Any,
    ) -> None:
        unknown = set(kwargs) - {"disabled_optimizers", "enable_fallback", "read_config_from_model"}
        if unknown:
            raise TypeError(f"InferenceSession has no argument {sorted(unknown)[0]!r}")
        check_providers(providers)
        options = sess_options if sess_options is not None else SessionOptions()
        if not isinstance(options, SessionOptions):
            raise InvalidArgument(f"sess_options is a {type(options).__name__}, expected SessionOptions")
        self._options = options
        c = _library.SessionOptions()
        c.size = ctypes.sizeof(c)
        wanted = options.intra_op_num_threads if threads is None else threads
        if not isinstance(wanted, (int, np.integer)) or wanted < 0:
            raise InvalidArgument(f"threads is {wanted!r}, expected an integer from 0")
        c.threads = int(wanted)
        level = int(options.graph_optimization_level)
        c.optimization = 0 if level == 0 else 1 if level == int(GraphOptimizationLevel.ORT_ENABLE_BASIC) else 2
        c.exact = int(bool(options.exact))
        c.check_nan = int(bool(options.check_nan))
        c.max_memory_bytes = int(options.max_memory_bytes)
        out = c_void_p()
        path = path_of(path_or_bytes)
        if path is not None:
            check(library.dlrun_session_create(path, ctypes.byref(c), ctypes.byref(out)))
        elif isinstance(path_or_bytes, (bytes, bytearray, memoryview)):
            model = bytes(path_or_bytes)
            check(library.dlrun_session_create_from_memory(model, len(model), ctypes.byref(c), ctypes.byref(out)))
        else:
            raise TypeError(f"a model is a path or bytes, received {type(path_or_bytes).__name__}")
        self._pointer = out.value
        self._inputs = self._ports(library.dlrun_session_input_count, library.dlrun_session_input)
        self._outputs = self._ports(library.dlrun_session_output_count, library.dlrun_session_output)
        self._input_place = {p.name: i for i, p in enumerate(self._inputs)}
        self._output_place = {p.name: i for i, p in enumerate(self._outputs)}
        self._all = tuple(range(len(self._outputs)))
        self._frame = _Frame()
        # For each set of input types met and outputs asked for, what the outputs were like.
        self._known: dict[Any, list[tuple[np.dtype, tuple[int, ...]] | None]] = {}
        self._profile = None
        if options.enable_profiling:
            self._profile = f"{options.profile_file_prefix}{time.strftime('%Y-%m-%d_%H-%M-%S')}.json"

    def __del__(self, release=library.dlrun_session_release) -> None:
        release(getattr(self, "_pointer", None))

    def _ports(self, count, port) -> list[NodeArg]:
        n = c_size_t()
        check(count(self._pointer, ctypes.byref(n)))
        ports = []
        for i in range(n.value):
            p = _library.Port()
            p.size = ctypes.sizeof(p)
            check(port(self._pointer, i, ctypes.byref(p)))
            ports.append(NodeArg(p))
        return ports

    # What the model is.

    def get_inputs(self) -> list[NodeArg]:
        """The inputs that a run must be given."""
        return [p for p in self._inputs if not p._optional]

    def get_outputs(self) -> list[NodeArg]:
        return list(self._outputs)

    def get_overridable_initializers(self) -> list[NodeArg]:
        """The inputs that have a default in the model."""
        return [p for p in self._inputs if p._optional]

    def get_modelmeta(self) -> ModelMetadata:
        info = _library.ModelInfo()
        info.size = ctypes.sizeof(info)
        check(library.dlrun_session_model(self._pointer, ctypes.byref(info)))
        properties = {}
        key, value = c_char_p(), c_char_p()
        for i in range(info.property_count):
            check(library.dlrun_session_property(self._pointer, i, ctypes.byref(key), ctypes.byref(value)))
            properties[key.value.decode()] = value.value.decode()
        return ModelMetadata(info, properties)

    def get_session_options(self) -> SessionOptions:
        return self._options

    def get_providers(self) -> list[str]:
        return [PROVIDER]

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        return {PROVIDER: {}}

    def set_providers(self, providers=None, provider_options=None) -> None:
        check_providers(providers)

    def enable_fallback(self) -> None:
        """There is one provider: nothing to fall back to."""

    disable_fallback = enable_fallback

    @property
    def threads(self) -> int:
        """Threads that take part in a run."""
        out = c_int32()
        check(library.dlrun_session_threads(self._pointer, ctypes.byref(out)))
        return out.value

    # Running it.

    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        run_options: RunOptions | None = None,
    ) -> list[Any]:
        """Runs the model and gives the outputs named, or all for None, in their order.

        `input_feed`: NumPy arrays by input name, used in place where they are contiguous; lists for
        sequences, dicts for maps, None for empty optionals. The interpreter lock is released while
        the model runs.
        """
        wanted = self._all if not output_names else self._places(output_names)
        return self._run(wanted, input_feed, run_options, None)

    def run_with_ort_values(self, output_names, input_dict_ort_values, run_options=None):
        from .binding import OrtValue

        feed = {name: v._value for name, v in input_dict_ort_values.items()}
        return [OrtValue(v) for v in self.run(output_names, feed, run_options)]

    def run_async(self, output_names, input_feed, callback, user_data, run_options=None) -> None:
        """Runs in a thread of its own, which then calls `callback(outputs, user_data, error)`."""

        def work() -> None:
            try:
                outputs, error = self.run(output_names, input_feed, run_options), ""
            except Exception as failure:
                outputs, error = [], str(failure)
            callback(outputs, user_data, error)

        threading.Thread(target=work, daemon=True).start()

    def io_binding(self):
        from .binding import IOBinding

        return IOBinding(self)

    def run_with_iobinding(self, iobinding, run_options: RunOptions | None = None) -> None:
        iobinding._run(run_options)

    def end_profiling(self) -> str:
        """The file with what ran when in the last run, as a Chrome trace."""
        if self._profile is None:
            raise InvalidArgument("profiling was not enabled in the session's options")
        return self._profile

    def _places(self, names: Sequence[str]) -> tuple[int, ...]:
        if isinstance(names, str):
            raise InvalidArgument(f"output_names is the string {names!r}, expected a list of names")
        try:
            return tuple([self._output_place[n] for n in names])
        except KeyError as missing:
            raise InvalidArgument(
                f"the model has no output {missing}, expected one of {list(self._output_place)}") from None

    def _arguments(self) -> _Frame:
        frame = self._frame
        frame.inputs = (_library.Tensor * max(1, len(self._inputs)))()
        frame.outputs = (_library.Tensor * max(1, len(self._outputs)))()
        frame.places = (c_size_t * max(1, len(self._outputs)))()
        frame.input_list = list(frame.inputs)
        frame.output_list = list(frame.outputs)
        frame.session = c_void_p(self._pointer)
        frame.input_count = c_size_t(len(self._inputs))
        frame.wanted = None
        # The types that the structures hold now, so that they are written only when they change.
        frame.input_types = [None] * len(self._inputs)
        frame.ready = True
        return frame

    def _run(self, wanted, feed, run_options, given) -> list[Any]:
        """`given`: arrays to write to, in the order of `wanted`, or None."""
        frame = self._frame
        if not frame.ready or len(wanted) > len(frame.output_list):
            frame = self._arguments()
            if len(wanted) > len(self._outputs):
                frame.outputs = (_library.Tensor * len(wanted))()
                frame.output_list = list(frame.outputs)
                frame.places = (c_size_t * len(wanted))()
        # Keeps what the call reads alive until it is done.
        alive = []
        types = frame.input_types
        place_of = self._input_place
        seen = 0
        for name, value in feed.items():
            i = place_of.get(name)
            if i is None:
                raise InvalidArgument(f"the model has no input '{name}', expected one of {list(place_of)}")
            seen |= 1 << i
            t = frame.input_list[i]
            if type(value) is not np.ndarray:
                value = self._coerced(value, i)
            if type(value) is Handle:
                t.value = value.pointer
                types[i] = None
                alive.append(value)
                continue
            dtype = value.dtype
            code = _dtypes.FROM_NUMPY.get(dtype)
            if code is None or code in _dtypes.NARROW or not value.flags.c_contiguous:
                code = number(dtype)
                if code == _dtypes.STRING:
                    handle = to_handle(value)
                    t.value = handle.pointer
                    types[i] = None
                    alive.append(handle)
                    continue
                memory = memory_of(value, code)
            else:
                memory = value
            shape = value.shape
            key = (code, shape)
            if types[i] != key:
                if len(shape) > MAX_RANK:
                    raise InvalidArgument(
                        f"input '{name}' has {len(shape)} axes, expected at most {MAX_RANK}")
                t.value = None
                t.dtype = code
                t.rank = len(shape)
                for axis, n in enumerate(shape):
                    t.shape[axis] = n
                t.size_bytes = memory.nbytes
                types[i] = key
            t.data = memory.__array_interface__["data"][0]
            alive.append(memory)
        if seen != (1 << len(types)) - 1:
            for i in range(len(types)):
                if not seen >> i & 1:
                    t = frame.input_list[i]
                    t.value = None
                    t.dtype = 0
                    types[i] = None
        if frame.wanted != wanted:
            for k, place in enumerate(wanted):
                frame.places[k] = place
            frame.wanted = wanted
        key = (wanted, tuple(types))
        known = self._known.get(key)
        arrays: list[Any] = []
        for k in range(len(wanted)):
            t = frame.output_list[k]
            t.value = None
            array = None
            if given is not None and given[k] is not None:
                array = given[k]
            elif known is not None and known[k] is not None:
                array = np.empty(known[k][1], known[k][0])
            arrays.append(array)
            if array is None:
                t.data = None
                continue
            t.dtype = _dtypes.FROM_NUMPY[array.dtype]
            shape = array.shape
            t.rank = len(shape)
            for axis, n in enumerate(shape):
                t.shape[axis] = n
            t.data = array.__array_interface__["data"][0]
            t.size_bytes = array.nbytes
        options = None
        if run_options is not None or self._profile is not None:
            options = self._run_options(run_options)
        status = library.dlrun_session_run_tensors(
            frame.session, options, frame.inputs, frame.input_count, frame.places, frame.outputs,
            c_size_t(len(wanted)))
        if status != 0:
            check(status)
        results = self._results(frame, wanted, arrays)
        if known is None and None not in types:
            self._remember(key, results)
        return results

    def _results(self, frame, wanted, arrays) -> list[Any]:
        for k in range(len(wanted)):
            t = frame.output_list[k]
            if not t.value:
                continue
            # Not the memory that was offered: the first run of its kind, or a size that depends on
            # data.
            handle = Handle(t.value)
            t.value = None
            if t.data is None and t.size_bytes == 0 and t.dtype in (0, _dtypes.STRING):
                arrays[k] = from_handle(handle)
            else:
                shape = tuple(t.shape[: t.rank])
                arrays[k] = array_over(handle, t.dtype, shape, t.data or 0, t.size_bytes)
        return arrays

    def _remember(self, key, results) -> None:
        if len(self._known) >= 64:
            self._known.clear()
        self._known[key] = [
            (r.dtype, r.shape)
            if type(r) is np.ndarray and _dtypes.FROM_NUMPY.get(r.dtype, 21) not in _dtypes.NARROW
            and r.dtype.kind != "O" and self._outputs[place]._kind == 1
            and self._outputs[place]._dtype == _dtypes.FROM_NUMPY.get(r.dtype)
            else None
            for place, r in zip(key[0], results)
        ]

    def _coerced(self, value, i: int):
        """What is no NumPy array: as an array where the input is a tensor, else as a value."""
        from .binding import OrtValue

        if isinstance(value, OrtValue):
            value = value._value
        port = self._inputs[i]
        if port._kind == 1 and not isinstance(value, (dict, type(None))):
            if isinstance(value, np.ndarray):
                return np.asarray(value)
            known = _dtypes.TO_NUMPY.get(port._dtype)
            return np.array(value, object if port._dtype == _dtypes.STRING else known)
        return to_handle(value)

    def _run_options(self, options: RunOptions | None):
        c = _library.RunOptions()
        c.size = ctypes.sizeof(c)
        if options is not None:
            if not isinstance(options, RunOptions):
                raise InvalidArgument(f"run_options is a {type(options).__name__}, expected RunOptions")
            if options.training_mode:
                raise NotImplemented("a session has no training mode")
            c.seconds = options.timeout
            if options._cancellation is not None:
                c.cancellation = options._cancellation.pointer
        if self._profile is not None:
            c.profile_path = os.fsencode(self._profile)
        return ctypes.byref(c)
