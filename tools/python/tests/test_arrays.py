"""Arrays in and out: dtypes, layouts, and what is not copied."""

import resource
import unittest

import numpy as np

import dlrun

from . import onnx_bytes as ob
from .onnx_bytes import FLOAT, INT64, node, tensor_type

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None


def identity(code, shape=("n",)):
    kind = tensor_type(code, list(shape))
    return dlrun.InferenceSession(
        ob.model([node("Identity", ["x"], ["y"])], {"x": kind}, {"y": kind}, opset=23))


class Layouts(unittest.TestCase):
    def setUp(self):
        self.session = dlrun.InferenceSession(ob.affine(), threads=1)
        self.x = np.arange(12, dtype=np.float32).reshape(4, 3)

    def check(self, x):
        # Thrice: the first runs find out about the outputs, the third takes the short way.
        for _ in range(4):
            y, = self.session.run(None, {"x": x})
            self.assertEqual((y.dtype, y.shape), (np.float32, x.shape))
            np.testing.assert_array_equal(y, np.asarray(x, np.float32) * 2 + 1)

    def test_contiguous(self):
        self.check(self.x)

    def test_not_contiguous(self):
        self.check(np.asfortranarray(self.x))
        self.check(self.x[::2])
        self.check(self.x[::-1])
        self.check(np.arange(24, dtype=np.float32).reshape(4, 6)[:, ::2])
        self.check(np.broadcast_to(np.float32([1, 2, 3]), (4, 3)))

    def test_after_a_contiguous_one(self):
        self.check(self.x)
        self.check(np.asfortranarray(self.x))
        self.check(self.x)

    def test_big_endian(self):
        self.check(self.x.astype(">f4"))

    def test_read_only(self):
        self.x.flags.writeable = False
        self.check(self.x)

    def test_unaligned(self):
        room = np.zeros(self.x.nbytes + 1, np.uint8)
        x = room[1:].view(np.float32).reshape(4, 3)
        x[:] = self.x
        self.assertFalse(x.flags.aligned)
        self.check(x)

    def test_subclasses(self):
        self.check(np.ma.masked_array(self.x, self.x > 100))
        self.check(self.x.view(np.matrix))

    def test_empty(self):
        self.check(np.zeros((0, 3), np.float32))

    def test_lists_and_scalars(self):
        np.testing.assert_array_equal(self.session.run(None, {"x": [[1, 2, 3]]})[0], [[3, 5, 7]])
        np.testing.assert_array_equal(
            self.session.run(None, {"x": [[1.5, 2.0, 3]]})[0], [[4, 5, 7]])
        s = identity(FLOAT, [])
        for given in (np.float32(3), np.array(3, np.float32), 3.0, 3):
            for _ in range(3):
                y, = s.run(None, {"x": given})
                self.assertEqual((y.shape, float(y)), ((), 3.0))

    def test_arrays_without_axes_are_read_in_place(self):
        s = identity(FLOAT, [])
        for _ in range(4):
            y, = s._call(None, {"x": np.array(3, np.float32)}, None)
            self.assertEqual((y.shape, float(y)), ((), 3.0))

    def test_memory_of_large_results_is_used_again_when_nobody_holds_it(self):
        s = identity(FLOAT, ["n"])
        n = 9 << 20
        held = []
        for k in range(6):
            y, = s.run(None, {"x": np.full(n, k, np.float32)})
            self.assertEqual((y.shape, y.dtype, float(y[0]), float(y[-1])), ((n,), np.float32, k, k))
            # A part keeps what it is a part of.
            held.append(y[5:8])
            if k > 2:
                held.pop(0)
            del y
            for j, part in enumerate(held):
                np.testing.assert_array_equal(part, np.float32(k - len(held) + 1 + j))
        y, = s.run(None, {"x": np.full(n + 1, 7, np.float32)})
        self.assertEqual((len(y), float(y[-1])), (n + 1, 7))

    def test_an_object_that_makes_an_array(self):
        class Column:
            def __array__(self, dtype=None, copy=None):
                return np.array([[1, 2, 3]], np.float32)

        np.testing.assert_array_equal(self.session.run(None, {"x": Column()})[0], [[3, 5, 7]])

    def test_eight_axes(self):
        s = identity(FLOAT, [1] * 7 + ["n"])
        x = np.arange(3, dtype=np.float32).reshape([1] * 7 + [3])
        np.testing.assert_array_equal(s.run(None, {"x": x})[0], x)
        with self.assertRaises(dlrun.InvalidArgument):
            s.run(None, {"x": x[None]})


class ElementTypes(unittest.TestCase):
    CODES = {
        1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64",
        9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64",
        15: "complex128"}

    def test_those_of_numpy(self):
        for code, name in self.CODES.items():
            s = identity(code)
            x = np.array([0, 1, 1, 0, 1]).astype(name)
            for _ in range(4):
                y, = s.run(None, {"x": x})
                self.assertEqual(y.dtype, x.dtype)
                np.testing.assert_array_equal(y, x)

    def test_bits_of_those_that_numpy_lacks(self):
        for code, bits, values in (
            (16, np.uint16, [0x3F80, 0xC000, 0x7FC0]), (17, np.uint8, [0x38, 0xB8, 0]),
            (21, np.uint8, [1, 15, 7]), (22, np.int8, [-8, 7, -1]), (25, np.uint8, [3, 1, 0]),
            (26, np.int8, [-2, 1, -1]), (23, np.uint8, [15, 0, 5])):
            s = identity(code)
            x = np.array(values, bits)
            for _ in range(3):
                y, = s.run(None, {"x": x})
                self.assertEqual(y.dtype.itemsize, x.dtype.itemsize)
                if y.dtype == x.dtype:
                    np.testing.assert_array_equal(y, x)
                elif code in (22, 26):
                    np.testing.assert_array_equal(y.astype(np.int8), x)
                else:
                    np.testing.assert_array_equal(y.view(bits), x)
            value = dlrun.OrtValue.ortvalue_from_numpy_with_onnx_type(x, code)
            self.assertEqual(value.element_type(), code)
            y, = s.run_with_ort_values(None, {"x": value})
            self.assertEqual(y.element_type(), code)

    @unittest.skipUnless(ml_dtypes, "ml_dtypes is not installed")
    def test_those_of_ml_dtypes(self):
        for name in ("bfloat16", "float8_e5m2", "int4", "uint4", "float4_e2m1fn"):
            code = {"bfloat16": 16, "float8_e5m2": 19, "int4": 22, "uint4": 21,
                    "float4_e2m1fn": 23}[name]
            x = np.array([0, 1, 2, 3, 1], getattr(ml_dtypes, name))
            y, = identity(code).run(None, {"x": x})
            self.assertEqual(y.dtype, x.dtype)
            np.testing.assert_array_equal(y.astype(np.float32), x.astype(np.float32))

    def test_strings(self):
        s = identity(ob.STRING, ["n", 2])
        x = np.array([["a", "größe"], ["", "x\0y"]], object)
        for given in (x, x.tolist()):
            y, = s.run(None, {"x": given})
            self.assertEqual(y.dtype, object)
            self.assertEqual(y.tolist(), x.tolist())
        y, = s.run(None, {"x": np.array([["ab", "c"]])})
        self.assertEqual(y.tolist(), [["ab", "c"]])
        y, = s.run(None, {"x": np.array([[b"ab", b"c"]])})
        self.assertEqual(y.tolist(), [["ab", "c"]])
        self.assertEqual(s.run(None, {"x": np.empty((0, 2), object)})[0].shape, (0, 2))

    def test_sizes_that_depend_on_values(self):
        s = dlrun.InferenceSession(ob.model(
            [node("NonZero", ["x"], ["y"])], {"x": tensor_type(FLOAT, ["n"])},
            {"y": tensor_type(INT64, [1, None])}))
        for values in ([1, 0, 2], [0, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, 1]):
            y, = s.run(None, {"x": np.array(values, np.float32)})
            np.testing.assert_array_equal(y, np.nonzero(values))


class NoCopies(unittest.TestCase):
    SIZE = 1 << 26

    def growth(self, body):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        body()
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024

    def test_of_inputs(self):
        s = dlrun.InferenceSession(ob.model(
            [node("Gather", ["x", "i"], ["y"])], {"x": tensor_type(FLOAT, ["n"])},
            {"y": tensor_type(FLOAT, [2])}, {"i": np.array([0, 5], np.int64)}))
        x = np.ones(self.SIZE // 4, np.float32)
        grown = self.growth(lambda: [s.run(None, {"x": x}) for _ in range(4)])
        self.assertLess(grown, self.SIZE // 2)

    def test_of_outputs(self):
        s = dlrun.InferenceSession(ob.model(
            [node("Expand", ["x", "n"], ["y"])],
            {"x": tensor_type(FLOAT, [1]), "n": tensor_type(INT64, [1])},
            {"y": tensor_type(FLOAT, [None])}), threads=1)
        feed = {"x": np.ones(1, np.float32), "n": np.array([self.SIZE // 4])}

        def body():
            for _ in range(4):
                self.assertEqual(s.run(None, feed)[0].nbytes, self.SIZE)

        self.assertLess(self.growth(body), self.SIZE * 3 // 2)

    def test_of_what_is_bound(self):
        s = dlrun.InferenceSession(ob.affine(), threads=1)
        y = np.empty((1, 3), np.float32)
        binding = s.io_binding()
        binding.bind_cpu_input("x", np.array([[1, 2, 3]], np.float32))
        binding.bind_ortvalue_output("y", dlrun.OrtValue.ortvalue_from_numpy(y))
        s.run_with_iobinding(binding)
        np.testing.assert_array_equal(y, [[3, 5, 7]])
        self.assertIs(binding.get_outputs()[0].numpy(), y)


if __name__ == "__main__":
    unittest.main()
