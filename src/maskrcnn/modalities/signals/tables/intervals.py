"""Labelled intervals of recordings while a reader gathers them, and the data set that is made of them in the end.

A position is a sample's number and sample k covers [k, k + 1), so the interval of samples 10 to 19 is [10, 20).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.errors import DataError
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

Part = tuple[int, int]


@dataclass(frozen=True)
class Interval:
    """One labelled object of a recording.

    Attributes:
        name: of the class.
        parts: the samples that it surely covers, as ``(first, behind the last)``, in rising order, apart.
        box: from where to where it goes, where that is more than the parts; None: from the first part to the last.
        unknown: for the low and the high side, True where nobody labelled it.
        crowd: a stretch in which there may be objects of this class that nobody labelled.
    """

    name: str
    parts: tuple[Part, ...]
    box: tuple[float, float] | None = None
    unknown: tuple[bool, bool] = (False, False)
    crowd: bool = False

    def sides(self) -> tuple[float, float]:
        return self.box or (self.parts[0][0], self.parts[-1][1])


@dataclass
class LabelledSignal:
    """A recording and what was labelled in it.

    Attributes:
        path: of the file that :func:`maskrcnn.modalities.signals.read.read_signal` reads.
        length, rate: as its header says.
        intervals: in the order of the label file.
        extent: the part that was labelled; None: all of it.
        group: of recordings that must fall on one side of a split.
    """

    path: Path
    length: int
    rate: float
    intervals: list[Interval] = field(default_factory=list)
    extent: tuple[float, float] | None = None
    group: str | None = None

    def record(self, labels: dict[str, int], image_id: str) -> Record:
        """The record, given the number of each class."""
        found = self.intervals
        return Record(
            source=str(self.path),
            image_id=image_id,
            file_name=self.path.name,
            spatial_shape=(self.length,),
            boxes=np.array([i.sides() for i in found], dtype=np.float32).reshape(-1, 2),
            labels=np.array([labels[i.name] for i in found], dtype=np.int64),
            regions=interval_regions(self.length, [i.parts for i in found]),
            crowd=np.array([i.crowd for i in found], dtype=bool),
            areas=np.array([sum(high - low for low, high in i.parts) for i in found], dtype=np.float64),
            spacing=(1 / self.rate,),
            sampling_rate=self.rate,
            unknown_sides=np.array([i.unknown for i in found], dtype=bool).reshape(-1, 2),
            extent=None if self.extent is None else np.array(self.extent, dtype=np.float64),
            group=self.group,
        )


@dataclass(frozen=True)
class SignalRecord:
    """Where one record of :func:`signal_dataset` comes from."""

    signal: LabelledSignal
    labels: dict[str, int]
    image_id: str

    def record(self) -> Record:
        return self.signal.record(self.labels, self.image_id)

    def num_objects(self) -> int:
        return sum(not interval.crowd for interval in self.signal.intervals)


def signal_dataset(
    path: Path, signals: Sequence[LabelledSignal], problems: list[str], class_names: Sequence[str] = ()
) -> Dataset:
    """The data set of ``signals``. Whoever opens it says how its samples are read.

    Args:
        path: what was opened.
        signals: in order; what passes their ends is cut off here, and what lies outside is left
            out.
        problems: what was found so far; it is added to.
        class_names: in order; names that intervals have beside them follow in alphabetical order.

    Returns:
        The data set.

    Raises:
        DataError: where the labels of every recording lie beyond its end.
    """
    signals = [signal for signal in signals if _keep_inside(signal, problems)]
    if not signals:
        raise DataError(f"{path}: not one recording can be used; the first fault: {first_fault(problems)}")
    used = sorted({interval.name for signal in signals for interval in signal.intervals})
    names = tuple(dict.fromkeys([*class_names, *used]))
    labels = {name: label for label, name in enumerate(names, start=1)}
    stems = Counter(signal.path.stem for signal in signals)  # a list may name recordings of several folders
    ids = [signal.path.stem if stems[signal.path.stem] == 1 else str(signal.path) for signal in signals]
    sources = [SignalRecord(signal, labels, image_id) for signal, image_id in zip(signals, ids)]
    return Dataset(path, names, tuple(labels.values()), sources, has_masks=True, problems=problems)


def first_fault(problems: Sequence[str]) -> str:
    """The first sentence that says that something was left out, else the first."""
    return next((problem for problem in problems if "left out" in problem), problems[0])


def interval_regions(length: int, covers: Sequence[Sequence[Part]]) -> Regions:
    """The regions of objects of ``length`` samples, each given by its parts in rising order, apart."""
    offsets = np.array([parts[0][0] for parts in covers], dtype=np.int64).reshape(-1, 1)
    extents = np.array([parts[-1][1] - parts[0][0] for parts in covers], dtype=np.int64).reshape(-1, 1)
    runs = [np.diff([parts[0][0], *(edge for part in parts for edge in part)]).astype(np.uint32) for parts in covers]
    return Regions((length,), offsets, extents, runs)


def join_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """In rising order, with those that touch or overlap made one and empty ones left out."""
    joined: list[Part] = []
    for low, high in sorted(part for part in parts if part[0] < part[1]):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def cut_interval(interval: Interval, low: float, high: float) -> Interval | None:
    """What of ``interval`` lies in [low, high), None if nothing; a side that was cut becomes unknown where ``low`` and
    ``high`` do.

    Args:
        interval: to cut.
        low: the first sample that stays.
        high: the one behind the last.

    Returns:
        What of it lies there; None if nothing.
    """
    parts = join_parts((max(a, int(low)), min(b, int(high))) for a, b in interval.parts)
    if not parts:
        return None
    first, last = interval.sides()
    box = None if interval.box is None else (max(first, low), min(last, high))
    return Interval(interval.name, parts, box, interval.unknown, interval.crowd)


def _keep_inside(signal: LabelledSignal, problems: list[str]) -> bool:
    """Cut the intervals to the recording; whether any is left. Labels that all lie behind its end are of another
    recording or in another unit, and it is no recording of nothing."""
    count = len(signal.intervals)
    inside = _inside(signal, problems)
    if count and not inside:
        problems[-1] = f"{signal.path} was left out: all {count} intervals of its labels lie beyond its end."
    signal.intervals = inside
    return bool(inside) or not count


def _inside(signal: LabelledSignal, problems: list[str]) -> list[Interval]:
    cut = [cut_interval(interval, 0, signal.length) for interval in signal.intervals]
    outside = sum(interval is None for interval in cut)
    passing = sum(
        kept is not None and (whole.sides()[0] < 0 or whole.sides()[1] > signal.length) and not any(whole.unknown)
        for kept, whole in zip(cut, signal.intervals)
    )
    if passing:
        problems.append(f"{signal.path}: what passes the recording's end was cut off ({passing} intervals).")
    if outside:
        problems.append(f"{signal.path}: intervals beyond the recording's end were left out ({outside}).")
    return [interval for interval in cut if interval is not None]
