# SPDX-License-Identifier: MIT
"""What the functions return and report."""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class BackendInfo(NamedTuple):
    """One algorithm for the assignment step; see `backends()`."""

    name: str
    exact: bool  #: returns the canonical labels; False: may differ by rounding, and "auto" never picks it
    vectorised: bool
    threaded: bool
    memory: str  #: working memory, e.g. "n*k + k*k values"
    use_when: str
    avoid_when: str
    reference: str


class IterationStats(NamedTuple):
    """One iteration: the assignment step, then the update step."""

    iteration: int  #: 0 for the first
    inertia_bound: float  #: upper bound of the inertia with the centroids before the update step
    inertia_is_exact: bool  #: that bound is the inertia, up to the rounding of the sum
    labels_changed: int
    empty_clusters: int
    centroid_shift: float  #: sum of the squared distances that the centroids moved
    distances_computed: int
    reranked: int  #: samples that the fast kernel could not prove and the canonical rule decided
    assignment_seconds: float
    update_seconds: float
    backend: str  #: "seeding" where the labels came with the first centroids
    reason: str  #: why "auto" took it, in the iteration where it did; else empty


class Progress(NamedTuple):
    """What a progress callback is told after every iteration."""

    run: int  #: from 0
    n_init: int
    max_iter: int
    iteration: IterationStats


class _CentroidsAndLabels(NamedTuple):
    centroids: npt.NDArray[Any]
    labels: npt.NDArray[np.int32]


class KMeansResult(_CentroidsAndLabels):
    """The pair `(centroids, labels)`, with more attributes.

    centroids : ndarray of shape (n_clusters, n_features), of the dtype of the samples
    labels : int32 ndarray of shape (n_samples,), always equal to `predict(X, centroids)`
    inertia : sum over the samples of weight times squared distance to the centroid of their label
    n_iter : iterations of the best run
    stop_reason : "converged", "tolerance", "max_iter", "deadline" or "cancelled"
    n_nonempty : clusters that own a sample; fewer than n_clusters where samples repeat too often
    run : which of the n_init runs this is, from 0
    history : one IterationStats for each iteration of this run
    backend, isa, threads : what ran
    distances_computed, reranked, backend_bytes, fit_seconds : what the iterations cost
    seed_distances_computed, seed_passes, seed_seconds : what the first centroids cost
    """

    inertia: float
    n_iter: int
    stop_reason: str
    n_nonempty: int
    run: int
    history: list[IterationStats]
    backend: str
    isa: str
    threads: int
    distances_computed: int
    reranked: int
    backend_bytes: int
    seed_distances_computed: int
    seed_passes: int
    seed_seconds: float
    fit_seconds: float

    @classmethod
    def _of(cls, result: dict[str, Any]) -> KMeansResult:
        """From the dict that the compiled module returns."""
        rest = dict(result)
        self = cls(rest.pop("centroids"), rest.pop("labels"))
        rest["history"] = [IterationStats(**stats) for stats in rest["history"]]
        self.__dict__.update(rest)
        return self

    def __repr__(self) -> str:
        k, d = self.centroids.shape
        return (
            f"<KMeansResult: {k} x {d} centroids, {len(self.labels)} labels, inertia={self.inertia!r}, "
            f"n_iter={self.n_iter}, stop_reason={self.stop_reason!r}>"
        )
