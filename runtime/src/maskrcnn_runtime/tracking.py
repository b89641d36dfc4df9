"""Objects followed from frame to frame, in NumPy alone: each keeps its number as long as it is seen again in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskrcnn_runtime.boxes import Array, pairwise_iou
from maskrcnn_runtime.network import Found

LEAST, CONFIRMED, MEMORY = 0.2, 3, 30  # IoU of one object in two frames; frames until it counts, and until it is lost
SMOOTH = 0.5  # how much of a new step a velocity takes


@dataclass
class Track:
    """An object: its number, class, last box ``[2D]``, velocity of that in a frame, and how often it was seen."""

    number: int
    label: int
    box: Array
    speed: Array
    seen: int = 1
    missed: int = 0


class Tracker:
    """Numbers for the objects of frame after frame.

    Attributes:
        tracks: that may still be seen again.
        counts: of each label, how many objects have been seen often enough to count.
    """

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self.counts: dict[int, int] = {}
        self.last = 0

    def __call__(self, found: Found) -> list[int]:
        """The number of each object of the next frame."""
        expected = np.array([t.box + t.speed * (t.missed + 1) for t in self.tracks], np.float32).reshape(-1, 4)
        overlap = pairwise_iou(expected, found.boxes)
        overlap *= np.array([t.label for t in self.tracks], np.int64)[:, None] == found.labels[None]
        numbers, met = [0] * len(found), set()
        for i, j in assign(np.where(overlap >= LEAST, overlap, 0)):
            if overlap[i, j] < LEAST:
                continue
            own = self.tracks[i]
            step = (found.boxes[j] - own.box) / (own.missed + 1)
            own.speed += SMOOTH * (step - own.speed)
            own.box, own.missed, own.seen = found.boxes[j].copy(), 0, own.seen + 1
            if own.seen == CONFIRMED:
                self.counts[own.label] = self.counts.get(own.label, 0) + 1
            numbers[j] = own.number
            met.add(i)
        for i, own in enumerate(self.tracks):
            own.missed += i not in met
        self.tracks = [own for own in self.tracks if own.missed <= (MEMORY if own.seen >= CONFIRMED else 1)]
        for j in (j for j, number in enumerate(numbers) if number == 0):
            self.last += 1
            numbers[j] = self.last
            box = found.boxes[j].copy()
            self.tracks.append(Track(self.last, int(found.labels[j]), box, np.zeros_like(box)))
        return numbers


def assign(worth: Array) -> list[tuple[int, int]]:
    """Pairs (row, column) of the assignment with the largest sum of ``worth [T, N]``: the Hungarian method with
    potentials, a shortest path a row (Jonker and Volgenant 1987)."""
    if worth.shape[0] > worth.shape[1]:
        return sorted((i, j) for j, i in assign(worth.T))
    rows, columns = worth.shape
    cost = np.full((rows + 1, columns + 1), 0.0)
    cost[1:, 1:] = worth.max(initial=0) - worth
    u, v = np.zeros(rows + 1), np.zeros(columns + 1)
    row_of, way = np.zeros(columns + 1, dtype=np.int64), np.zeros(columns + 1, dtype=np.int64)
    for i in range(1, rows + 1):
        row_of[0], at = i, 0
        least, used = np.full(columns + 1, np.inf), np.zeros(columns + 1, dtype=bool)
        while True:
            used[at] = True
            own = row_of[at]
            slack = cost[own] - u[own] - v
            better = ~used & (slack < least)
            better[0] = False
            least[better], way[better] = slack[better], at
            free = np.where(used, np.inf, least)
            free[0] = np.inf
            after = int(free.argmin())
            delta = free[after]
            u[row_of[used]] += delta
            v[used] -= delta
            least[~used] -= delta
            at = after
            if row_of[at] == 0:
                break
        while at:
            row_of[at], at = row_of[way[at]], int(way[at])
    return sorted((int(row_of[j]) - 1, j - 1) for j in range(1, columns + 1) if row_of[j])
