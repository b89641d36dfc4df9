"""The moving objects of a clip, as the writers of motion are given them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Moving:
    """One object over the T frames from its first to its last, those between in which it was not seen included.

    Attributes:
        number: in files, from 1.
        name: of its class.
        label: of its class, from 1.
        frames: of each frame its index in the file, from 0.
        times: float64 ``[T]``, seconds since the clip's first frame.
        points: float64 ``[T, P, 3]``: x and y in pixels, not a number where unknown, and score, 0 where filled in.
        boxes: float64 ``[T, 4]``, pixels, not a number where it was not seen.
        scores: float64 ``[T]`` of the object, 0 where it was not seen.
    """

    number: int
    name: str
    label: int
    frames: list[int]
    times: np.ndarray
    points: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
