"""Names of types that several modules use; for type checkers only."""

from __future__ import annotations

from typing import Any, Sequence, Union

import numpy as np
import numpy.typing as npt

DoubleArray = npt.NDArray[np.float64]
Float32Array = Union[npt.NDArray[np.float32], Sequence[Any]]
Int64Array = npt.NDArray[np.int64]
UInt32Array = npt.NDArray[np.uint32]
FlagArray = Union[npt.NDArray[np.bool_], npt.NDArray[np.uint8]]

# Arrays are taken as they are, never converted; lists and tuples are.
Numbers = Union[DoubleArray, Sequence[float]]
Tables = Union[DoubleArray, Sequence[Any]]
Integers = Union[Int64Array, Sequence[int]]
Flags = Union[FlagArray, Sequence[Any]]
Positions = Union[UInt32Array, Sequence[int]]
