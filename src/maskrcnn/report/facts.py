"""The facts that the page shows: metrics, causes of misses, kinds of false detections, and sums of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from maskrcnn.config import ModelConfig, PreprocessConfig
from maskrcnn.evaluation.coco import CocoResult
from maskrcnn.evaluation.misses.diagnosis import SCORE_BINS, Diagnosis, f1
from maskrcnn.evaluation.misses.matching import FALSE_KINDS
from maskrcnn.evaluation.misses.stages import CAUSES
from maskrcnn.inference.predictor import Predictor

ENOUGH = 0.01  # of F1: less is not worth another setting


@dataclass(frozen=True)
class Before:
    """The run before, measured on the same data.

    Attributes:
        folder: of its ``metrics.json``.
        metrics: what that holds.
    """

    folder: str
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """What the sections are given.

    Attributes:
        content: exactly what ``metrics.json`` holds.
        result: the evaluation.
        diagnosis: what went right and wrong.
        config: of the model, as it was evaluated.
        preprocess: with the image size that was used.
        failures: a sentence for each image that could not be read.
        timed: whether the model was trained in a time that the user gave.
        of_training: sentences about the training that made the model, where its log is at hand.
        before: the run before, if there is one to compare with.
    """

    content: dict[str, Any]
    result: CocoResult
    diagnosis: Diagnosis
    config: ModelConfig
    preprocess: PreprocessConfig
    failures: list[str]
    timed: bool = False
    of_training: tuple[str, ...] = ()
    before: Before | None = None

    @staticmethod
    def of(
        content: dict[str, Any],
        result: CocoResult,
        diagnosis: Diagnosis,
        predictor: Predictor,
        failures: list[str],
        of_training: tuple[str, ...] = (),
    ) -> Facts:
        """Gather all that the page is made of.

        Args:
            content: of ``metrics.json``.
            result: of the evaluation.
            diagnosis: what was found, missed and made up, image by image.
            predictor: the one that was measured.
            failures: a sentence for each image that could not be read.
            of_training: sentences about the training that made the model.

        Returns:
            The facts.
        """
        config, timed = predictor.model.config, "time" in predictor.info.notes
        return Facts(content, result, diagnosis, config, predictor.preprocess, failures, timed, of_training)

    def own_side(self) -> float:
        """The longer side of the images as they are in their files, as far as the objects that were missed tell."""
        scales = [m.seen / m.size for m in self.diagnosis.missed if m.size > 0 and m.seen > 0]
        return self.preprocess.max_size / float(np.median(scales)) if scales else float(self.preprocess.max_size)

    @property
    def kind(self) -> str:
        """What objects are judged by: ``mask`` or ``box``."""
        return "mask" if self.diagnosis.masks and "mask" in self.result.precision else "box"

    @property
    def right(self) -> int:
        return int(self.diagnosis.found.sum())

    @property
    def wrong(self) -> int:
        return int(self.diagnosis.false.sum())

    @property
    def lost(self) -> int:
        return len(self.diagnosis.missed)

    @property
    def objects(self) -> int:
        return int(self.diagnosis.objects.sum())

    @property
    def f1(self) -> float:
        return f1(self.right, self.wrong, self.lost)

    def causes(self) -> dict[str, int]:
        """How many objects were missed for which cause, in the order of the model's steps."""
        return dict(zip(CAUSES, self.diagnosis.causes().tolist()))

    def false_kinds(self) -> dict[str, int]:
        return dict(zip(FALSE_KINDS, self.diagnosis.false.sum(0).tolist()))

    def at_score(self, hundredths: int) -> tuple[int, int, float]:
        """Objects found, false detections and F1 if what scores more than this were shown."""
        wrong, right = self.diagnosis.by_score[:, hundredths:].sum(1).tolist()
        return right, wrong, f1(right, wrong, self.objects - right)

    def best_score(self) -> int:
        """The threshold, in steps of 0.05 as hundredths, with the highest F1; the present one unless it is worse."""
        now = round(self.diagnosis.threshold * SCORE_BINS)
        best = max(range(5, SCORE_BINS, 5), key=lambda k: self.at_score(k)[2])
        return best if self.at_score(best)[2] > self.at_score(now)[2] + ENOUGH else now

    def missed_sizes(self, cause: str, seen: bool = True) -> np.ndarray:
        """Lengths of the objects missed for ``cause``, as the network saw them or as they are in the file."""
        index = CAUSES.index(cause)
        return np.array([m.seen if seen else m.size for m in self.diagnosis.missed if m.cause == index])

    @property
    def mostly_tiled(self) -> bool:
        """Whether most images were cut into tiles, so that tiles are a likely reason."""
        return self.diagnosis.tiled > self.diagnosis.images / 2

    def missed_labels(self, cause: str) -> list[str]:
        """The classes of the objects missed for ``cause``, the most frequent first."""
        index = CAUSES.index(cause)
        counts = np.bincount(
            [m.label for m in self.diagnosis.missed if m.cause == index], minlength=len(self.diagnosis.objects)
        )
        order = np.argsort(-counts, kind="stable")
        return [self.diagnosis.class_names[k - 1] for k in order if counts[k]]
