#!/usr/bin/env python3
"""Write torch.export archives again in the layout that torch 2.1 to 2.7 gave them.

usage: torch_old_layout.py OUT FILE.pt2...
Before 2.8, `torch.export.save` wrote a zip of `serialized_exported_program.json`, tensors as pickles
(`serialized_state_dict.pt`, `serialized_constants.pt`, `serialized_example_inputs.pt`) and `version`.
Today's serialiser still makes these parts, and `torch.export.load` reads them, which is checked here.
Made with torch 2.13.0. NAME.npz beside FILE is copied.
"""

import os
import shutil
import sys
import zipfile

import torch
from torch._export.serde.schema import SCHEMA_VERSION
from torch._export.serde.serialize import serialize


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    for path in sys.argv[2:]:
        program = torch.export.load(path)
        parts = serialize(program, None)
        target = os.path.join(out, os.path.basename(path))
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("serialized_exported_program.json", parts.exported_program)
            archive.writestr("serialized_state_dict.pt", parts.state_dict)
            archive.writestr("serialized_constants.pt", parts.constants)
            archive.writestr("serialized_example_inputs.pt", parts.example_inputs)
            archive.writestr("version", ".".join(map(str, SCHEMA_VERSION)))
        again = torch.export.load(target)
        assert str(again.graph) == str(program.graph), path
        arrays = path.removesuffix(".pt2").removesuffix(".core") + ".npz"
        if os.path.exists(arrays):
            shutil.copy(arrays, out)


if __name__ == "__main__":
    main()
