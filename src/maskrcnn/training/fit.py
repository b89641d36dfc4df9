"""The training loop."""

from __future__ import annotations

import math
import time
from pathlib import Path

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.loading import Epoch, epoch_loader
from maskrcnn.data.repeat_rare import repeat_factors
from maskrcnn.data.transforms.samples import AugmentConfig, TrainTransform
from maskrcnn.errors import DataError
from maskrcnn.evaluation.evaluate import match_classes
from maskrcnn.keypoint_names import mirror_keypoints
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.teacher import Teacher
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.training import distributed
from maskrcnn.training.budget import Budget, Pace
from maskrcnn.training.course import Course
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.log import Report
from maskrcnn.training.optimizer import freeze, make_optimizer, set_learning_rate
from maskrcnn.training.schedule import MovingAverage
from maskrcnn.training.state import Position, load_state, save_state
from maskrcnn.training.step import tell_precision, tell_skipped, train_step
from maskrcnn.training.validation import Candidate, finish_epoch, first_images, probe


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
    """Train a model.

    ``out`` gets ``best.safetensors`` (the averaged weights with the best validation AP of masks, or
    of boxes where there are no masks; without ``val``, the latest), ``last.safetensors`` (from
    which ``resume`` goes on exactly), ``log.jsonl`` (a line each few steps and each epoch) and
    ``curves.png``.

    Args:
        model: is trained in place.
        info: of the model; it goes into the checkpoints.
        train: the data to learn from.
        out: the folder that is written into.
        val: the data to validate on, or None.
        config: schedule, optimiser, batch and seed.
        augment: how samples are varied.
        resume: go on from ``out/last.safetensors``.
        device: ``cpu``, ``cuda`` or ``mps``.
        report: writes the log and shows progress; None: on standard error.
        teacher: another detector of the same classes whose opinions are learned beside the labels.
        budget: a time to keep; the number of steps then follows from how long they take.

    Returns:
        The best checkpoint.

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
    candidate = Candidate(model, info, average, config, device)
    report = report or Report(out)
    report.resume_at(position.step, position.epoch)
    head, mirrored = info.config.surface_head, mirror_keypoints(train.keypoint_names) or None
    transform = TrainTransform(augment, info.config.preprocess, mirrored, None if head is None else head.surface)

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
        share = distributed.rank(), distributed.world_size()
        epoch = Epoch(config.seed, position.epoch, True, position.batch, share, factors)
        for samples in epoch_loader(train, transform, config.batch_size, epoch, config.workers):
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
                    probe(pace, candidate, val)
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
                probe(pace, candidate, val)  # the machine may be busier than it was
                judged = first_images(val, pace.last_images(len(val)), report.say)
            finish_epoch(candidate, judged, out, position, report)
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
    """Whether a training has nothing left to do.

    Args:
        position: where it is.
        config: its schedule.
        images: that an epoch has.

    Returns:
        True after its last step, or when its patience is over.
    """
    steps = position.course(math.ceil(images / config.batch_size) * config.epochs).end
    return position.step >= steps or out_of_patience(position, config)


def is_due(position: Position, config: FitConfig, pace: Pace | None) -> bool:
    """Whether to validate after this epoch.

    Args:
        position: where the training is.
        config: says how many epochs lie between validations.
        pace: of a training with a time budget, which decides then; else None.

    Returns:
        Whether it is time.
    """
    if pace is None:
        return position.epoch % config.validate_every == 0
    return pace.is_due(position.epoch, position.validated)


def turn(course: Course, position: Position, pace: Pace, report: Report, end: int) -> None:
    """Move the training's end, and say so.

    Args:
        course: gets the new end.
        position: where the training is; it remembers the course.
        pace: gives the sentence.
        report: says it.
        end: the step after which to end.
    """
    sentence = pace.sentence(end, before=course.end)
    if sentence:
        report.say(sentence)
    course.turn(position.step, end)
    position.remember(course, pace.spent())


def out_of_patience(position: Position, config: FitConfig) -> bool:
    """Whether the last ``config.patience`` validations brought nothing better."""
    return 0 < config.patience <= position.stale
