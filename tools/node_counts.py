#!/usr/bin/env python3
"""Nodes left after compilation and memory of a run, dlrun beside ONNX Runtime, as a table.

usage: node_counts.py ZOO [NAME...] [--dlrun COMMAND]

ZOO holds NAME.onnx and NAME.npz with in_0.., as tools/oracle/export_zoo.py writes them; sizes are
those of the stored inputs.

Nodes: dlrun's are those of `dlrun inspect --json`, at level all; ONNX Runtime's those of the graph
that it saves (`optimized_model_filepath`) at ORT_ENABLE_ALL, its highest level. Subgraphs are left
out on both sides.

Memory of a run beside the weights: dlrun plans it, and `inspect` prints the arena, working memory
included, and the results, which are memory of their own. ONNX Runtime's arena holds its results,
too, and it logs each growth. It runs on one thread in a process of its own, with weights outside the
arena (`session.use_device_allocator_for_initializers`) and an arena that grows by what is asked for
(`kSameAsRequested`). Counted is the smaller of two figures: the growth during the first run, which
allocates node by node, and that during the second, for which the arena was emptied: one block by the
memory pattern of the first, and what operators take beside it to work in (an LSTM its gates).
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MARK = "=== run "


def child(model: str, arrays: str) -> None:
    """Runs a model twice in ONNX Runtime with its log on standard error."""
    import onnxruntime as ort
    from onnxruntime.capi import _pybind_state as core

    ort.set_default_logger_severity(0)
    info = core.OrtMemoryInfo(
        "Cpu", core.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, core.OrtMemType.DEFAULT
    )
    core.create_and_register_allocator(
        info,
        core.OrtArenaCfg({"max_mem": 0, "arena_extend_strategy": 1, "initial_chunk_size_bytes": 64}),
    )
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 0
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    stored = np.load(arrays)
    feeds = {x.name: stored[f"in_{k}"] for k, x in enumerate(session.get_inputs())}
    emptied = ort.RunOptions()
    emptied.log_severity_level = 0
    emptied.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    for run in range(2):
        os.write(2, f"{MARK}{run}\n".encode())
        session.run(None, feeds, emptied)


def runtime_nodes(model: str) -> int:
    """Nodes of the graph that ONNX Runtime runs."""
    import onnx
    import onnxruntime as ort

    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.optimized_model_filepath = os.path.join(folder, "optimized.onnx")
        ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return len(onnx.load(options.optimized_model_filepath).graph.node)


def runtime_bytes(model: str, arrays: str) -> int:
    """Bytes that a run takes from ONNX Runtime's arena."""
    run = subprocess.run(
        [sys.executable, __file__, "--child", model, arrays], capture_output=True, check=True
    )
    parts = run.stderr.decode(errors="replace").split(MARK)
    if len(parts) != 3:
        raise SystemExit(f"{model}: ONNX Runtime's log has no marks")
    grown = [
        sum(int(n) for n in re.findall(r"Extended allocation by (\d+) bytes", part))
        for part in parts[1:]
    ]
    if not all(grown):
        raise SystemExit(f"{model}: ONNX Runtime's log shows no arena growing")
    return min(grown)


def ours(model: str, arrays: str, command: str) -> tuple[int, int, int, int]:
    """Nodes of the file, nodes after compilation, bytes of the arena and of results."""
    import onnx

    graph = onnx.load(model, load_external_data=False).graph
    filled = {tensor.name for tensor in graph.initializer}
    names = [i.name for i in graph.input if i.name not in filled]
    stored = np.load(arrays)
    shapes = []
    for k, name in enumerate(names):
        shapes += ["--shape", f"{name}=" + "x".join(str(n) for n in stored[f"in_{k}"].shape)]
    text = subprocess.run(
        [*shlex.split(command), "inspect", model, "--json", *shapes],
        capture_output=True, text=True, check=True,
    ).stdout
    report = json.loads(text)["compiled"]
    return len(graph.node), report["nodes"], report["arena_bytes"], report["result_bytes"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("zoo")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--dlrun", default=os.path.join(ROOT, "tools", "dlrun"))
    arguments = parser.parse_args()
    found = sorted(f[:-5] for f in os.listdir(arguments.zoo) if f.endswith(".onnx"))
    names = arguments.names or [n for n in found if os.path.exists(f"{arguments.zoo}/{n}.npz")]
    print(
        "| model | nodes in file | dlrun | ONNX Runtime "
        "| dlrun arena MiB | results MiB | ONNX Runtime arena with results MiB |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in names:
        base = os.path.join(arguments.zoo, name)
        model, arrays = base + ".onnx", base + ".npz"
        before, after, arena, results = ours(model, arrays, arguments.dlrun)
        nodes, taken = runtime_nodes(model), runtime_bytes(model, arrays)
        print(
            f"| {name} | {before} | {after} | {nodes} | {arena / 2**20:.2f} "
            f"| {results / 2**20:.2f} | {taken / 2**20:.2f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        sys.exit(main())
