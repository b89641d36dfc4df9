"""Numbers as files have them, known while a sequence still runs."""

from __future__ import annotations

import numpy as np


class RunningNumbers:
    """Gives objects the numbers 1, 2, ... in the order in which they come to count, and never others afterwards: what
    is drawn while a video runs has the numbers that stand in its files at the end.

    Attributes:
        known: the number of each object that counts, by the tracker's number.
    """

    def __init__(self) -> None:
        self.known: dict[int, int] = {}

    def see(self, ids: np.ndarray, confirmed: np.ndarray) -> np.ndarray:
        """The numbers of the objects of the next frame.

        Args:
            ids: int64 ``[N]``: the tracker's.
            confirmed: bool ``[N]``: whether they count by now.

        Returns:
            Int64 ``[N]``; 0 for objects that do not count yet.
        """
        for own in sorted(ids[confirmed].tolist()):
            self.known.setdefault(own, len(self.known) + 1)
        return np.array([self.known.get(own, 0) for own in ids.tolist()], np.int64)
