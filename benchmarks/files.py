"""Wall time a photo from file to files, beside that of the network alone: python benchmarks/files.py [FOLDER]

The photos are those of FOLDER, or those that the package ships. Both walks are timed in turn on the same photos, and
the median of their ratios is printed, since a machine that others use is now faster and now slower.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
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
        start = time.perf_counter()
        for image in images:
            predictor(image)
        alone.append((time.perf_counter() - start) / len(paths))
        out = Path(tempfile.mkdtemp())
        start = time.perf_counter()
        predict_files(predictor, paths, ResultOptions(out))
        whole.append((time.perf_counter() - start) / len(paths))
        shutil.rmtree(out)
    ratios = [files / network for files, network in zip(whole, alone)]
    print(
        f"{len(paths)} photos, everyday: files to files {1000 * statistics.median(whole):.0f} ms a photo, the network "
        f"alone {1000 * statistics.median(alone):.0f} ms; ratio {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f} in {ROUNDS} rounds)"
    )


if __name__ == "__main__":
    main()
