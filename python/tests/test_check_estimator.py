# SPDX-License-Identifier: MIT
"""scikit-learn's own checks of what an estimator must do."""
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import SkipTestWarning
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator

import omnimeans


@pytest.mark.parametrize("algorithm", ["auto", "lloyd", "elkan", "hamerly"])
def test_check_estimator(algorithm):
    with warnings.catch_warnings():
        # Some of the checks ask for more clusters than their data have samples that differ.
        warnings.filterwarnings("ignore", category=UserWarning, message="Number of distinct clusters")
        warnings.filterwarnings("ignore", category=RuntimeWarning, message="algorithm='elkan' doesn't make sense")
        warnings.filterwarnings("ignore", category=SkipTestWarning, message=".*check_sample_weights_invariance")
        check_estimator(omnimeans.KMeans(algorithm=algorithm))


@pytest.mark.filterwarnings("ignore:X .* feature names")
def test_checks_that_are_not_in_the_list():
    name, estimator = "KMeans", omnimeans.KMeans(n_clusters=2)
    estimator_checks.check_param_validation(name, estimator)
    estimator_checks.check_set_output_transform(name, estimator)
    estimator_checks.check_set_output_transform_pandas(name, estimator)
    estimator_checks.check_dataframe_column_names_consistency(name, estimator)
    estimator_checks.check_get_feature_names_out_error(name, estimator)
    estimator_checks.check_transformer_get_feature_names_out(name, estimator)
    estimator_checks.check_transformer_get_feature_names_out_pandas(name, estimator)


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_weights_of_one_are_no_weights():
    """Half of check_sample_weights_invariance; the other half mixes up the samples and with them the draws."""
    estimator_checks.check_sample_weights_invariance("KMeans", omnimeans.KMeans(), kind="ones")


def test_weights_of_zero_are_no_samples(blobs):
    """That other half, from given centroids: absent samples in any order change nothing."""
    rng = np.random.default_rng(0)
    weights = np.r_[np.ones(len(blobs)), np.zeros(200)]
    order = rng.permutation(len(weights))
    mixed = np.vstack([blobs, rng.normal(size=(200, 5))])[order]
    estimator = omnimeans.KMeans(4, init=blobs[:4], tol=0)
    alone = clone(estimator).fit(blobs)
    among = clone(estimator).fit(mixed, sample_weight=weights[order])
    np.testing.assert_array_equal(among.cluster_centers_, alone.cluster_centers_)
    np.testing.assert_array_equal(among.predict(blobs), alone.labels_)
