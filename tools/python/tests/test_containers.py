"""Sequences, maps and optionals, in and out."""

import unittest

import numpy as np

import dlrun

from . import onnx_bytes as ob
from .onnx_bytes import FLOAT, INT64, STRING, node, tensor_type

FLOATS = ob.sequence_type(tensor_type(FLOAT))


class Containers(unittest.TestCase):
    def test_a_classifier_with_probabilities_by_class(self):
        model = ob.model(
            [node("ArgMax", ["x"], ["label"], axis=1, keepdims=0),
             node("ZipMap", ["x"], ["p"], domain="ai.onnx.ml", classlabels_int64s=[4, 7])],
            {"x": tensor_type(FLOAT, [None, 2])},
            {"label": tensor_type(INT64, [None]),
             "p": ob.sequence_type(ob.map_type(INT64, tensor_type(FLOAT)))})
        s = dlrun.InferenceSession(model)
        for _ in range(3):
            label, p = s.run(None, {"x": np.array([[0.25, 0.75], [1, 0]], np.float32)})
            np.testing.assert_array_equal(label, [1, 0])
            self.assertEqual(p, [{4: 0.25, 7: 0.75}, {4: 1.0, 7: 0.0}])
            self.assertIsInstance(p[0][4], float)
        p, = s.run(["p"], {"x": np.zeros((0, 2), np.float32)})
        self.assertEqual(p, [])

    def test_string_classes(self):
        model = ob.model(
            [node("ZipMap", ["x"], ["p"], domain="ai.onnx.ml", classlabels_strings=["no", "yes"])],
            {"x": tensor_type(FLOAT, [None, 2])},
            {"p": ob.sequence_type(ob.map_type(STRING, tensor_type(FLOAT)))})
        p, = dlrun.InferenceSession(model).run(None, {"x": np.array([[0.5, 0.5]], np.float32)})
        self.assertEqual(p, [{"no": 0.5, "yes": 0.5}])

    def test_maps_in(self):
        model = ob.model(
            [node("DictVectorizer", ["x"], ["y"], domain="ai.onnx.ml",
                  int64_vocabulary=[3, 1, 2])],
            {"x": ob.map_type(INT64, tensor_type(FLOAT))}, {"y": tensor_type(FLOAT)})
        s = dlrun.InferenceSession(model)
        self.assertEqual(s.get_inputs()[0].type, "map(int64,tensor(float))")
        y, = s.run(None, {"x": {1: 10, 3: 30.5}})
        self.assertEqual((y.dtype, y.reshape(-1).tolist()), (np.float32, [30.5, 10, 0]))
        y, = s.run(None, {"x": {2: np.float32(5)}})
        self.assertEqual(y.reshape(-1).tolist(), [0, 0, 5])
        for wrong in ({1.5: 2}, {"a": 2.0}, {1: 2, "a": 3}, {1 << 70: 2}, {1: "b"}, {1: [2]},
                      [1], np.ones(3, np.float32)):
            with self.assertRaises(dlrun.InvalidArgument):
                s.run(None, {"x": wrong})

    def test_sequences(self):
        s = dlrun.InferenceSession(ob.model(
            [node("SequenceInsert", ["q", "x"], ["r"]), node("SequenceLength", ["r"], ["n"])],
            {"q": FLOATS, "x": tensor_type(FLOAT, ["k"])},
            {"r": FLOATS, "n": tensor_type(INT64, [])}))
        a, b = np.ones(2, np.float32), np.zeros(3, np.float32)
        for given in ([a], (a,), [[1.0, 1.0]]):
            r, n = s.run(None, {"q": given, "x": b})
            self.assertEqual((len(r), int(n)), (2, 2))
            np.testing.assert_array_equal(r[0], a)
            np.testing.assert_array_equal(r[1], b)
        r, n = s.run(None, {"q": [], "x": b})
        self.assertEqual(int(n), 1)

    def test_optionals(self):
        s = dlrun.InferenceSession(ob.model(
            [node("OptionalHasElement", ["x"], ["has"]), node("Identity", ["x"], ["y"])],
            {"x": ob.optional_type(tensor_type(FLOAT, [2]))},
            {"has": tensor_type(ob.BOOL, []), "y": ob.optional_type(tensor_type(FLOAT, [2]))}))
        has, y = s.run(None, {"x": np.ones(2, np.float32)})
        self.assertTrue(has)
        np.testing.assert_array_equal(y, [1, 1])
        has, y = s.run(None, {"x": None})
        self.assertFalse(has)
        self.assertIsNone(y)

    def test_values_in_ort_values(self):
        s = dlrun.InferenceSession(ob.model(
            [node("SequenceAt", ["q", "i"], ["y"])], {"q": FLOATS},
            {"y": tensor_type(FLOAT)}, {"i": np.array(-1, np.int64)}))
        q = dlrun.OrtValue([np.zeros(1, np.float32), np.ones(2, np.float32)])
        self.assertTrue(q.is_tensor_sequence())
        y, = s.run_with_ort_values(["y"], {"q": q})
        np.testing.assert_array_equal(y.numpy(), [1, 1])


if __name__ == "__main__":
    unittest.main()
