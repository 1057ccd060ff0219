# SPDX-License-Identifier: MIT
"""Stands in for what the estimator needs of scikit-learn where that is not installed; see `_with_sklearn`.

The same names with the same messages, reduced to what KMeans uses: no pandas output, no metadata routing.
"""
from __future__ import annotations

import inspect
import numbers
from typing import Any

import numpy as np

from ._arrays import as_floats

__all__ = [
    "ConvergenceWarning",
    "EstimatorBase",
    "Interval",
    "StrOptions",
    "check_finite",
    "check_init_array",
    "check_is_fitted",
    "check_random_state",
    "check_sample_weight",
    "validate_samples",
]


class ConvergenceWarning(UserWarning):
    """Fewer distinct clusters than asked for."""


class NotFittedError(ValueError, AttributeError):
    """The estimator was used before it was fitted."""


class InvalidParameterError(ValueError, TypeError):
    """A parameter of the estimator is out of its range."""


class Interval:
    """Numbers of a type from `left` on; None: no bound."""

    def __init__(self, kind: type, left: Any, right: Any, *, closed: str) -> None:
        self.kind, self.left = kind, left
        if right is not None or closed != "left":
            raise NotImplementedError("only [left, inf) is needed here")

    def is_satisfied_by(self, value: Any) -> bool:
        return isinstance(value, self.kind) and value >= self.left

    def __str__(self) -> str:
        what = "an int" if self.kind is numbers.Integral else "a float"
        return f"{what} in the range [{self.left}, inf)"


class StrOptions:
    def __init__(self, options: set[str]) -> None:
        self.options = options

    def is_satisfied_by(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.options

    def __str__(self) -> str:
        return f"a str among {{{', '.join(repr(option) for option in sorted(self.options))}}}"


def _is_random_state(value: Any) -> bool:
    if isinstance(value, numbers.Integral):
        return int(value) in range(2**32)
    return value is None or isinstance(value, np.random.RandomState)


# The constraints that are words in scikit-learn, too: what satisfies them, and how messages call them.
_WORDS: dict[Any, tuple[Any, str]] = {
    "array-like": (lambda v: not isinstance(v, str) and hasattr(v, "__len__"), "an array-like"),
    "boolean": (lambda v: isinstance(v, (bool, np.bool_)), "an instance of 'bool'"),
    "random_state": (_is_random_state, "an int in the range [0, 4294967295], a RandomState or None"),
    "verbose": (lambda v: isinstance(v, numbers.Integral) and int(v) >= 0, "an int in the range [0, inf) or a bool"),
    callable: (callable, "a callable"),
    None: (lambda v: v is None, "None"),
}


def _satisfies(constraint: Any, value: Any) -> bool:
    if isinstance(constraint, (Interval, StrOptions)):
        return constraint.is_satisfied_by(value)
    return bool(_WORDS[constraint][0](value))


def _describe(constraint: Any) -> str:
    return str(constraint) if isinstance(constraint, (Interval, StrOptions)) else _WORDS[constraint][1]


class EstimatorBase:
    """Parameters are the constructor's arguments, kept as attributes of their names."""

    _parameter_constraints: dict[str, list[Any]]

    @classmethod
    def _parameter_names(cls) -> list[str]:
        return sorted(name for name in inspect.signature(cls.__init__).parameters if name != "self")

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name."""
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self, **params: Any) -> Any:
        """Sets parameters by name; returns self."""
        names = self._parameter_names()
        for name, value in params.items():
            if name not in names:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: {names!r}."
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if repr(value) != repr(defaults[name].default)
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def _validate_params(self) -> None:
        for name, constraints in self._parameter_constraints.items():
            value = getattr(self, name)
            if any(_satisfies(constraint, value) for constraint in constraints):
                continue
            words = [_describe(constraint) for constraint in constraints]
            what = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
            raise InvalidParameterError(
                f"The {name!r} parameter of {type(self).__name__} must be {what}. Got {value!r} instead."
            )

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Names of the columns of `transform`: kmeans0, kmeans1, ..."""
        check_is_fitted(self)
        prefix = type(self).__name__.lower()
        return np.asarray([f"{prefix}{i}" for i in range(self._n_features_out)], dtype=object)

    _n_features_out: int
    n_features_in_: int


def check_is_fitted(estimator: Any) -> None:
    if not hasattr(estimator, "cluster_centers_"):
        raise NotFittedError(
            f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments "
            "before using this estimator."
        )


def check_random_state(seed: Any) -> np.random.RandomState:
    return seed if isinstance(seed, np.random.RandomState) else np.random.RandomState(seed)


def validate_samples(estimator: Any, X: Any, reset: bool) -> Any:
    array = as_floats(X, "X", 2)
    rows, cols = array.shape
    for count, what in ((rows, "sample"), (cols, "feature")):
        if count == 0:
            raise ValueError(f"Found array with 0 {what}(s) (shape={array.shape}) while a minimum of 1 is required.")
    if reset:
        estimator.n_features_in_ = cols
    elif cols != estimator.n_features_in_:
        raise ValueError(
            f"X has {cols} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input."
        )
    return array


def check_finite(X: Any, estimator: Any) -> None:
    if np.isnan(X).any():
        raise ValueError("Input X contains NaN.")
    if np.isinf(X).any():
        raise ValueError(f"Input X contains infinity or a value too large for {X.dtype!r}.")


def check_init_array(centers: Any, dtype: Any) -> Any:
    return as_floats(centers, "init", 2, dtype)


def check_sample_weight(sample_weight: Any, X: Any) -> Any:
    if isinstance(sample_weight, numbers.Number):
        return np.full(X.shape[0], sample_weight, dtype=X.dtype)
    weights = np.asarray(sample_weight)
    if weights.ndim != 1:
        raise ValueError("Sample weights must be 1D array or scalar")
    if weights.shape != (X.shape[0],):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(X.shape[0],)}!")
    return as_floats(weights, "sample_weight", 1, X.dtype)
