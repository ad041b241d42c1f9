"""Graphs of TensorFlow 1, with its old control flow: for `tensorflow_models.py`."""

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
CASES = []


def graph(build, *shapes):
    """A case from a function of placeholders."""

    def make(folder):
        random = np.random.default_rng(3)
        inputs = [(random.random(s) * 2 - 1).astype("f4") for s in shapes]
        g = tf.Graph()
        with g.as_default():
            v1.disable_control_flow_v2()
            v1.disable_tensor_equality()
            places = [v1.placeholder(tf.float32, [None] + list(s[1:]), f"x{i}") for i, s in enumerate(shapes)]
            results = build(*places)
            results = list(results) if isinstance(results, (list, tuple)) else [results]
            results = [tf.identity(r, f"y{i}") for i, r in enumerate(results)]
            with v1.Session(graph=g) as session:
                session.run(v1.global_variables_initializer())
                outputs = session.run(results, dict(zip(places, inputs)))
                frozen = v1.graph_util.convert_variables_to_constants(
                    session, g.as_graph_def(), [r.op.name for r in results])
            v1.enable_control_flow_v2()
        tf.io.write_graph(frozen, folder, "frozen.pb", as_text=False)
        return inputs, outputs, {}

    CASES.append((f"v1_{build.__name__}", make))


def loop(x):
    return v1.while_loop(lambda i, a: i < 5, lambda i, a: (i + 1, a * 0.5 + 1), [0, x])[1]


def loop_captured(x, y):
    w = v1.get_variable("w", [3, 3], initializer=tf.constant_initializer(0.3))
    return v1.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.matmul(a, w) + y), [0, x])[1]


def loop_nested(x):
    def body(i, a):
        b = v1.while_loop(lambda j, b: j < i, lambda j, b: (j + 1, b + a), [0, a])[1]
        return i + 1, b * 0.5

    return v1.while_loop(lambda i, a: i < 3, body, [0, x])[1]


def loop_cond(x):
    def body(i, a):
        return i + 1, v1.cond(tf.reduce_sum(a) > 0, lambda: a - 1, lambda: a + 2)

    return v1.while_loop(lambda i, a: i < 6, body, [0, x])[1]


def cond(x):
    return v1.cond(tf.reduce_sum(x) > 0, lambda: x * 2, lambda: x - 1)


def cond_constants(x):
    return v1.cond(tf.reduce_sum(x) > 0, lambda: tf.constant([1.0, 2]), lambda: tf.constant([3.0, 4])) + x


def cond_nested(x):
    return v1.cond(
        tf.reduce_sum(x) > 0,
        lambda: v1.cond(x[0, 0] > 0, lambda: x + 1, lambda: x + 2),
        lambda: v1.cond(x[0, 1] > 0, lambda: x * 3, lambda: x - tf.reduce_mean(x)))


def cond_chain(x):
    y = v1.cond(tf.reduce_sum(x) > 0, lambda: x * 2, lambda: x - 1)
    return v1.cond(tf.reduce_sum(y) > 0, lambda: y * 2 + x, lambda: y - 1)


def cond_loop(x):
    return v1.cond(
        tf.reduce_sum(x) > -100,
        lambda: v1.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a + x), [0, x])[1], lambda: -x)


def array(x):
    steps = tf.TensorArray(tf.float32, tf.shape(x)[1])
    rows = tf.TensorArray(tf.float32, tf.shape(x)[1]).unstack(tf.transpose(x, [1, 0, 2]))

    def body(i, a, out):
        a = a * 0.5 + rows.read(i)
        return i + 1, a, out.write(i, a)

    _, last, out = v1.while_loop(
        lambda i, a, o: i < tf.shape(x)[1], body, [0, tf.zeros_like(x[:, 0]), steps])
    return last, tf.transpose(out.stack(), [1, 0, 2])


def convnet(x):
    w = v1.get_variable("w1", [3, 3, 3, 8], initializer=tf.random_normal_initializer(0, 0.3, seed=1))
    y = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, w, 1, "SAME"), tf.ones([8])))
    y = v1.nn.fused_batch_norm(
        y, tf.ones([8]), tf.zeros([8]), tf.fill([8], 0.1), tf.fill([8], 1.5), is_training=False)[0]
    y = tf.nn.lrn(tf.nn.max_pool2d(y, 3, 2, "SAME"), 2, 1.0, 0.1, 0.75)
    f = v1.get_variable("w2", [8 * 4 * 4, 5], initializer=tf.random_normal_initializer(0, 0.1, seed=2))
    return tf.nn.softmax(tf.matmul(tf.reshape(y, [-1, 8 * 4 * 4]), f))


for build, shapes in (
    (loop, [(2, 3)]), (loop_captured, [(2, 3), (2, 3)]), (loop_nested, [(2, 3)]),
    (loop_cond, [(2, 3)]), (cond, [(2, 3)]), (cond_constants, [(2, 2)]), (cond_nested, [(2, 3)]),
    (cond_chain, [(2, 3)]), (cond_loop, [(2, 3)]), (array, [(2, 4, 3)]), (convnet, [(2, 8, 8, 3)]),
):
    graph(build, *shapes)
