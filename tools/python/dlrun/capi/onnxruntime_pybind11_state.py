"""The exceptions under the path at which programs written for onnxruntime import them."""

from ..errors import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
    OutOfMemory,
    RuntimeException,
)

#: Kinds that dlrun does not tell apart from others.
NoModel = InvalidProtobuf
ModelLoaded = Fail
EngineError = RuntimeException
EPFail = Fail
NotFound = NoSuchFile

__all__ = [
    "EPFail", "EngineError", "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf",
    "ModelLoaded", "NoModel", "NoSuchFile", "NotFound", "NotImplemented", "OutOfMemory",
    "RuntimeException",
]
