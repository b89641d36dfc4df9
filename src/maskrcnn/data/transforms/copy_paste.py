"""Objects of one sample pasted into another (Ghiasi et al. 2021, "Simple Copy-Paste").

This is the one exception to "masks are never resampled": a pasted sample shows objects of two files, each with a map of
its own, and its regions can have but one. So the masks of both are drawn once on the grid of the sample.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from maskrcnn.data.transforms.augment import AugmentConfig
from maskrcnn.data.transforms.samples import Sample
from maskrcnn.ops.boxes import are_larger
from maskrcnn.regions import AxisMap, Regions, tighten
from maskrcnn.structures import IGNORED, Instances
from maskrcnn.surfaces.points import SurfacePoints

MOSTLY = 0.5  # an object without a mask goes when more than this part of its box is covered
HIDDEN = 1  # COCO's visibility of a keypoint that is labelled but occluded

Window = tuple[tuple[int, ...], np.ndarray]  # offset in tensor order, boolean content


def copy_paste(sample: Sample, donor: Sample, augment: AugmentConfig, generator: np.random.Generator) -> Sample:
    """``sample`` with a random choice of the donor's objects on top of it, each where it is in the donor.

    What can be pasted has a mask, of which at least ``augment.min_visible`` fits into what the sample shows of its file
    (nothing is put on the padding), and is no crowd. It brings its class, its keypoints and the box of its mask. What
    lies below changes:

    - a mask loses what is covered and its box shrinks to the rest; the object goes where less than
      ``augment.min_visible`` of the mask is left, or a box with a side under ``augment.min_box_size``;
    - an object without a mask keeps its box, or goes where more than ``MOSTLY`` of it is covered;
    - a crowd stays a crowd as long as anything of it is left;
    - a keypoint that is covered is labelled but hidden, a surface point that is covered is left out.

    Args:
        sample: that is pasted into.
        donor: whose objects are pasted; both are normalised alike, of any shapes.
        augment: how much of an object must stay visible.
        generator: draws the objects.

    Returns:
        A sample whose regions lie on the grid of its own image before padding, without a map; ``sample`` itself where
        the donor has nothing to paste. ``exhaustive`` stays: what is pasted is labelled, whoever searched for what.
    """
    shape = _shown(sample)
    pasted = _draw_objects(donor, shape, augment, generator)
    if pasted.regions is None:
        return sample
    cover = np.zeros(shape, dtype=bool)
    for i in range(len(pasted)):
        cover[pasted.regions.window_slices(i)] |= pasted.regions.window(i)
    below = _cover_objects(sample.target, cover, augment)
    target = _join(below, pasted)
    target.class_map = _paste_classes(sample.target.class_map, donor.target.class_map, cover)
    return replace(sample, image=_paste_image(sample.image, donor.image, cover), target=target)


def render_window(regions: Regions, i: int, spatial_shape: tuple[int, ...]) -> Window:
    """Draw an object on the grid of a sample: the samples whose centres lie in what it covers.

    Its outline is that of the file to half a sample, however ``regions.axis_map`` scales, shifts
    and flips.

    Args:
        regions: of the file.
        i: which of them.
        spatial_shape: of the sample, tensor order.

    Returns:
        The window's offset and what it holds.
    """
    axis_map = regions.axis_map or AxisMap.identity(regions.ndim)
    along = zip(regions.offsets[i], regions.shapes[i], spatial_shape, axis_map.scale[::-1], axis_map.shift[::-1])
    offset, indices = [], []
    for start, length, side, scale, shift in along:
        low, high = sorted((scale * start + shift, scale * (start + length) + shift))
        touched = np.arange(max(math.floor(low), 0), min(math.ceil(high), side))
        at = np.floor((touched + 0.5 - shift) / scale).astype(np.int64) - start
        inside = (at >= 0) & (at < length)
        offset.append(int(touched[inside][0]) if inside.any() else 0)
        indices.append(at[inside])
    return tuple(offset), regions.window(i)[np.ix_(*indices)]


def _shown(sample: Sample) -> tuple[int, ...]:
    """The spatial shape of the sample without its padding."""
    return tuple(sample.image.shape[1:]) if sample.shown is None else sample.shown


def _draw_objects(
    donor: Sample, spatial_shape: tuple[int, ...], augment: AugmentConfig, generator: np.random.Generator
) -> Instances:
    """A random number, at least one, of the objects that can be pasted into ``spatial_shape``, in the donor's order,
    with what can be seen of them as regions of that shape; without any regions if there is none."""
    target = donor.target
    regions = Regions.blank(spatial_shape, len(target)) if target.regions is None else target.regions
    able: dict[int, Regions] = {}  # as run lengths: five hundred windows may be a gigabyte
    for i in [i for i in range(len(target)) if not target.crowd[i]]:
        offset, mask = render_window(regions, i, _shown(donor))
        fits = mask[tuple(slice(0, max(0, side - start)) for start, side in zip(offset, spatial_shape))]
        enough = fits.any() and fits.sum() >= augment.min_visible * mask.sum()
        if enough and are_larger(_box((offset, fits)), augment.min_box_size):
            able[i] = Regions.from_windows(spatial_shape, [(offset, fits)])
    if not able:
        return replace(target[:0], regions=None)
    count = int(generator.integers(1, len(able), endpoint=True))
    chosen = np.sort(generator.permutation(list(able))[:count])
    objects = target[torch.from_numpy(chosen)]
    keypoints = objects.keypoints
    if keypoints is not None:
        keypoints = keypoints * _are_inside(keypoints[..., :-1], spatial_shape)[..., None]
    seen = Regions.join([able[i] for i in chosen])
    surface = objects.surface
    if isinstance(surface, SurfacePoints):
        surface = surface.keep(_are_inside(surface.places, spatial_shape))
    boxes = torch.from_numpy(seen.boxes()).to(objects.boxes.dtype)
    return replace(objects, boxes=boxes, regions=seen, keypoints=keypoints, surface=surface)


def _cover_objects(target: Instances, cover: np.ndarray, augment: AugmentConfig) -> Instances:
    """What can be seen of the objects of ``target`` where ``cover`` ``[*S]`` hides what is below it."""
    boxes, parts, keep = target.boxes.clone(), [Regions.blank(cover.shape)], []
    regions = Regions.blank(cover.shape, len(target)) if target.regions is None else target.regions
    for i in range(len(target)):
        offset, mask = render_window(regions, i, cover.shape)
        seen = mask & ~cover[_slices((offset, mask))]
        if not mask.any():
            keep.append(_covered_part(boxes[i], cover) <= (MOSTLY if not target.crowd[i] else 1 - 1e-9))
        elif not seen.any():
            keep.append(False)
        elif seen.sum() == mask.sum():
            keep.append(True)
        else:
            # A side of the box moves where that of the mask did: the others stay exact to parts of a sample.
            before, after = _box((offset, mask)), _box((offset, seen))
            boxes[i] = torch.where(before == after, boxes[i], after.to(boxes.dtype))
            enough = seen.sum() >= augment.min_visible * mask.sum()
            keep.append(bool(target.crowd[i] or (enough and are_larger(boxes[i], augment.min_box_size))))
        parts.append(Regions.from_windows(cover.shape, [(offset, seen)]))
    keypoints = None if target.keypoints is None else _hide_keypoints(target.keypoints, cover)
    surface = None if not isinstance(target.surface, SurfacePoints) else _hide_points(target.surface, cover)
    own = replace(target, boxes=boxes, regions=Regions.join(parts), keypoints=keypoints, surface=surface)
    return own[torch.tensor(keep, dtype=torch.bool)]


def _slices(window: Window) -> tuple[slice, ...]:
    """Where the window lies on its canvas."""
    return tuple(slice(start, start + length) for start, length in zip(window[0], window[1].shape))


def _box(window: Window) -> Tensor:
    """The tight box ``[2D]``, x first, of what the window holds, which is something."""
    low, content = tighten(window[1])
    low = low + np.array(window[0])
    return torch.from_numpy(np.concatenate([low[::-1], (low + content.shape)[::-1]]))


def _covered_part(box: Tensor, cover: np.ndarray) -> float:
    """What part of the samples that ``box`` touches is hidden."""
    low, high = (corner.flip(0).tolist() for corner in box.chunk(2))
    inside = cover[tuple(slice(math.floor(a), math.ceil(b)) for a, b in zip(low, high))]
    return float(inside.mean()) if inside.size else 0.0


def _hide_keypoints(keypoints: Tensor, cover: np.ndarray) -> Tensor:
    """``[N, P, D + 1]``; the visibility of those that ``cover`` hides is :data:`HIDDEN`."""
    points, visibility = keypoints[..., :-1], keypoints[..., -1:]
    at = points.floor().long().flip(-1).clamp(min=0)
    at = at.minimum(at.new_tensor(cover.shape) - 1)
    hidden = torch.from_numpy(cover)[tuple(at.unbind(-1))] & _are_inside(points, cover.shape)
    return torch.cat([points, torch.where(hidden[..., None] & (visibility > 0), float(HIDDEN), visibility)], -1)


def _hide_points(surface: SurfacePoints, cover: np.ndarray) -> SurfacePoints:
    """Without the points that ``cover`` hides. Coarse parts do not know what is hidden and say nothing any more."""
    at = surface.places.floor().long().flip(-1).clamp(min=0)
    at = at.minimum(at.new_tensor(cover.shape) - 1)
    hidden = torch.from_numpy(cover)[tuple(at.unbind(-1))] & _are_inside(surface.places, cover.shape)
    return surface.keep(~hidden).without_coarse(torch.ones(len(surface), dtype=torch.bool))


def _are_inside(points: Tensor, spatial_shape: tuple[int, ...]) -> Tensor:
    """Bool ``[...]``: which of the points ``[..., D]`` lie in an image of ``spatial_shape``."""
    return ((points >= 0) & (points < points.new_tensor(spatial_shape).flip(0))).all(-1)


def _paste_image(image: Tensor, donor: Tensor, cover: np.ndarray) -> Tensor:
    """``image`` ``[C, *S]`` with the donor's values where ``cover`` is set; all three begin at the same corner."""
    shared = tuple(slice(0, min(sides)) for sides in zip(cover.shape, donor.shape[1:]))  # all that is covered
    where = (slice(None), *shared)
    pasted = image.clone()
    pasted[where] = torch.where(torch.from_numpy(cover[shared]), donor[where], image[where])
    return pasted


def _paste_classes(labels: Tensor | None, donor: Tensor | None, cover: np.ndarray) -> Tensor | None:
    """The class map ``[*S]`` with the donor's labels where ``cover`` is set; where it has none, nobody says what a
    sample is."""
    if labels is None:
        return None
    pasted, hidden = labels.clone(), torch.from_numpy(cover)
    pasted[hidden] = IGNORED
    if donor is not None:
        shared = tuple(slice(0, min(sides)) for sides in zip(cover.shape, donor.shape))
        pasted[shared] = torch.where(hidden[shared], donor[shared], pasted[shared])
    return pasted


def _join(below: Instances, pasted: Instances) -> Instances:
    """The objects of both; the keypoints that only one of the two has are unlabelled in the other."""
    known = below.keypoints if below.keypoints is not None else pasted.keypoints
    if known is not None:
        below, pasted = (_with_keypoints(objects, known) for objects in (below, pasted))
    labelled = [objects.surface for objects in (below, pasted) if isinstance(objects.surface, SurfacePoints)]
    if len(labelled) == 1:
        below, pasted = (_with_surface(objects, labelled[0]) for objects in (below, pasted))
    if (below.unknown_sides is None) != (pasted.unknown_sides is None):
        below, pasted = (_with_sides(objects) for objects in (below, pasted))
    return Instances.join([below, pasted])


def _with_surface(objects: Instances, like: SurfacePoints) -> Instances:
    if objects.surface is not None:
        return objects
    return replace(objects, surface=SurfacePoints.blank(like.surface, len(objects), like.places.shape[1]))


def _with_sides(objects: Instances) -> Instances:
    if objects.unknown_sides is not None:
        return objects
    return replace(objects, unknown_sides=torch.zeros_like(objects.boxes, dtype=torch.bool))


def _with_keypoints(objects: Instances, like: Tensor) -> Instances:
    if objects.keypoints is not None:
        return objects
    return replace(objects, keypoints=like.new_zeros((len(objects), *like.shape[1:])))
