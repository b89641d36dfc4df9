"""Counts what goes right and wrong on a data set, image by image: only counts and the few best and worst images are
kept, so that thousands of images cost no more memory than one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from maskrcnn.data.dataset import Dataset
from maskrcnn.evaluation.evaluate import match_classes
from maskrcnn.evaluation.misses.matching import (
    FALSE_KINDS,
    FOREGROUND,
    NOBODY,
    Matches,
    Scene,
    best_first,
    confusion,
    false_kinds,
    lay_out,
    match_scene,
    shown_matches,
)
from maskrcnn.evaluation.misses.stages import CAUSES, SURVIVED
from maskrcnn.evaluation.misses.trace import sizes, trace
from maskrcnn.inference.predictor import Predictor
from maskrcnn.structures import Instances, Record

SHOWN_FROM = 0.5  # the score from which ``maskrcnn predict`` shows an object unless it is told another
SCORE_BINS = 100
SIZE_EDGES = (8, 16, 32, 64, 128, 256)  # samples of the file
PICTURES = 4


@dataclass(frozen=True)
class Missed:
    """One object that was not found.

    Attributes:
        cause: index of :data:`maskrcnn.evaluation.misses.stages.CAUSES`.
        label: of the data set.
        size: geometric mean of its box's lengths in samples of the file.
        seen: the same in samples of the network's input; 0 where it was not traced.
        score: the best score of its class among boxes that cover it, 0 where none does or it was not traced.
    """

    cause: int
    label: int
    size: float
    seen: float = 0.0
    score: float = 0.0


@dataclass(frozen=True)
class Judged:
    """An image with what is right and wrong in it.

    Attributes:
        found: detections that are shown, best first.
        kinds: int64 ``[N]``: what each is, see :func:`maskrcnn.evaluation.misses.matching.false_kinds`.
        neutral: bool ``[N]``: it counts neither for nor against.
        causes: int64 ``[M]``: why each object was missed; -1 for one that was found or is none to find.
        right, wrong, lost: how many detections are right and false, and objects missed.
    """

    record: Record
    found: Instances
    kinds: np.ndarray
    neutral: np.ndarray
    causes: np.ndarray
    right: int
    wrong: int
    lost: int

    @property
    def f1(self) -> float:
        """2 right / (2 right + false + missed), 0..1."""
        return f1(self.right, self.wrong, self.lost)


def f1(right: float, wrong: float, lost: float) -> float:
    """The harmonic mean of precision and recall.

    Args:
        right: detections that find an object.
        wrong: detections that do not.
        lost: objects that are not found.

    Returns:
        0..1; 0 where there is nothing at all.
    """
    return 2 * right / max(2 * right + wrong + lost, 1)


@dataclass
class Diagnosis:
    """What was gathered of all images. K classes of the data set.

    Attributes:
        class_names: of labels 1..K.
        masks: whether objects count as found by their masks, or else by their boxes (an IoU of 0.5).
        threshold: detections that score more are shown.
        images: how many were looked at.
        tiled: how many of them were cut into tiles.
        objects, found: int64 ``[K + 1]`` by label (0: none): to find, and found.
        missed: one for each that was not found.
        false: int64 ``[K + 1, kinds]``: false detections that are shown, see ``FALSE_KINDS``.
        confusion: int64 ``[K + 1, K + 1]``: object by detection, 0 for nothing.
        by_score: int64 ``[2, 100]``: of all detections, shown or not, with scores in (k, k + 1] hundredths, how many
            are false and right.
        by_size: int64 ``[2, 7]``: objects to find and found, by their size in the file, see ``SIZE_EDGES``.
        worst, best: the images with most to see.
    """

    class_names: tuple[str, ...]
    masks: bool
    threshold: float = SHOWN_FROM
    images: int = 0
    tiled: int = 0
    missed: list[Missed] = field(default_factory=list)
    worst: list[Judged] = field(default_factory=list)
    best: list[Judged] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = len(self.class_names) + 1
        self.objects, self.found = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self.false = np.zeros((count, len(FALSE_KINDS)), np.int64)
        self.confusion = np.zeros((count, count), np.int64)
        self.by_score = np.zeros((2, SCORE_BINS), np.int64)
        self.by_size = np.zeros((2, len(SIZE_EDGES) + 1), np.int64)

    def causes(self) -> np.ndarray:
        """How many objects were missed for each of ``CAUSES``."""
        return np.bincount([m.cause for m in self.missed], minlength=len(CAUSES))

    def add(self, scene: Scene, record: Record, found: Instances, missed: dict[int, Missed]) -> None:
        """Count one image.

        Args:
            scene: its detections and labels, and how they overlap.
            record: its labels.
            found: its detections, best first.
            missed: why objects were missed, by their place in the record.
        """
        everything = match_scene(scene)
        shown = scene.scores > self.threshold
        matches = shown_matches(everything, shown)
        kinds = false_kinds(scene, matches)
        there, hit = ~scene.ignored, matches.detection_of != NOBODY
        count = len(self.objects)
        self.images += 1
        self.objects += np.bincount(scene.truth[there], minlength=count)
        self.found += np.bincount(scene.truth[hit], minlength=count)
        self.missed += missed.values()
        wrong = kinds != NOBODY
        np.add.at(self.false, (scene.labels[: len(kinds)][wrong], kinds[wrong]), 1)
        for pair in confusion(scene, matches):
            self.confusion[pair] += 1
        self._count_scores(scene, everything)
        place = np.digitize(sizes(torch.from_numpy(record.boxes.astype(np.float64))).numpy(), SIZE_EDGES)
        self.by_size[0] += np.bincount(place[there], minlength=self.by_size.shape[1])
        self.by_size[1] += np.bincount(place[hit], minlength=self.by_size.shape[1])
        causes = np.array([missed[m].cause if m in missed else NOBODY for m in range(len(record))], dtype=np.int64)
        counts = int(hit.sum()), int(wrong.sum()), len(missed)
        self._keep(Judged(record, found[: len(kinds)], kinds, matches.neutral, causes, *counts))

    def _count_scores(self, scene: Scene, matches: Matches) -> None:
        place = np.ceil(scene.scores.astype(np.float64) * SCORE_BINS).astype(np.int64).clip(1, SCORE_BINS) - 1
        right = matches.object_of != NOBODY
        counted = right | ~matches.neutral
        np.add.at(self.by_score, (right[counted].astype(np.int64), place[counted]), 1)

    def _keep(self, image: Judged) -> None:
        if image.wrong + image.lost:
            self.worst.append(image)
            self.worst.sort(key=lambda j: (j.f1, -j.wrong - j.lost))
            del self.worst[PICTURES:]
        if image.right:
            self.best.append(image)
            self.best.sort(key=lambda j: (-j.f1, -j.right))
            del self.best[PICTURES:]


class Watcher:
    """Looks at each image while a predictor is evaluated and gathers a :class:`Diagnosis`.

    Args:
        predictor: the one that is evaluated.
        dataset: what it is evaluated on.
        threshold: detections that score more are shown.
    """

    def __init__(self, predictor: Predictor, dataset: Dataset, threshold: float = SHOWN_FROM) -> None:
        self.predictor, self.dataset = predictor, dataset
        own = match_classes(predictor.class_names, dataset)
        self.own_labels = {label: k for k, label in enumerate(own, start=1) if label}
        masks = dataset.has_masks and predictor.model.config.mask_head is not None
        self.diagnosis = Diagnosis(dataset.class_names, masks, threshold)

    def __call__(self, record: Record, image: Tensor, found: Instances) -> None:
        """One image ``[C, *S]`` with its labels and all that was found in it, under the data set's labels."""
        found = best_first(found)
        scene = lay_out(record, found, self.diagnosis.masks)
        matches = shown_matches(match_scene(scene), scene.scores > self.diagnosis.threshold)
        lost = np.flatnonzero((matches.detection_of == NOBODY) & ~scene.ignored)
        tiling = self.predictor.tiling
        self.diagnosis.tiled += tiling is not None and tiling.applies_to(image.shape[1:])
        self.diagnosis.add(scene, record, found, self._explain(scene, record, image, lost))

    def _explain(self, scene: Scene, record: Record, image: Tensor, lost: np.ndarray) -> dict[int, Missed]:
        """Why each of the objects ``lost`` was missed. What the final detections show needs no trace."""
        boxes = torch.from_numpy(record.boxes.astype(np.float32))
        labels, long = scene.truth.tolist(), sizes(boxes).tolist()
        reasons = {m: self._reason(scene, m) for m in lost.tolist()}
        traced = [m for m, reason in reasons.items() if reason is None]
        missed = {m: Missed(cause, labels[m], long[m]) for m, cause in reasons.items() if cause is not None}
        if traced:
            own = [self.own_labels[labels[m]] for m in traced]
            results, seen = trace(self.predictor, image, boxes[traced], own, self.diagnosis.threshold)
            for m, fate, size in zip(traced, results, seen):
                cause = CAUSES.index("joined") if fate.cause == SURVIVED else fate.cause
                missed[m] = Missed(cause, labels[m], long[m], size, fate.score)
        return {m: missed[m] for m in sorted(missed)}

    def _reason(self, scene: Scene, m: int) -> int | None:
        """The cause, where the class or the final detections tell it."""
        if int(scene.truth[m]) not in self.own_labels:
            return CAUSES.index("unknown class")
        own = (scene.labels == scene.truth[m]) & (scene.scores > self.diagnosis.threshold)
        if (own & (scene.judged[0][:, m] >= FOREGROUND)).any():
            return CAUSES.index("joined")
        if scene.masks and (own & (scene.boxes[0][:, m] >= FOREGROUND)).any():
            return CAUSES.index("mask")
        return None
