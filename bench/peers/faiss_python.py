# SPDX-License-Identifier: MIT
"""FAISS by its Python package, which is often newer than the distribution's library. Own defaults: 25 iterations of a
sample of 256 points a cluster, from random samples."""

from worker import build, serve  # before the library: it tells of one that is missing

import faiss


class Faiss:
    def __init__(self, task):
        self.task = task
        faiss.omp_set_num_threads(task.threads)

    def given(self, max_iter):
        every = len(self.task.samples)  # points a cluster may have: nothing is left out
        return self._fit(max_iter, self.task.centroids, niter=max_iter, max_points_per_centroid=every, min_points_per_centroid=1)

    def own(self):
        return self._fit(25, None)

    def _fit(self, n_iter, start, **options):
        k, d = self.task.centroids.shape
        model = faiss.Kmeans(d, k, **options)
        model.train(self.task.samples, init_centroids=start)
        most = model.cp.max_points_per_centroid * k
        return model.centroids, n_iter, most if most < len(self.task.samples) else 0


serve(Faiss, faiss.__version__, build(faiss))
