"""What a model is: its inputs and outputs, what its file says of it, and what may run it."""

from __future__ import annotations

from . import _dtypes, _library
from .errors import InvalidArgument

PROVIDER = "CPUExecutionProvider"


class NodeArg:
    """An input or an output of a model."""

    __slots__ = ("name", "shape", "type", "_dtype", "_kind", "_optional")

    def __init__(self, port: _library.Port) -> None:
        self.name: str = port.name.decode()
        #: Sizes; the name of an open one, None for one without a name.
        self.shape: list[int | str | None] = []
        for i in range(max(0, port.rank)):
            size = port.shape[i]
            symbol = port.symbols[i].decode() if size < 0 else ""
            self.shape.append(size if size >= 0 else symbol if symbol and not symbol.startswith("unk__") else None)
        self._dtype: int = port.dtype
        self._kind: int = port.kind
        self._optional = bool(port.is_optional)
        #: As onnxruntime has it: "tensor(float)"; containers in dlrun's words.
        self.type: str = (
            f"tensor({_dtypes.NAMES.get(port.dtype, '?')})" if port.kind == 1 else port.type.decode())

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


def check_providers(providers) -> None:
    if providers is None or len(providers) == 0:
        return
    names = [p if isinstance(p, str) else p[0] for p in providers]
    if PROVIDER not in names:
        raise InvalidArgument(f"providers {names} are not available, expected {PROVIDER} among them")
