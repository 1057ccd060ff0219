# SPDX-License-Identifier: MIT
"""Brings arguments into the type and layout that the compiled module reads; copies only what is not there yet."""
from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from ._core import InvalidArgument, ShapeMismatch

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def as_floats(values: npt.ArrayLike, name: str, ndim: int, dtype: npt.DTypeLike = None) -> npt.NDArray[Any]:
    """An aligned float32 or float64 array in native byte order; `values` itself if it is one.

    float32 and float64 stay what they are unless `dtype` is given; all other numbers become float64.
    """
    array = np.asarray(values)
    if array.ndim != ndim:
        raise ShapeMismatch(f"{name} has shape {array.shape}; {ndim} dimension{'s' * (ndim > 1)} are needed")
    if dtype is None:
        native = array.dtype.newbyteorder("=")
        dtype = native if native in FLOATS else np.float64
    if array.dtype.kind not in "biufO":
        raise InvalidArgument(f"{name} has dtype {array.dtype}; real numbers are needed")
    if array.dtype != dtype or not array.flags.aligned:
        array = array.astype(dtype)
    return array


def as_rows(values: npt.ArrayLike, name: str = "X", dtype: npt.DTypeLike = None) -> npt.NDArray[Any]:
    """A matrix (2-D) whose rows are contiguous, with any distance from row to row; `values` itself if it is one."""
    array = as_floats(values, name, 2, dtype)
    rows, cols = array.shape
    item = array.itemsize
    row_stride, col_stride = array.strides
    in_place = (cols <= 1 or col_stride == item) and (
        rows <= 1 or (row_stride >= cols * item and row_stride % item == 0)
    )
    return array if in_place else np.ascontiguousarray(array)


def as_vector(values: npt.ArrayLike, name: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """A contiguous vector (1-D) of that type; `values` itself if it is one."""
    return np.ascontiguousarray(as_floats(values, name, 1, dtype))


def as_common_rows(
    X: npt.ArrayLike, centroids: npt.ArrayLike
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Both as rows of one type: the wider of the two, which holds the values of the other exactly."""
    samples, rows = as_rows(X), as_rows(centroids, "centroids")
    dtype = np.result_type(samples, rows)
    return as_rows(samples, "X", dtype), as_rows(rows, "centroids", dtype)


def as_count(value: Any, name: str, least: int = 0, most: int = 2**63 - 1) -> int:
    """A whole number in [least, most]; TypeError if it is not one, InvalidArgument if it is out of range."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} = {value!r} is not a whole number") from None
    if number < least:
        raise InvalidArgument(f"{name} = {number}; at least {least} is needed")
    if number > most:
        raise InvalidArgument(f"{name} = {number}; at most {most} is possible")
    return number
