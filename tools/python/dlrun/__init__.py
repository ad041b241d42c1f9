"""dlrun: runs ONNX models on CPUs, behind an interface close to onnxruntime's.

`import dlrun as ort` runs common programs of onnxruntime's users.

>>> session = dlrun.InferenceSession("model.onnx", threads=2)
>>> outputs = session.run(None, {"x": array})
"""

from __future__ import annotations

from . import backend, capi, errors
from ._library import library as _engine
from .binding import IOBinding, OrtValue, SessionIOBinding
from .errors import (
    Cancelled,
    DLRunError,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
    OutOfMemory,
    RuntimeException,
)
from .model import ModelMetadata, NodeArg
from .options import (
    ExecutionMode,
    ExecutionOrder,
    GraphOptimizationLevel,
    RunOptions,
    SessionOptions,
)
from .session import InferenceSession

__version__: str = _engine.dlrun_version().decode()

__all__ = [
    "Cancelled", "DLRunError", "ExecutionMode", "ExecutionOrder", "Fail", "GraphOptimizationLevel",
    "IOBinding", "InferenceSession", "InvalidArgument", "InvalidGraph", "InvalidProtobuf",
    "ModelMetadata", "NoSuchFile", "NodeArg", "NotImplemented", "OrtValue", "OutOfMemory",
    "RunOptions", "RuntimeException", "SessionIOBinding", "SessionOptions", "backend", "capi",
    "disable_telemetry_events", "enable_telemetry_events", "errors", "get_all_providers",
    "get_available_providers", "get_build_info", "get_device", "get_version_string",
    "set_default_logger_severity", "set_default_logger_verbosity", "set_seed",
]


def get_available_providers() -> list[str]:
    """The CPU's, alone."""
    return ["CPUExecutionProvider"]


def get_all_providers() -> list[str]:
    """The CPU's, alone."""
    return get_available_providers()


def get_device() -> str:
    """What models run on."""
    return "CPU"


def get_version_string() -> str:
    """The library's version."""
    return __version__


def get_build_info() -> str:
    """The library's name and version."""
    return f"dlrun {__version__}"


def set_default_logger_severity(severity: int) -> None:
    """dlrun prints nothing; kept for programs that set it."""


def set_default_logger_verbosity(verbosity: int) -> None:
    """dlrun prints nothing; kept for programs that set it."""


def set_seed(seed: int) -> None:
    """Random operators of a model without a `seed` attribute draw anew each time.

    Raises NotImplemented: a seed for all of a process cannot be set.
    """
    raise NotImplemented("set the seed attribute of the model's random operators instead")


def disable_telemetry_events() -> None:
    """There are none."""


def enable_telemetry_events() -> None:
    """There are none."""
