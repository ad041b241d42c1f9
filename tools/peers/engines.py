"""Each engine, opened and run the way that is fastest for it.

An engine's `open` gives a function without arguments that runs the model once on the inputs given
and returns all outputs as NumPy arrays. The ways of calling were chosen by measurement (tab_mlp, 1
thread, microseconds a call, lowest tenth; one machine with AVX-512):

  onnxruntime  run(None, feed) 7.0, io binding with copies 4.8, io binding to given memory 4.2
  openvino     infer(feed, shared) 18.8, tensors set once and infer() 9.4, start_async 19.8; with
               the batch left open as in the file 12.5
  dlrun        run(None, feed) 1.1, io binding to given memory 1.4 (on a machine where onnxruntime's
               calls take 7.3 and 4.4)

"plain" calls are what most programs do: run(None, feed), and infer(feed) with shared memory.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from .zoo import Model

Run = Callable[[], list[np.ndarray]]
PEERS = ("onnxruntime", "openvino")
TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load_dlrun(name: str, library: str) -> ModuleType:
    """The Python package of this checkout over `library`, as a package called `name`.

    Under two names it is there twice, with a library each.
    """
    folder = os.path.join(TOOLS, "python", "dlrun")
    spec = importlib.util.spec_from_file_location(
        name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no package in {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    before = os.environ.get("DLRUN_LIBRARY")
    os.environ["DLRUN_LIBRARY"] = library
    try:
        spec.loader.exec_module(module)
    except AttributeError as failure:
        raise ImportError(f"{library} is too old for tools/python: {failure}") from failure
    finally:
        if before is None:
            del os.environ["DLRUN_LIBRARY"]
        else:
            os.environ["DLRUN_LIBRARY"] = before
    return module


class DLRun:
    """dlrun through tools/python: `run(None, feed)`."""

    def __init__(self, name: str, library: str) -> None:
        self.module = load_dlrun("dlrun" if name == "dlrun" else "dlrun_" + name, library)
        self.version = self.module.__version__

    def open(self, model: Model, feed: dict, threads: int, settings: dict) -> Run:
        options = self.module.SessionOptions()
        level = {"none": 0, "basic": 1, "all": 99}[settings.get("level", "all")]
        options.graph_optimization_level = self.module.GraphOptimizationLevel(level)
        session = self.module.InferenceSession(model.path, options, threads=threads)
        return lambda: session.run(None, feed)

    def inputs(self, path: str) -> list[dict]:
        return declared(self.module.InferenceSession(path, threads=1))


class ONNXRuntime:
    """onnxruntime: all optimisations, sequential, sizes settled, spinning as it comes."""

    def __init__(self) -> None:
        import onnxruntime

        self.module = onnxruntime
        self.version = onnxruntime.__version__
        onnxruntime.set_default_logger_severity(4)

    def open(self, model: Model, feed: dict, threads: int, settings: dict) -> Run:
        ort = self.module
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        for symbol, size in model.symbols.items():
            options.add_free_dimension_override_by_name(symbol, size)
        session = ort.InferenceSession(model.path, options, providers=["CPUExecutionProvider"])
        if settings.get("calls") == "plain":
            return lambda: session.run(None, feed)
        return self.bound(session, feed)

    @staticmethod
    def bound(session: Any, feed: dict) -> Run:
        """Runs on bound inputs, into memory that the first run showed to be needed."""
        outputs: list[np.ndarray] = []
        binding = None

        def run() -> list[np.ndarray]:
            nonlocal binding, outputs
            if binding is None:
                outputs = session.run(None, feed)
                if not all(type(o) is np.ndarray and o.dtype.kind in "fiub" for o in outputs):
                    return outputs
                binding = session.io_binding()
                for name, array in feed.items():
                    binding.bind_cpu_input(name, array)
                for port, o in zip(session.get_outputs(), outputs):
                    binding.bind_output(port.name, "cpu", 0, o.dtype, o.shape, o.ctypes.data)
                return outputs
            session.run_with_iobinding(binding)
            return outputs

        return run

    def inputs(self, path: str) -> list[dict]:
        options = self.module.SessionOptions()
        options.graph_optimization_level = self.module.GraphOptimizationLevel.ORT_DISABLE_ALL
        providers = ["CPUExecutionProvider"]
        return declared(self.module.InferenceSession(path, options, providers=providers))


class OpenVINO:
    """OpenVINO: latency hint, float32, one stream, sizes settled."""

    def __init__(self) -> None:
        import openvino

        self.module = openvino
        self.version = openvino.__version__.split("-")[0]
        self.core = openvino.Core()

    def open(self, model: Model, feed: dict, threads: int, settings: dict) -> Run:
        ov = self.module
        graph = self.core.read_model(model.path)
        names = [port.get_names() for port in graph.inputs]
        places = {}
        for name in feed:
            places[name] = next((i for i, known in enumerate(names) if name in known), None)
            if places[name] is None:
                raise ValueError(f"input {name} is not among {names}")
        if model.symbols:
            graph.reshape({graph.inputs[i]: list(feed[n].shape) for n, i in places.items()})
        compiled = self.core.compile_model(
            graph,
            "CPU",
            {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "f32",
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
            },
        )
        request = compiled.create_infer_request()
        if settings.get("calls") == "plain":
            by_place = {places[name]: array for name, array in feed.items()}
            return lambda: list(
                request.infer(by_place, share_inputs=True, share_outputs=True).values()
            )
        for name, array in feed.items():
            request.set_input_tensor(places[name], ov.Tensor(array, shared_memory=True))

        def run() -> list[np.ndarray]:
            return list(request.infer(share_inputs=True, share_outputs=True).values())

        return run


def declared(session: Any) -> list[dict]:
    """What a session, dlrun's or onnxruntime's, says of its model's inputs."""
    return [{"name": p.name, "type": p.type, "shape": list(p.shape)} for p in session.get_inputs()]


def load(name: str, libraries: dict[str, str]) -> tuple[Any, float]:
    """An engine by name, and the seconds its import took. `libraries`: dlrun's builds by name."""
    start = time.perf_counter()
    if name == "onnxruntime":
        engine: Any = ONNXRuntime()
    elif name == "openvino":
        engine = OpenVINO()
    else:
        engine = DLRun(name, libraries[name])
    return engine, time.perf_counter() - start
