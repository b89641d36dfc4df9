"""Numbers as label files write them: as numbers, as text, as floats that are whole, or as nothing of the kind."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

LARGEST_WHOLE = 2**53  # beyond it a float no longer tells neighbours apart
WHOLE = re.compile(r"-?(0|[1-9]\d{0,15})(\.0+)?")
YES, NO = frozenset({"1", "1.0", "true", "yes", "y", "t"}), frozenset({"0", "0.0", "false", "no", "n", "f", "", "none"})


def finite_numbers(values: Any, count: int | None = None) -> np.ndarray | None:
    """``values`` as float64 ``[n]``, or None if they are not ``count`` finite numbers."""
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    is_list = numbers.shape == (numbers.size,) and count in (None, numbers.size)
    return numbers if is_list and np.isfinite(numbers).all() else None


def whole_number(value: Any) -> int | None:
    """``value`` as an int: 3, 3.0, "3" and "3.0" are 3. None for what is no whole number of at most 2 ** 53."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        return int(float(text)) if WHOLE.fullmatch(text) else None
    if isinstance(value, float) and not (math.isfinite(value) and value.is_integer()):
        return None
    if not isinstance(value, int | float) or abs(value) > LARGEST_WHOLE:
        return None
    return int(value)


def identity(value: Any) -> int | str | None:
    """What ids are compared by, so that 1, 1.0 and "1" are one; None for what is no id."""
    number = whole_number(value)
    if number is not None:
        return number
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 4096 else None


def truth(value: Any) -> bool | None:
    """A yes or no, written as a boolean, as a number, or as text; null is no. None for what is neither."""
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, int | float):
        return None if value != value else value != 0
    word = value.strip().lower() if isinstance(value, str) else None
    return True if word in YES else False if word in NO else None
