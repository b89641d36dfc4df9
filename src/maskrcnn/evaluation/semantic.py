"""How well the class of every sample is told: mean IoU, accuracy, IoU of the borders, and Dice of each file."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from rich.table import Table

from maskrcnn.models.nd import max_pool
from maskrcnn.structures import IGNORED

DILATION = 0.02  # of the file's diagonal: how wide a border is (Cheng et al. 2021)
BEYOND = -9  # the label of what lies outside of a file


class SampleScores:
    """Counts of samples, file after file; nothing of a file is kept.

    Attributes:
        confusion: int64 ``[K + 1, K + 2]``: samples labelled as the row's class and told as the column's, background
            first; the last column is for classes that the data do not have.

    Args:
        class_names: of labels 1..K of the data.
        background: whether samples of no class are measured as a class of their own.
    """

    def __init__(self, class_names: Sequence[str], background: bool) -> None:
        self.class_names, self.background = tuple(class_names), background
        rows = len(class_names) + 1
        self.confusion = np.zeros((rows, rows + 1), dtype=np.int64)
        self.borders = np.zeros((2, rows), dtype=np.int64)  # shared, and of either
        self.dice: list[list[float]] = [[] for _ in range(rows)]
        self.excess: list[list[float]] = [[] for _ in range(rows)]
        self.files: list[tuple[str, float]] = []

    def add(self, labelled: np.ndarray, told: np.ndarray, name: str = "") -> None:
        """Count one file.

        Args:
            labelled: int16 ``[*S]``: 0, 1..K or ``IGNORED``; samples that nobody labelled count nowhere.
            told: int16 ``[*S]``: 0, 1..K, or K + 1 for a class that the data do not have.
            name: of the file.
        """
        rows, known = len(self.confusion), labelled != IGNORED
        if not self.background:
            known &= labelled > 0
        pairs = labelled[known].astype(np.int64) * (rows + 1) + told[known]
        own = np.bincount(pairs, minlength=rows * (rows + 1)).reshape(rows, rows + 1)
        self.confusion += own
        self._add_borders(np.where(known, labelled, IGNORED), np.where(known, told, IGNORED))
        both, true, said = own.diagonal(), own.sum(1), own.sum(0)[:rows]
        for k in np.flatnonzero(true):
            self.dice[k].append(2 * both[k] / (true[k] + said[k]))
            self.excess[k].append((said[k] - true[k]) / true[k])
        iou = both[true > 0] / (true + said - both)[true > 0]
        if len(iou):
            self.files.append((name, float(iou.mean())))

    def _add_borders(self, labelled: np.ndarray, told: np.ndarray) -> None:
        rows = len(self.confusion)
        a, b = (np.where(border(own), own, IGNORED) for own in (labelled, told))
        shared = np.bincount(a[(a == b) & (a >= 0)], minlength=rows)[:rows]
        each = [np.bincount(own[(own >= 0) & (own < rows)], minlength=rows) for own in (a, b)]
        self.borders += np.stack([shared, each[0] + each[1] - shared])

    def metrics(self) -> dict[str, float | None]:
        """By name, 0..1, None where there was no such sample: ``semantic/mIoU`` (the mean over the classes that are
        labelled, background among them where it is measured), ``semantic/accuracy``, ``semantic/boundaryIoU``,
        ``semantic/dice`` (of each class in each file, their mean), ``semantic/IoU/<class>``, ``semantic/dice/<class>``
        and ``semantic/volume_error/<class>`` (the mean of what is too much or too little, as a part of what is there).
        """
        both, true = self.confusion.diagonal(), self.confusion.sum(1)
        said = self.confusion.sum(0)[: len(true)]
        there = true > 0
        iou = _parts(both, true + said - both, there)
        borders = _parts(self.borders[0], self.borders[1], there)
        dice = [float(np.mean(own)) if own else None for own in self.dice]
        error = [float(np.mean(np.abs(own))) if own else None for own in self.excess]
        named = list(enumerate(("background", *self.class_names)))[0 if self.background else 1 :]
        foreground = [value for value in dice[1:] if value is not None]
        metrics: dict[str, float | None] = {
            "semantic/mIoU": _mean(iou),
            "semantic/accuracy": float(both.sum() / true.sum()) if true.sum() else None,
            "semantic/boundaryIoU": _mean(borders),
            "semantic/dice": _mean(foreground),
        }
        metrics |= {f"semantic/IoU/{name}": iou[k] for k, name in named}
        metrics |= {f"semantic/dice/{name}": dice[k] for k, name in named}
        return metrics | {f"semantic/volume_error/{name}": error[k] for k, name in named}

    def shares(self) -> list[tuple[str, float]]:
        """Each class that is measured with its part of the labelled samples."""
        true = self.confusion.sum(1)
        named = list(zip(("background", *self.class_names), (true / max(true.sum(), 1)).tolist()))
        return named[0 if self.background else 1 :]

    def mistakes(self, most: int = 8) -> list[tuple[str, str, float]]:
        """What is told as what else most often, as parts of the labelled samples, the most frequent first."""
        names = ("background", *self.class_names, "another class")
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        places = zip(*np.unravel_index(order, wrong.shape))
        total = max(int(self.confusion.sum()), 1)
        return [(names[i], names[j], float(wrong[i, j] / total)) for i, j in places if wrong[i, j]]


def border(labels: np.ndarray) -> np.ndarray:
    """Which samples lie within 2 % of the file's diagonal, along every axis, of another label or of the outside.

    Args:
        labels: whole numbers ``[*S]``.

    Returns:
        bool ``[*S]``.
    """
    width = max(round(DILATION * math.hypot(*labels.shape)), 1)
    values = torch.from_numpy(labels.astype(np.float32))[None, None]
    padded = F.pad(values, (width, width) * labels.ndim, value=float(BEYOND))
    high, low = padded, -padded
    for axis in range(labels.ndim):
        kernel = tuple(2 * width + 1 if k == axis else 1 for k in range(labels.ndim))
        high, low = (max_pool(own, kernel, (1,) * labels.ndim) for own in (high, low))
    found: np.ndarray = ((high != values) | (-low != values))[0, 0].numpy()
    return found


def samples_table(scores: SampleScores) -> Table:
    """The measures to print: of all classes, and of each."""
    metrics = scores.metrics()
    table = Table(title=f"the class of every sample, in {len(scores.files)} files")
    for column in ("", "IoU", "Dice", "part of the samples"):
        table.add_column(column, justify="left" if not column else "right")
    for name, share in scores.shares():
        numbers = [metrics[f"semantic/{what}/{name}"] for what in ("IoU", "dice")]
        table.add_row(name, *("-" if n is None else f"{n:.3f}" for n in numbers), f"{share:.1%}")
    table.add_section()
    for name, words in (("mIoU", "mean IoU"), ("accuracy", "accuracy"), ("boundaryIoU", "mean IoU of borders")):
        value = metrics[f"semantic/{name}"]
        table.add_row(words, "-" if value is None else f"{value:.3f}", "", "")
    return table


def _parts(counts: np.ndarray, of: np.ndarray, there: np.ndarray) -> list[float | None]:
    return [float(n / m) if ok and m else None for n, m, ok in zip(counts, of, there)]


def _mean(values: Sequence[float | None]) -> float | None:
    some = [value for value in values if value is not None]
    return float(np.mean(some)) if some else None
