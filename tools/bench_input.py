#!/usr/bin/env python3
"""Measure how long training waits for its data, on a table and on folders of images.

usage: tools/bench_input.py DLRUN [--threads N] [--json]
Makes a table of 40,000 rows of 20 numbers and 2 columns of text, and 1,000 pictures of 64 by 64 pixels
in two folders as PNG, and as JPEG where Pillow is installed; trains on each with `dlrun train --json` for
a few epochs, with the network that is chosen for them, and prints the share of the time of training in
which the trainer stood still for want of a batch (`waited for data`: waiting for the thread that reads
ahead, the beginnings of epochs and validation included).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib


def table(path: str) -> None:
    draw = random.Random(1)
    with open(path, "w") as file:
        file.write(",".join(f"c{i}" for i in range(20)) + ",colour,kind,label\n")
        for _ in range(40_000):
            row = [draw.random() for _ in range(20)]
            colour, kind = draw.choice(["red", "green", "blue"]), draw.choice(["a", "b", "c", "d"])
            label = "yes" if sum(row) + (colour == "red") > 10.4 else "no"
            file.write(",".join(f"{v:.4f}" for v in row) + f",{colour},{kind},{label}\n")


def png(path: str, side: int, pixels: bytes) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + pixels[3 * side * y : 3 * side * (y + 1)] for y in range(side))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def pictures(folder: str, ending: str, side: int = 64) -> bool:
    draw = random.Random(2)
    if ending == "jpg":
        try:
            from PIL import Image
        except ImportError:
            return False
    for kind in ("left", "right"):
        os.makedirs(f"{folder}/{kind}")
        for i in range(500):
            base = [90 * ((x < side // 2) == (kind == "left")) for x in range(side)]
            noise = draw.randbytes(side * side * 3)
            pixels = bytes(base[p // 3 % side] + noise[p] % 120 for p in range(len(noise)))
            path = f"{folder}/{kind}/{i:03}.{ending}"
            if ending == "png":
                png(path, side, pixels)
            else:
                Image.frombytes("RGB", (side, side), pixels).save(path, quality=90)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].splitlines()[0])
    parser.add_argument("dlrun")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    shares = {}
    with tempfile.TemporaryDirectory() as folder:
        table(f"{folder}/table.csv")
        cases = [("table", f"{folder}/table.csv", 3)]
        for ending in ("png", "jpg"):
            if pictures(f"{folder}/{ending}", ending):
                cases.append((ending, f"{folder}/{ending}", 2))
        for name, data, epochs in cases:
            words = [options.dlrun, "train", data, "-o", f"{folder}/m.onnx", "--json", "--quiet"]
            words += ["--epochs", str(epochs)]
            if options.threads:
                words += ["--threads", str(options.threads)]
            out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
            shares[name] = json.loads(out)["waited for data"]
            if not options.json:
                print(f"{name}: waited for data {100 * shares[name]:.2f} % of the time", flush=True)
    if options.json:
        print(json.dumps(shares))
    return 0


sys.exit(main())
