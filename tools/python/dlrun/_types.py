"""Types of a model's inputs and outputs, from dlrun's words for them."""

from __future__ import annotations

from dataclasses import dataclass

from . import _dtypes

TENSOR, SEQUENCE, OPTIONAL, MAP = 1, 2, 3, 4


@dataclass(frozen=True)
class ValueType:
    """A tensor of elements `code` (0: not known), or a container."""

    kind: int
    code: int = 0
    element: ValueType | None = None

    @staticmethod
    def parse(text: str) -> ValueType:
        """From words such as "sequence of map from int64 to float32[]"."""
        for kind, prefix in ((SEQUENCE, "sequence of "), (OPTIONAL, "optional ")):
            if text.startswith(prefix):
                return ValueType(kind, element=ValueType.parse(text[len(prefix) :]))
        if text.startswith("map from "):
            keys, _, values = text[len("map from ") :].partition(" to ")
            return ValueType(MAP, _dtypes.CODES.get(keys, 0), ValueType.parse(values))
        name = text.removeprefix("sparse ").partition("[")[0]
        return ValueType(TENSOR, _dtypes.CODES.get(name, 0))

    def __str__(self) -> str:
        """As onnxruntime has it: "seq(map(int64,tensor(float)))"."""
        name = _dtypes.NAMES.get(self.code, "?")
        if self.kind == SEQUENCE:
            return f"seq({self.element})"
        if self.kind == OPTIONAL:
            return f"optional({self.element})"
        if self.kind == MAP:
            return f"map({name},{self.element})"
        return f"tensor({name})"
