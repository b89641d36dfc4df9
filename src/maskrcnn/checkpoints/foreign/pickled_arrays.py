"""What the numeric arrays in a pickle become, and what numpy's own names in it stand for: tables of functions that only
ever put numbers together from bytes that are there."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from maskrcnn.schema import said

NUMERIC = re.compile(r"[fiub][1248]|b1|\?")  # numpy's short names of types without Python objects in them


class Refused(Exception):
    """The stream asks for something that is no plain data; the text names it."""


class Damaged(Exception):
    """The stream is no pickle, or ends too early."""


class DType:
    """A numpy type in the making."""

    def __init__(self, name: str, *_: object) -> None:
        if not (isinstance(name, str) and NUMERIC.fullmatch(name)):
            raise Refused(f"an array of type {said(name)}, which is not numeric")
        self.value = np.dtype(name)

    def build(self, state: Sequence[Any]) -> None:
        if state[1] in ("<", ">"):
            self.value = self.value.newbyteorder(state[1])


class Array:
    """A numpy array in the making: created empty, then told its shape, type and bytes."""

    def __init__(self, *_: object) -> None:
        self.value = np.empty(0, np.float32)

    def build(self, state: Sequence[Any]) -> None:
        shape, dtype, fortran, raw = state[-4:]
        self.value = _array(raw, dtype, shape, "F" if fortran else "C")


def _array(raw: Any, dtype: Any, shape: Any, order: str = "C") -> np.ndarray:
    """A read-only array over ``raw``, which must hold exactly what the shape says."""
    if not isinstance(dtype, DType):
        raise Damaged("an array without a type")
    data = _as_bytes(raw)
    sides = whole_numbers(shape)
    if min(sides, default=0) < 0 or math.prod(sides) * dtype.value.itemsize != len(data):
        raise Damaged(f"an array of another shape than its {len(data)} bytes")
    array = np.frombuffer(data, dtype.value).reshape(tuple(shape), order="F" if order == "F" else "C")
    return array.astype(dtype.value.newbyteorder("="), copy=False)


def _as_bytes(raw: Any) -> bytes | bytearray:
    """Python 2 wrote bytes as text of the first 256 characters."""
    if isinstance(raw, str):
        return raw.encode("latin1")
    if not isinstance(raw, bytes | bytearray):
        raise Refused("an array of Python objects")
    return raw


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: str = "C") -> Array:
    made = Array()
    made.value = _array(raw, dtype, shape, order)
    return made


def _scalar(dtype: Any, raw: Any) -> Any:
    return _array(raw, dtype, ()).item()


def encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise Refused(f"text in {said(encoding)}")
    return text.encode("latin1")


def whole_numbers(values: Any) -> tuple[int, ...]:
    """A shape, a stride or the like. Raises Damaged for anything else, such as tuples within tuples."""
    if not isinstance(values, list | tuple) or not all(type(value) is int and abs(value) < 2**63 for value in values):
        raise Damaged("a shape that is none")
    return tuple(values)


def numpy_names() -> dict[str, Callable[..., Any]]:
    """Numpy's modules were renamed in its version 2."""
    table: dict[str, Callable[..., Any]] = {"numpy.dtype": DType, "numpy.ndarray": Array}
    for core in ("numpy.core", "numpy._core"):
        table[f"{core}.multiarray._reconstruct"] = Array
        table[f"{core}.multiarray.scalar"] = _scalar
        table[f"{core}.numeric._frombuffer"] = _from_buffer
    return table


def finished(value: Any) -> Any:
    """The array that an :class:`Array` has become; anything else as it is."""
    return value.value if isinstance(value, Array) else value
