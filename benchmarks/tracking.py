"""How well objects are followed: on scenes made from seeds, and on labelled sequences in MOTChallenge's layout.

    python benchmarks/tracking.py [FOLDER]

Settings were chosen on the seeds from 2000 on; what is printed is of the seeds from 9000 on. Beside ours stand the
same association with a simpler motion, and an oracle that numbers the same detections by what is behind them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from crossings import WORLDS, Scene, World, make_scene
from simpler_motion import MeanVelocity

from maskrcnn.evaluation.tracks.frames import Clip, box_frame
from maskrcnn.evaluation.tracks.measures import measure_tracks
from maskrcnn.jobs.options.evaluate import EvaluateOptions
from maskrcnn.jobs.sequences.evaluate import evaluate_sequences
from maskrcnn.regions import Regions
from maskrcnn.tracking.motion import Motion
from maskrcnn.tracking.numbers import gapless
from maskrcnn.tracking.tracker import Detections, Tracker

FIRST_SEED = 9000
NAMES = ("HOTA", "DetA", "AssA", "IDF1", "MOTA", "switches")
BUSY = 50  # objects of a frame whose time is measured,
SIZE, LOOKS = 60, 128  # how large they are, and in how many numbers their looks


def clip_of(scene: Scene, numbers: Iterable[np.ndarray]) -> Clip:
    """What is there beside the detections that have a number other than 0."""
    frames = []
    for (truth, boxes), seen, ids in zip(scene.truth, scene.detections, numbers):
        frames.append(box_frame(truth, boxes, ids[ids > 0], seen.boxes[ids > 0]))
    return Clip.of(frames)


def follow(scene: Scene, motion: Motion) -> Clip:
    tracker = Tracker(motion.ndim, motion=motion)
    ids = [tracker.update(seen).ids for seen in scene.detections]
    return clip_of(scene, gapless(ids, tracker.confirmed))


def judge(world: World, scenes: list[Scene]) -> None:
    ways: dict[str, Callable[[Scene], Clip]] = {
        "ours": lambda scene: follow(scene, Motion(world.ndim)),
        "mean velocity": lambda scene: follow(scene, MeanVelocity(world.ndim)),
        "oracle": lambda scene: clip_of(scene, scene.sources),
    }
    for name, way in ways.items():
        print_row(f"{world.name}: {name}", measure_tracks(way(scene) for scene in scenes))


def print_row(name: str, measures: dict[str, float]) -> None:
    cells = (f"{measures[key]:8d}" if key == "switches" else f"{measures[key]:8.3f}" for key in NAMES)
    print(f"{name:38}", *cells, flush=True)


def milliseconds(drawn: bool, frames: int = 100) -> float:
    """The median processor time of a frame with 50 objects that wander, boxes alone or with masks and appearance."""
    rng = np.random.default_rng(0)
    low, looks = rng.uniform(100, 1900, (BUSY, 2)), rng.normal(0, 0.1, (BUSY, LOOKS)).astype(np.float32)
    disc = np.hypot(*np.mgrid[-SIZE / 2 : SIZE / 2, -SIZE / 2 : SIZE / 2]) < SIZE / 2
    tracker, times = Tracker(2), []
    for _ in range(frames):
        low = low + rng.normal(0, 2, low.shape)
        masks = Regions.from_windows((2000, 2000), [((int(y), int(x)), disc) for x, y in low]) if drawn else None
        boxes, ones = np.concatenate([low, low + SIZE], 1), np.ones(BUSY, np.int64)
        seen = Detections(boxes, 0.9 * ones, ones, masks, looks if drawn else None)
        begun = time.process_time()
        tracker.update(seen)
        times.append(time.process_time() - begun)
    return 1000 * float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="sequences in MOTChallenge's layout")
    parser.add_argument("--scenes", type=int, default=4, help="of each world")
    options = parser.parse_args()
    print(f"{'':38}", *(f"{name:>8}" for name in NAMES))
    if options.folder is not None:
        with tempfile.TemporaryDirectory() as out:
            judged = evaluate_sequences(EvaluateOptions(options.folder, Path(out)))
        for name, measures in judged.by_sequence.items():
            print_row(name, measures)
    for world in WORLDS:
        judge(world, [make_scene(world, FIRST_SEED + k) for k in range(options.scenes)])
    print(f"a frame with {BUSY} objects: {milliseconds(False):.2f} ms; with masks and appearance: ", end="")
    print(f"{milliseconds(True):.2f} ms")


if __name__ == "__main__":
    main()
