#!/usr/bin/env python3
"""Quantise the transformers of a zoo with onnxruntime, as files that dlrun and its peers all run.

usage: int8_transformers.py ZOO OUT

ZOO holds minilm.onnx and gpt2_small.onnx as export_zoo.py writes them. Run it with an interpreter
that has the packages of int8_transformers.txt beside this file: onnxruntime 1.32.0, onnx 1.23.2,
onnx-ir 1.1.0, numpy 2.4.6. OUT gets NAME.onnx, and NAME.npz with in_0 .. and out_0 .., outputs by
onnxruntime without optimisation:

  minilm_static       QDQ around MatMul and Gemm alone: uint8 activations, int8 weights per channel
  minilm_static_all   QDQ as onnxruntime places it by default: elementwise parts as well
  minilm_dynamic      quantize_dynamic, int8 weights, one scale each
  minilm_dynamic_pc   the same with a scale for each column
  gpt2_nbits4_a0      MatMulNBits, 4 bits, blocks of 32, accuracy_level 0 (activations in float)
  gpt2_nbits4_a4      the same with accuracy_level 4 (activations may be rounded to int8)

In gpt2_small's file products are Gemm, which the n-bit quantiser leaves alone; they are written as
MatMul and Add first.
"""

import argparse
import logging
import os

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer


class Tokens(CalibrationDataReader):
    """The stored input and seven of random tokens."""

    def __init__(self, name: str, ids: np.ndarray, vocabulary: int) -> None:
        random = np.random.default_rng(5)
        others = [random.integers(0, vocabulary, ids.shape, dtype=ids.dtype) for _ in range(7)]
        self.feeds = iter([{name: x} for x in [ids, *others]])

    def get_next(self) -> dict | None:
        return next(self.feeds, None)


def as_products(model: onnx.ModelProto) -> onnx.ModelProto:
    """Every Gemm without transposes and factors as MatMul and Add."""
    nodes = []
    for node in model.graph.node:
        plain = node.op_type == "Gemm" and len(node.input) in (2, 3) and all(
            helper.get_attribute_value(a) in (0, 1.0) for a in node.attribute
        )
        if not plain:
            nodes.append(node)
            continue
        product = node.output[0] + "_product"
        if len(node.input) == 2:
            nodes.append(helper.make_node("MatMul", node.input, node.output, node.name))
            continue
        nodes.append(helper.make_node("MatMul", node.input[:2], [product], node.name + "_product"))
        nodes.append(helper.make_node("Add", [product, node.input[2]], node.output, node.name))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def nbits(source: str, target: str, level: int) -> None:
    quantizer = MatMulNBitsQuantizer(
        as_products(onnx.load(source)), block_size=32, is_symmetric=False, accuracy_level=level
    )
    quantizer.process()
    quantizer.model.save_model_to_file(target)


def static(source: str, target: str, ids: np.ndarray, kinds: list[str] | None) -> None:
    quantize_static(
        source,
        target,
        Tokens("in_0", ids, 8_000),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=kinds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("zoo")
    parser.add_argument("out")
    a = parser.parse_args()
    logging.disable(logging.WARNING)
    os.makedirs(a.out, exist_ok=True)
    minilm, gpt2 = (os.path.join(a.zoo, n) for n in ("minilm", "gpt2_small"))
    ids = np.load(minilm + ".npz")["in_0"]
    make = {
        "minilm_static": lambda t: static(minilm + ".onnx", t, ids, ["MatMul", "Gemm"]),
        "minilm_static_all": lambda t: static(minilm + ".onnx", t, ids, None),
        "minilm_dynamic": lambda t: quantize_dynamic(
            minilm + ".onnx", t, weight_type=QuantType.QInt8
        ),
        "minilm_dynamic_pc": lambda t: quantize_dynamic(
            minilm + ".onnx", t, weight_type=QuantType.QInt8, per_channel=True
        ),
        "gpt2_nbits4_a0": lambda t: nbits(gpt2 + ".onnx", t, 0),
        "gpt2_nbits4_a4": lambda t: nbits(gpt2 + ".onnx", t, 4),
    }
    for name, write in make.items():
        path = os.path.join(a.out, name)
        write(path + ".onnx")
        stored = np.load((minilm if name.startswith("minilm") else gpt2) + ".npz")
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(path + ".onnx", options, providers=["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: stored["in_0"]}
        out = session.run(None, feed)[0]
        np.savez(path + ".npz", in_0=stored["in_0"], out_0=out)
        change = np.abs(out - stored["out_0"]).max() / np.abs(stored["out_0"]).max()
        size = os.path.getsize(path + ".onnx") / 1e6
        print(f"{name}: {size:.1f} MB, {change:.1e} from float, largest error by largest output")


if __name__ == "__main__":
    main()
