"""A model judged on a labelled data set, in print, in a file for programs and in a page for people."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from torch import Tensor

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.split import subset
from maskrcnn.evaluation.coco import CocoResult, format_table
from maskrcnn.evaluation.diagnosis import Watcher
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.files import atomic_write
from maskrcnn.inference.predictor import Predictor
from maskrcnn.report.facts import Facts
from maskrcnn.report.page import NAME, write_report
from maskrcnn.structures import Instances, Record
from maskrcnn.training.budget import PROBE, evenly, images_in

METRICS = "metrics.json"

Say = Callable[[str], None]


def evaluate_to(
    predictor: Predictor,
    dataset: Dataset,
    out: Path,
    model_name: str,
    max_detections: int | None = None,
    bootstrap: int = 1000,
    batch: int = 4,
    report: Callable[[int], None] = lambda done: None,
    page: bool = True,
    say: Say = print,
) -> tuple[CocoResult, list[str], Path | None]:
    """Evaluate and write ``out/metrics.json`` and ``out/report.html``.

    The first holds ``box/AP box/AP50 ... mask/AP ... keypoints/AP ...`` (0..1, null where there was nothing to find),
    ``intervals`` (the same names: low and high), and what was evaluated; the second the same for people, and why
    objects were missed.

    Args:
        page: write the second.
        say: is told why the page could not be made; the numbers are not lost with it.

    Returns:
        The result, a sentence for each image that could not be read and each file that could not be written, and the
        page's path if there is one.
    """
    if max_detections is not None:
        predictor = predictor.with_options(max_detections=max_detections)
    page = page and dataset.kind == "image"
    watch = _CarefulWatcher(predictor, dataset) if page else None
    options: dict[str, Any] = {} if watch is None else {"watch": watch}
    result, failures = evaluate(predictor, dataset, max_detections, bootstrap, batch, report, **options)
    content = {
        **result.metrics,
        "intervals": result.intervals,
        "model": model_name,
        "data": str(dataset.path),
        "images": result.num_images,
        "objects": result.num_objects,
        "max_detections": result.max_detections,
    }
    try:
        with atomic_write(out / METRICS) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n")
    except OSError as error:  # the numbers are not lost with the file
        failures.append(f"{out / METRICS} could not be written ({error.strerror or error}); free some space.")
    path = out / NAME
    made = watch is not None and watch.write(path, content, result, failures, say)
    return result, failures, path if made else None


def print_table(result: CocoResult) -> None:
    """The numbers on standard output."""
    console = Console(highlight=False, markup=False, emoji=False)
    for table in (format_table(result), *result.tables):
        console.print(table)


def report_training(best: Path, val: Dataset, out: Path, device: str, say: Say, seconds: float | None = None) -> None:
    """What a training has come to on its validation data: the files of :func:`evaluate_to`, and where they are. The
    training is done by now and is not lost if this fails.

    Args:
        best: the model.
        val: the held-out images.
        out: the folder to write into.
        device: where to run.
        say: is told where the page is.
        seconds: what the report may take; as many images are judged on as can be in that time. None: all are.
    """
    try:
        predictor = Predictor.load(best, device)
        count = len(val) if seconds is None else judged_in(seconds, predictor, val)
        if count < len(val):
            say(f"To keep the time, the report is about {count} of the {len(val)} held-out images.")
            val = subset(val, evenly(count, len(val)))
        _, _, page = evaluate_to(predictor, val, out, str(best), say=say)
    except Exception as error:
        say(f"note: {out / NAME} could not be made: {error}")
        return
    if page is not None:
        say(f"How good it is, why objects are missed and what to do next: {page}")


def judged_in(seconds: float, predictor: Predictor, val: Dataset) -> int:
    """How many held-out images a report of ``seconds`` can be about, from what a few of them take."""
    if len(val) < 4 * PROBE:
        return len(val)
    some = subset(val, evenly(PROBE, len(val)))
    begun = time.monotonic()
    evaluate(predictor, some, watch=Watcher(predictor, some))
    taken = time.monotonic() - begun
    return images_in(seconds - taken, taken * len(val) / PROBE, len(val))


class _CarefulWatcher:
    """A :class:`Watcher` whose failure costs the page but not the numbers that it is about."""

    def __init__(self, predictor: Predictor, dataset: Dataset) -> None:
        self.watcher = Watcher(predictor, dataset)
        self.failure: Exception | None = None

    def __call__(self, record: Record, image: Tensor, found: Instances) -> None:
        if self.failure is None:
            try:
                self.watcher(record, image, found)
            except Exception as error:
                self.failure = error

    def write(self, path: Path, content: dict[str, Any], result: CocoResult, failures: list[str], say: Say) -> bool:
        """Write the page; whether that was possible."""
        try:
            if self.failure is not None:
                raise self.failure
            watcher = self.watcher
            facts = Facts.of(content, result, watcher.diagnosis, watcher.predictor, failures)
            write_report(path, facts, watcher.dataset)
        except Exception as error:
            say(f"note: {path} could not be made ({type(error).__name__}: {error}); the numbers are not affected.")
            return False
        return True
