"""Writes models as C source with `dlrun convert`, compiles it and compares with the model's outputs.

    .cache/oracle/bin/python tools/oracle/convert/c_source.py [--dlrun PATH] [--sanitize] MODEL.onnx...

Beside MODEL.onnx lies MODEL.npz with its inputs; sizes that the model leaves open are taken from
there. Prints for each model: bytes of source, seconds to compile, the arena's size, milliseconds of a
run and the largest difference of an output, relative to its largest element.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx

TYPES = {"float32": "float", "float64": "double", "bool": "uint8_t"}


def c_type(dtype):
    return TYPES.get(str(dtype), f"{dtype}_t")


def main_c(inputs, outputs, runs):
    lines = ['#include "net.h"', "#include <stdio.h>", "#include <time.h>"]
    for kind, arrays in (("in", inputs), ("out", outputs)):
        for i, a in enumerate(arrays):
            lines.append(f"static {c_type(a.dtype)} {kind}{i}[{max(a.size, 1)}];")
    lines.append("int main(void) { FILE *f;")
    for i, a in enumerate(inputs):
        lines.append(
            f'f = fopen("in{i}", "rb"); if (fread(in{i}, 1, {a.nbytes}, f) != {a.nbytes}) return 1; fclose(f);')
    names = [f"in{i}" for i in range(len(inputs))] + [f"out{i}" for i in range(len(outputs))]
    lines.append(f"clock_t t = clock(); for (int r = 0; r < {runs}; r++) net_run({', '.join(names)});")
    lines.append(f'printf("%f", 1000.0 * (double)(clock() - t) / CLOCKS_PER_SEC / {runs});')
    for i, a in enumerate(outputs):
        lines.append(f'f = fopen("out{i}", "wb"); fwrite(out{i}, 1, {a.nbytes}, f); fclose(f);')
    lines.append("return 0; }")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--dlrun", default=".build/release/dlrun")
    parser.add_argument("--sanitize", action="store_true")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    a = parser.parse_args()
    bad = 0
    for path in a.models:
        name = os.path.basename(path)
        model = onnx.load(path)
        arrays = np.load(os.path.splitext(path)[0] + ".npz")
        inputs = [np.ascontiguousarray(arrays[i.name]) for i in model.graph.input]
        with tempfile.TemporaryDirectory() as folder:
            out = folder + "/o.npz"
            feeds = folder + "/i.npz"
            np.savez(feeds, **{i.name: x for i, x in zip(model.graph.input, inputs)})
            subprocess.run([a.dlrun, "infer", path, feeds, "-o", out], check=True)
            made = np.load(out)
            outputs = [made[o.name] for o in model.graph.output]
            shapes = []
            for i, x in zip(model.graph.input, inputs):
                shapes += ["--shape", f"{i.name}={','.join(map(str, x.shape))}"]
            r = subprocess.run(
                [a.dlrun, "convert", path, "-o", folder + "/net.c", "--json"] + shapes,
                capture_output=True, text=True)
            if r.returncode:
                print(f"{name}: REFUSED {r.stderr.strip()[:600]}")
                bad += 1
                continue
            for i, x in enumerate(inputs):
                x.tofile(f"{folder}/in{i}")
            with open(folder + "/main.c", "w") as f:
                f.write(main_c(inputs, outputs, 1))
            flags = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O2"]
            if a.sanitize:
                flags += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
            start = time.time()
            r = subprocess.run(
                ["clang"] + flags + ["net.c", "main.c", "-o", "net", "-lm"], cwd=folder,
                capture_output=True, text=True)
            if r.returncode:
                print(f"{name}: DOES NOT COMPILE {r.stderr[:1500]}")
                bad += 1
                continue
            seconds = time.time() - start
            r = subprocess.run(["./net"], cwd=folder, capture_output=True, text=True)
            if r.returncode:
                print(f"{name}: FAILS {r.stderr[:1500]}")
                bad += 1
                continue
            worst = 0.0
            for i, want in enumerate(outputs):
                got = np.fromfile(f"{folder}/out{i}", want.dtype).reshape(want.shape)
                scale = np.max(np.abs(want), initial=0) or 1
                worst = max(worst, float(np.max(np.abs(got.astype(np.float64) - want), initial=0) / scale))
            arena = next(
                line.split()[-1] for line in open(folder + "/net.h") if "ARENA_BYTES" in line)
            size = os.path.getsize(folder + "/net.c")
            print(
                f"{name}: source {size:,} bytes, {seconds:.0f} s to compile, arena {int(arena):,}, "
                f"{r.stdout} ms, difference {worst:.2e}", flush=True)
            bad += not worst <= a.tolerance
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
