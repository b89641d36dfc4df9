"""Training: the loop, and what it writes."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from maskrcnn.checkpoints.ours import save_checkpoint
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.loading import epoch_loader
from maskrcnn.data.repeat_rare import repeat_factors
from maskrcnn.data.split import subset
from maskrcnn.data.transforms.samples import AugmentConfig, Sample, TrainTransform
from maskrcnn.errors import DataError, MaskRCNNError
from maskrcnn.evaluation.evaluate import match_classes
from maskrcnn.keypoint_names import mirror_keypoints
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.teacher import Teacher
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.nd import layers_in_full_precision
from maskrcnn.training import distributed
from maskrcnn.training.budget import PROBE, Budget, Pace, evenly
from maskrcnn.training.course import Course
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.log import Report
from maskrcnn.training.optimizer import freeze, make_optimizer, set_learning_rate
from maskrcnn.training.schedule import MovingAverage
from maskrcnn.training.state import Position, load_state, save_state
from maskrcnn.training.step import Step, train_step
from maskrcnn.training.validation import averaged_weights, validate

NEVER_VALIDATED = -1.0
MOST_SKIPPED = 3  # steps in a row


def fit(
    model: MaskRCNN,
    info: ModelInfo,
    train: Dataset,
    out: str | Path,
    val: Dataset | None = None,
    config: FitConfig = FitConfig(),  # noqa: B008 - frozen
    augment: AugmentConfig = AugmentConfig(),  # noqa: B008 - frozen
    resume: bool = False,
    device: str = "cpu",
    report: Report | None = None,
    teacher: Teacher | None = None,
    budget: Budget | None = None,
) -> Path:
    """Train ``model`` on ``train``; the path of the best checkpoint.

    ``out`` gets ``best.safetensors`` (the averaged weights with the best validation AP of masks, or of boxes where
    there are no masks; without ``val``, the latest), ``last.safetensors`` (from which ``resume`` goes on exactly),
    ``log.jsonl`` (a line each few steps and each epoch) and ``curves.png``.

    Args:
        teacher: another detector of the same classes whose opinions are learned beside the labels.
        budget: a time to keep; the number of steps then follows from how long they take.

    Raises:
        DataError: nothing to train on, or nothing in ``val`` that the model knows.
        CheckpointError: ``resume`` without a resumable checkpoint in ``out``.
        MaskRCNNError: three steps in a row whose loss or gradient is no number; the files of the last are named.
    """
    out = Path(out)
    if len(train) == 0:
        raise DataError(f"{train.path} holds no images to train on.")
    if val is not None:
        match_classes(info.class_names, val)
    model = model.to(device)
    freeze(model, config)
    objective, optimizer = Objective(model, teacher), make_optimizer(model, config)
    average, position = MovingAverage(model, config.average), Position()
    if resume:
        position = load_state(out / "last.safetensors", model, optimizer, average)
    report = report or Report(out)
    report.resume_at(position.step, position.epoch)
    transform = TrainTransform(augment, info.config.preprocess, mirror_keypoints(train.keypoint_names) or None)

    def save() -> None:
        if pace is not None:
            position.seconds = pace.spent()
        if distributed.rank() == 0:
            save_state(out / "last.safetensors", model, info, optimizer, average, position)

    factors, epoch_steps = repeat_factors(train, config.repeat_rare), math.ceil(len(train) / config.batch_size)
    course = position.course(epoch_steps * config.epochs)
    pace = Pace(budget, epoch_steps, config.validate_every, position.seconds) if budget is not None else None
    saved, in_a_row, exact = time.monotonic(), 0, set[str]()
    while position.step < course.end and not out_of_patience(position, config):
        loader = epoch_loader(
            train,
            transform,
            config.batch_size,
            config.seed,
            position.epoch,
            config.workers,
            start_batch=position.batch,
            share=(distributed.rank(), distributed.world_size()),
            factors=factors,
        )
        for samples in loader:
            set_learning_rate(optimizer, config, course.at(position.step), course.planned)
            done = train_step(objective, optimizer, samples, config, position.epoch, device)
            exact = tell_precision(model, done, samples, config, report, exact)
            in_a_row = in_a_row + 1 if done.skipped else 0
            if done.skipped:
                tell_skipped(done, samples, report, in_a_row)
            else:
                average.update(model)
            position.batch, position.step = position.batch + 1, position.step + 1
            position.skipped += bool(done.skipped)
            lr = optimizer.param_groups[-1]["lr"]
            report.step(position.step, course.end, position.epoch, len(samples), done.terms, lr, position.skipped)
            if pace is not None:
                pace.stepped()
                if pace.wants_counting() and position.step < course.end:
                    probe(pace, model, info, average, val, config, device)
                    turn(course, position, pace, report, pace.end(position.step))
            if position.step % config.save_every == 0 or time.monotonic() - saved > config.save_seconds:
                save()
                saved = time.monotonic()
            if position.step >= course.end and position.batch < epoch_steps:  # a whole epoch is told what it missed
                break
        position.epoch, position.batch = position.epoch + 1, 0
        end = course.end if pace is None else pace.end(position.step, between=True)
        last = position.step >= end
        if val is None or last or is_due(position, config, pace):
            judged = val
            if val is not None and pace is not None and last:
                judged = first_images(val, pace.last_images(len(val)), report.say)
            finish_epoch(model, info, average, judged, out, config, position, report, device)
            position.validated = position.epoch
            if pace is not None:
                pace.validated(1.0 if val is None or judged is None else len(judged) / len(val))
                end = position.step if last else pace.end(position.step, between=True)
        if pace is not None:
            turn(course, position, pace, report, end)
        save()
    if position.step < course.end:
        report.say(f"stopped after epoch {position.epoch}: {position.stale} validations without a better one.")
    report.tell_rising_loss()
    distributed.wait()
    return out / "best.safetensors"


def is_finished(position: Position, config: FitConfig, images: int) -> bool:
    """Whether a training on so many images has nothing left to do."""
    steps = position.course(math.ceil(images / config.batch_size) * config.epochs).end
    return position.step >= steps or out_of_patience(position, config)


def is_due(position: Position, config: FitConfig, pace: Pace | None) -> bool:
    """Whether to validate after this epoch."""
    if pace is None:
        return position.epoch % config.validate_every == 0
    return pace.is_due(position.epoch, position.validated)


def probe(
    pace: Pace,
    model: MaskRCNN,
    info: ModelInfo,
    average: MovingAverage,
    val: Dataset | None,
    config: FitConfig,
    device: str,
) -> None:
    """Estimate what a validation takes by now, on a few of many held-out images: the machine may be busier, and a model
    that has learned finds another number of objects."""
    if val is not None and len(val) >= 4 * PROBE and distributed.world_size() == 1:
        pace.begin()
        with averaged_weights(model, average):
            validate(model, info, subset(val, evenly(PROBE, len(val))), config, device)
        pace.validated(PROBE / len(val))


def first_images(val: Dataset, count: int, say: Callable[[str], None]) -> Dataset:
    """As many of the held-out images as the time allows for, and a sentence where that is not all."""
    if count >= len(val):
        return val
    say(f"To keep the time, {count} of the {len(val)} held-out images are judged on.")
    return subset(val, evenly(count, len(val)))


def turn(course: Course, position: Position, pace: Pace, report: Report, end: int) -> None:
    """Move the training's end, and say so."""
    sentence = pace.sentence(end, before=course.end)
    if sentence:
        report.say(sentence)
    course.turn(position.step, end)
    position.remember(course, pace.spent())


def tell_precision(
    model: MaskRCNN, done: Step, samples: Sequence[Sample], config: FitConfig, report: Report, told: set[str]
) -> set[str]:
    """Say which layers were computed in full precision, each once, and that a whole step was; all said by now."""
    if not config.bf16:
        return told
    names = set(layers_in_full_precision(model))
    if new := sorted(names - told):
        report.say(f"in full precision, because their grids are too small for bf16 on this device: {', '.join(new)}")
    if done.repeated:
        files = ", ".join(sample.file_name for sample in samples)
        report.say(f"{done.repeated} in bf16 on the batch of {files}: this step was repeated in full precision.")
    return told | names


def tell_skipped(done: Step, samples: Sequence[Sample], report: Report, in_a_row: int) -> None:
    """Say why a step was skipped. Raises MaskRCNNError for the third in a row."""
    names = ", ".join(sample.file_name for sample in samples)
    if in_a_row >= MOST_SKIPPED:
        raise MaskRCNNError(
            f"{done.skipped} on the batch of {names}, the {in_a_row}rd of such steps in a row: try a smaller --lr, or "
            "look at these files."
        )
    report.say(f"{done.skipped} on the batch of {names}: this step was skipped.")


def out_of_patience(position: Position, config: FitConfig) -> bool:
    """Whether the last ``config.patience`` validations brought nothing better."""
    return 0 < config.patience <= position.stale


def finish_epoch(
    model: MaskRCNN,
    info: ModelInfo,
    average: MovingAverage,
    val: Dataset | None,
    out: Path,
    config: FitConfig,
    position: Position,
    report: Report,
    device: str,
) -> None:
    """Validate the averaged weights, in the first process alone, and keep them if they are the best so far."""
    measure = NEVER_VALIDATED
    if distributed.rank() == 0:
        with averaged_weights(model, average):
            metrics: dict[str, float] = {}
            if val is not None:
                metrics = validate(model, info, val, config, device)
                measure = metrics.get("mask/AP", metrics.get("box/AP", 0.0))
            report.epoch(position.epoch, position.step, metrics)
            if measure >= position.best:  # of equals the later one; what was validated once is not replaced unseen
                save_checkpoint(out / "best.safetensors", model, dataclasses.replace(info, metrics=metrics))
    measure = distributed.from_first(measure, device)
    position.stale = 0 if measure > position.best or val is None else position.stale + 1
    position.best = max(measure, position.best)
