"""Weights and data that all engines of the benchmark make for themselves, the same bits in each.

The same as tools/bench/training/Sources/BenchTraining: `Draws`, `Network` and the workloads there.
"""

from __future__ import annotations

import math

import numpy as np

BATCHES = 8
LETTERS = 65


def bits(key: int, n: int) -> np.ndarray:
    """Elements 0 to n of stream `key`: splitmix64 of both."""
    z = (np.uint64(key) << np.uint64(32)) + np.arange(n, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(key: int, shape: list[int], bound: float = 1.0) -> np.ndarray:
    n = math.prod(shape)
    whole = (bits(key, n) >> np.uint64(40)).astype(np.float32)
    values = (whole / np.float32(1 << 24) * np.float32(2) - np.float32(1)) * np.float32(bound)
    return values.reshape(shape)


def integers(key: int, shape: list[int], limit: int) -> np.ndarray:
    n = math.prod(shape)
    values = (bits(key, n) >> np.uint64(33)).astype(np.int64) % limit
    return values.reshape(shape)


class Network:
    """Parameters in the order in which all engines number them."""

    def __init__(self) -> None:
        self.list: list[np.ndarray] = []

    def uniform(self, shape: list[int], bound: float) -> None:
        self.list.append(uniform(len(self.list), shape, bound))

    def weight(self, shape: list[int], inputs: int) -> None:
        self.uniform(shape, 1 / math.sqrt(inputs))

    def zeros(self, *shape: int) -> None:
        self.list.append(np.zeros(shape, np.float32))

    def ones(self, *shape: int) -> None:
        self.list.append(np.ones(shape, np.float32))

    def dense(self, inputs: int, outputs: int) -> None:
        self.weight([inputs, outputs], inputs)
        self.zeros(outputs)

    def conv(self, channels: int, outputs: int, k: int, normed: bool = False) -> None:
        self.weight([outputs, channels, k, k], channels * k * k)
        if normed:
            self.ones(outputs)
        self.zeros(outputs)


def key(batch: int, part: int) -> int:
    return 1_000_000 + 2 * batch + part


SIZES = {"tabular": [32, 64, 64, 2], "mnist_mlp": [784, 128, 10]}


def resnet_convolutions() -> list[tuple[int, int, int, int, int]]:
    """Channels, outputs, kernel, stride and pad of each, in order."""
    made = [(3, 16, 3, 1, 1)]
    channels = 16
    for width in (16, 32, 64):
        for block in range(3):
            stride = 2 if width > 16 and block == 0 else 1
            made += [(channels, width, 3, stride, 1), (width, width, 3, 1, 1)]
            if channels != width:
                made.append((channels, width, 1, stride, 0))
            channels = width
    return made


def network(name: str) -> list[np.ndarray]:
    net = Network()
    family = name.rstrip("0123456789").rstrip("_")
    if family in SIZES:
        sizes = SIZES[family]
        for a, b in zip(sizes, sizes[1:]):
            net.dense(a, b)
    elif name == "lenet5":
        net.conv(1, 6, 5)
        net.conv(6, 16, 5)
        net.dense(400, 120)
        net.dense(120, 84)
        net.dense(84, 10)
    elif name == "mnist_convnet":
        net.conv(1, 32, 3)
        net.conv(32, 64, 3)
        net.dense(1600, 10)
    elif name == "resnet20":
        for channels, outputs, k, _, _ in resnet_convolutions():
            net.conv(channels, outputs, k, normed=True)
        net.dense(64, 10)
    elif name == "char_lstm":
        net.uniform([LETTERS, 64], 1)
        net.weight([1, 512, 64], 128)
        net.weight([1, 512, 128], 128)
        net.zeros(1, 1024)
        net.dense(128, LETTERS)
    elif name == "nanogpt":
        net.uniform([LETTERS, 128], 0.03)
        net.uniform([64, 128], 0.03)
        for _ in range(4):
            net.ones(128)
            net.uniform([128, 384], 0.03)
            net.uniform([128, 128], 0.03)
            net.ones(128)
            net.uniform([128, 512], 0.03)
            net.uniform([512, 128], 0.03)
        net.ones(128)
    elif name == "tree_lstm":
        net.uniform([500, 64], 1)
        net.dense(64, 192)
        net.dense(128, 320)
        net.dense(64, 5)
    else:
        raise ValueError(f"there is no workload '{name}'")
    return net.list


def batch(name: str, i: int) -> list[np.ndarray]:
    family = name.rstrip("0123456789").rstrip("_")
    if family in SIZES:
        n, sizes = int(name.rpartition("_")[2]), SIZES[family]
        return [uniform(key(i, 0), [n, sizes[0]]), integers(key(i, 1), [n], sizes[-1])]
    if name in ("char_lstm", "nanogpt"):
        n = 32 if name == "char_lstm" else 12
        return [integers(key(i, part), [n, 64], LETTERS) for part in (0, 1)]
    if name == "tree_lstm":
        return [*tables(trees(i)), integers(key(i, 1), [16], 5)]
    shape = {"lenet5": [64, 1, 28, 28], "mnist_convnet": [128, 1, 28, 28]}
    sizes = shape.get(name, [32, 3, 32, 32])
    return [uniform(key(i, 0), sizes), integers(key(i, 1), [sizes[0]], 10)]


# Trees: a word's number, or a pair of trees.

LEAF_ROOM = 192
LEVELS = 12


def room(level: int) -> int:
    return 64 if level < 3 else 24


def trees(i: int) -> list:
    made = []
    for t in range(16):
        stream = (bits(2_000_000 + i * 16 + t, 40) >> np.uint64(33)).astype(np.int64).tolist()
        draws = iter(stream[1:])

        def draw(leaves: int):
            n = next(draws)
            if leaves == 1:
                return n % 500
            left = 1 + n % (leaves - 1)
            a = draw(left)
            return (a, draw(leaves - left))

        made.append(draw(4 + stream[0] % 9))
    return made


def tables(forest: list) -> list[np.ndarray]:
    """Words, rows of left and right children by level, rows of roots: see `TreeTables`."""
    words: list[int] = []
    left: list[list[int]] = [[] for _ in range(LEVELS)]
    right: list[list[int]] = [[] for _ in range(LEVELS)]

    def row(height: int, index: int) -> int:
        if height == 0:
            return 1 + index
        return 1 + LEAF_ROOM + sum(room(level) for level in range(height - 1)) + index

    def add(tree) -> tuple[int, int]:
        if isinstance(tree, int):
            words.append(tree)
            return 0, len(words) - 1
        a, b = add(tree[0]), add(tree[1])
        height = 1 + max(a[0], b[0])
        left[height - 1].append(row(*a))
        right[height - 1].append(row(*b))
        return height, len(left[height - 1]) - 1

    roots = [row(*add(tree)) for tree in forest]
    padded = lambda values, n: np.array(values + [0] * (n - len(values)), np.int64)  # noqa: E731
    assert len(words) <= LEAF_ROOM and all(len(l) <= room(i) for i, l in enumerate(left))
    return [
        padded(words, LEAF_ROOM),
        *(padded(l, room(i)) for i, l in enumerate(left)),
        *(padded(r, room(i)) for i, r in enumerate(right)),
        np.array(roots, np.int64),
    ]
