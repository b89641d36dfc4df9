"""DensePose's fields of an annotation: points on the surface of its object, and coarse parts.

``dp_x`` and ``dp_y`` are places in 256ths of ``bbox``, ``dp_I`` parts from 1, ``dp_U`` and ``dp_V`` places on these,
0..1; ``dp_masks`` has run lengths of the coarse parts 1, 2 ..., each over the box stretched to a square, or ``[]`` for
one that is not seen (densepose.org; Güler et al. 2018, section 2).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hotcoco import mask as coco_mask

from maskrcnn.data.parsing.numbers import finite_numbers
from maskrcnn.modalities.images.labels.run_lengths import read_mask, run_lengths_of
from maskrcnn.regions import Regions
from maskrcnn.rle import regions_to_rle
from maskrcnn.surfaces.known import SURFACES
from maskrcnn.surfaces.labels import SurfaceLabel, pack_part_map
from maskrcnn.surfaces.points import SurfacePoints

GRID = 256  # steps of dp_x and dp_y along a side of the box, and the side of dp_masks
ROUNDED = 1e-3  # of these steps
POINTS = ("dp_x", "dp_y", "dp_I", "dp_U", "dp_V")
DRAWN = "dp_masks"
DENSEPOSE = "smpl-24"  # which surface is meant where the file does not say
MOST = 1024  # parts of a surface, as a model may have
MOST_COARSE = 255  # coarse parts, of which a byte tells


def surface_of(content: dict[str, Any]) -> str:
    """The surface that the labels of a file are about: ``info.surface``, else DensePose's own."""
    info = content.get("info")
    named = info.get("surface") if isinstance(info, dict) else None
    return named if isinstance(named, str) and named else DENSEPOSE


def read_surface(annotation: dict[str, Any], surface: str, faults: list[str]) -> SurfaceLabel | None:
    """What is labelled on the surface of an object.

    Args:
        annotation: an entry of ``annotations``.
        surface: name of the surface.
        faults: to which parts of a sentence are added.

    Returns:
        The label; None where there is none, or none that can be read.
    """
    if not any(annotation.get(name) for name in (*POINTS, DRAWN)):
        return None
    box = finite_numbers(annotation.get("bbox"), 4)
    if box is None or (box[2:] <= 0).any():
        faults.append("its surface was left out, since its box, which says where its points lie, is none")
        return None
    known = SURFACES.get(surface)
    points = _read_points(annotation, box, MOST if known is None else len(known.parts), faults)
    coarse = _read_coarse(annotation.get(DRAWN), MOST_COARSE if known is None else len(known.groups), faults)
    if points is None and not coarse:
        return None
    places, parts, uv = points or (np.zeros((0, 2)), np.zeros(0), np.zeros((0, 2)))
    corners = np.concatenate([box[:2], box[:2] + box[2:]])
    return SurfaceLabel(
        places.astype(np.float32),
        parts.astype(np.int64),
        uv.astype(np.float32),
        coarse,
        corners.astype(np.float32),
    )


def _read_points(
    annotation: dict[str, Any], box: np.ndarray, most: int, faults: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Places ``[T, 2]``, parts ``[T]`` and u, v ``[T, 2]``; None where there are none."""
    given = [annotation.get(name) for name in POINTS]
    if not any(given):
        return None
    lists = [None if values is None else finite_numbers(values) for values in given]
    found = [values for values in lists if values is not None]
    if len(found) < len(POINTS) or len({len(values) for values in found}) > 1:
        faults.append(f"its surface points were left out: {', '.join(POINTS)} are not five lists of as many numbers")
        return None
    x, y, parts, u, v = found
    if (parts != np.rint(parts)).any() or parts.min() < 1 or parts.max() > most:
        faults.append(f"its surface points were left out: dp_I has parts that are none of 1 to {most}")
        return None
    places, uv = np.column_stack([x, y]), np.column_stack([u, v])
    if places.min() < 0 or places.max() > GRID or uv.min() < 0 or uv.max() > 1:
        faults.append(f"its surface points were left out: dp_x or dp_y is outside 0 to {GRID}, or dp_U or dp_V 0 to 1")
        return None
    return box[:2] + places / GRID * box[2:], parts, uv


def _read_coarse(drawn: Any, most: int, faults: list[str]) -> bytes:
    """Coarse parts as they are packed; nothing where none is drawn. Of two at a place the later one counts."""
    if not drawn:
        return b""
    if not isinstance(drawn, list) or len(drawn) > most:
        faults.append(f"its coarse parts were left out: dp_masks is no list of at most {most}")
        return b""
    part = np.zeros((GRID, GRID), np.uint8)
    try:
        for k, runs in enumerate(drawn, 1):
            if not runs:
                continue
            others: list[str] = []
            mask = read_mask(run_lengths_of(runs)[0], (GRID, GRID), others)
            if others:
                faults.append(f"its coarse parts were left out: one of dp_masks is not of {GRID} x {GRID}")
                return b""
            part[coco_mask.decode({"size": [GRID, GRID], "counts": mask}) > 0] = k
    except (TypeError, ValueError, OverflowError, KeyError, IndexError) as error:
        faults.append(f"its coarse parts were left out, since dp_masks cannot be read ({error})")
        return b""
    return pack_part_map(part) if part.any() else b""


def surface_fields(labels: SurfacePoints, i: int, box: np.ndarray) -> dict[str, Any]:
    """DensePose's fields of an annotation.

    Args:
        labels: of all objects.
        i: which of them.
        box: ``[4]``, the corners that the annotation has; points are told in it, and what lies outside is left out.

    Returns:
        The fields; none where nothing is labelled.
    """
    own = labels[np.array([i])]
    low, high = np.split(box.astype(np.float64), 2)
    places = (own.places.numpy() - low) / (high - low) * GRID
    inside = (own.parts.numpy() > 0) & np.isfinite(own.uv.numpy()).all(1)
    inside &= ((places > -ROUNDED) & (places < GRID + ROUNDED)).all(1)
    columns = np.column_stack([places.clip(0, GRID), own.parts.numpy(), own.uv.numpy()])[inside].T
    fields: dict[str, Any] = dict(zip(POINTS, columns.tolist())) if inside.any() else {}
    drawn = own.coarse[0]
    if drawn is not None:
        corners = own.coarse_boxes[0].numpy().astype(np.float64)
        fields[DRAWN] = _run_lengths(_over(drawn, corners, np.concatenate([low, high])))
    return fields


def _over(drawn: np.ndarray, corners: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Coarse parts over one box as they are over another, ``[GRID, GRID]``."""
    axes, insides = [], []
    for k, side in ((1, drawn.shape[0]), (0, drawn.shape[1])):
        places = box[k] + (np.arange(GRID) + 0.5) / GRID * (box[k + 2] - box[k])
        at = np.floor((places - corners[k]) / (corners[k + 2] - corners[k]) * side).astype(np.int64)
        insides.append((at >= 0) & (at < side))
        axes.append(at.clip(0, side - 1))
    over: np.ndarray = np.where(np.logical_and.outer(*insides), drawn[np.ix_(*axes)], 0)
    return over


def _run_lengths(part: np.ndarray) -> list[Any]:
    """Of each coarse part its run lengths, ``[]`` where it is not seen."""
    regions = Regions.from_masks([part == k for k in range(1, int(part.max()) + 1)], part.shape)
    areas = regions.areas()
    return [regions_to_rle(regions, k) if areas[k] else [] for k in range(len(areas))]
