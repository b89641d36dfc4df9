"""A model that looks at one channel at a time (the leads of an ECG): what it found in each, made one.

Leads differ in number and in what they show: a P wave that is flat in one stands out in the next. So each is looked at
alone, and objects of one class that overlap between channels are one object: each of its sides is the median of the
channels that see it, a sample is its own if half of them say so, and its score is the mean of the better half of all
channels, those that do not see it counting as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.ops.nms import grouped_nms
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

SAME = 0.3  # IoU from which objects of two channels are one


def fuse_channels(found: Sequence[Instances], score_threshold: float = 0.0) -> Instances:
    """The objects of a file from those of its channels, all in the coordinates of the file and on the CPU, best first.

    Args:
        found: at least one, each without two objects of a class at one place.
        score_threshold: what scores less in the end is left out.
    """
    if len(found) == 1:
        return found[0][found[0].scores >= score_threshold]
    boxes = torch.cat([one.boxes for one in found])
    labels, scores = torch.cat([one.labels for one in found]), torch.cat([one.scores for one in found])
    channel = torch.cat([torch.full((len(one),), k) for k, one in enumerate(found)])
    leaders = grouped_nms(boxes, scores, labels, SAME)
    groups = _members(boxes, labels, scores, channel, leaders, len(found))
    fused_scores = torch.stack([_vote(scores, group) for group in groups]) if groups else scores
    fused_boxes = (
        torch.stack([boxes[[i for i in group if i >= 0]].quantile(0.5, 0) for group in groups]) if groups else boxes
    )
    order = fused_scores.argsort(descending=True, stable=True)
    order = order[fused_scores[order] >= score_threshold]
    regions = None
    if all(one.regions is not None for one in found):
        flat = [(one.regions, i) for one in found if one.regions is not None for i in range(len(one))]
        shape = flat[0][0].spatial_shape if flat else found[0].regions.spatial_shape  # type: ignore[union-attr]
        windows = (_majority([flat[i] for i in groups[k] if i >= 0]) for k in order.tolist())
        regions = Regions.from_windows(shape, windows)
    best = Instances.join([replace(one, regions=None) for one in found])[leaders[order]]  # what heads say beside
    return replace(best, boxes=fused_boxes[order], scores=fused_scores[order], regions=regions)


def _members(
    boxes: Tensor, labels: Tensor, scores: Tensor, channel: Tensor, leaders: Tensor, channels: int
) -> list[list[int]]:
    """For each leader, in every channel the object that is the same thing, or -1; each object follows one leader."""
    followers: list[list[int]] = [[-1] * channels for _ in range(len(leaders))]
    overlaps = pairwise_iou(boxes[leaders], boxes) * (labels[leaders][:, None] == labels)
    overlaps[torch.arange(len(leaders)), leaders] = 1.0  # even one without extent is itself
    best, leader = overlaps.max(0) if len(leaders) else (scores, scores.long())
    for i in scores.argsort().tolist():  # the best of a channel last, so that it stays
        if best[i] >= SAME:
            followers[int(leader[i])][int(channel[i])] = i
    return followers


def _vote(scores: Tensor, group: Sequence[int]) -> Tensor:
    """The mean score of the better half of the channels."""
    own = sorted((float(scores[i]) if i >= 0 else 0.0 for i in group), reverse=True)
    return torch.tensor(own[: (len(own) + 1) // 2]).mean()


def _majority(parts: Sequence[tuple[Regions, int]]) -> tuple[Sequence[int], np.ndarray]:
    """The samples that at least half of the masks cover: offset and window."""
    low = np.min([regions.offsets[i] for regions, i in parts], axis=0)
    high = np.max([regions.offsets[i] + regions.shapes[i] for regions, i in parts], axis=0)
    votes = np.zeros(high - low, dtype=np.int64)
    for regions, i in parts:
        begin = regions.offsets[i] - low
        votes[tuple(slice(b, b + n) for b, n in zip(begin, regions.shapes[i]))] += regions.window(i)
    return tuple(low), 2 * votes >= len(parts)
