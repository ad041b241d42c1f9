#!/usr/bin/env python3
"""Kill training runs at random moments and resume them: their models must be those of runs that nobody
disturbed, byte for byte.

usage: tools/check_resume.py DLRUN [--kills N] [--seed N] [--work FOLDER]
Three kinds of runs of `dlrun train`: a table with text columns, dropout and early stopping; images by a
convolutional network with batch norm and random shifts; a text by an LSTM. Each kind runs once in
peace. Then, --kills times in all (100), a run is begun and killed with SIGKILL (every fourth one is
interrupted with SIGINT, as by Ctrl-C) at a moment drawn from the time that the whole takes, also while
it starts, saves or writes its model. It goes on with `--resume` where there is a checkpoint, else anew;
every other run is killed once more after that. With the default it takes some minutes.

Exit status: 0 all models equal, 1 one differs or a run fails, 64 wrong use.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time


def table(path: str) -> None:
    draw = random.Random(1)
    with open(path, "w") as file:
        file.write("size,colour,weight,price\n")
        for _ in range(1200):
            size, colour = draw.random() * 10, draw.choice(["red", "green", "blue", ""])
            price = size * size + 5 * (colour == "red") + draw.gauss(0, 1)
            file.write(f"{size:.3f},{colour},{draw.random():.3f},{price:.3f}\n")


def images(folder: str) -> None:
    draw = random.Random(2)
    for kind in ("left", "right"):
        os.makedirs(f"{folder}/{kind}")
        for i in range(60):
            pixels = bytearray()
            for _ in range(12):
                for x in range(12):
                    bright = 90 * ((x < 6) == (kind == "left"))
                    pixels += bytes(bright + draw.randrange(120) for _ in range(3))
            with open(f"{folder}/{kind}/{i:02}.ppm", "wb") as file:
                file.write(b"P6\n12 12\n255\n" + pixels)


def text(path: str) -> None:
    draw = random.Random(3)
    words = ["".join(draw.choice("abcdefghij") for _ in range(draw.randint(2, 6))) for _ in range(30)]
    with open(path, "w") as file:
        file.write(" ".join(draw.choice(words) for _ in range(1500)))


SETTINGS = {
    "table": "epochs: 60\npatience: 8\ncheckpoint: 0.02\nlayers:\n  - dense: {units: 48, activation: relu}\n"
    "  - dropout: 0.2\n  - dense: {units: 16, activation: relu}\n",
    "images": "epochs: 30\npatience: 6\ncheckpoint: 0.02\naugment: {shift: 1, flip: false}\nlayers:\n"
    "  - conv2d: {filters: 8, activation: relu}\n  - batch_normalization\n  - max_pooling2d: 2\n"
    "  - flatten\n  - dropout: 0.2\n",
    "text": "epochs: 4\ncheckpoint: 0.02\nwindow: 16\nlayers:\n  - embedding: {count: 11, size: 16}\n"
    "  - lstm: {units: 32, sequences: true}\n",
}


class Run:
    def __init__(self, command: str, folder: str, kind: str, data: str):
        self.folder, self.kind = folder, kind
        self.model = f"{folder}/{kind}.onnx"
        config = f"{folder}/{kind}.yaml"
        with open(config, "w") as file:
            file.write(SETTINGS[kind])
        self.words = [command, "train", data, "-o", self.model, "--config", config, "--quiet"]

    @property
    def checkpoint(self) -> str:
        return self.model + ".checkpoint"

    def clear(self) -> None:
        for path in (self.model, self.checkpoint):
            if os.path.exists(path):
                os.remove(path)

    def digest(self) -> str:
        with open(self.model, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def go(self, after: float | None = None, number: int = signal.SIGKILL) -> bool:
        """Begins or goes on, until the end or the blow. Whether it came to its end."""
        resume = ["--resume"] if os.path.exists(self.checkpoint) else []
        process = subprocess.Popen(
            self.words + resume, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        if after is not None:
            try:
                process.wait(after)
            except subprocess.TimeoutExpired:
                process.send_signal(number)
        _, errors = process.communicate()
        if process.returncode not in (0, -signal.SIGKILL, -signal.SIGINT):
            raise SystemExit(f"{self.kind}: status {process.returncode}: {errors}")
        return process.returncode == 0 and not os.path.exists(self.checkpoint)


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].splitlines()[0])
    parser.add_argument("dlrun")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        table(f"{folder}/t.csv")
        images(f"{folder}/pictures")
        text(f"{folder}/t.txt")
        runs = [
            Run(options.dlrun, folder, kind, f"{folder}/{data}")
            for kind, data in (("table", "t.csv"), ("images", "pictures"), ("text", "t.txt"))
        ]
        wanted, lasts = {}, {}
        for run in runs:
            start = time.monotonic()
            run.go()
            lasts[run.kind] = time.monotonic() - start
            wanted[run.kind] = run.digest()
            print(f"{run.kind}: {lasts[run.kind]:.2f} s undisturbed, {wanted[run.kind][:16]}", flush=True)
        blows = resumed = interrupted = wrong = 0
        while blows < options.kills:
            run = runs[blows % len(runs)]
            run.clear()
            ended = False
            for again in range(1 + blows % 2):
                number = signal.SIGINT if blows % 4 == 3 else signal.SIGKILL
                ended = run.go(draw.random() * lasts[run.kind], number)
                blows += 0 if ended else 1
                interrupted += 0 if ended or number == signal.SIGKILL else 1
                if ended:
                    break
                resumed += os.path.exists(run.checkpoint)
            while not ended:
                ended = run.go()
            if run.digest() != wanted[run.kind]:
                wrong += 1
                print(f"{run.kind}: after blow {blows} the model differs", flush=True)
        print(f"{blows} blows, {interrupted} of them SIGINT, {resumed} resumed, {wrong} models differ")
    return 1 if wrong else 0


sys.exit(main())
