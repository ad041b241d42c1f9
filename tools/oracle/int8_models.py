#!/usr/bin/env python3
"""Makes int8 models (QDQ) of float image networks, as ONNX Runtime's own tool writes them.

  .cache/oracle/bin/python tools/oracle/int8_models.py .cache/zoo .cache/int8 [NAME ...]
  .cache/oracle/bin/python tools/oracle/int8_models.py --dynamic .cache/zoo .cache/int8-dynamic

For each NAME.onnx of the first folder: shape inference and folding by
onnxruntime.quantization.preprocess, then quantize_static with QDQ pairs: activations uint8, weights
int8 with a scale for each output channel, ranges by the least and greatest numbers that eight random
normal images give. With --dynamic: quantize_dynamic of convolutions and products (ConvInteger and
MatMulInteger), int8 weights, run for the NAME.npz without optimisation. Beside each model a NAME.npz with one input and what ONNX Runtime makes of it, as
the float zoo has them.

Made with onnxruntime 1.32.0, onnx 1.23.2 and numpy 2.4.6. The same seed gives the same images.
"""
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_dynamic,
    quantize_static)
from onnxruntime.quantization.shape_inference import quant_pre_process

NAMES = ["resnet50", "mobilenet_v2", "resnet18", "squeezenet1_1", "efficientnet_b0", "unet"]


class Images(CalibrationDataReader):
    """Random normal images of the sizes that a model's zoo input has."""

    def __init__(self, feeds):
        self.feeds = iter(feeds)

    def get_next(self):
        return next(self.feeds, None)


def session(path, is_optimised=True):
    options = onnxruntime.SessionOptions()
    if not is_optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def quantise_static(source, target, feeds):
    with tempfile.TemporaryDirectory() as folder:
        ready = pathlib.Path(folder) / "ready.onnx"
        quant_pre_process(str(source), str(ready))
        quantize_static(
            str(ready), str(target), Images(feeds), quant_format=QuantFormat.QDQ,
            per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax)


def quantise(source, target, is_dynamic=False):
    given = np.load(source.with_suffix(".npz"))
    inputs = [i.name for i in onnx.load(source, load_external_data=False).graph.input]
    example = {name: given[f"in_{i}"] for i, name in enumerate(inputs)}
    rng = np.random.default_rng(7)
    feeds = [
        {name: rng.standard_normal(x.shape).astype(x.dtype) for name, x in example.items()}
        for _ in range(8)
    ]
    if is_dynamic:
        quantize_dynamic(
            str(source), str(target), op_types_to_quantize=["Conv", "MatMul"],
            weight_type=QuantType.QInt8)
    else:
        quantise_static(source, target, feeds)
    s = session(target, not is_dynamic)
    names = [o.name for o in s.get_outputs()]
    results = s.run(names, example)
    arrays = {f"in_{i}": x for i, x in enumerate(example.values())}
    arrays |= {f"out_{i}": y for i, y in enumerate(results)}
    np.savez(target.with_suffix(".npz"), **arrays)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--dynamic"]
    is_dynamic = len(arguments) < len(sys.argv) - 1
    zoo, folder = pathlib.Path(arguments[0]), pathlib.Path(arguments[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in arguments[2:] or NAMES:
        target = folder / f"{name}.onnx"
        quantise(zoo / f"{name}.onnx", target, is_dynamic)
        print(f"{target}: {target.stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
