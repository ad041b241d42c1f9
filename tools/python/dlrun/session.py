"""InferenceSession: a model made ready to run."""

from __future__ import annotations

import ctypes
import operator
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from ctypes import c_char_p, c_int32, c_size_t, c_void_p
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _library
from ._library import library
from ._native import nothing
from ._profile import Profile
from ._runs import Runner
from .errors import InvalidArgument, check
from .model import PROVIDER, ModelMetadata, NodeArg, check_providers
from .options import GraphOptimizationLevel, RunOptions, SessionOptions, path_of

if TYPE_CHECKING:
    from .binding import IOBinding, OrtValue


class InferenceSession(Runner):
    """A model made ready to run; safe for many threads at once, each run with memory of its own.

    `path_or_bytes`: a path, or a serialised model. `threads`: of one run, the caller's included;
    by default what the process may use. `providers` may name the CPU's, first or alone: others are
    refused if they are the only choice, and passed over if the CPU's is among them.

    Raises NoSuchFile, InvalidProtobuf, InvalidGraph, NotImplemented, InvalidArgument, OutOfMemory.
    """

    _pointer: int | None = None

    def __init__(
        self,
        path_or_bytes: str | bytes | bytearray | memoryview | os.PathLike[str],
        sess_options: SessionOptions | None = None,
        providers: Sequence[str | tuple[str, dict[str, Any]]] | None = None,
        provider_options: Sequence[dict[str, Any]] | None = None,
        *,
        threads: int | None = None,
        **kwargs: Any,
    ) -> None:
        started = time.monotonic_ns()
        unknown = set(kwargs) - {"disabled_optimizers", "enable_fallback", "read_config_from_model"}
        if unknown:
            raise TypeError(f"InferenceSession has no argument {sorted(unknown)[0]!r}")
        check_providers(providers)
        options = sess_options if sess_options is not None else SessionOptions()
        if not isinstance(options, SessionOptions):
            raise InvalidArgument(
                f"sess_options is a {type(options).__name__}, expected SessionOptions")
        self._options = options
        c = _c_options(options, threads)
        out = c_void_p()
        path = path_of(path_or_bytes)
        if path is not None:
            status = library.dlrun_session_create(path, ctypes.byref(c), ctypes.byref(out))
        elif isinstance(path_or_bytes, (bytes, bytearray, memoryview)):
            model = bytes(path_or_bytes)
            status = library.dlrun_session_create_from_memory(
                model, len(model), ctypes.byref(c), ctypes.byref(out))
        else:
            raise TypeError(f"a model is a path or bytes, received {type(path_or_bytes).__name__}")
        check(status)
        self._pointer = out.value
        self._inputs = self._ports(library.dlrun_session_input_count, library.dlrun_session_input)
        self._outputs = self._ports(
            library.dlrun_session_output_count, library.dlrun_session_output)
        self._started = started
        self._profile = (
            Profile(options.profile_file_prefix, started) if options.enable_profiling else None)
        self._prepare()

    def __del__(
        self, release: Callable[[Any], None] = library.dlrun_session_release
    ) -> None:
        release(self._pointer)

    def close(self) -> None:
        """Gives the model's memory back now; runs under way end as they would. dlrun's own."""
        pointer, self._pointer = self._pointer, None
        self._call = nothing
        self._frames.clear()
        library.dlrun_session_release(pointer)

    def __enter__(self) -> InferenceSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ports(
        self, count: Callable[[Any, Any], int], port: Callable[[Any, int, Any], int]
    ) -> list[NodeArg]:
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
        """What a run gives for `output_names` None."""
        return list(self._outputs)

    def get_overridable_initializers(self) -> list[NodeArg]:
        """The inputs that have a default in the model."""
        return [p for p in self._inputs if p._optional]

    def get_modelmeta(self) -> ModelMetadata:
        """What the model's file says of itself."""
        info = _library.ModelInfo()
        info.size = ctypes.sizeof(info)
        check(library.dlrun_session_model(self._pointer, ctypes.byref(info)))
        properties = {}
        key, value = c_char_p(), c_char_p()
        for i in range(info.property_count):
            status = library.dlrun_session_property(
                self._pointer, i, ctypes.byref(key), ctypes.byref(value))
            check(status)
            properties[(key.value or b"").decode()] = (value.value or b"").decode()
        return ModelMetadata(info, properties)

    def get_session_options(self) -> SessionOptions:
        """The options that the session was made with."""
        return self._options

    def get_providers(self) -> list[str]:
        """The CPU's, always."""
        return [PROVIDER]

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        """None: the CPU's provider has no options."""
        return {PROVIDER: {}}

    def set_providers(
        self, providers: Sequence[Any] | None = None,
        provider_options: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        """Accepts a choice that has the CPU's among it. Raises InvalidArgument for any other."""
        check_providers(providers)

    def enable_fallback(self) -> None:
        """There is one provider: nothing to fall back to."""

    def disable_fallback(self) -> None:
        """There is one provider: nothing to fall back to."""

    @property
    def threads(self) -> int:
        """Threads that take part in a run."""
        out = c_int32()
        check(library.dlrun_session_threads(self._pointer, ctypes.byref(out)))
        return out.value

    # Other ways to run it.

    def run_with_ort_values(
        self,
        output_names: Sequence[str] | None,
        input_dict_ort_values: Mapping[str, OrtValue],
        run_options: RunOptions | None = None,
    ) -> list[OrtValue]:
        """`run` with values of OrtValue in and out."""
        from .binding import OrtValue

        for name, value in input_dict_ort_values.items():
            if not isinstance(value, OrtValue):
                raise InvalidArgument(
                    f"input '{name}' is a {type(value).__name__}, expected OrtValue")
        feed = {name: value._plain() for name, value in input_dict_ort_values.items()}
        results = self.run(output_names, feed, run_options)
        ports = [self._outputs[i] for i in self._places(output_names)]
        return [OrtValue(r, p._dtype) for r, p in zip(results, ports)]

    def run_async(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        callback: Callable[[list[Any], Any, str], Any],
        user_data: Any,
        run_options: RunOptions | None = None,
    ) -> None:
        """Runs in a thread of its own, which then calls `callback(outputs, user_data, error)`."""

        def work() -> None:
            try:
                outputs, error = self.run(output_names, input_feed, run_options), ""
            except Exception as failure:
                outputs, error = [], str(failure)
            callback(outputs, user_data, error)

        threading.Thread(target=work, daemon=True).start()

    def io_binding(self) -> IOBinding:
        """Inputs and outputs to be bound for many runs."""
        from .binding import IOBinding

        return IOBinding(self)

    def run_with_iobinding(
        self, iobinding: IOBinding, run_options: RunOptions | None = None
    ) -> None:
        """Runs with what is bound; the results are the binding's `get_outputs()`."""
        iobinding._run(self, run_options)

    def end_profiling(self) -> str:
        """Writes what ran when as a Chrome trace, ends the recording and gives the file's path.

        Raises InvalidArgument where profiling was not enabled in the session's options, or ended.
        """
        profile, self._profile = self._profile, None
        if profile is None:
            raise InvalidArgument("profiling was not enabled in the session's options, or ended")
        self._call = self._native_call()
        return profile.write()

    def get_profiling_start_time_ns(self) -> int:
        """Nanoseconds of the monotonic clock that the trace's times count from."""
        return self._started


def _c_options(options: SessionOptions, threads: int | None) -> _library.SessionOptions:
    c = _library.SessionOptions()
    c.size = ctypes.sizeof(c)
    wanted = options.intra_op_num_threads if threads is None else threads
    c.threads = _whole(wanted, "threads", 4096)
    level = _whole(options.graph_optimization_level, "graph_optimization_level", 99)
    basic = int(GraphOptimizationLevel.ORT_ENABLE_BASIC)
    c.optimization = min(level, basic + 1)
    c.exact = int(bool(options.exact))
    c.check_nan = int(bool(options.check_nan))
    c.compact = int(bool(options.compact))
    c.max_memory_bytes = _whole(options.max_memory_bytes, "max_memory_bytes", 2**63 - 1)
    return c


def _whole(value: Any, name: str, largest: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if not 0 <= number <= largest:
        raise InvalidArgument(f"{name} is {value!r}, expected an integer from 0 to {largest}")
    return number
