# SPDX-License-Identifier: MIT
"""Which arrays are read where they lie, and that all others give the same result."""
import numpy as np
import pytest

import omnimeans
from omnimeans import _core
from omnimeans._arrays import as_rows


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a,
        lambda a: a[::2],
        lambda a: a[:, 1:4],
        lambda a: a[5:50:3, :2],
        lambda a: a[:1],
        lambda a: a[::2, :1],
        lambda a: a[:, 2:3],
        lambda a: a[:1].T[:0],
        lambda a: np.asfortranarray(a[:1]),
    ],
)
def test_contiguous_rows_are_read_in_place(blobs, dtype, view):
    X = view(blobs.astype(dtype))
    assert as_rows(X) is X


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::-1],
        lambda a: a[:, ::-1],
        lambda a: a[:, ::2],
        lambda a: np.asfortranarray(a),
        lambda a: a.astype(a.dtype.newbyteorder()),
        lambda a: np.broadcast_to(a[:1], (50, 5)),
        lambda a: np.lib.stride_tricks.sliding_window_view(a.ravel(), 4),
        lambda a: np.frombuffer(b"x" + a.tobytes(), dtype=np.uint8)[1:].view(a.dtype).reshape(a.shape),
        lambda a: a.tolist(),
        lambda a: a.astype(object),
    ],
)
def test_other_layouts_give_the_same_result(blobs, dtype, view):
    X = view(blobs[:100].astype(dtype))
    plain = np.array(X, dtype=dtype if isinstance(X, np.ndarray) and X.dtype.kind == "f" else np.float64, order="C")
    result, expected = omnimeans.kmeans(X, 1), omnimeans.kmeans(plain, 1)
    assert result.centroids.dtype == plain.dtype
    np.testing.assert_array_equal(result.centroids, expected.centroids)
    assert result.inertia == expected.inertia


def test_strided_rows_give_the_same_bits(blobs, dtype):
    wide = np.full((600, 11), np.nan, dtype=dtype)
    wide[:, 3:8] = blobs
    result, expected = omnimeans.kmeans(wide[:, 3:8], 7), omnimeans.kmeans(wide[:, 3:8].copy(), 7)
    np.testing.assert_array_equal(result.labels, expected.labels)
    np.testing.assert_array_equal(result.centroids, expected.centroids)
    np.testing.assert_array_equal(omnimeans.predict(wide[:, 3:8], result.centroids), expected.labels)
    np.testing.assert_array_equal(
        omnimeans.transform(wide[:, 3:8], result.centroids), omnimeans.transform(blobs.astype(dtype), result.centroids)
    )


@pytest.mark.parametrize("kind", ["int8", "uint16", "int64", "bool", "float16", "longdouble"])
def test_other_numbers_become_float64(kind):
    X = np.random.default_rng(0).integers(0, 2, size=(40, 3)).astype(kind)
    result, expected = omnimeans.kmeans(X, 3), omnimeans.kmeans(X.astype(np.float64), 3)
    assert result.centroids.dtype == np.float64
    np.testing.assert_array_equal(result.labels, expected.labels)


def test_read_only_and_memory_mapped(blobs, dtype, tmp_path):
    X = blobs.astype(dtype)
    expected = omnimeans.kmeans(X, 7)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert np.shares_memory(as_rows(mapped), mapped)
    X.setflags(write=False)
    for samples in (X, mapped):
        np.testing.assert_array_equal(omnimeans.kmeans(samples, 7).labels, expected.labels)


def test_results_live_on_their_own(blobs):
    centroids, labels = omnimeans.kmeans(blobs, 7)
    assert centroids.flags.writeable and labels.flags.writeable and centroids.flags.c_contiguous
    kept = centroids[0]
    copy = kept.copy()
    del centroids, labels
    omnimeans.kmeans(blobs, 7, seed=1)
    np.testing.assert_array_equal(kept, copy)


def test_the_module_itself_refuses_what_it_cannot_read(blobs):
    options = dict(threads=1, isa="")
    centroids = blobs[:3].copy()
    misaligned = np.frombuffer(b"x" * 33, dtype=np.uint8)[1:].view(np.float64).reshape(2, 2)
    bad = {
        "dtype": blobs.astype(np.int32),
        "dimensions": blobs[0],
        "not contiguous": np.asfortranarray(blobs),
        "not aligned": misaligned,
    }
    for message, X in bad.items():
        with pytest.raises(TypeError, match=message):
            _core.predict(X, centroids, **options)
    with pytest.raises(TypeError, match="centroids has dtype float32; float64"):
        _core.predict(blobs, centroids.astype(np.float32), **options)
    with pytest.raises(TypeError, match="labels is not contiguous"):
        _core.inertia(blobs, centroids, np.zeros(1200, np.int32)[::2], sample_weight=None, **options)
