"""Measures how well a model and the tracker find and follow the objects of labelled videos, by boxes and by masks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.checks import needed_package, result_folder
from maskrcnn.data.parsing.size_limit import at_most
from maskrcnn.errors import DataError, UsageError
from maskrcnn.evaluation.tracks.frames import Clip, Frame, box_frame, mask_frame
from maskrcnn.evaluation.tracks.measures import TrackCounts, count_tracks
from maskrcnn.evaluation.tracks.table import format_tracks
from maskrcnn.files import atomic_write
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.events import Note, Progress, Tell, tell_nobody
from maskrcnn.jobs.options.evaluate import EvaluateOptions
from maskrcnn.modalities.inputs import default_of_kind
from maskrcnn.modalities.table import kinds
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances
from maskrcnn.tracking.options import TrackOptions
from maskrcnn.tracking.tracker import Detections, Tracker
from maskrcnn.video.follow import Detector
from maskrcnn.video.labelled.frames import frames_of
from maskrcnn.video.labelled.videos import LabelledVideo, Truth, labelled_videos

METRICS = "metrics.json"
IMAGE = "image"  # the kind of files that frames are
WAYS = ("boxes", "masks")  # by which tracks are judged
COVERED = 0.5  # of a detection that must lie on labelled pixels; else it is neither right nor wrong

Find = Callable[[Sequence[np.ndarray]], Sequence[Instances]]
Counts = dict[str, TrackCounts]


@dataclass(frozen=True)
class VideosOutcome:
    """How well objects are found and followed.

    Attributes:
        measures: of all videos as one, by ``boxes`` and by ``masks``, see :meth:`TrackCounts.measures`; without masks
            where the model draws none.
        by_video: the same of each.
        tables: the same to print, tables of rich.
        failures: a sentence for each video that could not be judged.
        metrics: the file with all digits.
    """

    measures: dict[str, dict[str, float]]
    by_video: dict[str, dict[str, dict[str, float]]]
    tables: tuple[Any, ...]
    failures: list[str]
    metrics: Path


def evaluate_videos(options: EvaluateOptions, tell: Tell = tell_nobody) -> VideosOutcome:
    """Judge a model and the tracker on labelled videos, and write ``metrics.json``.

    Args:
        options: the folder or the json of YouTube-VIS, the model, and how it looks at frames.
        tell: is given :class:`Progress` and :class:`Note`.

    Returns:
        The measures.

    Raises:
        UsageError: options that cannot be followed.
        DataError: no video can be judged.
        CheckpointError: the model's file is damaged.
    """
    options.check()
    needed_package("scipy.optimize", "follow objects", "video")
    with at_most(options.max_pixels):
        videos = labelled_videos(options.data)
        name = options.model or default_of_kind(IMAGE, options.data)
        predictor = predictor_of(options, name, tell)
        result_folder(options.out)
        find, failures, counts = Detector(predictor).look, [], {}
        total, begun = max(sum(video.length for video in videos), 1), 0
        for video in videos:
            told = lambda done, begun=begun: tell(Progress("following", min(begun + done, total), total))  # noqa: E731
            try:
                counts[video.name] = judge_video(video, find, options.batch, told)
            except DataError as error:
                failures.append(str(error))
            begun += video.length
        tell(Progress("following", total, total))
    if not counts:
        raise DataError(failures[0] if failures else f"{options.data} holds no videos.")
    ways = [way for way in WAYS if all(way in own for own in counts.values())]
    measures = {way: sum((own[way] for own in counts.values()), TrackCounts()).measures() for way in ways}
    single = {video: {way: own[way].measures() for way in ways} for video, own in counts.items()}
    tables = tuple(format_tracks(measures[w], {video: own[w] for video, own in single.items()}, w) for w in ways)
    content = {**measures, "videos": single, "data": str(options.data), "model": name}
    with atomic_write(options.out / METRICS) as beside:
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return VideosOutcome(measures, single, tables, failures, options.out / METRICS)


def predictor_of(options: EvaluateOptions, name: str, tell: Tell) -> Predictor:
    """The model, told to keep what the tracker makes use of.

    Args:
        options: how it looks at frames.
        name: of the model.
        tell: is given a :class:`Note` where its file had to be mended.

    Returns:
        The predictor.

    Raises:
        UsageError: it does not find objects in pictures.
    """
    predictor = Predictor(*load_model(name, lambda text: tell(Note(text))), device=options.device)
    kind = kinds().get(str(predictor.info.notes.get("kind", IMAGE)))
    pictures = kind is not None and kind.is_picture and predictor.info.config.ndim == kind.ndim
    if not pictures or not predictor.info.config.finds_objects:
        raise UsageError(f"{name} finds no objects in pictures: name a model that does, such as everyday.")
    return predictor.with_options(
        score=TrackOptions().doubtful,
        max_detections=options.max_detections,
        image_size=options.image_size,
        tile=options.tile,
        overlap=options.overlap,
        flip=options.flip,
        sharp=options.sharp != "off",
        raw_masks=options.raw_masks,
    )


def judge_video(
    video: LabelledVideo, find: Find, batch: int = 1, told: Callable[[int], object] = lambda done: None
) -> Counts:
    """Find and follow the objects of a video, frame by frame, and count how well that went.

    Detections with less than half of themselves on labelled pixels are not judged: what nobody labelled may be there.

    Args:
        video: with its labels.
        find: the objects of several frames, uint8 ``[H, W, 3]`` each.
        batch: how many frames it is given at once.
        told: is told how many frames are done.

    Returns:
        What there is to count, by ``boxes`` and, where all objects have them, by ``masks``.

    Raises:
        DataError: frames or labels are missing or cannot be read.
    """
    if video.frames is None:
        raise DataError(f"{video.name} has labels but no frames: put {video.name}.mp4 into videos/ beside them.")
    tracker = Tracker(2)
    judged: dict[str, list[Frame]] = {way: [] for way in WAYS}
    frame = 0
    for images in _batches(frames_of(video.frames), batch):
        for image, found in zip(images, find(images)):
            followed = tracker.update(Detections.of(found), frame)
            truth = video.truth(frame, (image.shape[0], image.shape[1]))
            if truth is not None:
                for way, own in judged_frames(truth, followed.ids, found).items():
                    judged[way].append(own)
            frame += 1
        told(frame)
    if not judged["boxes"]:
        raise DataError(f"{video.name} has no labelled frames: label frame 0 in 00000.png, and so on.")
    full = {way: frames for way, frames in judged.items() if len(frames) == len(judged["boxes"])}
    return {way: count_tracks(Clip.of(_confirmed(frames, tracker.confirmed))) for way, frames in full.items()}


def judged_frames(truth: Truth, ids: np.ndarray, found: Instances) -> dict[str, Frame]:
    """A frame by boxes and, where there are masks, by masks.

    Args:
        truth: its G objects.
        ids: int64 ``[N]``: the numbers of what was found.
        found: N objects.

    Returns:
        Either way, of what lies on labelled pixels by at least half.
    """
    numbers, regions = truth
    boxes = found.boxes.numpy()
    by_boxes = box_frame(numbers, regions.boxes(), ids, boxes)
    drawn = found.regions if found.regions is not None else _filled(boxes, regions.spatial_shape)
    by_masks = mask_frame(numbers, regions, ids, drawn)
    areas = drawn.areas()
    shared = by_masks.overlap / (1 + by_masks.overlap) * (regions.areas()[:, None] + areas)
    kept = shared.sum(0) >= COVERED * np.maximum(areas, 1)
    frames = {"boxes": by_boxes} | ({} if found.regions is None else {"masks": by_masks})
    return {way: Frame(own.truth, own.found[kept], own.overlap[:, kept]) for way, own in frames.items()}


def _filled(boxes: np.ndarray, spatial_shape: tuple[int, ...]) -> Regions:
    """Boxes as masks, to whole pixels."""
    windows = []
    for x1, y1, x2, y2 in np.rint(boxes).astype(int):
        windows.append(((max(y1, 0), max(x1, 0)), np.ones((max(y2 - max(y1, 0), 0), max(x2 - max(x1, 0), 0)), bool)))
    return Regions.from_windows(spatial_shape, windows)


def _confirmed(frames: Iterable[Frame], confirmed: set[int]) -> Iterator[Frame]:
    """Only what was seen surely often enough to count."""
    for frame in frames:
        kept = np.array([int(number) in confirmed for number in frame.found], bool)
        yield Frame(frame.truth, frame.found[kept], frame.overlap[:, kept])


def _batches(frames: Iterator[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
    while some := list(islice(frames, size)):
        yield some
