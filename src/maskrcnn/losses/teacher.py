"""Learning from another detector what every class looks like, also where none is labelled (Hinton et al. 2015; for
detectors Chen et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from maskrcnn.losses.sampling import SampledProposals
from maskrcnn.losses.terms import Term
from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.ops.nd import full
from maskrcnn.structures import ImageBatch

SAME_PLACE = 0.6  # IoU of a proposal and the teacher's box from which on both look at the same
BETA = 2.0  # logits that are nearer than this pull in proportion
MOST = 8.0  # a logit beyond it says no more than "surely"


class Teacher:
    """What a detector must give to teach: an interface, not an implementation."""

    def __call__(self, images: ImageBatch) -> tuple[Tensor, Tensor]:
        """Boxes ``[B, T, 2D]`` in coordinates of the input, and logits ``[B, T, K]``: the logarithm of how much
        likelier each class is than no object."""
        raise NotImplementedError


def teacher_loss(
    class_logits: Tensor, samples: Sequence[SampledProposals], boxes: Tensor, logits: Tensor
) -> dict[str, Term]:
    """How far the box head's log odds of each class against background are from the teacher's.

    Each sampled proposal is compared with the teacher's box that overlaps it most, if that is by ``SAME_PLACE``. Two
    parts: the odds themselves, from which every class learns in every image, and the probabilities, which look at what
    the teacher sees.

    Args:
        class_logits: ``[R, K + 1]``: of the sampled proposals of all images in a row.
        samples: of each image, its proposals.
        boxes: of the teacher, see :class:`Teacher`.
        logits: what the teacher says of them.

    Returns:
        ``loss_teacher``, a sum and a count.
    """
    teacher_logits, same = [], []
    for image, image_boxes, image_logits in zip(samples, boxes, logits):
        overlap, best = pairwise_iou(image.boxes, image_boxes).max(1)
        teacher_logits.append(image_logits[best])
        same.append(overlap >= SAME_PLACE)
    chosen = torch.cat(same)
    teacher_odds = torch.cat(teacher_logits)[chosen].clamp(-MOST, MOST)
    odds = full(class_logits)[chosen]
    odds = odds[:, 1:] - odds[:, :1]
    far = F.smooth_l1_loss(odds, teacher_odds, beta=BETA, reduction="sum") / teacher_odds.shape[1]
    wrong = F.binary_cross_entropy_with_logits(odds, teacher_odds.sigmoid(), reduction="sum")
    return {"loss_teacher": Term(far + wrong, int(chosen.sum()))}
