"""``model.track("clip.mp4")`` gives frame after frame with the objects in it, each with its number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from maskrcnn.drawing.colours import PALETTE
from maskrcnn.drawing.overlay import draw
from maskrcnn.errors import DataError, UsageError
from maskrcnn.face.found import Found
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.one_file import OneFile
from maskrcnn.modalities.images.one_file import OnePicture
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import Head, heads_of
from maskrcnn.structures import Instances
from maskrcnn.tracking.running import RunningNumbers
from maskrcnn.tracking.tracker import Tracker
from maskrcnn.video.ahead import Ahead
from maskrcnn.video.follow import USUAL_SCORE, Detector, follow, track_options
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.reading.clip import Part
from maskrcnn.video.reading.open import sources_of

IDS = "track_id"


@dataclass(frozen=True, eq=False, repr=False)
class FoundInFrame(Found):
    """The objects of one frame of a video: a :class:`Found` with their numbers.

    Attributes:
        index: of the frame in its file, from 0.
        time: seconds since the first frame of the file.
    """

    instances: Instances
    info: ModelInfo
    file: OneFile | None
    source: str = ""
    failure: str = ""
    heads: Mapping[str, Head] = field(default_factory=dict)
    index: int = 0
    time: float = 0.0

    @property
    def ids(self) -> np.ndarray:
        """Int64 ``[N]``: the number of each object, final and from 1 without gaps, as ``predict`` writes it; 0 for an
        object that does not count yet, where such were asked for."""
        return self.instances.outputs[IDS].numpy()

    @property
    def image(self) -> np.ndarray:
        """The frame, uint8 ``[H, W, 3]``, RGB."""
        samples = self._file().samples.movedim(0, -1).numpy()
        return np.repeat(samples, 3, -1) if samples.shape[-1] == 1 else samples

    def draw(self) -> Image.Image:
        """The frame with its objects: a colour stays with its number."""
        info, ids, names = self.info, self.ids.tolist(), self.names.tolist()
        colours = [PALETTE[(number - 1) % len(PALETTE)] for number in ids]
        texts = [f"{name} {number or '?'}" for name, number in zip(names, ids)]
        return draw(
            self.image,
            self.instances,
            info.class_names,
            colors=colours,
            texts=texts,
            skeleton=info.skeleton,
            keypoint_names=info.keypoint_names,
            scale=1,
        )


def track(
    predictor: Predictor, source: str | Path | int, part: Part | None = None, unsure: bool = False
) -> Iterator[FoundInFrame]:
    """Follow the objects of a video; see :meth:`maskrcnn.face.model.Model.track`.

    Args:
        predictor: of a model of pictures, with its options.
        source: a file, a folder of frames, an address of a stream, or the number of a camera.
        part: which frames are looked at.
        unsure: objects that do not count (yet) come too, with the number 0.

    Yields:
        Each frame that is looked at.

    Raises:
        DataError: no such video, or one that cannot be read.
        UsageError: the model finds no objects, or what reads videos is not installed.
    """
    if not predictor.info.config.finds_objects:
        raise UsageError("The model tells the class of every pixel and finds no objects to follow.")
    sources = sources_of([Path(str(source))], video=True)
    if not sources:
        raise DataError(f"{source} is no video; name a file of one, a folder of frames, a stream or a camera (0).")
    if len(sources) > 1:
        raise DataError(f"{source} holds {len(sources)} videos: name one of them, such as {sources[0].path}.")
    score = USUAL_SCORE if predictor.options.score is None else predictor.options.score
    options = track_options(score)
    detector = Detector(predictor.with_options(score=min(score, options.doubtful)))
    numbers, heads = RunningNumbers(), heads_of(predictor.model)
    with closing(sources[0].open(part)) as clip, Ahead(clip, newest=clip.about.live) as frames:
        for frame in follow(frames, detector, Tracker(2, options)):
            found = _numbered(frame, numbers.see(frame.ids, frame.confirmed), unsure)
            file = OnePicture(torch.from_numpy(frame.image).movedim(-1, 0))
            yield FoundInFrame(
                found, predictor.info, file, str(source), heads=heads, index=frame.index, time=frame.time
            )


def _numbered(frame: TrackedFrame, numbers: np.ndarray, unsure: bool) -> Instances:
    objects = frame.objects
    found = replace(objects, outputs={**objects.outputs, IDS: torch.from_numpy(numbers)})
    return found if unsure else found[torch.from_numpy(np.flatnonzero(numbers))]
