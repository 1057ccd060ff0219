# SPDX-License-Identifier: MIT
"""Time and memory of a fit from Python against the C++ program, on the same file of 200,000 x 64 float32 values.

Usage: PYTHONPATH=build/release/python python/benchmarks/against_program.py [--program build/release/src/cli/omnimeans]
           [--samples 200000] [--features 64] [--clusters 100] [--rounds 7] [--threads N] [--backend auto]

Both run in fresh processes, one after the other in turn. For the program counts what it says of seeding and fit; for
Python the time of the call, whatever it consists of. The least of the rounds counts: everything else is noise. The
results are compared bit for bit. Memory: how far the peak of the Python process grows in the call.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

CALL = """
import json, sys, time
import numpy as np
import omnimeans

def resident(what):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(what))

file, options = sys.argv[1], json.loads(sys.argv[2])
X = np.load(file)
with open("/proc/self/clear_refs", "w") as clear:
    clear.write("5")
before, start = resident("VmRSS"), time.perf_counter()
result = omnimeans.kmeans(X, **options)
seconds = time.perf_counter() - start
grown = resident("VmHWM") - before
print(json.dumps({"seconds": seconds, "within": result.seed_seconds + result.fit_seconds, "grown": grown,
                  "inertia": result.inertia, "n_iter": result.n_iter, "backend_bytes": result.backend_bytes}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--program", default=root / "build/release/src/cli/omnimeans")
    for name, default in (("samples", 200_000), ("features", 64), ("clusters", 100), ("rounds", 7), ("threads", None)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--backend", default="auto")
    args = parser.parse_args()

    rng = np.random.default_rng(0)
    middles = rng.normal(scale=1.5, size=(args.clusters, args.features))
    X = middles[rng.integers(args.clusters, size=args.samples)] + rng.normal(size=(args.samples, args.features))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "X.npy"
        np.save(file, X.astype(np.float32))
        options = {"n_clusters": args.clusters, "max_iter": 30, "backend": args.backend, "threads": args.threads}
        program = [args.program, "fit", file, "-k", args.clusters, "--max-iter=30", f"--backend={args.backend}", "--json=-"]
        if args.threads is not None:
            program.append(f"--threads={args.threads}")
        rounds = []
        for _ in range(args.rounds):
            cpp = call(program)
            rounds.append((cpp["seed_seconds"] + cpp["fit_seconds"], call([sys.executable, "-c", CALL, file, json.dumps(options)])))
            assert (cpp["inertia"], cpp["n_iter"]) == (rounds[-1][1]["inertia"], rounds[-1][1]["n_iter"])

    size = args.samples * args.features * 4
    cpp_time = min(seconds for seconds, _ in rounds)
    python_time = min(said["seconds"] for _, said in rounds)
    within = min(said["within"] for _, said in rounds)
    grown = min(said["grown"] for _, said in rounds)
    print(f"{args.samples} x {args.features} float32, {args.clusters} clusters, {rounds[0][1]['n_iter']} iterations, {args.backend}")
    print(f"program, seeding and fit     {cpp_time * 1e3:9.1f} ms")
    print(f"Python, seeding and fit      {within * 1e3:9.1f} ms  {within / cpp_time:.3f} of the program's")
    print(f"Python, the whole call       {python_time * 1e3:9.1f} ms  {python_time / cpp_time:.3f} of the program's")
    print(f"the array                    {size / 1e6:9.1f} MB")
    print(f"peak memory grew by          {grown / 1e6:9.1f} MB, of which the backend says {rounds[0][1]['backend_bytes'] / 1e6:.1f} MB")


def call(command: list) -> dict:
    return json.loads(subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
