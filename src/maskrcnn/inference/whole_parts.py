"""The parts of a file that decide what it is: contributions to a label of the whole file become objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from maskrcnn.masks.components import connected_parts
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.whole.evidence import WholeEvidence
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

NOTE = "parts"  # of a model's notes: what was chosen on its validation files
RIM = 0.15  # of a part's strongest place: how strong its border is
TOLD = 0.5  # the probability from which on a label counts as the file's, of several that it may have
LEAST = 0.05  # of what a file says for (or against) a label: smaller shares are no part


def whole_evidence_of(found: Instances) -> WholeEvidence | None:
    """What a head says of the file as a whole; None where the model has no such head."""
    return next((own for own in found.of_image.values() if isinstance(own, WholeEvidence)), None)


def threshold_of(info: ModelInfo, label: int) -> float:
    """The strength (a logit) from which on a place is of a part, for label 1..K."""
    chosen = (info.notes.get(NOTE) or {}).get("threshold") or []
    return float(chosen[label - 1]) if label <= len(chosen) else 0.0


def with_whole_parts(found: Instances, info: ModelInfo, least: float = TOLD) -> Instances:
    """The parts of a file for which a model says so; other models' findings are as they were.

    A part is a connected stretch, region or block of places as strong as the threshold and as :data:`RIM` of its
    label's strongest place. Its score is the probability at that place, times that of the file; its share is its part
    of all contributions of that sign, below 0 where it speaks against the label.

    Args:
        found: in a file, in its coordinates.
        info: of the model.
        least: the probability from which on a label counts as the file's.

    Returns:
        The parts as objects, the best first, with ``share``, ``share_low`` and ``share_high`` (over resampled models)
        in ``outputs``.
    """
    own = whole_evidence_of(found)
    if own is None or info.config.finds_objects:
        return found
    parts = [part for label in _told(own, least) for part in _parts(own, label, threshold_of(info, label))]
    regions = Regions.join([part.regions for part in parts if part.regions is not None]) if parts else None
    if regions is None:
        regions = Regions.blank(own.spatial_shape)
        none = Instances(torch.zeros(0, 2 * len(own.spatial_shape)), regions=regions)
        return replace(none, of_image=found.of_image)
    joined = replace(Instances.join(parts), of_image=found.of_image)
    return joined[joined.scores.argsort(descending=True, stable=True)]


def _told(own: WholeEvidence, least: float) -> list[int]:
    """The labels 1..K that the file has, as the model says; of numbers the one that there is."""
    answer = own.answer()
    if own.kind == "number":
        return [1]
    if own.kind == "classes":
        return [int(answer.argmax()) + 1]
    return (torch.nonzero(answer >= least)[:, 0] + 1).tolist()


def _parts(own: WholeEvidence, label: int, threshold: float) -> list[Instances]:
    """The parts for a label and those against it, each sign's together."""
    strength = own.read(own.contributions()[0, label - 1][None])[0].numpy()
    contributions = own.contributions()[:, label - 1]
    file = 1.0 if own.kind == "number" else float(own.answer()[label - 1])
    found = []
    for sign in (1, -1):
        signed = sign * strength
        peak = float(signed.max())
        level = max(RIM * peak, threshold if sign > 0 else max(threshold, 0.0), 1e-6)
        if peak < level:
            continue
        numbers = connected_parts(signed >= level)
        regions = Regions.from_label_map(numbers)
        shares = shares_of(own, contributions, numbers, len(regions), sign)
        peaks = torch.tensor(
            [float(signed[regions.window_slices(i)][regions.window(i)].max()) for i in range(len(regions))]
        )
        scores = file * peaks.sigmoid() if sign > 0 else file * (-peaks).sigmoid()
        if own.kind == "number":
            scores = shares[0]
        outputs = dict(
            zip(("share", "share_low", "share_high"), sign * shares if sign > 0 else sign * shares[[0, 2, 1]])
        )
        labels = torch.full((len(regions),), label, dtype=torch.int64)
        all_parts = Instances(
            torch.from_numpy(regions.boxes()), labels, scores.float(), regions=regions, outputs=outputs
        )
        found.append(all_parts[shares[0] >= LEAST])
    return [part for part in found if len(part)]


def shares_of(own: WholeEvidence, contributions: Tensor, numbers: np.ndarray, count: int, sign: int) -> Tensor:
    """Compute which share of what the places contribute is that of each part.

    A place is counted for the parts by how many of its samples are theirs.

    Args:
        own: of the file.
        contributions: ``[M, *G]`` to one label.
        numbers: ``[*S]`` of the file: k at the samples of part k, 0 elsewhere.
        count: N, of the parts.
        sign: 1 for what speaks for the label, -1 for what speaks against it.

    Returns:
        ``[3, N]``: by the model, and the lowest and the highest of the resampled ones.
    """
    weights = _cover(numbers, own, count)
    signed = (sign * contributions).clamp(min=0).flatten(1)
    shares = signed @ weights.T / signed.sum(1, keepdim=True).clamp(min=1e-12)
    again = shares[1:] if len(shares) > 1 else shares
    return torch.stack([shares[0], torch.minimum(again.amin(0), shares[0]), torch.maximum(again.amax(0), shares[0])])


def _cover(numbers: np.ndarray, own: WholeEvidence, count: int) -> Tensor:
    """``[N, places]``: the part of each place's samples that belong to each part."""
    grid = own.scores.shape[2:]
    place = np.zeros((), dtype=np.int64)
    for side, step, cells in zip(own.spatial_shape, own.cell, grid):
        at = np.minimum(((np.arange(side) + 0.5) / step).astype(np.int64), cells - 1)
        place = place[..., None] * cells + at
    total = np.bincount(place.ravel(), minlength=int(np.prod(grid)))
    inside = numbers > 0
    pairs = (numbers[inside].astype(np.int64) - 1) * len(total) + place[inside]
    covered = np.bincount(pairs, minlength=count * len(total)).reshape(count, len(total))
    return torch.from_numpy(covered / np.maximum(total, 1)).float()


def choose_thresholds(evidence: Sequence[WholeEvidence], labels: Sequence[np.ndarray]) -> list[float]:
    """Of each label the strength that tells best the files that have it from those that have not, by their strongest
    places: midway between the two neighbours, at the highest mean of both rates, never below 0.

    Args:
        evidence: of validation files.
        labels: of each, ``[K]``.

    Returns:
        A threshold for each label; 0 where one side has no file.
    """
    peaks = np.stack([own.contributions()[0].flatten(1).amax(1).numpy() for own in evidence])
    there = np.stack(labels) > 0.5
    return [_best_cut(peaks[:, k], there[:, k]) for k in range(peaks.shape[1])]


def _best_cut(peaks: np.ndarray, there: np.ndarray) -> float:
    if not there.any() or there.all():
        return 0.0
    order = np.unique(peaks)
    cuts = np.concatenate([[0.0], (order[1:] + order[:-1]) / 2])
    rates = [(peaks[there] >= cut).mean() + (peaks[~there] < cut).mean() for cut in cuts]
    return float(max(cuts[int(np.argmax(rates))], 0.0))
