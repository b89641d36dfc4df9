"""Confidence intervals of average precision: 95 % intervals from resampling the images with replacement.

Detections are matched to objects once, image by image. A resample only changes how often each image counts, so its
average precision follows from weighted cumulative sums over the detections in order of score.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

RECALL_STEPS = np.linspace(0.0, 1.0, 101)
CHUNK = 1 << 22  # resamples x detections that are worked on at a time: 32 MB


@dataclass(frozen=True)
class ClassMatches:
    """What matching found for one class, over all images. T IoU thresholds, N detections by falling score, I images.

    Attributes:
        image: int64 ``[N]``: which image each detection is in, 0..I - 1.
        matched: bool ``[T, N]``: the detection found an object of its own at that threshold.
        ignored: bool ``[T, N]``: the detection counts neither for nor against (it lies on a crowd).
        objects: int64 ``[I]``: how many objects there are to find in each image.
    """

    image: np.ndarray
    matched: np.ndarray
    ignored: np.ndarray
    objects: np.ndarray


def collect_matches(evaluations: Iterable[Mapping[str, Any]], num_images: int) -> list[ClassMatches]:
    """Sort the per-image results of a COCO evaluation (``eval_imgs`` of one area range, image ids 1..I) by class."""
    by_class = defaultdict(list)
    for evaluation in sorted(evaluations, key=lambda e: e["image_id"]):
        by_class[evaluation["category_id"]].append(evaluation)
    return [_collect_class(by_class[label], num_images) for label in sorted(by_class)]


def _collect_class(evaluations: list[Mapping[str, Any]], num_images: int) -> ClassMatches:
    objects = np.zeros(num_images, dtype=np.int64)
    for e in evaluations:
        objects[e["image_id"] - 1] = np.count_nonzero(~np.array(e["gtIgnore"], dtype=bool))
    image = np.repeat([e["image_id"] - 1 for e in evaluations], [len(e["dtScores"]) for e in evaluations])
    order = np.argsort(-np.concatenate([e["dtScores"] for e in evaluations]), kind="stable")
    matched, ignored = (
        np.concatenate([np.array(e[key], dtype=bool).reshape(len(e[key]), -1) for e in evaluations], axis=1)
        for key in ("dtMatched", "dtIgnore")
    )
    return ClassMatches(image[order], matched[:, order], ignored[:, order], objects)


def average_precision(matches: ClassMatches, counts: np.ndarray) -> np.ndarray:
    """COCO's 101-point average precision of one class when image i is counted ``counts[b, i]`` times.

    Args:
        matches: which detections of the class are right, image by image.
        counts: int64 ``[B, I]``.

    Returns:
        float64 ``[B, T]``; NaN where a resample holds no object of the class.
    """
    chunks = np.array_split(counts, -(-len(counts) * max(1, len(matches.image)) // CHUNK))
    return np.concatenate([_average_precision_chunk(matches, chunk) for chunk in chunks])


def _average_precision_chunk(matches: ClassMatches, counts: np.ndarray) -> np.ndarray:
    num_objects = counts @ matches.objects
    result = np.full((len(counts), len(matches.matched)), np.nan)
    some = num_objects > 0
    weights = counts[some].astype(np.int32)[:, matches.image]
    detections = np.cumsum(weights, axis=1)
    for t, (matched, ignored) in enumerate(zip(matches.matched, matches.ignored)):
        # Between true positives precision only falls and recall stands still, so these places are all that matter.
        hits, skips = np.flatnonzero(matched & ~ignored), np.flatnonzero(ignored)
        true_positives = np.cumsum(weights[:, hits], axis=1)
        skipped = np.pad(np.cumsum(weights[:, skips], axis=1), ((0, 0), (1, 0)))[:, np.searchsorted(skips, hits)]
        precision = true_positives / np.maximum(detections[:, hits] - skipped, 1)
        result[some, t] = _mean_interpolated_precision(precision, true_positives / num_objects[some, None])
    return result


def _mean_interpolated_precision(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    """Mean over COCO's recall steps of the best precision at that recall or more: ``[B, M]``, ``[B, M]`` to ``[B]``."""
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    envelope = np.pad(envelope, ((0, 0), (0, 1)))  # a recall that is never reached has precision 0
    steps = torch.from_numpy(RECALL_STEPS).repeat(len(recall), 1)
    first = torch.searchsorted(torch.from_numpy(recall).contiguous(), steps)
    means: np.ndarray = np.take_along_axis(envelope, first.numpy(), axis=1).mean(axis=1)
    return means


def ap_intervals(
    matches: list[ClassMatches], num_images: int, resamples: int, seed: int
) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of average precision, from resampling the images.

    Args:
        matches: of each class.
        num_images: that are resampled.
        resamples: how often.
        seed: of the resampling.

    Returns:
        Low and high of ``AP`` (all thresholds) and ``AP50`` (the first one); empty where there is
        nothing to find in any image.
    """
    found = [m for m in matches if m.objects.any()]
    if not found:
        return {}
    draws = np.random.default_rng(seed).multinomial(num_images, np.full(num_images, 1 / num_images), size=resamples)
    by_class = np.stack([average_precision(m, draws) for m in found])  # [K, B, T]
    by_class = by_class[:, ~np.isnan(by_class).all(axis=(0, 2))]  # a resample without one object says nothing
    series = {"AP": np.nanmean(by_class, axis=(0, 2)), "AP50": np.nanmean(by_class[..., 0], axis=0)}
    bounds = {name: np.percentile(values, [2.5, 97.5]) for name, values in series.items()}
    return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}
