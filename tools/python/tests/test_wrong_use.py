"""Wrong use: the error that a program catches, and a host that lives."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

import dlrun
from dlrun._frames import DATA, WORDS, Frame
from dlrun._library import library
from dlrun.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
)

from . import onnx_bytes as ob
from .onnx_bytes import FLOAT, node, tensor_type

X = np.array([[1, 2, 3]], np.float32)


class Models(unittest.TestCase):
    def test_missing(self):
        with self.assertRaises(NoSuchFile) as caught:
            dlrun.InferenceSession("no/such/model.onnx")
        self.assertIn("no/such/model.onnx", str(caught.exception))
        self.assertIsInstance(caught.exception, FileNotFoundError)
        self.assertEqual(caught.exception.code, "input missing")

    def test_rubbish(self):
        for data in (b"rubbish", b"\0" * 100, ob.affine()[:-40], bytes(range(256)) * 4):
            with self.assertRaises(dlrun.DLRunError):
                dlrun.InferenceSession(data)
        with self.assertRaises(InvalidProtobuf):
            dlrun.InferenceSession(b"rubbish")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "model.onnx")
            path.write_bytes(b"rubbish")
            with self.assertRaises(InvalidProtobuf):
                dlrun.InferenceSession(path)
            with self.assertRaises(dlrun.DLRunError):
                dlrun.InferenceSession(folder)

    def test_empty(self):
        with self.assertRaises(dlrun.DLRunError):
            dlrun.InferenceSession(b"")
        with self.assertRaises(dlrun.DLRunError):
            dlrun.InferenceSession("")

    def test_broken_graphs(self):
        kind = tensor_type(FLOAT, [1])
        with self.assertRaises(dlrun.DLRunError):
            dlrun.InferenceSession(ob.model([node("Neg", ["nothing"], ["y"])], {"x": kind},
                                            {"y": kind}))
        with self.assertRaises(NotImplemented) as caught:
            dlrun.InferenceSession(ob.model([node("NoSuchOperator", ["x"], ["y"])], {"x": kind},
                                            {"y": kind}))
        self.assertIn("NoSuchOperator", str(caught.exception))
        self.assertIsInstance(caught.exception, NotImplementedError)
        self.assertTrue(issubclass(InvalidGraph, dlrun.DLRunError))

    def test_other_things(self):
        for wrong in (None, 3, 2.5, [], object()):
            with self.assertRaises(TypeError):
                dlrun.InferenceSession(wrong)
        with self.assertRaises(InvalidArgument):
            dlrun.InferenceSession("a\0b.onnx")

    def test_arguments(self):
        data = ob.affine()
        for wrong in (-1, 2.5, "two", 1 << 40):
            with self.assertRaises(InvalidArgument):
                dlrun.InferenceSession(data, threads=wrong)
        with self.assertRaises(InvalidArgument):
            dlrun.InferenceSession(data, sess_options={"threads": 1})
        with self.assertRaises(TypeError):
            dlrun.InferenceSession(data, thread=1)
        for wrong in (["CUDAExecutionProvider"], "CPUExecutionProvider", [3], [("CUDA", {})]):
            with self.assertRaises(InvalidArgument):
                dlrun.InferenceSession(data, providers=wrong)
        dlrun.InferenceSession(data, providers=[("CPUExecutionProvider", {})])
        dlrun.InferenceSession(data, providers=[])


class Runs(unittest.TestCase):
    def setUp(self):
        self.session = dlrun.InferenceSession(ob.affine(), threads=1)
        # So that wrong use meets a session that has taken the short way.
        for _ in range(3):
            self.session.run(None, {"x": X})

    def tearDown(self):
        np.testing.assert_array_equal(self.session.run(None, {"x": X})[0], [[3, 5, 7]])

    def refused(self, *words, names=None, feed=None, options=None):
        for _ in range(2):
            with self.assertRaises(InvalidArgument) as caught:
                self.session.run(names, feed, options)
            for word in words:
                self.assertIn(word, str(caught.exception))
        self.assertIsInstance(caught.exception, ValueError)
        self.assertIsInstance(caught.exception, RuntimeError)
        self.assertNotIn("\n", str(caught.exception))

    def test_names(self):
        self.refused("misspelled", "'y'", names=["misspelled"], feed={"x": X})
        self.refused("misspelled", "'x'", feed={"misspelled": X})
        self.refused("misspelled", feed={"x": X, "misspelled": X})
        self.refused("'x'", "missing", feed={})
        self.refused("'y'", names="y", feed={"x": X})
        self.refused(names=3, feed={"x": X})
        self.refused(names=[3], feed={"x": X})
        self.refused(names=[["y"]], feed={"x": X})
        self.refused(names=[None], feed={"x": X})

    def test_feeds(self):
        for wrong in (None, X, [X], "x", 3):
            self.refused("input_feed", feed=wrong)

    def test_shapes(self):
        for shape in ((1, 4), (3,), (), (1, 1, 3), (0,), (1,) * 9):
            self.refused(feed={"x": np.zeros(shape, np.float32)})
        self.refused("'x'", "[1, 4]", feed={"x": np.zeros((1, 4), np.float32)})

    def test_dtypes(self):
        for dtype in (np.float64, np.int32, np.int64, np.float16, bool, np.complex64, np.uint8,
                      np.longdouble, "datetime64[s]", [("a", "f4")], "V4", "U3", "S3", object):
            with self.subTest(dtype=dtype):
                self.refused(feed={"x": np.zeros((1, 3), dtype)})
        self.refused("'x'", "float32", "float64", feed={"x": np.zeros((1, 3))})

    def test_other_values(self):
        for wrong in (None, {}, {"a": 1}, "text", object(), [[1], [1, 2]], [["a", "b", "c"]],
                      dlrun.OrtValue(None), X.tolist()[0], 1 + 2j):
            with self.subTest(value=wrong):
                self.refused(feed={"x": wrong})
        s = dlrun.InferenceSession(ob.model(
            [node("Neg", ["x"], ["y"])], {"x": tensor_type(ob.INT8, [1])},
            {"y": tensor_type(ob.INT8, [1])}))
        for wrong in ([300], [1.5], [1 << 70]):
            with self.assertRaises(InvalidArgument):
                s.run(None, {"x": wrong})
        self.assertEqual(s.run(None, {"x": [-3]})[0].tolist(), [3])

    def test_options(self):
        options = dlrun.RunOptions()
        for wrong in (float("nan"), -1.0, "1", None):
            options.timeout = wrong
            self.refused(feed={"x": X}, options=options)
        self.refused("RunOptions", feed={"x": X}, options={"timeout": 1})
        self.refused("RunOptions", feed={"x": X}, options=dlrun.SessionOptions())
        options = dlrun.RunOptions()
        options.training_mode = True
        with self.assertRaises(NotImplemented):
            self.session.run(None, {"x": X}, options)

    def test_values_out_of_range(self):
        s = dlrun.InferenceSession(ob.model(
            [node("Gather", ["x", "i"], ["y"])],
            {"x": tensor_type(FLOAT, [2]), "i": tensor_type(ob.INT64, ["n"])},
            {"y": tensor_type(FLOAT, ["n"])}))
        feed = {"x": np.ones(2, np.float32), "i": np.array([0, 9])}
        for _ in range(3):
            with self.assertRaises(InvalidArgument) as caught:
                s.run(None, feed)
            self.assertEqual(caught.exception.code, "value")

    def test_what_users_catch(self):
        try:
            self.session.run(None, {"x": np.zeros((1, 3))})
        except (RuntimeError, dlrun.capi.onnxruntime_pybind11_state.InvalidArgument) as error:
            self.assertEqual(error.code, "dtype")
        self.assertIs(InvalidArgument, dlrun.InvalidArgument)
        self.assertTrue(issubclass(dlrun.Cancelled, Fail))


class Budgets(unittest.TestCase):
    def test_memory(self):
        options = dlrun.SessionOptions()
        options.max_memory_bytes = 1 << 20
        s = dlrun.InferenceSession(ob.model(
            [node("Expand", ["x", "n"], ["y"])],
            {"x": tensor_type(FLOAT, [1]), "n": tensor_type(ob.INT64, [1])},
            {"y": tensor_type(FLOAT, [None])}), options)
        feed = {"x": np.ones(1, np.float32), "n": np.array([1 << 24])}
        for _ in range(2):
            with self.assertRaises(dlrun.OutOfMemory) as caught:
                s.run(None, feed)
            self.assertIsInstance(caught.exception, MemoryError)
        feed["n"] = np.array([5])
        self.assertEqual(s.run(None, feed)[0].tolist(), [1] * 5)
        for wrong in (-1, float("nan"), "much", 1 << 70):
            options.max_memory_bytes = wrong
            with self.assertRaises(InvalidArgument):
                dlrun.InferenceSession(ob.affine(), options)

    def test_not_a_number(self):
        options = dlrun.SessionOptions()
        options.check_nan = True
        s = dlrun.InferenceSession(ob.model(
            [node("Log", ["x"], ["y"])], {"x": tensor_type(FLOAT, [1])},
            {"y": tensor_type(FLOAT, [1])}), options)
        self.assertEqual(s.run(None, {"x": np.ones(1, np.float32)})[0].tolist(), [0])
        with self.assertRaises(dlrun.DLRunError):
            s.run(None, {"x": -np.ones(1, np.float32)})


class Calls(unittest.TestCase):
    """dlrun_session_call, as a program may get it wrong."""

    def setUp(self):
        self.session = dlrun.InferenceSession(ob.affine(), threads=1)
        self.y = np.empty((1, 3), np.float32)
        self.frame = Frame(self.session._pointer, 1, 1)
        self.frame.call.output_count = 1
        self.frame.set_tensor(0, FLOAT, (1, 3), X)
        self.frame.set_tensor(1, FLOAT, (1, 3), self.y)

    def call(self, expected):
        self.assertEqual(library.dlrun_session_call(self.frame.argument), expected)

    def test_right(self):
        self.call(0)
        self.assertEqual(self.y.tolist(), [[3, 5, 7]])

    def test_addresses_themselves(self):
        self.frame.call.indirect = 0
        self.frame.words[DATA] = X.ctypes.data
        self.frame.words[WORDS + DATA] = self.y.ctypes.data
        self.call(0)
        self.assertEqual(self.y.tolist(), [[3, 5, 7]])

    def test_an_older_structure(self):
        self.frame.call.size = 8
        self.call(1)

    def test_sizes(self):
        for wrong in (0, 7, 1 << 40):
            self.frame.call.size = wrong
            self.call(1)

    def test_nothing(self):
        self.assertEqual(library.dlrun_session_call(None), 1)
        for field in ("session", "inputs", "outputs"):
            kept = getattr(self.frame.call, field)
            setattr(self.frame.call, field, None)
            self.call(1)
            setattr(self.frame.call, field, kept)
        self.frame.words[DATA] = 0
        self.call(2)

    def test_counts(self):
        for field in ("input_count", "output_count"):
            kept = getattr(self.frame.call, field)
            # As a negative number is read.
            for wrong in (0, (1 << 64) - 1) if field == "input_count" else ((1 << 60),):
                setattr(self.frame.call, field, wrong)
                self.assertIn(library.dlrun_session_call(self.frame.argument), (1, 2))
            setattr(self.frame.call, field, kept)
        self.call(0)

    def test_numbers_of_outputs(self):
        self.frame.places[0] = 7
        self.call(1)

    def test_a_session_that_is_closed(self):
        self.session.close()
        self.call(1)


class Library(unittest.TestCase):
    def test_missing(self):
        environment = {**os.environ, "DLRUN_LIBRARY": "no/such/libdlrun.so"}
        done = subprocess.run([sys.executable, "-c", "import dlrun"], env=environment,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("ImportError", done.stderr)
        self.assertIn("no/such/libdlrun.so", done.stderr)


if __name__ == "__main__":
    unittest.main()
