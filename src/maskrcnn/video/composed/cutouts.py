"""An object cut out of each frame of its sequence, and how it is pasted over another, in any number of dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

RIM = 2  # samples around the mask that are kept, so that a soft border has something to fade into


@dataclass(frozen=True)
class Cutout:
    """An object of one frame.

    Attributes:
        colours: uint8 ``[*W, C]``, of the window around it.
        cover: float32 ``[*W]``, 0..1: how much of each sample is the object.
        centre: float64 ``[D]``, tensor order: the centre of mass of its mask in the window.
        at: the same in the frame.
    """

    colours: np.ndarray
    cover: np.ndarray
    centre: np.ndarray
    at: np.ndarray


def cut_out(frame: np.ndarray, mask: np.ndarray) -> Cutout | None:
    """The object of a frame.

    Args:
        frame: uint8 ``[*S, C]``.
        mask: bool ``[*S]``.

    Returns:
        The object with a rim around it; None where the mask is empty.
    """
    where = np.argwhere(mask)
    if not len(where):
        return None
    low, high = np.maximum(where.min(0) - RIM, 0), where.max(0) + 1 + RIM
    window = tuple(slice(a, b) for a, b in zip(low, high))
    at = where.mean(0) + 0.5
    return Cutout(frame[window].copy(), mask[window].astype(np.float32), at - low, at)


def resized(cutout: Cutout, scale: float, mirrored: bool) -> Cutout:
    """A picture's cutout at another size, perhaps as in a mirror; its border becomes as soft as the change needs.

    Args:
        cutout: of a picture, D = 2.
        scale: of its sides.
        mirrored: whether left becomes right.

    Returns:
        Another one; where it was in its frame stays as it is.
    """
    height, width = cutout.cover.shape
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    colours = np.asarray(Image.fromarray(cutout.colours).resize(size, Image.Resampling.LANCZOS))
    cover = np.asarray(Image.fromarray(cutout.cover).resize(size, Image.Resampling.BILINEAR))
    centre = cutout.centre * (size[1] / height, size[0] / width)
    if mirrored:
        colours, cover, centre = colours[:, ::-1], cover[:, ::-1], np.array([centre[0], size[0] - centre[1]])
    return Cutout(colours, np.clip(cover, 0, 1), centre, cutout.at)


def paste(
    image: np.ndarray, numbers: np.ndarray, cutout: Cutout, at: Sequence[float] | np.ndarray, number: int
) -> None:
    """Paste an object into a frame; what lies outside is left out.

    Args:
        image: uint8 ``[*S, C]``, changed.
        numbers: whole numbers ``[*S]``, changed: ``number`` where at least half of a sample is the object.
        cutout: the object.
        at: tensor order: where its centre of mass comes to lie, to the nearest sample.
        number: of the object.
    """
    shape = np.array(cutout.cover.shape)
    low = np.rint(np.asarray(at) - cutout.centre).astype(np.int64)
    begin, end = np.maximum(low, 0), np.minimum(low + shape, numbers.shape)
    if (end <= begin).any():
        return
    there = tuple(slice(a, b) for a, b in zip(begin, end))
    part = tuple(slice(a, b) for a, b in zip(begin - low, end - low))
    cover, under = cutout.cover[part][..., None], image[there].astype(np.float32)
    image[there] = np.rint(under + cover * (cutout.colours[part] - under)).astype(np.uint8)
    numbers[there][cutout.cover[part] >= 0.5] = number


def typical_height(cutouts: Iterable[Cutout | None]) -> float:
    """The median extent along the first axis, rims not counted."""
    return float(np.median([max(cutout.cover.shape[0] - 2 * RIM, 1) for cutout in cutouts if cutout is not None]))
