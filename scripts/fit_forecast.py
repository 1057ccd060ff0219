#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fits the weights of src/backends/auto_forecast.hpp: how many times as fast as gap a whole fit is with kdtree,
blockbounds and int8.

Measures random problems with `omnimeans fit`, appends a line for each to OUT, and prints the weights that follow from
all its lines, as C++, with the share of the variance that they explain and the median error. Lines measured for other
types, vectors and numbers of steps may go to the same file: those of floats with 512 bits must be there, the constants
of the others come on top. Nothing else may run meanwhile.

  scripts/fit_forecast.py --problems 300 forecast.csv
  scripts/fit_forecast.py --problems 200 --isa avx2 forecast.csv
  scripts/fit_forecast.py --problems 200 --dtype f64 --steps 12 forecast.csv
  scripts/fit_forecast.py --problems 0 forecast.csv
"""

import argparse
import csv
import json
import math
import pathlib
import random
import re
import subprocess
import sys
import tempfile

try:
    import numpy
except ModuleNotFoundError:
    sys.exit(f"{sys.argv[0]}: numpy is missing; apt-get install python3-numpy, and run it with /usr/bin/python3")

ROOT = pathlib.Path(__file__).resolve().parent.parent
KINDS = ("uniform", "blobs", "pixels", "lattice", "images", "embedding", "imbalanced", "anisotropic", "grid")
FEATURES = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 256, 512)
SHARES = re.compile(r"on average ([\d.]+) % of the clusters are at most 1.2 times, ([\d.]+) % at most twice")
COLUMNS = ("dtype", "isa", "steps", "kind", "n", "d", "k", "near", "around", "gap", "kdtree", "blockbounds", "int8")
# What a model is of, and of which features; whether clusters times samples count.
MODELS = {
    "tree_model": ("kdtree", 2, 10, True),
    "blocks_of_few_features": ("blockbounds", 3, 10, True),
    "blocks_of_many_features": ("blockbounds", 11, 256, False),
    "int8_model": ("int8", 20, 784, False),
}
MACHINES = ("other_float", "wide_double", "other_double")  # beside float with 512 bits


def machine_of(row):
    """Which constant comes on top."""
    wide = row["isa"] == "avx512"
    return (None if wide else "other_float") if row["dtype"] == "f32" else "wide_double" if wide else "other_double"


def terms(row, both):
    """What SpeedModel has weights for, in its order; `both`: of clusters times samples, too."""
    k, n = math.log(row["k"]), math.log(row["n"])
    machine = machine_of(row)
    return ([1, math.log(row["near"]), math.log(row["around"]), k, math.log(row["d"]), n, k * n if both else 0,
             25 / row["steps"] - 1] + [float(machine == name) for name in MACHINES])


def fit_weights(rows, backend, both):
    """Weights, the explained share of the variance and the median error, as a share of the time."""
    a = numpy.array([terms(row, both) for row in rows])
    y = numpy.array([math.log(row["gap"] / row[backend]) for row in rows])
    weights, trust = None, numpy.ones(len(y))
    for _ in range(10):  # a fit that other work disturbed must not count by its square
        weights = numpy.linalg.lstsq(a * trust[:, None], y * trust, rcond=None)[0]
        trust = 1 / numpy.sqrt(numpy.maximum(numpy.abs(y - a @ weights), 0.1))
    left = y - a @ weights
    explained = 1 - (left**2).sum() / ((y - y.mean()) ** 2).sum()
    return weights, explained, math.expm1(numpy.median(numpy.abs(left)))


def shares_of(history):
    """The near share and that within twice the distance, told by auto; None where it did not ask."""
    told = SHARES.search(history[0]["reason"])
    return (float(told[1]) / 100, float(told[2]) / 100) if told else None


def run(program, data, problem, options, backend):
    command = [program, "fit", data, "-k", str(problem["k"]), "--init", "random", "--max-iter", str(options.steps),
               "--tol", "0", "--backend", backend, "--json", "-", "--quiet"]
    if options.isa is not None:
        command += ["--isa", options.isa]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return json.loads(done.stdout)


def measure(program, data, problem, options):
    """A row, or None where auto does not ask for shares."""
    subprocess.run([program, "generate", problem["kind"], data, "--n", str(problem["n"]), "--d", str(problem["d"]),
                    "--k", str(problem["k"]), "--dtype", options.dtype, "--quiet"], check=True)
    by_auto = run(program, data, problem, options, "auto")
    shares = shares_of(by_auto["history"])
    if shares is None:
        return None
    d = problem["d"]
    backends = ["gap"] + [backend for backend, least, most, _ in MODELS.values()
                          if least <= d <= most and not (backend == "int8" and options.dtype == "f64")]
    seconds = {backend: [] for backend in backends}
    for _ in range(options.repetitions):
        for backend in backends:
            seconds[backend].append(run(program, data, problem, options, backend)["fit_seconds"])
    row = {"dtype": options.dtype, "isa": by_auto["isa"], "steps": options.steps, **problem,
           "near": max(shares[0], 1e-3), "around": max(shares[1], 1e-3)}
    return {**row, **{backend: min(times) for backend, times in seconds.items()}}


def random_problem(choose, most_work):
    """A random problem, large enough that what a process does first does not hide what is fitted."""
    while True:
        problem = {"kind": choose.choice(KINDS), "n": int(10 ** choose.uniform(3.75, 5.6)), "d": choose.choice(FEATURES),
                   "k": int(2 ** choose.uniform(3, 9.8))}
        n, d, k = problem["n"], problem["d"], problem["k"]
        if 16 * k <= n and 4e6 <= n * k * (d + 4) <= most_work:
            return problem


def read_rows(path):
    numbers = {"steps", "n", "d", "k"}
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: value if name in ("dtype", "isa", "kind") else int(value) if name in numbers else float(value)
                 for name, value in row.items() if value != ""} for row in csv.DictReader(file)]


def print_weights(rows):
    for name, (backend, least, most, both) in MODELS.items():
        of_it = [row for row in rows if backend in row and least <= row["d"] <= most]
        if len(of_it) < 30:
            print(f"// {name}: {len(of_it)} problems are too few")
            continue
        weights, explained, error = fit_weights(of_it, backend, both)
        print(f"// {len(of_it)} problems, {explained:.2f} of the variance, half within {100 * error:.0f} %\n"
              f"{name}{{{', '.join(f'{weight:.3g}' for weight in weights)}}}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="OUT", type=pathlib.Path, help="the file of measurements (.csv)")
    parser.add_argument("--problems", type=int, default=300, help="how many to measure (%(default)s: some six minutes)")
    parser.add_argument("--dtype", choices=("f32", "f64"), default="f32")
    parser.add_argument("--isa", help="instruction set; none: the best")
    parser.add_argument("--steps", type=int, default=25, help="iterations, 8 or more (%(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, help="of which the fastest counts (%(default)s)")
    parser.add_argument("--most-work", type=float, default=2.5e9, help="multiply-adds a step (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other problems (%(default)s)")
    parser.add_argument("--program", default=str(ROOT / "build/release/src/cli/omnimeans"), help="(%(default)s)")
    options = parser.parse_args(arguments)
    if options.steps < 8:
        parser.error(f"--steps {options.steps}: auto asks samples from 8 on")
    choose = random.Random(f"{options.seed} {options.dtype} {options.isa} {options.steps}")
    is_new = not options.out.exists() or options.out.stat().st_size == 0
    with tempfile.TemporaryDirectory(prefix="omnimeans-") as folder, options.out.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        if is_new:
            writer.writeheader()
        for number in range(options.problems):
            problem = random_problem(choose, options.most_work)
            if sys.stderr.isatty():
                print(f"\r{number + 1} of {options.problems}  ", end="", file=sys.stderr, flush=True)
            row = measure(options.program, f"{folder}/points.npy", problem, options)
            if row is not None:
                writer.writerow(row)
                file.flush()
    print_weights(read_rows(options.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
