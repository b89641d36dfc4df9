"""``NAME.mp4``: the video with its objects in colours that stay, with their numbers and where they have been."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from maskrcnn.drawing.colours import PALETTE, Color
from maskrcnn.drawing.overlay import draw, to_rgb
from maskrcnn.drawing.style import DrawStyle, class_colours
from maskrcnn.drawing.trails import draw_trail
from maskrcnn.model_info import ModelInfo
from maskrcnn.structures import Instances
from maskrcnn.tracking.running import RunningNumbers
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.labels import Votes
from maskrcnn.video.reading.clip import About
from maskrcnn.video.writing.encode import Encoded

TRAIL = 1.5  # seconds that a trail reaches back
STEP = 0.012  # of the picture's side, by which an object moves until its trail grows: one that stands has none
CALM = 0.35  # part of the way that a trail follows its object in a frame
FORGOTTEN = 5.0  # seconds after which nothing is remembered of an object that was not seen again


class Overlay:
    """Draws each frame and encodes it. It is a :class:`maskrcnn.video.frames.FrameSink`.

    Args:
        path: of the video that is written.
        about: the video that is read.
        info: of the model.
        style: what is drawn.
        marks: what else is drawn, over all: each is given a picture and how many times larger it is than its frame.
    """

    def __init__(
        self,
        path: Path,
        about: About,
        info: ModelInfo,
        style: DrawStyle,
        marks: Sequence[Callable[[Image.Image, float], None]] = (),
    ) -> None:
        self.file, self.painter, self.marks = Encoded(path, about), Painter(info, style), marks

    def add(self, frame: TrackedFrame) -> None:
        """Draw the next frame and write it."""
        picture = self.painter.paint(frame)
        for mark in self.marks:
            mark(picture, picture.width / frame.image.shape[1])
        self.file.add(np.asarray(picture), frame.time)

    def finish(self, numbers: Mapping[int, int]) -> None:
        """End the video."""
        self.file.close()

    def drop(self) -> None:
        """Leave nothing of a video that was not finished."""
        self.file.close(whole=False)


class Painter:
    """Draws frames one after another; each object keeps its colour, its class is that of the most votes so far.

    Args:
        info: of the model.
        style: what is drawn.
    """

    def __init__(self, info: ModelInfo, style: DrawStyle) -> None:
        self.info, self.style = info, style
        self.numbers = RunningNumbers()
        self.trails: dict[int, deque[tuple[float, float, float]]] = defaultdict(deque)
        self.votes = Votes()
        self.feet: dict[int, tuple[float, float]] = {}
        self.of_class = class_colours(range(1, len(info.class_names) + 1))
        self.swept = 0.0

    def paint(self, frame: TrackedFrame) -> Image.Image:
        """A frame with the objects that count by now."""
        numbers = self.numbers.see(frame.ids, frame.confirmed)
        self._remember(frame)
        shown = np.flatnonzero(numbers)
        objects, numbers, ids = frame.objects[torch.from_numpy(shown)], numbers[shown], frame.ids[shown]
        labels = [self.votes.label(own) for own in ids.tolist()]
        colors = self._colors(numbers.tolist(), labels)
        scale = self.style.scale or 1
        canvas = to_rgb(frame.image)
        self._draw_trails(canvas, ids.tolist(), colors, frame.time)
        names = [self.info.class_names[label - 1] for label in labels]
        return draw(
            np.asarray(canvas),
            objects,
            self.info.class_names,
            colors=colors,
            texts=[f"{name} {number}" for name, number in zip(names, numbers.tolist())],
            boxes=self.style.boxes,
            labels=self.style.labels,
            skeleton=self.info.skeleton,
            keypoint_names=self.info.keypoint_names,
            line_width=self.style.line_width,
            scale=scale,
        )

    def _colors(self, numbers: list[int], labels: list[int]) -> list[Color]:
        if self.style.colour == "class":
            return [self.of_class[label] for label in labels]
        return [PALETTE[(number - 1) % len(PALETTE)] for number in numbers]

    def _remember(self, frame: TrackedFrame) -> None:
        now, step = frame.time, STEP * math.sqrt(frame.image.shape[0] * frame.image.shape[1])
        before, self.feet = self.feet, {}
        for own, (x, y) in zip(frame.ids.tolist(), feet_of(frame.objects)):
            last = before.get(own, (x, y))  # boxes follow every step: what is drawn is calmer
            self.feet[own] = (last[0] + CALM * (x - last[0]), last[1] + CALM * (y - last[1]))
        self.votes.add(frame)
        for own, (x, y) in self.feet.items():
            trail = self.trails[own]
            if not trail or math.hypot(x - trail[-1][1], y - trail[-1][2]) >= step:
                trail.append((now, x, y))
            while len(trail) > 1 and trail[0][0] < now - TRAIL:
                trail.popleft()
        if now > self.swept + FORGOTTEN:
            self.swept = now
            for own in [own for own, trail in self.trails.items() if trail[-1][0] < now - FORGOTTEN]:
                if own not in self.feet:
                    del self.trails[own]
                    self.votes.forget(own)

    def _draw_trails(self, canvas: Image.Image, ids: list[int], colors: list[Color], now: float) -> None:
        width = self.style.line_width or max(2.0, 0.0045 * math.sqrt(canvas.width * canvas.height))
        for own, color in zip(ids, colors):
            if len(self.trails[own]) < 2:  # it stands
                continue
            places = [*self.trails[own], (now, *self.feet[own])]
            fresh = [max(0.0, 1 - (now - time) / TRAIL) for time, _, _ in places]
            draw_trail(canvas, [(x, y) for _, x, y in places], fresh, color, width)


def feet_of(objects: Instances) -> list[tuple[float, float]]:
    """Where each object stands: the middle of the lower edge of its box, x and y in pixels."""
    x1, _, x2, y2 = objects.boxes.double().reshape(-1, 4).unbind(1)
    return list(zip(((x1 + x2) / 2).tolist(), y2.tolist()))
