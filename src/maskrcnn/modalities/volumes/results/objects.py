"""The objects of a volume as every file of results tells of them: where they lie and how large they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskrcnn.modalities.volumes.volume import Volume
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

DIGITS = 7  # of a volume in cubic millimetres


@dataclass(frozen=True)
class FoundObject:
    """One object. What is counted is its own mask, whatever other objects lie over it; of a model without masks, its
    box.

    Attributes:
        number: from 1, best first, the same in every file of a scan.
        label: of the class ``class_name``, 1..K.
        bbox: the box ``[6]`` in indices of the file, i first, voxel k covering [k, k + 1).
        index: the centroid in indices (i, j, k) of the file, whole ones being voxel centres.
        low, high: first and last voxel of what it covers, along i, j and k. Of an object that covers nothing this and
            the centroid are those of its box.
        position: the centroid in millimetres: RAS+ where the scan says how it lies, else from the centre of its first
            voxel along x, y and z; None where the scan has no spacing.
        voxels: covered.
        volume_mm3: of those; None where the scan has no spacing.
    """

    number: int
    class_name: str
    label: int
    score: float
    bbox: tuple[float, ...]
    index: tuple[float, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    position: tuple[float, ...] | None
    voxels: int
    volume_mm3: float | None


def best_first(detections: Instances, spatial_shape: Sequence[int]) -> tuple[Instances, Regions]:
    """The objects by falling score, and what each covers: its mask, or the voxels of its box where there are none."""
    detections = detections[detections.scores.argsort(descending=True, stable=True)]
    regions = detections.regions
    return detections, regions_of_boxes(detections.boxes.numpy(), spatial_shape) if regions is None else regions


def regions_of_boxes(boxes: np.ndarray, spatial_shape: Sequence[int]) -> Regions:
    """Boxes ``[N, 2D]`` as regions of whole voxels, one at least along each axis."""
    ndim = len(spatial_shape)
    low, high = (np.round(side[:, ::-1]).astype(np.int64) for side in np.split(boxes.reshape(-1, 2 * ndim), 2, axis=1))
    low = low.clip(0, np.array(spatial_shape) - 1)
    high = np.maximum(high.clip(0, np.array(spatial_shape)), low + 1)
    full = [np.array([0, volume], dtype=np.uint32) for volume in (high - low).prod(axis=1).tolist()]
    return Regions(tuple(spatial_shape), low, high - low, full)


def found_objects(
    detections: Instances, regions: Regions, class_names: Sequence[str], volume: Volume
) -> list[FoundObject]:
    """What there is to say of each object.

    Args:
        detections: best first, as :func:`best_first` gives them, on the volume's voxels.
        regions: of the same.
        class_names: of labels 1..K.
        volume: the scan.

    Returns:
        A record for each object.
    """
    if len(detections) == 0:
        return []
    boxes = detections.boxes.double().numpy()
    shape, turn = regions.spatial_shape, volume.space.turn
    solid = regions_of_boxes(boxes, shape)
    seen: np.ndarray = np.all(regions.shapes > 0, axis=1)  # where an object is, also one whose mask covers nothing
    tight = np.where(seen[:, None], regions.boxes(), solid.boxes())
    centres = np.array([_centroid(regions if seen[i] else solid, i) for i in range(len(regions))])
    indices = turn.undo_boxes(np.tile(centres + 0.5, 2), shape)[:, :3] - 0.5
    low, high = np.split(np.round(turn.undo_boxes(tight, shape)).astype(int), 2, axis=1)
    places, per_voxel = _positions(centres, volume), _voxel_volume(volume)
    columns = zip(
        detections.labels.tolist(),
        detections.scores.tolist(),
        turn.undo_boxes(boxes, shape).round(2).tolist(),
        indices.round(2).tolist(),
        low.tolist(),
        (high - 1).tolist(),
        places,
        regions.areas().tolist(),
    )
    return [
        FoundObject(
            number=number,
            class_name=class_names[label - 1],
            label=label,
            score=score,
            bbox=tuple(bbox),
            index=tuple(index),
            low=tuple(first),
            high=tuple(last),
            position=place,
            voxels=voxels,
            volume_mm3=None if per_voxel is None else float(f"{voxels * per_voxel:.{DIGITS}g}"),
        )
        for number, (label, score, bbox, index, first, last, place, voxels) in enumerate(columns, start=1)
    ]


def object_entry(found: FoundObject, category_ids: Sequence[int]) -> dict[str, Any]:
    """An object as the lists of results have it, without its scan; see :class:`FoundObject` for what each is.

    Args:
        found: the object.
        category_ids: of labels 1..K.

    Returns:
        ``object``, ``category``, ``category_id``, ``score``, ``bbox``, ``x_mm`` ..., ``voxels``, ``volume_mm3``, ``i``
        ..., ``i_first``, ``i_last`` ...
    """
    entry: dict[str, Any] = {
        "object": found.number,
        "category": found.class_name,
        "category_id": category_ids[found.label - 1],
        "score": round(found.score, 4),
        "bbox": list(found.bbox),
    }
    entry |= dict(zip(("x_mm", "y_mm", "z_mm"), found.position or (None,) * 3))
    entry |= {"voxels": found.voxels, "volume_mm3": found.volume_mm3}
    entry |= dict(zip("ijk", found.index))
    for axis, first, last in zip("ijk", found.low, found.high):
        entry |= {f"{axis}_first": first, f"{axis}_last": last}
    return entry


def _centroid(regions: Regions, i: int) -> list[float]:
    """The mean index of what object ``i`` covers, x first."""
    window = regions.window(i)
    middle = []
    for axis in reversed(range(window.ndim)):
        counts = np.count_nonzero(window, axis=tuple(a for a in range(window.ndim) if a != axis))
        middle.append(float(regions.offsets[i, axis] + np.arange(len(counts)) @ counts / counts.sum()))
    return middle


def _positions(centres: np.ndarray, volume: Volume) -> list[tuple[float, ...] | None]:
    """Centres ``[N, 3]`` in millimetres, to a thousandth of a voxel or of a millimetre."""
    if volume.spacing is None:
        return [None] * len(centres)
    places = centres * np.array(volume.spacing)
    if volume.affine is not None:
        places = centres @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    decimals = 3 + max(0, math.ceil(-math.log10(min(volume.spacing))))
    return [tuple(place) for place in (places.round(decimals) + 0.0).tolist()]


def _voxel_volume(volume: Volume) -> float | None:
    """Cubic millimetres; of sheared axes less than the product of the spacing."""
    if volume.affine is not None:
        return float(abs(np.linalg.det(volume.affine[:3, :3])))
    return None if volume.spacing is None else math.prod(volume.spacing)
