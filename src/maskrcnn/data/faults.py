"""Faults of labels as plain facts, each with its place, and those of them that show in any format's records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.structures import Record

SLACK = 2.0  # samples by which a box may pass the border of its image or of its mask: tools round in many ways
SLACK_PART = 0.02  # or this part of the image's side
LEAST_AGREEMENT = 0.75  # overlap (IoU) of a box with the tight box of its mask


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        code: which kind, a key of the doctor's table of findings.
        place: the file's name, and the object in it where there is one.
        detail: what was found there, a few words.
        file_name: of the image concerned.
    """

    code: str
    place: str
    detail: str = ""
    file_name: str = ""


def record_faults(record: Record, num_classes: int, has_masks: bool) -> Iterator[Fault]:
    """Find what is wrong with the labels of one image, from its record alone: any format, any D.

    Args:
        record: the labels.
        num_classes: of the data set.
        has_masks: whether its objects should have masks.

    Yields:
        The faults.
    """
    name = record.file_name
    tight = record.regions.boxes() if record.regions is not None and has_masks else None
    unknown = np.zeros(record.boxes.shape, bool) if record.unknown_sides is None else record.unknown_sides
    for k, box in enumerate(record.boxes.astype(np.float64)):
        place = f"{name}, object {k + 1}"
        code, detail = box_fault(box, record.spatial_shape)
        if code:
            yield Fault(code, place, detail, name)
        elif tight is not None and not tight[k].any():
            yield Fault("mask-missing", place, "", name)
        elif tight is not None and not unknown[k].any() and (words := disagreement(box, tight[k])):
            yield Fault("box-mask-disagree", place, words, name)
        if not 1 <= record.labels[k] <= num_classes:
            yield Fault("category-unknown", place, f"class {record.labels[k]}", name)


def box_fault(box: np.ndarray, spatial_shape: Sequence[int] | None) -> tuple[str, str]:
    """Code and detail of what is wrong with one box ``[2D]``, both empty for a sound one."""
    if not np.isfinite(box).all():
        return "not-a-number", f"box {_numbers(box)}"
    low, high = np.split(box, 2)
    if (high <= low).any():
        return "box-empty", f"box {_numbers(box)}"
    if spatial_shape is None:
        return "", ""
    sides = np.array(spatial_shape[::-1], dtype=np.float64)
    if (low >= sides).any() or (high <= 0).any():
        return "box-outside", f"box {_numbers(box)} in an image of {_numbers(sides)}"
    if beyond := border_excess(box, spatial_shape):
        return "box-outside", f"passes the border by {beyond:.0f} px"
    return "", ""


def border_excess(box: np.ndarray, spatial_shape: Sequence[int]) -> float:
    """Samples by which a box ``[2D]`` passes the border; 0 if it is by no more than tools differ."""
    low, high = np.split(box, 2)
    sides = np.array(spatial_shape[::-1], dtype=np.float64)
    beyond = np.maximum(-low, high - sides)
    return float(beyond.max()) if (beyond > np.maximum(SLACK, SLACK_PART * sides)).any() else 0.0


def disagreement(box: np.ndarray, mask_box: np.ndarray) -> str:
    """In words, by how much a box differs from the tight box of its mask (both ``[2D]``); empty if they agree."""
    difference = np.abs(box - mask_box)
    overlap = box_overlap(box, mask_box)
    if overlap >= LEAST_AGREEMENT or difference.max() <= SLACK:
        return ""
    return f"box {_numbers(box)}, mask within {_numbers(mask_box)}"


def box_overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two boxes ``[2D]``."""
    (low_a, high_a), (low_b, high_b) = np.split(first, 2), np.split(second, 2)
    common = float(np.prod(np.clip(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0, None)))
    union = float(np.prod(high_a - low_a) + np.prod(high_b - low_b)) - common
    return common / union if union > 0 else 0.0


def _numbers(values: np.ndarray) -> str:
    return "[" + ", ".join(f"{value:.4g}" for value in values) + "]"
