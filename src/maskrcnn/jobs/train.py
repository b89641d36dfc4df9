"""Trains a model: opens the data, plans what the user left open, trains, and measures what came of it."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from maskrcnn.checkpoints.ours import read_info
from maskrcnn.checks import result_folder
from maskrcnn.data.class_maps.tasks import OBJECTS, SEMANTIC, WHOLE, for_task, is_of_class_maps
from maskrcnn.data.combine import combine
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.size_limit import at_most
from maskrcnn.errors import UsageError
from maskrcnn.files import exists, is_file
from maskrcnn.jobs.events import DataFaults, Note, Tell, TrainingBegins, tell_nobody
from maskrcnn.jobs.inputs.labelled_files import open_labelled_files, table_of_labels
from maskrcnn.jobs.options.train import AUTO, OFF, TrainOptions
from maskrcnn.jobs.run_folder import default_out, plan_to_follow, training_folder
from maskrcnn.jobs.training_run import TrainingRun, check_data, rename_classes, run_training
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.table import kinds, wing_of
from maskrcnn.modalities.volumes.label_meaning import AUTO as GUESSED
from maskrcnn.modalities.volumes.label_meaning import INSTANCES
from maskrcnn.modalities.volumes.open import explain_meaning, labelled_as, names_of
from maskrcnn.planning.plan import NAME as PLAN
from maskrcnn.planning.plan import read_plan
from maskrcnn.planning.prepare import Wish, prepare, split_as_planned
from maskrcnn.planning.recipe import Recipe


@dataclass(frozen=True)
class TrainOutcome:
    """What a training left.

    Attributes:
        out: its folder.
        best: its best checkpoint; None where only a plan was asked for.
        placeholder: what files like the data are called in a command line, in capitals.
    """

    out: Path
    best: Path | None
    placeholder: str


def train(
    options: TrainOptions, tell: Tell = tell_nobody, given: Collection[str] = (), started: float | None = None
) -> TrainOutcome:
    """Train a model on labelled data.

    Args:
        options: the data, the model to start from, and how it learns.
        tell: is given what is wrong with the data, a :class:`Note` for what the user should know, and a
            :class:`TrainingStep` after each step.
        given: names of the settings that the user chose, even where they chose the default; the others are planned.
        started: the monotonic time from which a time limit counts; None: now.

    Returns:
        The folder of the training and its best checkpoint.

    Raises:
        UsageError: options that cannot be followed.
        DataError: data that cannot be read, or in which nothing is labelled.
        CheckpointError: the model to start from is damaged.
    """
    started = time.monotonic() if started is None else started
    options.check()
    with at_most(options.max_pixels):
        out = options.out or default_out(options.data, options.resume)
        wanted = chosen_task(options, out, given)
        table = table_of_labels(options, out)
        if wanted.name == WHOLE and not table:
            raise UsageError("--task whole needs a table with a label for each file: --labels FILE.csv.")
        if table:
            data, val = open_labelled_files(options.data, options.val, table, lambda text: tell(Note(text)))
        else:
            data = open_together(options.data, options.mask_data, options.recipe, wanted)
            data = rename_classes(data, options.recipe.class_names)
            val = open_like(options.val, data) if options.val else None
        if data.task == SEMANTIC and not wanted.asked:
            words = "has class maps, so the class of every pixel is learned; --task instances finds objects in them"
            tell(Note(f"{data.path} {words}."))
        tell(DataFaults(options.data, tuple(data.problems), to_train=True))
        if data.labels:
            tell(Note(explain_meaning(data)))
        if val is not None and options.val is not None:
            tell(DataFaults((options.val,), tuple(val.problems), to_train=True))
        result_folder(out)
        with training_folder(out):
            tell(TrainingBegins(out))
            run = settle(options, TrainingRun(data, out, val), given, started, tell)
            best = None if options.plan_only else run_training(replace(run, log=options.log), tell)
    return TrainOutcome(out, best, wing_of(data.kind).placeholder)


def settle(options: TrainOptions, run: TrainingRun, given: Collection[str], started: float, tell: Tell) -> TrainingRun:
    """What is left open is planned: the model, the settings, the images that are held out, and the time to keep.

    Args:
        options: as the user gave them.
        run: the folder and the data, all of them.
        given: names of the settings that the user chose.
        started: the monotonic time from which a time limit counts.
        tell: is given the plan, in a :class:`Note` a line.

    Returns:
        The training that follows.

    Raises:
        UsageError: a plan or a time that cannot be followed.
        DataError: nothing to learn from.
    """
    data, val, out = run.data, run.val, run.out
    check_data(data, val)
    file = plan_to_follow(out, options.plan, options.resume)
    resume = options.resume and exists(run.last)  # else it died before its first checkpoint
    if resume or (options.plan == OFF and file is None):
        if options.time and not resume:
            raise UsageError("--time is for a plan: leave --plan off away, or say how long with --epochs.")
        data, val = split_as_planned(data, val, out if resume else None, options.val_fraction)
        model, recipe, budget = options.model, options.recipe, None
    else:
        asked = {name: getattr(options, name, getattr(options.recipe, name, None)) for name in given}
        wish = Wish(asked, file, options.time, options.body_weights, options.device, started)
        prepared = prepare(data, val, out, wish, lambda text: tell(Note(text)))
        data, val, budget = prepared.data, prepared.val, prepared.budget
        model, recipe = prepared.plan["model"], prepared.plan.recipe()
    return TrainingRun(data, out, val, model, options.body_weights, recipe, resume, options.device, None, budget)


@dataclass(frozen=True)
class Task:
    """What is to be learned.

    Attributes:
        name: ``instances`` or ``semantic``; None: what the data are labelled for.
        semantic_too: with ``instances``: the class of every sample as well.
        asked: whether somebody asked for it.
    """

    name: str | None = None
    semantic_too: bool = False
    asked: bool = False


def chosen_task(options: TrainOptions, out: Path, given: Collection[str]) -> Task:
    """What a training learns: what the user asks for, what its plan or its beginning says, or what the data say. Plans
    and trainings of earlier versions, which knew one task, go on as they were.

    Args:
        options: as the user gave them.
        out: the folder of the training.
        given: names of the settings that the user chose.

    Returns:
        The task.
    """
    recipe = options.recipe
    last, own = out / "last.safetensors", out / PLAN
    if options.resume and exists(last):
        kept = read_info(last).notes.get("recipe", {})
        return Task(kept.get("task", OBJECTS), kept.get("semantic_from_instances", False), asked=True)
    file = own if options.resume and is_file(own) else None
    file = Path(options.plan) if options.plan not in (AUTO, OFF) else file
    said = {} if file is None else read_plan(file)
    too = recipe.semantic_from_instances or bool(said.get("semantic_from_instances", False))
    if "task" in given:
        return Task(recipe.task, too, asked=True)
    if file is not None or options.plan == OFF:
        return Task(said.get("task", OBJECTS), too, asked=True)
    return Task(None, too)


def open_together(
    paths: Sequence[Path],
    mask_data: Sequence[Path] = (),
    recipe: Recipe = Recipe(),  # noqa: B008 - frozen
    task: Task = Task(OBJECTS),  # noqa: B008 - frozen
) -> Dataset:
    """Open several data sets as one.

    Args:
        paths: of the data sets.
        mask_data: more data sets, whose objects have no class and teach boxes and masks alone.
        recipe: says what the numbers in label volumes are, and what the classes are called.
        task: what is to be learned from them.

    Returns:
        One data set of all of them.

    Raises:
        DataError: one that cannot be read.
        UsageError: settings for scans where there are none.
    """
    datasets = [interpret_labels(open_dataset(path), recipe.labels, recipe.class_names) for path in paths]
    name = task.name or (SEMANTIC if all(map(is_of_class_maps, datasets)) and not mask_data else OBJECTS)
    datasets = [for_task(data, name, task.semantic_too) for data in datasets]
    if len(paths) == 1 and not mask_data:
        return datasets[0]
    return combine(datasets, extra=[open_dataset(path) for path in mask_data])


def interpret_labels(data: Dataset, labels: str, class_names: Sequence[str]) -> Dataset:
    """Take the numbers in label volumes for what the user says that they are.

    Args:
        data: of any kind; only scans have label volumes.
        labels: ``auto``, ``instances``, ``parts`` or ``classes``.
        class_names: of the user, or none.

    Returns:
        The data, with ``labels`` and the class names settled where they are scans.

    Raises:
        UsageError: such a setting for data that are no scans, or one that contradicts the names.
    """
    if not data.labels:
        if labels != GUESSED:
            raise UsageError(f"--labels is for scans; each file in {data.path} is {kinds()[data.kind].words}.")
        return data
    if labels == GUESSED and not class_names:
        return data
    if labels == INSTANCES and len(class_names) > len(data.class_names) == 1:
        raise UsageError(
            "--labels instances says that the numbers are objects, and --class-names names several classes: write the "
            "class of each voxel into label volumes in classes/, or say --labels parts or classes."
        )
    return labelled_as(data, labels, class_names or names_of(data.path))


def open_like(path: Path, data: Dataset) -> Dataset:
    """Data to judge on, with label volumes read as those of ``data`` are."""
    other = open_dataset(path)
    other = labelled_as(other, data.labels, data.class_names) if other.labels and data.labels else other
    return for_task(other, data.task, data.has_class_maps)
