"""What key frames cost and bring: speed, and how far masks between them are from those that a look would have found.

    python benchmarks/key_frames.py CLIP [CLIP ...] --every 4 --frames 49

Both ways go through the same walk, ``maskrcnn.video.follow``; decoding and drawing are not timed. Objects that count,
and so are written into files, are compared frame by frame: the best mask IoU with what key frames gave there, 0 where
there is none; key frames do not count. ``in common`` leaves out those with 0, which only one of the two saw. ``again``
asks ``Predictor.masks`` for the masks of the boxes between.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from maskrcnn.evaluation.overlap import mask_pairs
from maskrcnn.inference.predictor import Predictor
from maskrcnn.tracking.tracker import Tracker
from maskrcnn.video.follow import Detector, follow, track_options
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.labelled.frames import frames_of
from maskrcnn.video.reading.clip import ClipFrame


def walk(predictor: Predictor, frames: list[ClipFrame], every: int, score: float) -> tuple[list[TrackedFrame], float]:
    """All frames with the objects that count, and the seconds that they took."""
    begun = time.perf_counter()
    tracker = Tracker(2, track_options(score, every))
    found = list(follow(frames, Detector(predictor), tracker, every))
    seconds = time.perf_counter() - begun
    return [counting(frame, np.isin(frame.ids, list(tracker.confirmed))) for frame in found], seconds


def counting(frame: TrackedFrame, kept: np.ndarray) -> TrackedFrame:
    objects = frame.objects[torch.from_numpy(np.flatnonzero(kept))]
    return replace(frame, objects=objects, ids=frame.ids[kept], confirmed=frame.confirmed[kept])


def ious(full: TrackedFrame, other: TrackedFrame) -> list[float]:
    """Of each object of a frame, the IoU of its mask with the best of the others."""
    assert full.objects.regions is not None and other.objects.regions is not None
    best = np.zeros(len(full.ids))
    pairs = mask_pairs(full.objects.regions, other.objects.regions)
    np.maximum.at(best, pairs.found, pairs.iou)
    return best.tolist()


def coloured_again(predictor: Predictor, frame: TrackedFrame) -> TrackedFrame:
    image = torch.from_numpy(frame.image).movedim(-1, 0)
    return replace(frame, objects=predictor.masks(image, frame.objects.boxes, frame.objects.labels))


def summary(values: list[float]) -> str:
    """The mean of all, and of those above 0."""
    common = [value for value in values if value > 0]
    return f"{np.mean(values):11.3f}{np.mean(common):11.3f}" if common else f"{'-':>11}{'-':>11}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--model", default="everyday")
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--frames", type=int, default=49)
    parser.add_argument("--score", type=float, default=0.5)
    parser.add_argument("--again", action="store_true", help="also measure masks that are coloured again")
    options = parser.parse_args()
    predictor = Predictor.load(options.model).with_options(score=track_options(options.score).doubtful)
    heads = ("frames", "every, s", "keyed, s", "faster", "objects", "mask IoU", "in common", "again", "in common")
    print(f"{'':30}", *(f"{head:>10}" for head in heads))
    for path in options.clips:
        pictures = islice(frames_of(path), options.frames)
        frames = [ClipFrame(k, k / 24, picture) for k, picture in enumerate(pictures)]
        predictor(torch.from_numpy(frames[0].image).movedim(-1, 0))  # warm
        full, slow = walk(predictor, frames, 1, options.score)
        keyed, fast = walk(predictor, frames, options.every, options.score)
        between = [k for k in range(len(frames) - 1) if k % options.every]
        moved = [iou for k in between for iou in ious(full[k], keyed[k])]
        asked = between if options.again else []
        again = [iou for k in asked for iou in ious(full[k], coloured_again(predictor, keyed[k]))]
        times = f"{slow / len(frames):11.3f}{fast / len(frames):11.3f}{slow / fast:11.2f}"
        print(f"{path.stem:30}{len(frames):11d}{times}{len(moved):11d}{summary(moved)}{summary(again)}", flush=True)


if __name__ == "__main__":
    main()
