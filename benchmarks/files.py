"""Time a photo from file to files, beside that of the network alone: python benchmarks/files.py [FOLDER]

The photos are those of FOLDER, or those that the package ships. Both walks are timed in turn on the same photos, and
the median of their ratios is printed, since a machine that others use is now faster and now slower. The time of the
process on all its cores is printed too: where the network keeps every core busy, reading and writing have no idle core
to run on, and that ratio is the one to come down.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from maskrcnn.inference.options import SHOWN
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.options import ResultOptions
from maskrcnn.jobs.models import EXAMPLES
from maskrcnn.modalities.images.predict import predict_files
from maskrcnn.modalities.images.read.find import find_images
from maskrcnn.modalities.images.read.pictures import read_image

ROUNDS, MOST = 5, 40


def main() -> None:
    paths = find_images(Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES / "photos")[:MOST]
    predictor = Predictor.load("everyday", options=SHOWN)
    images = [read_image(path) for path in paths]
    predictor(images[0])
    alone, whole = [], []
    for _ in range(ROUNDS):
        alone.append(_timed(lambda: [predictor(image) for image in images]))
        out = Path(tempfile.mkdtemp())
        whole.append(_timed(lambda out=out: predict_files(predictor, paths, ResultOptions(out))))
        shutil.rmtree(out)
    for k, what in enumerate(("wall", "processor")):
        ratios = [files[k] / network[k] for files, network in zip(whole, alone)]
        files, network = (1000 * statistics.median(times[k] for times in walk) / len(paths) for walk in (whole, alone))
        print(
            f"{len(paths)} photos, everyday, {what} time: files to files {files:.0f} ms a photo, the network alone "
            f"{network:.0f} ms; ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f} in "
            f"{ROUNDS} rounds)"
        )


def _timed(walk: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the wall, and of the processor in all threads."""
    wall, processor = time.perf_counter(), time.process_time()
    walk()
    return time.perf_counter() - wall, time.process_time() - processor


if __name__ == "__main__":
    main()
