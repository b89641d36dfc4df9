"""The surface head: of every pixel of an object where on its surface it lies (DensePose, Güler et al. 2018)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maskrcnn.config import SurfaceHeadConfig
from maskrcnn.losses.mask import mask_targets, regions_of
from maskrcnn.losses.surface import NAMES, surface_loss
from maskrcnn.losses.terms import Term
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import LossInputs, ObjectHead, Place
from maskrcnn.models.surface.closeup import CloseUpSurface
from maskrcnn.models.surface.network import SurfaceNetwork
from maskrcnn.ops.boxes import clip_boxes, pairwise_iou
from maskrcnn.ops.nd import full
from maskrcnn.regions import AxisMap, Regions
from maskrcnn.structures import Instances
from maskrcnn.surfaces.iuv import iuv_of_object, iuv_png
from maskrcnn.surfaces.maps import SurfaceMaps
from maskrcnn.surfaces.points import SurfacePoints, mirrored_groups, mirrored_parts
from maskrcnn.surfaces.reading import decode_surface, split_maps

Window = tuple[list[int], list[int]]  # its first sample and the one after its last, tensor order
AT_ONCE = 16  # boxes; their maps of 112 x 112 in 512 channels would need gigabytes together


class SurfaceHead(ObjectHead):
    """(features, boxes) to maps ``[R, S + 3 (P + 1), *M]``; in the file ``Instances.surface`` has parts, u and v.

    Args:
        config: of the head.
        network: what looks; its ``regions(boxes)`` says over what its maps lie.
    """

    def __init__(self, config: SurfaceHeadConfig, network: SurfaceNetwork | CloseUpSurface) -> None:
        super().__init__()
        self.own, self.network = config, network
        self.sees_image = config.closeup is not None
        self.slow = ("network.decoder.body",) if config.closeup is not None else ()

    def forward(self, features: Sequence[Tensor], boxes: Sequence[Tensor]) -> Tensor:
        maps: Tensor = self.network(features, boxes)
        return maps

    def describe(self, features: Sequence[Tensor], images: object, detections: list[Instances]) -> None:
        # Objects of classes without this surface are not looked at: their maps say background.
        levels = self.network.levels_of(features) if any(map(len, detections)) else []
        for k, found in enumerate(detections):
            chosen = self._has_surface(found.labels).nonzero()[:, 0]
            maps = full(found.boxes).new_zeros((len(found), sum(self.network.channels), *self.network.output_size))
            maps[:, 0] = 1
            for some in chosen.split(AT_ONCE) if len(chosen) else ():
                maps[some] = full(self.network.maps([own[k : k + 1] for own in levels], [found.boxes[some]]))
            found.outputs[self.name] = maps

    def loss_names(self) -> tuple[str, ...]:
        return tuple(f"loss_{self.name}_{name}" for name in NAMES)

    def losses(self, inputs: LossInputs) -> dict[str, Term]:
        """On proposals that lie well on an object of which anything is known: points, coarse parts or a mask."""
        config = inputs.config.surface
        boxes, labels, regions = [], [], []
        for image, target in zip(inputs.samples, inputs.targets):
            points, masks = self._labels_of(target), regions_of(target)
            known = points.are_known() | torch.from_numpy(masks.areas() > 0)
            known = known.to(target.boxes.device) & self._has_surface(target.labels)
            proposals = image.boxes[: len(image.matched)]
            overlap = _iou(proposals, target.boxes[image.matched])
            chosen = (known[image.matched] & (overlap >= config.positive_iou)).nonzero()[:, 0]
            if config.samples is not None and config.samples < len(chosen):
                chosen = chosen[torch.arange(config.samples) * len(chosen) // config.samples]
            boxes.append(proposals[chosen])
            labels.append(points[image.matched[chosen]])
            regions.append(masks[image.matched[chosen]])
        over = [self.network.regions(own) for own in boxes]
        covered = mask_targets(regions, over, self.network.output_size, inputs.config)
        have_mask = torch.from_numpy(np.concatenate([own.areas() > 0 for own in regions])).to(covered.device)
        maps = full(self(inputs.features, boxes))
        surface, coarse = self.own.surface, self.own.coarse
        joined = SurfacePoints.join(labels)
        terms = surface_loss(maps, torch.cat(over), joined, (covered, have_mask), surface, coarse, config)
        return {f"loss_{self.name}_{name}": term for name, term in terms.items()}

    def _labels_of(self, target: Instances) -> SurfacePoints:
        """What is labelled on this surface; labels of another say nothing."""
        labels = target.surface
        if isinstance(labels, SurfacePoints) and labels.surface == self.own.surface.name:
            return labels
        return SurfacePoints.blank(self.own.surface.name, len(target), target.boxes.shape[1] // 2)

    def _has_surface(self, labels: Tensor) -> Tensor:
        wanted = self.own.labels
        return torch.isin(labels, labels.new_tensor(wanted)) if wanted else torch.ones_like(labels, dtype=torch.bool)

    def to_file(self, found: Instances, place: Place) -> None:
        """Maps over boxes become parts, u and v of the samples of the file; where no head draws masks, the object is
        what has a part."""
        maps = found.outputs.pop(self.name, None)
        if maps is None:
            return
        regions, windows = self._windows(found.boxes, place.spatial_shape)
        decoded = [
            decode_surface(own, self.own.coarse, region, low, high)
            for own, region, (low, high) in zip(maps, regions, windows)
        ]
        offsets = np.array([low for low, _ in windows], dtype=np.int64).reshape(-1, len(place.spatial_shape))
        parts = tuple(own.numpy().astype(np.uint16) for own, _ in decoded)
        uv = tuple(own.numpy() for _, own in decoded)
        found.surface = SurfaceMaps(self.own.surface.name, offsets, parts, uv)
        if found.regions is None and found.mask_logits is None:
            covered = ((low, own > 0) for (low, _), own in zip(windows, parts))
            found.regions = Regions.from_windows(place.spatial_shape, covered)

    def _windows(self, boxes: Tensor, spatial_shape: Sequence[int]) -> tuple[Tensor, list[Window]]:
        """Over what the maps of boxes lie, and which samples of the file each window has."""
        regions = self.network.regions(boxes)
        if self.own.decoding == "whole":
            low, high = boxes.chunk(2, 1)
            regions = boxes = torch.cat([low.trunc(), low.trunc() + (high - low).trunc().clamp(min=1)], 1)
        low, high = clip_boxes(boxes, spatial_shape).chunk(2, 1)
        return regions, list(zip(low.floor().long().flip(1).tolist(), high.ceil().long().flip(1).tolist()))

    def shift(self, found: Instances, start: Sequence[int], spatial_shape: tuple[int, ...]) -> None:
        if isinstance(found.surface, SurfaceMaps):
            found.surface = found.surface.moved(start)

    def mirror(self, found: Instances, across: AxisMap, info: ModelInfo) -> None:
        # Left becomes right; u and v of a surface that does not say what becomes of them are no numbers.
        maps = found.outputs.get(self.name)
        if maps is None:
            return
        surface = self.own.surface
        body, parts, u, v = split_maps(maps.flip(-1), self.own.coarse)
        order = [0, *mirrored_parts(surface)]
        if self.own.coarse > 2:
            body = body[:, [0, *mirrored_groups(surface)[: self.own.coarse - 1]]]
        table = maps.new_tensor(((1, 0, 1, 0), *surface.mirrored_uv))
        if not surface.mirrored_uv:
            table = maps.new_full((len(order), 4), torch.nan)
        table = table.T.reshape(4, 1, -1, *(1,) * (maps.ndim - 2))
        u, v = u * table[0] + table[1], v * table[2] + table[3]
        found.outputs[self.name] = torch.cat([body, parts[:, order], u[:, order], v[:, order]], 1)

    def average(self, looks: Sequence[Instances]) -> None:
        """The mean of all looks that know."""
        if all(self.name in look.outputs for look in looks):
            looks[0].outputs[self.name] = torch.stack([look.outputs[self.name] for look in looks]).nanmean(0)

    def written(self, found: Instances, i: int) -> dict[str, Any]:
        """Which surface, the box of the map (x, y, width, height), the parts that are seen, and the map as PNG."""
        maps = found.surface
        if not isinstance(maps, SurfaceMaps):
            return {}
        seen = np.unique(maps.parts[i])
        offset, size = maps.offsets[i][::-1].tolist(), list(maps.parts[i].shape[::-1])
        written: dict[str, Any] = {"surface": maps.surface, "box": [*offset, *size], "parts": seen[seen > 0].tolist()}
        if min(size) > 0:
            png = iuv_png(iuv_of_object(maps, i), maps.surface)
            written["iuv_png"] = base64.b64encode(png).decode("ascii")
        return {self.name: written}


def _iou(a: Tensor, b: Tensor) -> Tensor:
    """``[N]``, of each box of ``a`` with that of ``b``."""
    return torch.cat([pairwise_iou(x[None], y[None])[0] for x, y in zip(a, b)]) if len(a) else a.new_zeros(0)
