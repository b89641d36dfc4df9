"""Whether an exported file says what its model says: both look at the same data, and what they find is compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from maskrcnn.data.dataset import Dataset
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.evaluation.overlap import box_overlaps, mask_overlaps
from maskrcnn.inference.predictor import Predictor
from maskrcnn.structures import Instances, Record

MEASURES = ("box/AP", "mask/AP", "keypoints/AP", "semantic/mIoU")
SHOWN = 0.5  # objects that score at least this are compared one by one
SAME = 0.5  # IoU of the boxes of one object as both see it

Done = Callable[[int], None]


@dataclass(frozen=True)
class Differences:
    """How far what two models say of the same files is apart, of objects that score at least 0.5 in either.

    Attributes:
        objects: that both see.
        alone: that only one of them sees.
        box: the largest distance between two sides, in samples of the file.
        score: the largest difference.
        mask: the smallest IoU; None where there are no masks.
    """

    objects: int
    alone: int
    box: float
    score: float
    mask: float | None


@dataclass(frozen=True)
class Proof:
    """What a file is worth beside its model.

    Attributes:
        measures: of each measure (``box/AP`` ...) the model's value and the file's.
        differences: object by object.
        images: that were looked at.
        failures: a sentence for each that could not be read.
    """

    measures: dict[str, tuple[float, float]]
    differences: Differences
    images: int
    failures: tuple[str, ...] = ()

    @property
    def drop(self) -> float:
        """The largest drop of any measure."""
        return max((model - file for model, file in self.measures.values()), default=0.0)

    def lines(self) -> list[str]:
        """Both side by side as lines of text, and how far apart they are."""
        lines = [f"{'':<14}{'model':>9}{'file':>9}{'drop':>9}"]
        for name, (model, file) in self.measures.items():
            lines.append(f"{name:<14}{model:>9.4f}{file:>9.4f}{model - file:>9.4f}")
        d = self.differences
        if d.objects or d.alone:
            masks = "" if d.mask is None else f", masks at least {d.mask:.4f} IoU"
            lines.append(
                f"Of {d.objects} objects that score 0.5 or more: boxes at most {d.box:.2g} samples apart, scores "
                f"at most {d.score:.2g}{masks}; {d.alone} seen by one alone."
            )
        return lines


@dataclass(frozen=True)
class Seen:
    """What a model, or a file, says of labelled data.

    Attributes:
        metrics: see :func:`maskrcnn.evaluation.evaluate.evaluate`.
        found: in each image that could be read, all that scores at least half of 0.5.
        failures: a sentence for each that could not.
    """

    metrics: Mapping[str, float | None]
    found: tuple[Instances, ...]
    failures: tuple[str, ...]


def look(predictor: Predictor, data: Dataset, done: Done = lambda count: None) -> Seen:
    """Measure a model, or a file.

    Args:
        predictor: a model as ``predict`` runs it, or a file.
        data: labelled files of its kind.
        done: is told how many images have been looked at.

    Returns:
        What it says of them.

    Raises:
        DataError: see :func:`maskrcnn.evaluation.evaluate.evaluate`.
    """
    found: list[Instances] = []

    def watch(record: Record, image: Tensor, own: Instances) -> None:
        found.append(replace(own[own.scores >= SHOWN / 2], of_image={}))

    result, failures = evaluate(predictor, data, batch=1, progress=done, watch=watch)
    return Seen(result.metrics, tuple(found), tuple(failures))


def compare(model: Seen, file: Seen) -> Proof:
    """What a file is worth beside its model, from what both said of the same data."""
    pairs = ((name, model.metrics.get(name), file.metrics.get(name)) for name in MEASURES)
    measures = {name: (a, b) for name, a, b in pairs if a is not None and b is not None}
    return Proof(measures, differences(model.found, file.found), len(model.found), file.failures)


def differences(some: Sequence[Instances], others: Sequence[Instances]) -> Differences:
    """Compare what two models found, file by file.

    Args:
        some: of each file, in its coordinates, all that scores at least half of 0.5.
        others: the same of the other model.

    Returns:
        The largest differences.
    """
    objects = alone = 0
    box = score = 0.0
    masks: list[float] = []
    for a, b in zip(some, others):
        overlaps = box_overlaps(a.boxes.numpy(), b.boxes.numpy())[0] * (a.labels[:, None] == b.labels).numpy()
        drawn = a.regions is not None and b.regions is not None
        of_masks = mask_overlaps(a.regions, b.regions)[0] if drawn else None  # type: ignore[arg-type]
        for i, j in _pairs(overlaps):
            if max(float(a.scores[i]), float(b.scores[j])) < SHOWN:
                continue
            objects += 1
            box = max(box, float((a.boxes[i] - b.boxes[j]).abs().max()))
            score = max(score, abs(float(a.scores[i] - b.scores[j])))
            if of_masks is not None:
                masks.append(float(of_masks[i, j]))
        met = list(zip(*_pairs(overlaps))) or [(), ()]
        for found, partners in ((a, met[0]), (b, met[1])):
            lonely = torch.ones(len(found), dtype=torch.bool)
            lonely[list(partners)] = False
            alone += int((lonely & (found.scores >= SHOWN)).sum())
    return Differences(objects, alone, box, score, min(masks, default=math.nan) if masks else None)


def _pairs(overlaps: np.ndarray) -> list[tuple[int, int]]:
    """Objects that are one, best overlap first, each once."""
    pairs, left = [], overlaps.copy()
    while left.size and left.max() >= SAME:
        i, j = (int(k) for k in np.unravel_index(left.argmax(), left.shape))
        pairs.append((i, j))
        left[i], left[:, j] = -1, -1
    return pairs


@dataclass(frozen=True)
class _Told:
    """An image and what the model finds in it, as labels."""

    own: Record

    def record(self) -> Record:
        return self.own

    def num_objects(self) -> int:
        return len(self.own)


def told_by(model: Predictor, paths: Sequence[Path], read: Callable[[Path], Tensor]) -> Dataset:
    """Pictures without labels as labelled data: what the model itself finds in them.

    Args:
        model: whose objects of at least 0.5 are the labels.
        paths: of the pictures.
        read: gives the samples of one.

    Returns:
        The data, on which the model has no fault.
    """
    sources = []
    for k, path in enumerate(paths):
        image = read(path)
        found = model.with_options(score=SHOWN)(image)
        sources.append(
            _Told(
                Record(
                    str(path),
                    k,
                    path.name,
                    tuple(image.shape[1:]),
                    found.boxes.numpy(),
                    found.labels.numpy(),
                    found.regions,
                    keypoints=None if found.keypoints is None else _visible(found.keypoints),
                )
            )
        )
    names, points = model.class_names, model.info.keypoint_names
    ids = tuple(range(1, len(names) + 1))
    masks = model.info.config.mask_head is not None
    return Dataset(paths[0].parent, names, ids, sources, masks, keypoint_names=points, skeleton=model.info.skeleton)


def _visible(points: Tensor) -> np.ndarray:
    return torch.cat([points[..., :-1], torch.full_like(points[..., -1:], 2.0)], -1).numpy()
