# SPDX-License-Identifier: MIT
"""The functions that users call."""
from __future__ import annotations

from typing import Any, Callable, Optional, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import as_common_rows, as_count, as_rows, as_vector
from ._records import BackendInfo, IterationStats, KMeansResult, Progress

MOST_THREADS = 4096
ProgressCallback = Callable[[Progress], Any]


def _threads(threads: Optional[int]) -> int:
    # The library counts from 0, which stands for "as many as OpenMP would use".
    return 0 if threads is None else as_count(threads, "threads", 1, MOST_THREADS)


def kmeans(
    X: npt.ArrayLike,
    n_clusters: int,
    *,
    init: Union[str, npt.ArrayLike] = "k-means++",
    n_init: int = 1,
    max_iter: int = 300,
    tol: float = 1e-4,
    seed: int = 0,
    sample_weight: Optional[npt.ArrayLike] = None,
    backend: str = "auto",
    threads: Optional[int] = None,
    isa: Optional[str] = None,
    empty_clusters: str = "relocate",
    memory_limit: Optional[int] = None,
    time_limit: Optional[float] = None,
    progress: Optional[ProgressCallback] = None,
) -> KMeansResult:
    """Cluster the rows of X.

    >>> centroids, labels = kmeans(X, 100)

    The same data, options and seed give the same bits with every exact backend, on any number of threads and any
    CPU. The GIL is released; Ctrl-C ends the fit after the pass over the samples at hand, with KeyboardInterrupt.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        float32 and float64 are computed with as they are; other numbers become float64. An array whose rows are
        contiguous is read where it lies, whatever the distance from row to row (a range of columns, say); other
        layouts are copied. Nothing is written to it.
    n_clusters : int
    init : str or array-like of shape (n_clusters, n_features)
        How the first centroids are drawn: a name of `inits()`, 'k-means++' and 'random' among them; or the
        centroids themselves.
    n_init : int
        Runs from different draws; the lowest inertia wins. One run where centroids are given.
    max_iter : int
        Iterations of a run, at most.
    tol : float
        Stop when the centroids' squared shift is at most this share of the mean variance of the features;
        0: only when nothing changes any more.
    seed : int in [0, 2**64)
    sample_weight : array-like of shape (n_samples,), optional
        Not negative; 0 means absent.
    backend : str
        A name of `backends()`, or 'auto': the fastest for the shape of the problem.
    threads : int, optional
        None: as many as OpenMP would use.
    isa : str, optional
        A name of `isas()`. None: the environment's OMNIMEANS_ISA, or the last of them.
    empty_clusters : 'relocate', 'keep' or 'error'
        A cluster without samples moves to a far sample, stays, or raises EmptyCluster.
    memory_limit : int, optional
        Bytes of working memory of the backend. None: half of the machine's.
    time_limit : float, optional
        Seconds after which seeding and iteration end with what they have; looked at after every iteration.
    progress : callable, optional
        Called with a `Progress` after every iteration; return False to end the fit with what it has.

    Returns
    -------
    KMeansResult
        The pair (centroids, labels): ndarrays of shape (n_clusters, n_features), of the dtype computed with,
        and (n_samples,), int32. Its attributes say more: `inertia`, `n_iter`, `stop_reason`, `history`, ...

    Raises
    ------
    InvalidArgument (a ValueError)
        An argument is out of range: also ShapeMismatch, NonFiniteValue, UnknownBackend, UnsupportedIsa.
    MemoryLimitExceeded (a MemoryError)
    EmptyCluster
        With `empty_clusters='error'`.
    """
    samples = as_rows(X)
    dtype = samples.dtype
    told: Optional[Callable[[int, int, int, dict[str, Any]], Any]] = None
    if progress is not None:
        callback = progress

        def told(run: int, runs: int, most: int, stats: dict[str, Any]) -> Any:
            return callback(Progress(run, runs, most, IterationStats(**stats)))

    result = _core.fit(
        samples,
        as_count(n_clusters, "n_clusters", 1),
        initial_centroids=None if isinstance(init, str) else as_rows(init, "init", dtype),
        sample_weight=None if sample_weight is None else as_vector(sample_weight, "sample_weight", dtype),
        init=init if isinstance(init, str) else "k-means++",
        n_init=as_count(n_init, "n_init", 1),
        max_iter=as_count(max_iter, "max_iter", 1),
        tol=float(tol),
        seed=as_count(seed, "seed", 0, 2**64 - 1),
        backend=backend,
        threads=_threads(threads),
        isa=isa or "",
        empty_clusters=empty_clusters,
        memory_limit=0 if memory_limit is None else as_count(memory_limit, "memory_limit", 1),
        time_limit=time_limit,
        progress=told,
    )
    return KMeansResult._of(result)


def kmeans_plusplus(
    X: npt.ArrayLike,
    n_clusters: int,
    *,
    seed: int = 0,
    sample_weight: Optional[npt.ArrayLike] = None,
    threads: Optional[int] = None,
    isa: Optional[str] = None,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Draw n_clusters different samples as first centroids by k-means++ (Arthur & Vassilvitskii 2007).

    Parameters as in `kmeans`, which starts from these centroids if it is given the same seed.

    Returns
    -------
    centroids : ndarray of shape (n_clusters, n_features)
        Copies of samples, of the dtype computed with.
    indices : int64 ndarray of shape (n_clusters,)
        Which samples they are, in the order drawn.
    """
    samples = as_rows(X)
    weights = None if sample_weight is None else as_vector(sample_weight, "sample_weight", samples.dtype)
    return _core.seed_centroids(
        samples,
        as_count(n_clusters, "n_clusters", 1),
        sample_weight=weights,
        init="k-means++",
        seed=as_count(seed, "seed", 0, 2**64 - 1),
        threads=_threads(threads),
        isa=isa or "",
    )


def predict(
    X: npt.ArrayLike, centroids: npt.ArrayLike, *, threads: Optional[int] = None, isa: Optional[str] = None
) -> npt.NDArray[np.int32]:
    """The label of each sample: the nearest centroid, the lowest where several are equally near.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Where X and the centroids are float32 and float64, both are taken as float64.
    centroids : array-like of shape (n_clusters, n_features)
    threads, isa : as in `kmeans`

    Returns
    -------
    int32 ndarray of shape (n_samples,)
    """
    samples, rows = as_common_rows(X, centroids)
    return _core.predict(samples, rows, threads=_threads(threads), isa=isa or "")


def transform(
    X: npt.ArrayLike, centroids: npt.ArrayLike, *, threads: Optional[int] = None, isa: Optional[str] = None
) -> npt.NDArray[Any]:
    """Euclidean distances of the samples to the centroids; parameters as in `predict`.

    Returns
    -------
    ndarray of shape (n_samples, n_clusters), of the dtype computed with
    """
    samples, rows = as_common_rows(X, centroids)
    return _core.transform(samples, rows, threads=_threads(threads), isa=isa or "")


def inertia(
    X: npt.ArrayLike,
    centroids: npt.ArrayLike,
    labels: Optional[npt.ArrayLike] = None,
    *,
    sample_weight: Optional[npt.ArrayLike] = None,
    threads: Optional[int] = None,
    isa: Optional[str] = None,
) -> float:
    """Sum over the samples of weight times squared distance to the centroid of their label.

    Parameters as in `predict`; `labels` of shape (n_samples,), by default those of `predict`.
    """
    samples, rows = as_common_rows(X, centroids)
    count = _threads(threads)
    if labels is None:
        assigned = _core.predict(samples, rows, threads=count, isa=isa or "")
    else:
        assigned = _as_labels(labels)
    weights = None if sample_weight is None else as_vector(sample_weight, "sample_weight", samples.dtype)
    return _core.inertia(samples, rows, assigned, sample_weight=weights, threads=count, isa=isa or "")


def _as_labels(labels: npt.ArrayLike) -> npt.NDArray[np.int32]:
    array = np.asarray(labels)
    if array.dtype.kind not in "iu":
        raise TypeError(f"labels have dtype {array.dtype}; whole numbers are needed")
    if array.size and (array.max() > np.iinfo(np.int32).max or array.min() < 0):
        raise _core.InvalidArgument("labels are not all in [0, n_clusters)")
    return np.ascontiguousarray(array, dtype=np.int32)


def backends() -> list[BackendInfo]:
    """The algorithms that `kmeans` and `KMeans` take by name, besides 'auto'."""
    return [BackendInfo(**info) for info in _core.backends()]


def inits() -> list[str]:
    """The ways to draw first centroids that `kmeans` and `KMeans` take by name, the default first."""
    return _core.inits()


def isas() -> list[str]:
    """The instruction sets that this CPU runs and this build has kernels for, slowest first."""
    return _core.isas()
