"""Objects of the frames between key frames: only these are looked at, and what lies between follows from both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from maskrcnn.regions import Regions
from maskrcnn.structures import Instances
from maskrcnn.tracking.between import Between
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.reading.clip import ClipFrame

Look = Callable[[ClipFrame, int], TrackedFrame]  # a frame, and its place among those that are walked over


def with_key_frames(frames: Iterable[ClipFrame], look: Look, every: int) -> Iterator[TrackedFrame]:
    """Look at every so many frames, and at the last one; the others get the objects of both key frames around them.

    Args:
        frames: in their order.
        look: finds and numbers the objects of a key frame.
        every: the distance from one key frame to the next.

    Yields:
        Each frame with its objects, as soon as the next key frame is done.
    """
    last: TrackedFrame | None = None
    waiting: list[ClipFrame] = []
    place = -1
    for place, frame in enumerate(frames):
        waiting.append(frame)
        if place % every == 0:
            yield from _filled(last, waiting, key := look(frame, place))
            last, waiting = key, []
    if waiting:
        yield from _filled(last, waiting, look(waiting[-1], place))


def _filled(last: TrackedFrame | None, waiting: Sequence[ClipFrame], key: TrackedFrame) -> Iterator[TrackedFrame]:
    """The frames since the last key frame, the next one included."""
    if last is not None and len(waiting) > 1:
        pair = KeyPair(last, key)
        for count, frame in enumerate(waiting[:-1], 1):
            yield pair.at(frame, count / len(waiting))
    yield key


class KeyPair:
    """Two key frames, one after the other."""

    def __init__(self, before: TrackedFrame, after: TrackedFrame) -> None:
        self.before, self.after = before, after
        alike = before.image.shape == after.image.shape  # else places in them do not compare
        at = {int(number): j for j, number in enumerate(after.ids) if alike}
        self.pairs = [(i, at[int(number)]) for i, number in enumerate(before.ids) if int(number) in at]
        self.known = {pair: self._mask(*pair) for pair in self.pairs} if self._drawn() else {}

    def _drawn(self) -> bool:
        return self.before.objects.regions is not None and self.after.objects.regions is not None

    def _mask(self, i: int, j: int) -> Between | None:
        one, other = self.before.objects.regions, self.after.objects.regions
        assert one is not None and other is not None
        if not one.shapes[i].all() or not other.shapes[j].all():
            return None
        return Between(one.window(i), one.offsets[i], other.window(j), other.offsets[j])

    def at(self, frame: ClipFrame, part: float) -> TrackedFrame:
        """A frame when ``part`` of the way from one to the other is done, 0..1.

        What both have moves from one to the other. What only the nearer of the two has is as it is there.
        """
        nearer, side = (self.before, 0) if part < 0.5 else (self.after, 1)
        paired = {pair[side]: pair for pair in self.pairs}
        alone = [k for k in range(len(nearer.ids)) if k not in paired]
        chosen = [pair[side] for pair in self.pairs] + alone
        objects = nearer.objects[torch.tensor(chosen, dtype=torch.int64)]
        count = len(self.pairs)
        one, other = (
            own.objects[torch.tensor([pair[k] for pair in self.pairs], dtype=torch.int64)]
            for k, own in enumerate((self.before, self.after))
        )
        moved: dict[str, Any] = {}
        for name in ("boxes", "scores", "keypoints"):
            a, b = getattr(one, name), getattr(other, name)
            if a is not None and b is not None:
                moved[name] = torch.cat([torch.lerp(a, b, part), getattr(objects, name)[count:]])
        objects = replace(objects, **moved)
        if objects.regions is not None and self._drawn():
            objects = replace(objects, regions=self._masks(objects, part))
        ids, sure = nearer.ids[chosen], nearer.confirmed[chosen]
        return TrackedFrame(frame.index, frame.time, frame.image, _without_outputs(objects), ids, sure)

    def _masks(self, objects: Instances, part: float) -> Regions:
        assert objects.regions is not None
        canvas = objects.regions.spatial_shape
        windows = [objects.regions.window(k) for k in range(len(objects))]
        placed = list(zip(objects.regions.offsets, windows))
        for k, pair in enumerate(self.pairs):
            if (known := self.known[pair]) is not None:
                placed[k] = _inside(*known.at(part), canvas)
        return Regions.from_windows(canvas, placed)


def _inside(low: np.ndarray, mask: np.ndarray, canvas: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The part of a window that lies on the canvas; rounding may take it a sample beyond."""
    begin = np.maximum(low, 0)
    end = np.minimum(low + mask.shape, canvas)
    return begin, mask[tuple(slice(a, b) for a, b in zip(begin - low, np.maximum(end - low, begin - low)))]


def _without_outputs(objects: Instances) -> Instances:
    """What further heads say belongs to frames that were looked at."""
    return replace(objects, outputs={}, of_image={})
