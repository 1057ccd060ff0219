# SPDX-License-Identifier: MIT
"""The same bits as the C++ program's."""
import numpy as np
import pytest
from conftest import make_blobs

import omnimeans


def check(result, answer):
    centroids, labels, said = answer
    np.testing.assert_array_equal(result.centroids, centroids)
    np.testing.assert_array_equal(result.labels, labels)
    assert result.centroids.dtype == centroids.dtype
    assert (result.inertia, result.n_iter, result.stop_reason) == (said["inertia"], said["n_iter"], said["stop_reason"])
    assert [stats.labels_changed for stats in result.history] == [s["labels_changed"] for s in said["history"]]


@pytest.mark.parametrize("shape", [(600, 5, 7), (3000, 17, 40), (900, 64, 128)])
def test_defaults(program, dtype, shape):
    n_samples, n_features, n_clusters = shape
    X = make_blobs(n_samples, n_features, dtype=dtype)
    check(omnimeans.kmeans(X, n_clusters), program(X, n_clusters))


def test_options(program, blobs, dtype):
    X = blobs.astype(dtype)
    check(
        omnimeans.kmeans(X, 9, init="random", n_init=5, seed=2**40 + 1, tol=0, max_iter=20, backend="hamerly"),
        program(X, 9, "--init=random", "--n-init=5", f"--seed={2**40 + 1}", "--tol=0", "--max-iter=20",
                "--backend=hamerly"),
    )


@pytest.mark.parametrize("init", omnimeans.inits())
def test_every_way_to_seed(program, blobs, init):
    check(omnimeans.kmeans(blobs, 7, init=init), program(blobs, 7, f"--init={init}"))


def test_weights_and_given_centroids(program, blobs, dtype):
    X = blobs.astype(dtype)
    weights = np.random.default_rng(1).uniform(0, 2, size=len(X)).astype(dtype)
    check(
        omnimeans.kmeans(X, 7, init=X[10:17], sample_weight=weights),
        program(X, 7, weights=weights, init=X[10:17]),
    )


def test_estimator(program, blobs, dtype):
    X = blobs.astype(dtype)
    centroids, labels, said = program(X, 7, "--seed=42", "--init=random", "--n-init=10")
    estimator = omnimeans.KMeans(7, init="random", random_state=42).fit(X)
    np.testing.assert_array_equal(estimator.cluster_centers_, centroids)
    np.testing.assert_array_equal(estimator.labels_, labels)
    assert (estimator.inertia_, estimator.n_iter_) == (said["inertia"], said["n_iter"])
