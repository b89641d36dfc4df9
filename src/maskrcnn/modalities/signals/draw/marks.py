"""The objects of a signal made ready for drawing: colours, words, exact cover, and rows in which none hides another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import ImageFont

from maskrcnn.drawing.chips import chip_size
from maskrcnn.drawing.colours import Color, class_color, from_oklab, to_oklab
from maskrcnn.regions import stretches
from maskrcnn.structures import Instances

LIGHTEST = 0.68  # OKLab lightness above which a thin line is hard to see on white
FITTING = 0.9  # the part of the words that must find a place, else shorter words are tried


@dataclass(frozen=True)
class Marks:
    """N objects by start.

    Attributes:
        boxes: start and end, float ``[N, 2]``, in samples.
        labels: int ``[N]``, 1..K.
        scores: float ``[N]``, or None.
        cover: what each object covers, ``[n, 2]`` in samples: of its mask, or its box where there are no masks.
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray | None
    cover: list[np.ndarray]

    def within(self, low: float, high: float) -> np.ndarray:
        """Indices of the objects that reach into [low, high)."""
        return np.flatnonzero((self.boxes[:, 0] < high) & (self.boxes[:, 1] > low))


def marks_of(found: Instances | None) -> Marks:
    """The objects of a signal, ordered by start; of a truth without those that stand for several (crowds)."""
    found = None if found is None else found[~found.crowd]
    if found is None or len(found) == 0:
        return Marks(np.zeros((0, 2)), np.zeros(0, np.int64), None, [])
    found = found[found.boxes[:, 0].argsort(stable=True)]
    boxes = found.boxes.detach().cpu().double().numpy()
    labels = found.labels.detach().cpu().numpy()
    scores = None if found.scores.isnan().any() else found.scores.detach().cpu().double().numpy()
    regions = found.regions
    cover = [boxes[i : i + 1] if regions is None else stretches(regions, i) for i in range(len(found))]
    return Marks(boxes, labels, scores, cover)


@cache
def line_color(label: int) -> Color:
    """The colour of class ``label``, dark enough for a thin line on white."""
    lab = to_oklab(np.array(class_color(label)))
    red, green, blue = from_oklab(np.concatenate([[min(lab[0], LIGHTEST)], lab[1:]])).tolist()
    return red, green, blue


def legend_entries(found: Marks, truth: Marks, class_names: Sequence[str]) -> list[tuple[int, str]]:
    """Label and words of each class that was found or is true: its name and how many were found.

    Args:
        found: the objects that were found.
        truth: those that are labelled.
        class_names: of labels 1..K.

    Returns:
        (label, words), by label; objects of no class are left out.
    """
    counts = Counter(found.labels.tolist())
    present = sorted(counts.keys() | set(truth.labels.tolist()))
    return [(label, f"{class_names[label - 1]}  {counts[label]:,}") for label in present if label > 0]


def wordings(marks: Marks, class_names: Sequence[str]) -> list[list[str]]:
    """What may be written beside the objects, the fullest first: class and score, then the class alone."""
    names = [class_names[label - 1] if label > 0 else "other" for label in marks.labels.tolist()]
    if marks.scores is None:
        return [names]
    return [[f"{name} {score:.2f}" for name, score in zip(names, marks.scores.tolist())], names]


def rows_of(spans: Sequence[tuple[float, float]], most: int, gap: float = 0.0) -> list[int | None]:
    """For each span, in order of start, the first row in which none overlaps it; None beyond
    ``most`` rows.

    Args:
        spans: left and right end of each, in any unit.
        most: rows there are.
        gap: between two spans of a row, in the same unit.

    Returns:
        The row of each span, from 0.
    """
    ends = [-np.inf] * most
    rows: list[int | None] = []
    for start, end in spans:
        row = next((k for k in range(most) if ends[k] + gap <= start), None)
        if row is not None:
            ends[row] = end
        rows.append(row)
    return rows


def place_words(
    spans: np.ndarray, texts: Sequence[str], frame: tuple[float, float], most: int, font: ImageFont.FreeTypeFont
) -> list[tuple[int, int, int]]:
    """Where the words of one strip go.

    Args:
        texts: the words of each object.
        font: that they are written in.
        spans: left and right end of each object in pixels, ``[N, 2]``, by start.
        frame: left and right end of the strip in pixels.
        most: rows of words above the strip.

    Returns:
        (index, left end in pixels, row) of those that have room, row 0 nearest to the strip.
    """
    widths = {text: chip_size(text, font)[0] for text in set(texts)}
    lefts = []
    for (start, end), text in zip(spans.clip(*frame).tolist(), texts):
        lefts.append(min(max((start + end - widths[text]) / 2, frame[0]), frame[1] - widths[text]))
    order = sorted(range(len(lefts)), key=lambda i: (lefts[i], i))
    rows = rows_of([(lefts[i], lefts[i] + widths[texts[i]]) for i in order], most, gap=3)
    return [(i, round(lefts[i]), row) for i, row in zip(order, rows) if row is not None]


def fits(placed: int, wanted: int) -> bool:
    """Whether so many of the words have a place that the rest is not missed."""
    return placed >= FITTING * wanted
