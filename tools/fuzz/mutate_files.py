"""Converts mutated copies of small files with `dlrun convert` and reports every run that ends by a
signal, with the status of a defect (70), or takes longer than ten seconds.

    python3 tools/fuzz/mutate_files.py [--dlrun PATH] [--minutes 10] [--seed 1] --to OUT.npz FILE...

Mutations: bits flipped, bytes set to extremes, integers of 4 and 8 bytes replaced by ones that wrap,
pieces cut out, doubled or moved, ends cut off. It knows nothing of coverage; the readers' tests go
through every truncation and every bit.
"""

import argparse
import os
import random
import struct
import subprocess
import sys
import tempfile
import time

EXTREMES = [0, 1, 0x7F, 0x80, 0xFF]
WIDE = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1]


def mutated(data, r):
    data = bytearray(data)
    for _ in range(r.choice([1, 1, 2, 4, 8])):
        if not data:
            break
        i = r.randrange(len(data))
        kind = r.randrange(7)
        if kind == 0:
            data[i] ^= 1 << r.randrange(8)
        elif kind == 1:
            data[i] = r.choice(EXTREMES)
        elif kind == 2:
            data[i:i + 8] = struct.pack("<Q", r.choice(WIDE))
        elif kind == 3:
            data[i:i + 4] = struct.pack("<I", r.choice(WIDE) & 0xFFFFFFFF)
        elif kind == 4:
            del data[i:i + r.randrange(1, 64)]
        elif kind == 5:
            piece = data[i:i + r.randrange(1, 64)]
            j = r.randrange(len(data))
            data[j:j] = piece
        else:
            del data[i:]
    return bytes(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--dlrun", default=".build/release/dlrun")
    parser.add_argument("--to", default="out.npz")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    seeds = [open(f, "rb").read() for f in a.files]
    r = random.Random(a.seed)
    end = time.time() + a.minutes * 60
    runs = bad = accepted = 0
    with tempfile.TemporaryDirectory() as folder:
        while time.time() < end:
            k = r.randrange(len(seeds))
            path = folder + "/in" + os.path.splitext(a.files[k])[1]
            with open(path, "wb") as f:
                f.write(mutated(seeds[k], r))
            try:
                p = subprocess.run(
                    [a.dlrun, "convert", path, "-o", os.path.join(folder, a.to)],
                    capture_output=True, timeout=10, preexec_fn=None)
                status = p.returncode
            except subprocess.TimeoutExpired:
                status = "timeout"
            runs += 1
            accepted += status == 0
            if status == "timeout" or status < 0 or status in (70, 132, 139):
                bad += 1
                kept = f"crash-{runs}{os.path.splitext(path)[1]}"
                os.replace(path, kept)
                print(f"{kept}: {status}", flush=True)
    print(f"{runs} runs, {accepted} accepted, {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
