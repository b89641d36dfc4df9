"""Whether the labelled outlines lie on what the pictures show, told from the pictures alone.

Along the outline of an object brightness changes more than elsewhere. If it changes more, in image after image, along
the same outlines mirrored, with x and y exchanged, or moved by a few samples, that is where the objects are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from maskrcnn.doctor.findings import Finding, finding
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

LONGEST = 256  # samples of an image along its longer side, in which outlines are looked at
REACH, PACE = 16, 2  # shifts along every axis that are tried, and their step, in these samples
MOST_POINTS = 1000  # of the outlines of one image
FEWEST_IMAGES = 8  # from which anything is concluded
LEAST_SHIFT = 4  # samples: by less than that tools and hands differ
SURE = 5.0  # standard errors by which another place must be better: hundreds of places are compared
LEAST_GAIN = 0.15  # and standard deviations of the picture's contrast

TURNS = ("mirrored left to right", "upside down", "upside down and mirrored", "with x and y exchanged")


@dataclass(frozen=True)
class Placement:
    """Mean contrast along one image's outlines, as they are and elsewhere, in deviations of the image's own contrast.

    Attributes:
        shifted: float32 ``[n ** D]``: moved by each of :func:`shifts`; NaN where too little would lie in the image.
        turned: float32 ``[len(TURNS)]``.
        scale: samples of the file in one of those that shifts are counted in.
    """

    shifted: np.ndarray
    turned: np.ndarray
    scale: int


def shifts(ndim: int) -> np.ndarray:
    """All shifts ``[n ** D, D]`` that are tried, tensor order; the middle one is none."""
    steps = np.arange(-REACH, REACH + 1, PACE)
    return np.stack(np.meshgrid(*[steps] * ndim, indexing="ij"), -1).reshape(-1, ndim)


def place_scores(image: Tensor, record: Record) -> Placement | None:
    """How one image ``[C, *S]`` fits its outlines; None without masks, or where there is nothing to compare."""
    if record.regions is None or tuple(image.shape[1:]) != record.regions.spatial_shape:
        return None
    points = outline_points(record.regions)
    if len(points) < 20:
        return None
    scale = -(-max(image.shape[1:]) // LONGEST)
    contrast = _contrast(image.numpy().mean(0, dtype=np.float32), scale)
    if contrast is None:
        return None
    points = points // scale
    sides = np.array(contrast.shape)
    moved = points[None] + shifts(points.shape[1])[:, None]
    last = sides - 1
    mirror_x = np.concatenate([points[:, :-1], last[-1:] - points[:, -1:]], 1)
    turned = [mirror_x, np.concatenate([last[:1] - points[:, :1], points[:, 1:]], 1), last - points, points[:, ::-1]]
    return Placement(_mean_at(contrast, moved), _mean_at(contrast, np.stack(turned)), scale)


def outline_points(regions: Regions) -> np.ndarray:
    """Samples ``[P, D]`` (tensor order) of the outlines of all objects, but for those along the image's border."""
    found = [_outline(regions.window(k)) + regions.offsets[k] for k in range(len(regions)) if regions.shapes[k].all()]
    points = np.concatenate(found) if found else np.zeros((0, regions.ndim), np.int64)
    points = points[((points > 1) & (points < np.array(regions.spatial_shape) - 2)).all(1)]
    return points[:: max(1, -(-len(points) // MOST_POINTS))]


def _outline(mask: np.ndarray) -> np.ndarray:
    """Positions ``[P, D]`` of the samples of a boolean array that have a neighbour outside along some axis."""
    padded = np.pad(mask, 1)
    inner = mask.copy()
    whole = (slice(1, -1),) * mask.ndim
    for axis in range(mask.ndim):
        for step in (slice(0, -2), slice(2, None)):
            inner &= padded[whole[:axis] + (step,) + whole[axis + 1 :]]
    return np.argwhere(mask & ~inner)


def _contrast(grey: np.ndarray, scale: int) -> np.ndarray | None:
    """Length of the gradient of ``grey`` averaged over cubes of ``scale`` samples, as deviations from its mean."""
    for axis in range(grey.ndim):
        length = grey.shape[axis] // scale * scale
        grey = np.add.reduceat(grey.take(range(length), axis), np.arange(0, length, scale), axis=axis) / scale
    if min(grey.shape) < 2 * REACH:
        return None
    gradient = np.sqrt(sum(np.square(np.gradient(grey, axis=axis)) for axis in range(grey.ndim)))
    gradient = np.minimum(gradient, np.quantile(gradient, 0.98))  # one sharp edge must not outweigh all others
    deviation = float(gradient.std())
    return (gradient - gradient.mean()) / deviation if deviation > 1e-3 else None


def _mean_at(contrast: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Mean of ``contrast`` at each row of points ``[n, P, D]``; NaN where under half of them lie in the image."""
    inside, flat = np.ones(points.shape[:2], bool), np.zeros(points.shape[:2], np.int64)
    for axis, side in enumerate(contrast.shape):
        along = points[..., axis]
        inside &= (along >= 0) & (along < side)
        flat = flat * side + along.clip(0, side - 1)
    values = contrast.ravel()[flat] * inside
    counts = inside.sum(1)
    return np.where(2 * counts >= points.shape[1], values.sum(1) / np.maximum(counts, 1), np.nan).astype(np.float32)


def placement_findings(placements: Sequence[Placement], data: str) -> list[Finding]:
    """A finding if the outlines of most images fit better somewhere else."""
    if len(placements) < FEWEST_IMAGES:
        return []
    shifted = np.stack([p.shifted for p in placements]).astype(np.float64)
    here = shifted[:, shifted.shape[1] // 2]
    turned = np.stack([p.turned for p in placements]).astype(np.float64)
    ndim = round(np.log(shifted.shape[1]) / np.log(2 * REACH // PACE + 1))
    far = np.abs(shifts(ndim)).max(1) >= LEAST_SHIFT
    moves = [(better(shifted[:, k], here), _in_words(shifts(ndim)[k], placements)) for k in np.flatnonzero(far)]
    turns = [(better(turned[:, k], here), words) for k, words in enumerate(TURNS)]
    gain, where = max(turns + moves)
    if gain <= 0:
        return []
    return [
        finding(
            "labels-misplaced",
            data,
            [],
            len(placements),
            len(placements),
            why=f"Over all images the outlines fit what can be seen clearly better {where} than where they are.",
            fix="draw a few labels over their pictures and look; then export again, or correct your conversion "
            "(x and y, the origin, the size of the picture that was labelled).",
        )
    ]


def better(other: np.ndarray, here: np.ndarray) -> float:
    """The mean gain of another place over this one ``[n]`` images; 0 unless it is large and sure."""
    gain = (other - here)[np.isfinite(other) & np.isfinite(here)]
    if len(gain) < max(FEWEST_IMAGES, len(here) // 4):
        return 0.0
    error = float(gain.std(ddof=1)) / np.sqrt(len(gain)) + 1e-9
    return float(gain.mean()) if gain.mean() > max(SURE * error, LEAST_GAIN) else 0.0


def _in_words(shift: np.ndarray, placements: Sequence[Placement]) -> str:
    scale = float(np.median([p.scale for p in placements]))
    names = "x", "y", "z"
    parts = [f"{step * scale:+.0f} px in {names[axis]}" for axis, step in enumerate(shift[::-1]) if step]
    return "moved by about " + " and ".join(parts)
