#!/usr/bin/env python3
"""Run programs written for onnxruntime with it, and with dlrun in its place, and compare.

usage: ort_programs.py PROGRAM...

PROGRAM: a Python file that imports onnxruntime, such as the examples of onnxruntime's
documentation (docs/python/inference/examples in its repository: plot_load_and_predict,
plot_metadata, plot_profiling, plot_common_errors, plot_backend, plot_train_convert_predict and
plot_convert_pipeline_vectorizer). Nothing of it is changed but the name in its import lines; models
that are files of onnxruntime (onnxruntime.datasets) still come from there. Both run in a folder of
their own with NumPy seeded alike. What they print has to agree: words exactly, numbers to 1e-4.
Left out are lines with times, the texts of errors (that there is one has to agree), and what a
profile says. Needs the packages of tools/oracle and dlrun. Exit status: 0 all agree, 1 some do not.
"""

import os
import re
import subprocess
import sys
import tempfile

SEED = "import numpy as _n; _n.random.seed(7)\n"
NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")
TIMES = re.compile(r"^(Average |.*_profile.*\.json)")


def with_dlrun(text):
    """The program with dlrun's name in its import lines, datasets' apart."""
    lines = []
    for line in text.splitlines():
        if re.match(r"\s*(import|from)\s+onnxruntime\b", line) and "datasets" not in line:
            line = re.sub(r"\bonnxruntime\b", "dlrun", line, count=1)
        lines.append(line)
    return "\n".join(lines) + "\n"


def output(text):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(SEED + text)
        # The library is used from another folder than the one it may have been named from.
        done = subprocess.run([sys.executable, path], cwd=folder, capture_output=True, text=True,
                              check=False)
    return done.returncode, done.stdout, done.stderr


def essence(printed):
    """The lines that have to agree, and their numbers."""
    lines = []
    for line in printed.splitlines():
        line = re.sub(r"^(ERROR with Shape=\([^)]*\)).*", r"\1", line)
        if TIMES.match(line):
            continue
        # The text of an exception, in the words of each; and a profile.
        if re.search(r"<class|ONNXRuntimeError|/onnxruntime_src/|[Ee]xpected|Please fix|^$", line):
            continue
        if re.search(r"'(args|cat|dur|name|ph|pid|tid|ts|kernel|output)':", line):
            continue
        lines.append(line)
    text = re.sub(r"\s*([\[\],])\s*", r"\1", re.sub(r"\s+", " ", "\n".join(lines)))
    return NUMBER.sub("#", text), [float(n) for n in NUMBER.findall(text)]


def differ(a, b):
    (words, numbers), (others, values) = essence(a), essence(b)
    if words != others:
        return f"{words!r}\n  against {others!r}"
    for x, y in zip(numbers, values):
        if not abs(x - y) <= 1e-4 * max(1, abs(y)):
            return f"{x} against {y}"
    return None


def main() -> int:
    failed = 0
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 64
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        theirs, ours = output(text), output(with_dlrun(text))
        name = os.path.basename(path)
        if theirs[0] != 0:
            reason = "does not run with onnxruntime: " + theirs[2].strip().splitlines()[-1]
        elif ours[0] != 0:
            reason = "does not run with dlrun: " + ours[2].strip().splitlines()[-1]
        else:
            reason = differ(ours[1], theirs[1])
        print(f"{name}: {'agrees' if reason is None else reason}")
        failed += reason is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
