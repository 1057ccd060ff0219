# SPDX-License-Identifier: MIT
"""The package, its estimator included, where scikit-learn is not installed; and no slow import where it is."""

BLOCK = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("sklearn", "pandas", "scipy", "joblib"):
            raise ImportError(f"{name} is not installed")

sys.meta_path.insert(0, Block())
"""

FIT = """
import numpy as np
import omnimeans

X = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
model = omnimeans.KMeans(5, random_state=3, n_init=2).fit(X)
weights = np.arange(300)
parts = [model.cluster_centers_, model.labels_, model.transform(X), model.fit_transform(X), model.predict(X.tolist())]
parts += [model.fit_predict(X, sample_weight=weights), model.get_feature_names_out().astype("U")]
parts += [np.array([model.inertia_, model.score(X), model.score(X, sample_weight=2.0)])]
print(repr(model), model.get_params())
for part in parts:
    print(part.shape, part.dtype, part.tobytes().hex())
"""


def test_the_estimator_does_the_same_without(run_python):
    assert run_python(BLOCK + FIT) == run_python(FIT)


def test_errors_without(run_python):
    out = run_python(
        BLOCK
        + """
import pickle, warnings
import numpy as np
import omnimeans

warnings.simplefilter("error")
X = np.random.default_rng(0).normal(size=(30, 4))
KMeans = omnimeans.KMeans

def say(function):
    try:
        function()
    except Exception as e:
        print(f"{type(e).__name__}: {e}")

say(lambda: KMeans().predict(X))
say(lambda: KMeans(0).fit(X))
say(lambda: KMeans(algorithm="magic").fit(X))
say(lambda: KMeans(random_state="x").fit(X))
say(lambda: KMeans(n_init=0).fit(X))
say(lambda: KMeans(31).fit(X))
say(lambda: KMeans().fit(X * np.nan))
say(lambda: KMeans().fit(X * np.inf))
say(lambda: KMeans().fit(X[:0]))
say(lambda: KMeans().fit(X).predict(X[:, :2]))
say(lambda: KMeans().fit(X, sample_weight=X))
say(lambda: KMeans().fit(X, sample_weight=[1, 2]))
say(lambda: KMeans().set_params(k=3))
say(lambda: KMeans(2).fit([[0.0], [0.0]]))
model = pickle.loads(pickle.dumps(KMeans(init=X[:3].tolist(), n_clusters=3).fit(X)))
print(model.predict(X[:3]), KMeans(3, init=lambda X, k, random_state: X[:k]).fit(X).n_iter_ > 0)
"""
    ).splitlines()
    words = [
        "NotFittedError: This KMeans instance is not fitted yet",
        "InvalidParameterError: The 'n_clusters' parameter of KMeans must be an int in the range [1, inf). Got 0",
        "InvalidParameterError: The 'algorithm' parameter of KMeans must be a str among {'annulus', 'auto'",
        "InvalidParameterError: The 'random_state' parameter of KMeans must be",
        "InvalidParameterError: The 'n_init' parameter of KMeans must be a str among {'auto'} or an int in the range",
        "ValueError: n_samples=30 should be >= n_clusters=31.",
        "ValueError: Input X contains NaN",
        "ValueError: Input X contains infinity",
        "ValueError: Found array with 0 sample(s) (shape=(0, 4)) while a minimum of 1 is required.",
        "ValueError: X has 2 features, but KMeans is expecting 4 features as input.",
        "ValueError: Sample weights must be 1D array or scalar",
        "ValueError: sample_weight.shape == (2,), expected (30,)!",
        "ValueError: Invalid parameter 'k' for estimator KMeans(). Valid parameters are: ['algorithm', 'copy_x'",
        "ConvergenceWarning: Number of distinct clusters (1) found smaller than n_clusters (2).",
        "[0 1 2] True",
    ]
    assert len(out) == len(words)
    for line, start in zip(out, words):
        assert line.startswith(start)


def test_sklearn_is_imported_only_for_the_estimator(run_python):
    out = run_python(
        """
import sys
import omnimeans
omnimeans.kmeans([[0.0], [1.0]], 2)
print("sklearn" in sys.modules, "KMeans" in dir(omnimeans))
omnimeans.KMeans
print("sklearn" in sys.modules)
"""
    )
    assert out == "False True\nTrue\n"
