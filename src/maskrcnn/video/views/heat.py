"""Where things were: how long each place of the picture was covered by an object, as heat over a frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from maskrcnn.checks import duration
from maskrcnn.drawing.chips import place_font
from maskrcnn.drawing.heat import HEAT_COLORS, heat_over, relative
from maskrcnn.files import atomic_write
from maskrcnn.video.frames import TrackedFrame

CELLS = 256  # along the longer side
LONGEST_STEP = 1.0  # seconds that a frame counts for at most
INK, PAPER = (32, 36, 44), (255, 255, 255)


class HeatMap:
    """A sink that adds up seconds on a coarse grid, and draws them.

    Args:
        path: of the picture.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.image: np.ndarray | None = None  # the first frame
        self._cells = 1  # pixels a side of a cell
        self._time = 0.0
        self._waiting: defaultdict[int, np.ndarray | None] = defaultdict(lambda: None)
        self._sure: set[int] = set()
        self._heat = np.zeros((1, 1))

    def add(self, frame: TrackedFrame) -> None:
        """Take the next frame."""
        if self.image is None:
            self.image = frame.image.copy()
            height, width = self.image.shape[:2]
            self._cells = -(-max(height, width) // CELLS)
            self._heat = np.zeros((-(-height // self._cells), -(-width // self._cells)))
            self._time = frame.time
        step = min(frame.time - self._time, LONGEST_STEP)
        self._time = frame.time
        for i, (number, sure) in enumerate(zip(frame.ids.tolist(), frame.confirmed.tolist())):
            if sure and number not in self._sure:
                self._sure.add(number)
                earlier = self._waiting.pop(number, None)
                self._heat += 0 if earlier is None else earlier
            if number in self._sure:
                self._cover(frame, i, self._heat, step)
            else:  # of one that is not sure yet
                own = self._waiting[number]
                self._waiting[number] = own = np.zeros_like(self._heat) if own is None else own
                self._cover(frame, i, own, step)
        here = set(frame.ids.tolist())
        for number in [number for number in self._waiting if number not in here]:
            del self._waiting[number]

    def _cover(self, frame: TrackedFrame, i: int, heat: np.ndarray, step: float) -> None:
        """Add the seconds of one object to the cells that it covers."""
        regions, size = frame.objects.regions, self._cells
        if regions is not None:
            window = regions.window(i)
            top, left = regions.offsets[i].tolist()
            before = (top % size, left % size)
            after = [-(extent + first) % size for extent, first in zip(window.shape, before)]
            whole = np.pad(window, list(zip(before, after)))
            cells = whole.reshape(whole.shape[0] // size, size, -1, size).sum((1, 3))
            y, x = top // size, left // size
            heat[y : y + cells.shape[0], x : x + cells.shape[1]] += cells * (step / size**2)
            return
        x1, y1, x2, y2 = np.clip(np.rint(frame.objects.boxes[i].numpy() / size), 0, None).astype(int).tolist()
        heat[y1:y2, x1:x2] += step

    def finish(self, numbers: Mapping[int, int]) -> None:
        """Draw the map.

        Args:
            numbers: as :class:`FrameSink` says.
        """
        if self.image is None:
            return
        photo = Image.fromarray(self.image)
        coarse = Image.fromarray(relative(self._heat))
        grown = coarse.resize((coarse.width * self._cells, coarse.height * self._cells), Image.Resampling.BILINEAR)
        heat = np.asarray(grown)[: photo.height, : photo.width]
        with atomic_write(self.path) as beside:
            _with_scale(heat_over(photo, heat), float(self._heat.max())).save(beside)


def _with_scale(picture: Image.Image, most: float) -> Image.Image:
    """The picture with a strip of colours below it, from no time to the longest."""
    font = place_font(picture.size)
    gap = round(0.6 * font.size)
    canvas = Image.new("RGB", (picture.width, picture.height + 3 * gap + round(font.size)), PAPER)
    canvas.paste(picture)
    y, pen = picture.height + gap, ImageDraw.Draw(canvas)
    words = "0 s", duration(most) if most >= 10 else f"{most:.1f} s"
    x = gap + round(font.getlength(words[0])) + gap
    wide = max(picture.width // 3, 1)
    strip = Image.fromarray(np.tile(HEAT_COLORS[np.linspace(0, 255, wide).astype(int)], (round(font.size), 1, 1)))
    pen.text((gap, y), words[0], INK, font)
    canvas.paste(strip, (x, y + 2))
    pen.text((x + wide + gap, y), f"{words[1]} covered by objects", INK, font)
    return canvas
