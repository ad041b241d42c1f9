"""What goes wrong, as exceptions: the names that onnxruntime's users catch, and one for all.

They are in `dlrun` itself, and under onnxruntime's path in
`dlrun.capi.onnxruntime_pybind11_state`.
"""

from __future__ import annotations

from ._library import library


class DLRunError(RuntimeError):
    """Any failure that dlrun reports. `code` is its short name: "shape", "malformed", ..."""

    code = "usage"


class Fail(DLRunError):
    """A failure without a kind of its own."""

    code = "io"


class InvalidArgument(DLRunError, ValueError):
    """A name, shape, element type or value that does not fit."""


class NoSuchFile(DLRunError, FileNotFoundError):
    """A file that is not there."""

    code = "input missing"

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class InvalidProtobuf(DLRunError):
    """A file that is no ONNX model."""

    code = "malformed"


class InvalidGraph(DLRunError):
    """A model that breaks the format's rules."""

    code = "invalid model"


class NotImplemented(Fail, NotImplementedError):  # noqa: A001: onnxruntime's name
    """An operator or a feature that dlrun does not have."""

    code = "unsupported"


class OutOfMemory(DLRunError, MemoryError):
    """A budget of memory is used up."""

    code = "budget"


class Cancelled(Fail):
    """The run was ended from outside, or its time was up."""

    code = "cancelled"


class RuntimeException(DLRunError):
    """A defect of dlrun."""

    code = "internal"


_CLASSES: dict[int, type[DLRunError]] = {
    1: InvalidArgument,
    2: InvalidArgument,
    3: InvalidArgument,
    4: InvalidArgument,
    5: NoSuchFile,
    6: InvalidProtobuf,
    7: InvalidGraph,
    8: NotImplemented,
    9: OutOfMemory,
    10: Cancelled,
    11: Cancelled,
    12: Fail,
    13: NotImplemented,
    14: RuntimeException,
}


def check(status: int) -> None:
    """Raises the exception of a status other than 0, with this thread's message."""
    if status == 0:
        return
    message = library.dlrun_error_message().decode("utf-8", "replace")
    error = _CLASSES.get(status, Fail)(message)
    error.code = library.dlrun_status_name(status).decode()
    raise error
