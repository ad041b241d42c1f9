"""ONNX' backend interface: `prepare` a model, then `run` it; or both at once with `run_model`.

>>> rep = backend.prepare("model.onnx", "CPU")
>>> outputs = rep.run(array)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import InvalidArgument
from .options import RunOptions, SessionOptions
from .session import InferenceSession


def supports_device(device: str) -> bool:
    """Whether models run on a device such as "CPU"."""
    return str(device).upper().partition(":")[0] == "CPU"


def is_compatible(model: Any, device: str = "CPU", **kwargs: Any) -> bool:
    """Whether a model is one that `prepare` takes."""
    try:
        prepare(model, device, **kwargs)
    except RuntimeError:
        return False
    return True


class BackendRep:
    """A model made ready to run."""

    def __init__(self, session: InferenceSession) -> None:
        self.session = session

    def run(self, inputs: Any, **kwargs: Any) -> list[Any]:
        """Runs the model on a list of inputs in the model's order, a dict of them by name, or the
        only input itself. `kwargs`: fields of RunOptions."""
        options = None
        if kwargs:
            options = RunOptions()
            for name, value in kwargs.items():
                if not hasattr(options, name):
                    raise InvalidArgument(f"RunOptions has no {name!r}")
                setattr(options, name, value)
        ports = self.session.get_inputs()
        if isinstance(inputs, Mapping):
            feed = dict(inputs)
        elif isinstance(inputs, (list, tuple)):
            if len(inputs) > len(ports):
                raise InvalidArgument(f"{len(inputs)} inputs, expected {len(ports)}")
            feed = {p.name: v for p, v in zip(ports, inputs)}
        elif len(ports) == 1:
            feed = {ports[0].name: inputs}
        else:
            raise InvalidArgument(f"one input, expected a list of {len(ports)}")
        return self.session.run(None, feed, options)


def prepare(model: Any, device: str | None = None, **kwargs: Any) -> BackendRep:
    """Makes a model ready to run.

    `model`: a path, the bytes of a model, a ModelProto of the package onnx, or a session. `kwargs`:
    fields of SessionOptions. Raises InvalidArgument for devices other than the CPU.
    """
    if device is not None and not supports_device(device):
        raise InvalidArgument(f"device {device!r}, expected 'CPU'")
    if isinstance(model, BackendRep):
        return model
    if isinstance(model, InferenceSession):
        return BackendRep(model)
    options = SessionOptions()
    for name, value in kwargs.items():
        if not hasattr(options, name):
            raise InvalidArgument(f"SessionOptions has no {name!r}")
        setattr(options, name, value)
    if hasattr(model, "SerializeToString"):
        model = model.SerializeToString()
    return BackendRep(InferenceSession(model, options, ["CPUExecutionProvider"]))


def run_model(model: Any, inputs: Any, device: str | None = None, **kwargs: Any) -> list[Any]:
    """Prepares a model and runs it once."""
    return prepare(model, device).run(inputs, **kwargs)


run = run_model
