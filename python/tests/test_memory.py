# SPDX-License-Identifier: MIT
"""200,000 x 64 float32 (51 MB) are clustered without a copy: the process's peak grows by less than that. By `simd`, which
keeps no rows of its own (int16, and what searches with it, keeps rows of sixteen bits).

Measured by the kernel, which sees what Python's own tools do not; in a fresh process, where no freed memory is at hand.
"""
import json

import pytest

SCRIPT = """
import json, sys
import numpy as np
import omnimeans

def resident(what):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(what))

if sys.argv[1] == "KMeans":
    estimator = omnimeans.KMeans(100, init="random", n_init=1, max_iter=10, algorithm="simd", random_state=0, threads=2)
    fit = lambda X: estimator.fit(X).labels_
else:
    fit = lambda X: omnimeans.kmeans(X, 100, init="random", max_iter=10, backend="simd", threads=2).labels
X = np.random.default_rng(0).random(size=(200_000, 64), dtype=np.float32)
fit(X[:20_000])  # threads, code, small tables: once a process
with open("/proc/self/clear_refs", "w") as clear:
    clear.write("5")  # the peak starts anew
before = resident("VmRSS")
labels = fit(X)
grown = resident("VmHWM") - before
fit(np.asfortranarray(X))  # the second copy is ours
grown_by_copies = resident("VmHWM") - before
print(json.dumps({"X": X.nbytes, "labels": labels.nbytes, "grown": grown, "grown_by_copies": grown_by_copies}))
"""


@pytest.mark.parametrize("function", ["kmeans", "KMeans"])
def test_no_copy(run_python, function):
    try:
        said = json.loads(run_python(SCRIPT, function))
    except AssertionError as error:
        if "clear_refs" in str(error):
            pytest.skip("this kernel does not reset the peak")
        raise
    print(said)
    assert said["labels"] <= said["grown"] < said["X"] / 2
    assert said["grown_by_copies"] >= 2 * said["X"]  # what a copy would look like
