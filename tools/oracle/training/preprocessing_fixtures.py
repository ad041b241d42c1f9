#!/usr/bin/env python3
"""What Keras' preprocessing layers, masked attention and stateful LSTM give, as JSON.

usage: KERAS_BACKEND=tensorflow preprocessing_fixtures.py OUTPUT

Needs `pip install -r preprocessing-requirements.txt`. Cases are a name, inputs, and the output, each
with dtype, shape and values. The layers stand under the same names in
Tests/LayersTests/PreprocessingCases.swift. Random layers are taken with a range of one number.
"""
import json
import math
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import tensorflow as tf
from keras import layers as L

CASES = []


def plain(a):
    a = np.asarray(a)
    if a.dtype.kind in "OSU":
        values = [v.decode() if isinstance(v, bytes) else str(v) for v in a.reshape(-1)]
        return {"dtype": "string", "shape": list(a.shape), "values": values}
    kind = "float32" if a.dtype.kind == "f" else "bool" if a.dtype.kind == "b" else "int64"
    values = [float(f"{float(v):.7g}") if kind == "float32" else int(v) for v in a.reshape(-1)]
    return {"dtype": kind, "shape": list(a.shape), "values": values}


def case(name, layer, *inputs, call=None, **keywords):
    """Adds a case; the layer gets the input, or a list of several."""
    given = inputs[0] if len(inputs) == 1 else list(inputs)
    out = call(layer, given) if call else layer(given, **keywords)
    CASES.append({"name": name, "inputs": [plain(x) for x in inputs],
                  "output": plain(keras.ops.convert_to_numpy(out) if not isinstance(out, np.ndarray)
                                  else out)})


def waves(*shape, shift=0.3, scale=1.0):
    n = math.prod(shape)
    return (scale * np.sin(0.61 * np.arange(n) + shift)).reshape(shape).astype("float32")


def adapted(layer, data):
    layer.adapt(data)
    return layer


x = waves(4, 3)
case("rescaling", L.Rescaling(1 / 127.5, offset=-1), np.arange(6).reshape(2, 3) * 40)
case("normalization", adapted(L.Normalization(), x), x)
case("normalization of one", adapted(L.Normalization(axis=None), x), x)
case("normalization given", L.Normalization(mean=[1, 2, 3.0], variance=[4, 1, 0.25]), x)
case("normalization inverted", L.Normalization(mean=3.0, variance=2.0, invert=True), x)
wide = waves(50, 1, scale=5)
case("discretization", L.Discretization([-0.5, 0.0, 0.25]), np.array([[-1, -0.5, 0, 0.2, 0.25, 9]], "float32"))
case("discretization adapted", adapted(L.Discretization(num_bins=4), wide), wide[:20])
long = waves(500, 1, scale=3)
case("discretization of many", adapted(L.Discretization(num_bins=7, epsilon=0.02), long), long[:40])
case("discretization one hot", L.Discretization([0.0], output_mode="one_hot"), x[:, :1])

ids = np.array([[0, 1, 3, 3], [2, 2, 2, 0]])
case("category one hot", L.CategoryEncoding(4, output_mode="one_hot"), np.array([[3], [1]]))
case("category multi hot", L.CategoryEncoding(4, output_mode="multi_hot"), ids)
case("category count", L.CategoryEncoding(4, output_mode="count"), ids)
case("category weighted", L.CategoryEncoding(4, output_mode="count"), ids, waves(2, 4),
     call=lambda l, v: l(v[0], count_weights=v[1]))

words = np.array([["b", "a", "zz"], ["c", "c", ""]])
case("string lookup", L.StringLookup(vocabulary=["a", "b", "c"]), words)
case("string lookup masked", L.StringLookup(vocabulary=["a", "b", "c"], mask_token=""), words)
case("string lookup of several unknown", L.StringLookup(vocabulary=["a"], num_oov_indices=3), words)
case("string lookup adapted", adapted(L.StringLookup(max_tokens=4), np.array(
    [["d", "a", "d"], ["b", "a", "c"]])), np.array([["a", "b", "c", "d", "e"]]))
case("string lookup multi hot", L.StringLookup(vocabulary=["a", "b", "c"], output_mode="multi_hot"),
     words)
case("string lookup count masked", L.StringLookup(
    vocabulary=["a", "b", "c"], output_mode="count", mask_token=""), words)
case("string lookup tf idf", adapted(L.StringLookup(output_mode="tf_idf"), words), words)
case("string lookup inverted", L.StringLookup(vocabulary=["a", "b"], invert=True), np.array([[0, 2, 1, 7]]))
case("integer lookup", L.IntegerLookup(vocabulary=[12, 36, 7]), np.array([[7, 12, 5], [36, -1, 12]]))
case("integer lookup masked", L.IntegerLookup(vocabulary=[12, 36], mask_token=0), np.array([[0, 36, 5]]))
case("integer lookup of several unknown", L.IntegerLookup(vocabulary=[12], num_oov_indices=3),
     np.array([[12, 5, 7, 9, -4]]))
case("integer lookup one hot", L.IntegerLookup(vocabulary=[12, 36], output_mode="one_hot"),
     np.array([[36], [3]]))
case("integer lookup inverted", L.IntegerLookup(vocabulary=[12, 36], invert=True), np.array([[2, 0, 1]]))

texts = np.array([["", "a", "abcd", "abcdefgh", "a somewhat longer text", "x" * 40, "é" * 50, "y" * 200]])
case("hashing", L.Hashing(1000), texts)
case("hashing masked", L.Hashing(20, mask_value=""), texts)
case("crossing", L.HashedCrossing(100), texts[0], texts[0][::-1].copy())
case("crossing with numbers", L.HashedCrossing(100), texts[0], np.arange(8))

docs = np.array(["The cat, the dog!", "A  cat sat on\tthe mat", "dogs & cats", ""])
case("text", adapted(L.TextVectorization(), docs), docs)
case("text of a length", adapted(L.TextVectorization(max_tokens=6, output_sequence_length=4), docs), docs)
case("text lower", adapted(L.TextVectorization(standardize="lower", output_sequence_length=6), docs), docs)
case("text characters", adapted(L.TextVectorization(standardize=None, split="character"), docs), docs)
case("text ngrams", adapted(L.TextVectorization(ngrams=2, output_mode="count"), docs), docs)
case("text multi hot", adapted(L.TextVectorization(output_mode="multi_hot"), docs), docs)
case("text tf idf", adapted(L.TextVectorization(output_mode="tf_idf"), docs), docs)

image = waves(2, 6, 7, 2, scale=100) + 100
case("resizing", L.Resizing(4, 9, data_format="channels_last"), image)
case("resizing nearest", L.Resizing(4, 9, interpolation="nearest", data_format="channels_last"), image)
case("resizing cropped", L.Resizing(4, 4, crop_to_aspect_ratio=True, data_format="channels_last"), image)
case("center crop", L.CenterCrop(3, 4, data_format="channels_last"), image)
case("center crop of small", L.CenterCrop(8, 5, data_format="channels_last"), image)
for fill in ("constant", "nearest", "reflect"):
    case(f"rotation {fill}", L.RandomRotation((0.1, 0.1), fill_mode=fill, data_format="channels_last"),
         image, training=True)
    case(f"zoom {fill}", L.RandomZoom((0.3, 0.3), (-0.2, -0.2), fill_mode=fill,
                                      data_format="channels_last"), image, training=True)
    case(f"translation {fill}", L.RandomTranslation((0.2, 0.2), (-0.3, -0.3), fill_mode=fill,
                                                    data_format="channels_last"), image, training=True)
case("brightness", L.RandomBrightness((0.3, 0.3)), image, training=True)


def cosines(shape, k):
    n = math.prod(shape)
    return (0.5 * np.cos(0.37 * np.arange(n) + k)).reshape(shape).astype("float32")


q, v = waves(2, 3, 4), waves(2, 5, 4, shift=1.3)
mask = (np.arange(30) % 3 != 1).reshape(2, 3, 5)


def attention(layer, given):
    layer(given[0], given[1])
    layer.set_weights([cosines((4, 6), 0).reshape(4, 2, 3), cosines((6,), 1).reshape(2, 3),
                       cosines((4, 6), 2).reshape(4, 2, 3), cosines((6,), 3).reshape(2, 3),
                       cosines((4, 6), 4).reshape(4, 2, 3), cosines((6,), 5).reshape(2, 3),
                       cosines((6, 4), 6).reshape(2, 3, 4), cosines((4,), 7)])
    return layer(given[0], given[1], attention_mask=given[2])


case("attention mask", L.MultiHeadAttention(2, 3), q, v, mask, call=attention)


def stateful(layer, given):
    layer(given[0])
    layer.reset_states() if hasattr(layer, "reset_states") else layer.reset_state()
    layer.set_weights([cosines((3, 8), 0), cosines((2, 8), 1), cosines((8,), 2)])
    layer(given[0])
    return layer(given[1])


case("stateful lstm", L.LSTM(2, stateful=True), waves(2, 4, 3), waves(2, 4, 3, shift=2.0), call=stateful)

json.dump({"made_with": f"keras {keras.__version__}, tensorflow {tf.__version__}",
           "cases": CASES}, open(sys.argv[1], "w"), separators=(",", ":"))
print(len(CASES), "cases")
