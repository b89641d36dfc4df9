"""When each object was there: a bar an object over the seconds of a clip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw

from maskrcnn.drawing.colours import PALETTE, Color
from maskrcnn.drawing.page import MARGIN, TEXT_SIZE, TITLE_SIZE, font_of
from maskrcnn.files import atomic_write
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.labels import Votes

SUPERSAMPLE = 2  # Pillow draws without anti-aliasing
WIDTH, ROW, NAMES = 1200, 24, 170  # pixels
MOST = 200  # objects that are drawn: those that were there longest
GAP = 0.5  # seconds without an object that part its bar
INK: Color = (32, 36, 44)
MUTED: Color = (110, 116, 128)
GRID: Color = (229, 232, 237)
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600)  # seconds


@dataclass
class Presence:
    """When one object was there: from and to, in seconds, of each stretch."""

    stretches: list[list[float]] = field(default_factory=list)

    def see(self, time: float, step: float) -> None:
        """It is there at this time, and was a step ago."""
        if self.stretches and time - self.stretches[-1][1] <= GAP + step:
            self.stretches[-1][1] = time + step
        else:
            self.stretches.append([time, time + step])

    @property
    def seconds(self) -> float:
        """Altogether."""
        return sum(end - begin for begin, end in self.stretches)


class Timeline:
    """A sink that remembers when objects were there, and draws it.

    Args:
        path: of the picture.
        class_names: of labels 1..K.
        title: above the bars.
        rate: frames a second.
    """

    def __init__(self, path: Path, class_names: Sequence[str], title: str, rate: float) -> None:
        self.path, self.class_names, self.title, self.step = path, class_names, title, 1 / rate
        self._votes, self._there = Votes(), {}  # type: ignore[var-annotated]
        self._sure: set[int] = set()
        self._last = 0.0

    def add(self, frame: TrackedFrame) -> None:
        """Take the next frame."""
        self._votes.add(frame)
        self._last = frame.time
        self._sure.update(frame.ids[frame.confirmed].tolist())
        for number in frame.ids.tolist():
            self._there.setdefault(number, Presence()).see(frame.time, self.step)
        old = frame.time - 30  # seconds: an object that was never sure and is gone
        if len(self._there) > 2 * len(self._sure) + 100:
            gone = [n for n, own in self._there.items() if n not in self._sure and own.stretches[-1][1] < old]
            for number in gone:
                del self._there[number]
                self._votes.forget(number)

    def finish(self, numbers: Mapping[int, int]) -> None:
        """Draw the bars.

        Args:
            numbers: as :class:`FrameSink` says.
        """
        rows = []
        for own, number in sorted(numbers.items(), key=lambda pair: pair[1]):
            if own in self._there:
                label = self._votes.label(own)
                rows.append((self.class_names[label - 1] if label > 0 else "", number, self._there[own]))
        with atomic_write(self.path) as beside:
            draw_timeline(rows, self._last + self.step, self.title).save(beside)


def draw_timeline(rows: Sequence[tuple[str, int, Presence]], end: float, title: str) -> Image.Image:
    """Draw when objects were there.

    Args:
        rows: class, number and presence of each, in the order of the rows.
        end: of the clip, in seconds.
        title: above the bars.

    Returns:
        An RGB picture; of more than :data:`MOST` objects it shows those that were there longest.
    """
    longest = sorted(rows, key=lambda row: -row[2].seconds)[:MOST]
    shown = [row for row in rows if row in longest] if len(rows) > MOST else list(rows)
    top = MARGIN + TITLE_SIZE + TEXT_SIZE + 12
    bottom = top + ROW * max(len(shown), 1)
    height = bottom + 2 * TEXT_SIZE + MARGIN
    canvas = Image.new("RGB", (SUPERSAMPLE * WIDTH, SUPERSAMPLE * height), "white")
    pen = ImageDraw.Draw(canvas)
    left, right = MARGIN + NAMES + 12, WIDTH - MARGIN
    per_second = (right - left) / max(end, 1e-6)
    _text(pen, (MARGIN, MARGIN), title, "lt", TITLE_SIZE)
    _text(pen, (right, MARGIN + 6), _summary(rows, len(shown)), "rt", TEXT_SIZE, MUTED)
    step = next((tick for tick in TICKS if end / tick <= 12), end / 10)
    for k in range(int(end / step + 1e-9) + 1):
        x = left + per_second * k * step
        pen.line([SUPERSAMPLE * c for c in (x, top, x, bottom)], GRID, SUPERSAMPLE)
        _text(pen, (x, bottom + 6), f"{k * step:g} s", "mt", 13, MUTED)
    for k, (name, number, own) in enumerate(shown):
        y = top + ROW * k
        _text(pen, (MARGIN + NAMES, y + ROW / 2), f"{name} {number}".strip(), "rm")
        for begin, stop in own.stretches:
            x1, x2 = left + per_second * begin, left + per_second * min(stop, end)
            box = [SUPERSAMPLE * c for c in (x1, y + 4, max(x2, x1 + 2), y + ROW - 4)]
            pen.rounded_rectangle(box, 3 * SUPERSAMPLE, PALETTE[(number - 1) % len(PALETTE)])
    return canvas.reduce(SUPERSAMPLE)


def _summary(rows: Sequence[tuple[str, int, Presence]], shown: int) -> str:
    counts = Counter(name for name, *_ in rows)
    words = ", ".join(f"{count} {name}".strip() for name, count in counts.most_common(4))
    return words + (f"; the {shown} that were there longest" if shown < len(rows) else "")


def _text(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    words: str,
    anchor: str,
    size: int = TEXT_SIZE,
    ink: Color = INK,
) -> None:
    x, y = (SUPERSAMPLE * side for side in place)
    pen.text((x, y), words, ink, font_of(SUPERSAMPLE * size), anchor=anchor)
