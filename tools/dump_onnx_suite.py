#!/usr/bin/env python3
"""Write the ONNX backend suite as files that `dlrun verify` reads.

usage: dump_onnx_suite.py OUT [--light DIR]

OUT/<kind>/<case>/model.onnx and test_data_set_<I>/{input,output}_<J>.pb for the kinds node,
simple, pytorch-converted and pytorch-operator; `tol.json` where a case has a tolerance of its own
(the suite's own default is rtol 1e-3, atol 1e-7). With --light, the nine light_* networks go to
DIR/<name>/ in the same layout.

The same installed versions always write the same bytes: the cases of a file of the onnx package
are made after seeding NumPy with that file's name, and random strings do not depend on hashing.
Made for onnx 1.23.2, numpy 2.4.6, ml_dtypes 0.6.0; tools/test installs exactly these. Without
Pillow the ImageDecoder cases come from the data frozen in the package, which is what we want.
"""

import argparse
import importlib
import json
import os
import pkgutil
import shutil
import sys
import warnings
import zlib

sys.modules["PIL"] = None  # the frozen images, whether Pillow is there or not
warnings.filterwarnings("ignore", category=RuntimeWarning)  # cases that divide by zero on purpose

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, numpy_helper

DATA = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")
STORED_KINDS = ("simple", "pytorch-converted", "pytorch-operator")
EXPECTED_CASES = 2024
DEFAULT_TOLERANCE = (1e-3, 1e-7)


def write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def write_tolerance(folder: str, rtol: float, atol: float) -> None:
    if (rtol, atol) != DEFAULT_TOLERANCE:
        text = json.dumps({"rtol": rtol, "atol": atol}) + "\n"
        write(os.path.join(folder, "tol.json"), text.encode())


def import_cases(package) -> None:
    """Import every case module below `package`; each import appends its cases to a list."""
    for _, name, is_package in pkgutil.iter_modules(package.__path__):
        full_name = f"{package.__name__}.{name}"
        np.random.seed(zlib.crc32(full_name.encode()))
        module = importlib.import_module(full_name)
        if is_package:
            import_cases(module)


def value_bytes(value, info: onnx.ValueInfoProto) -> bytes:
    """The protobuf the suite stores for a value declared as `info`."""
    kind = info.type.WhichOneof("value")
    if isinstance(value, TensorProto):
        proto = value
    elif kind == "sequence_type":
        proto = numpy_helper.from_list(value, info.name)
    elif kind == "optional_type":
        proto = numpy_helper.from_optional(value, info.name)
    elif kind == "map_type":
        proto = numpy_helper.from_dict(value, info.name)
    elif kind == "tensor_type":
        proto = numpy_helper.from_array(np.asarray(value), info.name)
    else:
        raise ValueError(f"{info.name}: no way to store a value of kind {kind}")
    return proto.SerializeToString(deterministic=True)


def dump_node_cases(out: str) -> int:
    import onnx.backend.test.case.node as node

    import_cases(node)
    for case in node._NodeTestCases:
        folder = os.path.join(out, "node", case.name)
        os.makedirs(folder)
        write(os.path.join(folder, "model.onnx"), case.model.SerializeToString(deterministic=True))
        write_tolerance(folder, case.rtol, case.atol)
        for i, (inputs, outputs) in enumerate(case.data_sets):
            data_set = os.path.join(folder, f"test_data_set_{i}")
            os.makedirs(data_set)
            graph = case.model.graph
            for kind, values, infos in (
                ("input", inputs, graph.input),
                ("output", outputs, graph.output),
            ):
                for j, value in enumerate(values):
                    path = os.path.join(data_set, f"{kind}_{j}.pb")
                    write(path, value_bytes(value, infos[j]))
    return len(node._NodeTestCases)


def copy_stored_cases(out: str) -> int:
    count = 0
    for kind in STORED_KINDS:
        for name in sorted(os.listdir(os.path.join(DATA, kind))):
            source = os.path.join(DATA, kind, name)
            if not os.path.exists(os.path.join(source, "model.onnx")):
                continue
            target = os.path.join(out, kind, name)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("data.json", "*.py"))
            settings = os.path.join(source, "data.json")
            if os.path.exists(settings):
                with open(settings, encoding="utf-8") as file:
                    own = json.load(file)
                rtol, atol = DEFAULT_TOLERANCE
                write_tolerance(target, own.get("rtol", rtol), own.get("atol", atol))
            count += 1
    return count


def dump_light(out: str) -> int:
    """The light networks with the input of onnx's own runner, i/n, and the stored outputs."""
    count = 0
    for folder in sorted(os.listdir(os.path.join(DATA, "real"))):
        with open(os.path.join(DATA, "real", folder, "data.json"), encoding="utf-8") as file:
            settings = json.load(file)
        name = "light_" + settings["model_name"]
        target = os.path.join(out, name)
        data_set = os.path.join(target, "test_data_set_0")
        os.makedirs(data_set)
        source = os.path.join(DATA, "light", name)
        shutil.copy(source + ".onnx", os.path.join(target, "model.onnx"))
        write_tolerance(target, settings["rtol"], settings["atol"])

        model = ModelProto()
        with open(source + ".onnx", "rb") as file:
            model.ParseFromString(file.read())
        given = {tensor.name for tensor in model.graph.initializer}
        inputs = [info for info in model.graph.input if info.name not in given]
        for j, info in enumerate(inputs):
            dims = info.type.tensor_type.shape.dim
            shape = [d.dim_value if d.HasField("dim_value") else 1 for d in dims]
            n = int(np.prod(shape))
            value = (np.arange(n).reshape(shape) / n).astype(np.float32)
            write(os.path.join(data_set, f"input_{j}.pb"), value_bytes(value, info))
        for j in range(len(model.graph.output)):
            shutil.copy(f"{source}_output_{j}.pb", os.path.join(data_set, f"output_{j}.pb"))
        count += 1
    return count


def fresh(path: str) -> str:
    """An empty folder beside `path`, to be renamed to it when it is complete."""
    part = path.rstrip("/") + ".part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    return part


def publish(part: str, path: str) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.rename(part, path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="folder for the cases; replaced when it exists")
    parser.add_argument("--light", help="folder for the light_* networks; replaced when it exists")
    arguments = parser.parse_args()

    part = fresh(arguments.out)
    count = dump_node_cases(part) + copy_stored_cases(part)
    if count != EXPECTED_CASES:
        print(f"dump_onnx_suite: made {count} cases, expected {EXPECTED_CASES}", file=sys.stderr)
        return 1
    publish(part, arguments.out)
    print(f"{count} cases in {arguments.out}")
    if arguments.light:
        part = fresh(arguments.light)
        light = dump_light(part)
        publish(part, arguments.light)
        print(f"{light} networks in {arguments.light}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
