"""OrtValue and IOBinding."""

import unittest

import numpy as np

import dlrun
from dlrun import OrtValue

from . import onnx_bytes as ob
from .onnx_bytes import FLOAT, INT64, node, tensor_type

X = np.array([[1, 2, 3]], np.float32)


class Values(unittest.TestCase):
    def test_what_they_say(self):
        v = OrtValue.ortvalue_from_numpy(X)
        self.assertIs(v.numpy(), X)
        self.assertEqual(v.shape(), [1, 3])
        self.assertEqual((v.data_type(), v.element_type()), ("tensor(float)", 1))
        self.assertEqual(v.data_ptr(), X.ctypes.data)
        self.assertEqual(v.tensor_size_in_bytes(), 12)
        self.assertTrue(v.is_tensor() and v.has_value())
        self.assertFalse(v.is_tensor_sequence() or v.is_sparse_tensor())
        self.assertEqual(v.device_name(), "cpu")
        self.assertEqual(OrtValue.ortvalue_from_numpy(np.array(3.0)).shape(), [])

    def test_memory_to_be_written(self):
        v = OrtValue.ortvalue_from_shape_and_type([2, 3], np.float32)
        v.update_inplace(np.ones((2, 3), np.float32))
        self.assertEqual(v.numpy().sum(), 6)
        self.assertEqual(OrtValue.ortvalue_from_shape_and_type([2], 7).data_type(),
                         "tensor(int64)")
        for wrong in (np.ones((3, 2), np.float32), np.ones((2, 3))):
            with self.assertRaises(dlrun.InvalidArgument):
                v.update_inplace(wrong)
        for wrong in ("no such type", 99, object()):
            with self.assertRaises(dlrun.InvalidArgument):
                OrtValue.ortvalue_from_shape_and_type([1], wrong)

    def test_devices(self):
        OrtValue.ortvalue_from_numpy(X, "cpu", 0)
        with self.assertRaises(dlrun.NotImplemented):
            OrtValue.ortvalue_from_numpy(X, "cuda", 0)
        with self.assertRaises(dlrun.InvalidArgument):
            OrtValue.ortvalue_from_numpy([1, 2])

    def test_in_and_out(self):
        s = dlrun.InferenceSession(ob.affine())
        for _ in range(3):
            y, = s.run_with_ort_values(["y"], {"x": OrtValue.ortvalue_from_numpy(X)})
            self.assertEqual(y.numpy().tolist(), [[3, 5, 7]])
        y, = s.run(None, {"x": OrtValue.ortvalue_from_numpy(X)})
        self.assertEqual(y.tolist(), [[3, 5, 7]])
        with self.assertRaises(dlrun.InvalidArgument):
            s.run_with_ort_values(None, {"x": X})


class Bindings(unittest.TestCase):
    def setUp(self):
        self.session = dlrun.InferenceSession(ob.affine(), threads=1)
        self.binding = self.session.io_binding()

    def test_memory_of_the_run(self):
        self.binding.bind_cpu_input("x", X)
        self.binding.bind_output("y")
        kept = []
        for _ in range(4):
            self.session.run_with_iobinding(self.binding)
            kept.append(self.binding.copy_outputs_to_cpu()[0])
            self.assertEqual(self.binding.get_outputs()[0].numpy().tolist(), [[3, 5, 7]])
            self.assertEqual(self.binding.get_outputs()[0].data_type(), "tensor(float)")
        self.assertEqual(len({a.ctypes.data for a in kept}), 4)

    def test_memory_of_the_caller(self):
        x, y = X.copy(), np.zeros((1, 3), np.float32)
        self.binding.bind_input("x", "cpu", 0, np.float32, [1, 3], x.ctypes.data)
        self.binding.bind_output("y", "cpu", 0, np.float32, (1, 3), y.ctypes.data)
        for k in range(4):
            x[:] = k
            self.session.run_with_iobinding(self.binding)
            self.assertEqual(y.tolist(), [[2 * k + 1] * 3])
        self.binding.synchronize_inputs()
        self.binding.synchronize_outputs()

    def test_binding_anew(self):
        y = OrtValue.ortvalue_from_shape_and_type([1, 3], np.float32)
        self.binding.bind_ortvalue_output("y", y)
        for k in range(12):
            if k % 4 == 0:
                x = np.full((1, 3), k, np.float32)
                self.binding.bind_cpu_input("x", x)
            self.session.run_with_iobinding(self.binding)
            self.assertEqual(y.numpy().tolist(), [[2 * (k // 4 * 4) + 1] * 3])
        self.binding.bind_cpu_input("x", np.zeros((2, 3), np.float32))
        with self.assertRaises(dlrun.InvalidArgument):
            self.session.run_with_iobinding(self.binding)
        self.binding.bind_output("y")
        for _ in range(4):
            self.session.run_with_iobinding(self.binding)
            self.assertEqual(self.binding.get_outputs()[0].shape(), [2, 3])

    def test_what_is_not_read_in_place(self):
        other = np.zeros((3, 4), np.float32).T[:, :3]
        self.binding.bind_cpu_input("x", other)
        self.binding.bind_output("y")
        for k in range(5):
            other[:] = k
            self.session.run_with_iobinding(self.binding)
            self.assertEqual(self.binding.get_outputs()[0].numpy().tolist(), [[2 * k + 1] * 3] * 4)

    def test_a_closed_session(self):
        self.binding.bind_cpu_input("x", X)
        self.binding.bind_output("y")
        for _ in range(4):
            self.session.run_with_iobinding(self.binding)
        self.session.close()
        for _ in range(2):
            with self.assertRaises(dlrun.InvalidArgument):
                self.session.run_with_iobinding(self.binding)

    def test_values(self):
        x = OrtValue.ortvalue_from_numpy(X.copy())
        y = OrtValue.ortvalue_from_shape_and_type([1, 3], np.float32)
        self.binding.bind_ortvalue_input("x", x)
        self.binding.bind_ortvalue_output("y", y)
        self.session.run_with_iobinding(self.binding)
        self.assertEqual(y.numpy().tolist(), [[3, 5, 7]])
        x.update_inplace(np.zeros((1, 3), np.float32))
        self.session.run_with_iobinding(self.binding, dlrun.RunOptions())
        self.assertEqual(y.numpy().tolist(), [[1, 1, 1]])

    def test_one_output_to_the_next_runs_input(self):
        value = OrtValue.ortvalue_from_numpy(X.copy())
        for _ in range(3):
            self.binding.bind_ortvalue_input("x", value)
            self.binding.bind_output("y")
            self.session.run_with_iobinding(self.binding)
            value = self.binding.get_outputs()[0]
        self.assertEqual(value.numpy().tolist(), [[15, 23, 31]])

    def test_wrong_use(self):
        b = self.binding
        with self.assertRaises(dlrun.InvalidArgument):
            b.bind_cpu_input("z", X)
        with self.assertRaises(dlrun.InvalidArgument):
            b.bind_output("z")
        with self.assertRaises(dlrun.InvalidArgument):
            b.bind_output("y", "cpu", 0, None, None, X.ctypes.data)
        with self.assertRaises(dlrun.InvalidArgument):
            b.bind_output("y", "cpu", 0, np.float32, [1, 3], 0)
        with self.assertRaises(dlrun.NotImplemented):
            b.bind_output("y", "cuda")
        read_only = X.copy()
        read_only.flags.writeable = False
        for wrong in (read_only, np.zeros((3, 2), np.float32).T, np.zeros(1, object)):
            with self.assertRaises(dlrun.InvalidArgument):
                b.bind_ortvalue_output("y", OrtValue(wrong))
        b.bind_cpu_input("x", X)
        with self.assertRaises(dlrun.InvalidArgument):
            self.session.run_with_iobinding(b)
        b.bind_ortvalue_output("y", OrtValue(np.zeros((2, 3), np.float32)))
        with self.assertRaises(dlrun.InvalidArgument):
            self.session.run_with_iobinding(b)
        b.clear_binding_outputs()
        b.bind_output("y")
        b.clear_binding_inputs()
        with self.assertRaises(dlrun.InvalidArgument):
            self.session.run_with_iobinding(b)
        b.bind_cpu_input("x", X)
        with self.assertRaises(dlrun.InvalidArgument):
            dlrun.InferenceSession(ob.affine()).run_with_iobinding(b)
        self.session.run_with_iobinding(b)

    def test_several_outputs(self):
        s = dlrun.InferenceSession(ob.model(
            [node("Neg", ["x"], ["n"]), node("Shape", ["x"], ["s"])],
            {"x": tensor_type(FLOAT, ["a"])},
            {"n": tensor_type(FLOAT, ["a"]), "s": tensor_type(INT64, [1])}))
        b = s.io_binding()
        b.bind_cpu_input("x", np.ones(4, np.float32))
        room = OrtValue.ortvalue_from_shape_and_type([4], np.float32)
        b.bind_output("s")
        b.bind_ortvalue_output("n", room)
        s.run_with_iobinding(b)
        shape, negated = b.get_outputs()
        self.assertEqual(shape.numpy().tolist(), [4])
        self.assertIs(negated.numpy(), room.numpy())
        self.assertEqual(room.numpy().tolist(), [-1] * 4)


if __name__ == "__main__":
    unittest.main()
