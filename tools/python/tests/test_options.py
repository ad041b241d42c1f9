"""Options of sessions and runs: kept, obeyed or refused; and the profile."""

import json
import os
import tempfile
import unittest

import numpy as np

import dlrun

from . import onnx_bytes as ob

X = np.array([[1, 2, 3]], np.float32)


class Options(unittest.TestCase):
    def test_what_tunes_onnxruntime_is_kept(self):
        o = dlrun.SessionOptions()
        o.inter_op_num_threads = 4
        o.execution_mode = dlrun.ExecutionMode.ORT_PARALLEL
        o.execution_order = dlrun.ExecutionOrder.PRIORITY_BASED
        o.enable_mem_pattern = False
        o.enable_mem_reuse = False
        o.enable_cpu_mem_arena = False
        o.use_deterministic_compute = True
        o.log_severity_level = 3
        o.log_verbosity_level = 1
        o.logid = "mine"
        o.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.assertEqual(o.get_session_config_entry("session.intra_op.allow_spinning"), "0")
        with self.assertRaises(dlrun.InvalidArgument):
            o.get_session_config_entry("other")
        o.add_provider("CPUExecutionProvider", {})
        s = dlrun.InferenceSession(ob.affine(), o)
        self.assertIs(s.get_session_options(), o)
        r = dlrun.RunOptions()
        r.log_severity_level = 0
        r.only_execute_path_to_fetches = True
        r.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        np.testing.assert_array_equal(s.run(None, {"x": X}, r)[0], [[3, 5, 7]])
        dlrun.set_default_logger_severity(3)
        dlrun.set_default_logger_verbosity(0)
        dlrun.disable_telemetry_events()

    def test_levels(self):
        o = dlrun.SessionOptions()
        for level in dlrun.GraphOptimizationLevel:
            o.graph_optimization_level = level
            s = dlrun.InferenceSession(ob.affine(), o)
            np.testing.assert_array_equal(s.run(None, {"x": X})[0], [[3, 5, 7]])
        o.graph_optimization_level = "all"
        with self.assertRaises(dlrun.InvalidArgument):
            dlrun.InferenceSession(ob.affine(), o)

    def test_what_would_be_left_undone_is_refused(self):
        o = dlrun.SessionOptions()
        for call in (
            lambda: setattr(o, "optimized_model_filepath", "out.onnx"),
            lambda: o.add_free_dimension_override_by_name("rows", 1),
            lambda: o.add_free_dimension_override_by_denotation("ROWS", 1),
            lambda: o.add_initializer("a", None),
            lambda: o.add_external_initializers(["a"], []),
            lambda: o.register_custom_ops_library("lib.so"),
            lambda: dlrun.RunOptions().add_active_adapter(None),
            lambda: dlrun.set_seed(1),
        ):
            with self.assertRaises(dlrun.NotImplemented):
                call()
        with self.assertRaises(dlrun.InvalidArgument):
            o.add_provider("CUDAExecutionProvider")
        o.optimized_model_filepath = ""
        self.assertEqual(o.optimized_model_filepath, "")

    def test_exact(self):
        o = dlrun.SessionOptions()
        o.exact = True
        s = dlrun.InferenceSession(ob.affine(), o, threads=1)
        np.testing.assert_array_equal(s.run(None, {"x": X})[0], [[3, 5, 7]])


class Profiles(unittest.TestCase):
    def test_all_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            o = dlrun.SessionOptions()
            o.enable_profiling = True
            o.profile_file_prefix = os.path.join(folder, "trace")
            s = dlrun.InferenceSession(ob.affine(), o)
            for _ in range(3):
                s.run(None, {"x": X})
            path = s.end_profiling()
            self.assertTrue(path.startswith(o.profile_file_prefix) and path.endswith(".json"))
            self.assertEqual(os.listdir(folder), [os.path.basename(path)])
            with open(path, encoding="utf-8") as file:
                events = json.load(file)
            self.assertEqual(sum(e["name"] == "model_run" for e in events), 3)
            nodes = [e for e in events if e["cat"] == "Node"]
            self.assertGreaterEqual(len(nodes), 3)
            for e in events:
                self.assertGreaterEqual(e["ts"], 0)
                self.assertGreaterEqual(e["dur"], 0)
            runs = [e for e in events if e["name"] == "model_run"]
            self.assertLess(runs[0]["ts"], runs[1]["ts"])
            self.assertTrue(any(
                r["ts"] <= n["ts"] <= r["ts"] + r["dur"] for r in runs for n in nodes))
            with self.assertRaises(dlrun.InvalidArgument):
                s.end_profiling()
            s.run(None, {"x": X})

    def test_of_no_run(self):
        with tempfile.TemporaryDirectory() as folder:
            o = dlrun.SessionOptions()
            o.enable_profiling = True
            o.profile_file_prefix = os.path.join(folder, "trace")
            s = dlrun.InferenceSession(ob.affine(), o)
            self.assertGreater(s.get_profiling_start_time_ns(), 0)
            with open(s.end_profiling(), encoding="utf-8") as file:
                self.assertEqual([e["name"] for e in json.load(file)], ["session_initialization"])

    def test_not_asked_for(self):
        with self.assertRaises(dlrun.InvalidArgument):
            dlrun.InferenceSession(ob.affine()).end_profiling()


if __name__ == "__main__":
    unittest.main()
