# SPDX-License-Identifier: MIT
"""The estimator. With scikit-learn it is one of its estimators; without, it does the same on its own."""
from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, Callable, Optional

import numpy as np

from . import _api, _core
from ._records import KMeansResult, Progress

try:
    from . import _with_sklearn as _base
except ImportError:
    from . import _without_sklearn as _base  # type: ignore[no-redef]

_STOPPED = {
    "converged": "Converged at iteration {}: strict convergence.",
    "tolerance": "Converged at iteration {}: center shift within tolerance.",
    "max_iter": "Stopped at iteration {}: max_iter.",
}


class KMeans(_base.EstimatorBase):
    """K-means clustering with the interface of scikit-learn's KMeans.

    The same data, parameters and random_state give the same bits for every exact algorithm, on any number of threads
    and any CPU; an int random_state gives those of `omnimeans.kmeans(X, n_clusters, seed=random_state)`.

    Parameters
    ----------
    n_clusters : int, default=8
    init : str, callable or array-like of shape (n_clusters, n_features), default='k-means++'
        How the first centroids are drawn: a name of `omnimeans.inits()`, 'random' for one; or the centroids
        themselves. A callable is called with X, n_clusters and
        random_state, and returns them.
    n_init : 'auto' or int, default='auto'
        Runs from different draws, of which the one of lowest inertia is kept. 'auto': 10 if init is 'random' or a
        callable, else 1.
    max_iter : int, default=300
    tol : float, default=1e-4
        Stop when the centroids' squared shift is at most this share of the mean variance of the features;
        0: only when nothing changes any more.
    verbose : int, default=0
        Print the iterations.
    random_state : int, RandomState instance or None, default=None
    copy_x : bool, default=True
        Without effect, for compatibility: X is only read.
    algorithm : str, default='auto'
        'auto' (the fastest for the shape of the problem), 'lloyd' (the dense kernel: every distance in every
        iteration), or a name of `omnimeans.backends()`, 'elkan' for one.
    threads : int or None, default=None
        None: as many as OpenMP would use.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        float32 if X is, else float64.
    labels_ : int32 ndarray of shape (n_samples,)
        Always equal to `predict(X)`.
    inertia_ : float
        Sum over the samples of weight times squared distance to their centroid.
    n_iter_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where X has names for its columns, all strings.
    stop_reason_ : 'converged', 'tolerance' or 'max_iter'
    backend_ : str
        The name of the algorithm that ran; with 'auto' the last one.
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "n_clusters": [_base.Interval(Integral, 1, None, closed="left")],
        "init": [_base.StrOptions(set(_core.inits())), callable, "array-like"],
        "n_init": [_base.StrOptions({"auto"}), _base.Interval(Integral, 1, None, closed="left")],
        "max_iter": [_base.Interval(Integral, 1, None, closed="left")],
        "tol": [_base.Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "copy_x": ["boolean"],
        "algorithm": [_base.StrOptions({"auto", "lloyd"} | {info.name for info in _api.backends()})],
        "threads": [_base.Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Any = "k-means++",
        n_init: Any = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        verbose: int = 0,
        random_state: Any = None,
        copy_x: bool = True,
        algorithm: str = "auto",
        threads: Optional[int] = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm
        self.threads = threads

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> KMeans:
        """Compute the centroids.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            float32 and float64 arrays whose rows are contiguous are read where they lie.
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None
            Not negative; 0 means absent. None: all ones.
        """
        self._validate_params()
        X = _base.validate_samples(self, X, reset=True)
        if X.shape[0] < self.n_clusters:
            raise ValueError(f"n_samples={X.shape[0]} should be >= n_clusters={self.n_clusters}.")
        if sample_weight is not None:
            sample_weight = _base.check_sample_weight(sample_weight, X)
            if (sample_weight == 1).all():
                sample_weight = None  # the library's draws by weight are others than those without
        try:
            result = self._best_run(X, sample_weight)
        except _core.NonFiniteValue:
            _base.check_finite(X, self)
            raise

        if result.n_nonempty < self.n_clusters:
            warnings.warn(
                f"Number of distinct clusters ({result.n_nonempty}) found smaller than n_clusters "
                f"({self.n_clusters}). Possibly due to duplicate points in X.",
                _base.ConvergenceWarning,
                stacklevel=2,
            )
        self.cluster_centers_ = result.centroids
        self._n_features_out = self.n_clusters
        self.labels_ = result.labels
        self.inertia_ = result.inertia
        self.n_iter_ = result.n_iter
        self.stop_reason_ = result.stop_reason
        self.backend_ = result.backend
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """`fit(X)`, then the labels: an int32 ndarray of shape (n_samples,)."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """`fit(X)`, then `transform(X)`."""
        self.fit(X, sample_weight=sample_weight)
        return self._transform(_base.validate_samples(self, X, reset=False))

    def predict(self, X: Any) -> Any:
        """The nearest centroid of each row of X: an int32 ndarray of shape (n_samples,)."""
        return self._with_finite(self._samples(X), _api.predict)

    def transform(self, X: Any) -> Any:
        """Distances of the rows of X to the centroids: an ndarray of shape (n_samples, n_clusters)."""
        return self._transform(self._samples(X))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """The inertia of X with the fitted centroids, negative: greater is better."""
        X = self._samples(X)
        if sample_weight is not None:
            sample_weight = _base.check_sample_weight(sample_weight, X)
        return -float(self._with_finite(X, _api.inertia, sample_weight=sample_weight))

    def _samples(self, X: Any) -> Any:
        _base.check_is_fitted(self)
        return _base.validate_samples(self, X, reset=False)

    def _transform(self, X: Any) -> Any:
        return self._with_finite(X, _api.transform)

    def _with_finite(self, X: Any, function: Callable[..., Any], **options: Any) -> Any:
        try:
            return function(X, self.cluster_centers_, threads=self.threads, **options)
        except _core.NonFiniteValue:
            _base.check_finite(X, self)
            raise

    def _best_run(self, X: Any, sample_weight: Any) -> KMeansResult:
        random_state = _base.check_random_state(self.random_state)
        init = self.init
        if isinstance(init, str):
            if isinstance(self.random_state, Integral):
                seed = int(self.random_state)
            else:
                seed = int(random_state.randint(np.iinfo(np.int32).max))
            runs = self._runs(10 if init == "random" else 1)
            return self._run(X, sample_weight, init, n_init=runs, seed=seed)

        if callable(init):
            best: Optional[KMeansResult] = None
            for run in range(self._runs(10)):
                centers = self._centers(init(X, self.n_clusters, random_state=random_state), X)
                result = self._run(X, sample_weight, centers)
                if best is None or result.inertia < best.inertia:
                    result.run = run
                    best = result
            assert best is not None
            return best

        centers = self._centers(init, X)
        if self._runs(1) != 1:
            warnings.warn(
                "Explicit initial center position passed: performing only one init in "
                f"{type(self).__name__} instead of n_init={self.n_init}.",
                RuntimeWarning,
                stacklevel=3,
            )
        return self._run(X, sample_weight, centers)

    def _runs(self, auto: int) -> int:
        return auto if isinstance(self.n_init, str) else int(self.n_init)

    def _centers(self, init: Any, X: Any) -> Any:
        centers = _base.check_init_array(init, X.dtype)
        if centers.shape[0] != self.n_clusters:
            raise ValueError(
                f"The shape of the initial centers {centers.shape} does not match the number of clusters "
                f"{self.n_clusters}."
            )
        if centers.shape[1] != X.shape[1]:
            raise ValueError(
                f"The shape of the initial centers {centers.shape} does not match the number of features of the "
                f"data {X.shape[1]}."
            )
        return centers

    def _run(self, X: Any, sample_weight: Any, init: Any, n_init: int = 1, seed: int = 0) -> KMeansResult:
        result = _api.kmeans(
            X,
            int(self.n_clusters),
            init=init,
            n_init=n_init,
            max_iter=int(self.max_iter),
            tol=float(self.tol),
            seed=seed,
            sample_weight=sample_weight,
            backend=self._backend(),
            threads=self.threads,
            progress=_print_progress if self.verbose else None,
        )
        if self.verbose:
            print(_STOPPED[result.stop_reason].format(result.n_iter - 1))
        return result

    def _backend(self) -> str:
        if self.algorithm == "elkan" and self.n_clusters == 1:
            warnings.warn(
                "algorithm='elkan' doesn't make sense for a single cluster. Using 'lloyd' instead.",
                RuntimeWarning,
                stacklevel=5,
            )
            return "simd"
        return "simd" if self.algorithm == "lloyd" else self.algorithm


def _print_progress(progress: Progress) -> None:
    stats = progress.iteration
    if stats.iteration == 0:
        print("Initialization complete")
    bound = "" if stats.inertia_is_exact else "at most "
    print(f"Iteration {stats.iteration}, inertia {bound}{stats.inertia_bound}.")
