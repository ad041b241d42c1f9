"""What a session says of its model, where models come from, and the ways to run one."""

import os
import pathlib
import tempfile
import threading
import unittest

import numpy as np

import dlrun

from . import onnx_bytes as ob
from .onnx_bytes import FLOAT, INT64, node, tensor_type

X = np.array([[1, 2, 3]], np.float32)


class Describe(unittest.TestCase):
    def setUp(self):
        self.session = dlrun.InferenceSession(ob.affine(), threads=1)

    def test_ports(self):
        x, = self.session.get_inputs()
        self.assertEqual((x.name, x.shape, x.type), ("x", ["rows", 3], "tensor(float)"))
        self.assertIn("rows", repr(x))
        y, = self.session.get_outputs()
        self.assertEqual((y.name, y.type), ("y", "tensor(float)"))
        self.assertEqual(y.shape, ["rows", 3])

    def test_open_sizes_without_a_name_are_none(self):
        s = dlrun.InferenceSession(ob.model(
            [node("Abs", ["x"], ["y"])], {"x": tensor_type(FLOAT, [None, 2])},
            {"y": tensor_type(FLOAT)}))
        self.assertEqual(s.get_inputs()[0].shape, [None, 2])

    def test_type_words(self):
        seq = ob.sequence_type(ob.map_type(INT64, tensor_type(FLOAT)))
        model = ob.model(
            [node("ZipMap", ["x"], ["z"], domain="ai.onnx.ml", classlabels_int64s=[4, 7])],
            {"x": tensor_type(FLOAT, [None, 2])}, {"z": seq})
        z, = dlrun.InferenceSession(model).get_outputs()
        self.assertEqual((z.type, z.shape), ("seq(map(int64,tensor(float)))", []))
        model = ob.model(
            [node("OptionalHasElement", ["x"], ["y"])],
            {"x": ob.optional_type(ob.sequence_type(tensor_type(FLOAT)))},
            {"y": tensor_type(ob.BOOL, [])})
        x, = dlrun.InferenceSession(model).get_inputs()
        self.assertEqual(x.type, "optional(seq(tensor(float)))")

    def test_metadata(self):
        meta = self.session.get_modelmeta()
        self.assertEqual(meta.producer_name, "tests")
        self.assertEqual(meta.graph_name, "graph")
        self.assertEqual(meta.domain, "org.example")
        self.assertEqual(meta.description, "what the model does")
        self.assertEqual(meta.graph_description, "what the graph does")
        self.assertEqual(meta.version, 42)
        self.assertEqual(
            meta.custom_metadata_map, {"colour": "grün", "dlrun.classes": '["a"]'})

    def test_inputs_with_defaults(self):
        model = ob.model(
            [node("Add", ["x", "b"], ["y"])],
            {"x": tensor_type(FLOAT, [2]), "b": tensor_type(FLOAT, [2])},
            {"y": tensor_type(FLOAT, [2])}, {"b": np.array([10, 20], np.float32)})
        s = dlrun.InferenceSession(model)
        self.assertEqual([p.name for p in s.get_inputs()], ["x"])
        self.assertEqual([p.name for p in s.get_overridable_initializers()], ["b"])
        x = np.array([1, 2], np.float32)
        for _ in range(3):
            np.testing.assert_array_equal(s.run(None, {"x": x})[0], [11, 22])
            np.testing.assert_array_equal(s.run(None, {"x": x, "b": x})[0], [2, 4])

    def test_providers(self):
        self.assertEqual(self.session.get_providers(), ["CPUExecutionProvider"])
        self.assertEqual(self.session.get_provider_options(), {"CPUExecutionProvider": {}})
        self.session.set_providers(["CPUExecutionProvider"])
        self.session.set_providers(["CUDAExecutionProvider", "CPUExecutionProvider"], [{}, {}])
        with self.assertRaises(dlrun.InvalidArgument):
            self.session.set_providers(["CUDAExecutionProvider"])
        self.assertEqual(dlrun.get_available_providers(), ["CPUExecutionProvider"])
        self.assertEqual(dlrun.get_device(), "CPU")


class Load(unittest.TestCase):
    def test_from_bytes_and_paths(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "größe.onnx")
            path.write_bytes(ob.affine())
            data = ob.affine()
            for given in (path, str(path), data, bytearray(data), memoryview(data)):
                s = dlrun.InferenceSession(given, providers=dlrun.get_available_providers())
                np.testing.assert_array_equal(s.run(None, {"x": X})[0], [[3, 5, 7]])

    def test_threads(self):
        self.assertEqual(dlrun.InferenceSession(ob.affine(), threads=2).threads, 2)
        options = dlrun.SessionOptions()
        options.intra_op_num_threads = 3
        self.assertEqual(dlrun.InferenceSession(ob.affine(), options).threads, 3)
        self.assertLessEqual(dlrun.InferenceSession(ob.affine()).threads, os.cpu_count())

    def test_close(self):
        with dlrun.InferenceSession(ob.affine()) as s:
            s.run(None, {"x": X})
        for _ in range(2):
            with self.assertRaises(dlrun.InvalidArgument):
                s.run(None, {"x": X})
            with self.assertRaises(dlrun.InvalidArgument):
                s.get_modelmeta()
            s.close()

    def test_backend(self):
        rep = dlrun.backend.prepare(ob.affine(), "CPU")
        for given in (X, [X], {"x": X}):
            np.testing.assert_array_equal(rep.run(given)[0], [[3, 5, 7]])
        np.testing.assert_array_equal(
            dlrun.backend.run_model(ob.affine(), X)[0], [[3, 5, 7]])
        self.assertTrue(dlrun.backend.supports_device("CPU"))
        self.assertFalse(dlrun.backend.is_compatible(b"rubbish"))
        with self.assertRaises(dlrun.InvalidArgument):
            dlrun.backend.prepare(ob.affine(), "CUDA")


class Run(unittest.TestCase):
    def setUp(self):
        self.session = dlrun.InferenceSession(ob.model(
            [node("Neg", ["x"], ["n"]), node("Exp", ["x"], ["e"]), node("Shape", ["x"], ["s"])],
            {"x": tensor_type(FLOAT, ["r", "c"])},
            {"n": tensor_type(FLOAT, ["r", "c"]), "e": tensor_type(FLOAT, ["r", "c"]),
             "s": tensor_type(INT64, [2])}), threads=1)

    def check(self, x):
        n, e, s = self.session.run(None, {"x": x})
        np.testing.assert_array_equal(n, -x)
        np.testing.assert_allclose(e, np.exp(x), 1e-6)
        np.testing.assert_array_equal(s, x.shape)

    def test_again_and_again_with_changing_shapes(self):
        draws = np.random.default_rng(1)
        for i in range(60):
            rows = (3, 3, 3, 5, 2)[i % 5]
            self.check(draws.random((rows, 4), np.float32))

    def test_chosen_outputs(self):
        x = np.ones((2, 2), np.float32)
        for _ in range(4):
            s, n = self.session.run(["s", "n"], {"x": x})
            np.testing.assert_array_equal(s, [2, 2])
            np.testing.assert_array_equal(n, -x)
            e, = self.session.run(("e",), {"x": x})
            np.testing.assert_allclose(e, np.exp(x), 1e-6)
            self.assertEqual(len(self.session.run([], {"x": x})), 3)
            a, b, *_ = self.session.run(["n"] * 9, {"x": x})
            np.testing.assert_array_equal(a, b)
            self.assertFalse(np.shares_memory(a, b))

    def test_a_list_of_names_may_change_afterwards(self):
        x = np.ones((2, 2), np.float32)
        names = ["n"]
        for _ in range(3):
            self.session.run(names, {"x": x})
        names.append("s")
        self.assertEqual(len(self.session.run(names, {"x": x})), 2)

    def test_results_belong_to_the_caller(self):
        x = np.ones((2, 2), np.float32)
        before = [a.copy() for a in self.session.run(None, {"x": x})]
        for _ in range(4):
            results = self.session.run(None, {"x": x})
            for a, b in zip(results, before):
                np.testing.assert_array_equal(a, b)
                self.assertTrue(a.flags.writeable)
                a[:] = 77

    def test_weights_as_results_can_be_written_to(self):
        weight = np.arange(4, dtype=np.float32)
        s = dlrun.InferenceSession(ob.model(
            [node("Identity", ["w"], ["a"]), node("Neg", ["w"], ["b"])],
            {"x": tensor_type(FLOAT, [1])},
            {"a": tensor_type(FLOAT, [4]), "b": tensor_type(FLOAT, [4]),
             "w": tensor_type(FLOAT, [4])}, {"w": weight}))
        for _ in range(4):
            results = s.run(None, {"x": np.zeros(1, np.float32)})
            for a, want in zip(results, (weight, -weight, weight)):
                np.testing.assert_array_equal(a, want)
                a[:] = 55

    def test_inputs_as_results_do_not_depend_on_the_caller(self):
        s = dlrun.InferenceSession(ob.model(
            [node("Identity", ["x"], ["y"]), node("SequenceConstruct", ["x", "w"], ["q"])],
            {"x": tensor_type(FLOAT, ["n"])},
            {"y": tensor_type(FLOAT, ["n"]), "q": ob.sequence_type(tensor_type(FLOAT))},
            {"w": np.arange(2, dtype=np.float32)}))
        for _ in range(4):
            x = np.arange(5, dtype=np.float32)
            y, q = s.run(None, {"x": x})
            x[:] = -1
            for a, n in ((y, 5), (q[0], 5), (q[1], 2)):
                np.testing.assert_array_equal(a, np.arange(n))
                a[:] = 33

    def test_asynchronously(self):
        done = threading.Event()
        got = []

        def callback(outputs, data, error):
            got.append((outputs, data, error))
            done.set()

        x = np.ones((1, 1), np.float32)
        self.session.run_async(["n"], {"x": x}, callback, "mine")
        self.assertTrue(done.wait(10))
        outputs, data, error = got[0]
        self.assertEqual((outputs[0][0, 0], data, error), (-1, "mine", ""))
        done.clear()
        self.session.run_async(None, {"wrong": x}, callback, 3)
        self.assertTrue(done.wait(10))
        self.assertEqual(got[1][:2], ([], 3))
        self.assertIn("wrong", got[1][2])


if __name__ == "__main__":
    unittest.main()
