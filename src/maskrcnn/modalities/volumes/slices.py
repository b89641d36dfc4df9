"""Slices of a scan in their places: put in order, checked for gaps, and the affine of the stack that they make.

Places are DICOM's: millimetres towards the patient's left, back and head (LPS), of the centre of a slice's first pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskrcnn.errors import DataError

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
UNEVEN = 0.05  # of the usual distance: what a gap may differ
ASIDE = 0.1  # of the usual distance: how far a slice may lie from its place in an even stack
TURNED = 1e-3  # what a direction cosine may differ between slices
SAME_PLACE = 0.01  # of the largest gap: slices that are nearer are at one place


@dataclass(frozen=True)
class Slice:
    """One slice as its file describes it.

    Attributes:
        file: that holds it.
        frame: which of the file's frames, from 0.
        name: for messages.
        position: float64 ``[3]``, LPS millimetres.
        directions: float64 ``[2, 3]``: unit vectors along a row and down a column.
        shape: (rows, columns).
        pixel: millimetres between rows and between columns.
        thickness: millimetres, for a slice that has no neighbour; 0 where the file says nothing.
        scale: slope and intercept.
    """

    file: Path
    frame: int
    name: str
    position: np.ndarray
    directions: np.ndarray
    shape: tuple[int, int]
    pixel: tuple[float, float]
    thickness: float = 0.0
    scale: tuple[float, float] = (1.0, 0.0)

    @property
    def normal(self) -> np.ndarray:
        return np.cross(self.directions[0], self.directions[1])


def in_order(path: Path, slices: Sequence[Slice]) -> list[Slice]:
    """The slices by their place along the normal of the first.

    Raises:
        DataError: slices of several sizes or directions, two at one place, one that is missing, uneven distances.
    """
    _check_alike(path, slices)
    normal = slices[0].normal
    ordered = sorted(slices, key=lambda one: (float(one.position @ normal), one.file.name, one.frame))
    if len(ordered) > 1:
        _check_distances(path, ordered, normal)
    return ordered


def stack_affine(slices: Sequence[Slice]) -> np.ndarray:
    """Float64 ``[4, 4]`` from (column, row, slice) of slices in order to RAS+ millimetres."""
    first, last = slices[0], slices[-1]
    affine = np.eye(4)
    affine[:3, 0] = first.directions[0] * first.pixel[1]
    affine[:3, 1] = first.directions[1] * first.pixel[0]
    if len(slices) > 1:  # not the normal: where the scanner was tilted, each slice lies aside of the one before
        affine[:3, 2] = (last.position - first.position) / (len(slices) - 1)
    else:
        affine[:3, 2] = first.normal * (first.thickness or 1.0)
    affine[:3, 3] = first.position
    return LPS_TO_RAS @ affine


def _check_alike(path: Path, slices: Sequence[Slice]) -> None:
    first = slices[0]
    for one in slices[1:]:
        if one.shape != first.shape:
            sizes = [f"{columns} x {rows}" for rows, columns in (first.shape, one.shape)]
            raise DataError(
                f"{path} has slices of several sizes: {first.name} is {sizes[0]} and {one.name} {sizes[1]} pixels; put "
                "each kind into a folder of its own."
            )
        if np.abs(one.directions - first.directions).max() > TURNED:
            raise DataError(
                f"{path} has slices of several directions: {first.name} and {one.name} are not parallel; put each kind "
                "into a folder of its own (a localiser is not part of a volume)."
            )
        if not np.allclose(one.pixel, first.pixel, rtol=TURNED):
            raise DataError(
                f"{path} has slices with pixels of several sizes: {first.name} and {one.name}; put each kind into a "
                "folder of its own."
            )


def _check_distances(path: Path, ordered: Sequence[Slice], normal: np.ndarray) -> None:
    places = np.array([one.position for one in ordered])
    gaps = np.diff(places @ normal)
    pairs = list(zip(ordered, ordered[1:]))
    together = int(np.argmin(gaps))
    if gaps[together] <= SAME_PLACE * gaps.max():
        raise DataError(
            f"{path} has two slices at one place: {_names(pairs[together])}; a time series or several echoes? Put one "
            "volume into a folder of its own."
        )
    usual = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    for gap, pair in zip(gaps, pairs):
        missing = round(gap / usual) - 1
        if missing > 0 and abs(gap / usual - missing - 1) <= UNEVEN * (missing + 1):
            place = pair[0].position + (pair[1].position - pair[0].position) / (missing + 1)
            raise DataError(
                f"{path} lacks {'a slice' if missing == 1 else f'{missing} slices'} between {_names(pair)} (near "
                f"position {', '.join(f'{value:.4g}' for value in place)}); export the series again."
            )
    widest = int(np.argmax(np.abs(gaps - usual)))
    if abs(gaps[widest] - usual) > UNEVEN * usual:
        raise DataError(
            f"{path} has slices at uneven distances: {gaps[widest]:.4g} mm between {_names(pairs[widest])} but "
            f"{usual:.4g} mm elsewhere; resample the scan or export the series again."
        )
    even = places[0] + np.linspace(0, 1, len(places))[:, None] * (places[-1] - places[0])
    aside = np.linalg.norm(places - even, axis=1)
    if aside.max() > ASIDE * usual:
        raise DataError(
            f"{path} has slices that are shifted against one another: {ordered[int(aside.argmax())].name} lies "
            f"{aside.max():.4g} mm from its place in an even stack; export the series again."
        )


def _names(pair: tuple[Slice, Slice]) -> str:
    return f"{pair[0].name} and {pair[1].name}"
