"""Scenes of things that cross each other, made from a seed: who is where in each frame, and what a detector would say.

Things have a depth: what lies nearer hides what lies behind. A detector misses what is hidden, is unsure of what is
half hidden, overlooks the same thing for many frames, places boxes with errors that last, and sees things where there
are none, often twice at the same place. Some things go along with others. Nothing is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskrcnn.tracking.tracker import Detections


@dataclass(frozen=True)
class World:
    """A kind of scene.

    Attributes:
        name: to print.
        ndim: D.
        extent: of the canvas along each axis.
        things: how many are there at a time, about.
        size: the median size of a thing along each axis, in parts of its height.
        height: the median height.
        speed: the median way in a frame along x, in parts of the height; half as much along other axes.
        turn: how much a velocity changes in a frame, in parts of itself.
        shake: standard deviation of the camera's way in a frame, in parts of the height.
        breath: amplitude of the change of width, as of somebody who walks.
        error: of the sides of detected boxes, in parts of the size.
        false_alarms: in a frame.
        groups: the part of things that go along with another one, about as fast.
        frames: how many.
    """

    name: str
    ndim: int = 2
    extent: tuple[float, ...] = (640.0, 480.0)
    things: float = 5.0
    size: tuple[float, ...] = (0.4, 1.0)
    height: float = 150.0
    speed: float = 0.015
    turn: float = 0.15
    shake: float = 0.0
    breath: float = 0.2
    error: float = 0.08
    false_alarms: float = 0.4
    groups: float = 0.5
    frames: int = 100


WORLDS = (
    World("people walking"),
    World("a busy place", things=10.0, height=100.0, false_alarms=0.8),
    World("few frames a second", things=5.0, speed=0.12, turn=0.15, frames=60),
    World("a hand-held camera", shake=0.03, things=4.0),
    World("animals", size=(1.0, 0.8), height=120.0, speed=0.04, turn=0.3, things=4.0, breath=0.1),
    World("cells in depth", ndim=3, extent=(120.0, 120.0, 40.0), size=(1.0, 1.0, 1.0), height=14.0, speed=0.08,
          turn=0.5, things=15.0, breath=0.05, frames=60),
    World("events of a signal", ndim=1, extent=(2000.0,), size=(1.0,), height=60.0, speed=0.1, things=6.0, frames=80),
)  # fmt: skip


@dataclass
class Scene:
    """A sequence.

    Attributes:
        truth: of each frame, numbers int64 ``[G]`` and boxes ``[G, 2D]`` of what can be seen of at least a tenth.
        detections: of each frame.
        sources: of each frame, int64 ``[N]``: the number of the thing behind each detection, 0 for false alarms.
    """

    truth: list[tuple[np.ndarray, np.ndarray]]
    detections: list[Detections]
    sources: list[np.ndarray]


def make_scene(world: World, seed: int) -> Scene:
    """One scene of a world; the same for the same seed."""
    rng = np.random.default_rng(seed)
    extent = np.array(world.extent)
    things = _Things(world, rng)
    alarms = _FalseAlarms(world, rng)
    scene = Scene([], [], [])
    camera = np.zeros(world.ndim)
    for frame in range(world.frames):
        things.go(frame)
        camera += rng.normal(0, world.shake * world.height, world.ndim) if world.shake else 0.0
        boxes = things.boxes(frame) + np.tile(camera, 2)
        seen, in_sight = _visible(boxes, things.depth, extent)
        shown = seen > 0.1
        scene.truth.append((things.number[shown], _clip(boxes, extent)[shown]))
        found, scores, sources = things.detect(_clip(boxes, extent), in_sight, seen)
        extra, extra_scores = alarms.detect()
        scores = np.concatenate([scores, extra_scores])
        scene.sources.append(np.concatenate([sources, np.zeros(len(extra), np.int64)]))
        scene.detections.append(Detections(np.concatenate([found, extra]), scores, np.ones(len(scores), np.int64)))
    return scene


class _Things:
    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng, self.count = world, rng, 0
        d = world.ndim
        self.number, self.depth, self.phase = np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
        self.centre, self.size, self.speed, self.error = (np.zeros((0, n)) for n in (d, d, d, 2 * d))
        self.luck = np.zeros(0)  # with which the detector finds it: it lasts
        self._add(rng.poisson(world.things) + 1, anywhere=True)

    def _add(self, count: int, anywhere: bool) -> None:
        w, rng = self.world, self.rng
        height = w.height * np.exp(rng.normal(0, 0.2, (count, 1)))
        size = height * np.array(w.size) * np.exp(rng.normal(0, 0.1, (count, w.ndim)))
        way = rng.choice([-1, 1], (count, w.ndim)) * np.exp(rng.normal(0, 0.4, (count, w.ndim)))
        speed = way * w.speed * w.height * np.array([1.0] + [0.25] * (w.ndim - 1))
        centre = rng.uniform(0.2, 0.8, (count, w.ndim)) * np.array(w.extent)
        if anywhere:
            centre[:, 0] = rng.uniform(0, 1, count) * w.extent[0]
        else:
            centre[:, 0] = np.where(speed[:, 0] > 0, -size[:, 0] / 2, w.extent[0] + size[:, 0] / 2)
        for k in range(1, count):
            if rng.uniform() < w.groups:  # beside the one before, as fast or nearly so
                speed[k] = speed[k - 1] * rng.normal(1, 0.2, w.ndim)
                centre[k] = centre[k - 1] + rng.normal(0, 0.5, w.ndim) * size[k] * np.array(
                    [1.0] + [0.3] * (w.ndim - 1)
                )
        for name, new in (
            ("number", self.count + 1 + np.arange(count)),
            ("depth", rng.uniform(0, 1, count)),
            ("phase", rng.uniform(0, 2 * np.pi, count)),
            ("centre", centre),
            ("size", size),
            ("speed", speed),
            ("error", rng.normal(0, w.error, (count, 2 * w.ndim))),
            ("luck", rng.normal(0, 1, count)),
        ):
            setattr(self, name, np.concatenate([getattr(self, name), new]))
        self.count += count

    def go(self, frame: int) -> None:
        """Everything moves; what has left is gone, and others come."""
        w, rng = self.world, self.rng
        self.speed = self.speed + rng.normal(0, 1, self.speed.shape) * w.turn * w.speed * w.height
        self.speed *= 1 - w.turn / 4
        self.centre = self.centre + self.speed
        self.error = 0.8 * self.error + 0.6 * rng.normal(0, w.error, self.error.shape)
        self.luck = 0.9 * self.luck + 0.436 * rng.normal(0, 1, len(self.luck))
        inside = ((self.centre > -self.size) & (self.centre < np.array(w.extent) + self.size)).all(1)
        for name in ("number", "depth", "phase", "centre", "size", "speed", "error", "luck"):
            setattr(self, name, getattr(self, name)[inside])
        self._add(
            rng.poisson(max(w.things - len(self.number), 0) * 0.02) * (1 + (rng.uniform() < w.groups)), anywhere=False
        )

    def boxes(self, frame: int) -> np.ndarray:
        size = self.size.copy()
        size[:, 0] *= 1 + self.world.breath * np.sin(self.phase + frame * 0.5)
        return np.concatenate([self.centre - size / 2, self.centre + size / 2], 1)

    def detect(self, boxes: np.ndarray, in_sight: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, ...]:
        """Boxes, scores and numbers of what is found, of which ``in_sight`` is seen, a part ``seen``."""
        d = self.world.ndim
        sure = 7.0 * (seen - 0.5) + 2.0 * self.luck + self.rng.normal(0, 0.7, len(seen))
        found = (sure > -1.0) & (self.rng.uniform(0, 1, len(seen)) > 0.04)
        guessed = 1 / (1 + np.exp(-2.0 * self.error[:, :1] / self.world.error))  # what is hidden is guessed, or cut off
        boxes = guessed * boxes + (1 - guessed) * in_sight
        size = boxes[:, d:] - boxes[:, :d]
        harder = 1 + 1.5 * (1 - seen)[:, None]
        gross = np.where(self.rng.uniform(0, 1, (len(seen), 1)) < 0.05, 3.0, 1.0)
        noisy = boxes + (self.error * harder * gross) * np.tile(size, 2)
        low, high = np.minimum(noisy[:, :d], noisy[:, d:]), np.maximum(noisy[:, :d], noisy[:, d:])
        return np.concatenate([low, high], 1)[found], 1 / (1 + np.exp(-sure[found])), self.number[found]


class _FalseAlarms:
    """Each lasts a few frames at its place."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng, self.boxes = world, rng, np.zeros((0, 2 * world.ndim))

    def detect(self) -> tuple[np.ndarray, np.ndarray]:
        w, rng = self.world, self.rng
        self.boxes = self.boxes[rng.uniform(0, 1, len(self.boxes)) < 0.5]
        count = rng.poisson(w.false_alarms / 2)
        size = w.height * np.array(w.size) * np.exp(rng.normal(0, 0.3, (count, w.ndim)))
        centre = rng.uniform(0, 1, (count, w.ndim)) * np.array(w.extent)
        self.boxes = np.concatenate([self.boxes, np.concatenate([centre - size / 2, centre + size / 2], 1)])
        boxes = self.boxes + rng.normal(0, w.error, self.boxes.shape) * w.height * min(w.size)
        return boxes, 1 / (1 + np.exp(-rng.normal(-0.3, 1.0, len(boxes))))


def _clip(boxes: np.ndarray, extent: np.ndarray) -> np.ndarray:
    return np.clip(boxes, 0, np.tile(extent, 2))


def _visible(boxes: np.ndarray, depth: np.ndarray, extent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of each box ``[G]`` that lies on the canvas and behind nothing, of a grid of points in it, and the box
    ``[G, 2D]`` around these points; where there are none, the box itself."""
    d = len(extent)
    steps = np.stack(np.meshgrid(*[(np.arange(8) + 0.5) / 8] * d, indexing="ij"), -1).reshape(-1, d)
    points = boxes[:, None, :d] + steps * (boxes[:, None, d:] - boxes[:, None, :d])
    free = ((points >= 0) & (points < extent)).all(-1)
    inside = ((points[:, :, None] >= boxes[:, :d]) & (points[:, :, None] < boxes[:, d:])).all(-1)
    seen = free & ~(inside & (depth[None, None] < depth[:, None, None])).any(-1)
    half = (boxes[:, d:] - boxes[:, :d]) / 16
    low = np.where(seen[..., None], points, np.inf).min(1) - half
    high = np.where(seen[..., None], points, -np.inf).max(1) + half
    around = np.where(seen.any(1)[:, None], np.concatenate([low, high], 1), boxes)
    return seen.mean(1), around
