"""From a file's image and labels to a sample: as it is for evaluation, varied at random for training.

Masks are never resampled. The regions of a sample stay those of the file and carry the map from the file to the
sample; the mask loss reads its targets through that map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from maskrcnn.config import PreprocessConfig, SurfaceConfig
from maskrcnn.data.transforms import geometry
from maskrcnn.data.transforms.augment import AugmentConfig, jitter_colour, vary_amplitude, vary_bands, vary_tone
from maskrcnn.data.transforms.class_maps import class_map_on, draw_class_focus
from maskrcnn.data.transforms.crops import draw_crop, draw_focus, keep_visible
from maskrcnn.data.transforms.regrid import (
    check_scale,
    grid_scale,
    grid_shape,
    labelled_part,
    mirror,
    regrid,
    whole_file,
)
from maskrcnn.regions import AxisMap
from maskrcnn.structures import Instances, Record
from maskrcnn.surfaces.points import SurfacePoints

__all__ = ["AugmentConfig", "EvalTransform", "Sample", "TrainTransform", "jitter_colour"]


@dataclass
class Sample:
    """One image ready for the model.

    Attributes:
        image: float32 ``[C, *S]``, normalised.
        target: the labels in the coordinates of ``image``; its regions are those of the file, with their map.
            Only a sample into which objects were pasted has regions of its own, see
            :mod:`maskrcnn.data.transforms.copy_paste`.
        axis_map: from the file's coordinates to those of ``image``.
        source_shape: spatial shape of the file.
        index: position in the data set; -1 if unknown.
        image_id: the data set's own id.
        file_name: as the data set writes it.
        exhaustive: labels that were searched for exhaustively in this image; None means all of them. An object of any
            other class is there all the same; where none is labelled, nobody can say that there is none.
        shown: spatial shape of what ``image`` shows of the file, before padding; None if nothing was padded.
    """

    image: Tensor
    target: Instances
    axis_map: AxisMap
    source_shape: tuple[int, ...]
    index: int = -1
    image_id: int | str = -1
    file_name: str = ""
    exhaustive: frozenset[int] | None = None
    shown: tuple[int, ...] | None = None


def sample_generator(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The source of all that is random about an image in an epoch, whichever process loads it.

    Args:
        seed: of the training.
        epoch: its number.
        index: of the image.

    Returns:
        The generator.
    """
    return np.random.default_rng([seed, epoch, index + 1])  # without the 1, image 0 would share the epoch's own stream


def normalise(image: Tensor, pixel_mean: Sequence[float], pixel_std: Sequence[float]) -> Tensor:
    """Take each channel's mean off and divide by its deviation.

    Args:
        image: ``[C, *S]``.
        pixel_mean: of each channel, in units of ``image``.
        pixel_std: of each channel.

    Returns:
        Float32 ``[C, *S]``.
    """
    image = image.float()
    per_channel = (-1, *(1,) * (image.ndim - 1))
    return (image - image.new_tensor(pixel_mean).view(per_channel)) / image.new_tensor(pixel_std).view(per_channel)


def prepare_image(
    image: Tensor,
    min_size: float,
    max_size: float,
    pixel_mean: Sequence[float],
    pixel_std: Sequence[float],
    antialias: bool = False,
) -> tuple[Tensor, AxisMap]:
    """Resize and normalise one image for the model.

    Args:
        image: ``[C, *S]``, 0..255, uint8 or float.
        min_size: of the shortest side, in samples.
        max_size: of the longest side, in samples.
        pixel_mean: of each channel, in units of ``image``.
        pixel_std: of each channel.
        antialias: resize as detectron2 does (antialiased, uint8 stays uint8, the nearest whole
            shape), or else as torchvision does (as floats, the whole shape below).

    Returns:
        float32 ``[C, *S']`` and the map from the coordinates of ``image`` to those of the result.
    """
    source_shape = image.shape[1:]
    target_shape = geometry.resize_shape(source_shape, min_size, max_size, round_down=not antialias)
    resized = geometry.resize_image(image if antialias else image.float(), target_shape, antialias)
    return normalise(resized, pixel_mean, pixel_std), geometry.resize_map(source_shape, target_shape)


def prepare_part(
    image: Tensor, spacing: Sequence[float] | None, preprocess: PreprocessConfig
) -> tuple[Tensor, AxisMap]:
    """A file, or a part of it, as a model sees it: on the model's grid where it has one, else resized; normalised.

    Args:
        image: ``[C, *S]``, after :func:`maskrcnn.data.transforms.regrid.whole_file`.
        spacing: of the file, x first; None where it says nothing.
        preprocess: of the model.

    Returns:
        float32 ``[C', *S']`` and the map from the coordinates of ``image`` to those of the result.
    """
    p = preprocess
    if p.spacing is None:
        return prepare_image(image, p.min_size, p.max_size, p.pixel_mean, p.pixel_std, p.antialias)
    shape = grid_shape(image.shape[1:], spacing, p)
    return normalise(regrid(image, shape, p), p.pixel_mean, p.pixel_std), geometry.resize_map(image.shape[1:], shape)


def map_instances(instances: Instances, axis_map: AxisMap) -> Instances:
    """Labels moved by ``axis_map``: boxes, keypoints, surface points, and the map (not the runs) of the regions."""
    keypoints, regions, unknown = instances.keypoints, instances.regions, instances.unknown_sides
    if keypoints is not None:
        moved = axis_map.points(keypoints[..., :-1])
        keypoints = torch.cat([moved, keypoints[..., -1:]], -1) * (keypoints[..., -1:] > 0)
    if regions is not None:
        so_far = regions.axis_map or AxisMap.identity(regions.ndim)
        regions = replace(regions, axis_map=so_far.then(axis_map))
    if unknown is not None:
        flipped = torch.tensor([factor < 0 for factor in axis_map.scale] * 2)
        unknown = torch.where(flipped, unknown.roll(len(axis_map.scale), -1), unknown)
    surface = instances.surface.moved(axis_map) if isinstance(instances.surface, SurfacePoints) else None
    result = replace(instances, keypoints=keypoints, regions=regions, unknown_sides=unknown, surface=surface)
    return replace(result, boxes=axis_map.boxes(instances.boxes))


@dataclass(frozen=True)
class EvalTransform:
    """Resize and normalise as the model's configuration says; every label is kept."""

    preprocess: PreprocessConfig

    def __call__(self, image: Tensor, record: Record, generator: np.random.Generator | None = None) -> Sample:
        """The sample of ``image`` ``[C, *S]``; nothing about it is random."""
        p = self.preprocess
        check_scale(record.source, record.spacing, p)
        whole = whole_file(image, p)
        part, to_part = labelled_part(whole[:1] if p.each_channel else whole, record)
        prepared, to_grid = prepare_part(part, record.spacing, p)
        axis_map = to_part.then(to_grid)
        target = map_instances(record.instances(), axis_map)
        target.class_map = class_map_on(record.class_map, axis_map, prepared.shape[1:])
        return make_sample(prepared, target, axis_map, image, record)


@dataclass(frozen=True)
class TrainTransform:
    """Scale, crop, mirror and recolour at random; pad to one shape.

    Attributes:
        augment: how much of each.
        preprocess: mean and deviation of the pixels and whether to antialias; its sizes are not used.
        mirrored_keypoints: for each of the P keypoints the one it becomes in a mirror image, see
            :func:`maskrcnn.keypoint_names.mirror_keypoints`; None leaves them as they are.
        surface: what becomes of its points in a mirror image; labels of no other keep their points there.
    """

    augment: AugmentConfig
    preprocess: PreprocessConfig
    mirrored_keypoints: tuple[int, ...] | None = None
    surface: SurfaceConfig | None = None

    def __call__(self, image: Tensor, record: Record, generator: np.random.Generator) -> Sample:
        """A sample of ``image`` ``[C, *S]``, drawn from ``generator`` alone."""
        augment, preprocess = self.augment, self.preprocess
        check_scale(record.source, record.spacing, preprocess)
        whole = whole_file(image, preprocess)
        if preprocess.each_channel:
            channel = int(generator.integers(len(whole)))
            whole = whole[channel : channel + 1]
        part, to_part = labelled_part(whole, record)
        instances = map_instances(record.instances(), to_part)
        fit = None if preprocess.spacing is None else grid_scale(record.spacing, preprocess)
        draw_point = _points_of(record, instances, to_part, part.shape[1:])
        offset, extent, shape = draw_crop(part.shape[1:], draw_point, augment, generator, fit)
        axes = tuple(axis for axis in augment.flip_axes if generator.random() < 0.5)

        crop = geometry.crop_image(part, offset, extent)
        if preprocess.spacing is None:
            resized = geometry.flip_image(geometry.resize_image(crop, shape, preprocess.antialias), axes)
            varied = vary_tone(jitter_colour(resized.float(), augment, generator), augment, generator)
        else:
            varied = regrid(vary_amplitude(mirror(crop, axes, preprocess), augment, generator), shape, preprocess)
            varied = vary_bands(varied, augment, generator) if preprocess.log_mel else varied
        normal = normalise(varied, preprocess.pixel_mean, preprocess.pixel_std)
        padded = geometry.pad_image(normal, augment.size) if augment.pad else normal

        axis_map = to_part.then(geometry.crop_map(offset)).then(geometry.resize_map(extent, shape))
        axis_map = axis_map.then(geometry.flip_map(shape, axes))
        target = keep_visible(map_instances(record.instances(), axis_map), shape, augment)
        target.class_map = class_map_on(record.class_map, axis_map, shape)
        if 0 in axes and self.mirrored_keypoints is not None and target.keypoints is not None:
            target.keypoints = target.keypoints[:, list(self.mirrored_keypoints)]
        if 0 in axes and isinstance(target.surface, SurfacePoints):
            target.surface = target.surface.mirrored(self.surface)
        return replace(make_sample(padded, target, axis_map, image, record), shown=shape)


def _points_of(
    record: Record, instances: Instances, to_part: AxisMap, spatial_shape: Sequence[int]
) -> Callable[[np.random.Generator], tuple[int, ...] | None]:
    """What a crop of the labelled part is to show: a point of a random object, or, where only samples are labelled, of
    a random class."""
    if record.class_map is None or len(instances):
        return partial(draw_focus, spatial_shape, instances)
    low = [round(-shift) for shift in reversed(to_part.shift)]
    return partial(draw_class_focus, record.class_map, low, [a + side for a, side in zip(low, spatial_shape)])


def make_sample(image: Tensor, target: Instances, axis_map: AxisMap, source: Tensor, record: Record) -> Sample:
    """Put a sample together.

    Args:
        image: as the model sees it.
        target: in coordinates of ``image``.
        axis_map: from the file to ``image``.
        source: the image before it was prepared.
        record: of the file.

    Returns:
        The sample.
    """
    source_shape = tuple(source.shape[1:])
    return Sample(
        image,
        target,
        axis_map,
        source_shape,
        image_id=record.image_id,
        file_name=record.file_name,
        exhaustive=record.exhaustive,
    )
