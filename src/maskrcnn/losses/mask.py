"""The mask head's loss: binary cross-entropy on the mask of the true class alone (Mask R-CNN, section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from maskrcnn.config import LossConfig
from maskrcnn.losses.sampling import SampledProposals, unknown_sides
from maskrcnn.losses.terms import Term
from maskrcnn.losses.unknown import known_bins
from maskrcnn.ops.masks import crop_mask
from maskrcnn.ops.nd import full
from maskrcnn.regions import AxisMap, Regions
from maskrcnn.structures import Instances


def mask_loss(
    logits: Tensor, labels: Tensor, targets: Tensor, has_mask: Tensor, known: Tensor | None = None
) -> dict[str, Term]:
    """The mask head's loss: binary cross-entropy over every bin of every positive proposal whose
    object has a mask.

    Args:
        logits: ``[R, K or 1, *M]``.
        labels: int64 ``[R]``, 1..K, or ``OTHER``, which teaches class-agnostic masks alone.
        targets: ``[R, *M]``, 0..1, the targets: what the object covers of each bin.
        has_mask: bool ``[R]``.
        known: bool ``[R, *M]``, the bins that count; None: all.

    Returns:
        ``loss_mask``, a sum and a count.
    """
    if logits.shape[1] > 1:
        has_mask = has_mask & (labels > 0)
    column = (labels - 1).clamp(min=0) if logits.shape[1] > 1 else torch.zeros_like(labels)
    own = full(logits[torch.arange(len(logits), device=logits.device), column])
    if known is not None:
        counted = known & has_mask.reshape(-1, *(1,) * (known.ndim - 1))
        total = F.binary_cross_entropy_with_logits(own[counted], targets[counted].to(own.dtype), reduction="sum")
        return {"loss_mask": Term(total, int(counted.sum()))}
    total = F.binary_cross_entropy_with_logits(own[has_mask], targets[has_mask].to(own.dtype), reduction="sum")
    return {"loss_mask": Term(total, int(has_mask.sum()) * targets[0].numel() if len(targets) else 0)}


def mask_targets(
    regions: Sequence[Regions], boxes: Sequence[Tensor], output_size: Sequence[int], config: LossConfig
) -> Tensor:
    """Compute the mask targets: what each object covers of each bin of its proposal.

    The masks of the file are read where the proposal lies in the file: a box goes back through
    ``regions.axis_map``, so no mask is ever resized, and a flipped image reads its bins backwards.

    Args:
        regions: of each image, one region for each of its boxes.
        boxes: of each image, ``[R_b, 2D]``.
        output_size: bins along each axis, tensor order.
        config: says whether bins are aligned, and binary or soft.

    Returns:
        ``[R, *output_size]``, 0..1, images in a row.
    """
    cropped = []
    for image, own in zip(regions, boxes):
        back = (image.axis_map or AxisMap.identity(image.ndim)).inverse()
        for i, source in enumerate(back.corners(own.detach().cpu().float())):
            offset, framed = _framed_window(image, i)
            relative = source - source.new_tensor(tuple(reversed(offset)) * 2)
            cropped.append(crop_mask(torch.from_numpy(framed), relative, output_size, config.mask_aligned))
    device = boxes[0].device
    if not cropped:
        return torch.zeros((0, *output_size), device=device)
    bin_targets = torch.stack(cropped)
    return ((bin_targets >= 0.5).to(bin_targets.dtype) if config.mask_binary else bin_targets).to(device)


def _framed_window(regions: Regions, i: int) -> tuple[tuple[int, ...], np.ndarray]:
    """Offset (tensor order) and values of a window with a frame of zeros, left out where the canvas itself ends."""
    window = regions.window(i).astype(np.float32)
    offset, size = regions.offsets[i], regions.spatial_shape
    before = [int(o > 0) for o in offset]
    after = [int(o + n < s) for o, n, s in zip(offset, window.shape, size)]
    if window.size == 0:
        return tuple(int(o) for o in offset), np.zeros((1,) * window.ndim, np.float32)
    framed = np.pad(window, list(zip(before, after)))
    return tuple(int(o) - b for o, b in zip(offset, before)), framed


def regions_of(target: Instances) -> Regions:
    """The objects' regions; blank ones where no object has a mask."""
    ndim = target.boxes.shape[1] // 2
    return Regions.blank((1,) * ndim, len(target)) if target.regions is None else target.regions


def known_mask_bins(
    regions: Sequence[Regions],
    boxes: Sequence[Tensor],
    samples: Sequence[SampledProposals],
    targets: Sequence[Instances],
    bin_targets: Tensor,
) -> Tensor | None:
    """Which bins of the masks of all positives are known, see
    :func:`maskrcnn.losses.unknown.known_bins`.

    Args:
        regions: of each image, one region for each of its boxes.
        boxes: of each image, ``[R_b, 2D]``.
        samples: of each image, its proposals.
        targets: of each image, its ground truth.
        bin_targets: ``[R, *M]``, the mask targets.

    Returns:
        bool ``[R, *M]``; None: all of them.
    """
    sides = [unknown_sides(target, image.matched) for image, target in zip(samples, targets)]
    known = [known_bins(own, where, side, bin_targets.shape[1:]) for own, where, side in zip(regions, boxes, sides)]
    if all(one is None for one in known):
        return None
    whole = [
        torch.ones((len(own), *bin_targets.shape[1:]), dtype=torch.bool, device=bin_targets.device) for own in boxes
    ]
    return torch.cat([every if one is None else one for one, every in zip(known, whole)])
