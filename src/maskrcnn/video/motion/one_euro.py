"""Points smoothed while they come, for pictures that cannot wait: the One Euro filter (Casiez, Roussel and Vogel 2012).

A low-pass filter whose cutoff rises with speed: what stands still does not tremble, what moves does not lag.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from maskrcnn.video.frames import TrackedFrame

LEAST_CUTOFF = 1.5  # Hz, of what stands still
SPEED_CUTOFF = 1.0  # Hz: of the speed itself
RISE = 12.0  # Hz for each size of the object that a point moves a second
FORGOTTEN = 0.5  # seconds after which a point begins anew
THRESHOLD = 0.3  # points with a lower score are left as they are


@dataclass
class _Past:
    """Of one object: places ``[P, D]``, speeds ``[P, D]`` a second, and when each point was seen, ``[P]`` seconds."""

    places: np.ndarray
    speeds: np.ndarray
    seen: np.ndarray


class OneEuro:
    """Smooths the points of many objects in any number of dimensions, in the order of time."""

    def __init__(self) -> None:
        self._past: dict[int, _Past] = {}

    def smooth(self, number: int, points: np.ndarray, time: float, size: float) -> np.ndarray:
        """The next points of an object.

        Args:
            number: of the object.
            points: ``[P, D + 1]``: coordinates and score.
            time: seconds.
            size: of the object, in units of the coordinates.

        Returns:
            float64 ``[P, D + 1]``, smoothed; points with low scores as they were.
        """
        now, known = points[:, :-1].astype(np.float64), points[:, -1] >= THRESHOLD
        past = self._past.get(number)
        if past is None:
            past = self._past[number] = _Past(now.copy(), np.zeros_like(now), np.full(len(now), -np.inf))
        elapsed = np.maximum(time - past.seen, 1e-6)
        goes_on = known & (elapsed <= FORGOTTEN)
        dt = np.where(goes_on, elapsed, 1.0)[:, None]
        speed = past.speeds + _part(SPEED_CUTOFF, dt) * ((now - past.places) / dt - past.speeds)
        fast = np.linalg.norm(speed, axis=1, keepdims=True) / max(size, 1e-9)
        place = past.places + _part(LEAST_CUTOFF + RISE * fast, dt) * (now - past.places)
        smoothed = np.where(goes_on[:, None], place, now)
        past.places = np.where(known[:, None], smoothed, past.places)
        past.speeds = np.where(goes_on[:, None], speed, np.where(known[:, None], 0.0, past.speeds))
        past.seen = np.where(known, time, past.seen)
        return np.concatenate([smoothed, points[:, -1:]], 1)

    def forget(self, time: float) -> None:
        """What was not seen since long before that time, in seconds."""
        gone = [number for number, past in self._past.items() if time - past.seen.max(initial=-np.inf) > FORGOTTEN]
        for number in gone:
            del self._past[number]


def _part(cutoff: float | np.ndarray, dt: np.ndarray) -> np.ndarray:
    """Of the way to what was measured, how much is gone in a step: the filter's alpha."""
    turn = 2 * np.pi * cutoff * dt
    part: np.ndarray = turn / (turn + 1)
    return part


class SmoothedKeypoints:
    """Frames with the keypoints of their objects smoothed; frames without any stay as they are."""

    def __init__(self) -> None:
        self._filter = OneEuro()

    def __call__(self, frame: TrackedFrame) -> TrackedFrame:
        """The next frame."""
        points = frame.objects.keypoints
        if points is None:
            return frame
        self._filter.forget(frame.time)
        low, high = frame.objects.boxes.double().chunk(2, -1)
        sizes = (high - low).norm(dim=1).tolist()
        smoothed = [
            self._filter.smooth(number, own, frame.time, size)
            for number, own, size in zip(frame.ids.tolist(), points.double().numpy(), sizes)
        ]
        if not smoothed:
            return frame
        tensor = torch.from_numpy(np.stack(smoothed)).to(points.dtype)
        return replace(frame, objects=replace(frame.objects, keypoints=tensor))
