"""A model judged on a labelled data set, in print and in a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from maskrcnn.data.dataset import Dataset
from maskrcnn.evaluation.coco import CocoResult, format_table
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.files import atomic_write
from maskrcnn.inference.predictor import Predictor


def evaluate_to(
    predictor: Predictor,
    dataset: Dataset,
    out: Path,
    model_name: str,
    max_detections: int | None = None,
    bootstrap: int = 1000,
    batch: int = 4,
    report: Callable[[int], None] = lambda done: None,
) -> tuple[CocoResult, list[str]]:
    """Evaluate, print the COCO table with 95 % intervals, and write ``out/metrics.json``.

    The file holds ``box/AP box/AP50 ... mask/AP ... keypoints/AP ...`` (0..1, null where there was nothing to find),
    ``intervals`` (the same names: low and high), and what was evaluated.
    """
    result, failures = evaluate(predictor, dataset, max_detections, bootstrap, batch, report)
    content = {
        **result.metrics,
        "intervals": result.intervals,
        "model": model_name,
        "data": str(dataset.path),
        "images": result.num_images,
        "objects": result.num_objects,
        "max_detections": result.max_detections,
    }
    with atomic_write(out / "metrics.json") as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
    Console(highlight=False, markup=False, emoji=False).print(format_table(result))
    return result, failures
