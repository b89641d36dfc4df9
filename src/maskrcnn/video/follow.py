"""From decoded frames to followed objects: the one walk that files, cameras and programs share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maskrcnn.inference.predictor import Predictor
from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.structures import APPEARANCE, Instances
from maskrcnn.tracking.options import TrackOptions
from maskrcnn.tracking.tracker import Detections, Tracker
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.key_frames import with_key_frames
from maskrcnn.video.reading.clip import ClipFrame
from maskrcnn.video.writing.spool import from_bytes, objects_of, to_bytes

Find = Callable[[ClipFrame], Instances]
FEWEST = 2  # sightings of what counts
DOUBLE = 0.8  # IoU: what one model sees twice in one place has this, two things one before the other have less
USUAL_SCORE = 0.5  # of photos, to which the settings of the tracker belong


def track_options(score: float, every: int = 1) -> TrackOptions:
    """Settings of the tracker where objects from ``score`` on are wanted: its own belong to 0.5, and grow with it.

    Where only every so many frames are looked at, an object counts after fewer sightings.
    """
    usual = TrackOptions()
    part = score / USUAL_SCORE
    confirm = max(-(-usual.confirm // every), min(usual.confirm, FEWEST))
    return TrackOptions(sure=min(1.0, usual.sure * part), doubtful=min(1.0, usual.doubtful * part), confirm=confirm)


def follow(frames: Iterable[ClipFrame], find: Find, tracker: Tracker, every: int = 1) -> Iterator[TrackedFrame]:
    """Follow the objects of a video.

    Args:
        frames: in their order.
        find: gives the objects of a frame, doubtful ones too.
        tracker: numbers them.
        every: only so many frames are looked at; in those between, objects go from where they were to where they are
            next, see :mod:`maskrcnn.video.key_frames`.

    Yields:
        Each frame with its objects and their numbers.
    """

    def look(frame: ClipFrame, place: int) -> TrackedFrame:
        found = find(frame)
        followed = tracker.update(Detections.of(found), place)
        return TrackedFrame(frame.index, frame.time, frame.image, found, followed.ids, followed.confirmed)

    return with_key_frames(frames, look, every)


class Detector:
    """Finds the objects of frames with a model, or takes them from where they were found before.

    Args:
        predictor: of pictures.
        most: best objects of a frame that are kept; None: all that the model gives.
        saved: lines of frames that are done, rising, see :mod:`maskrcnn.video.writing.spool`.
    """

    def __init__(self, predictor: Predictor, most: int | None = None, saved: Iterable[Mapping[str, Any]] = ()) -> None:
        self.predictor, self.most, self.saved = predictor.with_options(appearance=True), most, iter(saved)
        self.grey = predictor.info.config.in_channels == 1

    def __call__(self, frame: ClipFrame) -> Instances:
        line = next((line for line in self.saved if line["frame"] >= frame.index), None)  # others were not looked at
        if line is not None and line["frame"] == frame.index:
            return objects_of(line)
        return self.look([frame.image])[0]

    def look(self, images: Sequence[np.ndarray]) -> list[Instances]:
        """The objects of pictures, uint8 ``[H, W, 3]`` each, all at once."""
        found = self.predictor.predict([as_input(image, self.grey) for image in images])
        return [rounded(each_once(own)[: self.most]) for own in found]


def as_input(image: np.ndarray, grey: bool = False) -> Tensor:
    """A frame, uint8 ``[H, W, 3]``, as models are given it: uint8 ``[3, H, W]``, or ``[1, H, W]`` where it is to be
    grey."""
    picture = torch.from_numpy(image).movedim(-1, 0)
    if not grey:
        return picture
    weights = torch.tensor([0.299, 0.587, 0.114])
    return (picture.float() * weights[:, None, None]).sum(0, keepdim=True).round().byte()


def rounded(found: Instances) -> Instances:
    """Objects whose appearance has steps of 1/127, as lines of a spool keep it: so a run that goes on is the same."""
    if (looks := found.outputs.get(APPEARANCE)) is None:
        return found
    return replace(found, outputs={**found.outputs, APPEARANCE: from_bytes(to_bytes(looks))})


def each_once(found: Instances, overlap: float = DOUBLE) -> Instances:
    """Objects without those that are another, surer one under the name of another class: they would be followed, and
    counted, twice.

    Args:
        found: the objects of a frame, best first.
        overlap: IoU of boxes from which on two are one.

    Returns:
        Those that are left, in their order.
    """
    ious = pairwise_iou(found.boxes, found.boxes)
    kept: list[int] = []
    for i in range(len(found)):
        if not kept or ious[i, kept].max() < overlap:
            kept.append(i)
    return found if len(kept) == len(found) else found[torch.tensor(kept, dtype=torch.int64)]
