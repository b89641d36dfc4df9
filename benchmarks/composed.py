"""How well objects of composed sequences are followed: ours, four trackers of the package ``trackers``, and an oracle.

    maskrcnn compose ../shared/data/davis /tmp/made --sequences blackswan drift-straight --count 4 --frames 40 --seed 21
    python benchmarks/composed.py /tmp/made --found /tmp/made-found

All follow the same detections, without those that repeat a surer one under another class's name, as ``predict`` gives
them to its tracker; they are found once and kept in ``--found``; the others' boxes carry the masks of their
detections. The oracle gives the detections of each frame the numbers of the objects that they overlap most, one each.
Measures are by masks; of a detection at least half must lie on labelled pixels, or it is not judged, for all alike.
Each switch of ours within 15 frames of a frame in which less than half of its object was to be seen is listed.
``trackers`` needs opencv, which nothing else here does: without it the four are left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maskrcnn.evaluation.tracks.frames import Clip, Frame
from maskrcnn.evaluation.tracks.measures import TrackCounts, count_tracks
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.sequences.evaluate_videos import judged_frames
from maskrcnn.structures import Instances
from maskrcnn.tracking.association import assign
from maskrcnn.tracking.numbers import gapless
from maskrcnn.tracking.options import TrackOptions
from maskrcnn.tracking.tracker import Detections, Tracker
from maskrcnn.video.follow import Detector
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.labelled.frames import frames_of
from maskrcnn.video.labelled.videos import LabelledVideo, labelled_videos
from maskrcnn.video.writing.spool import Spool, objects_of
from tracking import NAMES, print_row

LOWEST = 0.05  # score of what is found, so that each tracker may choose
OURS = TrackOptions().doubtful  # from which score on ours is given detections, as `maskrcnn evaluate` does
SCORES = (0.05, 0.2)  # the same of the others: both are tried
PASSING = 15  # frames of an occlusion
FOUR = ("SORTTracker", "ByteTrackTracker", "OCSORTTracker", "CBIoUTracker")


@dataclass
class Seen:
    """A frame: N objects that were found, and what is judged of them, with their places as numbers."""

    found: Instances
    judged: Frame
    areas: dict[int, int]  # of labelled objects


Ids = Callable[[list[Seen]], list[np.ndarray]]  # the number of each detection of each frame, 0 for none


def look(video: LabelledVideo, path: Path, model: str) -> list[Seen]:
    """What is found in a video, once: it is kept in ``path``."""
    spool = Spool(path, {"video": video.name, "model": model, "score": LOWEST})
    lines, detector = list(spool.saved()), None
    seen = []
    for k, image in enumerate(frames_of(video.frames)):
        if k < len(lines):
            found = objects_of(lines[k])
        else:
            detector = detector or Detector(Predictor.load(model).with_options(score=LOWEST))
            (found,) = detector.look([image])  # as `maskrcnn predict` and `maskrcnn evaluate` do
            nobody = np.zeros(len(found), np.int64)
            lines.append({})
            spool.count = k
            spool.add(TrackedFrame(k, 0.0, image, found, nobody, nobody > 0))
        truth = video.truth(k, image.shape[:2])
        assert truth is not None
        judged = judged_frames(truth, np.arange(len(found)), found)["masks"]
        seen.append(Seen(found, judged, dict(zip(truth[0].tolist(), truth[1].areas().tolist()))))
    return seen


def clip_of(seen: list[Seen], ids: list[np.ndarray]) -> Clip:
    frames = []
    for own, given in zip(seen, ids):
        numbers = given[own.judged.found]
        frames.append(Frame(own.judged.truth, numbers[numbers > 0], own.judged.overlap[:, numbers > 0]))
    return Clip.of(frames)


def chosen(found: Instances, score: float) -> np.ndarray:
    return np.flatnonzero(found.scores.numpy() >= score)


def ours(seen: list[Seen]) -> list[np.ndarray]:
    tracker, ids = Tracker(2), []
    for own in seen:
        which = chosen(own.found, OURS)
        numbers = np.zeros(len(own.found), np.int64)
        numbers[which] = tracker.update(Detections.of(own.found[torch.from_numpy(which)])).ids
        ids.append(numbers)
    return gapless(ids, tracker.confirmed)


def oracle(score: float) -> Ids:
    def number(seen: list[Seen]) -> list[np.ndarray]:
        ids = []
        for own in seen:
            sure = own.found.scores.numpy()[own.judged.found] >= score
            overlap = own.judged.overlap * sure
            rows, columns = assign(overlap)
            numbers = np.zeros(len(own.found), np.int64)
            met = overlap[rows, columns] > 0
            numbers[own.judged.found[columns[met]]] = own.judged.truth[rows[met]]
            ids.append(numbers)
        return ids

    return number


def of_others(make: Callable[[], Any], detections: Any, score: float) -> Ids:
    """A tracker of the package ``trackers`` with its own settings."""

    def number(seen: list[Seen]) -> list[np.ndarray]:
        tracker, ids = make(), []
        for own in seen:
            which = chosen(own.found, score)
            boxes, scores = own.found.boxes.numpy()[which], own.found.scores.numpy()[which]
            given = detections(boxes, confidence=scores, class_id=np.zeros(len(which), int), data={"at": which})
            tracked = tracker.update(given)
            numbers = np.zeros(len(own.found), np.int64)
            if len(tracked) and tracked.tracker_id is not None:
                numbers[tracked.data["at"]] = np.maximum(tracked.tracker_id + 1, 0)
            ids.append(numbers)
        return ids

    return number


def ways() -> dict[str, Ids]:
    all_ways: dict[str, Ids] = {"ours": ours}
    try:
        import supervision
        import trackers

        for name in FOUR:
            for score in SCORES:
                way = of_others(getattr(trackers, name), supervision.Detections, score)
                all_ways[f"{name.removesuffix('Tracker')}, from {score}"] = way
    except ImportError as error:
        print(f"The other trackers are left out ({error}): pip install trackers==2.6.1")
    return all_ways | {f"oracle, from {score}": oracle(score) for score in SCORES}


def print_switches(name: str, seen: list[Seen], ids: list[np.ndarray]) -> None:
    """Where an object gets another number than when it was last seen, near an occlusion."""
    full = {
        number: np.median([own.areas[number] for own in seen if number in own.areas])
        for own in seen
        for number in own.areas
    }
    hidden = {
        number: [k for k, own in enumerate(seen) if own.areas.get(number, 0) < area / 2]
        for number, area in full.items()
    }
    last: dict[int, int] = {}
    for k, (own, given) in enumerate(zip(seen, ids)):
        numbers = given[own.judged.found]
        overlap = own.judged.overlap * (numbers > 0)
        rows, columns = assign(overlap)
        for row, column in zip(rows, columns):
            number, id_ = int(own.judged.truth[row]), int(numbers[column])
            if overlap[row, column] < 0.5:
                continue
            if last.get(number, id_) != id_ and any(abs(k - j) <= PASSING for j in hidden[number]):
                print(f"  {name}, frame {k}: object {number} was {last[number]} and is {id_}")
            last[number] = id_


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="that `maskrcnn compose` made")
    parser.add_argument("--found", type=Path, required=True, help="folder for what is found, which is found once")
    parser.add_argument("--model", default="everyday")
    options = parser.parse_args()
    videos = {
        v.name: look(v, options.found / f"{v.name}.jsonl", options.model) for v in labelled_videos(options.folder)
    }
    print(f"{'':38}", *(f"{name:>8}" for name in NAMES))
    for name, way in ways().items():
        print_row(name, sum((count_tracks(clip_of(s, way(s))) for s in videos.values()), TrackCounts()).measures())
    print("switches of ours near an occlusion:")
    for name, seen in videos.items():
        print_switches(name, seen, ours(seen))


if __name__ == "__main__":
    main()
