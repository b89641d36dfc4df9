"""How alike objects look, by what the network has seen of them anyway."""

from __future__ import annotations

import numpy as np

KEPT = 0.9  # part of what is usual that is left after a frame
LEARNED = 0.2  # part of a detection's look in that of its object,
DOUBTFUL = 0.3  # and of a doubtful one in parts of that
FAINT = 0.05  # a squared distance that says nothing: one object has about as much from frame to frame


class Looks:
    """What T objects look like, in rows of numbers ``[T, E]``, beside what is usual in the video.

    Rows of a network have most in common, whatever they are of: two objects look alike where they differ from the usual
    in the same way. The row of an object of which nobody has said what it looks like is not a number.
    """

    def __init__(self) -> None:
        self.rows = np.zeros((0, 0), np.float32)
        self.usual = np.zeros(0, np.float32)  # [E]

    def meet(self, seen: np.ndarray) -> None:
        """Learn what is usual from the detections ``[N, E]`` of the next frame."""
        if not len(seen):
            return
        mean = seen.mean(0)
        if self.usual.shape != mean.shape:
            self.rows, self.usual = np.full((len(self.rows), len(mean)), np.nan, np.float32), mean
        self.usual = KEPT * self.usual + (1 - KEPT) * mean

    def begin(self, count: int, seen: np.ndarray | None) -> None:
        """Add so many objects, which look like ``seen [count, E]`` where that is said."""
        known = seen if seen is not None and count else np.full((count, self.rows.shape[1]), np.nan)
        self.rows = np.concatenate([self.rows, known.astype(np.float32)])

    def keep(self, which: np.ndarray) -> None:
        """Keep only the objects at ``which``, bool or int64."""
        self.rows = self.rows[which]

    def see(self, which: np.ndarray, seen: np.ndarray, sure: np.ndarray) -> None:
        """Learn from what was detected of objects.

        Args:
            which: int64 ``[N]``: their places.
            seen: ``[N, E]``.
            sure: bool ``[N]``; the others teach less.
        """
        if not len(which):
            return
        own = self.rows[which]
        part = (LEARNED * np.where(sure, 1.0, DOUBTFUL)).astype(np.float32)[:, None]
        self.rows[which] = np.where(np.isnan(own), seen, own + part * (seen - own))

    def alike(self, seen: np.ndarray) -> np.ndarray:
        """How alike each object and each of ``seen [N, E]`` look.

        It is the cosine of what they differ from the usual by (Dice's form of it, so that lengths count), but 1 where
        both hardly differ from it: of an object that is alone, the usual is itself.

        Returns:
            float64 ``[T, N]``, 0..1; not a number where nobody has said what an object looks like.
        """
        if not len(self.rows) or not len(seen):  # of a video's first, empty frames not even E is known
            return np.full((len(self.rows), len(seen)), np.nan)
        own, other = self.rows - self.usual, seen - self.usual
        lengths = (own**2).sum(1)[:, None] + (other**2).sum(1)[None]
        worth: np.ndarray = ((2 * own @ other.T + FAINT) / (lengths + FAINT)).clip(0, 1).astype(np.float64)
        return worth
