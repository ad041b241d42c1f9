"""Runs by the library's own function: what it serves, what it leaves to the package, references."""

import gc
import sys
import unittest

import numpy as np

import dlrun
from dlrun import _native

from . import onnx_bytes as ob
from .onnx_bytes import FLOAT, INT64, node, tensor_type


def nonzero():
    """A model whose output's size depends on its input's elements."""
    return dlrun.InferenceSession(ob.model(
        [node("NonZero", ["x"], ["y"])], {"x": tensor_type(FLOAT, ["n"])},
        {"y": tensor_type(INT64, [1, "m"])}, opset=13), threads=1)


def pair():
    return dlrun.InferenceSession(ob.model(
        [node("Add", ["a", "b"], ["sum"]), node("Sub", ["a", "b"], ["difference"])],
        {"a": tensor_type(FLOAT, ["n"]), "b": tensor_type(FLOAT, ["n"])},
        {"sum": tensor_type(FLOAT, ["n"]), "difference": tensor_type(FLOAT, ["n"])}, opset=14),
        threads=1)


@unittest.skipIf(_native._make is None, "no CPython with its lock")
class Calls(unittest.TestCase):
    def setUp(self):
        self.a = np.float32([5, 6, 7])
        self.b = np.float32([1, 2, 3])
        self.feed = {"a": self.a, "b": self.b}

    def test_names(self):
        s = pair()
        difference = "".join(["differ", "ence"])
        for _ in range(3):
            both = s._call(None, self.feed, None)
            np.testing.assert_array_equal(both, [[6, 8, 10], [4, 4, 4]])
            y, = s._call([difference], self.feed, None)
            np.testing.assert_array_equal(y, [4, 4, 4])
            turned = s._call((difference, "sum"), self.feed, None)
            np.testing.assert_array_equal(turned, [[4, 4, 4], [6, 8, 10]])

    def test_large_results_begin_with_a_line(self):
        s = pair()
        for count in (1024, 1031, 100_000):
            feed = {"a": np.arange(count, dtype=np.float32), "b": np.ones(count, np.float32)}
            for _ in range(4):
                for run in (lambda: s.run(None, feed), lambda: s.run(None, feed, dlrun.RunOptions())):
                    total, difference = run()
                    for y, value in ((total, feed["a"] + 1), (difference, feed["a"] - 1)):
                        self.assertEqual(y.ctypes.data % 64, 0)
                        self.assertEqual((y.nbytes, y.flags.writeable), (count * 4, True))
                        np.testing.assert_array_equal(y, value)

    def test_what_is_left_to_the_package(self):
        s = pair()
        for names in ([], ["nothing"], [1], "sum", 7, {"sum"}):
            self.assertIsNone(s._call(names, self.feed, None))
        for feed in (
            {}, {"a": self.a}, {**self.feed, "c": self.a}, {"a": self.a, "c": self.b},
            {"a": [1, 2, 3], "b": self.b}, {"a": self.a[::-1], "b": self.b}, [("a", self.a)],
            {"a": self.a.astype(">f4"), "b": self.b}, {"a": self.a.astype(object), "b": self.b},
        ):
            self.assertIsNone(s._call(None, feed, None))
        self.assertIsNone(s._call(None, self.feed, (None,)))
        self.assertIsNone(s._call(None, self.feed, (None, self.a[::-1])))
        self.assertIsNone(s._call(None, self.feed, [None, None]))
        self.assertIsNone(s._call(None, self.feed))
        with self.assertRaises(dlrun.InvalidArgument):
            s.run(None, {"a": self.a, "b": np.float32([1, 2])})
        with self.assertRaises(dlrun.InvalidArgument):
            s.run(None, {"a": self.a, "b": np.float64([1, 2, 3])})

    def test_keys_that_raise(self):
        class Key(str):
            __hash__ = str.__hash__

            def __eq__(self, other):
                raise ArithmeticError("no comparison")

        with self.assertRaises(ArithmeticError):
            pair()._call(None, {Key("a"): self.a, Key("b"): self.b}, None)

    def test_names_by_the_same_objects(self):
        s = pair()
        for _ in range(3):
            for names in (("sum",), ("difference",), ("difference", "sum")):
                got = s._call(names, self.feed, None)
                want = {"sum": [6, 8, 10], "difference": [4, 4, 4]}
                np.testing.assert_array_equal(got, [want[n] for n in names])
            names = ["sum"]
            np.testing.assert_array_equal(s._call(names, self.feed, None), [[6, 8, 10]])
            names[0] = "difference"
            np.testing.assert_array_equal(s._call(names, self.feed, None), [[4, 4, 4]])

    def test_memory_of_the_caller(self):
        s = pair()
        for _ in range(4):
            target = np.zeros(3, np.float32)
            results = s._call(None, self.feed, (None, target))
            self.assertIs(results[1], target)
            np.testing.assert_array_equal(results, [[6, 8, 10], [4, 4, 4]])

    def test_sizes_that_depend_on_elements(self):
        s = nonzero()
        for k in range(12):
            x = np.zeros(16, np.float32)
            x[: 1 + k % 5] = 1
            y, = s._call(None, {"x": x}, None)
            np.testing.assert_array_equal(y, [np.arange(1 + k % 5)])

    def test_results_outlive_the_session(self):
        s = nonzero()
        held = [s.run(None, {"x": np.ones(n, np.float32)})[0] for n in range(200)]
        s.close()
        del s
        gc.collect()
        for n, y in enumerate(held):
            np.testing.assert_array_equal(y, [np.arange(n)])
            self.assertTrue(y.flags.writeable)

    def test_after_closing(self):
        s = pair()
        call = s._call
        s.run(None, self.feed)
        s.close()
        with self.assertRaises(dlrun.InvalidArgument):
            s.run(None, self.feed)
        # Whoever kept the function can still use it.
        np.testing.assert_array_equal(call(None, self.feed, None)[0], [6, 8, 10])

    def test_references_come_out_even(self):
        for s, feed, given in (
            (pair(), self.feed, None), (pair(), self.feed, (None, np.zeros(3, np.float32))),
            (nonzero(), {"x": self.a}, None), (pair(), {"a": self.a, "b": [1, 2, 3]}, None),
            (pair(), {"a": self.a, "b": np.float32([1])[:0]}, None),
        ):
            things = [np.dtype(np.float32), np.dtype(np.int64), self.a, self.b, feed, given]
            for _ in range(3):
                s._call(None, feed, given)
            before = [sys.getrefcount(t) for t in things]
            for _ in range(100):
                s._call(None, feed, given)
            after = [sys.getrefcount(t) for t in things]
            # What None counts depends on the interpreter.
            for t, x, y in zip(things, before, after):
                if t is not None:
                    self.assertLessEqual(abs(x - y), 2)

    def test_a_session_goes_with_its_function(self):
        before = sys.getrefcount(_native._plain[FLOAT])
        for _ in range(50):
            pair().run(None, self.feed)
        gc.collect()
        self.assertLess(abs(sys.getrefcount(_native._plain[FLOAT]) - before), 10)
