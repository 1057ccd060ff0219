# SPDX-License-Identifier: MIT
"""Clusters points of the plane and draws them, with the regions of the centroids and how the fit went.

Usage: plot_clusters.py [PICTURE.png]
"""
import sys

import matplotlib

matplotlib.use("Agg")  # draws into a file, needs no screen
import matplotlib.pyplot as plt
import numpy as np

import omnimeans

# Points around seven places, some of them close to each other.
rng = np.random.default_rng(0)
places = rng.uniform(-6, 6, size=(7, 2))
points = places[rng.integers(7, size=3000)] + rng.normal(size=(3000, 2))

# The one line that this is about.
centroids, labels = omnimeans.kmeans(points, 7, n_init=10)

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")

# Which centroid would own each place of a grid: the same function labels new points.
low, high = points.min(axis=0), points.max(axis=0)
x, y = np.meshgrid(np.linspace(low[0], high[0], 400), np.linspace(low[1], high[1], 400))
regions = omnimeans.predict(np.column_stack([x.ravel(), y.ravel()]), centroids).reshape(x.shape)
left.pcolormesh(x, y, regions, cmap="Pastel1", shading="nearest")
left.scatter(*points.T, c=labels, cmap="Set1", s=4)
left.scatter(*centroids.T, c="black", marker="X", s=80)
left.set_title("3000 points, 7 clusters")

# More clusters, less inertia; the bend tells how many groups there are.
counts = range(1, 16)
inertias = [omnimeans.kmeans(points, k, n_init=10).inertia for k in counts]
right.plot(counts, inertias, marker="o")
right.set_xlabel("clusters")
right.set_yscale("log")
right.set_ylabel("inertia")
right.set_title("How many clusters?")

picture = sys.argv[1] if len(sys.argv) > 1 else "clusters.png"
figure.savefig(picture, dpi=100)
print(f"{picture}: inertia {inertias[6]:.1f} with 7 clusters")
