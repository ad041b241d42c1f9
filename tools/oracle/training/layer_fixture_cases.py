"""The cases of layer_fixtures.py: layers of Keras with the layouts of dlrun's parameters.

`params` are dlrun's, `map` makes Keras' weights of them; `turn` turns an input to what the layer
takes and `back` its output.
"""
import keras
import torch
from keras import layers as L

CASES = []


def case(name, layer, inputs, params=(), **more):
    CASES.append({
        "name": name, "layer": layer, "inputs": [list(s) for s in inputs],
        "params": list(params), **more})


def last_to_front(w):
    """[out, in, ...] as [..., in, out]."""
    return w.permute(*range(2, w.dim()), 1, 0)


ACTIVATIONS = [
    "linear", "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "sigmoid", "tanh",
    "silu", "mish", "exponential", "softmax", "log_softmax", "softplus", "softsign", "tanh_shrink",
    "soft_shrink", "hard_shrink", "hard_tanh", "hard_sigmoid", "hard_silu", "log_sigmoid", "glu",
    "squareplus", "sparse_plus", "sparse_sigmoid",
]
for a in ACTIVATIONS:
    case(f"activation {a}", lambda a=a: L.Activation(lambda x: getattr(keras.activations, a)(3 * x)),
         [(2, 6)])
def sparsemax(x):
    """By the paper: Keras 3.15.1 on torch gives rows that do not add up to 1."""
    z = x.sort(-1, descending=True).values
    sums = z.cumsum(-1)
    places = torch.arange(1, x.shape[-1] + 1)
    k = (z * places + 1 > sums).sum(-1, keepdim=True)
    return (x - (sums.gather(-1, k - 1) - 1) / k).relu()


case("activation sparsemax", lambda: L.Activation(lambda x: sparsemax(3 * x)), [(2, 6)])
case("activation threshold",
     lambda: L.Activation(lambda x: keras.activations.threshold(3 * x, 1.0, 0.0)), [(2, 6)])
case("activation gelu_approximate",
     lambda: L.Activation(lambda x: keras.activations.gelu(3 * x, approximate=True)), [(2, 6)])

case("dense", lambda: L.Dense(3, activation="relu"), [(2, 4)], [("kernel", (4, 3)), ("bias", (3,))])
case("dense of rank 3", lambda: L.Dense(2, use_bias=False), [(2, 3, 4)], [("kernel", (4, 2))])
case("einsum dense", lambda: L.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d"),
     [(2, 3, 4)], [("kernel", (4, 5)), ("bias", (5,))])
case("einsum dense heads", lambda: L.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de",
     activation="tanh"), [(2, 3, 4)], [("kernel", (4, 2, 3)), ("bias", (2, 3))])
case("einsum dense dots", lambda: L.EinsumDense("...x,xy->...y", (4,)), [(2, 3)],
     [("kernel", (3, 4))])
case("embedding", lambda: L.Embedding(5, 3), [(2, 4)], [("table", (5, 3))], whole=True)
case("relu", lambda: L.ReLU(max_value=0.7, negative_slope=0.1, threshold=0.2), [(2, 6)])
case("leaky relu", lambda: L.LeakyReLU(), [(2, 6)])
case("prelu", lambda: L.PReLU(shared_axes=[2]), [(2, 3, 4)], [("slope", (3, 1))])
case("elu", lambda: L.ELU(0.5), [(2, 6)])
case("softmax", lambda: L.Softmax(axis=1), [(2, 3, 4)])
case("masking", lambda: L.Masking(0.0), [(2, 3, 4)])

CF = "channels_first"
for n, size in ((1, (7,)), (2, (5, 6)), (3, (4, 3, 5))):
    conv = getattr(L, f"Conv{n}D")
    back = getattr(L, f"Conv{n}DTranspose")
    case(f"conv{n}d", lambda conv=conv: conv(3, 3, data_format=CF, activation="tanh"),
         [(2, 2) + size], [("kernel", (3, 2) + (3,) * n), ("bias", (3,))],
         map=lambda w, b: [last_to_front(w), b])
    case(f"conv{n}d same", lambda conv=conv: conv(4, 3, strides=2, padding="same", groups=2,
         data_format=CF, use_bias=False), [(2, 2) + size], [("kernel", (4, 1) + (3,) * n)],
         map=lambda w: [last_to_front(w)])
    case(f"conv{n}d transpose", lambda back=back: back(2, 2, strides=2, data_format=CF),
         [(2, 3) + tuple(s - 2 for s in size)], [("kernel", (3, 2) + (2,) * n), ("bias", (2,))],
         map=lambda w, b: [last_to_front(w), b])
case("conv2d last", lambda: L.Conv2D(3, (2, 3), dilation_rate=(1, 2), padding="same",
     data_format="channels_last"), [(2, 5, 6, 2)], [("kernel", (3, 2, 2, 3)), ("bias", (3,))],
     map=lambda w, b: [last_to_front(w), b])
case("conv1d causal", lambda: L.Conv1D(2, 3, padding="causal", dilation_rate=2),
     [(2, 6, 2)], [("kernel", (2, 2, 3)), ("bias", (2,))],
     map=lambda w, b: [last_to_front(w), b])
case("conv2d transpose same", lambda: L.Conv2DTranspose(2, 4, strides=2, padding="same",
     data_format=CF), [(1, 3, 3, 2)], [("kernel", (3, 2, 4, 4)), ("bias", (2,))],
     map=lambda w, b: [last_to_front(w), b])


def depthwise(w, channels):
    """[C multiplier, 1, ...] as [..., C, multiplier]."""
    return w.reshape(channels, -1, *w.shape[2:]).permute(*range(2, w.dim()), 0, 1)


for n, size in ((1, (7,)), (2, (5, 6))):
    case(f"depthwise conv{n}d", lambda n=n: getattr(L, f"DepthwiseConv{n}D")(3, depth_multiplier=2,
         data_format=CF), [(2, 2) + size], [("kernel", (4, 1) + (3,) * n), ("bias", (4,))],
         map=lambda w, b: [depthwise(w, 2), b])
    case(f"separable conv{n}d", lambda n=n: getattr(L, f"SeparableConv{n}D")(3, 3, padding="same",
         depth_multiplier=2, data_format=CF), [(2, 2) + size],
         [("depthwise.kernel", (4, 1) + (3,) * n), ("pointwise", (3, 4) + (1,) * n), ("bias", (3,))],
         map=lambda d, p, b: [depthwise(d, 2), last_to_front(p), b])

for n, size in ((1, (7,)), (2, (5, 6)), (3, (4, 3, 5))):
    for kind in ("Max", "Average"):
        case(f"{kind.lower()} pooling {n}d", lambda n=n, kind=kind: getattr(
            L, f"{kind}Pooling{n}D")(2, data_format=CF), [(2, 2) + size])
        case(f"{kind.lower()} pooling {n}d same", lambda n=n, kind=kind: getattr(
            L, f"{kind}Pooling{n}D")(3, strides=2 if kind == "Max" else 1, padding="same", data_format=CF),
             [(1, 2) + size])
        case(f"global {kind.lower()} pooling {n}d", lambda n=n, kind=kind: getattr(
            L, f"Global{kind}Pooling{n}D")(data_format=CF, keepdims=n == 2), [(2, 2) + size])
        case(f"adaptive {kind.lower()} pooling {n}d", lambda n=n, kind=kind: getattr(
            L, f"Adaptive{kind}Pooling{n}D")(3, data_format=CF), [(2, 2) + size])
    case(f"zero padding {n}d", lambda n=n: getattr(L, f"ZeroPadding{n}D")(1, data_format=CF),
         [(1, 2) + size])
    case(f"cropping {n}d", lambda n=n: getattr(L, f"Cropping{n}D")(1, **(
        {} if n == 1 else {"data_format": CF})), [(1, 2) + size],
         **({"turn": lambda x: x.transpose(1, 2), "back": lambda y: y.transpose(1, 2)}
            if n == 1 else {}))
    case(f"up sampling {n}d", lambda n=n: getattr(L, f"UpSampling{n}D")(2, **(
        {} if n == 1 else {"data_format": CF})), [(1, 2) + size],
         **({"turn": lambda x: x.transpose(1, 2), "back": lambda y: y.transpose(1, 2)}
            if n == 1 else {}))
case("up sampling 2d bilinear", lambda: L.UpSampling2D((2, 3), data_format=CF,
     interpolation="bilinear"), [(1, 2, 3, 4)])
case("global average pooling masked", lambda: L.GlobalAveragePooling1D(), [(2, 4, 3)], masked=True)

case("batch normalization", lambda: L.BatchNormalization(axis=1), [(3, 2, 4)],
     [("gamma", (2,)), ("beta", (2,))], states=["mean", "variance"], training=False)
case("batch normalization training", lambda: L.BatchNormalization(axis=1), [(3, 2, 4)],
     [("gamma", (2,)), ("beta", (2,))], states=["mean", "variance"], training=True)
case("batch normalization last", lambda: L.BatchNormalization(momentum=0.8, epsilon=1e-2),
     [(3, 4, 2)], [("gamma", (2,)), ("beta", (2,))], states=["mean", "variance"], training=True)
case("layer normalization", lambda: L.LayerNormalization(), [(2, 3, 4)],
     [("gamma", (4,)), ("beta", (4,))])
case("layer normalization of two axes", lambda: L.LayerNormalization(axis=[1, 2], center=False),
     [(2, 3, 4)], [("gamma", (3, 4))])
case("group normalization", lambda: L.GroupNormalization(2, axis=1), [(2, 4, 3)],
     [("gamma", (4,)), ("beta", (4,))])
case("rms normalization", lambda: L.RMSNormalization(), [(2, 3, 4)], [("gamma", (4,))])
case("unit normalization", lambda: L.UnitNormalization(), [(2, 3, 4)])

case("reshape", lambda: L.Reshape((4, -1)), [(2, 3, 8)])
case("flatten", lambda: L.Flatten(), [(2, 3, 2, 2)])
case("flatten last", lambda: L.Flatten(), [(2, 2, 2, 3)], turn=lambda x: x.permute(0, 3, 1, 2))
case("permute", lambda: L.Permute((3, 1, 2)), [(2, 3, 2, 4)])
case("repeat vector", lambda: L.RepeatVector(3), [(2, 4)])
for kind in ("Add", "Multiply", "Average", "Maximum", "Minimum"):
    case(kind.lower(), lambda kind=kind: getattr(L, kind)(), [(2, 3, 4), (2, 3, 4), (2, 1, 4)])
case("subtract", lambda: L.Subtract(), [(2, 3), (2, 3)])
case("concatenate", lambda: L.Concatenate(axis=1), [(2, 3, 2), (2, 1, 2)])
case("dot", lambda: L.Dot(axes=(2, 1), normalize=True), [(2, 3, 4), (2, 4, 2)])
case("dot of vectors", lambda: L.Dot(axes=1), [(2, 3), (2, 3)])


def lstm(w, r, b):
    def turned(t):
        i, o, f, c = t.chunk(4)
        return torch.cat([i, f, c, o]).T if t.dim() == 2 else torch.cat([i, f, c, o])
    return [turned(w), turned(r), turned(b)]


def gru(w, r, b, c=None):
    return [w.T, r.T, torch.stack([b, c]) if c is not None else b]


def recurrent(gates, units, inputs, prefix="cell.", second=False):
    p = [(prefix + "kernel", (gates * units, inputs)), (prefix + "recurrent", (gates * units, units)),
         (prefix + "bias", (gates * units,))]
    return p + ([(prefix + "recurrentBias", (gates * units,))] if second else [])


case("simple rnn", lambda: L.SimpleRNN(3), [(2, 4, 2)], recurrent(1, 3, 2),
     map=lambda w, r, b: [w.T, r.T, b])
case("simple rnn relu", lambda: L.SimpleRNN(3, activation="relu", return_sequences=True),
     [(2, 4, 2)], recurrent(1, 3, 2), map=lambda w, r, b: [w.T, r.T, b])
case("lstm", lambda: L.LSTM(3), [(2, 4, 2)], recurrent(4, 3, 2), map=lstm)
case("lstm sequences", lambda: L.LSTM(3, return_sequences=True, return_state=True), [(2, 4, 2)],
     recurrent(4, 3, 2), map=lstm)
case("lstm backwards", lambda: L.LSTM(3, return_sequences=True, go_backwards=True), [(2, 4, 2)],
     recurrent(4, 3, 2), map=lstm)
case("lstm masked", lambda: L.LSTM(3, return_sequences=True), [(2, 4, 2)], recurrent(4, 3, 2),
     map=lstm, masked=True)
case("lstm hard", lambda: L.LSTM(3, recurrent_activation="hard_sigmoid", activation="relu"),
     [(2, 4, 2)], recurrent(4, 3, 2), map=lstm)
case("lstm with state", lambda: L.LSTM(3), [(2, 4, 2), (2, 3), (2, 3)], recurrent(4, 3, 2), map=lstm,
     call=lambda xs: [xs[0], xs[1:]])
case("gru", lambda: L.GRU(3, return_sequences=True), [(2, 4, 2)], recurrent(3, 3, 2, second=True),
     map=gru)
case("gru before", lambda: L.GRU(3, reset_after=False), [(2, 4, 2)], recurrent(3, 3, 2), map=gru)
case("gru masked", lambda: L.GRU(3), [(2, 4, 2)], recurrent(3, 3, 2, second=True), map=gru,
     masked=True)
case("bidirectional", lambda: L.Bidirectional(L.LSTM(2, return_sequences=True)), [(2, 4, 3)],
     recurrent(4, 2, 3, "ahead.cell.") + recurrent(4, 2, 3, "back.cell."),
     map=lambda a, b, c, d, e, f: lstm(a, b, c) + lstm(d, e, f))
case("bidirectional sum", lambda: L.Bidirectional(L.GRU(2), merge_mode="sum"), [(2, 4, 3)],
     recurrent(3, 2, 3, "ahead.cell.", True) + recurrent(3, 2, 3, "back.cell.", True),
     map=lambda a, b, c, d, e, f, g, h: gru(a, b, c, d) + gru(e, f, g, h))
case("stacked cells", lambda: L.RNN(L.StackedRNNCells([L.LSTMCell(2), L.GRUCell(3)])), [(2, 4, 3)],
     recurrent(4, 2, 3, "cell.cells.0.") + recurrent(3, 3, 2, "cell.cells.1.", True),
     map=lambda a, b, c, d, e, f, g: lstm(a, b, c) + gru(d, e, f, g))
case("time distributed", lambda: L.TimeDistributed(L.Dense(3)), [(2, 4, 2)],
     [("layer.kernel", (2, 3)), ("layer.bias", (3,))])
for n, size in ((1, (5,)), (2, (3, 4)), (3, (3, 2, 3))):
    case(f"conv lstm {n}d", lambda n=n: getattr(L, f"ConvLSTM{n}D")(2, 3 if n < 3 else 2, data_format=CF,
         padding="same", return_sequences=n == 2), [(1, 3, 2) + size],
         [("kernel", (8, 2) + ((3,) if n < 3 else (2,)) * n),
          ("recurrent", (8, 2) + ((3,) if n < 3 else (2,)) * n), ("bias", (8,))],
         map=lambda w, r, b: [last_to_front(w), last_to_front(r), b])

case("attention", lambda: L.Attention(use_scale=True), [(2, 3, 4), (2, 5, 2), (2, 5, 4)],
     [("scale", ())])
case("attention causal", lambda: L.Attention(), [(2, 4, 3), (2, 4, 3)],
     keywords={"use_causal_mask": True})
case("additive attention", lambda: L.AdditiveAttention(), [(2, 3, 4), (2, 5, 4)],
     [("scale", (4,))])


def headed(heads, key_heads, d, size, value_size, outputs, order):
    names = [("query", d, heads * size), ("key", d, key_heads * size),
             ("value", d, key_heads * value_size)]
    p = []
    for n, a, b in names:
        p += [(n + ".kernel", (a, b)), (n + ".bias", (b,))]
    params = [("outputKernel", (heads * value_size, outputs)), ("outputBias", (outputs,))] + p

    def made(ok, ob, qk, qb, kk, kb, vk, vb):
        def split(w, b, n):
            return [w.reshape(w.shape[0], n, -1), b.reshape(n, -1)]
        return (split(qk, qb, heads) + split(kk, kb, key_heads) + split(vk, vb, key_heads)
                + [ok.reshape(heads, -1, outputs), ob])
    return {"params": params, "map": made}


case("multi head attention", lambda: L.MultiHeadAttention(2, 3, value_dim=2),
     [(2, 3, 4), (2, 5, 4)], call=lambda xs: xs, **headed(2, 2, 4, 3, 2, 4, "qvk"))
case("multi head attention causal", lambda: L.MultiHeadAttention(2, 2, output_shape=3),
     [(2, 3, 4)], call=lambda xs: [xs[0], xs[0]], keywords={"use_causal_mask": True},
     **headed(2, 2, 4, 2, 2, 3, "qvk"))
case("group query attention", lambda: L.GroupQueryAttention(3, 4, 2), [(2, 3, 4), (2, 5, 4)],
     call=lambda xs: xs, **headed(4, 2, 4, 3, 3, 4, "qvk"))
