"""The box head's two losses (Fast R-CNN, equation 1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from maskrcnn.config import LossConfig
from maskrcnn.losses.sampling import SampledProposals
from maskrcnn.losses.terms import Term, smooth_l1
from maskrcnn.ops.box_coding import default_weights, encode_boxes
from maskrcnn.ops.nd import full
from maskrcnn.structures import Instances


def box_losses(
    logits: Tensor,
    deltas: Tensor,
    sampled: Sequence[SampledProposals],
    targets: Sequence[Instances],
    config: LossConfig,
) -> dict[str, Term]:
    """Class over all sampled proposals, and the box over the positive ones, counted by all sampled ones.

    Args:
        logits: ``[R, K + 1]``; deltas: ``[R, K or 1, 2D]``: the sampled proposals of all images in a row.
    """
    labels = torch.cat([image.labels for image in sampled])
    class_loss = F.cross_entropy(full(logits), labels, reduction="sum")
    proposals = torch.cat([image.boxes for image in sampled])
    positive = (labels > 0).nonzero().squeeze(1)
    boxes = torch.cat([target.boxes[image.matched] for image, target in zip(sampled, targets)])
    goal = encode_boxes(boxes, proposals[positive], default_weights(boxes.shape[1] // 2))
    column = labels[positive] - 1 if deltas.shape[1] > 1 else torch.zeros_like(positive)
    box_loss = smooth_l1(full(deltas[positive, column]), goal, config.box_smooth_l1_beta)
    return {"loss_box_class": Term(class_loss, len(labels)), "loss_box": Term(box_loss, len(labels))}
