#!/usr/bin/env python3
"""Compares Sources/CSchemas/protos/onnx.proto with the descriptors of the onnx package: every
message, field number, label and wire type. Enumerations are int32 in our schema, and `cut` is
our own. Needs: onnx, protoc. Exit status 1 when they differ.
"""
import pathlib
import subprocess
import sys
import tempfile

import onnx.onnx_data_pb2
import onnx.onnx_ml_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as F

OURS_ONLY = {("TensorProto", "cut")}


def fields(messages, outer=""):
    """Yields (message, field, number, label, type or message name, packed, choice)."""
    for message in messages:
        name = outer + message.name
        for f in message.field:
            kind = F.Type.Name(f.type)
            if f.type == F.TYPE_ENUM:
                kind = "TYPE_INT32"
            if f.type == F.TYPE_MESSAGE:
                kind = f.type_name.removeprefix(".").removeprefix("dlrun.").removeprefix("onnx.")
            choice = message.oneof_decl[f.oneof_index].name if f.HasField("oneof_index") else ""
            yield name, f.name, f.number, f.label, kind, f.options.packed, choice
        yield from fields(message.nested_type, name + ".")


def read(data):
    return descriptor_pb2.FileDescriptorSet.FromString(data).file


def main():
    folder = pathlib.Path(__file__).resolve().parent.parent / "Sources/CSchemas/protos"
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(
            ["protoc", f"--proto_path={folder}", f"--descriptor_set_out={out.name}",
             str(folder / "onnx.proto")], check=True)
        ours = {x for file in read(pathlib.Path(out.name).read_bytes())
                for x in fields(file.message_type)}
    theirs = set()
    for module in (onnx.onnx_ml_pb2, onnx.onnx_data_pb2):
        proto = descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
        theirs |= set(fields(proto.message_type))
    ours = {x for x in ours if x[:2] not in OURS_ONLY}
    for x in sorted(ours - theirs):
        print("only in our schema:", *x)
    for x in sorted(theirs - ours):
        print("only in onnx:", *x)
    print(f"{len(ours & theirs)} fields agree with onnx {onnx.__version__}")
    return 1 if ours != theirs else 0


if __name__ == "__main__":
    sys.exit(main())
