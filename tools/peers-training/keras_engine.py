"""Keras on TensorFlow: its layers, and a step compiled by tf.function.

Layers are Keras' own where it has them, in its layouts: images NHWC, an LSTM with one bias (which
moves half as fast as the two of the others, so losses of char_lstm drift apart). The Tree-LSTM
takes tables of nodes of one height, as jax does.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import draws  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from jax_engine import layouts  # noqa: E402
from keras import layers, ops  # noqa: E402


class Engine:
    def __init__(self, name: str, threads: int, compiled: bool) -> None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        family = name.rstrip("0123456789").rstrip("_").rstrip("0123456789")
        values = layouts(family, draws.network(name))
        model = MODELS[family](values)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        optimizer = keras.optimizers.Adam(0.001, epsilon=1e-8)

        @tf.function
        def step(*data):
            with tf.GradientTape() as tape:
                logits, y = model(data)
                value = loss(ops.reshape(y, (-1,)), ops.reshape(logits, (-1, logits.shape[-1])))
            variables = model.variables_()
            optimizer.apply_gradients(zip(tape.gradient(value, variables), variables))
            return value

        self.compiled = step
        self.batches = []
        for i in range(draws.BATCHES):
            data = draws.batch(name, i)
            if data[0].ndim == 4:
                data[0] = data[0].transpose(0, 2, 3, 1)
            self.batches.append([tf.constant(d) for d in data])
        self.done = 0

    def step(self) -> float:
        data = self.batches[self.done % len(self.batches)]
        self.done += 1
        return float(self.compiled(*data))


class Layered:
    """Layers one after the other, with weights from the list."""

    def __init__(self, values: list, shape: list[int], stack: list) -> None:
        self.model = keras.Sequential([keras.Input(shape), *stack])
        self.model.set_weights(values)

    def variables_(self) -> list:
        return self.model.trainable_variables

    def __call__(self, data):
        return self.model(data[0], training=True), data[1]


def perceptron(values: list) -> Layered:
    sizes = [len(b) for b in values[1::2]]
    stack = [layers.Dense(n, activation="relu") for n in sizes[:-1]] + [layers.Dense(sizes[-1])]
    return Layered(values, [values[0].shape[0]], stack)


def lenet(values: list) -> Layered:
    return Layered(
        values,
        [28, 28, 1],
        [
            layers.Conv2D(6, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10),
        ],
    )


def convnet(values: list) -> Layered:
    return Layered(
        values,
        [28, 28, 1],
        [
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(10),
        ],
    )


class ResNet:
    def __init__(self, values: list) -> None:
        self.convs, self.norms = [], []
        channels = draws.resnet_convolutions()
        for i, (inputs, outputs, k, stride, pad) in enumerate(channels):
            # Zeros before and behind alike, which "same" is not at stride 2.
            conv = layers.Conv2D(outputs, k, strides=stride, use_bias=False)
            norm = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
            conv.build((None, None, None, inputs))
            norm.build((None, None, None, outputs))
            conv.kernel.assign(values[3 * i])
            norm.gamma.assign(values[3 * i + 1])
            norm.beta.assign(values[3 * i + 2])
            self.convs.append((conv, pad))
            self.norms.append(norm)
        self.head = layers.Dense(10)
        self.head.build((None, 64))
        self.head.set_weights(values[-2:])

    def variables_(self) -> list:
        parts = [c for c, _ in self.convs] + self.norms + [self.head]
        return [v for p in parts for v in p.trainable_variables]

    def __call__(self, data):
        place = 0

        def normed(x):
            nonlocal place
            (conv, pad), norm = self.convs[place], self.norms[place]
            place += 1
            x = ops.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]]) if pad else x
            return norm(conv(x), training=True)

        x = ops.relu(normed(data[0]))
        for stage in range(3):
            for block in range(3):
                h = normed(ops.relu(normed(x)))
                x = ops.relu(h + (normed(x) if stage > 0 and block == 0 else x))
        return self.head(ops.mean(x, (1, 2))), data[1]


def char_lstm(values: list) -> Layered:
    def gates(v: np.ndarray) -> np.ndarray:
        # ONNX's i, o, f, c in Keras' i, f, c, o, multiplied from the right.
        i, o, f, c = np.split(v[0], 4)
        return np.concatenate([i, f, c, o]).T

    table, w, r, _, head, bias = values
    weights = [table, gates(w), gates(r), np.zeros(512, np.float32), head, bias]
    return Layered(
        weights,
        [None],
        [
            layers.Embedding(draws.LETTERS, 64),
            layers.LSTM(128, return_sequences=True, unit_forget_bias=False),
            layers.Dense(draws.LETTERS),
        ],
    )


class GPT:
    def __init__(self, values: list) -> None:
        self.table = keras.Variable(values[0])
        self.places = keras.Variable(values[1])
        self.parts = []

        def made(layer, shape, *weights):
            layer.build(*shape)
            layer.set_weights(weights)
            self.parts.append(layer)
            return layer

        def norm(scale):
            layer = layers.LayerNormalization(epsilon=1e-5, center=False)
            return made(layer, [(None, None, 128)], scale)

        def dense(w, activation=None):
            layer = layers.Dense(w.shape[1], use_bias=False, activation=activation)
            return made(layer, [(None, None, w.shape[0])], w)

        self.blocks = []
        for layer in range(4):
            i = 2 + 6 * layer
            q, k, v = (p.reshape(128, 4, 32) for p in np.split(values[i + 1], 3, axis=1))
            attention = layers.MultiHeadAttention(4, 32, use_bias=False)
            shape = (None, 64, 128)
            made(attention, [shape, shape], q, k, v, values[i + 2].reshape(4, 32, 128))
            self.blocks.append(
                (
                    norm(values[i]),
                    attention,
                    norm(values[i + 3]),
                    dense(values[i + 4], "gelu"),
                    dense(values[i + 5]),
                )
            )
        self.last = norm(values[26])

    def variables_(self) -> list:
        return [self.table, self.places] + [v for p in self.parts for v in p.trainable_variables]

    def __call__(self, data):
        h = ops.take(self.table, data[0], axis=0) + self.places
        for first, attention, second, up, down in self.blocks:
            x = first(h)
            h = h + attention(x, x, use_causal_mask=True)
            h = h + down(up(second(h)))
        return ops.matmul(self.last(h), ops.transpose(self.table)), data[1]


class Trees:
    def __init__(self, values: list) -> None:
        self.p = [keras.Variable(v) for v in values]

    def variables_(self) -> list:
        return self.p

    def __call__(self, data):
        p = self.p
        i, o, u = ops.split(ops.take(p[0], data[0], axis=0) @ p[1] + p[2], 3, axis=1)
        c = ops.sigmoid(i) * ops.tanh(u)
        none = ops.zeros((1, 64))
        hs = ops.concatenate([none, ops.sigmoid(o) * ops.tanh(c)], 0)
        cs = ops.concatenate([none, c], 0)
        for level in range(draws.LEVELS):
            a, b = data[1 + level], data[1 + draws.LEVELS + level]
            pair = ops.concatenate([ops.take(hs, a, axis=0), ops.take(hs, b, axis=0)], 1)
            i, o, u, l, r = ops.split(pair @ p[3] + p[4], 5, axis=1)
            left, right = ops.take(cs, a, axis=0), ops.take(cs, b, axis=0)
            c = ops.sigmoid(i) * ops.tanh(u) + ops.sigmoid(l) * left + ops.sigmoid(r) * right
            hs = ops.concatenate([hs, ops.sigmoid(o) * ops.tanh(c)], 0)
            cs = ops.concatenate([cs, c], 0)
        rows = ops.take(hs, data[1 + 2 * draws.LEVELS], axis=0)
        return rows @ p[5] + p[6], data[-1]


MODELS = {
    "tabular": perceptron,
    "mnist_mlp": perceptron,
    "lenet": lenet,
    "mnist_convnet": convnet,
    "resnet": ResNet,
    "char_lstm": char_lstm,
    "nanogpt": GPT,
    "tree_lstm": Trees,
}
