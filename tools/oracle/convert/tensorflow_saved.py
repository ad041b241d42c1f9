"""SavedModels with variables, tables, several signatures: for `tensorflow_models.py`."""

import numpy as np
import tensorflow as tf

CASES = []


def saved(name):
    def add(make):
        CASES.append((f"saved_{name}", make))
        return make

    return add


def numbers(*shape):
    return np.random.default_rng(5).normal(size=shape).astype("f4")


@saved("module")
def module(folder):
    class M(tf.Module):
        def __init__(self):
            self.w = tf.Variable(numbers(4, 5), name="w")
            self.parts = [tf.Variable(numbers(5) * i, name="w") for i in range(3)]

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "x")])
        def __call__(self, x):
            y = tf.matmul(x, self.w)
            for p in self.parts:
                y = tf.nn.tanh(y + p)
            return {"y": y, "z": tf.reduce_sum(y, 1)}

    m = M()
    x = numbers(3, 4)
    y = m(x)
    tf.saved_model.save(m, folder + "/saved_model")
    return [x], [y["y"], y["z"]], {}


@saved("signatures")
def signatures(folder):
    class M(tf.Module):
        w = tf.Variable(numbers(4))

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "x")])
        def scale(self, x):
            return {"scaled": x * self.w}

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "x")])
        def shift(self, x):
            return {"shifted": x + self.w}

    m = M()
    tf.saved_model.save(m, folder + "/saved_model", {"serving_default": m.scale, "shift": m.shift})
    x = numbers(2, 4)
    return [x], [x * m.w.numpy()], {}


@saved("table")
def table(folder):
    class M(tf.Module):
        def __init__(self):
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(["a", "b", "c"], tf.constant([3, 1, 2], tf.int64)), -1)
            self.w = tf.Variable(numbers(5, 2))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "t")])
        def __call__(self, t):
            return tf.gather(self.w, self.table.lookup(t) + 1)

    m = M()
    t = np.array(["b", "z", "a"], object)
    y = m(tf.constant(t))
    tf.saved_model.save(m, folder + "/saved_model")
    return [t], [y], {}


@saved("vocabulary")
def vocabulary(folder):
    import os

    path = folder + "/words.txt"
    with open(path, "w") as f:
        f.write("red\ngreen\nblue\n")

    class M(tf.Module):
        def __init__(self):
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.TextFileInitializer(
                    path, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64,
                    tf.lookup.TextFileIndex.LINE_NUMBER), -1)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "t")])
        def __call__(self, t):
            return self.table.lookup(t)

    m = M()
    t = np.array(["blue", "pink", "red"], object)
    y = m(tf.constant(t))
    tf.saved_model.save(m, folder + "/saved_model")
    os.remove(path)
    return [t], [y], {}


@saved("v1")
def version1(folder):
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, 4], "x")
        w = v1.get_variable("w", [4, 3], initializer=tf.constant_initializer(0.25), use_resource=False)
        b = v1.get_variable("b", [3], initializer=tf.constant_initializer(0.5), use_resource=True)
        y = tf.nn.relu(tf.matmul(x, w) + b)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            data = numbers(2, 4)
            out = session.run(y, {x: data})
            v1.saved_model.simple_save(session, folder + "/saved_model", {"x": x}, {"y": y})
    return [data], [out], {}


def keras_model(name, build, *shapes):
    def make(folder):
        import keras

        keras.utils.set_random_seed(11)
        m = build(keras)
        inputs = [numbers(*s) for s in shapes]
        y = m(inputs[0] if len(inputs) == 1 else inputs, training=False)
        m.export(folder + "/saved_model", verbose=False)
        return inputs, [np.asarray(o) for o in tf.nest.flatten(y)], {}

    CASES.append((f"keras_{name}", make))


def sequential(keras, *layers, shape):
    return keras.Sequential([keras.Input(shape), *layers])


keras_model("lstm", lambda k: sequential(k, k.layers.LSTM(5), shape=(6, 3)), (2, 6, 3))
keras_model("lstm_sequences", lambda k: sequential(k, k.layers.LSTM(5, return_sequences=True), shape=(6, 3)), (2, 6, 3))
keras_model("gru", lambda k: sequential(k, k.layers.GRU(5, return_sequences=True), shape=(6, 3)), (2, 6, 3))
keras_model("gru_open", lambda k: sequential(k, k.layers.GRU(5), shape=(None, 3)), (2, 6, 3))
keras_model("bidirectional", lambda k: sequential(k, k.layers.Bidirectional(k.layers.LSTM(4)), shape=(5, 3)), (2, 5, 3))
keras_model("attention", lambda k: (lambda i: k.Model(i, k.layers.MultiHeadAttention(2, 4)(i, i)))(k.Input((5, 8))), (2, 5, 8))
keras_model("convnet", lambda k: sequential(
    k, k.layers.Conv2D(8, 3, padding="same", activation="relu"), k.layers.BatchNormalization(),
    k.layers.MaxPooling2D(), k.layers.SeparableConv2D(12, 3), k.layers.LayerNormalization(),
    k.layers.Conv2DTranspose(6, 3, strides=2, padding="same"), k.layers.GlobalAveragePooling2D(),
    k.layers.Dense(4, activation="softmax"), shape=(16, 16, 3)), (2, 16, 16, 3))
