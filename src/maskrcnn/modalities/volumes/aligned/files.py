"""Scans voxel on voxel, as :class:`maskrcnn.association.fields.AlignedFiles` says."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from maskrcnn.association.fields import Field, Shown, Words
from maskrcnn.modalities.volumes.aligned.picture import draw_effect
from maskrcnn.modalities.volumes.read import read_label_volume, read_volume
from maskrcnn.modalities.volumes.results.label_volumes import piece_of, write_voxels
from maskrcnn.modalities.volumes.volume import Volume

WORDS = Words("voxel", "volume", "mm3", ("x_mm", "y_mm", "z_mm"))


def read(path: Path) -> Field:
    """The voxels of a scan.

    Raises:
        DataError: it cannot be read.
    """
    volume = read_volume(path)
    bare = dataclasses.replace(volume, samples=volume.samples[:, :0])  # its place, without its voxels
    return Field(volume.samples.numpy(), volume.spacing, volume.affine, "mm", volume.channel_names, bare, volume.notes)


def read_labels(path: Path) -> np.ndarray:
    """Whole numbers ``[Z, Y, X]`` of a label volume.

    Raises:
        DataError: it cannot be read.
    """
    return read_label_volume(path).numbers


def cut(whole: Field, where: Sequence[slice]) -> Field:
    """A piece of a scan, in its own place."""
    source: Volume = whole.source
    affine = None if whole.affine is None else whole.affine.copy()
    if affine is not None:
        affine[:3, 3] += affine[:3, :3] @ np.array([part.start for part in reversed(where)], dtype=np.float64)
    space = piece_of(source.space, where, whole.samples.shape[1:])
    piece = dataclasses.replace(source, affine=affine, space=space)
    return dataclasses.replace(whole, samples=whole.samples[(slice(None), *where)], affine=affine, source=piece)


def place(like: Field, index: Sequence[float]) -> tuple[float, ...]:
    """Millimetres towards the patient's right, front and head, or from the first voxel where the scan says no place."""
    first = np.array(index[::-1], dtype=np.float64)
    if like.affine is not None:
        return tuple((like.affine[:3, :3] @ first + like.affine[:3, 3]).tolist())
    return tuple((first * np.array(like.spacing or (1.0, 1.0, 1.0))).tolist())


def write(path: Path, samples: np.ndarray, like: Field) -> Path:
    """A map as ``.nii.gz``, or ``.tif``, ``.npz`` or ``.npy`` where the scans are such.

    Args:
        path: without a suffix.
        samples: ``[C, Z, Y, X]``, float32 or unsigned integers.
        like: whose space it has.

    Returns:
        The path with a suffix.
    """
    volume: Volume = like.source
    return write_voxels(path, samples[0] if len(samples) == 1 else samples, volume.space, like.spacing)


def draw(mean: Field, shown: Shown) -> Image.Image:
    """Slices of the mean scan with the regions in colour; of several channels the one of the strongest region."""
    inside = np.abs(shown.statistic) * (shown.numbers > 0)
    channel = int(inside.reshape(len(inside), -1).max(axis=1).argmax())
    own = torch.from_numpy(np.ascontiguousarray(mean.samples[channel : channel + 1]))
    volume = dataclasses.replace(mean.source, samples=own)
    return draw_effect(volume, shown, channel)
