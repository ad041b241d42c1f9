# Over 400 lines because it is one list, of every layer with its options.
"""Models of Keras' built-in layers, one an option, and networks of keras.applications.

usage: keras_layers.py OUT [--only TEXT] [--applications]

Needs an environment made from keras-requirements.txt. Each model becomes
OUT/NAME/{model.keras,model.h5,io.npz}; weights come from a seed, statistics of normalisations are
made non-trivial, and io.npz holds in_0.. and out_0.. of the framework itself. What cannot be saved
in one of the formats is left out with a line that says so.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["KERAS_BACKEND"] = "tensorflow"
import zlib

import keras
import numpy as np
from keras import layers as L
from keras import ops

CASES = {}


def case(name, build, *inputs):
    """build() gives a model; inputs are arrays, or functions of a generator that make one."""
    assert name not in CASES, name
    CASES[name] = (build, inputs)


def normal(*shape):
    return lambda r: r.normal(size=shape).astype("f4")


def uniform(low, high, *shape):
    return lambda r: r.uniform(low, high, size=shape).astype("f4")


def ints(high, *shape, dtype="int32"):
    return lambda r: r.integers(0, high, size=shape).astype(dtype)


def layer(name, make, *inputs, dtype=None, batch=None):
    """A functional model of one layer, applied to as many inputs as there are arrays."""

    def build():
        rng = np.random.default_rng(0)
        arrays = [i(rng) if callable(i) else i for i in inputs]
        ins = [
            L.Input(a.shape[1:], dtype="string" if a.dtype == object else dtype or a.dtype.name)
            for a in arrays
        ]
        y = make()(ins[0] if len(ins) == 1 else ins)
        return keras.Model(ins, y)

    case(name, build, *inputs)


def functional(name, shapes, body, *inputs, dtypes=None):
    def build():
        ins = [
            L.Input(s, dtype=(dtypes or ["float32"] * len(shapes))[i]) for i, s in enumerate(shapes)
        ]
        return keras.Model(ins, body(*ins))

    case(name, build, *inputs)


def core():
    for act in (None, "relu", "softmax"):
        layer(f"dense_{act}", lambda a=act: L.Dense(4, activation=a), normal(3, 5))
    layer("dense_nobias", lambda: L.Dense(4, use_bias=False), normal(3, 5))
    layer("dense_3d", lambda: L.Dense(4), normal(2, 3, 5))
    layer("dense_act_layer", lambda: L.Dense(4, activation=L.LeakyReLU(0.1)), normal(2, 5))
    layer("dense_f16", lambda: L.Dense(4, dtype="mixed_float16"), normal(2, 5))
    layer("dense_f64", lambda: L.Dense(4, dtype="float64"), normal(2, 5))
    layer("dense_int_input", lambda: L.Dense(4), ints(5, 2, 5))
    for i, (eq, out, bias, shape) in enumerate(
        [
            ("ab,bc->ac", 6, "c", (3, 4)),
            ("abc,cd->abd", (None, 6), "d", (2, 3, 4)),
            ("abc,cde->abde", (None, 2, 3), "de", (2, 3, 4)),
            ("...x,xy->...y", 5, "y", (2, 3, 4)),
            ("abcd,cde->abe", (None, 6), "e", (2, 3, 4, 5)),
            ("abc,bd->adc", (6, 4), None, (2, 3, 4)),
        ]
    ):
        layer(f"einsum_dense_{i}", lambda e=eq, o=out, b=bias: L.EinsumDense(e, o, bias_axes=b), normal(*shape))
    layer("embedding", lambda: L.Embedding(7, 3), ints(7, 2, 5))
    layer("embedding_mask", lambda: L.Embedding(7, 3, mask_zero=True), ints(7, 2, 5))
    layer("embedding_float_input", lambda: L.Embedding(7, 3), lambda r: r.integers(0, 7, (2, 4)).astype("f4"))

    def tied(x):
        e = L.ReversibleEmbedding(7, 3, logit_soft_cap=2.0)
        return e(e(x), reverse=True)

    def untied(x):
        e = L.ReversibleEmbedding(7, 3, tie_weights=False)
        return e(e(x), reverse=True)

    if hasattr(L, "ReversibleEmbedding"):
        functional("reversible_embedding", [(5,)], tied, ints(7, 2, 5), dtypes=["int32"])
        functional("reversible_embedding_untied", [(5,)], untied, ints(7, 2, 5), dtypes=["int32"])
    layer("masking", lambda: L.Masking(0.0), masked(2, 4, 3))
    layer("identity", lambda: L.Identity(), normal(2, 3))


def masked(n, t, c):
    def make(r):
        x = r.normal(size=(n, t, c)).astype("f4")
        x[0, t // 2 :] = 0
        if n > 1:
            x[1, 1] = 0
        return x

    return make


def activations():
    names = (
        "relu relu6 leaky_relu elu selu celu gelu glu silu sigmoid sparse_sigmoid hard_sigmoid "
        "hard_silu hard_tanh hard_shrink soft_shrink tanh tanh_shrink softmax log_softmax softplus "
        "softsign squareplus sparse_plus sparsemax exponential linear mish log_sigmoid threshold swish"
    ).split()
    for name in names:
        if name == "threshold":
            continue
        layer(f"activation_{name}", lambda n=name: L.Activation(n), uniform(-4, 4, 3, 8))
    layer("relu_layer", lambda: L.ReLU(), normal(2, 6))
    layer("relu_max", lambda: L.ReLU(max_value=1.5), uniform(-3, 3, 2, 9))
    layer("relu_slope_max", lambda: L.ReLU(max_value=1.5, negative_slope=0.2), uniform(-3, 3, 2, 9))
    layer("relu_threshold", lambda: L.ReLU(max_value=2, negative_slope=0.2, threshold=0.7), uniform(-3, 3, 2, 9))
    layer("leaky", lambda: L.LeakyReLU(0.17), normal(2, 6))
    layer("elu_layer", lambda: L.ELU(0.6), normal(2, 6))
    layer("prelu", lambda: L.PReLU("glorot_uniform"), normal(2, 4, 6))
    layer("prelu_shared", lambda: L.PReLU("glorot_uniform", shared_axes=[1, 2]), normal(2, 4, 4, 6))
    layer("softmax_layer", lambda: L.Softmax(), normal(2, 6))
    layer("softmax_axis1", lambda: L.Softmax(1), normal(2, 4, 6))
    layer("softmax_axes", lambda: L.Softmax((1, 2)), normal(2, 4, 6))
    functional(
        "softmax_masked", [(4, 6), (4, 6)], lambda x, m: L.Softmax()(x, mask=m), normal(2, 4, 6),
        lambda r: r.integers(0, 2, (2, 4, 6)).astype(bool), dtypes=["float32", "bool"],
    )


def convolutions():
    sizes = {1: (9,), 2: (8, 7), 3: (5, 6, 4)}
    for d, space in sizes.items():
        x = normal(2, *space, 4)
        conv = getattr(L, f"Conv{d}D")
        for pad in ("valid", "same"):
            for stride in (1, 2):
                layer(
                    f"conv{d}d_{pad}_s{stride}",
                    lambda c=conv, p=pad, s=stride: c(6, 3, strides=s, padding=p, activation="relu"), x,
                )
            layer(f"conv{d}d_{pad}_dilated", lambda c=conv, p=pad: c(6, 2, dilation_rate=2, padding=p), x)
        layer(f"conv{d}d_groups", lambda c=conv: c(6, 3, groups=2, padding="same", use_bias=False), x)
        layer(f"conv{d}d_even", lambda c=conv: c(3, 4, strides=3, padding="same"), x)
        tr = getattr(L, f"Conv{d}DTranspose")
        for pad in ("valid", "same"):
            for stride in (1, 2, 3):
                layer(
                    f"conv{d}d_transpose_{pad}_s{stride}",
                    lambda c=tr, p=pad, s=stride: c(5, 3, strides=s, padding=p), x,
                )
            layer(f"conv{d}d_transpose_{pad}_k2s3", lambda c=tr, p=pad: c(5, 2, strides=3, padding=p), x)
            layer(f"conv{d}d_transpose_{pad}_k4s2", lambda c=tr, p=pad: c(5, 4, strides=2, padding=p), x)
            layer(
                f"conv{d}d_transpose_{pad}_out",
                lambda c=tr, p=pad: c(5, 3, strides=2, padding=p, output_padding=1, use_bias=False), x,
            )
    layer("conv1d_causal", lambda: L.Conv1D(5, 3, padding="causal", dilation_rate=2), normal(2, 9, 4))
    layer("conv2d_rect", lambda: L.Conv2D(5, (3, 1), strides=(1, 2), padding="same"), normal(2, 8, 7, 4))
    layer("conv2d_softmax", lambda: L.Conv2D(5, 1, activation="softmax"), normal(2, 4, 4, 3))
    layer("conv2d_f16", lambda: L.Conv2D(5, 3, dtype="mixed_float16"), normal(1, 6, 6, 3))
    functional("conv2d_open", [(None, None, 3)], lambda x: L.Conv2D(4, 3, strides=2, padding="same")(x), normal(2, 7, 9, 3))
    functional("conv2d_open_s1", [(None, None, 3)], lambda x: L.Conv2D(4, 3, padding="same")(x), normal(2, 7, 9, 3))
    for d, space in ((1, (9,)), (2, (8, 8))):
        x = normal(2, *space, 3)
        dw = getattr(L, f"DepthwiseConv{d}D")
        sep = getattr(L, f"SeparableConv{d}D")
        for pad in ("valid", "same"):
            for stride in (1, 2):
                layer(
                    f"depthwise{d}d_{pad}_s{stride}",
                    lambda c=dw, p=pad, s=stride: c(3, strides=s, padding=p, depth_multiplier=2, activation="relu"), x,
                )
                layer(
                    f"separable{d}d_{pad}_s{stride}",
                    lambda c=sep, p=pad, s=stride: c(6, 3, strides=s, padding=p, depth_multiplier=2), x,
                )
        layer(f"depthwise{d}d_dilated", lambda c=dw: c(3, dilation_rate=2, use_bias=False), x)
        layer(f"separable{d}d_dilated", lambda c=sep: c(4, 3, dilation_rate=2, use_bias=False), x)
    cf = "channels_first"
    layer("conv2d_cf", lambda: L.Conv2D(4, 3, padding="same", data_format=cf), normal(2, 3, 8, 8))


def pooling():
    sizes = {1: (9,), 2: (8, 7), 3: (5, 6, 4)}
    for d, space in sizes.items():
        x = normal(2, *space, 3)
        for kind in ("Max", "Average"):
            pool = getattr(L, f"{kind}Pooling{d}D")
            for pad in ("valid", "same"):
                layer(f"{kind.lower()}pool{d}d_{pad}", lambda c=pool, p=pad: c(2, padding=p), x)
                layer(f"{kind.lower()}pool{d}d_{pad}_k3s1", lambda c=pool, p=pad: c(3, strides=1, padding=p), x)
            for keep in (False, True):
                g = getattr(L, f"Global{kind}Pooling{d}D")
                layer(f"global{kind.lower()}pool{d}d_{keep}", lambda c=g, k=keep: c(keepdims=k), x)
            name = f"Adaptive{kind}Pooling{d}D"
            if hasattr(L, name):
                layer(f"adaptive{kind.lower()}pool{d}d", lambda c=getattr(L, name): c(3), x)
                layer(f"adaptive{kind.lower()}pool{d}d_2", lambda c=getattr(L, name): c(2), x)
    layer("maxpool2d_cf", lambda: L.MaxPooling2D(2, data_format="channels_first"), normal(2, 3, 8, 8))
    layer("globalavg_cf", lambda: L.GlobalAveragePooling2D(data_format="channels_first"), normal(2, 3, 5, 5))
    functional(
        "globalavg_masked", [(6, 3)], lambda x: L.GlobalAveragePooling1D()(L.Masking()(x)), masked(2, 6, 3)
    )


def recurrent():
    x = normal(2, 5, 4)
    for kind in ("SimpleRNN", "GRU", "LSTM"):
        c = getattr(L, kind)
        n = kind.lower()
        for seq in (False, True):
            layer(f"{n}_{seq}", lambda c=c, s=seq: c(3, return_sequences=s), x)
            layer(f"{n}_{seq}_back", lambda c=c, s=seq: c(3, return_sequences=s, go_backwards=True), x)
            layer(f"{n}_{seq}_state", lambda c=c, s=seq: c(3, return_sequences=s, return_state=True), x)
            for zero in (False, True):
                functional(
                    f"{n}_{seq}_masked_{zero}", [(5, 4)],
                    lambda x, c=c, s=seq, z=zero: c(3, return_sequences=s, zero_output_for_mask=z)(L.Masking()(x)),
                    masked(3, 5, 4),
                )
        layer(f"{n}_nobias", lambda c=c: c(3, use_bias=False), x)
        layer(f"{n}_relu", lambda c=c: c(3, activation="relu"), x)
        layer(f"{n}_gelu", lambda c=c: c(3, activation="gelu", return_sequences=True), x)
        functional(f"{n}_open_time", [(None, 4)], lambda x, c=c: c(3, return_sequences=True)(x), x)
        states = 2 if kind == "LSTM" else 1
        functional(
            f"{n}_initial", [(5, 4)] + [(3,)] * states,
            lambda x, *s, c=c: c(3, return_sequences=True)(x, initial_state=list(s)),
            x, *[normal(2, 3)] * states,
        )
        for merge in ("concat", "sum", "ave", "mul", None):
            for seq in (False, True):
                layer(
                    f"bidirectional_{n}_{merge}_{seq}",
                    lambda c=c, m=merge, s=seq: L.Bidirectional(c(3, return_sequences=s), merge_mode=m), x,
                )
        layer(f"bidirectional_{n}_state", lambda c=c: L.Bidirectional(c(3, return_sequences=True, return_state=True)), x)
        functional(
            f"bidirectional_{n}_masked", [(5, 4)],
            lambda x, c=c: L.Bidirectional(c(3, return_sequences=True))(L.Masking()(x)), masked(3, 5, 4),
        )
        cell = getattr(L, f"{kind}Cell")
        layer(f"rnn_{n}_cell", lambda c=cell: L.RNN(c(3), return_sequences=True), x)
    layer("gru_hard", lambda: L.GRU(3, recurrent_activation="hard_sigmoid"), x)
    layer("lstm_hard", lambda: L.LSTM(3, recurrent_activation="hard_sigmoid", activation="softsign"), x)
    layer("gru_reset_before", lambda: L.GRU(3, reset_after=False, return_sequences=True), x)
    layer("gru_reset_before_gelu", lambda: L.GRU(3, reset_after=False, activation="gelu"), x)
    layer("rnn_stacked", lambda: L.RNN([L.GRUCell(3), L.LSTMCell(2), L.SimpleRNNCell(4)], return_state=True), x)
    layer(
        "bidirectional_other",
        lambda: L.Bidirectional(L.LSTM(3), backward_layer=L.LSTM(2, go_backwards=True)), x,
    )
    functional(
        "lstm_embedding_masked", [(6,)],
        lambda x: L.LSTM(4)(L.Embedding(9, 5, mask_zero=True)(x)), ints(4, 3, 6), dtypes=["int32"],
    )
    layer("time_dense", lambda: L.TimeDistributed(L.Dense(3)), x)
    layer("time_conv", lambda: L.TimeDistributed(L.Conv2D(2, 3, padding="same")), normal(2, 3, 6, 6, 2))
    functional("time_open", [(None, 4)], lambda x: L.TimeDistributed(L.Dense(3))(x), x)
    for d, space in ((1, (6,)), (2, (5, 6)), (3, (4, 4, 5))):
        c = getattr(L, f"ConvLSTM{d}D")
        layer(f"convlstm{d}d", lambda c=c: c(2, 3, padding="same", return_sequences=True), normal(2, 3, *space, 2))
        layer(f"convlstm{d}d_valid", lambda c=c: c(2, 3, return_state=True), normal(2, 3, *space, 2))
    functional(
        "encoder_decoder", [(5, 4), (3, 4)],
        lambda a, b: (lambda s: L.LSTM(3, return_sequences=True)(b, initial_state=s[1:]))(L.LSTM(3, return_state=True)(a)),
        normal(2, 5, 4), normal(2, 3, 4),
    )


def attention():
    q, v, k = normal(2, 4, 6), normal(2, 5, 6), normal(2, 5, 6)
    for scale in (False, True):
        layer(f"attention_{scale}", lambda s=scale: L.Attention(use_scale=s), q, v)
        layer(f"attention_concat_{scale}", lambda s=scale: L.Attention(use_scale=s, score_mode="concat"), q, v, k)
        layer(f"additive_{scale}", lambda s=scale: L.AdditiveAttention(use_scale=s), q, v, k)
    functional("attention_causal", [(4, 6)], lambda x: L.Attention()([x, x], use_causal_mask=True), normal(2, 4, 6))
    functional(
        "attention_scores", [(4, 6), (5, 6)],
        lambda a, b: L.Attention()([a, b], return_attention_scores=True), q, v,
    )
    functional(
        "attention_masked", [(4, 6), (5, 6)],
        lambda a, b: L.Attention()([L.Masking()(a), L.Masking()(b)]), masked(2, 4, 6), masked(2, 5, 6),
    )
    for drop in (0.0, 0.2):
        functional(f"mha_{drop}", [(4, 6), (5, 6)], lambda a, b, d=drop: L.MultiHeadAttention(2, 3, dropout=d)(a, b), q, v)
        functional(
            f"mha_causal_{drop}", [(4, 6)],
            lambda x, d=drop: L.MultiHeadAttention(2, 3, dropout=d)(x, x, use_causal_mask=True), q,
        )
        functional(
            f"mha_masked_{drop}", [(4, 6)],
            lambda x, d=drop: (lambda m: L.MultiHeadAttention(2, 3, dropout=d)(m, m))(L.Masking()(x)), masked(2, 4, 6),
        )
    functional("mha_key", [(4, 6), (5, 6), (5, 6)], lambda a, b, c: L.MultiHeadAttention(2, 3, 5)(a, b, c), q, v, k)
    functional("mha_nobias", [(4, 6)], lambda x: L.MultiHeadAttention(2, 3, use_bias=False, output_shape=7)(x, x), q)
    functional(
        "mha_scores", [(4, 6)],
        lambda x: L.MultiHeadAttention(2, 3)(x, x, return_attention_scores=True), q,
    )
    functional(
        "mha_mask_arg", [(4, 6), (4, 4)],
        lambda x, m: L.MultiHeadAttention(2, 3)(x, x, attention_mask=m), q,
        lambda r: r.integers(0, 2, (2, 4, 4)).astype(bool), dtypes=["float32", "bool"],
    )
    functional("mha_axes", [(3, 4, 6)], lambda x: L.MultiHeadAttention(2, 3, attention_axes=2)(x, x), normal(2, 3, 4, 6))
    functional("mha_axes2", [(3, 4, 6)], lambda x: L.MultiHeadAttention(2, 3, attention_axes=(1, 2))(x, x), normal(2, 3, 4, 6))
    functional("mha_open", [(None, 6)], lambda x: L.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True), q)
    for kw in ({"use_gate": True}, {"sliding_window": 2}):
        try:
            L.MultiHeadAttention(2, 3, **kw)
        except Exception:
            continue
        functional(f"mha_{list(kw)[0]}", [(4, 6)], lambda x, kw=kw: L.MultiHeadAttention(2, 3, **kw)(x, x), q)
    gqa = L.GroupQueryAttention
    functional("gqa", [(4, 6)], lambda x: gqa(3, 4, 2)(x, x), q)
    functional("gqa_causal", [(4, 6)], lambda x: gqa(3, 4, 2, use_bias=False)(x, x, use_causal_mask=True), q)
    functional("gqa_dropout", [(4, 6)], lambda x: gqa(3, 4, 1, dropout=0.1)(x, x), q)
    functional("gqa_masked", [(4, 6)], lambda x: (lambda m: gqa(3, 4, 2)(m, m))(L.Masking()(x)), masked(2, 4, 6))
    functional("gqa_gate", [(4, 6)], lambda x: gqa(3, 4, 2, use_gate=True)(x, x), q)


def normalizations():
    for shape in ((3, 5), (2, 4, 5), (2, 4, 4, 5), (2, 3, 3, 2, 5)):
        r = len(shape)
        layer(f"batchnorm_{r}d", lambda: L.BatchNormalization(), normal(*shape))
        layer(f"layernorm_{r}d", lambda: L.LayerNormalization(), normal(*shape))
        layer(f"rmsnorm_{r}d", lambda: L.RMSNormalization(), normal(*shape))
        layer(f"unitnorm_{r}d", lambda: L.UnitNormalization(), normal(*shape))
        # Groups of single elements would show nothing but the rounding of x / d - mean / d.
        groups = 5 if r > 2 else 1
        layer(f"groupnorm_{r}d", lambda g=groups: L.GroupNormalization(g), normal(*shape))
        if r > 2:
            layer(f"batchnorm_{r}d_axis1", lambda: L.BatchNormalization(axis=1, epsilon=1e-2), normal(*shape))
            layer(f"layernorm_{r}d_axis1", lambda: L.LayerNormalization(axis=1), normal(*shape))
            layer(f"layernorm_{r}d_axes", lambda: L.LayerNormalization(axis=[-2, -1]), normal(*shape))
            layer(f"groupnorm_{r}d_axis1", lambda: L.GroupNormalization(1, axis=1), normal(*shape))
    layer("batchnorm_noscale", lambda: L.BatchNormalization(scale=False), normal(2, 4, 4, 3))
    layer("batchnorm_nocenter", lambda: L.BatchNormalization(center=False), normal(2, 5))
    layer("batchnorm_axis2", lambda: L.BatchNormalization(axis=2), normal(2, 4, 5, 3))
    layer("batchnorm_f16", lambda: L.BatchNormalization(dtype="mixed_float16"), normal(2, 4, 4, 3))
    layer("layernorm_none", lambda: L.LayerNormalization(center=False, scale=False), normal(2, 4, 5))
    layer("layernorm_rms", lambda: L.LayerNormalization(rms_scaling=True), normal(2, 4, 5))
    layer("groupnorm_noscale", lambda: L.GroupNormalization(2, scale=False, center=False), normal(2, 5, 6))
    layer("groupnorm_instance", lambda: L.GroupNormalization(-1), normal(2, 5, 5, 6))
    layer("unitnorm_axes", lambda: L.UnitNormalization(axis=[1, 2]), normal(2, 3, 4))
    layer("rmsnorm_axis", lambda: L.RMSNormalization(axis=-1, epsilon=1e-3), normal(2, 3, 4))
    layer("spectral_dense", lambda: L.SpectralNormalization(L.Dense(4)), normal(2, 5))
    layer("spectral_conv", lambda: L.SpectralNormalization(L.Conv2D(4, 3)), normal(2, 6, 6, 2))

    def conv_bn(x):
        x = L.Conv2D(4, 3, use_bias=False)(x)
        return L.ReLU()(L.BatchNormalization()(x))

    functional("conv_bn_relu", [(8, 8, 3)], conv_bn, normal(2, 8, 8, 3))


def merging():
    for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
        c = getattr(L, name)
        layer(f"merge_{name.lower()}", lambda c=c: c(), normal(2, 3, 4), normal(2, 3, 4))
        layer(f"merge_{name.lower()}_ranks", lambda c=c: c(), normal(2, 3, 4), normal(2, 4))
        if name != "Subtract":
            layer(f"merge_{name.lower()}_three", lambda c=c: c(), normal(2, 3), normal(2, 3), normal(2, 3))
    layer("concat_last", lambda: L.Concatenate(), normal(2, 3, 4), normal(2, 3, 2))
    layer("concat_1", lambda: L.Concatenate(axis=1), normal(2, 3, 4), normal(2, 2, 4))
    functional(
        "concat_masked", [(4, 3), (4, 3)],
        lambda a, b: L.LSTM(2)(L.Concatenate()([L.Masking()(a), L.Masking()(b)])), masked(2, 4, 3), masked(2, 4, 3),
    )
    functional(
        "add_masked", [(4, 3), (4, 3)],
        lambda a, b: L.LSTM(2)(L.Add()([L.Masking()(a), L.Masking()(b)])), masked(2, 4, 3), masked(2, 4, 3),
    )
    layer("dot_22", lambda: L.Dot(1), normal(2, 5), normal(2, 5))
    layer("dot_33", lambda: L.Dot((1, 2)), normal(2, 5, 3), normal(2, 4, 5))
    layer("dot_32", lambda: L.Dot((2, 1)), normal(2, 4, 5), normal(2, 5))
    layer("dot_23", lambda: L.Dot((1, 1)), normal(2, 5), normal(2, 5, 3))
    layer("dot_normalized", lambda: L.Dot(1, normalize=True), normal(2, 5), normal(2, 5))
    layer("dot_44", lambda: L.Dot((2, 3)), normal(2, 3, 5, 2), normal(2, 4, 3, 5))


def reshaping():
    layer("flatten", lambda: L.Flatten(), normal(2, 3, 4))
    layer("flatten_cf", lambda: L.Flatten(data_format="channels_first"), normal(2, 3, 4, 5))
    layer("flatten_1", lambda: L.Flatten(), normal(2, 3))
    layer("reshape", lambda: L.Reshape((4, 3)), normal(2, 3, 4))
    layer("reshape_open", lambda: L.Reshape((-1, 2)), normal(2, 3, 4))
    layer("permute", lambda: L.Permute((3, 1, 2)), normal(2, 3, 4, 5))
    layer("repeat_vector", lambda: L.RepeatVector(3), normal(2, 4))
    layer("cropping1d", lambda: L.Cropping1D((1, 2)), normal(2, 6, 3))
    layer("cropping2d", lambda: L.Cropping2D(((1, 0), (0, 2))), normal(2, 6, 5, 3))
    layer("cropping2d_cf", lambda: L.Cropping2D((1, 2), data_format="channels_first"), normal(2, 3, 6, 5))
    layer("cropping3d", lambda: L.Cropping3D(1), normal(2, 4, 5, 6, 2))
    layer("padding1d", lambda: L.ZeroPadding1D((1, 2)), normal(2, 4, 3))
    layer("padding2d", lambda: L.ZeroPadding2D(((1, 0), (0, 2))), normal(2, 4, 5, 3))
    layer("padding3d", lambda: L.ZeroPadding3D((1, 0, 2)), normal(2, 3, 2, 4, 2))
    layer("upsampling1d", lambda: L.UpSampling1D(3), normal(2, 4, 3))
    layer("upsampling3d", lambda: L.UpSampling3D((1, 2, 3)), normal(2, 2, 3, 2, 2))
    for how in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
        layer(f"upsampling2d_{how}", lambda h=how: L.UpSampling2D((2, 3), interpolation=h), normal(2, 4, 5, 3))
    layer("upsampling2d_cf", lambda: L.UpSampling2D(2, data_format="channels_first"), normal(2, 3, 4, 5))

    def conv_around(x):
        x = L.Conv2D(4, 3)(L.ZeroPadding2D(1)(L.Conv2D(4, 3)(x)))
        return L.Concatenate()([L.UpSampling2D(2)(x), L.UpSampling2D(2, interpolation="bilinear")(x)])

    functional("conv_pad_up", [(6, 6, 3)], conv_around, normal(2, 6, 6, 3))


def texts(*rows):
    return np.array(rows, dtype=object)


def preprocessing():
    layer("rescaling", lambda: L.Rescaling(1 / 127.5, -1), uniform(0, 255, 2, 4, 4, 3))
    layer("rescaling_int", lambda: L.Rescaling(1 / 255), ints(255, 2, 4, 4, 3, dtype="uint8"))
    layer("rescaling_list", lambda: L.Rescaling([1.0, 2.0, 3.0], [0.1, 0.2, 0.3]), normal(2, 4, 3))
    for invert in (False, True):
        layer(
            f"normalization_given_{invert}",
            lambda i=invert: L.Normalization(mean=[1.0, 2.0, 3.0], variance=[0.5, 1.0, 4.0], invert=i), normal(2, 3),
        )

    def adapted(**kw):
        n = L.Normalization(**kw)
        n.adapt(np.random.default_rng(1).normal(2, 3, size=(20, 4, 3)).astype("f4"))
        return n

    layer("normalization_adapted", lambda: adapted(), normal(2, 4, 3))
    layer("normalization_axes", lambda: adapted(axis=(1, 2)), normal(2, 4, 3))
    layer("normalization_scalar", lambda: adapted(axis=None), normal(2, 4, 3))
    for mode in ("int", "one_hot", "multi_hot", "count"):
        layer(
            f"discretization_{mode}",
            lambda m=mode: L.Discretization([-1.0, 0.0, 0.5], output_mode=m), normal(4, 3 if mode != "one_hot" else 1),
        )
    for mode in ("one_hot", "multi_hot", "count"):
        layer(f"category_{mode}", lambda m=mode: L.CategoryEncoding(5, output_mode=m), ints(5, 3, 4 if mode != "one_hot" else 1))
    words = texts(["a", "z", "c"], ["b", "", "a"])
    for mode in ("int", "multi_hot", "count"):
        layer(f"string_lookup_{mode}", lambda m=mode: L.StringLookup(vocabulary=["a", "b", "c"], output_mode=m), words)
        layer(
            f"integer_lookup_{mode}", lambda m=mode: L.IntegerLookup(vocabulary=[7, 3, 5], output_mode=m),
            ints(9, 3, 4, dtype="int64"),
        )
    layer("string_lookup_one_hot", lambda: L.StringLookup(vocabulary=["a", "b"], output_mode="one_hot"), texts(["a"], ["q"]))
    layer("string_lookup_mask", lambda: L.StringLookup(vocabulary=["a", "b"], mask_token=""), words)
    layer("string_lookup_invert", lambda: L.StringLookup(vocabulary=["a", "b"], invert=True), ints(3, 2, 3, dtype="int64"))
    layer("integer_lookup_oov", lambda: L.IntegerLookup(vocabulary=[7, 3, 5], num_oov_indices=3), ints(20, 3, 4, dtype="int64"))
    layer("integer_lookup_mask", lambda: L.IntegerLookup(vocabulary=[7, 3], mask_token=0), ints(9, 3, 4, dtype="int64"))
    layer(
        "string_lookup_tfidf",
        lambda: L.StringLookup(vocabulary=["a", "b", "c"], output_mode="tf_idf", idf_weights=[0.3, 0.6, 0.9]), words,
    )

    def adapted_lookup():
        s = L.StringLookup()
        s.adapt(np.array(["x", "y", "x", "z", "x"]))
        return s

    layer("string_lookup_adapted_words", adapted_lookup, texts(["x"], ["y"], ["n"]))
    sentences = texts(["The cat, sat!  On it."], ["dog's (cat)"], [""])
    vocab = ["the", "cat", "sat", "dogs", "on"]
    layer("text_vectorization", lambda: L.TextVectorization(vocabulary=vocab, output_sequence_length=4), sentences)
    layer("text_vectorization_open", lambda: L.TextVectorization(vocabulary=vocab), sentences)
    layer("text_vectorization_lower", lambda: L.TextVectorization(vocabulary=vocab, standardize="lower", output_sequence_length=6), sentences)
    layer("text_vectorization_raw", lambda: L.TextVectorization(vocabulary=vocab, standardize=None, output_sequence_length=3), sentences)
    for mode in ("multi_hot", "count"):
        layer(f"text_vectorization_{mode}", lambda m=mode: L.TextVectorization(vocabulary=vocab, output_mode=m), sentences)
    for how in ("nearest", "bilinear", "bicubic", "lanczos3"):
        for size in ((3, 9), (8, 4)):
            layer(f"resizing_{how}_{size[0]}", lambda h=how, s=size: L.Resizing(*s, interpolation=h), normal(2, 5, 6, 3))
    layer("resizing_crop", lambda: L.Resizing(4, 8, crop_to_aspect_ratio=True), normal(2, 6, 6, 3))
    layer("resizing_pad", lambda: L.Resizing(4, 8, pad_to_aspect_ratio=True), normal(2, 6, 6, 3))
    layer("resizing_antialias", lambda: L.Resizing(3, 4, antialias=True), normal(2, 8, 9, 3))
    layer("resizing_antialias_cubic", lambda: L.Resizing(3, 4, antialias=True, interpolation="bicubic"), normal(2, 8, 9, 3))
    layer("center_crop", lambda: L.CenterCrop(4, 3), normal(2, 7, 6, 3))
    layer("center_crop_grow", lambda: L.CenterCrop(9, 8), normal(2, 7, 6, 3))
    for c in ("RandomFlip", "RandomRotation", "RandomZoom", "RandomContrast", "RandomTranslation", "RandomBrightness"):
        layer(c.lower(), lambda c=c: getattr(L, c)(**({} if c == "RandomFlip" else {"height_factor": 0.1, "width_factor": 0.1} if c == "RandomTranslation" else {"factor": 0.1} if c != "RandomZoom" else {"height_factor": 0.1})), uniform(0, 1, 2, 6, 6, 3))


def regularization():
    for name, kw in {
        "Dropout": {"rate": 0.4}, "GaussianDropout": {"rate": 0.4}, "AlphaDropout": {"rate": 0.4},
        "GaussianNoise": {"stddev": 0.4}, "ActivityRegularization": {"l1": 0.1}, "SpatialDropout1D": {"rate": 0.3},
    }.items():
        layer(name.lower(), lambda n=name, k=kw: getattr(L, n)(**k), normal(2, 4, 3))


def operations():
    def op(name, body, *inputs, dtypes=None):
        rng = np.random.default_rng(0)
        shapes = [(i(rng) if callable(i) else i).shape[1:] for i in inputs]
        functional(f"op_{name}", shapes, body, *inputs, dtypes=dtypes)

    x, y = normal(2, 3, 4), normal(2, 3, 4)
    pos = uniform(0.2, 3, 2, 3, 4)
    inner = uniform(-0.9, 0.9, 2, 3, 4)
    for name in "absolute negative sign exp square sin cos tan sinh cosh tanh arctan arcsinh ceil floor trunc expm1 exp2 isnan isfinite round sigmoid relu relu6 silu softplus softsign erf log_sigmoid hard_sigmoid hard_silu selu sinc signbit logical_not zeros_like ones_like ravel stop_gradient".split():
        f = getattr(ops, name)
        op(name, lambda a, f=f: f(a), x)
    for name in "log log2 log10 log1p sqrt rsqrt reciprocal".split():
        f = getattr(ops, name)
        op(name, lambda a, f=f: f(a), pos)
    for name in "arcsin arccos arctanh".split():
        f = getattr(ops, name)
        op(name, lambda a, f=f: f(a), inner)
    for name in "add subtract multiply divide maximum minimum mod floor_divide power arctan2 hypot logaddexp equal not_equal greater greater_equal less less_equal logical_and logical_or logical_xor".split():
        f = getattr(ops, name)
        op(name, lambda a, b, f=f: f(a, b), pos, uniform(0.3, 2, 2, 3, 4))
    op("scalars", lambda a: 2 * a + 1 - a / 3 + (1 - a) ** 2, x)
    op("int_scalar", lambda a: a * 2 + 1, ints(9, 2, 4), dtypes=["int32"])
    op("int_float", lambda a: a * 0.5, ints(9, 2, 4), dtypes=["int32"])
    op("int_divide", lambda a: a / 2, ints(9, 2, 4), dtypes=["int32"])
    op("int_tensor", lambda a, b: a + b, ints(9, 2, 4), normal(2, 4), dtypes=["int32", "float32"])
    op("rsub", lambda a: 3.0 - a, x)
    for name in "sum mean max min prod var std logsumexp any all argmax argmin count_nonzero".split():
        f = getattr(ops, name)
        op(f"{name}_axis", lambda a, f=f: f(a, axis=-1), x)
        if name not in ("argmax", "argmin", "count_nonzero"):
            op(f"{name}_keep", lambda a, f=f: f(a, axis=(1, 2), keepdims=True), x)
    op("mean_1", lambda a: ops.mean(a, axis=1), x)
    op("norm", lambda a: ops.norm(a, axis=-1), x)
    op("norm_1", lambda a: ops.norm(a, ord=1, axis=-1, keepdims=True), x)
    op("cumsum", lambda a: ops.cumsum(a, axis=1), x)
    op("clip", lambda a: ops.clip(a, -0.5, 0.5), x)
    op("where", lambda a, b: ops.where(a > 0, a, b), x, y)
    op("where_scalar", lambda a: ops.where(a > 0, a, 0.0), x)
    op("cast", lambda a: ops.cast(a, "int32"), x)
    op("cast_half", lambda a: ops.cast(a, "float16"), x)
    op("concatenate", lambda a, b: ops.concatenate([a, b], axis=1), x, y)
    op("stack", lambda a, b: ops.stack([a, b], axis=1), x, y)
    op("hstack", lambda a, b: ops.hstack([a, b]), x, y)
    op("unstack", lambda a: list(ops.unstack(a, axis=1)), x)
    op("split", lambda a: list(ops.split(a, 2, axis=-1)), x)
    op("split_at", lambda a: list(ops.split(a, [1, 3], axis=-1)), x)
    op("reshape", lambda a: ops.reshape(a, (-1, 12)), x)
    op("reshape2", lambda a: ops.reshape(a, (-1, 4, 3)), x)
    op("expand_dims", lambda a: ops.expand_dims(a, 1), x)
    op("squeeze", lambda a: ops.squeeze(a, 1), normal(2, 1, 4))
    op("transpose", lambda a: ops.transpose(a, (0, 2, 1)), x)
    op("swapaxes", lambda a: ops.swapaxes(a, 1, 2), x)
    op("moveaxis", lambda a: ops.moveaxis(a, 1, -1), x)
    op("tile", lambda a: ops.tile(a, (1, 2, 1)), x)
    op("repeat", lambda a: ops.repeat(a, 2, axis=1), x)
    op("flip", lambda a: ops.flip(a, axis=1), x)
    op("roll", lambda a: ops.roll(a, 1, axis=1), x)
    op("pad", lambda a: ops.pad(a, ((0, 0), (1, 2), (0, 1))), x)
    op("pad_reflect", lambda a: ops.pad(a, ((0, 0), (1, 1), (0, 0)), mode="reflect"), x)
    op("getitem_int", lambda a: a[:, 1], x)
    op("getitem_slice", lambda a: a[:, 1:, ::2], x)
    op("getitem_ellipsis", lambda a: a[..., -1], x)
    op("getitem_none", lambda a: a[:, None, :, 0], x)
    op("take", lambda a: ops.take(a, [0, 2], axis=1), x)
    op("take_along", lambda a: ops.take_along_axis(a, ops.argsort(a, axis=-1), axis=-1), x)
    op("top_k", lambda a: list(ops.top_k(a, 2)), x)
    op("sort", lambda a: ops.sort(a, axis=-1), x)
    op("one_hot", lambda a: ops.one_hot(a, 5), ints(5, 2, 3), dtypes=["int32"])
    op("tril", lambda a: ops.tril(a), normal(2, 4, 4))
    op("diff", lambda a: ops.diff(a, axis=1), x)
    op("matmul", lambda a, b: ops.matmul(a, b), x, normal(2, 4, 5))
    op("matmul_t", lambda a, b: ops.matmul(a, ops.transpose(b, (0, 2, 1))), x, y)
    op("einsum", lambda a, b: ops.einsum("bij,bkj->bik", a, b), x, y)
    op("dot", lambda a: ops.dot(a, np.arange(8, dtype="f4").reshape(4, 2)), x)
    op("tensordot", lambda a: ops.tensordot(a, np.arange(24, dtype="f4").reshape(3, 4, 2) / 10, axes=([1, 2], [0, 1])), x)
    op("leaky_relu", lambda a: ops.leaky_relu(a, 0.1), x)
    op("elu", lambda a: ops.elu(a, 0.5), x)
    op("celu", lambda a: ops.celu(a, 0.5), x)
    op("gelu", lambda a: ops.gelu(a), x)
    op("gelu_exact", lambda a: ops.gelu(a, approximate=False), x)
    op("glu", lambda a: ops.glu(a), x)
    op("softmax", lambda a: ops.softmax(a, axis=1), x)
    op("log_softmax", lambda a: ops.log_softmax(a), x)
    op("squareplus", lambda a: ops.squareplus(a), x)
    op("threshold", lambda a: ops.threshold(a, 0.3, 0.1), x)
    op("normalize", lambda a: ops.normalize(a, axis=-1), x)
    op("moments", lambda a: list(ops.moments(a, axes=[1])), x)
    op("max_pool", lambda a: ops.max_pool(a, 2, 2), normal(2, 6, 6, 3))
    op("average_pool", lambda a: ops.average_pool(a, 2, 1, padding="same"), normal(2, 6, 6, 3))
    op("image_resize", lambda a: ops.image.resize(a, (4, 9)), normal(2, 6, 6, 3))
    op("grayscale", lambda a: ops.image.rgb_to_grayscale(a), normal(2, 6, 6, 3))
    op("layer_norm", lambda a: ops.layer_normalization(a, epsilon=1e-3), x)
    op("rms_norm", lambda a: ops.rms_normalization(a, epsilon=1e-3), x)
    op("attention", lambda a: ops.dot_product_attention(a, a, a, is_causal=True), normal(2, 5, 2, 4))
    op("activation_function", lambda a: keras.activations.relu(a, negative_slope=0.1, max_value=1.0), x)
    op("activation_softmax", lambda a: keras.activations.softmax(a), x)


def structures():
    def nested():
        inner = keras.Sequential([L.Input((4,)), L.Dense(5, "relu"), L.BatchNormalization(), L.Dense(3)])
        i = L.Input((4,))
        j = L.Input((4,))
        return keras.Model([i, j], [inner(i), L.Add()([inner(i), inner(j)])])

    case("nested_shared", nested, normal(2, 4), normal(2, 4))

    def frozen():
        a = keras.Sequential([L.Input((4,)), L.BatchNormalization(), L.Dense(3)])
        a.layers[-1].trainable = False
        i = L.Input((4,))
        deep = keras.Model(i, L.Dense(4)(a(i)))
        j = L.Input((4,))
        return keras.Model(j, L.Dense(2)(deep(j)))

    case("nested_frozen", frozen, normal(2, 4))

    def functional_inner():
        a, b = L.Input((3,)), L.Input((3,))
        inner = keras.Model([a, b], [L.Dense(2)(L.Concatenate()([a, b])), L.Subtract()([a, b])])
        i, j = L.Input((3,)), L.Input((3,))
        p, q = inner([i, j])
        r, s = inner([j, i])
        return keras.Model([i, j], [p, s, L.Add()([q, q])])

    case("nested_functional", functional_inner, normal(2, 3), normal(2, 3))

    def dicts():
        i, j = L.Input((3,), name="left"), L.Input((3,), name="right")
        return keras.Model({"left": i, "right": j}, {"sum": L.Add()([i, j]), "dense": L.Dense(2)(i)})

    case("dictionaries", dicts, normal(2, 3), normal(2, 3))
    case("sequential_plain", lambda: keras.Sequential([L.Input((6,)), L.Dense(5), L.Dropout(0.2), L.Dense(3)]), normal(2, 6))
    case(
        "sequential_nested",
        lambda: keras.Sequential([L.Input((6, 6, 2)), keras.Sequential([L.Conv2D(3, 3), L.MaxPooling2D()]), L.Flatten(), L.Dense(3)]),
        normal(2, 6, 6, 2),
    )

    def passthrough():
        i = L.Input((3,))
        return keras.Model(i, [i, L.Dense(2)(i)])

    case("passthrough", passthrough, normal(2, 3))

    def siamese():
        d = L.Dense(3)
        i, j = L.Input((4,)), L.Input((4,))
        return keras.Model([i, j], L.Dot(1)([d(i), d(j)]))

    case("siamese", siamese, normal(2, 4), normal(2, 4))

    def transformer():
        i = L.Input((6,), dtype="int32")
        x = L.Embedding(11, 8)(i)
        x = x + L.Embedding(6, 8)(ops.zeros_like(i) + np.arange(6))
        a = L.MultiHeadAttention(2, 4)(x, x)
        x = L.LayerNormalization()(x + a)
        h = L.Dense(8)(L.Dense(16, "gelu")(x))
        x = L.LayerNormalization()(x + h)
        return keras.Model(i, L.Dense(3, "softmax")(L.GlobalAveragePooling1D()(x)))

    case("transformer", transformer, ints(11, 2, 6))


APPLICATIONS = {
    "MobileNetV2": 96, "MobileNetV3Small": 96, "MobileNetV3Large": 96, "EfficientNetV2B0": 96,
    "ResNet50V2": 96, "DenseNet121": 96, "InceptionV3": 96, "Xception": 96, "ConvNeXtTiny": 96,
}


def applications():
    for name, size in APPLICATIONS.items():
        case(
            f"app_{name}",
            lambda n=name, s=size: getattr(keras.applications, n)(weights=None, input_shape=(s, s, 3), classes=20),
            uniform(0, 255 if "V3S" in name or "V3L" in name or "Efficient" in name or "ConvNeXt" in name else 1, 1, size, size, 3),
        )


def randomize(model, rng):
    for w in model.weights:
        path = w.path
        if "int" in str(w.dtype) or "normalization" in path and ("/mean" in path or "/variance" in path):
            continue
        if "variance" in path:
            w.assign(rng.uniform(0.5, 1.5, w.shape))
        elif "gamma" in path or path.endswith("scale"):
            w.assign(rng.uniform(0.7, 1.3, w.shape))
        elif "moving_mean" in path or "beta" in path or "bias" in path:
            w.assign(rng.normal(0, 0.1, w.shape))


def write(out, name):
    build, inputs = CASES[name]
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    keras.backend.clear_session()
    seed = zlib.crc32(name.encode()) % 2**31
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = build()
    randomize(model, rng)
    arrays = [i(rng) if callable(i) else i for i in inputs]
    import tensorflow as tf

    given = [tf.constant([[s for s in row] for row in a.tolist()]) if a.dtype == object else a for a in arrays]
    if isinstance(getattr(model, "_inputs_struct", None), dict):
        given = dict(zip(sorted(model._inputs_struct), given))
    elif len(given) == 1:
        given = given[0]
    result = model(given, training=False)
    record = {}
    for i, a in enumerate(arrays):
        record[f"in_{i}"] = a.astype(str) if a.dtype == object else a
    for i, t in enumerate(keras.tree.flatten(result)):
        value = np.asarray(t)
        record[f"out_{i}"] = value.astype(str) if value.dtype == object else value
    # The legacy format has no place for vocabularies that were adapted; Keras loses them too.
    for kind in ("keras",) if "adapted_words" in name else ("keras", "h5"):
        path = os.path.join(folder, f"model.{kind}")
        try:
            model.save(path)
        except Exception as e:
            if os.path.exists(path):
                os.remove(path)
            print(f"{name}: no .{kind}: {str(e)[:100]!r}", flush=True)
    np.savez(os.path.join(folder, "io.npz"), **record)


def main():
    import argparse
    import warnings

    warnings.filterwarnings("ignore")
    import logging

    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--only", default="", help="cases whose names contain it")
    parser.add_argument("--applications", action="store_true", help="networks of keras.applications instead")
    given = parser.parse_args()
    if given.applications:
        applications()
    else:
        for family in (
            core, activations, convolutions, pooling, recurrent, attention, normalizations, merging, reshaping,
            preprocessing, regularization, operations, structures,
        ):
            family()
    made = 0
    for name in CASES:
        if given.only not in name:
            continue
        try:
            write(given.out, name)
            made += 1
        except Exception as e:
            print(f"{name}: not made: {type(e).__name__} {str(e)[:150]!r}", flush=True)
    print(f"{made} models in {given.out}")


if __name__ == "__main__":
    main()
