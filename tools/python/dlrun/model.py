"""What a model is: its inputs and outputs, what its file says of it, and what may run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import _library
from ._types import TENSOR, ValueType
from .errors import InvalidArgument

PROVIDER = "CPUExecutionProvider"


class NodeArg:
    """An input or an output of a model."""

    __slots__ = ("name", "shape", "type", "_dtype", "_kind", "_optional", "_value_type")

    def __init__(self, port: _library.Port) -> None:
        self.name: str = port.name.decode()
        #: Sizes; the name of an open one, None for one without a name. Of containers and of tensors
        #: whose rank is open: none.
        self.shape: list[int | str | None] = []
        for i in range(max(0, port.rank)):
            size: int = port.shape[i]
            # Open sizes without a name are numbered with a question mark.
            symbol: str = port.symbols[i].decode() if size < 0 else ""
            name = symbol if symbol and not symbol.startswith(("?", "unk__")) else None
            self.shape.append(size if size >= 0 else name)
        self._dtype = port.dtype
        self._kind = port.kind
        self._optional = bool(port.is_optional)
        self._value_type = (
            ValueType(TENSOR, port.dtype) if port.kind == TENSOR
            else ValueType.parse(port.type.decode()))
        #: As onnxruntime has it: "tensor(float)", "seq(map(int64,tensor(float)))".
        self.type: str = str(self._value_type)

    def __repr__(self) -> str:
        return f"NodeArg(name='{self.name}', type='{self.type}', shape={self.shape})"


class ModelMetadata:
    """What a model's file says of itself."""

    def __init__(self, info: _library.ModelInfo, properties: dict[str, str]) -> None:
        self.producer_name: str = info.producer.decode()
        self.graph_name: str = info.graph.decode()
        self.domain: str = info.domain.decode()
        self.description: str = info.description.decode()
        self.graph_description: str = info.graph_description.decode()
        self.version: int = info.version
        self.custom_metadata_map: dict[str, str] = properties


def check_providers(providers: Sequence[Any] | None) -> None:
    """Refuses a choice of providers without the CPU's.

    Raises InvalidArgument for such a choice and for what is none.
    """
    if providers is None:
        return
    if isinstance(providers, str):
        raise InvalidArgument(f"providers is the string {providers!r}, expected a list")
    names = []
    for p in providers:
        name = p[0] if isinstance(p, tuple) and p else p
        if not isinstance(name, str):
            raise InvalidArgument(f"providers has {p!r}, expected a name or (name, options)")
        names.append(name)
    if names and PROVIDER not in names:
        raise InvalidArgument(
            f"providers {names} are not available, expected {PROVIDER} among them")
