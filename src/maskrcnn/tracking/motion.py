"""Where objects are expected: a Kalman filter of constant velocity for each coordinate, all objects at once.

Centres and sizes are filtered one coordinate by itself, as in SORT (Bewley et al. 2016), so the filter is the same in
any number of dimensions. Noise is a part of the object's size, as in DeepSORT (Wojke et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Noise:
    """Standard deviations in parts of the object's size along the same axis.

    Attributes:
        seen: of a detected coordinate.
        moved: of what a velocity changes in a frame.
        begun: of the velocity of an object that was seen once.
        kept: part of a velocity of size that is left after a frame; sizes breathe, they do not run away.
    """

    seen: float = 0.08
    moved: float = 0.009
    begun: float = 0.06
    kept: float = 0.3


class Motion:
    """Centres and sizes of T objects, with their velocities.

    Args:
        ndim: D.
        noise: of detections and of motion.
    """

    def __init__(self, ndim: int, noise: Noise | None = None) -> None:
        self.ndim, self.noise = ndim, noise or Noise()
        self.place = np.zeros((0, 2 * ndim))  # centres and sizes, x first
        self.speed = np.zeros((0, 2 * ndim))  # of these, in a frame
        self.spread = np.zeros((0, 2 * ndim, 3))  # variance of place, covariance, variance of speed

    def __len__(self) -> int:
        return len(self.place)

    def begin(self, boxes: np.ndarray) -> None:
        """Add objects that were seen for the first time, at ``boxes [N, 2D]``."""
        place = to_place(boxes)
        size = np.tile(place[:, self.ndim :], 2)
        spread = np.stack([(self.noise.seen * size) ** 2, 0 * size, (self.noise.begun * size) ** 2], -1)
        self.place = np.concatenate([self.place, place])
        self.speed = np.concatenate([self.speed, np.zeros_like(place)])
        self.spread = np.concatenate([self.spread, spread])

    def keep(self, which: np.ndarray) -> None:
        """Keep only the objects at ``which``, bool or int64."""
        self.place, self.speed, self.spread = self.place[which], self.speed[which], self.spread[which]

    def advance(self, frames: int = 1) -> None:
        """Go on in time by so many frames."""
        size = np.tile(self.place[:, self.ndim :], 2)
        added = (self.noise.moved * size) ** 2
        kept = np.repeat([1.0, self.noise.kept], self.ndim)
        for _ in range(frames):
            place, both, speed = np.moveaxis(self.spread, -1, 0)
            self.spread = np.stack([place + 2 * both + speed, kept * (both + speed), kept**2 * speed + added], -1)
            self.place = self.place + self.speed
            self.speed = self.speed * kept
        self.place[:, self.ndim :] = np.maximum(self.place[:, self.ndim :], 0.5 * size[:, self.ndim :])

    def see(self, which: np.ndarray, boxes: np.ndarray) -> None:
        """Correct the objects at ``which`` (int64 ``[N]``) by where they were seen, ``boxes [N, 2D]``."""
        seen = to_place(boxes)
        place, both, speed = np.moveaxis(self.spread[which], -1, 0)
        noise = (self.noise.seen * np.tile(seen[:, self.ndim :], 2)) ** 2
        gain, gain_speed = place / (place + noise), both / (place + noise)
        wrong = seen - self.place[which]
        self.place[which] += gain * wrong
        self.speed[which] += gain_speed * wrong
        corrected = [(1 - gain) * place, (1 - gain) * both, speed - gain_speed * both]
        self.spread[which] = np.stack(corrected, -1)

    def boxes(self) -> np.ndarray:
        """Where the objects are expected, float64 ``[T, 2D]``, x first."""
        centre, half = self.place[:, : self.ndim], self.place[:, self.ndim :] / 2
        return np.concatenate([centre - half, centre + half], 1)


def to_place(boxes: np.ndarray) -> np.ndarray:
    """Centres and sizes ``[N, 2D]`` of boxes ``[N, 2D]``; no size is below a thousandth of a sample."""
    low, high = np.split(np.asarray(boxes, np.float64), 2, axis=1)
    return np.concatenate([(low + high) / 2, np.maximum(high - low, 1e-3)], 1)
