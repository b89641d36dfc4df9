"""Synthetic volumes, for tests and examples: touching blobs, tubes and shells as a microscope might show them.

A scene (``scene.py``) is drawn on a grid that is fine along each axis, whatever the spacing,
and blurred there; each voxel is the mean of its fine samples and its label is that of its centre. Then come photons and
the camera's noise. How full, how sharp and how bright a volume is differs from seed to seed, and all follows from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.errors import UsageError
from maskrcnn.masks.components import connected_parts
from maskrcnn.modalities.volumes.synthetic.scene import BLOBS, KINDS, SHELLS, Scene, Waves, make_scene

DIAMETER = 12.0
FINE = 12  # fine samples along the diameter, about
MOST_FINE = 5  # fine samples along a voxel
LEAST_VOXELS = 3.0  # along the diameter; objects of fewer cannot be told apart
SMALLEST = 8  # voxels: what has fewer is no object
BLUR = (0.12, 0.04, 0.04)  # z, y, x: standard deviation of the optical blur at its sharpest, of the diameter
UNEVEN = 0.3  # part by which the light and the background vary from place to place
# How a volume was taken differs from one to the next, between these:
BLURRIER = (1.0, 2.0)  # times BLUR
BACKGROUND = (0.02, 0.25)  # brightness where nothing is, of the brightest object
PHOTONS = (15.0, 100.0)  # that come from a voxel of the brightest object
GAIN, OFFSET, READ_NOISE = 50.0, 200.0, 40.0  # of the camera: counts a photon, counts in the dark, and their spread
RIM, RIM_WIDTH, HOLLOW = 0.86, 0.1, 0.08  # of a shell: depth and thickness of its wall, and the light within
# Brightness by depth: a blob shines a little less at its rim, a shell little within it; a tube alike everywhere.
PROFILES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    BLOBS: lambda depth: 1 - 0.3 * depth**2,
    SHELLS: lambda depth: HOLLOW + (1 - HOLLOW) * np.exp(-(((depth - RIM) / RIM_WIDTH) ** 2)),
}

Axes = Sequence[np.ndarray]  # the coordinates of a grid along each axis, in the unit of the spacing


@dataclass(frozen=True)
class SyntheticVolume:
    """A made-up scan and its labels.

    Attributes:
        samples: float32 ``[Z, Y, X]``, counts of a camera, 0 or more.
        label_map: uint16 ``[Z, Y, X]``: 0 background, k = k-th object; each object is one part (connected by faces). A
            shell is labelled with what it encloses, as a cell is counted whose membrane was stained.
        labels: int64 ``[N]``: the class of each object, k = k-th of the kinds asked for.
    """

    samples: np.ndarray
    label_map: np.ndarray
    labels: np.ndarray


def synthetic_volume(
    seed: int | Sequence[int],
    spatial_shape: Sequence[int] = (64, 64, 64),
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    kinds: Sequence[str] = KINDS,
    diameter: float = DIAMETER,
) -> SyntheticVolume:
    """A volume that follows from ``seed``; at another spacing of the same extent the objects are at the same places.

    Args:
        seed: one number or several.
        spatial_shape: voxels, tensor order.
        spacing: distance from voxel to voxel, x first.
        kinds: of ``blobs``, ``tubes``, ``shells``.
        diameter: of a typical blob, in the unit of the spacing.

    Returns:
        The volume with its labels.

    Raises:
        UsageError: voxels that are too large for the objects, objects too large for the volume or too many for 16 bits,
            or unknown kinds.
    """
    shape, sides = tuple(map(int, spatial_shape)), tuple(map(float, reversed(spacing)))
    check_volume(shape, spacing, kinds, diameter)
    extent = [count * side for count, side in zip(shape, sides)]
    scene = make_scene(np.random.default_rng(seed), extent, kinds, diameter)
    parts = tuple(_fine_parts(side, diameter) for side in sides)
    axes = [(np.arange(n * count) + 0.5) * side / n for n, count, side in zip(parts, shape, sides)]
    fine, depth = rasterise(scene, axes)
    fine, label_map, kept = _tidied(fine, parts)
    rng = np.random.default_rng([*np.atleast_1d(seed).tolist(), 1])
    blurrier, background, photons = rng.uniform(*BLURRIER), rng.uniform(*BACKGROUND), _log_uniform(rng, PHOTONS)
    light = _light(rng, scene, kept, fine, depth, axes, background)
    for axis, (values, width) in enumerate(zip(axes, BLUR)):
        light = _blurred(light, axis, blurrier * width * diameter / (values[1] - values[0]))
    samples = _exposed(rng, _averaged(light, parts), photons)
    labels = np.array([kinds.index(scene.bodies[k].kind) + 1 for k in kept], dtype=np.int64)
    return SyntheticVolume(samples, label_map, labels)


def check_volume(
    spatial_shape: Sequence[int], spacing: Sequence[float], kinds: Sequence[str], diameter: float = DIAMETER
) -> None:
    """Raises UsageError where :func:`synthetic_volume` would.

    Args:
        spatial_shape: of the volume, tensor order.
        spacing: of its voxels, x first.
        kinds: what is in it.
        diameter: of a typical blob, in the unit of the spacing.
    """
    if not kinds or not set(kinds) <= set(KINDS) or len(set(kinds)) < len(kinds):
        raise UsageError(f"The kinds must be some of {', '.join(KINDS)}, each once, not {' '.join(kinds) or 'none'}.")
    widest = diameter / LEAST_VOXELS
    for name, side, count in zip("xyz", spacing, reversed(spatial_shape)):
        if not 0 < side <= widest:
            raise UsageError(
                f"A spacing of {side:g} along {name} is out of range: for objects of a diameter of {diameter:g} it is "
                f"more than 0 and at most {widest:g}."
            )
        if not count * side >= diameter:
            raise UsageError(
                f"{count} voxels of {side:g} along {name} have no room for objects of a diameter of {diameter:g}; ask "
                "for more of them."
            )


def _fine_parts(side: float, diameter: float) -> int:
    """Into how many fine samples a voxel is cut: an odd number, so that one of them is its centre."""
    return min(MOST_FINE, 2 * max(0, math.floor(side * FINE / diameter / 2)) + 1)


def rasterise(scene: Scene, axes: Axes) -> tuple[np.ndarray, np.ndarray]:
    """Which body each point of the grid belongs to, int32 (1.. in order), and how deep it lies in it, 0..1 from the
    middle to the outside, float32. Of several, a point belongs to the one in which it lies deepest, so none overlap."""
    points = scene.warp.over(axes)
    for moved, axis in zip(points, np.ix_(*axes)):
        moved += axis.astype(np.float32)
    owner, depth = np.zeros(points.shape[1:], dtype=np.int32), np.ones(points.shape[1:], dtype=np.float32)
    bend = float(np.abs(scene.warp.amplitudes).sum(0).max())  # no point is moved further along an axis
    for number, body in enumerate(scene.bodies, start=1):
        for centre, frame, reach in zip(body.centres, body.frames, body.reach):
            window = _window(centre - reach - bend, centre + reach + bend, axes)
            away = points[(slice(None), *window)] - centre.astype(np.float32)[:, None, None, None]
            own = np.sqrt((np.tensordot(frame.astype(np.float32), away, 1) ** 2).sum(0))
            deeper = own < depth[window]
            depth[window][deeper] = own[deeper]
            owner[window][deeper] = number
    return owner, depth


def _window(low: np.ndarray, high: np.ndarray, axes: Axes) -> tuple[slice, ...]:
    """The part of a grid that lies between two corners ``[3]``."""
    return tuple(slice(*np.searchsorted(axis, [a, b]).tolist()) for axis, a, b in zip(axes, low, high))


def _tidied(owner: np.ndarray, parts: Sequence[int]) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """What is to be seen and labelled of each body: the largest of its parts, if that is not tiny.

    Neighbours and the ends of the space may cut a body in two, and so may thick slices.

    Returns:
        ``owner`` with the bodies that remain, numbered anew; the label map, of the centres of voxels; and which bodies
        remain, counted from 0.
    """
    centres = tuple(slice(n // 2, None, n) for n in parts)
    label_map = owner[centres]
    pieces = connected_parts(label_map)
    sizes = np.bincount(pieces.ravel())
    body_of = np.zeros(len(sizes), dtype=np.int64)
    body_of[pieces] = label_map
    largest = np.zeros(int(owner.max()) + 1, dtype=np.int64)
    rising = np.argsort(sizes[1:], kind="stable") + 1
    rising = rising[sizes[rising] >= SMALLEST]
    largest[body_of[rising]] = rising  # the last one stays
    kept = np.flatnonzero(largest)
    if len(kept) > np.iinfo(np.uint16).max:
        raise UsageError(f"There is room for {len(kept):,} objects, but label maps hold 65,535; ask for fewer voxels.")
    lost = (label_map > 0) & (pieces != largest[label_map])
    for axis, n in enumerate(parts):
        lost = np.repeat(lost, n, axis=axis)
    numbers = np.zeros(len(largest), dtype=np.uint16)
    numbers[kept] = np.arange(1, len(kept) + 1)
    fine = numbers[owner]
    fine[lost] = 0
    return fine, fine[centres].copy(), (kept - 1).tolist()


def _light(
    rng: np.random.Generator,
    scene: Scene,
    kept: Sequence[int],
    owner: np.ndarray,
    depth: np.ndarray,
    axes: Axes,
    background: float,
) -> np.ndarray:
    """What shines at each point of the fine grid, float32; 1 is the brightest body."""
    longest = max(axis[-1] for axis in axes)
    uneven = 1 + Waves.draw(rng, 3, (longest, 3 * longest), UNEVEN / 3).over(axes)[0]
    brightness = np.array([0.0, *(scene.bodies[k].brightness for k in kept)], dtype=np.float32)
    light = (1 + scene.texture.over(axes)[0]) * brightness[owner]
    for kind, profile in PROFILES.items():
        own = np.array([False, *(scene.bodies[k].kind == kind for k in kept)])[owner]
        light[own] *= profile(depth[own])
    lit: np.ndarray = (light + np.float32(background)) * uneven
    return lit


def _blurred(light: np.ndarray, axis: int, deviation: float) -> np.ndarray:
    """Blurred along one axis by a Gaussian of a ``deviation`` in samples, as if the ends went on."""
    reach = max(1, round(3 * deviation))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    padding = [(reach, reach) if a == axis else (0, 0) for a in range(light.ndim)]
    padded = np.moveaxis(np.pad(light, padding, mode="edge"), axis, 0)
    blurred = np.zeros_like(np.moveaxis(light, axis, 0))
    for k, weight in enumerate(weights):
        blurred += weight * padded[k : k + len(blurred)]
    return np.moveaxis(blurred, 0, axis)


def _averaged(light: np.ndarray, parts: Sequence[int]) -> np.ndarray:
    """The mean of the fine samples of each voxel."""
    for axis, n in enumerate(parts):
        cut = (*light.shape[:axis], light.shape[axis] // n, n, *light.shape[axis + 1 :])
        light = light.reshape(cut).mean(axis=axis + 1)
    return light


def _exposed(rng: np.random.Generator, light: np.ndarray, photons: float) -> np.ndarray:
    """Counts of the camera, float32: photons come by chance, and reading them adds noise."""
    counts = OFFSET + GAIN * rng.poisson(np.maximum(light, 0) * photons) + rng.normal(0, READ_NOISE, light.shape)
    measured: np.ndarray = np.maximum(counts, 0).astype(np.float32)
    return measured


def _log_uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(bounds))))
