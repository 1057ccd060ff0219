# SPDX-License-Identifier: MIT
"""What the estimator needs of scikit-learn, 1.2 or later; `_without_sklearn` holds the same names."""
from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite, check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

try:
    from sklearn.utils.validation import validate_data as _validate_data  # 1.6 and later
except ImportError:

    def _validate_data(estimator: Any, X: Any, **options: Any) -> Any:
        return estimator._validate_data(X, **options)


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


class EstimatorBase(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """An estimator that clusters and transforms."""

    def _more_tags(self) -> dict[str, Any]:
        return {
            "preserves_dtype": [np.float64, np.float32],
            "_xfail_checks": {
                "check_sample_weights_invariance": (
                    "which samples are drawn as first centroids depends on the order of the samples, which this "
                    "check changes; scikit-learn's own KMeans is excused from it, too"
                ),
            },
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def validate_samples(estimator: Any, X: Any, reset: bool) -> Any:
    """X as a 2-D array of float32 or float64, in any layout; sets or compares the features' number and names.

    NaN and infinity are left to the library, which looks at every value anyway.
    """
    # The option of `check_array` that would do so has another name from 1.6 on.
    with config_context(assume_finite=True):
        return _validate_data(estimator, X, reset=reset, dtype=[np.float64, np.float32])


def check_finite(X: Any, estimator: Any) -> None:
    """ValueError in scikit-learn's words if there is NaN or infinity in X."""
    with np.errstate(invalid="ignore"):
        assert_all_finite(X, estimator_name=type(estimator).__name__, input_name="X")


def check_init_array(centers: Any, dtype: Any) -> Any:
    return check_array(centers, dtype=dtype, order="C")


def check_sample_weight(sample_weight: Any, X: Any) -> Any:
    return _check_sample_weight(sample_weight, X, dtype=X.dtype)
