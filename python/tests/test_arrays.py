"""NumPy arrays at the border: what is taken, what is refused and how the message reads."""

import numpy as np
import pytest

import bursar
from bursar import allocate


def test_lists_tuples_and_arrays_give_the_same():
    for weights in ([41.0, 33, 26], (41, 33, 26), np.array([41.0, 33.0, 26.0])):
        units = allocate.apportion(weights, 10)
        assert units.dtype == np.int64 and units.tolist() == [4, 3, 3]


@pytest.mark.parametrize(("weights", "kind", "says"), [
    (np.array([1, 2], dtype=np.int32), TypeError, r"weights: must be an array of float64, is int32; pass numpy.asarray\(weights, dtype='float64'\)"),
    (np.array([1.0, 2.0]).astype(">f8"), TypeError, "weights: must be an array of float64, is >f8"),
    (np.arange(8.0)[::2], TypeError, r"weights: must be contiguous in C order, has strides \(16,\); pass numpy.ascontiguousarray\(weights\)"),
    (np.ones((2, 2)), ValueError, r"weights: must have 1 dimension, has shape \(2, 2\)"),
    (["1", "2"], TypeError, "weights: must hold numbers, holds <U1"),
    ([[1.0], [1.0, 2.0]], TypeError, "weights: must be an array of numbers"),
    ([1.0, float("nan")], ValueError, "nan"),
    (object(), TypeError, "weights: must hold numbers, holds object"),
])
def test_what_cannot_be_taken_as_it_is_is_refused_by_name(weights, kind, says):
    with pytest.raises(bursar.InvalidArgument, match=says) as caught:
        allocate.apportion(weights, 10)
    assert isinstance(caught.value, kind) and caught.value.code == "invalid_argument"


def test_fractions_are_not_cut_to_integers():
    with pytest.raises(TypeError, match="floors: must hold whole numbers, holds float64"):
        allocate.apportion([1.0, 1.0], 10, floors=[1.5, 0])


def test_the_result_owns_its_memory():
    units = allocate.apportion(np.ones(1000), 1000)
    copy = units.copy()
    del units
    assert copy.sum() == 1000
