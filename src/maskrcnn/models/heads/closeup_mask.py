"""Masks of objects seen on their own, enlarged: a network of its own segments each box, cut out of the image.

The mask head of the paper reads 14 features from side to side of a box, which a pyramid has made coarse before. This
head goes back to the image, as the first R-CNN did (Girshick et al. 2014): it cuts a region round each box out at one
size, whatever its own, and segments it like an image, with skips from fine to coarse as in U-Net (Ronneberger et al.
2015). The box and the ordinary mask are channels of what it sees, so that it knows which object is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import CloseUpMaskConfig
from maskrcnn.losses.closeup import closeup_mask_loss
from maskrcnn.losses.mask import mask_targets, regions_of
from maskrcnn.losses.terms import Term
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import MASK_QUALITY, Head, LossInputs, Place
from maskrcnn.models.nd import conv, init_he, init_normal
from maskrcnn.ops.cut_out import cuboid_around, cut_out, cut_out_finely, read_masks
from maskrcnn.ops.nd import channels_last, full, interpolate
from maskrcnn.regions import AxisMap, Regions, paste_regions
from maskrcnn.structures import ImageBatch, ImageSource, Instances

AT_ONCE = 16  # close-ups; hundreds of objects are looked at in turn, so that they do not need a gigabyte together
GIVEN = 2  # channels beside the image's own: the box, and the ordinary mask


class CloseUpSegmenter(nn.Module):
    """Images ``[R, C + 2, *S]`` of one object each to its mask logits ``[R, *S / stride]``, at the stride of the body's
    finest output.

    Args:
        body: its outputs' ``channels``, finest first.
        widths: channels of the decoder at each of them, coarsest first.

    Raises:
        ValueError: there is not one width for each output.
    """

    def __init__(self, ndim: int, body: Any, widths: Sequence[int]) -> None:
        super().__init__()
        if len(body.channels) != len(widths):
            raise ValueError(f"a decoder over {len(body.channels)} outputs needs as many widths, not {len(widths)}")
        self.body = body
        self.laterals = nn.ModuleList(conv(ndim, c, w, 1) for c, w in zip(reversed(body.channels), widths))
        before = [widths[0], *widths[:-1]]
        self.narrow = nn.ModuleList(conv(ndim, a, b, 1) for a, b in zip(before[1:], widths[1:]))
        self.merged = nn.ModuleList(conv(ndim, width, width, 3) for width in widths)
        self.finest = conv(ndim, widths[-1] + GIVEN, widths[-1], 3)
        self.logits = conv(ndim, widths[-1], 1, 1)
        for own in (self.laterals, self.narrow, self.merged, self.finest):
            init_he(own)
        init_normal(self.logits, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        outputs = list(reversed(self.body(channels_last(x))))
        y = F.relu(self.laterals[0](outputs[0]), inplace=True)
        y = F.relu(self.merged[0](y), inplace=True)
        for finer, lateral, narrow, merged in zip(outputs[1:], self.laterals[1:], self.narrow, self.merged[1:]):
            y = lateral(finer) + channels_last(interpolate(narrow(y), finer.shape[2:]))
            y = F.relu(merged(F.relu(y, inplace=True)), inplace=True)
        given = interpolate(x[:, -GIVEN:], y.shape[2:])
        y = F.relu(self.finest(channels_last(torch.cat([y, given.to(y.dtype)], 1))), inplace=True)
        logits: Tensor = self.logits(y)[:, 0]
        return logits


class CloseUpMaskHead(Head):
    """Gives objects that have a mask over their box a finer one, over a region round it.

    ``outputs[name]`` are logits ``[N, *M]`` over ``outputs[name + "_regions"]``, ``[N, 2D]``; not a number where an
    object is too small to gain by it. In the file they take the place of the ordinary masks.
    """

    slow = ("segmenter.body",)

    def __init__(self, ndim: int, body: Any, config: CloseUpMaskConfig) -> None:
        super().__init__()
        self.config = config
        self.size = (config.size,) * ndim
        self.segmenter = CloseUpSegmenter(ndim, body, config.widths)
        self.output_size = tuple(-(-size // step) for size, step in zip(self.size, body.strides[0]))

    def regions(self, boxes: Tensor) -> Tensor:
        """What is seen of the objects in boxes ``[R, 2D]``."""
        return cuboid_around(full(boxes), self.config.margin, self.config.narrowest)

    def look(
        self, images: Tensor, boxes: Sequence[Tensor], masks: Tensor, sources: Sequence[ImageSource] | None = None
    ) -> Tensor:
        """What the head says of boxes.

        Args:
            images: ``[B, C, *S]``.
            boxes: of each image ``[R_b, 2D]``.
            masks: the ordinary ones over the boxes, image by image, ``[R, *m]``, probabilities.
            sources: what each image was made from, which shows small objects better; None: the images are all there is.

        Returns:
            Mask logits ``[R, *M]`` over the regions of the boxes.
        """
        if sum(map(len, boxes)) == 0:
            return images.new_zeros((0, *self.output_size))
        every = full(torch.cat(list(boxes)))
        regions = self.regions(every)
        cuts = self.cuts(images, regions.split([len(own) for own in boxes]), sources)
        seen = torch.cat([cuts, self.given(masks, every, regions).to(cuts.dtype)], 1)
        some = [seen] if torch.is_grad_enabled() else seen.split(AT_ONCE)
        return torch.cat([self.segmenter(own) for own in some])

    def cuts(self, images: Tensor, regions: Sequence[Tensor], sources: Sequence[ImageSource] | None) -> Tensor:
        """The images where regions lie; where that would enlarge them, what they were made from.

        Args:
            images: ``[B, C, *S]``.
            regions: of each image ``[R_b, 2D]``.
            sources: what each image was made from; None: nobody kept it.

        Returns:
            ``[R, C, *S]``, image by image, at the size that the head looks at.
        """
        if sources is None:
            return cut_out(images, regions, self.size)
        every = []
        for image, own, source in zip(images, regions, sources):
            low, high = own.chunk(2, -1)
            enlarged = ((high - low) < own.new_tensor(tuple(reversed(self.size)))).any(1)
            enlarged &= min(source.to_input.scale) < 1
            cuts = image.new_zeros((len(own), len(image), *self.size))
            cuts[~enlarged] = cut_out(image[None], [own[~enlarged]], self.size).to(cuts.dtype)
            if enlarged.any():
                finer = source.to_input.inverse().boxes(own[enlarged])
                cuts[enlarged] = cut_out_finely(
                    source.samples, finer, self.size, source.pixel_mean, source.pixel_std
                ).to(cuts)
            every.append(cuts)
        return torch.cat(every)

    def given(self, masks: Tensor, boxes: Tensor, regions: Tensor) -> Tensor:
        """The boxes, and the masks over them, where they lie in the regions.

        Args:
            masks: ``[R, *m]``, probabilities.
            boxes: ``[R, 2D]``.
            regions: ``[R, 2D]``.

        Returns:
            ``[R, 2, *S]``: -1 outside, 1 inside.
        """
        solid = torch.ones_like(masks)
        both = [read_masks(full(own), boxes, regions, self.size) for own in (solid, masks)]
        return torch.stack(both, 1) * 2 - 1

    def describe(self, features: Sequence[Tensor], images: ImageBatch, detections: list[Instances]) -> None:
        chosen = []
        for found in detections:
            low, high = found.boxes.chunk(2, -1)
            ndim = low.shape[1]
            wanted = (high - low).prod(-1).pow(1 / ndim) >= self.config.smallest
            chosen.append(wanted if found.mask_logits is not None else torch.zeros_like(wanted))
        masks = [f.mask_logits[w].float().sigmoid() for f, w in zip(detections, chosen) if f.mask_logits is not None]
        if not masks:
            return
        boxes = [found.boxes[wanted] for found, wanted in zip(detections, chosen)]
        logits = self.look(images.tensor, boxes, torch.cat(masks), images.sources)
        for own, found, wanted in zip(logits.split([len(own) for own in boxes]), detections, chosen):
            rows = own.new_full((len(found), *self.output_size), torch.nan)
            rows[wanted] = own
            found.outputs[self.name] = rows
            found.outputs[self.name + "_regions"] = self.regions(found.boxes)

    def losses(self, inputs: LossInputs) -> dict[str, Term]:
        """On the positive proposals whose object has a mask, at most ``closeup_samples`` of an image, evenly apart in
        their order; the ordinary mask of each is what the heads before this one say of it."""
        assert inputs.images is not None
        boxes, regions, found = [], [], []
        for image, target in zip(inputs.samples, inputs.targets):
            own = regions_of(target)[image.matched]
            able = torch.from_numpy(own.areas() > 0).nonzero()[:, 0]
            able = able[spread_out(len(able), inputs.config.closeup_samples)]
            regions.append(own[able])
            able = able.to(image.boxes.device)
            boxes.append(image.boxes[: len(image.matched)][able].detach())
            found.append(Instances(boxes[-1], image.labels[: len(image.matched)][able].clamp(min=1)))
        inputs.earlier(found)
        masks = torch.cat([full(own.mask_logits).sigmoid() for own in found if own.mask_logits is not None])
        logits = self.look(inputs.images.tensor, boxes, masks)
        seen = [self.regions(own) for own in boxes]
        bin_targets = mask_targets(regions, seen, self.output_size, inputs.config)
        shapes = inputs.images.spatial_shapes
        inside = torch.cat([bins_inside(own, shape, self.output_size) for own, shape in zip(seen, shapes)])
        return {f"loss_{self.name}": closeup_mask_loss(logits, bin_targets, inside)}

    def to_file(self, found: Instances, place: Place) -> None:
        """The finer masks take the place of the ordinary ones."""
        logits, regions = found.outputs.pop(self.name, None), found.outputs.pop(self.name + "_regions", None)
        if logits is None or regions is None or found.regions is None or len(found) == 0:
            return
        finer = ~logits.flatten(1).isnan().any(1)
        where = place.back.boxes(regions[finer])
        masks = logits[finer].float().sigmoid()
        if self.config.rescoring > 0:
            quality = torch.ones(len(found))
            sureness = mean_inside(masks, place.mask_threshold) / self.config.sure
            quality[finer] = sureness.clamp(max=1.0).pow(self.config.rescoring)
            found.outputs[MASK_QUALITY] = quality
        masks = extend_to_border(masks, where, place.spatial_shape)
        pasted = paste_regions(masks, where, place.spatial_shape, place.mask_threshold)
        order = torch.cat([(~finer).nonzero()[:, 0], finer.nonzero()[:, 0]]).argsort()
        found.regions = Regions.join([found.regions[~finer], pasted])[order]

    def mirror(self, found: Instances, across: AxisMap, info: ModelInfo) -> None:
        if self.name in found.outputs:
            found.outputs[self.name] = found.outputs[self.name].flip(-1)
            found.outputs[self.name + "_regions"] = across.boxes(found.outputs[self.name + "_regions"])

    def average(self, looks: Sequence[Instances]) -> None:
        """As probabilities."""
        masks = [look.outputs[self.name].sigmoid() for look in looks if self.name in look.outputs]
        if len(masks) == len(looks):
            looks[0].outputs[self.name] = torch.logit(torch.stack(masks).mean(0), 1e-6)

    def written(self, found: Instances, i: int) -> dict[str, Any]:
        return {}


def mean_inside(masks: Tensor, threshold: float) -> Tensor:
    """How sure masks are of what they cover: SOLO's maskness (Wang et al. 2020, section 3.3).

    Args:
        masks: ``[R, *M]``, probabilities.
        threshold: from which on a bin is inside.

    Returns:
        The mean probability inside, ``[R]``; 0 where nothing is inside.
    """
    inside = (masks >= threshold).to(masks.dtype).flatten(1)
    return (masks.flatten(1) * inside).sum(1) / inside.sum(1).clamp(min=1)


def spread_out(count: int, most: int | None) -> Tensor:
    """Indices int64 of at most ``most`` of ``count``, evenly apart."""
    if most is None or count <= most:
        return torch.arange(count)
    return torch.arange(most) * count // most


def bins_inside(regions: Tensor, spatial_shape: Sequence[int], bins: Sequence[int]) -> Tensor:
    """Which bins of regions have their centres inside an image.

    Args:
        regions: ``[R, 2D]``, x first.
        spatial_shape: of the image, tensor order.
        bins: of a region along each axis, tensor order.

    Returns:
        bool ``[R, *bins]``.
    """
    low, high = (corner.flip(-1) for corner in regions.chunk(2, -1))
    inside = torch.ones((len(regions),), dtype=torch.bool, device=regions.device)
    for axis, (size, count) in enumerate(zip(spatial_shape, bins)):
        step = (torch.arange(count, device=regions.device) + 0.5) / count
        centres = low[:, axis, None] + (high - low)[:, axis, None] * step
        here = (centres >= 0) & (centres <= size)
        inside = inside[..., None] & here.reshape(len(regions), *(1,) * axis, count)
    return inside


def extend_to_border(masks: Tensor, regions: Tensor, spatial_shape: Sequence[int]) -> Tensor:
    """Masks over regions that reach beyond an image, where nothing was learned: the outermost bins inside of it go on,
    so that masks do not fade towards its border.

    Args:
        masks: ``[R, *M]``.
        regions: ``[R, 2D]``, x first.
        spatial_shape: of the image, tensor order.

    Returns:
        ``[R, *M]``.
    """
    low, high = (corner.flip(-1) for corner in regions.chunk(2, -1))
    for axis, size in enumerate(spatial_shape):
        bins = masks.shape[axis + 1]
        step = (high - low)[:, axis].clamp(min=1e-6) / bins
        first = (-low[:, axis] / step - 0.5).ceil().clamp(0, bins - 1).long()
        last = ((size - low[:, axis]) / step - 0.5).floor().clamp(0, bins - 1).long().maximum(first)
        index = torch.arange(bins, device=masks.device).maximum(first[:, None]).minimum(last[:, None])
        shape = [len(masks), *(1,) * (masks.ndim - 1)]
        shape[axis + 1] = bins
        masks = masks.gather(axis + 1, index.reshape(shape).expand(masks.shape))
    return masks
