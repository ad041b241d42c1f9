#!/usr/bin/env python3
"""Write the errors that Keras reaches on two regressions, for `RegressionTests`.

usage: regression_figures.py FOLDER > Tests/LayersTests/Fixtures/regressions.json
FOLDER is Tests/RecipesTests/Fixtures, with the diabetes table of scikit-learn 1.9.1. The other table
is of the kind of the Californian homes: eight features, some with long tails, and prices that do
not follow them linearly and end at 5; it is made from a generator that the test has as well.

Networks, batches, optimiser, schedule and preparation are those of the test: a tenth of the training
rows or so chooses the best epoch, features have mean 0 and deviation 1 on the others. Forty seeds
and ten.
Run with Keras 3.15.1 on TensorFlow 2.21.0; the versions are written too.
"""

import csv
import json
import sys

import keras
import numpy as np

# The few rows of diabetes that are held out make errors differ most.
SEEDS = {"diabetes": 40, "homes": 10}


def splitmix(state: int):
    """SplitMix64 as uniform doubles in [0, 1)."""
    mask = (1 << 64) - 1
    while True:
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield ((z ^ (z >> 31)) >> 11) * 2.0**-53


def homes(count: int) -> tuple[np.ndarray, np.ndarray]:
    draw = splitmix(7)
    rows, prices = [], []
    for _ in range(count):
        u = [next(draw) for _ in range(10)]
        tail = u[8] * u[8]
        tail *= tail
        income = 0.5 + 14.5 * u[0] * u[0] * u[0]
        age = 1 + 51 * u[1]
        rooms = 3 + 5 * u[2] + 20 * tail * tail
        bedrooms = 0.9 + 0.3 * u[3]
        people = 50 + 3000 * u[4] * u[4] * u[4]
        household = 1.5 + 3 * u[5] * u[5]
        north, east = 32.5 + 9.5 * u[6], -124.3 + 10 * u[7]
        bay = 1 / (1 + (east + 122) * (east + 122) + (north - 37) * (north - 37))
        south = 0.8 / (1 + (east + 118) * (east + 118) + (north - 34) * (north - 34))
        price = 0.4 * income / (1 + 0.04 * income) + 1.2 * (bay + south) * (1 + 0.1 * income)
        price += 0.004 * age - 0.25 * (household - 2.5)
        price += 0.05 * (rooms - 5) / (1 + 0.1 * abs(rooms - 5))
        rows.append([income, age, rooms, bedrooms, people, household, north, east])
        prices.append(min(5.0, max(0.15, price * (0.8 + 0.4 * u[9]))))
    return np.array(rows, np.float32), np.array(prices, np.float32)


def read(path: str) -> tuple[np.ndarray, np.ndarray]:
    with open(path) as file:
        rows = np.array([[float(c) for c in r] for r in list(csv.reader(file))[1:]])
    return rows[:, :-1].astype(np.float32), rows[:, -1].astype(np.float32)


def error(train, held, sizes, batch, epochs, chosen, rate, decay, patience, seed: int) -> float:
    x, y = train
    keras.utils.set_random_seed(seed)
    order = np.random.default_rng(seed).permutation(len(x))
    choose, seen = order[:chosen], order[chosen:]
    mean, deviation = x[seen].mean(0), x[seen].std(0)
    scale = lambda part: (part - mean) / deviation  # noqa: E731
    level, spread = y[seen].mean(), y[seen].std()
    layers = [keras.layers.Dense(n, "relu") for n in sizes] + [keras.layers.Dense(1)]
    network = keras.Sequential(layers)
    steps = epochs * -(-len(seen) // batch)
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.01)
    network.compile(keras.optimizers.AdamW(schedule, weight_decay=decay), "mse")
    network.fit(
        scale(x[seen]), (y[seen] - level) / spread, batch_size=batch, epochs=epochs, verbose=0,
        validation_data=(scale(x[choose]), (y[choose] - level) / spread),
        validation_batch_size=256,
        callbacks=[keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)],
    )  # fmt: skip
    said = network.predict(scale(held[0]), batch_size=256, verbose=0)[:, 0] * spread + level
    return float(np.sqrt(((said - held[1]) ** 2).mean()))


def main() -> None:
    folder = sys.argv[1]
    x, y = homes(4000)
    diabetes = (read(f"{folder}/diabetes_train.csv"), read(f"{folder}/diabetes_test.csv"))
    tables = {
        "diabetes": (*diabetes, [32, 16], 8, 200, 53, 3e-3, 0.1, 40),
        "homes": ((x[:3200], y[:3200]), (x[3200:], y[3200:]), [64, 32], 32, 40, 320, 3e-3, 0.01, 10),
    }
    result = {"keras": keras.__version__, "backend": keras.backend.backend()}
    for name, arguments in tables.items():
        result[name] = [round(error(*arguments, seed), 4) for seed in range(SEEDS[name])]
    result["checks"] = [round(float(v), 6) for v in [x[17, 0], x[99, 7], y[5], y[3999]]]
    json.dump(result, sys.stdout, indent=1)
    print()


main()
