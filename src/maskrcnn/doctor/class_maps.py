"""Class maps: how many samples are of each class, and classes that are missing or hardly ever seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskrcnn.data.class_maps.shares import counts_of
from maskrcnn.doctor.findings import Finding, finding
from maskrcnn.regions import Regions
from maskrcnn.structures import IGNORED, Record

FEW_IMAGES = 5  # that show a class, below which it is learned badly, if the data have more of them
NOTHING = "Every pixel is unlabelled: there is nothing to learn from."
ALL_IGNORED = "label some images first; look whether the number of the unlabelled is really meant to be ignored."
EMPTY = "They are named, but not a single pixel is of them, so they cannot be learned."
FEW = f"A class that fewer than {FEW_IMAGES} images show is learned badly or not at all."


@dataclass(frozen=True)
class Labelled:
    """What is labelled of the samples of a data set of K classes.

    Attributes:
        counts: int64 ``[n, K + 2]``: samples of labels 0..K in each image, then those that nobody labelled.
        names: of the classes.
        background: whether a sample may be of no class.
    """

    counts: np.ndarray
    names: tuple[str, ...]
    background: bool

    def classes(self) -> dict[str, int]:
        """Samples of each class."""
        return dict(zip(self.names, self.counts[:, 1:-1].sum(0).tolist()))

    def images(self) -> dict[str, int]:
        """Images in which each class is seen."""
        return dict(zip(self.names, (self.counts[:, 1:-1] > 0).sum(0).tolist()))

    def unlabelled(self) -> float:
        """The part of the samples that nobody labelled."""
        return float(self.counts[:, -1].sum() / max(self.counts.sum(), 1))

    def told_apart(self) -> np.ndarray:
        """Of each image how many classes it shows, background among them, ``[n]``."""
        seen: np.ndarray = (self.counts[:, :-1] > 0).sum(1)
        return seen


def count_samples(record: Record, num_classes: int) -> np.ndarray:
    """A row of :attr:`Labelled.counts`; zeros where there is no class map."""
    if record.class_map is None:
        return np.zeros(num_classes + 2, dtype=np.int64)
    return counts_of(record.class_map, num_classes)


def as_regions(record: Record) -> Record:
    """The record with each class of its map as one region, so that it can be asked where borders lie."""
    if record.class_map is None:
        return record
    regions = Regions.from_label_map(np.where(record.class_map == IGNORED, 0, record.class_map))
    return replace(record, regions=regions)


def sample_findings(labelled: Labelled, data: str) -> list[Finding]:
    """Nothing labelled, one class alone, or, in training data, classes that are named and rarely or never seen.

    Args:
        labelled: of one data set.
        data: ``train`` or ``val``.

    Returns:
        A finding for each kind.
    """
    images, total = labelled.images(), len(labelled.names)
    shown = int((labelled.counts[:, :-1].sum(0) > 0).sum())
    if not labelled.counts.any():  # no map could be read, which is said of each
        return []
    if not shown:
        return [finding("nothing-labelled", data, [], count=len(labelled.counts), why=NOTHING, fix=ALL_IGNORED)]
    if data != "train":
        return []
    if shown == 1:
        return [finding("class-alone", data, [next(name for name, n in images.items() if n)], total)]
    empty = [name for name, count in images.items() if not count]
    few = [f"{name}: in {n} of {len(labelled.counts)} images" for name, n in images.items() if 0 < n < FEW_IMAGES]
    enough = len(labelled.counts) >= 2 * FEW_IMAGES
    found = [finding("class-empty", data, empty, total, why=EMPTY)] if empty else []
    return found + ([finding("class-few", data, few, total, why=FEW)] if few and enough else [])


def unseen_classes(train: Labelled, val: Labelled) -> list[Finding]:
    """Classes of val of which train does not show a sample."""
    known = train.classes()
    lines = [f"{name}: {n} pixels" for name, n in val.classes().items() if n and not known.get(name)]
    return [finding("classes-differ", "val", lines, len(val.names))] if lines else []


def stack(rows: Sequence[np.ndarray], names: Sequence[str], background: bool) -> Labelled:
    """Put the counts of images together.

    Args:
        rows: int64 ``[K + 2]`` of each image.
        names: of the K classes.
        background: whether a sample may be of no class.

    Returns:
        What is labelled of all of them.
    """
    counts = np.stack(rows) if rows else np.zeros((0, len(names) + 2), dtype=np.int64)
    return Labelled(counts, tuple(names), background)
