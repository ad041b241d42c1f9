"""Models of TensorFlow to hold `dlrun convert` against: single operators, control flow old and new,
SavedModels, with inputs and outputs from TensorFlow itself.

usage: tensorflow_models.py OUT [NAME...]   (tools/oracle/convert/tensorflow-requirements.txt)

Each case becomes OUT/NAME/{frozen.pb or saved_model/, io.npz, tolerance}.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2 as freeze,
)

import tensorflow_cases
import tensorflow_saved
import tensorflow_v1


def write_io(folder, inputs, outputs, options):
    arrays = {f"in_{i}": a for i, a in enumerate(inputs)}
    arrays |= {f"out_{i}": np.asarray(o) for i, o in enumerate(outputs)}
    for k, a in arrays.items():
        if a.dtype == object:
            arrays[k] = np.array([s.decode() if isinstance(s, bytes) else s for s in a.ravel()]).reshape(a.shape)
    np.savez_compressed(folder + "/io.npz", **arrays)
    with open(folder + "/tolerance", "w") as f:
        f.write(str(options.get("tolerance", 1e-5)))


def save_function(folder, function, inputs, options):
    specs = []
    for i, a in enumerate(inputs):
        shape = [None if n in options.get("open", []) else s for n, s in enumerate(a.shape)]
        specs.append(tf.TensorSpec(shape, tf.string if a.dtype == object else a.dtype, f"x{i}"))
    concrete = tf.function(function).get_concrete_function(*specs)
    outputs = tf.nest.flatten(concrete(*[tf.constant(a) for a in inputs]))
    frozen = freeze(concrete, lower_control_flow=options.get("lower", False))
    tf.io.write_graph(frozen.graph.as_graph_def(), folder, "frozen.pb", as_text=False)
    write_io(folder, inputs, [o.numpy() for o in outputs], options)


def main():
    out, wanted = sys.argv[1], set(sys.argv[2:])
    failed = 0
    for name, function, inputs, options in tensorflow_cases.CASES:
        if wanted and name not in wanted:
            continue
        folder = f"{out}/{name}"
        os.makedirs(folder, exist_ok=True)
        try:
            save_function(folder, function, inputs, options)
        except Exception as e:
            failed += 1
            print(name, "failed:", str(e)[:300], flush=True)
    for module in (tensorflow_v1, tensorflow_saved):
        for name, make in module.CASES:
            if wanted and name not in wanted:
                continue
            folder = f"{out}/{name}"
            os.makedirs(folder, exist_ok=True)
            try:
                inputs, outputs, options = make(folder)
                write_io(folder, inputs, outputs, options)
            except Exception as e:
                failed += 1
                print(name, "failed:", str(e)[:300], flush=True)
    print(len(os.listdir(out)), "cases,", failed, "failed")


main()
