"""torch's side: eager as its users write it, with the fused Adam; or through torch.compile."""

from __future__ import annotations

import draws
import torch
import torch.nn.functional as F

#: Gates of an LSTM as torch orders them, i, f, g, o, in ONNX's i, o, f, c.
GATES = [0, 2, 3, 1]


def gates(value: torch.Tensor) -> torch.Tensor:
    return torch.cat([value.chunk(4, 0)[i] for i in GATES])


class Model(torch.nn.Module):
    """The parameters of a workload in torch's own layouts."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.workload = name
        family = name.rstrip("0123456789").rstrip("_")
        self.family = family
        values = [torch.from_numpy(v.copy()) for v in draws.network(name)]
        if name == "char_lstm":
            self.lstm = torch.nn.LSTM(64, 128, batch_first=True)
            with torch.no_grad():
                self.lstm.weight_ih_l0.copy_(gates(values[1][0]))
                self.lstm.weight_hh_l0.copy_(gates(values[2][0]))
                self.lstm.bias_ih_l0.zero_()
                self.lstm.bias_hh_l0.zero_()
            values = [values[0], *values[4:]]
        # Matrices that multiply from the right are [outputs, inputs] in torch.
        tables = {"char_lstm": [0], "nanogpt": [0, 1], "tree_lstm": [0]}.get(family, [])
        turned = [
            v.t().contiguous() if v.ndim == 2 and i not in tables else v
            for i, v in enumerate(values)
        ]
        self.p = torch.nn.ParameterList(turned)
        if name == "resnet20":
            for i, (_, outputs, _, _, _) in enumerate(draws.resnet_convolutions()):
                self.register_buffer(f"mean{i}", torch.zeros(outputs))
                self.register_buffer(f"variance{i}", torch.ones(outputs))

    def forward(self, *data: torch.Tensor) -> torch.Tensor:
        return getattr(self, self.family.rstrip("0123456789"))(*data)

    def perceptron(self, x, y):
        last = len(self.p) // 2 - 1
        for i in range(last + 1):
            x = F.linear(x, self.p[2 * i], self.p[2 * i + 1])
            if i < last:
                x = F.relu(x)
        return F.cross_entropy(x, y)

    tabular = perceptron
    mnist_mlp = perceptron

    def lenet(self, x, y):
        p = self.p
        x = F.max_pool2d(F.relu(F.conv2d(x, p[0], p[1], padding=2)), 2)
        x = F.max_pool2d(F.relu(F.conv2d(x, p[2], p[3])), 2).flatten(1)
        x = F.relu(F.linear(F.relu(F.linear(x, p[4], p[5])), p[6], p[7]))
        return F.cross_entropy(F.linear(x, p[8], p[9]), y)

    def mnist_convnet(self, x, y):
        p = self.p
        x = F.max_pool2d(F.relu(F.conv2d(x, p[0], p[1])), 2)
        x = F.max_pool2d(F.relu(F.conv2d(x, p[2], p[3])), 2).flatten(1)
        return F.cross_entropy(F.linear(x, p[4], p[5]), y)

    def resnet(self, x, y):
        place = 0

        def normed(x, stride, pad):
            nonlocal place
            i = place
            place += 1
            y = F.conv2d(x, self.p[3 * i], stride=stride, padding=pad)
            return F.batch_norm(
                y,
                getattr(self, f"mean{i}"),
                getattr(self, f"variance{i}"),
                self.p[3 * i + 1],
                self.p[3 * i + 2],
                training=True,
            )

        x = F.relu(normed(x, 1, 1))
        for stage in range(3):
            for block in range(3):
                stride = 2 if stage > 0 and block == 0 else 1
                h = normed(F.relu(normed(x, stride, 1)), 1, 1)
                x = F.relu(h + (x if stride == 1 else normed(x, stride, 0)))
        x = x.mean((2, 3))
        return F.cross_entropy(F.linear(x, self.p[-2], self.p[-1]), y)

    def char_lstm(self, x, y):
        h, _ = self.lstm(F.embedding(x, self.p[0]))
        return F.cross_entropy(F.linear(h, self.p[1], self.p[2]).flatten(0, 1), y.flatten())

    def nanogpt(self, x, y):
        p = self.p
        n, t = x.shape
        h = F.embedding(x, p[0]) + p[1]
        for layer in range(4):
            i = 2 + 6 * layer
            parts = F.linear(F.layer_norm(h, (128,), p[i]), p[i + 1]).split(128, 2)
            q, k, v = (part.view(n, t, 4, 32).transpose(1, 2) for part in parts)
            seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            h = h + F.linear(seen.transpose(1, 2).reshape(n, t, 128), p[i + 2])
            h = h + F.linear(F.gelu(F.linear(F.layer_norm(h, (128,), p[i + 3]), p[i + 4])), p[i + 5])
        logits = F.linear(F.layer_norm(h, (128,), p[26]), p[0])
        return F.cross_entropy(logits.flatten(0, 1), y.flatten())

    def leaf(self, x):
        i, o, u = F.linear(x, self.p[1], self.p[2]).chunk(3, 1)
        c = torch.sigmoid(i) * torch.tanh(u)
        return torch.sigmoid(o) * torch.tanh(c), c

    def join(self, a, b):
        gates = F.linear(torch.cat([a[0], b[0]], 1), self.p[3], self.p[4])
        i, o, u, l, r = gates.chunk(5, 1)
        c = torch.sigmoid(i) * torch.tanh(u) + torch.sigmoid(l) * a[1] + torch.sigmoid(r) * b[1]
        return torch.sigmoid(o) * torch.tanh(c), c

    def walk(self, tree):
        if isinstance(tree, int):
            return self.leaf(self.p[0][tree : tree + 1])
        return self.join(self.walk(tree[0]), self.walk(tree[1]))

    def tree_lstm(self, forest, y):
        rows = torch.cat([self.walk(tree)[0] for tree in forest])
        return F.cross_entropy(F.linear(rows, self.p[5], self.p[6]), y)

    def tree_tables(self, *data):
        """The same by tables of nodes of one height."""
        h, c = self.leaf(F.embedding(data[0], self.p[0]))
        none = torch.zeros(1, 64)
        hs, cs = torch.cat([none, h]), torch.cat([none, c])
        for level in range(draws.LEVELS):
            l, r = data[1 + level], data[1 + draws.LEVELS + level]
            h, c = self.join((hs[l], cs[l]), (hs[r], cs[r]))
            hs, cs = torch.cat([hs, h]), torch.cat([cs, c])
        rows = hs[data[1 + 2 * draws.LEVELS]]
        return F.cross_entropy(F.linear(rows, self.p[5], self.p[6]), data[-1])


class Engine:
    def __init__(self, name: str, threads: int, compiled: bool) -> None:
        torch.set_num_threads(threads)
        self.model = Model(name)
        self.run = self.model
        if compiled:
            if name == "tree_lstm":
                self.model.forward = self.model.tree_tables
            self.run = torch.compile(self.model)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.001, fused=True)
        self.batches = []
        for i in range(draws.BATCHES):
            data = [torch.from_numpy(v) for v in draws.batch(name, i)]
            if name == "tree_lstm" and not compiled:
                data = [draws.trees(i), data[-1]]
            self.batches.append(data)
        self.done = 0

    def step(self) -> float:
        data = self.batches[self.done % len(self.batches)]
        self.done += 1
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.run(*data)
        loss.backward()
        self.optimizer.step()
        return loss.item()
