"""dlrun: runs ONNX models on CPUs. `import dlrun as ort` runs common programs of onnxruntime's users.

>>> session = dlrun.InferenceSession("model.onnx", threads=2)
>>> outputs = session.run(None, {"x": array})
"""

from __future__ import annotations

from . import errors
from ._library import library as _engine
from .binding import IOBinding, OrtValue
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
)
from .model import ModelMetadata, NodeArg
from .options import ExecutionMode, ExecutionOrder, GraphOptimizationLevel, RunOptions, SessionOptions
from .session import InferenceSession

__version__: str = _engine.dlrun_version().decode()

__all__ = [
    "Cancelled", "DLRunError", "ExecutionMode", "ExecutionOrder", "Fail", "GraphOptimizationLevel",
    "IOBinding", "InferenceSession", "InvalidArgument", "InvalidGraph", "InvalidProtobuf",
    "ModelMetadata", "NoSuchFile", "NodeArg", "NotImplemented", "OrtValue", "OutOfMemory",
    "RunOptions", "SessionOptions", "errors", "get_all_providers", "get_available_providers",
    "get_device", "get_version_string", "set_default_logger_severity", "set_default_logger_verbosity",
]


def get_available_providers() -> list[str]:
    return ["CPUExecutionProvider"]


get_all_providers = get_available_providers


def get_device() -> str:
    return "CPU"


def get_version_string() -> str:
    return __version__


def set_default_logger_severity(level: int) -> None:
    """dlrun prints nothing; kept for programs that set it."""


set_default_logger_verbosity = set_default_logger_severity


def disable_telemetry_events() -> None:
    """There are none."""


enable_telemetry_events = disable_telemetry_events
