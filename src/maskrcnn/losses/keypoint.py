"""The keypoint head's loss: cross-entropy over all bins of the heatmap of each point (Mask R-CNN, section 5)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from maskrcnn.losses.terms import Term
from maskrcnn.ops.keypoints import encode_keypoints
from maskrcnn.ops.nd import full
from maskrcnn.structures import Instances


def keypoint_loss(logits: Tensor, keypoints: Tensor, boxes: Tensor, weight: float = 1.0) -> dict[str, Term]:
    """Cross-entropy over the bins of the heatmap of every labelled keypoint that lies in its
    proposal.

    Points that do not have no bin to be in.

    Args:
        logits: ``[R, P, *M]``.
        keypoints: ``[R, P, D + 1]``, of the object of each proposal.
        boxes: ``[R, 2D]``, the proposals.
        weight: factor on the loss, which begins at the logarithm of the number of bins.

    Returns:
        ``loss_keypoint``, a sum and a count.
    """
    index, valid = encode_keypoints(keypoints, boxes, logits.shape[2:])
    total = F.cross_entropy(full(logits).flatten(2)[valid], index[valid], reduction="sum")
    return {"loss_keypoint": Term(weight * total, int(valid.sum()))}


def keypoints_of(target: Instances, num_keypoints: int) -> Tensor:
    """``[N, P, D + 1]``; not labelled where the image has none."""
    ndim = target.boxes.shape[1] // 2
    blank = target.boxes.new_zeros((len(target), num_keypoints, ndim + 1))
    points = target.keypoints  # of another number are another kind of points, as validation data may have
    return blank if points is None or points.shape != blank.shape else points.to(blank.dtype)
