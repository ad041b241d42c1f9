"""Keras files that a reader must refuse, one for each kind of attack on record.

usage: keras_attacks.py OUT

Needs h5py and numpy. Kinds: code in Lambda layers, configurations that name modules, HDF5 shape
bombs, external storage, external and soft links, virtual datasets, members of a zip that lead
outside or unpack to far more than they take. Sources: CVE-2025-1550, CVE-2025-8747, CVE-2025-9905,
CVE-2025-9906, CVE-2026-0897, CVE-2026-1669 of Keras.
"""

import io
import json
import os
import struct
import sys
import zipfile

import h5py
import numpy as np

OUT = sys.argv[1]
os.makedirs(OUT, exist_ok=True)


def dense(name="dense"):
    return {
        "module": "keras.layers", "class_name": "Dense", "registered_name": None,
        "config": {"name": name, "units": 2, "activation": "linear", "use_bias": True},
    }


def model(*layers):
    first = {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, 3], "dtype": "float32", "name": "x"}}
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": [first, *layers]}}


def weights(fill=None, **kw):
    data = io.BytesIO()
    with h5py.File(data, "w", **kw) as f:
        v = f.create_group("layers/dense/vars")
        if fill:
            fill(f, v)
        else:
            v.create_dataset("0", data=np.ones((3, 2), "f4"))
            v.create_dataset("1", data=np.zeros(2, "f4"))
    return data.getvalue()


def archive(name, config, h5=None, extra=(), compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(os.path.join(OUT, name), "w", compression) as z:
        def put(member, data):
            z.writestr(zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0)), data, compression)

        put("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        put("config.json", json.dumps(config))
        put("model.weights.h5", weights() if h5 is None else h5)
        for member, data in extra:
            put(member, data)


def legacy(name, config, fill=None):
    with h5py.File(os.path.join(OUT, name), "w") as f:
        f.attrs["model_config"] = json.dumps(config)
        f.attrs["keras_version"] = "3.15.1"
        g = f.create_group("model_weights/dense")
        g.attrs["weight_names"] = [b"dense/kernel", b"dense/bias"]
        g = g.create_group("dense")
        if fill:
            fill(f, g)
        else:
            g.create_dataset("kernel", data=np.ones((3, 2), "f4"))
            g.create_dataset("bias", data=np.zeros(2, "f4"))


archive("plain.keras", model(dense()))
legacy("plain.h5", model(dense()))

code = {"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}}
hidden = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "lambda", "function": code}}
archive("lambda.keras", model(dense(), hidden))
legacy("lambda.h5", model(dense(), hidden))
archive("lambda_in_wrapper.keras", model({"module": "keras.layers", "class_name": "TimeDistributed", "config": {"name": "t", "layer": hidden}}))
archive("module.keras", model({"module": "os", "class_name": "system", "config": {"name": "x", "command": "id"}}))
archive("module_layer.keras", model({**dense(), "module": "evil.layers"}))
archive("function.keras", model({**dense(), "config": {**dense()["config"], "activation": {"module": "builtins", "class_name": "function", "config": "exec"}}}))
archive("unsafe.keras", model({"module": "keras.config", "class_name": "enable_unsafe_deserialization", "config": {}}))


def bomb(f, v):
    v.create_dataset("0", shape=(3, 2), dtype="f4", data=np.ones((3, 2), "f4"))
    v.create_dataset("1", data=np.zeros(2, "f4"))


def blown(data):
    """The kernel's sizes, both current and greatest, as 2^25 by 2^24: 2 PiB from 24 bytes."""
    small = struct.pack("<QQ", 3, 2)
    return data.replace(small, struct.pack("<QQ", 1 << 25, 1 << 24))


archive("shape_bomb.keras", model(dense()), blown(weights(bomb)))
legacy("shape_bomb.h5", model(dense()))
path = os.path.join(OUT, "shape_bomb.h5")
data = blown(open(path, "rb").read())
open(path, "wb").write(data)


def chunk_bomb(f, v):
    # Chunks that were never written: a huge dataset of almost no bytes.
    v.create_dataset("0", shape=(1 << 24, 1 << 20), dtype="f4", chunks=(1 << 10, 1 << 10), compression="gzip")
    v.create_dataset("1", data=np.zeros(2, "f4"))


archive("chunk_bomb.keras", model(dense()), weights(chunk_bomb))


def external_storage(f, v):
    v.create_dataset("0", (3, 2), "f4", external=[("/etc/passwd", 0, 24)])
    v.create_dataset("1", data=np.zeros(2, "f4"))


archive("external_storage.keras", model(dense()), weights(external_storage))
legacy("external_storage.h5", model(dense()), lambda f, g: [g.create_dataset("kernel", (3, 2), "f4", external=[("/etc/passwd", 0, 24)]), g.create_dataset("bias", data=np.zeros(2, "f4"))])


def external_link(f, v):
    v["0"] = h5py.ExternalLink("other.h5", "/secret")
    v.create_dataset("1", data=np.zeros(2, "f4"))


archive("external_link.keras", model(dense()), weights(external_link))
archive("external_link_latest.keras", model(dense()), weights(external_link, libver="latest"))


def soft_link(f, v):
    f.create_dataset("hidden", data=np.ones((3, 2), "f4"))
    v["0"] = h5py.SoftLink("/hidden")
    v.create_dataset("1", data=np.zeros(2, "f4"))


archive("soft_link.keras", model(dense()), weights(soft_link))


def virtual(f, v):
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "secret", (3, 2), "f4")
    v.create_virtual_dataset("0", layout)
    v.create_dataset("1", data=np.zeros(2, "f4"))


archive("virtual.keras", model(dense()), weights(virtual, libver="latest"))
archive("traversal.keras", model(dense()), extra=[("../outside.txt", b"x")])
archive("absolute.keras", model(dense()), extra=[("/etc/outside.txt", b"x")])
archive("zip_bomb.keras", model(dense()), h5=b"\0" * (64 << 20), compression=zipfile.ZIP_DEFLATED)
path = os.path.join(OUT, "zip_bomb.keras")
data = bytearray(open(path, "rb").read())
size = struct.pack("<I", 64 << 20)
while size in data:  # It claims 2 GiB in both headers, beyond what deflate can give.
    at = data.index(size)
    data[at : at + 4] = struct.pack("<I", 0x7FFFFFFF)
open(path, "wb").write(data)
deep = dense()
for _ in range(200):
    deep = {"module": "keras.layers", "class_name": "TimeDistributed", "config": {"name": "t", "layer": deep}}
archive("deep.keras", model(deep))
archive("stateful.keras", model({"module": "keras.layers", "class_name": "LSTM", "config": {"name": "lstm", "units": 2, "stateful": True}}))
archive("weights_npz.keras", model(dense()), h5=b"")
print(sorted((n, os.path.getsize(os.path.join(OUT, n))) for n in os.listdir(OUT)))
