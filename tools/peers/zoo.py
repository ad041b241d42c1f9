"""Models to measure, their inputs and the outputs they should give."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass, field

import numpy as np

#: NumPy's names of the element types that a random input can have.
DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}


class ZooError(Exception):
    """What is wrong with a folder or a model, in words for whoever started the program."""


@dataclass
class Model:
    """A model with inputs of settled shapes."""

    name: str
    path: str
    stored: str | None  # NAME.npz with in_0.. and out_0.., where there is one
    inputs: dict[str, list[int]] = field(default_factory=dict)
    dtypes: dict[str, str] = field(default_factory=dict)
    #: Sizes of the symbols that the inputs' declared shapes leave open.
    symbols: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict:
        return asdict(self)

    def feed(self) -> dict[str, np.ndarray]:
        """The stored inputs, or random ones: the same each time and in each engine."""
        if self.stored is not None:
            stored = np.load(self.stored)
            return {
                name: np.asarray(stored[name if name in stored else f"in_{i}"], order="C")
                for i, name in enumerate(self.inputs)
            }
        random = np.random.default_rng(7)
        made = {}
        for name, shape in self.inputs.items():
            dtype = np.dtype(self.dtypes[name])
            if dtype.kind == "f":
                made[name] = random.standard_normal(shape).astype(dtype)
            else:
                # Small numbers: as indices they stay inside most tables.
                made[name] = random.integers(0, 2 if dtype.kind == "b" else 10, shape).astype(dtype)
        return made

    def expected(self) -> list[np.ndarray] | None:
        """The stored outputs in the model's order, where there are any."""
        if self.stored is None:
            return None
        stored = np.load(self.stored)
        outputs = [stored[f"out_{i}"] for i in range(sum(k.startswith("out_") for k in stored))]
        return outputs or None


def find(folder: str, wanted: list[str]) -> list[Model]:
    """The models of a folder by name; `wanted` names some of them, or is empty for all."""
    if not os.path.isdir(folder):
        raise ZooError(
            f"there is no folder {folder}; expected one of NAME.onnx, each with NAME.npz (in_0..,"
            " out_0..) or without. Ours is made by\n  tools/oracle/install.sh &&"
            " .cache/oracle/bin/python tools/oracle/export_zoo.py .cache/zoo"
        )
    names = sorted(f[:-5] for f in os.listdir(folder) if f.endswith(".onnx"))
    if not names:
        raise ZooError(f"{folder} holds no .onnx files")
    for name in wanted:
        if name not in names:
            raise ZooError(f"{folder} holds no {name}.onnx; it holds {', '.join(names)}")
    models = []
    for name in wanted or names:
        stored = os.path.join(folder, name + ".npz")
        path = os.path.join(folder, name + ".onnx")
        models.append(Model(name, path, stored if os.path.exists(stored) else None))
    return models


def parse_shapes(options: list[str]) -> dict[str, list[int]]:
    """`x=1x3x224x224` or `model:x=1x3x224x224` as {"x": [1, 3, 224, 224]}."""
    shapes = {}
    for option in options:
        name, equals, sizes = option.rpartition("=")
        if not equals or not name or not re.fullmatch(r"\d+(x\d+)*|", sizes):
            raise ZooError(f"--shape expects NAME=1x3x224x224, received '{option}'")
        shapes[name] = [int(n) for n in sizes.split("x")] if sizes else []
    return shapes


def settle(model: Model, declared: list[dict], shapes: dict[str, list[int]]) -> None:
    """Fills in shapes, dtypes and symbols from what an engine says of the model's inputs."""
    stored = np.load(model.stored) if model.stored is not None else None
    for i, port in enumerate(declared):
        name, sizes = port["name"], port["shape"]
        if stored is not None:
            key = name if name in stored else f"in_{i}"
            if key not in stored:
                raise ZooError(f"{model.stored} holds neither {name} nor in_{i}")
            shape, dtype = list(stored[key].shape), str(stored[key].dtype)
        else:
            said = shapes.get(f"{model.name}:{name}", shapes.get(name))
            if said is not None:
                shape = said
            else:
                # The first axis left open is most often the batch; another must be said.
                shape = [1 if a == 0 and not isinstance(n, int) else n for a, n in enumerate(sizes)]
                if not all(isinstance(n, int) and n >= 0 for n in shape):
                    text = "x".join(str(n) for n in sizes)
                    raise ZooError(f"input {name} is {text}; say --shape {name}=...")
            if port["type"] not in DTYPES:
                raise ZooError(
                    f"input {name} is a {port['type']}; store inputs in {model.name}.npz"
                )
            dtype = DTYPES[port["type"]]
        if len(shape) != len(sizes):
            raise ZooError(f"input {name} has {len(sizes)} axes, received shape {shape}")
        for declared_size, n in zip(sizes, shape):
            if isinstance(declared_size, str) and declared_size:
                model.symbols[declared_size] = n
        model.inputs[name], model.dtypes[name] = shape, dtype


def error(got: list, want: list[np.ndarray]) -> float:
    """The largest difference over the largest value; infinite where they cannot be compared."""
    if len(got) != len(want):
        return float("inf")
    worst = 0.0
    for a, b in zip(got, want):
        a = np.asarray(a)
        if a.dtype != b.dtype or a.shape != b.shape or b.dtype.kind not in "fiub":
            return float("inf")
        if b.size == 0:
            continue
        a, b = a.astype(np.float64), b.astype(np.float64)
        with np.errstate(invalid="ignore"):  # equal infinities agree
            difference = np.where(a == b, 0.0, np.abs(a - b)).max()
        scale = np.abs(b[np.isfinite(b)]).max(initial=0.0)
        value = difference / scale if scale > 0 else difference
        worst = max(worst, float(value) if np.isfinite(value) else float("inf"))
    return worst
