# SPDX-License-Identifier: MIT
"""Several at once: threads, joblib's processes, fork. What may hang runs in a process of its own."""
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import omnimeans

# In every child: a fit with two threads gives the bits that the parent found.
JOB = """
import sys
import numpy as np
import omnimeans

X = np.random.default_rng(0).normal(size=(20_000, 16)).astype(np.float32)

def job(seed):
    result = omnimeans.kmeans(X, 20, seed=seed, max_iter=5, threads=2)
    return result.inertia, result.labels.tobytes()

"""


def test_threads(blobs):
    fit = lambda seed: omnimeans.kmeans(blobs, 7, seed=seed, threads=2)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(16)))
    for seed, result in enumerate(together):
        np.testing.assert_array_equal(result.labels, fit(seed).labels)


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_joblib(run_python, backend):
    # joblib's own processes must find `job`: a module, not a script.
    out = run_python(
        JOB.replace("import sys", "import sys, joblib")
        + """
if __name__ == "__main__":
    alone = [job(seed) for seed in range(4)]
    together = joblib.Parallel(n_jobs=2, backend=sys.argv[1])(joblib.delayed(job)(seed) for seed in range(4))
    print(alone == together)
""",
        backend,
    )
    assert out == "True\n"


def test_fork(run_python):
    out = run_python(
        JOB
        + """
import multiprocessing
alone = [job(seed) for seed in range(4)]
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(job, range(4)) == alone)
"""
    )
    assert out == "True\n"


def test_grid_search_in_processes(run_python):
    out = run_python(
        """
import numpy as np
import omnimeans
from sklearn.model_selection import GridSearchCV

X = np.random.default_rng(0).normal(size=(2000, 4))
fit = lambda jobs: GridSearchCV(omnimeans.KMeans(random_state=0), {"n_clusters": [2, 5]}, n_jobs=jobs).fit(X)
print((fit(1).cv_results_["mean_test_score"] == fit(2).cv_results_["mean_test_score"]).all())
"""
    )
    assert out == "True\n"
