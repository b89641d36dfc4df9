"""Numbers as files have them: from 1 without gaps, of the objects that count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from maskrcnn.tracking.options import TrackOptions
from maskrcnn.tracking.tracker import Detections, Tracker


def follow_all(
    frames: Sequence[tuple[int, Detections]],
    options: TrackOptions | None = None,
    done: Callable[[int], object] = lambda count: None,
) -> list[np.ndarray]:
    """Follow the objects of a whole sequence.

    Args:
        frames: rising, each with its detections.
        options: how objects are followed.
        done: is told how many frames are done.

    Returns:
        For each frame the numbers of its detections, int64 ``[N]``: see :func:`gapless`.
    """
    tracker: Tracker | None = None
    ids = []
    for count, (frame, seen) in enumerate(frames, 1):
        tracker = tracker or Tracker(seen.boxes.shape[1] // 2, options)
        ids.append(tracker.update(seen, frame).ids)
        done(count)
    return gapless(ids, tracker.confirmed if tracker else set())


def gapless(ids: Iterable[np.ndarray], confirmed: set[int]) -> list[np.ndarray]:
    """The numbers 1, 2, ... in the order in which objects first come; 0 for those that never count.

    Args:
        ids: of each frame, as a tracker gave them.
        confirmed: those that count.

    Returns:
        The same with new numbers.
    """
    known: dict[int, int] = {}
    return [
        np.array([known.setdefault(i, len(known) + 1) if i in confirmed else 0 for i in own.tolist()], np.int64)
        for own in ids
    ]
