# SPDX-License-Identifier: MIT
"""KMeans beyond what scikit-learn checks: parameters, data of all kinds, texts, pipelines, searches."""
import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn.cluster
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import omnimeans

ALGORITHMS = ["auto", "lloyd", *(info.name for info in omnimeans.backends() if info.exact)]


def test_starts_and_stops_as_scikit_learn_does(blobs):
    """From the same centroids both take the same steps; sums differ in their last bits."""
    start = blobs[:7]
    ours = omnimeans.KMeans(7, init=start).fit(blobs)
    theirs = sklearn.cluster.KMeans(7, init=start, n_init=1).fit(blobs)
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-10)
    np.testing.assert_allclose(ours.inertia_, theirs.inertia_, rtol=1e-10)
    np.testing.assert_allclose(ours.transform(blobs), theirs.transform(blobs), rtol=1e-8)
    np.testing.assert_allclose(ours.score(blobs), theirs.score(blobs), rtol=1e-10)


def test_takes_all_parameters_of_scikit_learn():
    assert set(sklearn.cluster.KMeans().get_params()) <= set(omnimeans.KMeans().get_params())


def test_attributes(blobs, dtype):
    X = blobs.astype(dtype)
    model = omnimeans.KMeans(7, random_state=0)
    assert model.fit(X) is model
    assert model.cluster_centers_.shape == (7, 5) and model.cluster_centers_.dtype == dtype
    assert model.labels_.dtype == np.int32 and isinstance(model.inertia_, float) and isinstance(model.n_iter_, int)
    assert model.n_features_in_ == 5 and not hasattr(model, "feature_names_in_")
    assert model.stop_reason_ in ("converged", "tolerance") and model.backend_ in ALGORITHMS
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_array_equal(clone(model).fit_predict(X), model.labels_)
    np.testing.assert_array_equal(clone(model).fit_transform(X), model.transform(X))
    assert model.transform(X).dtype == dtype
    assert model.score(X) == -model.inertia_


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_gives_the_same_bits(blobs, algorithm):
    first = omnimeans.KMeans(9, random_state=1, algorithm="naive").fit(blobs)
    model = omnimeans.KMeans(9, random_state=1, algorithm=algorithm, threads=2).fit(blobs)
    np.testing.assert_array_equal(model.cluster_centers_, first.cluster_centers_)
    np.testing.assert_array_equal(model.labels_, first.labels_)
    assert model.backend_ == {"lloyd": "simd", "auto": model.backend_}.get(algorithm, algorithm)


def test_random_state(blobs):
    fit = lambda state: omnimeans.KMeans(7, random_state=state).fit(blobs).cluster_centers_
    np.testing.assert_array_equal(fit(3), fit(np.int64(3)))
    np.testing.assert_array_equal(fit(np.random.RandomState(3)), fit(np.random.RandomState(3)))
    assert (fit(3) != fit(4)).any()
    shared = np.random.RandomState(3)
    assert (fit(shared) != fit(shared)).any()
    assert fit(None).shape == (7, 5)


def test_n_init(blobs):
    runs = lambda **params: len(set(_runs(blobs, **params)))
    assert runs(n_init=3) == 3
    assert runs(n_init="auto") == 1
    assert runs(n_init="auto", init="random") == 10


def _runs(X, **params):
    """The numbers of the runs that a fit prints."""
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        omnimeans.KMeans(7, verbose=1, random_state=0, **params).fit(X)
    return range(out.getvalue().count("Initialization complete"))


def test_verbose_prints_the_iterations(blobs, capsys):
    model = omnimeans.KMeans(7, verbose=1, random_state=0, tol=0).fit(blobs)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Initialization complete"
    assert lines[1].startswith("Iteration 0, inertia ")
    assert lines[-1] == f"Converged at iteration {model.n_iter_ - 1}: strict convergence."
    assert len(lines) == model.n_iter_ + 2
    omnimeans.KMeans(7, random_state=0).fit(blobs)
    assert capsys.readouterr().out == ""


def test_init_array_and_callable(blobs):
    start = blobs[:7]
    given = omnimeans.KMeans(7, init=start).fit(blobs)
    calls = []

    def init(X, n_clusters, random_state):
        calls.append((X.shape, n_clusters, isinstance(random_state, np.random.RandomState)))
        return start if len(calls) == 2 else X[random_state.permutation(len(X))[:n_clusters]]

    called = omnimeans.KMeans(7, init=init, n_init=4, random_state=0).fit(blobs)
    assert calls == [((600, 5), 7, True)] * 4
    assert called.inertia_ <= given.inertia_
    np.testing.assert_array_equal(omnimeans.KMeans(7, init=start.tolist()).fit(blobs).labels_, given.labels_)
    with pytest.warns(RuntimeWarning, match="Explicit initial center position passed: performing only one init"):
        omnimeans.KMeans(7, init=start, n_init=4).fit(blobs)


def test_lists_fortran_order_integers_frames(blobs):
    whole = np.rint(blobs * 10).astype(int)
    expected = omnimeans.KMeans(7, random_state=0).fit(whole.astype(float))
    frame = pd.DataFrame(whole, columns=list("abcde"))
    for X in (whole, whole.tolist(), np.asfortranarray(whole.astype(float)), frame):
        model = omnimeans.KMeans(7, random_state=0).fit(X)
        np.testing.assert_array_equal(model.labels_, expected.labels_)
        np.testing.assert_array_equal(model.predict(X), expected.labels_)
    assert list(model.feature_names_in_) == list("abcde")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"a": "z"}))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(whole)


def test_read_only_and_memory_mapped(blobs, tmp_path):
    np.save(tmp_path / "X.npy", blobs)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    expected = omnimeans.KMeans(7, random_state=0).fit(blobs)
    model = omnimeans.KMeans(7, random_state=0, copy_x=False).fit(mapped)
    np.testing.assert_array_equal(model.labels_, expected.labels_)
    np.testing.assert_array_equal(model.predict(mapped), expected.labels_)


def test_types_of_fit_and_predict_may_differ(blobs):
    single = blobs.astype(np.float32)
    model = omnimeans.KMeans(7, random_state=0).fit(single)
    np.testing.assert_array_equal(model.predict(single.astype(np.float64)), model.labels_)


@pytest.mark.parametrize(
    "params, message",
    [
        (dict(n_clusters=0), r"The 'n_clusters' parameter of KMeans must be an int in the range \[1, inf\). Got 0"),
        (dict(n_init="often"), "The 'n_init' parameter of KMeans must be a str among {'auto'} or an int"),
        (dict(algorithm="magic"), "The 'algorithm' parameter of KMeans must be a str among {.*'lloyd'.*Got 'magic'"),
        (dict(init="best"), "The 'init' parameter of KMeans must be"),
        (dict(threads=0), "The 'threads' parameter of KMeans must be"),
        (dict(n_clusters=601), r"n_samples=600 should be >= n_clusters=601\."),
        (dict(init=np.ones((3, 5))), r"The shape of the initial centers \(3, 5\) does not match the number of clusters 7"),
        (dict(init=np.ones((7, 4))), r"initial centers \(7, 4\) does not match the number of features of the data 5"),
    ],
)
def test_messages_that_users_of_scikit_learn_know(blobs, params, message):
    with pytest.raises(ValueError, match=message):
        omnimeans.KMeans(**{"n_clusters": 7, **params}).fit(blobs)


def test_more_messages(blobs):
    bad = blobs.copy()
    bad[3, 1] = np.nan
    model = omnimeans.KMeans(7, random_state=0)
    with pytest.raises(NotFittedError, match="This KMeans instance is not fitted yet"):
        model.predict(blobs)
    with pytest.raises(ValueError, match="Input X contains NaN.\nKMeans does not accept missing values"):
        model.fit(bad)
    model.fit(blobs)
    for method in (model.predict, model.transform, model.score):
        with pytest.raises(ValueError, match="Input X contains NaN"):
            method(bad)
        with pytest.raises(ValueError, match="X has 3 features, but KMeans is expecting 5 features as input"):
            method(blobs[:, :3])
    with pytest.raises(ValueError, match="Input X contains infinity"):
        model.predict(blobs * np.inf)
    with pytest.raises(ValueError, match="so large that squared distances overflow"):
        model.predict(np.full((1, 5), 1e200))
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(3,\), expected \(600,\)!"):
        model.fit(blobs, sample_weight=np.ones(3))
    with pytest.raises(ValueError, match="negative"):
        model.fit(blobs, sample_weight=np.full(600, -1.0))
    with pytest.raises(ValueError, match="Reshape your data"):
        model.predict(blobs[0])


def test_warnings_that_users_of_scikit_learn_know(blobs):
    with pytest.warns(ConvergenceWarning, match=r"Number of distinct clusters \(2\) found smaller than n_clusters \(3\)"):
        omnimeans.KMeans(3, random_state=0).fit([[0.0], [0.0], [1.0], [1.0]])
    with pytest.warns(RuntimeWarning, match="doesn't make sense for a single cluster. Using 'lloyd' instead"):
        assert omnimeans.KMeans(1, algorithm="elkan").fit(blobs).backend_ == "simd"


def test_weights(blobs):
    weights = np.random.default_rng(1).integers(0, 3, size=len(blobs))
    start = blobs[weights > 0][:7]
    weighted = omnimeans.KMeans(7, init=start).fit(blobs, sample_weight=weights)
    repeated = omnimeans.KMeans(7, init=start).fit(np.repeat(blobs, weights, axis=0))
    np.testing.assert_array_equal(weighted.cluster_centers_, repeated.cluster_centers_)
    assert weighted.score(blobs, sample_weight=weights) == -weighted.inertia_
    assert weighted.fit(blobs, sample_weight=2.0).inertia_ == 2 * omnimeans.KMeans(7, init=start).fit(blobs).inertia_


def test_set_output_and_names(blobs):
    model = omnimeans.KMeans(3, random_state=0).set_output(transform="pandas")
    frame = model.fit_transform(blobs)
    assert isinstance(frame, pd.DataFrame) and list(frame.columns) == ["kmeans0", "kmeans1", "kmeans2"]
    assert list(model.get_feature_names_out()) == list(frame.columns)


def test_pickle_keeps_all(blobs):
    model = omnimeans.KMeans(7, random_state=0).fit(blobs)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(blobs), model.labels_)
    assert again.get_params() == model.get_params() and repr(again) == repr(model)
    assert repr(model) == "KMeans(n_clusters=7, random_state=0)"


def test_pipeline_and_grid_search(blobs):
    pipeline = make_pipeline(StandardScaler(), omnimeans.KMeans(random_state=0))
    search = GridSearchCV(pipeline, {"kmeans__n_clusters": [2, 7], "kmeans__algorithm": ["auto", "elkan"]}, cv=3)
    search.fit(blobs)
    # More clusters, less inertia; equal algorithms, equal scores: the first of them wins.
    assert search.best_params_ == {"kmeans__algorithm": "auto", "kmeans__n_clusters": 7}
    scores = search.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(scores[:2], scores[2:])
    assert search.best_estimator_.predict(blobs).shape == (600,)
    distances = make_pipeline(StandardScaler(), omnimeans.KMeans(4, random_state=0)).fit_transform(blobs)
    assert distances.shape == (600, 4)
