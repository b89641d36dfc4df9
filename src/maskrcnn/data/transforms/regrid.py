"""Files whose samples have a physical extent (seconds, millimetres, bases), on the grid that a model has learned on.

A photo is resized to the size that a model likes. A recording or a scan is not: a heart beat lasts as long as it lasts,
however long the recording is. So the samples of the file become samples of ``PreprocessConfig.spacing``, and long files
are cut, not squeezed. In a model without a spacing nothing here applies.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from maskrcnn.config import PreprocessConfig
from maskrcnn.data.transforms import geometry
from maskrcnn.data.transforms.contrast import stretch_contrast
from maskrcnn.data.transforms.log_mel import log_mel
from maskrcnn.data.transforms.resample import resample
from maskrcnn.errors import DataError
from maskrcnn.regions import AxisMap
from maskrcnn.structures import Record

SAME_RATE = 0.01  # relative difference of two sampling rates that comes of counting whole frames
OUTER_PERCENT = 0.5  # of the samples at either end do not count for a channel's mean and deviation: artefacts
MOST_SAMPLES = 1 << 16  # that these are taken of
COARSEST, FINEST = 64, 1e5  # times a model's samples: a file of others holds nothing that the model could see


def whole_file(image: Tensor, preprocess: PreprocessConfig) -> Tensor:
    """What is done to the samples ``[C, *S]`` of a whole file before any part of it is cut out."""
    if preprocess.stretch:
        image = stretch_contrast(image)
    return standardise(image) if preprocess.standardise else image


def standardise(image: Tensor) -> Tensor:
    """Float32 ``[C, *S]``, each channel with its own mean taken off and divided by its own deviation.

    Both are those of the samples between the outer percentiles, so that an electrode that came off or a bright vessel
    changes neither. A constant channel becomes 0.
    """
    values = image.float().flatten(1)
    thin = values[:, :: max(1, values.shape[1] // MOST_SAMPLES)].numpy()
    low, high = np.percentile(thin, (OUTER_PERCENT, 100 - OUTER_PERCENT), axis=1, keepdims=True)
    inner = np.clip(thin, low, high).astype(np.float64)
    mean, deviation = inner.mean(1, keepdims=True), inner.std(1, keepdims=True)
    scaled = values - torch.from_numpy(mean).float()  # the one copy: a scan may take half of the memory that is free
    scaled /= torch.from_numpy(np.maximum(deviation, 1e-8)).float()
    scaled *= torch.from_numpy(deviation > 1e-8)
    return scaled.reshape(image.shape)


def grid_scale(spacing: Sequence[float] | None, preprocess: PreprocessConfig) -> list[float]:
    """Samples of the model's grid for each of the file's, along each axis in tensor order.

    Args:
        spacing: of the file, x first; None where it says nothing: as the model's.
        preprocess: of the model.
    """
    own = preprocess.spacing
    assert own is not None
    return [float(old) / float(new) for old, new in zip(reversed(spacing or own), reversed(own))]


def check_scale(source: object, spacing: Sequence[float] | None, preprocess: PreprocessConfig) -> None:
    """Refuse a file whose samples are so much coarser or finer than those that a model has learned on that its headers
    must be wrong: on the model's grid it would be too large for any memory, or hold nothing.

    Args:
        source: of the file, for the message.
        spacing: of the file, x first; None where it says nothing.
        preprocess: of the model.

    Raises:
        DataError: with the file's name and both numbers.
    """
    if preprocess.spacing is None or spacing is None:
        return
    own = (1 / preprocess.sound_rate,) if preprocess.log_mel and preprocess.sound_rate else preprocess.spacing
    for old, new in zip(spacing, own):
        if not 1 / FINEST <= float(old) / float(new) <= COARSEST:
            raise DataError(
                f"{source} has samples that are {float(old):.4g} apart and the model has learned on {float(new):.4g}; "
                "correct the rate or the size of voxels in its header, or choose another model."
            )


def grid_shape(
    spatial_shape: Sequence[int], spacing: Sequence[float] | None, preprocess: PreprocessConfig
) -> tuple[int, ...]:
    """Compute the shape of a file, or a part of it, on the model's grid.

    Args:
        spatial_shape: of the file, tensor order.
        spacing: of the file, x first; None: as the model's.
        preprocess: of the model.

    Returns:
        The shape, tensor order, at least one sample a side.
    """
    scale = grid_scale(spacing, preprocess)
    return tuple(max(1, round(side * factor)) for side, factor in zip(spatial_shape, scale))


def window_shape(preprocess: PreprocessConfig, ndim: int) -> tuple[int, ...]:
    """The samples of its own that a model with a grid sees at once, tensor order."""
    window = preprocess.window
    return (preprocess.max_size,) * ndim if window is None else tuple(reversed(window))


def regrid(image: Tensor, spatial_shape: Sequence[int], preprocess: PreprocessConfig) -> Tensor:
    """Resample a file to a shape, band-limited; with ``log_mel`` into its bands.

    Args:
        image: ``[C, *S]``.
        spatial_shape: to resample to, tensor order.
        preprocess: of the model.

    Returns:
        ``[C, *spatial_shape]``, or ``[mel bands, frames]``.
    """
    if preprocess.log_mel:
        assert preprocess.spacing is not None
        hop, frames, own = preprocess.spacing[0], int(spatial_shape[0]), preprocess.sound_rate
        rate = image.shape[-1] / (frames * hop)
        if own is not None and abs(rate / own - 1) > SAME_RATE:  # else the bands would be those of other pitches
            image = resample(image, image.shape[-1], max(1, round(frames * hop * own)))
            rate = own
        bands = log_mel(image, rate, bands=len(preprocess.pixel_mean), hop=hop)
        return geometry.pad_image(bands[:, :frames], (frames,))
    for axis, side in enumerate(spatial_shape, start=1):
        if image.shape[axis] != side:
            rows = image.movedim(axis, -1)  # [C, other axes, T]
            changed = resample(rows.flatten(0, -2), rows.shape[-1], side)
            image = changed.reshape(*rows.shape[:-1], side).movedim(-1, axis)
    return image.contiguous()


def labelled_part(image: Tensor, record: Record) -> tuple[Tensor, AxisMap]:
    """The part of ``[C, *S]`` that was labelled, and the map from the file's coordinates to those of the part."""
    if record.extent is None:
        return image, AxisMap.identity(image.ndim - 1)
    low, high = np.asarray(record.extent, dtype=np.float64).reshape(2, -1)[:, ::-1]
    first = [min(max(int(np.floor(at)), 0), side - 1) for at, side in zip(low, image.shape[1:])]
    last = [min(max(int(np.ceil(at)), begin + 1), side) for at, begin, side in zip(high, first, image.shape[1:])]
    shape = [end - begin for begin, end in zip(first, last)]
    return geometry.crop_image(image, first, shape), geometry.crop_map(first)


def grid_of(records_spacing: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The spacing (x first) that a model of files of these spacings has when nobody asks for another: the median."""
    return tuple(np.median(np.array(records_spacing, dtype=np.float64), axis=0).tolist())


def mirror(image: Tensor, axes: Sequence[int], preprocess: PreprocessConfig) -> Tensor:
    """Mirror an image, with the channels that a mirror image has.

    Args:
        image: ``[C, *S]``.
        axes: to mirror along, 0 is x.
        preprocess: of the model, which says how channels are exchanged.

    Returns:
        ``[C, *S]``.
    """
    flipped = geometry.flip_image(image, axes)
    if len(axes) % 2 and preprocess.mirror_channels is not None:
        return flipped[list(preprocess.mirror_channels)]
    return flipped
