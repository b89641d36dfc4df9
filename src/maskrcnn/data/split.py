"""Part of a data set is held out to be judged on: whole groups, never two pictures of one source on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import overload

import numpy as np

from maskrcnn.data.dataset import Dataset, RecordSource
from maskrcnn.data.source_names import group_of
from maskrcnn.errors import DataError


@dataclass(frozen=True)
class Subset(Sequence[RecordSource]):
    """Some of the images of a data set, in the order of ``indices``."""

    sources: Sequence[RecordSource]
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, index: int) -> RecordSource: ...
    @overload
    def __getitem__(self, index: slice) -> Subset: ...
    def __getitem__(self, index: int | slice) -> RecordSource | Subset:
        if isinstance(index, slice):
            return Subset(self.sources, self.indices[index])
        return self.sources[self.indices[index]]


def subset(data: Dataset, indices: Sequence[int]) -> Dataset:
    """The data set of these images alone."""
    return replace(data, sources=Subset(data.sources, tuple(indices)), problems=[])


@dataclass(frozen=True)
class Label:
    """What a split looks at in one image: its group, and how many objects of each class it shows, ``int64 [K]``."""

    group: str
    counts: np.ndarray


def split_labels(data: Dataset) -> list[Label]:
    """Group and objects of each image; one whose labels cannot be read is a group of its own without objects."""
    labels = []
    for index in range(len(data)):
        try:
            record = data[index]
        except DataError:
            labels.append(Label(f"unreadable {index}", np.zeros(len(data.class_names), dtype=np.int64)))
            continue
        own = record.labels[record.labels > 0] - 1
        if record.class_map is not None and not len(record):  # of samples each class that is there counts once
            own = np.unique(record.class_map[record.class_map > 0]).astype(np.int64) - 1
        if record.file_labels is not None:
            own = np.flatnonzero(record.file_labels == 1) if data.file_labels != "number" else own
        labels.append(Label(group_of(record), np.bincount(own, minlength=len(data.class_names))))
    return labels


def hold_out(labels: Sequence[Label], count: int) -> tuple[list[int], list[int]]:
    """Indices to train on and to validate on: at most ``count`` images in whole groups, of each class about as much.

    Groups are taken in an order that follows from their names alone (their SHA-1), so a data set that grows keeps most
    of its split. The rarest class chooses first; no class and no set loses its last group to the other side.
    """
    groups: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        groups.setdefault(label.group, []).append(index)
    if count <= 0 or len(groups) < 2:
        return list(range(len(labels))), []
    order = sorted(groups, key=lambda name: hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest())
    totals = {name: sum((labels[i].counts for i in groups[name]), np.zeros_like(labels[0].counts)) for name in order}
    held = _chosen_groups(order, groups, totals, count)
    val = sorted(index for name in held for index in groups[name])
    inside = set(val)
    return [index for index in range(len(labels)) if index not in inside], val


def _chosen_groups(
    order: Sequence[str], groups: dict[str, list[int]], totals: dict[str, np.ndarray], count: int
) -> set[str]:
    """The groups to hold out, of at most ``count`` images together."""
    left = np.sum([total > 0 for total in totals.values()], axis=0)  # groups that still teach each class
    whole = np.sum(list(totals.values()), axis=0)
    wanted = whole * (count / sum(map(len, groups.values())))
    taken, images = np.zeros_like(whole), 0
    held: set[str] = set()

    def may_take(name: str) -> bool:
        fits = images + len(groups[name]) <= count and len(held) < len(groups) - 1
        return fits and name not in held and bool((left[totals[name] > 0] > 1).all())

    # The rarest class chooses first. What is still free then goes to any group, so that images without objects are
    # judged on too.
    for k in [*np.argsort(whole, kind="stable"), None]:
        for name in order:
            if k is not None and (taken[k] >= wanted[k] or not totals[name][k]):
                continue
            if may_take(name):
                held.add(name)
                images += len(groups[name])
                taken, left = taken + totals[name], left - (totals[name] > 0)
    return held
