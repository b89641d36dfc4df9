"""Runs a training on data that are open, from the model to start from to the report on the validation data."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from maskrcnn.checkpoints.ours import load_checkpoint
from maskrcnn.checks import few
from maskrcnn.data.class_maps.tasks import SEMANTIC, WHOLE
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.windows import spread
from maskrcnn.errors import DataError, UsageError
from maskrcnn.evaluation.evaluate import match_classes
from maskrcnn.files import exists
from maskrcnn.jobs.evaluate import measure_training
from maskrcnn.jobs.events import Note, Tell, TrainingEnds, TrainingStep, tell_nobody
from maskrcnn.jobs.results.label_sizes import write_label_sizes
from maskrcnn.jobs.results.own_images import FEW, write_own_images
from maskrcnn.jobs.results.training_files import write_results, write_samples
from maskrcnn.jobs.run_folder import check_folder, training_folder
from maskrcnn.loggers.logger import FAILED, FINISHED, STOPPED, LoggedRun, Loggers, Setting
from maskrcnn.losses.teacher import Teacher
from maskrcnn.modalities.table import kinds
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.variants import VARIANTS
from maskrcnn.planning.model_for_data import start_model
from maskrcnn.planning.recipe import Recipe, remembered
from maskrcnn.pretrained import DEFAULT_MODEL
from maskrcnn.training.budget import Budget
from maskrcnn.training.distributed import joined, rank, wait
from maskrcnn.training.fit import fit, is_finished
from maskrcnn.training.log import Report
from maskrcnn.training.memory import keep_freed_memory
from maskrcnn.training.state import read_position


@dataclass(frozen=True)
class TrainingRun:
    """A training, all of it settled.

    Attributes:
        data: to learn from.
        out: the folder that it writes into, see :func:`maskrcnn.training.fit.fit`.
        val: to validate on; with it there are ``metrics.json`` and ``report.html`` besides.
        model: a shipped model or a file to start from (classes of the same name keep what was learned), or one of
            :data:`maskrcnn.models.variants.VARIANTS` with random weights.
        body_weights: a safetensors file to start the backbone's body from.
        recipe: everything about the training that can be switched.
        resume: go on from ``out/last.safetensors``, with the recipe of its beginning.
        device: ``cpu``, ``cuda`` or ``mps``.
        teacher: another detector of the same classes to learn from, see :mod:`maskrcnn.losses.teacher`.
        budget: a time to keep, the report included; remembered for ``resume``.
        log: loggers that get the numbers too, see :mod:`maskrcnn.loggers.logger`.
    """

    data: Dataset
    out: Path
    val: Dataset | None = None
    model: str = DEFAULT_MODEL
    body_weights: Path | None = None
    recipe: Recipe = Recipe()
    resume: bool = False
    device: str = "cpu"
    teacher: Teacher | None = None
    budget: Budget | None = None
    log: tuple[str, ...] = ()

    @property
    def last(self) -> Path:
        """The checkpoint that a training is resumed from."""
        return self.out / "last.safetensors"


def run_training(run: TrainingRun, tell: Tell = tell_nobody) -> Path:
    """Train a model and measure it on the validation data.

    Args:
        run: the data, the model to start from, and how it learns.
        tell: is given a :class:`Note` for what the user should know, and a :class:`TrainingStep` after each step.

    Returns:
        The best checkpoint.

    Raises:
        UsageError: ``run.out`` holds a training already, or, to be resumed, none of these classes.
        DataError: nothing to train on, or validation data of which the model knows no class.
    """
    with training_folder(run.out):  # nobody else writes into it
        data, val = rename_classes(run.data, run.recipe.class_names), run.val
        run = dataclasses.replace(run, data=data)
        check_data(data, val)
        keep_freed_memory()
        check_folder(run.out, run.resume)
        network, info, recipe, pretrained = load_interrupted(run.last, data) if run.resume else _start(run, tell)
        budget = remembered_budget(info, val) if run.resume else run.budget
        config, augment = recipe.fit_config(pretrained), recipe.augment(info.config)
        seen = spread(data, info.config.preprocess, augment.size)
        if run.resume and is_finished(read_position(run.last), config, len(seen)):
            return end_finished(run, tell)
        if run.resume:
            tell(Note(f"Going on from {run.last} with the flags of its beginning."))
        before = read_position(run.last).seconds if run.resume else 0.0
        with joined(run.device) as device, tell_warnings(tell):
            wait()  # none writes before every process has looked whether it may
            first = rank() == 0
            if first and not run.resume:
                write_label_sizes(run.out, data)
                write_samples(run.out, seen, info.config.preprocess, augment, config.seed)
            report = _ToldReport(run.out, tell, not first, run.log, _settings(run, recipe))
            try:
                best = fit(
                    network, info, seen, run.out, val, config, augment, run.resume, device, report, run.teacher, budget
                )
                report.ended = FINISHED
            except KeyboardInterrupt:
                report.ended = STOPPED
                raise
            finally:
                report.close()
        if first:
            write_results(run.out)
        if val is not None and first:
            left = None if budget is None else budget.left(before)
            measure_training(best, val, run.out, run.device, tell, left)
        if first and (val is None or len(data) <= FEW):
            write_own_images(best, data, run.out, run.device, tell)
        return best


def _start(run: TrainingRun, tell: Tell) -> tuple[MaskRCNN, ModelInfo, Recipe, bool]:
    """The model of a training that begins now, its recipe, and whether its body was pre-trained."""

    def say(text: str) -> None:
        tell(Note(text))

    data, recipe = run.data, run.recipe
    torch.manual_seed(recipe.seed)
    network, info = start_model(data, run.model, run.body_weights, recipe, say)
    pretrained = run.model not in VARIANTS or run.body_weights is not None
    what = "images" if kinds()[data.kind].is_picture else "files"
    say(f"Training on {len(data)} {what} of {few(data.class_names)}, {recipe.epochs} times each.")
    return network, dataclasses.replace(info, notes=_notes(run, pretrained)), recipe, pretrained


def _notes(run: TrainingRun, pretrained: bool) -> dict[str, object]:
    """What the checkpoints of a training remember, so that it can be resumed and its model be used as it was made."""
    data, budget = run.data, run.budget
    notes: dict[str, object] = {"recipe": dataclasses.asdict(run.recipe), "pretrained": pretrained, "images": len(data)}
    if not kinds()[data.kind].is_picture:
        notes["kind"] = data.kind
    if data.labels:
        notes["labels"] = data.labels
    if budget is not None:
        notes["time"] = [budget.seconds, budget.most_epochs]
    return notes


def _settings(run: TrainingRun, recipe: Recipe) -> dict[str, Setting]:
    """How a training was begun, for loggers."""
    settings = {"data": str(run.data.path), "images": len(run.data), "model": run.model, **dataclasses.asdict(recipe)}
    plain = {name: value if isinstance(value, Setting) else str(value) for name, value in settings.items()}
    return {name: value for name, value in plain.items() if settings[name] is not None}


class _ToldReport(Report):
    """A report that writes the log and the curves, and shows nothing: what it would show, it tells. What it logs, it
    hands to loggers as well.

    Args:
        out: the folder of the training.
        tell: is given what happens.
        quiet: of a process that is not the first, which writes and tells nothing.
        loggers: names of those that are wanted.
        settings: of the training, for them.
    """

    def __init__(
        self, out: Path, tell: Tell, quiet: bool, loggers: Sequence[str] = (), settings: Mapping[str, Setting] = {}
    ) -> None:
        super().__init__(out, quiet=quiet)
        self.tell = tell
        self.wanted, self.settings = () if quiet else tuple(loggers), settings
        self.loggers: Loggers | None = None
        self.ended = FAILED

    def resume_at(self, step: int, epoch: int) -> None:
        if self.wanted:  # first, since the speed counts from there on
            self.loggers = Loggers(self.wanted, LoggedRun(self.out, self.settings, step), self.say)
        super().resume_at(step, epoch)

    def write(self, line: dict[str, Any]) -> None:
        super().write(line)
        if self.loggers is not None:
            values = {name: value for name, value in line.items() if name != "step" and value is not None}
            of_step = {f"train/{name}": value for name, value in values.items() if name != "epoch"}
            self.loggers.log(line["step"], of_step | {"epoch": line["epoch"]} if "lr" in line else values)

    def say(self, sentence: str) -> None:
        if not self.quiet:
            self.tell(Note(sentence))

    def show_step(self, step: int, steps: int, words: str, seconds_left: float, logged: bool) -> None:
        if not self.quiet:
            self.tell(TrainingStep(step, steps, words, seconds_left, logged))

    def close(self) -> None:
        if self.loggers is not None:
            self.loggers.close(self.ended)
        if not self.quiet:
            self.tell(TrainingEnds())


def end_finished(run: TrainingRun, tell: Tell) -> Path:
    """What is said instead of going on with a training that has come to its end. A missing report is made."""
    best = run.out / "best.safetensors"
    tell(
        Note(
            f"The training in {run.out} has finished: there is nothing to resume. To train on, begin another with its "
            f"model: maskrcnn train {run.data.path} --model {best} --out {run.out}-more"
        )
    )
    if run.val is not None and rank() == 0 and not exists(run.out / "metrics.json"):
        measure_training(best, run.val, run.out, run.device, tell)
    return best


def remembered_budget(info: ModelInfo, val: Dataset | None) -> Budget | None:
    """What is left of the time of a training that goes on now; the time between does not count."""
    kept = info.notes.get("time")
    if not kept:
        return None
    return Budget(float(kept[0]), int(kept[1]), begun=time.monotonic(), validated=val is not None)


def rename_classes(data: Dataset, class_names: Sequence[str]) -> Dataset:
    """The data under other class names. Raises UsageError where there are more or fewer of them."""
    if not class_names:
        return data
    if len(class_names) != len(data.class_names):
        raise UsageError(
            f"--class-names needs a name for each of the {len(data.class_names)} classes {few(data.class_names)}, not "
            f"{len(class_names)}."
        )
    return dataclasses.replace(data, class_names=tuple(class_names))


def check_data(data: Dataset, val: Dataset | None) -> None:
    """Refuse data that would stop the training later, perhaps after a whole epoch."""
    for dataset in (data, val):
        if dataset is not None and len(dataset) == 0:
            raise DataError(f"{dataset.path} holds no images.")
    if data.task not in (SEMANTIC, WHOLE) and data.max_objects() == 0:
        raise DataError(f"Nothing is labelled in {data.path}: there is nothing to learn from.")
    if val is not None:
        match_classes(data.class_names, val)


def load_interrupted(last: Path, data: Dataset) -> tuple[MaskRCNN, ModelInfo, Recipe, bool]:
    """The model of an interrupted training, its recipe, and whether its body was pre-trained."""
    network, info = load_checkpoint(last)
    if info.class_names != data.class_names:
        raise UsageError(
            f"{last} was trained on the classes {', '.join(info.class_names)}, and the data have "
            f"{', '.join(data.class_names)}: train without --resume into another folder."
        )
    if info.notes.get("images", len(data)) != len(data):
        raise UsageError(
            f"{last} was trained on {info.notes['images']} images, and {data.path} has {len(data)}: resume with the "
            f"same data, or start another training from it with --model {last} and another folder."
        )
    try:
        return network, info, remembered(info.notes["recipe"]), bool(info.notes["pretrained"])
    except (KeyError, TypeError):
        raise UsageError(
            f"{last} does not say how its training was begun, so it cannot go on; start another one from it with "
            f"--model {last} and another folder."
        ) from None


@contextmanager
def tell_warnings(tell: Tell) -> Iterator[None]:
    """Within the block warnings (of images that cannot be read) are told to the user, each once."""

    def show(message: Warning | str, *where: object) -> None:
        tell(Note(f"note: {message}"))

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]
        yield
