# SPDX-License-Identifier: MIT
"""kmeans, kmeans_plusplus, predict, transform, inertia, backends, isas: what they return and what they refuse."""
import pickle

import numpy as np
import pytest

import omnimeans


def test_one_line_gives_centroids_and_labels(blobs, dtype):
    X = blobs.astype(dtype)
    centroids, labels = omnimeans.kmeans(X, 7)
    assert centroids.shape == (7, 5) and centroids.dtype == dtype
    assert labels.shape == (600,) and labels.dtype == np.int32
    for j in range(7):
        np.testing.assert_allclose(centroids[j], X[labels == j].mean(axis=0), rtol=1e-5, atol=1e-5)


def test_result_says_more(blobs):
    result = omnimeans.kmeans(blobs, 7, tol=0)
    assert result.stop_reason == "converged"
    assert len(result.history) == result.n_iter > 2
    assert result.history[-1].labels_changed == 0
    assert result.n_nonempty == 7 and result.run == 0
    assert result.inertia == omnimeans.inertia(blobs, *result)
    assert "7 x 5 centroids, 600 labels" in repr(result)
    again = pickle.loads(pickle.dumps(result))
    assert again.history == result.history and again.inertia == result.inertia
    np.testing.assert_array_equal(again.labels, result.labels)


def test_every_exact_backend_gives_the_same_bits(blobs, dtype):
    X = blobs.astype(dtype)
    first = omnimeans.kmeans(X, 9, backend="naive", threads=1)
    for info in omnimeans.backends():
        if not info.exact:
            continue
        for isa in omnimeans.isas():
            result = omnimeans.kmeans(X, 9, backend=info.name, isa=isa, threads=2)
            np.testing.assert_array_equal(result.centroids, first.centroids)
            np.testing.assert_array_equal(result.labels, first.labels)
            assert (result.inertia, result.n_iter, result.backend) == (first.inertia, first.n_iter, info.name)


def test_backends_tell_about_themselves():
    infos = {info.name: info for info in omnimeans.backends()}
    assert infos["naive"].exact and not infos["naive"].threaded
    assert not infos["textbook"].exact
    assert "Elkan 2003" in infos["elkan"].reference


def test_seeds_are_where_the_fit_starts(blobs):
    centroids, indices = omnimeans.kmeans_plusplus(blobs, 7, seed=3)
    assert indices.dtype == np.int64 and len(set(indices)) == 7
    np.testing.assert_array_equal(centroids, blobs[indices])
    from_seeds, from_scratch = omnimeans.kmeans(blobs, 7, init=centroids), omnimeans.kmeans(blobs, 7, seed=3)
    np.testing.assert_array_equal(from_seeds.labels, from_scratch.labels)
    assert from_seeds.inertia == from_scratch.inertia


def test_every_way_to_seed(blobs):
    assert omnimeans.inits()[0] == "k-means++" and "random" in omnimeans.inits()
    for init in omnimeans.inits():
        result = omnimeans.kmeans(blobs, 7, init=init)
        np.testing.assert_array_equal(omnimeans.predict(blobs, result.centroids), result.labels)
        assert result.seed_seconds > 0


def test_zero_weight_means_absent(blobs):
    weights = np.random.default_rng(1).integers(0, 3, size=len(blobs)).astype(float)
    start = blobs[weights > 0][:7]
    weighted = omnimeans.kmeans(blobs, 7, init=start, sample_weight=weights)
    repeated = omnimeans.kmeans(np.repeat(blobs, weights.astype(int), axis=0), 7, init=start)
    np.testing.assert_array_equal(weighted.centroids, repeated.centroids)
    _, indices = omnimeans.kmeans_plusplus(blobs, 300, sample_weight=weights)
    assert (weights[indices] > 0).all()


def test_restarts_keep_the_best(blobs):
    alone = [omnimeans.kmeans(blobs, 7, init=omnimeans.kmeans_plusplus(blobs, 7)[0])]
    best = omnimeans.kmeans(blobs, 7, n_init=8)
    assert best.inertia <= alone[0].inertia and 0 <= best.run < 8


def test_progress_is_told_and_can_cancel(blobs):
    seen = []
    omnimeans.kmeans(blobs, 7, n_init=2, max_iter=5, progress=seen.append)
    assert {(p.run, p.n_init, p.max_iter) for p in seen} == {(0, 2, 5), (1, 2, 5)}
    assert seen[0].iteration.iteration == 0 and seen[0].iteration.labels_changed == len(blobs)

    result = omnimeans.kmeans(blobs, 7, tol=0, progress=lambda p: p.iteration.iteration < 1)
    assert result.stop_reason == "cancelled" and result.n_iter == 2
    np.testing.assert_array_equal(omnimeans.predict(blobs, result.centroids), result.labels)


def test_error_of_the_callback_arrives(blobs):
    def fail(progress):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        omnimeans.kmeans(blobs, 7, progress=fail)


def test_time_limit_ends_the_fit(blobs):
    assert omnimeans.kmeans(blobs, 7, tol=0, time_limit=1e-9).stop_reason == "deadline"
    assert omnimeans.kmeans(blobs, 7, tol=0, time_limit=1e300).stop_reason == "converged"


def test_predict_transform_inertia(blobs, dtype):
    X = blobs.astype(dtype)
    centroids, labels = omnimeans.kmeans(X, 7)
    np.testing.assert_array_equal(omnimeans.predict(X, centroids), labels)
    distances = omnimeans.transform(X, centroids)
    assert distances.shape == (600, 7) and distances.dtype == dtype
    expected = np.sqrt(((X.astype(float)[:, None] - centroids.astype(float)) ** 2).sum(axis=2))
    # The same sums in another order, rounded to the dtype.
    np.testing.assert_allclose(distances, expected, rtol=4 * np.finfo(dtype).eps)
    assert omnimeans.inertia(X, centroids) == omnimeans.inertia(X, centroids, labels)
    halves = omnimeans.inertia(X, centroids, labels, sample_weight=np.full(600, 0.5))
    assert halves == omnimeans.inertia(X, centroids, labels) / 2


def test_types_mix_in_the_wider_one(blobs):
    centroids, _ = omnimeans.kmeans(blobs.astype(np.float32), 7)
    wide = centroids.astype(np.float64)
    np.testing.assert_array_equal(omnimeans.predict(blobs, centroids), omnimeans.predict(blobs, wide))
    assert omnimeans.transform(blobs.astype(np.float32), wide).dtype == np.float64


@pytest.mark.parametrize(
    "options, error, message",
    [
        (dict(n_clusters=601), omnimeans.InvalidArgument, "n_clusters = 601 exceeds n_samples = 600"),
        (dict(n_clusters=0), omnimeans.InvalidArgument, "n_clusters = 0"),
        (dict(n_clusters=-1), omnimeans.InvalidArgument, "n_clusters = -1"),
        (dict(n_clusters=2**64), omnimeans.InvalidArgument, "at most"),
        (dict(n_clusters=2.5), TypeError, "n_clusters = 2.5 is not a whole number"),
        (dict(init="best"), omnimeans.InvalidArgument, "best.*k-means"),
        (dict(init=np.zeros((3, 5))), omnimeans.ShapeMismatch, "3 x 5"),
        (dict(n_init=0), omnimeans.InvalidArgument, "n_init = 0"),
        (dict(max_iter=0), omnimeans.InvalidArgument, "max_iter = 0"),
        (dict(tol=-1.0), omnimeans.InvalidArgument, "tol"),
        (dict(seed=-1), omnimeans.InvalidArgument, "seed = -1"),
        (dict(seed=2**64), omnimeans.InvalidArgument, "seed"),
        (dict(threads=0), omnimeans.InvalidArgument, "threads = 0"),
        (dict(backend="quantum"), omnimeans.UnknownBackend, "quantum"),
        (dict(isa="z80"), omnimeans.UnsupportedIsa, "z80"),
        (dict(empty_clusters="panic"), omnimeans.InvalidArgument, "'relocate', 'keep', 'error'"),
        (dict(time_limit=0), omnimeans.InvalidArgument, "time_limit"),
        (dict(sample_weight=np.ones(3)), omnimeans.ShapeMismatch, "3 values for n_samples = 600"),
        (dict(sample_weight=-np.ones(600)), omnimeans.InvalidArgument, "negative"),
        (dict(backend="elkan", memory_limit=1), omnimeans.MemoryLimitExceeded, "memory_limit"),
    ],
)
def test_bad_options_have_named_errors(blobs, options, error, message):
    with pytest.raises(error, match=message):
        omnimeans.kmeans(blobs, **{"n_clusters": 7, **options})


@pytest.mark.parametrize(
    "X, error, message",
    [
        (np.zeros(5), omnimeans.ShapeMismatch, r"shape \(5,\)"),
        (np.zeros((2, 2, 2)), omnimeans.ShapeMismatch, r"shape \(2, 2, 2\)"),
        (np.zeros((0, 3)), omnimeans.InvalidArgument, "no rows"),
        (np.zeros((3, 0)), omnimeans.InvalidArgument, "no columns"),
        (np.array([[1.0], [np.nan]]), omnimeans.NonFiniteValue, r"X\[1\]\[0\] is NaN"),
        (np.array([[1.0], [-np.inf]]), omnimeans.NonFiniteValue, r"X\[1\]\[0\] is -infinite"),
        (np.zeros((3, 2), dtype=complex), omnimeans.InvalidArgument, "complex128"),
        (np.zeros((3, 2), dtype="datetime64[s]"), omnimeans.InvalidArgument, "datetime64"),
        ([["a", "b"]], omnimeans.InvalidArgument, "dtype <U1"),
    ],
)
def test_bad_samples_have_named_errors(X, error, message):
    with pytest.raises(error, match=message):
        omnimeans.kmeans(X, 1)


def test_errors_are_pythons_own_kinds():
    assert issubclass(omnimeans.InvalidArgument, ValueError)
    assert issubclass(omnimeans.MemoryLimitExceeded, MemoryError)
    for name in ("ShapeMismatch", "NonFiniteValue", "UnknownBackend", "UnsupportedIsa"):
        assert issubclass(getattr(omnimeans, name), omnimeans.InvalidArgument)
    assert issubclass(omnimeans.EmptyCluster, omnimeans.Error)
    with pytest.raises(omnimeans.EmptyCluster, match="cluster 1 "):
        omnimeans.kmeans([[0.0], [1.0], [2.0]], 2, init=[[1.0], [99.0]], empty_clusters="error")
    assert str(pickle.loads(pickle.dumps(omnimeans.ShapeMismatch("x")))) == "x"


def test_labels_are_checked(blobs):
    centroids, labels = omnimeans.kmeans(blobs, 7)
    for bad in (labels + 7, labels - 7, labels + 2**40):
        with pytest.raises(omnimeans.InvalidArgument, match="labels"):
            omnimeans.inertia(blobs, centroids, bad)
    with pytest.raises(TypeError, match="whole numbers"):
        omnimeans.inertia(blobs, centroids, labels.astype(float))
    with pytest.raises(omnimeans.ShapeMismatch, match="labels has 3 values"):
        omnimeans.inertia(blobs, centroids, labels[:3])
