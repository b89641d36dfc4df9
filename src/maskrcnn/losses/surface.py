"""The surface head's losses (DensePose, Güler et al. 2018, section 4; detectron2's form of it).

Cross entropy of the coarse segmentation over all bins, cross entropy of the parts at labelled points, smooth L1 of u
and v where they are known. A label may tell less: a mask teaches body and background, a group of parts that it is one
of them, and an object of points alone teaches body at these.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from maskrcnn.config import SurfaceConfig, SurfaceLossConfig
from maskrcnn.losses.terms import Term, smooth_l1
from maskrcnn.surfaces.points import PartMap, SurfacePoints
from maskrcnn.surfaces.reading import places_in_boxes, read_at_points, split_maps

NAMES = ("coarse", "part", "u", "v")


def surface_loss(
    maps: Tensor,
    regions: Tensor,
    points: SurfacePoints,
    masks: tuple[Tensor, Tensor],
    surface: SurfaceConfig,
    coarse: int,
    config: SurfaceLossConfig,
) -> dict[str, Term]:
    """The losses of R proposals.

    Args:
        maps: ``[R, S + 3 (P + 1), *M]``, see :func:`maskrcnn.surfaces.reading.split_maps`.
        regions: ``[R, 2D]``, over which they lie.
        points: what is labelled of the object of each proposal.
        masks: ``[R, *M]``, 0..1, what the object's mask covers of each bin, and bool ``[R]``: there is one.
        surface: whose parts these are.
        coarse: S.
        config: of the losses.

    Returns:
        A sum and a count by each of :data:`NAMES`.
    """
    body, logits, u, v = split_maps(maps, coarse)
    bins = tuple(maps.shape[2:])
    owners = points.owners().to(maps.device)
    where, valid = places_in_boxes(points.places.to(regions), regions[owners], bins)
    labels = points.parts.to(maps.device)
    valid &= (labels >= -len(surface.groups)) & (labels <= len(surface.parts))
    where = where if config.aligned else where + 0.5
    rows, where, labels = owners[valid], where[valid], labels[valid]
    read = read_at_points(logits, rows, where)
    total = _one_of(read, _allowed(surface).to(maps.device)[labels + len(surface.groups)])
    terms = {"part": Term(config.part_weight * total.sum(), len(labels))}

    truth = points.uv.to(maps.device)[valid]
    known = (labels > 0) & torch.isfinite(truth).all(-1)
    for k, (name, values) in enumerate((("u", u), ("v", v))):
        found = read_at_points(values, rows[known], where[known], labels[known])
        total = smooth_l1(found, truth[known, k], config.uv_beta)
        terms[name] = Term(config.uv_weight * total, int(known.sum()))

    taught = _Coarse(points.coarse, points.coarse_boxes.to(regions), masks[0], masks[1], config.aligned)
    total, count = taught.loss(body, regions)
    lone = ~taught.are_drawn()[rows]  # of objects that have neither: the points are all that is known of them
    at_points = read_at_points(body, rows[lone], where[lone])
    total = total + _binary(at_points, (labels[lone] != 0).to(at_points.dtype)).sum()
    terms["coarse"] = Term(config.coarse_weight * total, count + int(lone.sum()))
    return {name: terms[name] for name in NAMES}


class _Coarse:
    """What is known of every bin of the coarse segmentation of R proposals."""

    def __init__(
        self, drawn: Sequence[PartMap | None], boxes: Tensor, masks: Tensor, have_mask: Tensor, aligned: bool
    ) -> None:
        self.drawn, self.boxes, self.masks, self.have_mask, self.aligned = drawn, boxes, masks, have_mask, aligned

    def are_drawn(self) -> Tensor:
        """Bool ``[R]``: by coarse parts or by a mask."""
        own = torch.tensor([part is not None for part in self.drawn], dtype=torch.bool, device=self.masks.device)
        return own | self.have_mask

    def loss(self, logits: Tensor, regions: Tensor) -> tuple[Tensor, int]:
        """Sum and count of the cross entropy of ``[R, S, *M]``; coarse parts go before masks."""
        total, count = logits.new_zeros(()) + logits.sum() * 0, 0
        by_mask = self.have_mask.clone()
        for i, part in enumerate(self.drawn):
            if part is None:
                continue
            by_mask[i] = False
            truth = read_part_map(part, self.boxes[i], regions[i], logits.shape[2:], self.aligned).to(logits.device)
            if logits.shape[1] > 2 and part.max(initial=0) > 1:
                total = total + F.cross_entropy(logits[i : i + 1], truth[None].long(), reduction="sum")
            else:
                total = total + _binary(logits[i].movedim(0, -1), (truth > 0).to(logits.dtype)).sum()
            count += truth.numel()
        own = _binary(logits[by_mask].movedim(1, -1), self.masks[by_mask].to(logits.dtype))
        return total + own.sum(), count + own.numel()


def read_part_map(part: PartMap, box: Tensor, region: Tensor, bins: Sequence[int], aligned: bool = True) -> Tensor:
    """Read coarse parts at the bins over a region, each at its nearest sample.

    Args:
        part: uint8 ``[*G]``, over ``box``.
        box: ``[2D]``, both corners; the first is the higher one in a mirror image.
        region: ``[2D]``.
        bins: *M.
        aligned: read at the bins' centres; False: at their low ends, and the outermost samples of ``part`` lie on the
            border of the box (detectron2).

    Returns:
        int64 ``[*M]``; background outside the box.
    """
    grid: list[np.ndarray] = []
    inside: list[np.ndarray] = []
    corners = zip(*(corner.flip(0).double().tolist() for corner in (*box.chunk(2), *region.chunk(2))))
    for (start, stop, low, high), count, side in zip(corners, bins, part.shape, strict=True):
        places = low + (np.arange(count) + (0.5 if aligned else 0)) / count * (high - low)
        along = (places - start) / (stop - start) if stop != start else np.full(count, -1.0)
        index = np.floor(along * side) if aligned else np.rint(along * (side - 1))
        inside.append((index >= 0) & (index < side))
        grid.append(index.clip(0, side - 1).astype(np.int64))
    values = part[np.ix_(*grid)].astype(np.int64)
    for axis, own in enumerate(inside):
        values *= own.reshape(-1, *(1,) * (part.ndim - 1 - axis))
    return torch.from_numpy(values)


def _allowed(surface: SurfaceConfig) -> Tensor:
    """Bool ``[G + 1 + P, P + 1]``: the parts that a label may mean, from the last group to the last part."""
    count, groups = len(surface.parts), surface.groups
    table = torch.zeros((len(groups) + 1 + count, count + 1), dtype=torch.bool)
    for k, group in enumerate(groups, 1):
        table[len(groups) - k, list(group)] = True
    table[len(groups) :] = torch.eye(count + 1, dtype=torch.bool)
    return table


def _one_of(logits: Tensor, allowed: Tensor) -> Tensor:
    """``[T]``: minus the logarithm of the probability of all allowed classes together."""
    return logits.logsumexp(-1) - logits.masked_fill(~allowed, -torch.inf).logsumexp(-1)


def _binary(logits: Tensor, body: Tensor) -> Tensor:
    """Cross entropy of ``[..., S]`` with how much of each place ``[...]`` is body, 0..1, of whatever coarse part."""
    own = logits[..., 1:].logsumexp(-1) - logits[..., 0]
    return F.binary_cross_entropy_with_logits(own, body, reduction="none")
