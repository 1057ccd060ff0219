# SPDX-License-Identifier: MIT
"""scikit-learn: KMeans with algorithm="lloyd" or "elkan", MiniBatchKMeans (argv[2]: lloyd, elkan or minibatch). Own
defaults: k-means++, tol 1e-4, 300 iterations (MiniBatchKMeans: 100 passes, an early stop of its own); one start."""

import sys
import warnings

from worker import build, serve  # before the library: it tells of one that is missing

import sklearn
from sklearn.cluster import KMeans, MiniBatchKMeans


class ScikitLearn:
    def __init__(self, task):
        self.task = task

    def make(self, **options):
        return KMeans(n_clusters=len(self.task.centroids), n_init=1, algorithm=sys.argv[2], random_state=1, **options)

    def given(self, max_iter):
        return self._fit(self.make(init=self.task.centroids, max_iter=max_iter, tol=self.task.tol))

    def own(self):
        return self._fit(self.make())

    def _fit(self, model):
        model.fit(self.task.samples)
        return model.cluster_centers_, model.n_iter_


class MiniBatch(ScikitLearn):
    def make(self, **options):
        if "init" in options:  # all the passes that were asked for
            options["max_no_improvement"] = None
        return MiniBatchKMeans(n_clusters=len(self.task.centroids), n_init=1, random_state=1, **options)


warnings.simplefilter("ignore")  # of convergence: the iterations are given
if sys.argv[2] == "minibatch":
    serve(MiniBatch, sklearn.__version__, build(sklearn), "approximate")
else:
    serve(ScikitLearn, sklearn.__version__, build(sklearn))
