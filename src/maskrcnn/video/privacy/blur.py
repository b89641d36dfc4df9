"""Objects of some classes made unrecognisable, before anything is drawn or written of a frame.

What is blurred is first made of tiles whose number across an object is fixed: a blur alone can be undone in part, and a
fixed width of it hides a distant face but not a near one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from maskrcnn.checks import closest
from maskrcnn.errors import UsageError
from maskrcnn.video.frames import TrackedFrame

TILES = 6  # along the shorter side of an object
GROW = 0.06  # of an object's shorter side, by which its mask is made larger on all sides
LEAST_GROW = 3  # pixels
LOST = 1.0  # seconds for which an object that is not found any more is blurred where it was


@dataclass
class _Seen:
    time: float
    label: int
    box: tuple[int, int, int, int]
    mask: Image.Image  # L, of the box


def check_blur(classes: Sequence[str], class_names: Sequence[str]) -> None:
    """Refuse classes that a model does not know.

    Args:
        classes: that are to be blurred.
        class_names: that the model knows.

    Raises:
        UsageError: with those that it does.
    """
    for name in classes:
        if name not in class_names:
            meant = closest(name, class_names)
            hint = f"; did you mean {meant}?" if meant else "."
            raise UsageError(f"--blur {name}: the model knows {', '.join(class_names)} only{hint}")


class Blur:
    """Frames in which objects of some classes are blurred: every one that is found, confirmed or not, and for a second
    after it was lost.

    Args:
        classes: names of those that are blurred.
        class_names: of labels 1..K.
    """

    def __init__(self, classes: Sequence[str], class_names: Sequence[str]) -> None:
        check_blur(classes, class_names)
        self.labels = {class_names.index(name) + 1 for name in classes}
        self._seen: dict[int, _Seen] = {}

    def __call__(self, frame: TrackedFrame) -> TrackedFrame:
        """The next frame."""
        for i, (number, label) in enumerate(zip(frame.ids.tolist(), frame.objects.labels.tolist())):
            before = self._seen.get(number)
            if (label in self.labels or before is not None) and (covered := _cover(frame, i)) is not None:
                self._seen[number] = _Seen(frame.time, label, *covered)
        self._seen = {n: seen for n, seen in self._seen.items() if frame.time - seen.time <= LOST}
        if not self._seen:
            return frame
        picture = Image.fromarray(frame.image)
        for seen in self._seen.values():
            _hide(picture, seen.box, seen.mask)
        return replace(frame, image=np.asarray(picture))


def _cover(frame: TrackedFrame, i: int) -> tuple[tuple[int, int, int, int], Image.Image] | None:
    """The box, and within it the mask, of what is hidden of an object; None where nothing of it is in the frame."""
    height, width = frame.image.shape[:2]
    x1, y1, x2, y2 = frame.objects.boxes[i].tolist()
    grow = max(LEAST_GROW, math.ceil(GROW * min(x2 - x1, y2 - y1)))
    regions = frame.objects.regions
    window = None if regions is None else regions.window(i)
    if regions is not None and window is not None and window.any():
        y1, x1 = regions.offsets[i].tolist()
        y2, x2 = y1 + window.shape[0], x1 + window.shape[1]
    left, top = max(0, math.floor(x1) - grow), max(0, math.floor(y1) - grow)
    right, bottom = min(width, math.ceil(x2) + grow), min(height, math.ceil(y2) + grow)
    if right <= left or bottom <= top:
        return None
    mask = Image.new("L", (right - left, bottom - top), 255)
    if window is not None and window.any():
        mask.paste(0, (0, 0, *mask.size))
        mask.paste(Image.fromarray(window.view(np.uint8) * 255), (round(x1) - left, round(y1) - top))
        mask = mask.filter(ImageFilter.GaussianBlur(grow / 2)).point([0 if v < 12 else 255 for v in range(256)])
    return (left, top, right, bottom), mask


def _hide(picture: Image.Image, box: tuple[int, int, int, int], mask: Image.Image) -> None:
    """Blur a box of a picture where its mask is."""
    part = picture.crop(box)
    tile = max(min(part.size) / TILES, 4.0)
    small = (max(1, round(part.width / tile)), max(1, round(part.height / tile)))
    coarse = part.resize(small, Image.Resampling.BOX).resize(part.size, Image.Resampling.BICUBIC)
    picture.paste(coarse, box[:2], mask)
