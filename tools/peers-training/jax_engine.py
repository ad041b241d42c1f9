"""jax.jit with optax.adam: one compiled function from parameters and batch to the next ones."""

from __future__ import annotations

import draws


class Engine:
    """Its pool has as many threads as processors that the process may use."""

    def __init__(self, name: str, threads: int, compiled: bool) -> None:
        import jax
        import optax

        family = name.rstrip("0123456789").rstrip("_").rstrip("0123456789")
        parameters = layouts(family, draws.network(name))
        loss = LOSSES[family]
        optimizer = optax.adam(0.001)

        def step(parameters, state, data):
            value, gradients = jax.value_and_grad(loss)(parameters, data)
            updates, state = optimizer.update(gradients, state, parameters)
            return value, optax.apply_updates(parameters, updates), state

        self.jitted = jax.jit(step, donate_argnums=(0, 1))
        self.parameters = [jax.numpy.asarray(p) for p in parameters]
        self.state = optimizer.init(self.parameters)
        self.batches = []
        for i in range(draws.BATCHES):
            data = draws.batch(name, i)
            if data[0].ndim == 4:
                data[0] = data[0].transpose(0, 2, 3, 1)
            narrow = [d.astype("int32") if d.dtype.kind == "i" else d for d in data]
            self.batches.append([jax.numpy.asarray(d) for d in narrow])
        self.done = 0

    def step(self) -> float:
        data = self.batches[self.done % len(self.batches)]
        self.done += 1
        value, self.parameters, self.state = self.jitted(self.parameters, self.state, data)
        return float(value)


def layouts(family: str, values: list) -> list:
    """Convolutions as XLA's CPU backend likes them: images NHWC, weights HWIO."""
    values = [v.transpose(2, 3, 1, 0) if v.ndim == 4 else v for v in values]
    behind = {"lenet": (4, 16, 5), "mnist_convnet": (4, 64, 5)}
    if family in behind:
        # Rows of the first dense layer, from C, H, W to H, W, C.
        i, c, n = behind[family]
        w = values[i]
        values[i] = w.reshape(c, n, n, -1).transpose(1, 2, 0, 3).reshape(c * n * n, -1)
    return values


def cross_entropy(logits, y):
    import jax.numpy as jnp
    import optax

    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, y))


def conv(x, w, stride=1, pad=0):
    from jax import lax

    return lax.conv_general_dilated(
        x, w, (stride, stride), [(pad, pad)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def pool(x):
    import jax.numpy as jnp
    from jax import lax

    n, h, w, c = x.shape
    if h % 2 == 0 and w % 2 == 0:
        # Windows that do not overlap: faster, forth and back, than reduce_window.
        return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def perceptron(p, data):
    import jax

    x, y = data
    for i in range(0, len(p), 2):
        x = x @ p[i] + p[i + 1]
        if i + 2 < len(p):
            x = jax.nn.relu(x)
    return cross_entropy(x, y)


def lenet(p, data):
    from jax.nn import relu

    x, y = data
    x = pool(relu(conv(x, p[0], pad=2) + p[1]))
    x = pool(relu(conv(x, p[2]) + p[3])).reshape(x.shape[0], -1)
    x = relu(relu(x @ p[4] + p[5]) @ p[6] + p[7])
    return cross_entropy(x @ p[8] + p[9], y)


def convnet(p, data):
    from jax.nn import relu

    x, y = data
    x = pool(relu(conv(x, p[0]) + p[1]))
    x = relu(conv(x, p[2]) + p[3])
    x = pool(x[:, :10, :10]).reshape(x.shape[0], -1)
    return cross_entropy(x @ p[4] + p[5], y)


def resnet(p, data):
    from jax import lax
    from jax.nn import relu

    x, y = data
    place = 0

    def normed(x, stride, pad):
        nonlocal place
        w, scale, bias = p[3 * place : 3 * place + 3]
        place += 1
        x = conv(x, w, stride, pad)
        mean = x.mean((0, 1, 2))
        variance = ((x - mean) ** 2).mean((0, 1, 2))
        return (x - mean) * (lax.rsqrt(variance + 1e-5) * scale) + bias

    x = relu(normed(x, 1, 1))
    for stage in range(3):
        for block in range(3):
            stride = 2 if stage > 0 and block == 0 else 1
            h = normed(relu(normed(x, stride, 1)), 1, 1)
            x = relu(h + (x if stride == 1 else normed(x, stride, 0)))
    return cross_entropy(x.mean((1, 2)) @ p[-2] + p[-1], y)


def char_lstm(p, data):
    import jax
    import jax.numpy as jnp

    x, y = data
    bias = p[3][0, :512] + p[3][0, 512:]
    sums = jnp.swapaxes(p[0][x], 0, 1) @ p[1][0].T + bias

    def cell(state, s):
        h, c = state
        i, o, f, u = jnp.split(s + h @ p[2][0].T, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(u)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zero = jnp.zeros((x.shape[0], 128))
    _, hs = jax.lax.scan(cell, (zero, zero), sums)
    return cross_entropy(jnp.swapaxes(hs, 0, 1) @ p[4] + p[5], y)


def nanogpt(p, data):
    import jax
    import jax.numpy as jnp

    x, y = data
    n, t = x.shape
    mask = jnp.tril(jnp.ones((t, t), bool))

    def norm(x, scale):
        mean = x.mean(-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * scale

    h = p[0][x] + p[1]
    for layer in range(4):
        i = 2 + 6 * layer
        parts = jnp.split(norm(h, p[i]) @ p[i + 1], 3, axis=2)
        q, k, v = (part.reshape(n, t, 4, 32).transpose(0, 2, 1, 3) for part in parts)
        scores = jnp.where(mask, q @ k.transpose(0, 1, 3, 2) / 32**0.5, -jnp.inf)
        seen = jax.nn.softmax(scores) @ v
        h = h + seen.transpose(0, 2, 1, 3).reshape(n, t, 128) @ p[i + 2]
        inner = jax.nn.gelu(norm(h, p[i + 3]) @ p[i + 4], approximate=False)
        h = h + inner @ p[i + 5]
    return cross_entropy(norm(h, p[26]) @ p[0].T, y)


def tree_lstm(p, data):
    import jax.numpy as jnp
    from jax.nn import sigmoid

    i, o, u = jnp.split(p[0][data[0]] @ p[1] + p[2], 3, axis=1)
    c = sigmoid(i) * jnp.tanh(u)
    none = jnp.zeros((1, 64))
    hs = jnp.concatenate([none, sigmoid(o) * jnp.tanh(c)])
    cs = jnp.concatenate([none, c])
    for level in range(draws.LEVELS):
        a, b = data[1 + level], data[1 + draws.LEVELS + level]
        gates = jnp.concatenate([hs[a], hs[b]], 1) @ p[3] + p[4]
        i, o, u, l, r = jnp.split(gates, 5, axis=1)
        c = sigmoid(i) * jnp.tanh(u) + (sigmoid(l) * cs[a] + sigmoid(r) * cs[b])
        hs = jnp.concatenate([hs, sigmoid(o) * jnp.tanh(c)])
        cs = jnp.concatenate([cs, c])
    rows = hs[data[1 + 2 * draws.LEVELS]]
    return cross_entropy(rows @ p[5] + p[6], data[-1])


LOSSES = {
    "tabular": perceptron,
    "mnist_mlp": perceptron,
    "lenet": lenet,
    "mnist_convnet": convnet,
    "resnet": resnet,
    "char_lstm": char_lstm,
    "nanogpt": nanogpt,
    "tree_lstm": tree_lstm,
}
