# SPDX-License-Identifier: MIT
"""mlpack by its Python package: Lloyd's algorithm (naive), in double. Own defaults: random samples, up to 1000
iterations."""

from importlib.metadata import version

from worker import build, serve  # before the library: it tells of one that is missing

import mlpack
import numpy


class Mlpack:
    def __init__(self, task):
        self.k = len(task.centroids)
        self.samples = task.samples.astype(numpy.float64)
        self.centroids = task.centroids.astype(numpy.float64)

    def given(self, max_iter):
        found = mlpack.kmeans(clusters=self.k, input_=self.samples, initial_centroids=self.centroids, max_iterations=max_iter)
        return found["centroid"], -1

    def own(self):
        return mlpack.kmeans(clusters=self.k, input_=self.samples)["centroid"], -1


serve(Mlpack, version("mlpack"), build(mlpack), "float64")
