"""The slices of a DICOM series, one a file or many in one, and whether they make one scan without a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.errors import DataError

SAME_DIRECTION = 1e-3  # between the cosines of slices of one orientation
UNEVEN = 0.1  # of the usual distance between slices
INVERTED = "MONOCHROME1"  # high values are dark


@dataclass(frozen=True)
class Slice:
    """One slice.

    Attributes:
        name: of its file, with the number of the frame where there are several.
        values: float32 ``[rows, columns]``, rescaled.
        position: of the centre of the first voxel, LPS+ millimetres.
        across, down: directions of rising columns and of rising rows.
        pixel_spacing: millimetres between rows, and between columns.
        thickness: millimetres.
        inverted: whether high values are dark.
    """

    name: str
    values: np.ndarray
    position: np.ndarray
    across: np.ndarray
    down: np.ndarray
    pixel_spacing: tuple[float, float]
    thickness: float
    inverted: bool

    @property
    def normal(self) -> np.ndarray:
        return np.cross(self.across, self.down)

    @property
    def height(self) -> float:
        """Along the normal."""
        return float(self.position @ self.normal)


def slices_of(content: Any, path: Path) -> list[Slice]:
    """The slices in one file.

    Raises:
        DataError: colours, compressed voxels that nothing here can read, or no place in space.
    """
    if int(content.get("SamplesPerPixel", 1)) > 1:
        raise DataError(f"{path} holds colours instead of grey values; name the series without it.")
    try:
        voxels = content.pixel_array
    except (NotImplementedError, RuntimeError) as error:
        syntax = getattr(getattr(content, "file_meta", None), "TransferSyntaxUID", None)
        raise DataError(
            f"{path} holds compressed voxels ({getattr(syntax, 'name', 'unknown')}) that need another package to be "
            "read: export it uncompressed, or pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg."
        ) from error
    frames = voxels.reshape(-1, *voxels.shape[-2:])
    many = len(frames) > 1 or "PerFrameFunctionalGroupsSequence" in content
    inverted = str(content.get("PhotometricInterpretation", "")) == INVERTED
    slices = []
    for k, frame in enumerate(frames):
        name = f"{path.name}, frame {k + 1}" if many else path.name
        place = _functional_groups(content, k) if many else [content]
        position, orientation = _found(place, "ImagePositionPatient"), _found(place, "ImageOrientationPatient")
        pixel_spacing = _found(place, "PixelSpacing")
        if position is None or orientation is None or pixel_spacing is None:
            raise DataError(f"{path} does not say where its voxels lie; only slices with a position make a scan.")
        cosines = np.array([float(value) for value in orientation])
        slope, intercept = _found(place, "RescaleSlope"), _found(place, "RescaleIntercept")
        values = frame.astype(np.float32) * np.float32(1 if slope is None else slope)
        values += np.float32(0 if intercept is None else intercept)
        thickness = _found(place, "SpacingBetweenSlices") or _found(place, "SliceThickness") or 1.0
        slices.append(
            Slice(
                name,
                values,
                np.array([float(value) for value in position]),
                cosines[:3],
                cosines[3:],
                (float(pixel_spacing[0]), float(pixel_spacing[1])),
                abs(float(thickness)) or 1.0,
                inverted,
            )
        )
    return slices


def _functional_groups(content: Any, frame: int) -> list[Any]:
    """The parts of a file with many frames that speak of one of them, the frame's own first."""
    places = []
    for name in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        groups = content.get(name)
        if groups:
            group = groups[min(frame, len(groups) - 1)]
            places += [item for element in group if element.VR == "SQ" for item in element.value]
    return [*places, content]


def _found(places: Sequence[Any], name: str) -> Any:
    return next((place.get(name) for place in places if place.get(name) is not None), None)


def checked_in_order(slices: Sequence[Slice], path: Path) -> list[Slice]:
    """The slices from low to high along their normal.

    Raises:
        DataError: slices of different shapes, directions or distances, two at one place, or a missing one.
    """
    first = slices[0]
    for one in slices:
        if one.values.shape != first.values.shape or one.pixel_spacing != first.pixel_spacing:
            raise DataError(
                f"{path}: {first.name} and {one.name} have different sizes, so they are no slices of one scan; move "
                "one of them elsewhere."
            )
        if np.abs(np.stack([one.across - first.across, one.down - first.down])).max() > SAME_DIRECTION:
            raise DataError(
                f"{path}: {first.name} and {one.name} lie in different directions, so they are no slices of one scan; "
                "move one of them elsewhere."
            )
    ordered = sorted(slices, key=lambda one: float(one.position @ first.normal))
    gaps = np.diff([float(one.position @ first.normal) for one in ordered])
    if len(gaps) == 0:
        return ordered
    usual = float(np.median(gaps))
    same = np.flatnonzero(gaps < UNEVEN * max(usual, 1e-3))
    if len(same):
        a, b = ordered[same[0]], ordered[same[0] + 1]
        raise DataError(
            f"{path}: {a.name} and {b.name} lie at the same place ({a.height:.1f} mm): a film, or several scans in one "
            "series; keep one of each place."
        )
    wide = np.flatnonzero(gaps > (1 + UNEVEN) * usual)
    if len(wide):
        a, b = ordered[wide[0]], ordered[wide[0] + 1]
        missing = round(float(gaps[wide[0]]) / usual) - 1
        what = f"{missing} of its slices are" if missing > 1 else "a slice is" if missing == 1 else ""
        if what:
            raise DataError(
                f"{path}: {what} missing between {a.name} and {b.name} ({a.height:.1f} and {b.height:.1f} mm, and "
                f"slices lie {usual:.2f} mm apart); export the series again."
            )
    if len(wide) or (gaps < (1 - UNEVEN) * usual).any():
        raise DataError(
            f"{path}: its slices are not evenly spaced ({gaps.min():.2f} to {gaps.max():.2f} mm); resample the series "
            "first."
        )
    return ordered
