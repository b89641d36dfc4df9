"""The RPN's two losses (Faster R-CNN, equation 1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from maskrcnn.config import LossConfig
from maskrcnn.losses.sampling import SampledAnchors
from maskrcnn.losses.terms import Term, smooth_l1
from maskrcnn.losses.unknown import as_far_as_known, through_known
from maskrcnn.ops.box_coding import encode_boxes
from maskrcnn.ops.nd import full


def rpn_losses(
    logits: Tensor, deltas: Tensor, anchors: Tensor, sampled: Sequence[SampledAnchors], config: LossConfig
) -> dict[str, Term]:
    """The RPN's losses: objectness over the sampled anchors, box over the positive ones, counted by
    all sampled ones.

    Args:
        logits: ``[B, A]``, all levels in a row.
        deltas: ``[B, A, 2D]``.
        anchors: ``[A, 2D]``.
        sampled: of each image, its anchors.
        config: weights and kinds of the losses.

    Returns:
        ``loss_rpn_objectness`` and ``loss_rpn_box``, each a sum and a count.
    """
    chosen_logits, answers, box_loss, count = [], [], logits.new_zeros(()), 0
    for image_logits, image_deltas, image in zip(logits, deltas, sampled):
        chosen = torch.cat([image.positive, image.negative])
        count += len(chosen)
        chosen_logits.append(image_logits[chosen])
        answer = torch.zeros_like(chosen_logits[-1])
        answer[: len(image.positive)] = 1
        answers.append(answer)
        plain = (1.0,) * anchors.shape[1]
        own, start = full(image_deltas[image.positive]), anchors[image.positive]
        target = encode_boxes(as_far_as_known(image.boxes, image.unknown, own, start, plain), start, plain)
        own = through_known(own, start, image.unknown, plain)
        box_loss = box_loss + smooth_l1(own, target, config.rpn_smooth_l1_beta)
    all_logits, all_answers = full(torch.cat(chosen_logits)), full(torch.cat(answers))
    objectness = F.binary_cross_entropy_with_logits(all_logits, all_answers, reduction="sum")
    return {"loss_rpn_objectness": Term(objectness, count), "loss_rpn_box": Term(box_loss, count)}
