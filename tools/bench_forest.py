#!/usr/bin/env python3
"""Time forests of decision trees: dlrun beside onnxruntime, taking turns in one session.

usage: bench_forest.py [--dlrun PATH] [--dir DIR] [--rows N] [--passes N] [--threads 1,2] [CASE...]

Cases: rf (random forest, 100 trees of any depth), rf8 (100 trees of depth 8), gbm3 (scikit-learn
gradient boosting, 300 trees of depth 3), hist (500 trees of 31 leaves), xgb (XGBoost, 300 trees of
depth 6), lgbm (LightGBM, 300 trees of 31 leaves), reg (random forest regressor). Models are trained
once on 20,000 rows of 30 features and kept in DIR with the input. Run with an interpreter that has
onnxruntime, scikit-learn, skl2onnx, xgboost, lightgbm and onnxmltools (tools/oracle/install.sh).

Each pass times session.run of onnxruntime on the rows in memory and `dlrun bench` on the same NPY
file (its time of one run, without loading). Prints minimum and median in milliseconds and the
ratio of minima (above 1: dlrun is faster), and the largest difference of scores and labels.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FEATURES = 30
CASES = ["rf", "rf8", "gbm3", "hist", "xgb", "lgbm", "reg"]


def train(case: str, path: str) -> None:
    """Train a model of a fixed seed and write it as ONNX."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn import ensemble
    from sklearn.datasets import make_classification

    x, y = make_classification(
        20000, FEATURES, n_informative=15, n_redundant=5, flip_y=0.05, random_state=7
    )
    x = x.astype(np.float32)
    options = {"n_jobs": 1, "random_state": 7}
    if case == "xgb":
        import onnxmltools
        import xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType as Float

        model = xgboost.XGBClassifier(n_estimators=300, max_depth=6, **options).fit(x, y)
        onx = onnxmltools.convert_xgboost(model, initial_types=[("X", Float([None, FEATURES]))])
    elif case == "lgbm":
        import lightgbm
        import onnxmltools
        from onnxmltools.convert.common.data_types import FloatTensorType as Float

        model = lightgbm.LGBMClassifier(n_estimators=300, verbose=-1, **options).fit(x, y)
        onx = onnxmltools.convert_lightgbm(
            model, initial_types=[("X", Float([None, FEATURES]))], zipmap=False
        )
    else:
        model = {
            "rf": lambda: ensemble.RandomForestClassifier(100, **options),
            "rf8": lambda: ensemble.RandomForestClassifier(100, max_depth=8, **options),
            "reg": lambda: ensemble.RandomForestRegressor(100, max_depth=12, **options),
            "gbm3": lambda: ensemble.GradientBoostingClassifier(n_estimators=300, random_state=7),
            "hist": lambda: ensemble.HistGradientBoostingClassifier(
                max_iter=500, early_stopping=False, random_state=7
            ),
        }[case]().fit(x, y)
        only = {} if case == "reg" else {id(model): {"zipmap": False}}
        types = [("X", FloatTensorType([None, FEATURES]))]
        onx = to_onnx(model, initial_types=types, options=only)
    with open(path, "wb") as f:
        f.write(onx.SerializeToString())


def rows(path: str, count: int) -> np.ndarray:
    """Rows like those of training, from a fixed seed."""
    if not os.path.exists(path):
        from sklearn.datasets import make_classification

        x, _ = make_classification(
            min(count, 100000), FEATURES, n_informative=15, n_redundant=5, random_state=7
        )
        x = np.resize(x.astype(np.float32), (count, FEATURES))
        x += np.random.default_rng(1).normal(0, 0.05, x.shape).astype(np.float32)
        np.save(path, x)
    return np.load(path)


def measure(args, case: str, path: str, x: np.ndarray, file: str, threads: int) -> None:
    import onnxruntime as ort

    o = ort.SessionOptions()
    o.intra_op_num_threads = threads
    o.inter_op_num_threads = 1
    session = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    few = len(x) < 1000
    repeat = 2000 if few else 1
    theirs, ours = [], []
    for i in range(args.passes + 1):
        start = time.perf_counter()
        for _ in range(repeat):
            session.run(None, {name: x})
        spent = (time.perf_counter() - start) * 1000 / repeat
        command = [args.dlrun, "bench", path, "--inputs", file, "--threads", str(threads)]
        command += ["--runs", str(2000 if few else 1), "--warmup", "100" if few else "1", "--json"]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if i > 0:  # the first pass warms up
            theirs.append(spent)
            ours.append(json.loads(out)["median_ms" if few else "min_ms"])
    print(
        f"{case:5} {len(x)} rows {threads} threads: dlrun min {min(ours):.4f} median"
        f" {statistics.median(ours):.4f} ms, onnxruntime min {min(theirs):.4f} median"
        f" {statistics.median(theirs):.4f} ms, ratio {min(theirs) / min(ours):.2f}",
        flush=True,
    )


def agree(args, case: str, path: str, x: np.ndarray, directory: str) -> None:
    """Compare the outputs on the first rows."""
    import onnxruntime as ort

    part = x[:20000]
    np.save(f"{directory}/part.npy", part)
    o = ort.SessionOptions()
    o.intra_op_num_threads = 1  # with more it adds trees in another order
    session = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
    expected = session.run(None, {session.get_inputs()[0].name: part})
    names = [o.name for o in session.get_outputs()]
    result = f"{directory}/result.npz"
    subprocess.run(
        [args.dlrun, "infer", path, f"{directory}/part.npy", "-o", result], check=True,
        capture_output=True,
    )
    got = np.load(result)
    for name, e in zip(names, expected):
        g = got[name]
        if np.asarray(e).dtype.kind == "f":
            print(f"{case:5} {name}: largest difference {np.abs(g - e).max():.2e}")
        else:
            print(f"{case:5} {name}: {int((g != np.asarray(e)).sum())} of {len(g)} labels differ")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dlrun", default=os.path.join(ROOT, ".build/release/dlrun"))
    parser.add_argument("--dir", default=os.path.join(tempfile.gettempdir(), "dlrun-forests"))
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--check", action="store_true", help="compare results as well")
    parser.add_argument("cases", nargs="*", default=CASES)
    args = parser.parse_args()
    os.makedirs(args.dir, exist_ok=True)
    file = f"{args.dir}/rows-{args.rows}.npy"
    x = rows(file, args.rows)
    for case in args.cases or CASES:
        path = f"{args.dir}/{case}.onnx"
        if not os.path.exists(path):
            train(case, path)
        if args.check:
            agree(args, case, path, x, args.dir)
        for threads in map(int, args.threads.split(",")):
            measure(args, case, path, x, file, threads)


if __name__ == "__main__":
    main()
