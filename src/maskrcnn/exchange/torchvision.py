"""The dict that torchvision's detection models give for each image."""

from __future__ import annotations

import torch
from torch import Tensor

from maskrcnn.structures import Instances


def to_torchvision(found: Instances) -> dict[str, Tensor]:
    """Objects as ``torchvision.models.detection`` models return them.

    Args:
        found: the objects of one picture.

    Returns:
        ``boxes`` float ``[N, 4]``, ``labels`` int64 ``[N]`` (1..K), ``scores`` float ``[N]``, and where there are such
        ``masks`` float ``[N, 1, H, W]`` (0 or 1: torchvision gives probabilities, usually cut at 0.5), ``keypoints``
        float ``[N, P, 3]`` (x, y, 1) and ``keypoints_scores`` float ``[N, P]``.
    """
    given = {"boxes": found.boxes.float(), "labels": found.labels, "scores": found.scores.float()}
    if found.regions is not None:
        given["masks"] = torch.zeros(len(found), 1, *found.regions.spatial_shape)
        for i, mask in enumerate(given["masks"]):
            mask[0] = torch.from_numpy(found.regions.mask(i))
    if found.keypoints is not None:
        places, scores = found.keypoints.float().split([2, 1], dim=-1)
        given["keypoints"] = torch.cat([places, torch.ones_like(scores)], dim=-1)
        given["keypoints_scores"] = scores[..., 0]
    return given
