"""MOTChallenge's text, with a detection or an object of a frame on each line.

The columns are ``frame, id, x, y, width, height, score, ...``. x and y are of the upper left corner, and MOTChallenge
counts pixels from 1, which moves every box alike and is kept as it is. ``id`` is -1 in detections. In ground truth,
``score`` is 0 for what is not judged, and the next column, of MOT16 and later, is a class of which 1 is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskrcnn.data.parsing.numbers import finite_numbers
from maskrcnn.data.parsing.text import all_lines
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write, is_file, why_missing

COLUMNS = "frame, id, x, y, width, height and score"
HEAD = "frame"  # begins a line of column names, which some programs write
FEWEST = 6  # columns: the score may be left out
JUDGED = (-1.0, 1.0)  # classes
UNKNOWN = ("-1", "-1", "-1")  # where in the world it is


@dataclass(frozen=True)
class Rows:
    """The lines of a file, in rising order of frames.

    Attributes:
        frames: int64 ``[N]``.
        ids: int64 ``[N]``, -1 where there are none.
        boxes: float64 ``[N, 4]``, corners.
        scores: float64 ``[N]``, 1 where none is given.
        classes: float64 ``[N]``, -1 where none is given.
        cells: the text of each line's box and score, five cells, to be written as it was read.
        flat: how many lines were left out because their boxes have no area.
    """

    frames: np.ndarray
    ids: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    cells: list[tuple[str, ...]]
    flat: int = 0

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, which: np.ndarray) -> Rows:
        """Those at ``which``, bool or int64."""
        chosen = np.arange(len(self))[which]
        cells = [self.cells[i] for i in chosen]
        boxes, scores, classes = self.boxes[chosen], self.scores[chosen], self.classes[chosen]
        return Rows(self.frames[chosen], self.ids[chosen], boxes, scores, classes, cells, self.flat)


def read_rows(path: Path) -> Rows:
    """Detections, tracks or ground truth.

    Raises:
        DataError: no such file, or a line that is none.
    """
    if not is_file(path):
        raise DataError(why_missing(path))
    numbers, cells, flat = [], [], 0
    for count, line in enumerate(all_lines(path), 1):
        parts = [part.strip() for part in re.split(r"[,;]|\s+", line) if part.strip()]
        if not parts or (count == 1 and parts[0].lower() == HEAD):
            continue
        row = finite_numbers(parts[:9]) if len(parts) >= FEWEST else None
        if row is None or row[0] != int(row[0]) or row[1] != int(row[1]) or row[0] < 0:
            raise DataError(
                f"{path}, line {count}: {line[:60]!r} is no detection: write {COLUMNS}, as MOTChallenge does."
            )
        if (row[4:6] <= 0).any():
            flat += 1
            continue
        numbers.append([*row, *[1.0, -1.0, -1.0][len(row) - FEWEST :]][:8])
        cells.append((*parts[2:6], parts[6] if len(parts) > FEWEST else "1"))
    table = np.array(numbers, np.float64).reshape(-1, 8)
    order = np.argsort(table[:, 0], kind="stable")
    table = table[order]
    boxes = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6]], 1)
    frames, ids = table[:, :2].astype(np.int64).T
    return Rows(frames, ids, boxes, table[:, 6], table[:, 7], [cells[i] for i in order], flat)


def judged(truth: Rows) -> Rows:
    """Of ground truth what is judged."""
    return truth[(truth.scores != 0) & np.isin(truth.classes, JUDGED)]


def usable_scores(path: Path, scores: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Scores by which sure detections are told from doubtful ones; all are sure where they are no parts of 1."""
    if len(scores) == 0 or (scores.min() >= 0 and scores.max() <= 1):
        return scores, []
    return np.ones_like(scores), [
        f"{path}: its scores lie between {scores.min():g} and {scores.max():g} instead of 0 and 1, so every detection "
        "was taken for sure; they are written as they are."
    ]


def write_tracks(path: Path, lines: Iterable[tuple[int, int, tuple[str, ...]]]) -> None:
    """Write tracks as MOTChallenge reads results.

    Args:
        path: of the file.
        lines: frame, number, and the cells of box and score; written in rising order of frames, then of numbers.
    """
    text = "".join(
        ",".join([str(frame), str(number), *cells, *UNKNOWN]) + "\n"
        for frame, number, cells in sorted(lines, key=lambda line: line[:2])
    )
    with atomic_write(path) as beside:
        beside.write_text(text, encoding="utf-8")
