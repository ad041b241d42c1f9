"""Writes models with 500 MB of weights in every form that converts, and measures what converting takes.

    python tools/oracle/convert/large_models.py make FOLDER       once with torch, once with TensorFlow
    python tools/oracle/convert/large_models.py measure FOLDER [--dlrun PATH] [--to onnx|safetensors]

The network: four convolutions of 1024 channels (3 by 3, 37.7 MB each), then five dense layers of 4096
(67 MB each) and a first one from 1024: 504 MB. `make` writes what the importable frameworks can:
with torch model.onnx, model.safetensors, model.npz, model.pth and model.pt2 (tools/oracle/install.sh);
with TensorFlow model.keras, model.h5, saved_model, frozen.pb and model.tflite
(tensorflow-requirements.txt). `measure` prints peak resident memory of `dlrun convert` as the system
counts it (mapped pages of the file among it), as a multiple of the weights, and the seconds.
"""

import argparse
import os
import time

CONVS, DENSE, WIDE = 4, 5, 4096


def make_torch(out):
    import numpy as np
    import torch
    from torch import nn
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 1024, 3)]
    for _ in range(CONVS):
        layers += [nn.ReLU(), nn.Conv2d(1024, 1024, 3, padding=1)]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, WIDE)]
    for _ in range(DENSE):
        layers += [nn.ReLU(), nn.Linear(WIDE, WIDE)]
    model = nn.Sequential(*layers).eval()
    x = torch.randn(1, 3, 8, 8)
    state = model.state_dict()
    torch.save(state, out + "/model.pth")
    np.savez(out + "/model.npz", **{k: v.numpy() for k, v in state.items()})
    try:
        from safetensors.torch import save_file
        save_file(state, out + "/model.safetensors")
    except ImportError:
        print("no safetensors package")
    program = torch.export.export(model, (x,))
    torch.export.save(program, out + "/model.pt2")
    torch.onnx.export(program, dynamo=True, verbose=False).save(
        out + "/model.onnx", external_data=False)


def make_tensorflow(out):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2 as freeze,
    )
    keras.utils.set_random_seed(0)
    x = y = keras.Input((8, 8, 3), name="x")
    y = keras.layers.Conv2D(1024, 3, activation="relu")(y)
    for _ in range(CONVS):
        y = keras.layers.Conv2D(1024, 3, padding="same", activation="relu")(y)
    y = keras.layers.GlobalAveragePooling2D()(y)
    for _ in range(DENSE + 1):
        y = keras.layers.Dense(WIDE, activation="relu")(y)
    model = keras.Model(x, y)
    model.save(out + "/model.keras")
    model.save(out + "/model.h5")
    model.export(out + "/saved_model", verbose=False)
    concrete = tf.function(model).get_concrete_function(tf.TensorSpec((None, 8, 8, 3), tf.float32))
    with open(out + "/frozen.pb", "wb") as f:
        f.write(freeze(concrete).graph.as_graph_def().SerializeToString())
    with open(out + "/model.tflite", "wb") as f:
        f.write(tf.lite.TFLiteConverter.from_saved_model(out + "/saved_model").convert())


def importable(name):
    import importlib.util
    return importlib.util.find_spec(name) is not None


def resident(command, log):
    """Peak resident bytes, seconds and exit status of a command."""
    start = time.time()
    pid = os.fork()
    if pid == 0:
        fd = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.execv(command[0], command)
    _, status, usage = os.wait4(pid, 0)
    return usage.ru_maxrss * 1024, time.time() - start, os.waitstatus_to_exitcode(status)


def measure(folder, dlrun, to):
    weights = 4 * (9 * (3 + CONVS * 1024) * 1024 + 1024 * WIDE + DENSE * WIDE * WIDE)
    print(f"weights {weights / 1e6:.0f} MB")
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.startswith("out"):
            continue
        isWeights = name.endswith((".safetensors", ".pth", ".npz"))
        kind = "safetensors" if isWeights else to
        out = os.path.join(folder, "out." + kind)
        command = [dlrun, "convert", path, "-o", out]
        runs = [(name, command)]
        if name == "model.onnx":
            runs += [("model.onnx --opset 21", command + ["--opset", "21"]),
                     ("model.onnx --dtype float16", command + ["--dtype", "float16"])]
        if isWeights and os.path.exists(folder + "/model.onnx") and not name.endswith(".npz"):
            runs += [(name + " onto model.onnx",
                      [dlrun, "convert", folder + "/model.onnx", "-o", folder + "/out.onnx",
                       "--weights", path])]
        for title, command in runs:
            size, seconds, status = resident(command, folder + "/out.log")
            verdict = "" if status == 0 else f"  STATUS {status}: " + open(
                folder + "/out.log").read().strip()[-300:]
            print(f"{title:34} {size / 1e6:6.0f} MB  {size / weights:.2f} x  {seconds:5.1f} s"
                  + verdict, flush=True)
            if os.path.exists(out):
                os.remove(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["make", "measure"])
    parser.add_argument("folder")
    parser.add_argument("--dlrun", default=".build/release/dlrun")
    parser.add_argument("--to", default="onnx")
    a = parser.parse_args()
    os.makedirs(a.folder, exist_ok=True)
    if a.what == "measure":
        measure(a.folder, os.path.abspath(a.dlrun), a.to)
        return
    if importable("torch"):
        make_torch(a.folder)
    if importable("tensorflow"):
        make_tensorflow(a.folder)


if __name__ == "__main__":
    main()
