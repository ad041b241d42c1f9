"""Options of sessions and runs, under onnxruntime's names.

What would change a result or leave something undone is refused when it is set; what only tunes
onnxruntime's own machinery is kept and has no effect.
"""

from __future__ import annotations

import enum
import os
from typing import Any

from ._cancellation import Cancellation
from .errors import InvalidArgument, NotImplemented
from .model import check_providers


class GraphOptimizationLevel(enum.IntEnum):
    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


class ExecutionMode(enum.IntEnum):
    ORT_SEQUENTIAL = 0
    ORT_PARALLEL = 1


class ExecutionOrder(enum.IntEnum):
    DEFAULT = 0
    PRIORITY_BASED = 1


class SessionOptions:
    """How a session is made. Settings after the session was made have no effect on it."""

    def __init__(self) -> None:
        #: Threads of one run, the caller's included; 0: what the process may use.
        self.intra_op_num_threads: int = 0
        #: Kept; operators run one after the other.
        self.inter_op_num_threads: int = 0
        self.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
        self.execution_mode = ExecutionMode.ORT_SEQUENTIAL
        self.execution_order = ExecutionOrder.DEFAULT
        #: Whether runs are recorded, and where `end_profiling` writes what was.
        self.enable_profiling: bool = False
        self.profile_file_prefix: str = "dlrun_profile"
        self.logid: str = ""
        self.log_severity_level: int = 2
        self.log_verbosity_level: int = 0
        self.enable_mem_pattern: bool = True
        self.enable_mem_reuse: bool = True
        self.enable_cpu_mem_arena: bool = True
        self.use_deterministic_compute: bool = False
        #: Bytes that weights and runs may take; 0: three quarters of the machine's. dlrun's own.
        self.max_memory_bytes: int = 0
        #: Only kernels as accurate as plain summation. dlrun's own.
        self.exact: bool = False
        #: No packed form of weights larger than the weights: less memory, slower convolutions.
        #: dlrun's own.
        self.compact: bool = False
        #: End a run at the first NaN or infinity. dlrun's own.
        self.check_nan: bool = False
        self._entries: dict[str, str] = {}

    @property
    def optimized_model_filepath(self) -> str:
        return ""

    @optimized_model_filepath.setter
    def optimized_model_filepath(self, path: str) -> None:
        if path:
            raise NotImplemented(
                "a session does not write its optimised model; use `dlrun optimize`")

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Kept, without effect: such entries tune onnxruntime's own machinery."""
        self._entries[str(key)] = str(value)

    def get_session_config_entry(self, key: str) -> str:
        """Raises InvalidArgument for a key that was not added."""
        if key not in self._entries:
            raise InvalidArgument(f"there is no session config entry '{key}'")
        return self._entries[key]

    def add_free_dimension_override_by_name(self, name: str, size: int) -> None:
        raise NotImplemented("sizes are taken from the inputs of each run; leave the override out")

    def add_free_dimension_override_by_denotation(self, name: str, size: int) -> None:
        raise NotImplemented("sizes are taken from the inputs of each run; leave the override out")

    def add_provider(self, name: str, options: dict[str, str] | None = None) -> None:
        """Accepts the CPU's."""
        check_providers([name])

    def has_providers(self) -> bool:
        return False

    def add_external_initializers(self, names: Any, values: Any) -> None:
        raise NotImplemented("weights cannot be replaced in a session; write them into the model")

    def add_initializer(self, name: str, value: Any) -> None:
        raise NotImplemented("weights cannot be replaced in a session; write them into the model")

    def register_custom_ops_library(self, path: str) -> None:
        raise NotImplemented(f"operator libraries of onnxruntime cannot be loaded: {path}")


class RunOptions:
    """How one run goes."""

    def __init__(self) -> None:
        self.log_severity_level: int = 2
        self.log_verbosity_level: int = 0
        self.logid: str = ""
        self.only_execute_path_to_fetches: bool = False
        self.training_mode: bool = False
        #: Seconds the run may take; 0: as long as it needs. dlrun's own.
        self.timeout: float = 0.0
        self._entries: dict[str, str] = {}
        # Made at once, so that it reaches runs that began before `terminate` was set.
        self._cancellation = Cancellation()
        self._terminate = False

    @property
    def terminate(self) -> bool:
        """Set True, from any thread, to end every run that was given these options."""
        return self._terminate

    @terminate.setter
    def terminate(self, value: bool) -> None:
        if not value and self._terminate:
            # What was cancelled stays so.
            self._cancellation = Cancellation()
        self._terminate = bool(value)
        if value:
            self._cancellation.cancel()

    def add_run_config_entry(self, key: str, value: str) -> None:
        """Kept, without effect."""
        self._entries[str(key)] = str(value)

    def get_run_config_entry(self, key: str) -> str:
        """Raises InvalidArgument for a key that was not added."""
        if key not in self._entries:
            raise InvalidArgument(f"there is no run config entry '{key}'")
        return self._entries[key]

    def add_active_adapter(self, adapter: Any) -> None:
        raise NotImplemented("adapters are not supported; merge them into the model")


def path_of(model: Any) -> bytes | None:
    """The path that `model` is, or None."""
    if not isinstance(model, (str, os.PathLike)):
        return None
    path = os.fsencode(model)
    if b"\0" in path:
        raise InvalidArgument(f"the path {model!r} holds a NUL")
    return path
