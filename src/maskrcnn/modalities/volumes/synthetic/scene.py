"""Made-up bodies in a block of space, for synthetic volumes: what they are and where, before any voxel is looked at.

Nothing here knows of voxels, so the same seed makes the same scene for any spacing. Lengths are in the unit of the
spacing, points in tensor order (z, y, x).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BLOBS, TUBES, SHELLS = "blobs", "tubes", "shells"
KINDS = (BLOBS, TUBES, SHELLS)
CLASS_NAMES = {BLOBS: "blob", TUBES: "tube", SHELLS: "shell"}

# Lengths are parts of the diameter of a typical blob; each value between two is as likely.
BLOB_RADIUS, SHELL_RADIUS, TUBE_RADIUS = (0.4, 0.65), (0.55, 0.85), (0.18, 0.3)
STRETCH = 0.25  # an axis of a blob or shell is longer or shorter than its radius by up to this part
TUBE_LENGTH, SHORTEST_TUBE = (3.0, 6.0), 1.5
BEND = 0.22  # how much the direction of a tube changes from step to step
STEP = 0.5  # radii from one ball of a tube to the next
SWELL = 0.25  # a tube's radius waxes and wanes by this part
FILLED = (0.2, 0.5)  # part of the space that bodies are to fill, as far as there is room
ALONE = 0.15  # of the blobs, the part that is not put beside another body
TOUCHING = (0.87, 0.94)  # distance of the centres of two that touch, of the sum of their radii: each loses a little
CLOSEST = 0.86  # none are closer
TRIES = 40  # places for one body before it is given up
FAINTEST = 0.35  # brightness of the faintest body, of the brightest

# The whole space is bent by waves: bodies are no perfect ellipsoids. Their slopes add up to less than 1, so no two
# points become one, and what hangs together still does.
WARP_WAVES, WARP, WARP_LENGTH = 4, 0.05, (1.6, 4.0)
TEXTURE_WAVES, TEXTURE, TEXTURE_LENGTH = 8, 0.09, (0.3, 0.8)


@dataclass(frozen=True)
class Waves:
    """A sum of sines over space with C values at each point.

    Attributes:
        vectors: radians for each unit of length, float64 ``[n, 3]``.
        phases: radians, float64 ``[n]``.
        amplitudes: float64 ``[n, C]``.
    """

    vectors: np.ndarray
    phases: np.ndarray
    amplitudes: np.ndarray

    @staticmethod
    def draw(
        rng: np.random.Generator, count: int, length: tuple[float, float], amplitude: float, channels: int = 1
    ) -> Waves:
        """``count`` waves in any directions, of a wavelength between the two of ``length``.

        Args:
            rng: that they are drawn from.
            count: of waves.
            length: the shortest and the longest wavelength, in units of the scene.
            amplitude: of each.
            channels: C; 3: vectors of any direction, as for a displacement.

        Returns:
            The waves.
        """
        vectors = _directions(rng, count) * (2 * np.pi / rng.uniform(*length, (count, 1)))
        towards = _directions(rng, count) if channels == 3 else np.ones((count, channels))
        return Waves(vectors, rng.uniform(0, 2 * np.pi, count), amplitude * towards)

    def over(self, axes: Sequence[np.ndarray]) -> np.ndarray:
        """float32 ``[C, Z, Y, X]`` at the points whose coordinates along each axis are ``axes``.

        A wave over a grid is a product of three, one an axis, so there is one sine a line and not one a point.
        """
        z, y, x = (np.exp(1j * np.outer(k, axis)) for k, axis in zip(self.vectors.T, axes))
        z = z * np.exp(1j * self.phases)[:, None]
        plane = self.amplitudes[:, :, None, None] * (z[:, :, None] * y[:, None])[:, None]
        planes = np.concatenate([plane.imag, plane.real]).astype(np.float32)  # the imaginary part of a product
        lines = np.concatenate([x.real, x.imag]).astype(np.float32)
        return (planes.reshape(len(lines), -1).T @ lines).reshape(*plane.shape[1:], x.shape[1])


@dataclass(frozen=True)
class Body:
    """One object: the union of E ellipsoids, of which a blob and a shell have one and a tube has many small balls.

    Attributes:
        kind: one of :data:`KINDS`.
        centres: float64 ``[E, 3]``.
        frames: float64 ``[E, 3, 3]``: ``frame @ (point - centre)`` is shorter than 1 inside.
        reach: float64 ``[E]``: the longest half axis.
        brightness: 0..1.
    """

    kind: str
    centres: np.ndarray
    frames: np.ndarray
    reach: np.ndarray
    brightness: float

    @property
    def volume(self) -> float:
        """Roughly: of a tube that of the cylinders between its balls."""
        if self.kind == TUBES:
            lengths = np.linalg.norm(np.diff(self.centres, axis=0), axis=1)
            return float((np.pi * self.reach[1:] ** 2 * lengths).sum())
        return float(4 / 3 * np.pi / abs(np.linalg.det(self.frames[0])))


@dataclass(frozen=True)
class Scene:
    """Bodies in a block of space that begins at 0.

    Attributes:
        bodies: in their order.
        warp: what the space is bent by.
        texture: part by which the brightness of bodies varies from place to place.
    """

    bodies: list[Body]
    warp: Waves
    texture: Waves


@dataclass
class _Room:
    """The ellipsoids of all bodies that have a place: ``centres``, ``frames`` and ``reach`` as in :class:`Body`."""

    centres: np.ndarray
    frames: np.ndarray
    reach: np.ndarray

    def add(self, body: Body) -> None:
        self.centres = np.concatenate([self.centres, body.centres])
        self.frames = np.concatenate([self.frames, body.frames])
        self.reach = np.concatenate([self.reach, body.reach])

    def fits(self, centres: np.ndarray, frames: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """Whether each of E new ellipsoids is nowhere too close to one that is there, bool ``[E]``."""
        room = np.ones(len(centres), dtype=bool)
        if not len(centres):
            return room
        low, high = (centres - reach[:, None]).min(0), (centres + reach[:, None]).max(0)
        near = np.ones(len(self.reach), dtype=bool)
        for axis, place in enumerate(self.centres.T):
            near &= (place + self.reach > low[axis]) & (place - self.reach < high[axis])
        near = np.flatnonzero(near)
        between = self.centres[None, near] - centres[:, None]
        apart = np.sqrt((between**2).sum(2))
        i, j = np.nonzero(apart < reach[:, None] + self.reach[near])
        away = between[i, j] / np.maximum(apart[i, j, None], 1e-9)
        radii = _radius(frames[i], away) + _radius(self.frames[near[j]], away)
        room[i[apart[i, j] < CLOSEST * radii]] = False
        return room


def make_scene(rng: np.random.Generator, extent: Sequence[float], kinds: Sequence[str], diameter: float) -> Scene:
    """Bodies of ``kinds``, each kind with the same share of the space, large and long ones first.

    Args:
        rng: the scene follows from it.
        extent: of the space, tensor order.
        kinds: of :data:`KINDS`.
        diameter: of a typical blob.

    Returns:
        The bodies, and the warp and texture that they share.
    """
    size = np.asarray(extent, dtype=np.float64)
    warp = Waves.draw(rng, WARP_WAVES, _times(WARP_LENGTH, diameter), WARP * diameter, channels=3)
    share = rng.uniform(*FILLED) * size.prod() / len(kinds)
    texture = Waves.draw(rng, TEXTURE_WAVES, _times(TEXTURE_LENGTH, diameter), TEXTURE)
    bodies: list[Body] = []
    room = _Room(np.zeros((0, 3)), np.zeros((0, 3, 3)), np.zeros(0))
    for kind in (kind for kind in (SHELLS, TUBES, BLOBS) if kind in kinds):
        filled, failures = 0.0, 0
        while filled < share and failures < TRIES:
            body = _place(rng, kind, room, size, diameter)
            if body is None:
                failures += 1
            else:
                bodies.append(body)
                room.add(body)
                filled += body.volume
    return Scene(bodies, warp, texture)


def _place(rng: np.random.Generator, kind: str, room: _Room, size: np.ndarray, diameter: float) -> Body | None:
    """The first of some bodies drawn at random for which there is room; None: there is for none."""
    for _ in range(TRIES):
        if kind == TUBES:
            centres, frames, reach = _draw_tube(rng, room, size, diameter)
        else:
            centres, frames, reach = _draw_ellipsoid(rng, kind, room, size, diameter)
        if len(centres) and room.fits(centres, frames, reach).all():
            return Body(kind, centres, frames, reach, float(np.exp(rng.uniform(np.log(FAINTEST), 0))))
    return None


Shape = tuple[np.ndarray, np.ndarray, np.ndarray]  # centres, frames and reach of the ellipsoids of a body


def _draw_ellipsoid(rng: np.random.Generator, kind: str, room: _Room, size: np.ndarray, diameter: float) -> Shape:
    """At a place of its own or so that it touches another body; nothing where that lies outside."""
    radius = diameter * rng.uniform(*(BLOB_RADIUS if kind == BLOBS else SHELL_RADIUS))
    halves = radius * rng.uniform(1 - STRETCH, 1 + STRETCH, 3)
    frame = np.linalg.qr(rng.standard_normal((3, 3)))[0] / halves[:, None]
    centre = rng.uniform(0, 1, 3) * size
    if len(room.centres) and rng.random() >= ALONE:
        k, away = rng.integers(len(room.centres)), _directions(rng, 1)
        apart = _radius(frame[None], away) + _radius(room.frames[k][None], away)
        centre = room.centres[k] + away[0] * apart[0] * rng.uniform(*TOUCHING)
    kept = int(((centre >= 0) & (centre <= size)).all())
    return centre[None][:kept], frame[None], halves.max(keepdims=True)


def _draw_tube(rng: np.random.Generator, room: _Room, size: np.ndarray, diameter: float) -> Shape:
    """Balls along a random walk that ends where the space does or another body is; nothing where that is too short."""
    radius = diameter * rng.uniform(*TUBE_RADIUS)
    count = int(diameter * rng.uniform(*TUBE_LENGTH) / (STEP * radius))
    reach = radius * (1 + SWELL * np.sin(np.arange(count) * rng.uniform(0.15, 0.4) + rng.uniform(0, 2 * np.pi)))
    turns = np.cumsum(rng.standard_normal((count, 3)) * BEND, axis=0)
    steps = _directions(rng, 1) + turns
    steps *= STEP * radius / np.linalg.norm(steps, axis=1, keepdims=True)
    centres = rng.uniform(0, 1, 3) * size + np.cumsum(steps, axis=0)
    frames = np.eye(3) / reach[:, None, None]
    fits = ((centres >= 0) & (centres <= size)).all(1) & room.fits(centres, frames, reach)
    kept = count if fits.all() else int(np.argmin(fits))
    kept = kept if kept * STEP * radius >= SHORTEST_TUBE * diameter else 0
    return centres[:kept], frames[:kept], reach[:kept]


def _radius(frames: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Of ellipsoids ``[n, 3, 3]`` along directions ``[n, 3]``."""
    radii: np.ndarray = 1 / np.sqrt((np.einsum("nij,nj->ni", frames, directions) ** 2).sum(1))
    return radii


def _directions(rng: np.random.Generator, count: int) -> np.ndarray:
    """Unit vectors, each direction as likely, ``[count, 3]``."""
    vectors = rng.standard_normal((count, 3))
    units: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units


def _times(bounds: tuple[float, float], length: float) -> tuple[float, float]:
    return bounds[0] * length, bounds[1] * length
