# SPDX-License-Identifier: MIT
"""Intel oneDAL by its Python package, scikit-learn-intelex: the estimator of scikit-learn on another engine. Own
defaults: those of scikit-learn."""

import warnings
from importlib.metadata import version

from worker import build, serve  # before the library: it tells of one that is missing

import sklearnex
from sklearnex.cluster import KMeans


class OneDal:
    def __init__(self, task):
        self.task = task

    def given(self, max_iter):
        return self._fit(KMeans(n_clusters=len(self.task.centroids), init=self.task.centroids, n_init=1, max_iter=max_iter,
                                tol=self.task.tol, algorithm="lloyd"))

    def own(self):
        return self._fit(KMeans(n_clusters=len(self.task.centroids), n_init=1, random_state=1))

    def _fit(self, model):
        model.fit(self.task.samples)
        return model.cluster_centers_, model.n_iter_


warnings.simplefilter("ignore")  # of convergence: the iterations are given
serve(OneDal, version("scikit-learn-intelex"), build(sklearnex))
