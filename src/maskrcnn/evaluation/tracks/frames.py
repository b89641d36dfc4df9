"""What measures of tracks are reckoned from: who is where in each frame, and who overlaps whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.evaluation.overlap import box_overlaps
from maskrcnn.masks.shared_runs import all_spans, mask_iou
from maskrcnn.regions import Regions


@dataclass(frozen=True)
class Frame:
    """G labelled and T found objects of one frame.

    Attributes:
        truth: int64 ``[G]``: their numbers, no two alike.
        found: int64 ``[T]``: the same of those that were found.
        overlap: float64 ``[G, T]``: IoU of boxes or of masks, 0..1.
    """

    truth: np.ndarray
    found: np.ndarray
    overlap: np.ndarray


@dataclass(frozen=True)
class Clip:
    """Frames whose numbers are counted from 0, without gaps.

    Attributes:
        frames: in rising order of time.
        truths, founds: how many numbers there are of either kind.
    """

    frames: tuple[Frame, ...]
    truths: int
    founds: int

    @staticmethod
    def of(frames: Iterable[Frame]) -> Clip:
        """From frames with any numbers."""
        frames = tuple(frames)
        truth, truths = _counted([frame.truth for frame in frames])
        found, founds = _counted([frame.found for frame in frames])
        return Clip(tuple(Frame(a, b, f.overlap) for a, b, f in zip(truth, found, frames)), truths, founds)


def _counted(numbers: Sequence[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """The same numbers counted from 0, and how many there are."""
    if not numbers:
        return [], 0
    known, places = np.unique(np.concatenate(numbers), return_inverse=True)
    return np.split(places.astype(np.int64), np.cumsum([len(own) for own in numbers])[:-1]), len(known)


def box_frame(truth: np.ndarray, truth_boxes: np.ndarray, found: np.ndarray, found_boxes: np.ndarray) -> Frame:
    """A frame that is judged by boxes.

    Args:
        truth: int64 ``[G]``.
        truth_boxes: ``[G, 2D]``.
        found: int64 ``[T]``.
        found_boxes: ``[T, 2D]``.

    Returns:
        The frame.
    """
    return Frame(truth, found, box_overlaps(truth_boxes, found_boxes)[0])


def mask_frame(truth: np.ndarray, truth_masks: Regions, found: np.ndarray, found_masks: Regions) -> Frame:
    """A frame that is judged by masks, on their run lengths.

    Args:
        truth: int64 ``[G]``.
        truth_masks: of G objects.
        found: int64 ``[T]``.
        found_masks: of T objects, on the same canvas.

    Returns:
        The frame.
    """
    one, other = all_spans(truth_masks), all_spans(found_masks)
    overlap = np.array([[mask_iou(a, b) for b in other] for a in one]).reshape(len(one), len(other))
    return Frame(truth, found, overlap)
