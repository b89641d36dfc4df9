"""Composes one sequence: who passes whom, when and how far in front, drawn from a random generator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.video.composed.cutouts import Cutout, cut_out, paste, resized, typical_height

PASTED = (1, 2, 3)  # objects beside the sequence's own, each number as likely
OCCLUSION = (3.0, 30.0)  # frames in which one passes another; the logarithm of each as likely
HEIGHT = (0.5, 1.1)  # of a pasted object, in heights of the one that it meets; logarithms as before
SMALLEST, LARGEST = 0.12, 0.8  # of the same, in heights of the frame
MEETS = (0.25, 0.75)  # of the length: when the two meet
OFFSET = 0.25  # standard deviation of how far their centres are apart then, in heights
SWAY, PERIOD = 0.04, (20.0, 60.0)  # up and down, in heights; frames
TWINS = 0.25  # of the pasted objects look like the one before
SHAKY = 0.5  # of the sequences are filmed by hand:
MARGIN = 0.05  # the frame moves in this part of its size to each side,
SHAKE = 0.006  # by steps of this standard deviation, in widths


@dataclass(frozen=True)
class Material:
    """A sequence that others are composed of.

    Attributes:
        name: of the sequence.
        frames: uint8 ``[H, W, 3]`` each; empty where it only gives its object.
        objects: the object of each frame; None where it is out of sight.
    """

    name: str
    frames: Sequence[np.ndarray]
    objects: Sequence[Cutout | None]

    @staticmethod
    def of(name: str, frames: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> Material:
        """Cut the object out of each frame.

        Args:
            name: of the sequence.
            frames: uint8 ``[H, W, 3]`` each.
            masks: bool ``[H, W]`` each.

        Returns:
            Both, and the objects.
        """
        return Material(name, frames, [cut_out(frame, mask) for frame, mask in zip(frames, masks)])

    @property
    def shows_object(self) -> bool:
        return any(cutout is not None for cutout in self.objects)


@dataclass(frozen=True)
class Layer:
    """An object that is pasted.

    Attributes:
        material: whose object it is.
        order: int64 ``[F]``: which of its frames is shown in each.
        scale: of its size.
        mirrored: whether left is right.
        path: float64 ``[F, 2]``, y then x: of its centre of mass.
        depth: what has less lies nearer; the sequence's own object is at 0.
    """

    material: Material
    order: np.ndarray
    scale: float
    mirrored: bool
    path: np.ndarray
    depth: float


@dataclass(frozen=True)
class Scene:
    """A composed sequence.

    Attributes:
        base: the sequence in which it takes place; its own object has the number 1.
        length: how many frames.
        layers: what is pasted: numbers 2, 3, ...
        window: int64 ``[F, 4]``: top, left, bottom and right of what is seen of each frame.
    """

    base: Material
    length: int
    layers: Sequence[Layer]
    window: np.ndarray

    @property
    def sources(self) -> list[str]:
        """Of each number, from 1, the sequence whose object it is."""
        return [self.base.name, *(layer.material.name for layer in self.layers)]

    def frames(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Each frame, uint8 ``[H, W, 3]``, with the number of the object that is seen at each pixel, int64 ``[H, W]``,
        0 for none."""
        sized: dict[tuple[int, int], Cutout | None] = {}
        for frame in range(self.length):
            image = self.base.frames[frame].copy()
            numbers = np.zeros(image.shape[:2], np.int64)
            own = self.base.objects[frame]
            layers = [(layer.depth, number, layer) for number, layer in enumerate(self.layers, 2)]
            for _, number, layer in sorted([(0.0, 1, None), *layers], key=lambda entry: (-entry[0], entry[1])):
                if layer is None:
                    if own is not None:
                        paste(image, numbers, own, own.at, 1)
                    continue
                key = (number, int(layer.order[frame]))
                if key not in sized:
                    cutout = layer.material.objects[key[1]]
                    sized[key] = None if cutout is None else resized(cutout, layer.scale, layer.mirrored)
                if (cutout := sized[key]) is not None:
                    paste(image, numbers, cutout, layer.path[frame], number)
            top, left, bottom, right = self.window[frame]
            yield image[top:bottom, left:right], numbers[top:bottom, left:right]


def make_scene(base: Material, others: Mapping[str, Material], frames: int, random: np.random.Generator) -> Scene:
    """Draw a scene; its distribution is what the constants above say.

    Args:
        base: the sequence in which it takes place.
        others: those whose objects may be pasted, by name.
        frames: how many at most.
        random: what is drawn comes from.

    Returns:
        The scene.
    """
    length = min(frames, len(base.frames))
    shape = np.array(base.frames[0].shape[:2])
    centres = [_centres(base.objects, length, shape)]
    heights = [_height(base.objects, 1.0, shape[0])]
    layers: list[Layer] = []
    names = sorted(others)
    for _ in range(random.choice(PASTED)):
        twin = bool(layers) and random.random() < TWINS
        material = layers[-1].material if twin else others[names[random.integers(len(names))]]
        met = int(random.integers(len(centres)))
        height = heights[met] * np.exp(random.uniform(*np.log(HEIGHT)))
        height = float(np.clip(height, SMALLEST * shape[0], LARGEST * shape[0]))
        scale = height / typical_height(material.objects)
        width = np.median([o.cover.shape[1] for o in material.objects if o is not None]) * scale
        path = _path(centres[met], heights[met], (height, float(width)), shape, random)
        order = _there_and_back(len(material.objects), length, random)
        layers.append(Layer(material, order, scale, bool(random.random() < 0.5), path, float(random.normal())))
        centres.append(path)
        heights.append(height)
    return Scene(base, length, layers, _windows(length, shape, random))


def _centres(objects: Sequence[Cutout | None], length: int, shape: np.ndarray) -> np.ndarray:
    """Where the object is in each frame; where it is out of sight, where it was last, or the middle of the frame."""
    last, centres = shape / 2, []
    for cutout in objects[:length]:
        last = last if cutout is None else cutout.at
        centres.append(last)
    return np.array(centres)


def _height(objects: Sequence[Cutout | None], scale: float, frame: float) -> float:
    return typical_height(objects) * scale if any(cutout is not None for cutout in objects) else 0.3 * frame


def _path(
    met: np.ndarray, height: float, size: tuple[float, float], shape: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """The way of an object of ``size`` (height, width) that meets another and turns round beside the frame."""
    length = len(met)
    when = random.uniform(*MEETS) * length
    passing = np.exp(random.uniform(*np.log(OCCLUSION)))
    speed = random.choice([-1, 1]) * (size[1] + 0.5 * height) / passing
    there = met[min(int(when), length - 1)] + random.normal(0, OFFSET, 2) * height
    time = np.arange(length) - when
    low, high = -0.4 * size[1], shape[1] + 0.4 * size[1]
    extent = high - low
    x = low + extent - np.abs((there[1] + speed * time - low) % (2 * extent) - extent)
    period = random.uniform(*PERIOD)
    y = there[0] + SWAY * size[0] * np.sin(2 * np.pi * (time / period)) + random.normal(0, 0.05) * speed * time
    return np.stack([np.clip(y, 0.2 * size[0], shape[0] - 0.2 * size[0]), x], 1)


def _there_and_back(count: int, length: int, random: np.random.Generator) -> np.ndarray:
    """Frames of a sequence that is played forwards and backwards by turns, from any of them on."""
    place = (int(random.integers(2 * count)) + np.arange(length)) % (2 * count)
    order: np.ndarray = np.where(place < count, place, 2 * count - 1 - place)
    return order


def _windows(length: int, shape: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """What is seen of each frame: of an even size, the same in all, wandering where the camera is held by hand."""
    shaky = random.random() < SHAKY
    margin = np.floor(MARGIN * shape).astype(np.int64) if shaky else np.zeros(2, np.int64)
    size = (shape - 2 * margin) // 2 * 2
    steps = random.normal(0, SHAKE * shape[1], (length, 2))
    way, at = np.zeros((length, 2)), np.zeros(2)
    for frame in range(length):
        at = np.clip(0.95 * at + steps[frame], -margin, margin)
        way[frame] = at
    low = np.clip(np.rint(margin + way), 0, shape - size).astype(np.int64)
    return np.concatenate([low, low + size], 1)
