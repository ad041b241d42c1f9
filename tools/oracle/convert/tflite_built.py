"""Models of TensorFlow Lite with operators that today's converter no longer writes, put together from
the schema's own classes, with inputs and outputs from the interpreter.

usage: tflite_built.py OUT [NAME...]   (tools/oracle/convert/tensorflow-requirements.txt)

Each case becomes OUT/NAME/{model.tflite, io.npz, tolerance}, as tflite_models.py lays them out.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import flatbuffers
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

TYPES = {np.dtype("f4"): schema.TensorType.FLOAT32, np.dtype("i4"): schema.TensorType.INT32}
R = np.random.default_rng(4)


def numbers(*shape):
    return (R.normal(size=shape) * 0.4).astype("f4")


class Model:
    """One subgraph with one operator."""

    def __init__(self):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers = [schema.BufferT()]
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.inputs, self.graph.outputs = [], [], []
        self.model.subgraphs = [self.graph]
        self.arrays = []

    def tensor(self, shape, dtype, data=None, variable=False):
        t = schema.TensorT()
        t.name = f"t{len(self.graph.tensors)}"
        t.shape, t.type, t.isVariable, t.buffer = list(shape), TYPES[np.dtype(dtype)], variable, 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            t.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def given(self, array):
        i = self.tensor(array.shape, array.dtype)
        self.graph.inputs.append(i)
        self.arrays.append(array)
        return i

    def constant(self, array):
        array = np.asarray(array)
        return self.tensor(array.shape, array.dtype, array)

    def state(self, *shape):
        return self.tensor(shape, "f4", variable=True)

    def result(self, shape, dtype="f4"):
        i = self.tensor(shape, dtype)
        self.graph.outputs.append(i)
        return i

    def operator(self, code, version, inputs, outputs, options=None, kind=0):
        c = schema.OperatorCodeT()
        c.builtinCode, c.deprecatedBuiltinCode, c.version = code, min(code, 127), version
        self.model.operatorCodes = [c]
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = 0, inputs, outputs
        op.builtinOptions, op.builtinOptionsType = options, kind
        self.graph.operators = [op]

    def save(self, out, name):
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        content = bytes(builder.Output())
        interpreter = tf.lite.Interpreter(
            model_content=content,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF)
        interpreter.allocate_tensors()
        for d, a in zip(interpreter.get_input_details(), self.arrays):
            interpreter.set_tensor(d["index"], a)
        interpreter.invoke()
        outputs = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
        folder = f"{out}/{name}"
        os.makedirs(folder, exist_ok=True)
        with open(folder + "/model.tflite", "wb") as f:
            f.write(content)
        np.savez_compressed(
            folder + "/io.npz", **{f"in_{i}": a for i, a in enumerate(self.arrays)},
            **{f"out_{i}": o for i, o in enumerate(outputs)})
        with open(folder + "/tolerance", "w") as f:
            f.write("1e-05")


N, T, I, H = 2, 5, 3, 4
TANH, RELU = schema.ActivationFunctionType.TANH, schema.ActivationFunctionType.RELU
B = schema.BuiltinOperator
O = schema.BuiltinOptions


def rnn_weights(m, units=H):
    return [m.constant(numbers(units, I)), m.constant(numbers(units, units)), m.constant(numbers(units))]


def bidirectional_rnn(merge, time_major, activation=TANH):
    def make(m):
        shape = (T, N) if time_major else (N, T)
        x = m.given(numbers(*shape, I))
        inputs = [x, *rnn_weights(m), m.state(N, H), *rnn_weights(m), m.state(N, H), -1, -1, -1]
        outputs = [m.result((*shape, 2 * H if merge else H))]
        if not merge:
            outputs.append(m.result((*shape, H)))
        o = schema.BidirectionalSequenceRNNOptionsT()
        o.timeMajor, o.mergeOutputs, o.fusedActivationFunction = time_major, merge, activation
        m.operator(B.BIDIRECTIONAL_SEQUENCE_RNN, 1, inputs, outputs, o, O.BidirectionalSequenceRNNOptions)
    return make


def rnn_sequence(m):
    x = m.given(numbers(N, T, I))
    o = schema.SequenceRNNOptionsT()
    o.fusedActivationFunction = RELU
    m.operator(B.UNIDIRECTIONAL_SEQUENCE_RNN, 1, [x, *rnn_weights(m), m.state(N, H)],
               [m.result((N, T, H))], o, O.SequenceRNNOptions)


def rnn_step(m):
    x = m.given(numbers(N, I))
    o = schema.RNNOptionsT()
    o.fusedActivationFunction = TANH
    m.operator(B.RNN, 1, [x, *rnn_weights(m), m.state(N, H)], [m.result((N, H))], o, O.RNNOptions)


def lstm_weights(m, peephole):
    def each(count, *shape):
        return [m.constant(numbers(*shape)) for _ in range(count)]
    return [*each(4, H, I), *each(4, H, H), *(each(3, H) if peephole else [-1] * 3), *each(4, H), -1, -1]


def bidirectional_lstm(merge, time_major, peephole=False):
    def make(m):
        shape = (T, N) if time_major else (N, T)
        x = m.given(numbers(*shape, I))
        inputs = [x, *lstm_weights(m, peephole), *lstm_weights(m, peephole)]
        inputs += [m.state(N, H) for _ in range(4)] + [-1] * 9
        outputs = [m.result((*shape, 2 * H if merge else H))]
        if not merge:
            outputs.append(m.result((*shape, H)))
        o = schema.BidirectionalSequenceLSTMOptionsT()
        o.fusedActivationFunction, o.mergeOutputs, o.timeMajor = TANH, merge, time_major
        m.operator(B.BIDIRECTIONAL_SEQUENCE_LSTM, 1, inputs, outputs, o, O.BidirectionalSequenceLSTMOptions)
    return make


def svdf(rank, bias, activation):
    def make(m):
        filters, memory = 4 * rank, 6
        inputs = [m.given(numbers(N, I)), m.constant(numbers(filters, I)),
                  m.constant(numbers(filters, memory)), m.constant(numbers(4)) if bias else -1,
                  m.state(N, memory * filters)]
        o = schema.SVDFOptionsT()
        o.rank, o.fusedActivationFunction = rank, activation
        m.operator(B.SVDF, 1, inputs, [m.result((N, 4))], o, O.SVDFOptions)
    return make


def suppression(version, most):
    def make(m):
        corners = R.uniform(0, 8, size=(12, 2)).astype("f4")
        boxes = np.concatenate([corners, corners + R.uniform(1, 5, size=(12, 2)).astype("f4")], 1)
        scores = R.uniform(size=12).astype("f4")
        inputs = [m.given(boxes), m.given(scores), m.constant(np.int32(most)),
                  m.constant(np.float32(0.3)), m.constant(np.float32(0.2))]
        outputs = [m.result((most,), "i4")]
        if version == 5:
            inputs.append(m.constant(np.float32(0)))
            outputs.append(m.result((most,)))
        outputs.append(m.result((), "i4"))
        options = (schema.NonMaxSuppressionV5OptionsT() if version == 5
                   else schema.NonMaxSuppressionV4OptionsT())
        m.operator(getattr(B, f"NON_MAX_SUPPRESSION_V{version}"), 1, inputs, outputs, options,
                   getattr(O, f"NonMaxSuppressionV{version}Options"))
    return make


CASES = {
    "built_birnn_merged": bidirectional_rnn(True, False),
    "built_birnn_two": bidirectional_rnn(False, False, RELU),
    "built_birnn_time_major": bidirectional_rnn(True, True),
    "built_rnn_sequence": rnn_sequence,
    "built_rnn_step": rnn_step,
    "built_bilstm_two": bidirectional_lstm(False, True),
    "built_bilstm_peephole": bidirectional_lstm(True, True, peephole=True),
    "built_svdf": svdf(1, True, RELU),
    "built_svdf_rank2": svdf(2, False, schema.ActivationFunctionType.NONE),
    "built_nms_v4": suppression(4, 8),
    "built_nms_v5": suppression(5, 12),
}


def main():
    out = sys.argv[1]
    for name in sys.argv[2:] or CASES:
        model = Model()
        CASES[name](model)
        model.save(out, name)
    print(len(sys.argv[2:] or CASES), "cases")


main()
