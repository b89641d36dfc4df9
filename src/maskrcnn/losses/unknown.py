"""Objects of which nobody labelled every side: a T wave with an end and no onset, a cell at the edge of what was drawn.

A side that is not known must not teach. Deltas mix both sides of an axis, so no column of them can be left out; instead
the target has, on that side, whatever the model says (:func:`as_far_as_known`), and what is left of the loss, the
error of the known side, moves that side alone (:func:`through_known`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from maskrcnn.ops.box_coding import decode_boxes, encode_boxes
from maskrcnn.regions import AxisMap, Regions

SHORTEST = 1.0  # samples of a target along an axis, however far the model's guess has passed the known side
THINNEST = 1e-2  # samples between the sides of a box whose logarithm is taken


@torch.no_grad()
def as_far_as_known(
    boxes: Tensor, unknown: Tensor | None, deltas: Tensor, starts: Tensor, weights: Sequence[float]
) -> Tensor:
    """Boxes ``[P, 2D]`` with the sides that the model itself gives where ``unknown`` (bool ``[P, 2D]``) is set.

    Args:
        boxes: ``[P, 2D]``, of the ground truth.
        unknown: bool ``[P, 2D]``, the sides that nobody labelled; None: none.
        deltas: of the model, ``[P, 2D]``, on the anchors or proposals ``starts`` ``[P, 2D]``.
        starts: the anchors or proposals that the deltas are coded from, ``[P, 2D]``.
        weights: of the box coding.

    Returns:
        The boxes with the sides that the model itself gives where nobody labelled them.
    """
    if unknown is None or not unknown.any():
        return boxes
    said_low, said_high = decode_boxes(deltas, starts, weights).chunk(2, -1)
    low, high = boxes.chunk(2, -1)
    low_unknown, high_unknown = unknown.chunk(2, -1)
    low = torch.where(low_unknown, torch.minimum(said_low, high - SHORTEST), low)
    high = torch.where(high_unknown, torch.maximum(said_high, low + SHORTEST), high)
    return torch.cat([low, high], -1)


def through_known(deltas: Tensor, starts: Tensor, unknown: Tensor | None, weights: Sequence[float]) -> Tensor:
    """Take the gradient from sides that nobody labelled; the deltas stay the same.

    Shift and scale both depend on both sides, so an error of the known one would move the other
    too. The boxes are coded again from their sides, of which the unknown ones are held fast.

    Args:
        deltas: ``[P, 2D]``.
        starts: the anchors or proposals that they are coded from, ``[P, 2D]``.
        unknown: bool ``[P, 2D]``; None: none.
        weights: of the box coding.

    Returns:
        ``[P, 2D]``.
    """
    if unknown is None or not unknown.any():
        return deltas
    sides = decode_boxes(deltas, starts, weights)
    low, high = torch.where(unknown, sides.detach(), sides).chunk(2, -1)
    coded = encode_boxes(torch.cat([low, torch.maximum(high, low + THINNEST)], -1), starts, weights)
    return torch.where(unknown.any(-1, keepdim=True), deltas.detach() + coded - coded.detach(), deltas)


def known_bins(regions: Regions, boxes: Tensor, unknown: Tensor | None, output_size: Sequence[int]) -> Tensor | None:
    """Bool ``[R, *output_size]``: the bins of each proposal of which the labels say whether they belong to the object.

    On a side that nobody labelled, what lies beyond the part that is known to belong to the object may belong to it.

    Args:
        regions: R of them, one a proposal.
        boxes: the proposals ``[R, 2D]``, in the frame of ``regions.axis_map``.
        unknown: bool ``[R, 2D]``; None: every bin is known.
        output_size: bins along each axis, tensor order.

    Returns:
        bool ``[R, *output_size]``; None: every bin is known.
    """
    if unknown is None or not unknown.any():
        return None
    known_part = (regions.axis_map or AxisMap.identity(regions.ndim)).boxes(torch.from_numpy(regions.boxes()))
    known = torch.ones((len(boxes), *output_size), dtype=torch.bool, device=boxes.device)
    for axis, bins in enumerate(reversed(tuple(output_size))):
        low, high = boxes[:, axis, None], boxes[:, axis + regions.ndim, None]
        centres = low + (high - low) * (torch.arange(bins, device=boxes.device) + 0.5) / bins
        first, last = (known_part[:, k, None].to(boxes.device) for k in (axis, axis + regions.ndim))
        before, after = (unknown[:, k, None] for k in (axis, axis + regions.ndim))
        along = (~before | (centres >= first)) & (~after | (centres <= last))
        shape = [len(boxes), *(bins if a == axis else 1 for a in reversed(range(regions.ndim)))]
        known &= along.reshape(shape)
    return known
