"""Models of TensorFlow Lite to hold `dlrun convert` against: float, float16 and integer, with inputs
and outputs from the interpreter.

usage: tflite_models.py OUT [NAME...]   (tools/oracle/convert/tensorflow-requirements.txt)

Each case becomes OUT/NAME/{model.tflite, io.npz, tolerance}. Float cases are those of
tensorflow_cases.py that the converter of TensorFlow Lite takes. Integer models state in `tolerance`
one step of their output, relative to its largest integer.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import numpy as np
import tensorflow as tf

from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2 as freeze,
)

import tensorflow_cases

L = tf.lite


def run(model, inputs, reference=False):
    # The reference kernels of TensorFlow 2.21 sum integers wrongly; the others multiply two integer
    # activations coarsely.
    kinds = L.experimental.OpResolverType
    interpreter = L.Interpreter(
        model_content=model, experimental_op_resolver_type=kinds.BUILTIN_REF if reference else kinds.AUTO)
    details = interpreter.get_input_details()
    for d, a in zip(details, inputs):
        interpreter.resize_tensor_input(d["index"], a.shape)
    interpreter.allocate_tensors()
    arrays = []
    for d, a in zip(interpreter.get_input_details(), inputs):
        scale, zero = d["quantization"]
        if scale and a.dtype == np.float32 and d["dtype"] != np.float32:
            info = np.iinfo(d["dtype"])
            a = np.clip(np.round(a / scale) + zero, info.min, info.max).astype(d["dtype"])
        arrays.append(a)
        interpreter.set_tensor(d["index"], a)
    interpreter.invoke()
    return arrays, [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def save(out, name, model, inputs, tolerance=1e-5):
    arrays, outputs = run(model, inputs, reference=name == "int8_batch_matmul")
    folder = f"{out}/{name}"
    os.makedirs(folder, exist_ok=True)
    open(folder + "/model.tflite", "wb").write(model)
    if outputs[0].dtype in (np.int8, np.uint8, np.int16) and arrays[0].dtype == outputs[0].dtype:
        tolerance = 1.001 / max(1, np.abs(outputs[0].astype(int)).max())
    np.savez_compressed(folder + "/io.npz", **{f"in_{i}": a for i, a in enumerate(arrays)},
             **{f"out_{i}": o for i, o in enumerate(outputs)})
    open(folder + "/tolerance", "w").write(str(tolerance))


def converter(function, inputs, opened=()):
    specs = [
        tf.TensorSpec([None if n in opened else s for n, s in enumerate(a.shape)], a.dtype, f"x{i}")
        for i, a in enumerate(inputs)]
    return L.TFLiteConverter.from_concrete_functions([tf.function(function).get_concrete_function(*specs)])


def integer(c, samples, kind=tf.int8):
    c.optimizations = [L.Optimize.DEFAULT]
    c.representative_dataset = lambda: iter([list(s) for s in samples])
    c.target_spec.supported_ops = [L.OpsSet.TFLITE_BUILTINS_INT8]
    c.inference_input_type = c.inference_output_type = kind
    return c.convert()


def filters(name, *shape):
    return tensorflow_cases.numbers(name).normal(size=shape).astype("f4") * 0.3


INTEGER = {
    "conv": lambda x: tf.nn.conv2d(x, filters("a", 3, 3, 4, 8), 1, "SAME"),
    "conv_relu": lambda x: tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, filters("a", 3, 3, 4, 8), 2, "SAME"), filters("b", 8))),
    "conv_relu6": lambda x: tf.nn.relu6(tf.nn.conv2d(x, filters("a", 3, 3, 4, 8), 1, "VALID")),
    "depthwise": lambda x: tf.nn.depthwise_conv2d(x, filters("d", 3, 3, 4, 2), [1, 1, 1, 1], "SAME"),
    "transpose": lambda x: tf.nn.conv2d_transpose(x, filters("t", 3, 3, 5, 4), [2, 16, 16, 5], 2, "SAME"),
    "dense": lambda x: tf.matmul(tf.reshape(x, [2, 256]), filters("e", 256, 10)),
    "max_pool": lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"),
    "avg_pool": lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME"),
    "add": lambda x: x + x[:, ::-1], "sub": lambda x: x - 0.5 * x[:, ::-1], "mul": lambda x: x * x[:, ::-1],
    "mean": lambda x: tf.reduce_mean(x, [1, 2]), "sum": lambda x: tf.reduce_sum(x, [1]),
    "max": lambda x: tf.reduce_max(x, [1]),
    "softmax": lambda x: tf.nn.softmax(x), "sigmoid": lambda x: tf.sigmoid(x), "tanh": lambda x: tf.tanh(x),
    "leaky": lambda x: tf.nn.leaky_relu(x, 0.2), "prelu": lambda x: tf.maximum(x, 0) - 0.3 * tf.maximum(-x, 0),
    "concat": lambda x: tf.concat([x, tf.sigmoid(x)], -1), "pad": lambda x: tf.pad(x, [[0, 0], [1, 1], [2, 0], [0, 0]]),
    "reshape": lambda x: tf.reshape(x, [2, -1, 8]), "resize": lambda x: tf.image.resize(x, [16, 16]),
    "nearest": lambda x: tf.image.resize(x, [16, 16], "nearest"), "hard_swish": lambda x: x * tf.nn.relu6(x + 3) / 6,
    "strided": lambda x: x[:, 1:5, ::2], "split": lambda x: tuple(tf.split(x, 2, 3)), "relu": lambda x: tf.nn.relu(x),
    "argmax": lambda x: tf.argmax(x, 3, tf.int32), "batch_matmul": lambda x: tf.matmul(x[:, 0], x[:, 1], transpose_b=True),
    "minimum": lambda x: tf.minimum(x, x[:, ::-1]), "gelu": lambda x: tf.nn.gelu(x), "abs": lambda x: tf.abs(x),
    "l2": lambda x: tf.nn.l2_normalize(x, -1), "squared": lambda x: tf.math.squared_difference(x, x[:, ::-1]),
    "rsqrt": lambda x: tf.math.rsqrt(tf.abs(x) + 0.5), "log_softmax": lambda x: tf.nn.log_softmax(x),
}


def keras_models():
    import keras

    K = keras.layers
    keras.utils.set_random_seed(3)
    small = keras.Sequential([
        keras.Input((16, 16, 3)), K.Conv2D(8, 3, padding="same", activation="relu"), K.MaxPooling2D(),
        K.DepthwiseConv2D(3, padding="same", activation="relu6"), K.Conv2D(12, 1), K.GlobalAveragePooling2D(),
        K.Dense(10, activation="softmax")])
    i = x = keras.Input((16, 16, 3))
    x = K.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = K.ReLU()(K.BatchNormalization()(x))
    y = K.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = K.Concatenate()([K.Add()([x, y]), y])
    x = K.Conv2DTranspose(6, 3, strides=2, padding="same")(x)
    residual = keras.Model(i, K.Dense(5)(K.Flatten()(K.AveragePooling2D(4)(x))))
    dense = keras.Sequential([keras.Input((20,)), K.Dense(32, activation="tanh"), K.Dense(16, activation="relu"), K.Dense(3)])
    lstm = keras.Sequential([keras.Input((6, 3)), K.LSTM(5, return_sequences=True), K.Dense(2)])
    return {"small": (small, (16, 16, 3)), "residual": (residual, (16, 16, 3)), "dense": (dense, (20,)), "lstm": (lstm, (6, 3))}


def main():
    out, wanted = sys.argv[1], set(sys.argv[2:])
    random = np.random.default_rng(1)
    skipped = 0

    def attempt(name, make):
        nonlocal skipped
        if wanted and name not in wanted:
            return
        try:
            make()
        except Exception as e:
            skipped += 1
            print(name, "skipped:", str(e).strip().splitlines()[0][:160] if str(e) else repr(e), flush=True)

    for name, function, inputs, options in tensorflow_cases.CASES:
        if any(a.dtype == object for a in inputs):
            continue
        attempt("op_" + name, lambda: save(
            out, "op_" + name, converter(function, inputs, options.get("open", ())).convert(), inputs,
            options.get("tolerance", 1e-5)))
    data = random.normal(size=(2, 8, 8, 4)).astype("f4")
    samples = [[random.normal(size=(2, 8, 8, 4)).astype("f4")] for _ in range(8)] + [[data]]
    for name, function in INTEGER.items():
        attempt("int8_" + name, lambda: save(out, "int8_" + name, integer(converter(function, [data]), samples), [data]))
    for name, (model, shape) in keras_models().items():
        x = random.normal(size=(1, *shape)).astype("f4")
        many = [[random.normal(size=(1, *shape)).astype("f4")] for _ in range(16)] + [[x]]

        def fresh():
            @tf.function(input_signature=[tf.TensorSpec([1, *shape], tf.float32, "x")])
            def f(x):
                return model(x, training=False)
            return L.TFLiteConverter.from_concrete_functions([freeze(f.get_concrete_function())])

        def half():
            c = fresh()
            c.optimizations = [L.Optimize.DEFAULT]
            c.target_spec.supported_types = [tf.float16]
            return c.convert()

        def dynamic():
            c = fresh()
            c.optimizations = [L.Optimize.DEFAULT]
            return c.convert()

        attempt("keras_" + name, lambda: save(out, "keras_" + name, fresh().convert(), [x]))
        attempt("half_" + name, lambda: save(out, "half_" + name, half(), [x]))
        attempt("dynamic_" + name, lambda: save(out, "dynamic_" + name, dynamic(), [x], 2e-2))
        attempt("whole_" + name, lambda: save(out, "whole_" + name, integer(fresh(), many), [x]))
        attempt("unsigned_" + name, lambda: save(out, "unsigned_" + name, integer(fresh(), many, tf.uint8), [x]))
    print(len(os.listdir(out)), "cases,", skipped, "skipped")


main()
