# SPDX-License-Identifier: MIT
"""K-means: many exact algorithms behind one interface, all returning the same bits.

>>> import numpy, omnimeans
>>> X = numpy.random.default_rng(0).normal(size=(1000, 8))
>>> centroids, labels = omnimeans.kmeans(X, 10)

`KMeans` is a scikit-learn estimator around the same functions; scikit-learn itself is not needed.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._api import backends, inertia, inits, isas, kmeans, kmeans_plusplus, predict, transform
from ._core import (
    EmptyCluster,
    Error,
    InvalidArgument,
    MemoryLimitExceeded,
    NonFiniteValue,
    ShapeMismatch,
    UnknownBackend,
    UnsupportedIsa,
    __version__,
)
from ._records import BackendInfo, IterationStats, KMeansResult, Progress

if TYPE_CHECKING:
    from ._kmeans import KMeans

__all__ = [
    "BackendInfo",
    "EmptyCluster",
    "Error",
    "InvalidArgument",
    "IterationStats",
    "KMeans",
    "KMeansResult",
    "MemoryLimitExceeded",
    "NonFiniteValue",
    "Progress",
    "ShapeMismatch",
    "UnknownBackend",
    "UnsupportedIsa",
    "__version__",
    "backends",
    "inertia",
    "inits",
    "isas",
    "kmeans",
    "kmeans_plusplus",
    "predict",
    "transform",
]


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to import: only who asks for the estimator waits for it.
    if name == "KMeans":
        from ._kmeans import KMeans

        globals()["KMeans"] = KMeans
        return KMeans
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
