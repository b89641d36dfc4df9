"""The simpler motion that the filter is measured against: the mean velocity of the last frames, as in C-BIoU."""

from __future__ import annotations

import numpy as np

from maskrcnn.tracking.motion import Motion, to_place


class MeanVelocity(Motion):
    """Objects stay as they were last seen and go on at the mean speed of their last sightings.

    Args:
        ndim: D.
        span: frames that the mean is of.
    """

    def __init__(self, ndim: int, span: int = 5) -> None:
        super().__init__(ndim)
        self.span, self.now = span, 0
        self.past: list[list[tuple[int, np.ndarray]]] = []

    def begin(self, boxes: np.ndarray) -> None:
        super().begin(boxes)
        self.past += [[(self.now, place)] for place in to_place(boxes)]

    def keep(self, which: np.ndarray) -> None:
        super().keep(which)
        self.past = [self.past[i] for i in np.arange(len(self.past))[which]]

    def advance(self, frames: int = 1) -> None:
        self.now += frames
        self.place = self.place + frames * self.speed

    def see(self, which: np.ndarray, boxes: np.ndarray) -> None:
        for i, place in zip(which.tolist(), to_place(boxes)):
            past = [*(each for each in self.past[i] if self.now - each[0] <= self.span or each is self.past[i][-1])]
            (begun, first), self.past[i] = past[0], [*past, (self.now, place)]
            self.place[i] = place
            self.speed[i] = (place - first) / (self.now - begun)
            self.speed[i, self.ndim :] = 0
