# SPDX-License-Identifier: MIT
# The compiled module, for type checkers.
from typing import Any, Callable, Optional

import numpy as np
import numpy.typing as npt

__version__: str

class Error(Exception): ...
class InvalidArgument(Error, ValueError): ...
class ShapeMismatch(InvalidArgument): ...
class NonFiniteValue(InvalidArgument): ...
class UnknownBackend(InvalidArgument): ...
class UnsupportedIsa(InvalidArgument): ...
class MemoryLimitExceeded(Error, MemoryError): ...
class EmptyCluster(Error): ...

def fit(
    X: npt.NDArray[Any],
    n_clusters: int,
    *,
    initial_centroids: Optional[npt.NDArray[Any]],
    sample_weight: Optional[npt.NDArray[Any]],
    init: str,
    n_init: int,
    max_iter: int,
    tol: float,
    seed: int,
    backend: str,
    threads: int,
    isa: str,
    empty_clusters: str,
    memory_limit: int,
    time_limit: Optional[float],
    progress: Optional[Callable[[int, int, int, dict[str, Any]], Any]],
) -> dict[str, Any]: ...
def seed_centroids(
    X: npt.NDArray[Any],
    n_clusters: int,
    *,
    sample_weight: Optional[npt.NDArray[Any]],
    init: str,
    seed: int,
    threads: int,
    isa: str,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]: ...
def predict(
    X: npt.NDArray[Any], centroids: npt.NDArray[Any], *, threads: int, isa: str
) -> npt.NDArray[np.int32]: ...
def transform(
    X: npt.NDArray[Any], centroids: npt.NDArray[Any], *, threads: int, isa: str
) -> npt.NDArray[Any]: ...
def inertia(
    X: npt.NDArray[Any],
    centroids: npt.NDArray[Any],
    labels: npt.NDArray[np.int32],
    *,
    sample_weight: Optional[npt.NDArray[Any]],
    threads: int,
    isa: str,
) -> float: ...
def backends() -> list[dict[str, Any]]: ...
def isas() -> list[str]: ...
def inits() -> list[str]: ...
