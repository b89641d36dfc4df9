"""What readers of volumes share: voxels as a file has them become finite samples or whole numbers."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from maskrcnn.data.parsing.size_limit import check_size
from maskrcnn.errors import DataError, MaskRCNNError, reason
from maskrcnn.files import is_file
from maskrcnn.modalities.volumes.orientation import check_steps, turn_to_canonical
from maskrcnn.modalities.volumes.volume import FileSpace, LabelVolume, Volume

UNSCALED = (1.0, 0.0)
NEARLY = 1e-3  # a label that was scaled in the file may miss its whole number by this


@dataclass(frozen=True)
class Voxels:
    """Voxels before they are numbers of the kind that is asked for.

    Attributes:
        channels: C arrays ``[Z, Y, X]`` of one shape, or one array ``[C, Z, Y, X]``, of any kind of number; turned to
            canonical axes. An array of float32 is taken over, not copied.
        space: how the file lays them out.
        spacing: as in :class:`Volume`.
        affine: as in :class:`Volume`.
        scale: slope and intercept that are yet to be applied.
        channel_names: C names; empty where the file has none.
        notes: one sentence for each fault that was found and mended.
    """

    channels: Sequence[np.ndarray] | np.ndarray
    space: FileSpace
    spacing: tuple[float, ...] | None = None
    affine: np.ndarray | None = None
    scale: tuple[float, float] = UNSCALED
    channel_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def volume_of(path: Path, voxels: Voxels) -> Volume:
    """The volume; what is no finite number becomes the smallest of its channel, and is told.

    Raises:
        DataError: for an axis without voxels, complex numbers or text, a channel without a finite number.
    """
    check_numbers(path, voxels.channels)
    check_steps(voxels.spacing or (), path)
    samples = _scaled(voxels)
    names = voxels.channel_names or _numbered(len(samples))
    notes = [*voxels.notes]
    for channel, name in zip(samples, names):
        count = fill_missing(path, channel)
        if count:
            where = f" of channel {name}" if name and len(names) > 1 else ""
            notes.append(
                f"{path}: {count} of {channel.size} voxels{where} are no finite numbers and were set to the smallest "
                "finite value."
            )
    return Volume(torch.from_numpy(samples), voxels.spacing, voxels.affine, voxels.space, names, tuple(notes))


def labels_of(path: Path, voxels: Voxels) -> LabelVolume:
    """The label map.

    Raises:
        DataError: for several channels, or what is no whole number from 0.
    """
    check_numbers(path, voxels.channels)
    check_steps(voxels.spacing or (), path)
    if len(voxels.channels) > 1:
        raise DataError(f"The label map {path} has {len(voxels.channels)} channels; save one number a voxel.")
    found, scaled = voxels.channels[0], voxels.scale != UNSCALED
    if scaled:
        found = found * np.float64(voxels.scale[0]) + np.float64(voxels.scale[1])
    return LabelVolume(whole_numbers(path, found, NEARLY if scaled else 0.0), voxels.affine, voxels.spacing)


def whole_numbers(path: Path, found: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
    """The numbers as int32, or int64 where one is larger, contiguous.

    Args:
        path: of the file, for sentences.
        found: the numbers.
        tolerance: how far they may be off.

    Returns:
        int32, or int64 where one is larger, contiguous.

    Raises:
        DataError: for fractions, what is not finite, numbers below 0 or above those of 64 bits.
    """
    if found.dtype.kind == "f":
        if not np.isfinite(found).all():
            raise DataError(f"The label map {path} has voxels that are no numbers; give each voxel a whole number.")
        whole = np.rint(found)
        off = np.abs(found - whole) > tolerance
        if off.any():
            raise DataError(
                f"The label map {path} holds {found[off].flat[0]:g}, but labels are whole numbers; was a scan named, "
                "or were labels resampled as if they were a scan?"
            )
        found = whole
    low, high = found.min(), found.max()
    if low < 0:
        raise DataError(f"The label map {path} holds {low:g}, but labels count from 0, the background.")
    if int(high) > np.iinfo(np.int64).max:
        raise DataError(f"The label map {path} holds {int(high)}, which is too large; number the objects from 1.")
    return np.ascontiguousarray(found, dtype=np.int32 if high <= np.iinfo(np.int32).max else np.int64)


def fill_missing(path: Path, channel: np.ndarray) -> int:
    """Set what is no finite number to the smallest that is, in place. Returns how many there were.

    Raises:
        DataError: where none is finite.
    """
    if np.isfinite(channel.min()) and np.isfinite(channel.max()):  # costs no memory, unlike what follows
        return 0
    missing = ~np.isfinite(channel)
    count = int(missing.sum())
    if count == channel.size:
        raise DataError(f"{path} has no voxel that is a finite number; export or copy it again.")
    channel[missing] = channel[~missing].min()
    return count


def check_voxels(
    path: Path, shape: Sequence[int], dtype: np.dtype, packed: int | Callable[[], int] | None = None
) -> None:
    """Refuse a file of more voxels than are allowed, from what its header says.

    Args:
        path: of the file.
        shape: of all axes, channels too.
        dtype: of a voxel in the file; beside it what is made of it takes memory.
        packed: see :func:`maskrcnn.data.parsing.size_limit.check_size`.

    Raises:
        DataError: see :mod:`maskrcnn.data.parsing.size_limit`.
    """
    each = dtype.itemsize + 8  # as float32, and standardised or, of labels, as numbers
    check_size(path, math.prod(int(side) for side in shape), "voxels", each, packed)


def check_numbers(path: Path, channels: Sequence[np.ndarray] | np.ndarray) -> None:
    """Raises DataError where there are no voxels, or what they hold is no real number."""
    if len(channels) == 0 or 0 in channels[0].shape:
        shape = (len(channels), *(channels[0].shape if len(channels) else ()))
        raise DataError(
            f"{path} holds no voxels (its shape is {' x '.join(map(str, shape))}); export or copy it again."
        )
    if channels[0].dtype.kind == "c":
        raise DataError(f"{path} holds complex numbers; save their magnitude.")
    if channels[0].dtype.kind not in "fiub":
        raise DataError(f"{path} holds {channels[0].dtype}, not numbers; save one number a voxel.")


def placed(path: Path, channels: np.ndarray, container: str, affine: np.ndarray) -> Voxels:
    """Voxels ``[C, K, J, I]`` that lie where ``affine`` says, turned to canonical axes.

    Args:
        path: of the file, for errors.
        channels: in the file's own order.
        container: as in :class:`FileSpace`.
        affine: float64 ``[4, 4]`` from (i, j, k) to RAS+ millimetres.

    Returns:
        The voxels, turned.

    Raises:
        DataError: for an axis without voxels, or an affine that says no place.
    """
    check_numbers(path, channels)
    shape = channels.shape[1:]
    turn, turned, spacing = turn_to_canonical(affine, shape, path)
    return Voxels(turn.apply(channels), FileSpace(container, shape, turn, affine), spacing, turned)


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Whatever goes wrong inside becomes a DataError that names the file; what libraries say meanwhile is not shown."""
    loggers = [logging.getLogger(name) for name in ("nibabel.global", "pydicom", "tifffile")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MaskRCNNError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{error.filename or path} does not exist; check the name.") from error
    except PermissionError as error:
        raise DataError(f"{error.filename or path} may not be read; change its permissions.") from error
    except Exception as error:  # decoders meet broken bytes with errors of every kind
        if is_file(path) and path.stat().st_size == 0:
            raise DataError(f"{path} is empty (0 bytes); copy or download it again.") from error
        raise DataError(
            f"{path} cannot be read as {kind} ({reason(error)}); it may be cut off or damaged: copy or "
            "download it again."
        ) from error
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)


def _scaled(voxels: Voxels) -> np.ndarray:
    """Float32 ``[C, Z, Y, X]``, contiguous, scale applied; beside it no copy of more than a plane is made."""
    found, (slope, intercept) = voxels.channels, voxels.scale
    plain = isinstance(found, np.ndarray) and found.dtype == np.float32 and found.flags.c_contiguous
    if plain and isinstance(found, np.ndarray) and found.flags.writeable and voxels.scale == UNSCALED:
        return found
    samples = np.empty((len(found), *found[0].shape), dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for target, channel in zip(samples, found):
            if voxels.scale == UNSCALED:
                target[...] = channel
                continue
            for into, plane in zip(target, channel):
                into[...] = plane * np.float64(slope) + np.float64(intercept)
    return samples


def _numbered(count: int) -> tuple[str, ...]:
    return ("",) if count == 1 else tuple(f"channel {k}" for k in range(1, count + 1))
