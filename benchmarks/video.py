"""What following a video costs beside the network alone, and whether memory stays flat over a long one.

    python benchmarks/video.py ../shared/data/videos/car-detection.mp4 --frames 60 --model everyday
    python benchmarks/video.py --memory 20000

The first prints wall time a frame: of the network alone, on frames that are decoded already, and of the whole command
(decoding, network, tracking, drawing, encoding, and all files). Rounds of both take turns, and the fastest of each
counts. The second follows made-up objects, found by no network, and prints the process's memory as it goes.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from maskrcnn import Instances, Predictor, Regions
from maskrcnn.inference.results.journal import Journal
from maskrcnn.jobs.events import Progress, tell_nobody
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.jobs.sequences.clips import predict_clips
from maskrcnn.video.follow import Detector, track_options
from maskrcnn.video.reading.open import Source

HEIGHT, WIDTH, SIDE = 48, 64, 12


def whole(predictor: Predictor, clip: Path, until: str, out: Path, tell=tell_nobody) -> int:
    """The command, without loading the model; how many frames it looked at."""
    options = PredictFilesOptions(inputs=(clip,), out=out, until=until)
    done = predict_clips(predictor, [Source(clip)], options, Journal(out), tell)
    assert not done.failures, done.failures
    return done.frames


def compare(clip: Path, model: str, count: int, rounds: int) -> None:
    predictor = Predictor.load(model)
    options = track_options(0.5)
    source = Source(clip)
    opened = source.open()
    frames = [frame for frame, _ in zip(opened, range(count))]
    opened.close()
    until = f"{frames[-1].time + 0.5 / opened.about.rate:.4f}"
    detector = Detector(predictor.with_options(score=options.doubtful))
    detector(frames[0])
    alone, all_of_it, objects = [], [], 0
    for _ in range(rounds):
        begun = time.perf_counter()
        objects = sum(len(detector(frame)) for frame in frames)
        alone.append((time.perf_counter() - begun) / len(frames))
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            done = whole(predictor, clip, until, Path(folder))
            all_of_it.append((time.perf_counter() - begun) / done)
    ratio = min(all_of_it) / min(alone)
    print(
        f"{clip.name}, {model}, {len(frames)} frames, {objects / len(frames):.1f} objects a frame: network alone "
        f"{1000 * min(alone):.1f} ms, whole {1000 * min(all_of_it):.1f} ms a frame, {ratio:.2f}x"
    )


class MadeUp:
    """Stands for a predictor: objects that move, two of which go and come."""

    def __init__(self) -> None:
        self.info = Predictor.load("everyday").info
        self.count = 0

    def with_options(self, **options: object) -> MadeUp:
        return self

    def __call__(self, image: torch.Tensor) -> Instances:
        k, self.count = self.count, self.count + 1
        places = [(abs((k * (n + 1)) % 104 - 52), 12 * n) for n in range(4) if n < 2 or k % (97 + n) < 50]
        windows = [((y, x), np.ones((SIDE, SIDE), bool)) for x, y in places]
        regions = Regions.from_windows((HEIGHT, WIDTH), windows)
        boxes = torch.from_numpy(regions.boxes())
        labels = torch.ones(len(places), dtype=torch.int64)
        return Instances(boxes, labels, torch.full((len(places),), 0.9), regions=regions)


def write_long(path: Path, frames: int) -> None:
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        grey = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), 128, np.uint8), format="rgb24")
        for _ in range(frames):
            file.mux(stream.encode(grey.reformat(format="yuv420p")))
        file.mux(stream.encode(None))


def resident() -> float:
    """Memory of this process now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def watch_memory(frames: int) -> None:
    marks = [mark for mark in (200, 1000, 5000, 10_000, frames) if mark <= frames]

    def tell(event: object) -> None:
        if isinstance(event, Progress) and event.done in marks:
            print(f"frame {event.done}: {resident():.1f} MiB", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "long.avi"
        write_long(clip, frames)
        begun = time.perf_counter()
        done = whole(MadeUp(), clip, "", Path(folder) / "out", tell)
        seconds = time.perf_counter() - begun
        print(f"{done} frames and all files: {resident():.1f} MiB, {1000 * seconds / done:.1f} ms a frame")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--model", default="everyday")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, default=0)
    asked = parser.parse_args()
    for clip in asked.clips:
        compare(clip, asked.model, asked.frames, asked.rounds)
    if asked.memory:
        watch_memory(asked.memory)
