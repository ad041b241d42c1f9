"""HDF5 files with every form of data that the reader takes.

usage: hdf5_kinds.py OUT     (h5py and numpy; see keras-requirements.txt)
"""

import os
import sys

import h5py
import numpy as np

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
for name, kw in (("kinds.h5", {}), ("kinds_latest.h5", {"libver": "latest"})):
    with h5py.File(os.path.join(out, name), "w", **kw) as f:
        f.attrs["text"] = "héllo"
        f.attrs["fixed"] = np.array([b"a", b"bcd"])
        f.attrs["list"] = ["x", "", "longer text"]
        g = f.create_group("types")
        x = np.array([[0, 1.5, -2], [3, 4, 5]])
        # Groups of more than eight members stand in a fractal heap in the newest layout.
        for t in ("f2", "f4", "f8", "i8"):
            g.create_dataset(t, data=x.astype(t))
        g.create_dataset("u1", data=np.array([[0, 1, 254], [3, 4, 5]], "u1"))
        g["i8"][...] = np.array([[0, 1, -2], [3, 4, 5]])
        g.create_dataset("bool", data=np.array([True, False, True]))
        g.create_dataset("text", data=np.array([b"one", b"three"]))
        g = f.create_group("shapes")
        g.create_dataset("scalar", data=np.float32(3))
        g.create_dataset("empty", data=np.zeros((0, 4), "f4"))
        if kw:
            for i in range(12):
                f.require_group("dense").create_dataset(str(i), data=np.array([i], "i4"))
            continue
        c = f.create_group("chunks")
        y = np.arange(35, dtype="f4").reshape(5, 7)
        c.create_dataset("plain", data=y, chunks=(2, 3))
        c.create_dataset("deflate", data=y, chunks=(2, 3), compression="gzip")
        c.create_dataset("shuffle", data=y, chunks=(5, 2), shuffle=True)
        c.create_dataset("fletcher", data=y, chunks=(2, 7), fletcher32=True)
        c.create_dataset("all", data=y, chunks=(3, 3), compression="gzip", shuffle=True, fletcher32=True)
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((3,))
        d = h5py.h5d.create(f.id, b"compact", h5py.h5t.NATIVE_INT32, space, layout)
        d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([7, 8, 9], "i4"))
        m = f.create_group("many")
        for i in range(40):
            m.create_dataset(str(i), data=np.array([i], "i4"))
