"""Measures a model on labelled data: ``metrics.json`` for programs and ``report.html`` for people."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.checks import few, result_folder
from maskrcnn.config import ModelConfig
from maskrcnn.data.class_maps.tasks import OBJECTS, SEMANTIC, WHOLE, for_task
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.size_limit import at_most
from maskrcnn.data.split import subset
from maskrcnn.errors import UsageError
from maskrcnn.evaluation.coco import CocoResult, format_table
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.evaluation.mask_quality import mask_quality
from maskrcnn.evaluation.misses.diagnosis import Watcher
from maskrcnn.files import atomic_write
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.events import DataFaults, Event, Note, Progress, Tell, tell_nobody
from maskrcnn.jobs.inputs.labelled_files import remember_thresholds
from maskrcnn.jobs.options.evaluate import EvaluateOptions
from maskrcnn.jobs.results.run_before import run_before
from maskrcnn.modalities.inputs import default_of_kind, refuse_options
from maskrcnn.modalities.kinds import check_kind
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.table import kinds, wing_of
from maskrcnn.modalities.whole_files import open_whole_files
from maskrcnn.report.class_maps import MapWatcher, write_map_report
from maskrcnn.report.facts import Facts
from maskrcnn.report.page import NAME, write_report
from maskrcnn.report.whole_files import WholeWatcher, write_whole_report
from maskrcnn.structures import Instances, Record
from maskrcnn.training.budget import FEWEST, spread_order
from maskrcnn.training.log import said_of_training

METRICS = "metrics.json"
WRITING = 0.1  # of the time of a report: for the page and its pictures


@dataclass(frozen=True)
class Measuring:
    """How a predictor is measured.

    Attributes:
        model_name: as the files call the model.
        max_detections: most detections counted in an image; None: the model's own cap.
        bootstrap: resamplings of the images for 95 % intervals; 0 for none.
        batch: images that run together.
        page: whether ``report.html`` is written, which there is for images alone.
        until: the monotonic time at which judging ends, with a few images at least; None: with the last image.
    """

    model_name: str
    max_detections: int | None = None
    bootstrap: int = 1000
    batch: int = 4
    page: bool = True
    until: float | None = None


@dataclass(frozen=True)
class EvaluateOutcome:
    """What a model is worth.

    Attributes:
        result: average precision, with intervals, and what the data's field asks for besides.
        tables: the same to print, tables of rich.
        failures: a sentence for each image that could not be read and each file that could not be written.
        metrics: the file with all digits; None where it could not be written.
        page: the report; None where there is none.
    """

    result: CocoResult
    tables: tuple[Any, ...]
    failures: list[str]
    metrics: Path | None
    page: Path | None


def evaluate_model(options: EvaluateOptions, tell: Tell = tell_nobody) -> EvaluateOutcome:
    """Measure a model on labelled data and write ``metrics.json`` and ``report.html``.

    Args:
        options: the data, the model, and how it looks at them.
        tell: is given what is wrong with the data, :class:`Progress`, and a :class:`Note` where the page cannot be
            made.

    Returns:
        The measures, and the files that hold them.

    Raises:
        UsageError: options that cannot be followed, or a model of another kind of files.
        DataError: the data cannot be read, or share no class with the model.
        CheckpointError: the model's file is damaged.
    """
    options.check()
    with at_most(options.max_pixels):
        data = open_whole_files([options.data], options.labels, 1) if options.labels else open_dataset(options.data)
        name = options.model or default_of_kind(data.kind, options.data)
        predictor = Predictor(*load_model(name, lambda text: tell(Note(text))), device=options.device)
        check_kind(predictor.info, name, data)
        wing = wing_of(data.kind)
        data = data if options.labels else wing.doors().as_learned(data, predictor.info)
        data = for_model(data, predictor.info.config)
        tell(DataFaults((options.data,), tuple(data.problems)))
        refuse_options(wing, options)
        predictor = predictor.with_options(
            image_size=options.image_size,
            tile=options.tile,
            overlap=options.overlap,
            flip=options.flip,
            sharp=options.sharp != "off",
            raw_masks=options.raw_masks,
        )
        known = [name for name in data.class_names if name in predictor.class_names]
        if 0 < len(known) < len(data.class_names):
            others = [name for name in data.class_names if name not in known]
            tell(
                Note(
                    f"note: {name} knows {len(known)} of the {len(data.class_names)} classes of {options.data} "
                    f"({few(known)}), and finds no {few(others)}; means over classes count them as missed."
                )
            )
        result_folder(options.out)
        how = Measuring(name, options.max_detections, options.bootstrap, options.batch, not options.no_report)
        return measure(predictor, data, options.out, how, tell)


def measure(
    predictor: Predictor, data: Dataset, out: Path, how: Measuring, tell: Tell = tell_nobody
) -> EvaluateOutcome:
    """Measure a predictor and write ``out/metrics.json`` and ``out/report.html``.

    The first holds ``box/AP box/AP50 ... mask/AP ... keypoints/AP ...`` (0..1, null where there was nothing to find),
    ``intervals`` (the same names: low and high), and what was evaluated; the second the same for people, and why
    objects were missed.

    Args:
        predictor: of any kind of files.
        data: labelled files of that kind.
        out: a folder that is there.
        how: what is counted, and what is written.
        tell: is given :class:`Progress`, and a :class:`Note` where the page cannot be made; the numbers are not lost
            with it.

    Returns:
        The measures, and the files that hold them.

    Raises:
        DataError: none of the data's classes is known to the model, or no image can be read.
    """
    cap = how.max_detections
    if cap is not None:
        predictor = predictor.with_options(max_detections=cap)
    of_maps = data.task in (SEMANTIC, WHOLE)
    page = how.page and (kinds()[data.kind].is_picture or data.task == WHOLE)
    watch = _CarefulWatcher(predictor, data) if page else None
    records: list[Record] = []
    detections: list[Instances] = []

    def see(record: Record, image: Tensor, found: Instances) -> None:
        if not of_maps:
            records.append(record)
            detections.append(replace(found, of_image={}, surface=None))
        if watch is not None:
            watch(record, image, found)

    def done(count: int) -> bool:
        tell(Progress("evaluating", count, len(data)))
        return how.until is not None and count >= FEWEST and time.monotonic() > how.until

    result, failures = evaluate(predictor, data, cap, how.bootstrap, how.batch, done, see)
    for note in result.notes:
        tell(Note(f"note: {note}"))
    if not of_maps:
        drawn = mask_quality(records, detections, by_size="mask/APs" in result.metrics)
        result = replace(result, metrics=result.metrics | drawn)
    content = {
        **result.metrics,
        "intervals": result.intervals,
        "model": how.model_name,
        "data": str(data.path),
        "images": result.num_images,
        "objects": result.num_objects,
        "max_detections": result.max_detections,
    }
    metrics: Path | None = out / METRICS
    try:
        with atomic_write(out / METRICS) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n")
    except OSError as error:  # the numbers are not lost with the file
        metrics = None
        failures.append(f"{out / METRICS} could not be written ({error.strerror or error}); free some space.")
    report = out / NAME
    made = watch is not None and watch.write(report, content, result, failures, tell)
    tables = result.tables if of_maps else (format_table(result), *result.tables)
    return EvaluateOutcome(result, tables, failures, metrics, report if made else None)


def for_model(data: Dataset, config: ModelConfig) -> Dataset:
    """Labelled data as a model is measured on them: objects, the class of every sample, or both."""
    if data.task == WHOLE:
        return data
    if config.whole_head is not None:
        raise UsageError(
            f"The model tells labels of whole files: name the table that has those of {data.path} with --labels."
        )
    if data.task == SEMANTIC or not data.has_masks:
        return data
    return for_task(data, OBJECTS if config.finds_objects else SEMANTIC, config.semantic_head is not None)


def measure_training(
    best: Path, val: Dataset, out: Path, device: str, tell: Tell, seconds: float | None = None
) -> None:
    """What a training has come to on its validation data: the files of :func:`measure`, and where they are.

    The training is done by now and is not lost if this fails.

    Args:
        best: its best checkpoint.
        val: what it was validated on.
        out: its folder.
        device: ``cpu``, ``cuda`` or ``mps``.
        tell: is given a :class:`Note` about the page.
        seconds: that this may take, judging on as many of ``val`` as can be in that time; None: on all.
    """

    def tell_notes(event: Event) -> None:
        if isinstance(event, Note):
            tell(event)

    begun = time.monotonic()
    try:
        if val.task == WHOLE:
            remember_thresholds(best, val, device)
        until = None
        if seconds is not None:
            until, val = begun + (1 - WRITING) * seconds, subset(val, spread_order(len(val)))
        outcome = measure(Predictor.load(best, device), val, out, Measuring(str(best), until=until), tell_notes)
    except Exception as error:
        tell(Note(f"note: {out / NAME} could not be made: {error}"))
        return
    judged = outcome.result.num_images + len(outcome.failures)
    if until is not None and judged < len(val):
        tell(Note(f"To keep the time, the report is about {judged} of the {len(val)} held-out images."))
    if outcome.page is not None:
        tell(Note(f"How good it is, why objects are missed and what to do next: {outcome.page}"))


class _CarefulWatcher:
    """A :class:`Watcher` whose failure costs the page but not the numbers that it is about."""

    def __init__(self, predictor: Predictor, dataset: Dataset) -> None:
        made: dict[str, type[MapWatcher | WholeWatcher]] = {SEMANTIC: MapWatcher, WHOLE: WholeWatcher}
        self.watcher: MapWatcher | WholeWatcher | Watcher = made.get(dataset.task, Watcher)(predictor, dataset)
        self.failure: Exception | None = None

    def __call__(self, record: Record, image: Tensor, found: Instances) -> None:
        if self.failure is None:
            try:
                self.watcher(record, image, found)
            except Exception as error:
                self.failure = error

    def write(self, path: Path, content: dict[str, Any], result: CocoResult, failures: list[str], tell: Tell) -> bool:
        """Write the page; whether that was possible."""
        try:
            if self.failure is not None:
                raise self.failure
            watcher = self.watcher
            if isinstance(watcher, MapWatcher):
                write_map_report(path, content, watcher, result.samples)
                return True
            if isinstance(watcher, WholeWatcher):
                write_whole_report(path, content, watcher, result.samples)
                return True
            of_training = said_of_training(content["model"])
            facts = Facts.of(content, result, watcher.diagnosis, watcher.predictor, failures, of_training)
            write_report(path, replace(facts, before=run_before(path.parent, content)), watcher.dataset)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            tell(Note(f"note: {path} could not be made ({reason}); the numbers are not affected."))
            return False
        return True
