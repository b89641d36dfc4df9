"""Training on a data set, from a shipped model, a file, or random weights."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.checkpoints.ours import load_checkpoint
from maskrcnn.checkpoints.transfer import load_body, transfer
from maskrcnn.checks import few
from maskrcnn.data.combine import combine
from maskrcnn.data.dataset import Dataset, open_dataset
from maskrcnn.data.spread import spread
from maskrcnn.data.volume_labels import AUTO, INSTANCES
from maskrcnn.data.volume_sets import labelled_as, names_of
from maskrcnn.errors import DataError, UsageError
from maskrcnn.evaluation.evaluate import match_classes
from maskrcnn.files import exists, is_file
from maskrcnn.jobs.evaluate import report_training
from maskrcnn.jobs.run_folder import training_folder
from maskrcnn.losses.teacher import Teacher
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.build import build_model
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.variants import VARIANTS
from maskrcnn.planning.model_for_data import fit_field, fit_to_data
from maskrcnn.planning.recipe import Recipe, remembered
from maskrcnn.pretrained import DEFAULT_MODEL
from maskrcnn.training.budget import Budget
from maskrcnn.training.distributed import joined, rank, wait
from maskrcnn.training.fit import fit, is_finished
from maskrcnn.training.memory import keep_freed_memory
from maskrcnn.training.report import Report
from maskrcnn.training.state import read_position
from maskrcnn.workflows.kinds import KINDS, check_kind, fit_to_kind

Say = Callable[[str], None]


def train(
    data: Dataset,
    val: Dataset | None,
    out: Path,
    model: str = DEFAULT_MODEL,
    body_weights: Path | None = None,
    recipe: Recipe = Recipe(),  # noqa: B008 - frozen
    resume: bool = False,
    device: str = "cpu",
    say: Say = print,
    teacher: Teacher | None = None,
    budget: Budget | None = None,
) -> Path:
    """Train on ``data``; the path of the best checkpoint. See :func:`maskrcnn.training.fit.fit` for what is written;
    with ``val`` there are ``metrics.json`` and ``report.html`` besides.

    Args:
        model: a shipped model or a file to start from (classes of the same name keep what was learned), or one of
            :data:`maskrcnn.models.variants.VARIANTS` with random weights.
        body_weights: a safetensors file to start the backbone's body from.
        recipe: everything about the training that can be switched.
        resume: go on from ``out/last.safetensors``, with the recipe that it was begun with.
        teacher: another detector of the same classes to learn from, see :mod:`maskrcnn.losses.teacher`.
        budget: a time to keep, this call's report included; remembered for ``resume``.
        say: is given what the user should know, sentence by sentence.

    Raises:
        UsageError: ``out`` holds a training already, or, to be resumed, none of these classes.
        DataError: nothing to train on, or validation data of which the model knows no class.
    """
    with training_folder(out):
        return _train(data, val, out, model, body_weights, recipe, resume, device, say, teacher, budget)


def _train(
    data: Dataset,
    val: Dataset | None,
    out: Path,
    model: str,
    body_weights: Path | None,
    recipe: Recipe,
    resume: bool,
    device: str,
    say: Say,
    teacher: Teacher | None,
    budget: Budget | None,
) -> Path:
    """See :func:`train`; nobody else writes into ``out``."""
    data = named(data, recipe.class_names)
    check_data(data, val)
    keep_freed_memory()
    last = out / "last.safetensors"
    check_folder(out, resume)
    if resume:
        network, info, recipe, pretrained = begun(last, data)
        budget = remembered_budget(info, val)
    else:
        torch.manual_seed(recipe.seed)
        network, info = start(data, model, body_weights, recipe, say)
        pretrained = model not in VARIANTS or body_weights is not None
        notes = {"recipe": dataclasses.asdict(recipe), "pretrained": pretrained, "images": len(data)}
        notes |= {"kind": data.kind} if data.kind != "image" else {}
        notes |= {"labels": data.labels} if data.labels else {}
        notes |= {"time": [budget.seconds, budget.most_epochs]} if budget is not None else {}
        info = dataclasses.replace(info, notes=notes)
        what = "images" if data.kind == "image" else "files"
        say(f"Training on {len(data)} {what} of {few(data.class_names)}, {recipe.epochs} times each.")
    config, augment = recipe.fit_config(pretrained), recipe.augment(info.config)
    if resume and is_finished(read_position(last), config, len(spread(data, info.config.preprocess, augment.size))):
        return finished(data, val, out, device, say)
    if resume:
        say(f"Going on from {last} with the flags of its beginning.")
    before = read_position(last).seconds if resume else 0.0
    with joined(device) as own_device, said_warnings(say):
        wait()  # none writes before every process has looked whether it may
        first = rank() == 0
        report = Report(out, quiet=not first)
        try:
            seen = spread(data, info.config.preprocess, augment.size)
            best = fit(network, info, seen, out, val, config, augment, resume, own_device, report, teacher, budget)
        finally:
            report.close()
    if val is not None and first:
        report_training(best, val, out, device, say, None if budget is None else budget.left(before))
    return best


def finished(data: Dataset, val: Dataset | None, out: Path, device: str, say: Say) -> Path:
    """What is said instead of going on with a training that has come to its end. A missing report is made."""
    best = out / "best.safetensors"
    say(
        f"The training in {out} has finished: there is nothing to resume. To train on, begin another with its model: "
        f"maskrcnn train {data.path} --model {best} --out {out}-more"
    )
    if val is not None and rank() == 0 and not exists(out / "metrics.json"):
        report_training(best, val, out, device, say)
    return best


def remembered_budget(info: ModelInfo, val: Dataset | None) -> Budget | None:
    """What is left of the time of a training that goes on now; the time between does not count."""
    kept = info.notes.get("time")
    if not kept:
        return None
    return Budget(float(kept[0]), int(kept[1]), begun=time.monotonic(), validated=val is not None)


def open_together(paths: Sequence[Path], mask_data: Sequence[Path] = (), recipe: Recipe = Recipe()) -> Dataset:  # noqa: B008 - frozen
    """One data set of all of ``paths``; objects of ``mask_data`` have no class and teach boxes and masks alone."""
    datasets = [understood(open_dataset(path), recipe.labels, recipe.class_names) for path in paths]
    if len(paths) == 1 and not mask_data:
        return datasets[0]
    return combine(datasets, extra=[open_dataset(path) for path in mask_data])


def understood(data: Dataset, labels: str, class_names: Sequence[str]) -> Dataset:
    """Of scans, with the numbers in their label volumes taken for what the user says that they are."""
    if data.kind != "volume":
        if labels != AUTO:
            raise UsageError(f"--labels is for scans; each file in {data.path} is {KINDS[data.kind].name}.")
        return data
    if labels == AUTO and not class_names:
        return data
    if labels == INSTANCES and len(class_names) > len(data.class_names) == 1:
        raise UsageError(
            "--labels instances says that the numbers are objects, and --class-names names several classes: write the "
            "class of each voxel into label volumes in classes/, or say --labels parts or classes."
        )
    return labelled_as(data, labels, class_names or names_of(data.path))


def open_like(path: Path, data: Dataset) -> Dataset:
    """Data to judge on, with label volumes understood as those of ``data`` are."""
    other = open_dataset(path)
    return labelled_as(other, data.labels, data.class_names) if other.kind == data.kind == "volume" else other


def named(data: Dataset, class_names: Sequence[str]) -> Dataset:
    """The data under other class names. Raises UsageError where there are more or fewer of them."""
    if not class_names:
        return data
    if len(class_names) != len(data.class_names):
        raise UsageError(
            f"--class-names needs a name for each of the {len(data.class_names)} classes {few(data.class_names)}, not "
            f"{len(class_names)}."
        )
    return dataclasses.replace(data, class_names=tuple(class_names))


def check_folder(out: Path, resume: bool) -> None:
    """Refuse to begin over a training, or to resume where there is none."""
    last = out / "last.safetensors"
    if resume and not is_file(last):
        raise UsageError(
            f"There is nothing to resume in {out}: {last.name} is not there; train without --resume first."
        )
    if exists(last) and not resume:
        raise UsageError(
            f"{out} holds a training already: go on with it with --resume, or name another folder with --out."
        )


def check_data(data: Dataset, val: Dataset | None) -> None:
    """Refuse data that would stop the training later, perhaps after a whole epoch."""
    for dataset in (data, val):
        if dataset is not None and len(dataset) == 0:
            raise DataError(f"{dataset.path} holds no images.")
    if data.max_objects() == 0:
        raise DataError(f"Nothing is labelled in {data.path}: there is nothing to learn from.")
    if val is not None:
        match_classes(data.class_names, val)


def begun(last: Path, data: Dataset) -> tuple[MaskRCNN, ModelInfo, Recipe, bool]:
    """The model of a training that was broken off, its recipe, and whether its body was pre-trained."""
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
def said_warnings(say: Say) -> Iterator[None]:
    """Within the block warnings (of images that cannot be read) are told to the user, each once."""

    def show(message: Warning | str, *where: object) -> None:
        say(f"note: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def start(data: Dataset, model: str, body_weights: Path | None, recipe: Recipe, say: Say) -> tuple[MaskRCNN, ModelInfo]:
    """The model that training begins with, fitted to the classes of the data."""
    if model in VARIANTS:
        config = fit_to_kind(VARIANTS[model](len(data.class_names)), data, recipe.spacing)
        network = build_model(recipe.adapt(fit_to_data(config, data, say)))
        beginning = [f"Starting from random weights of {model}"]
    else:
        source, source_info = load_model(model, say)
        config = fit_to_kind(source_info.config, data, recipe.spacing, fresh=False)
        check_kind(source_info, model, data)
        config = fit_field(config, source_info.class_names, data.class_names)
        network = build_model(recipe.adapt(fit_to_data(config, data, say)))
        kept = transfer(source, source_info.class_names, network, data.class_names)
        new = [name for name in data.class_names if name not in source_info.class_names]
        beginning = [f"Starting from {model}"]
        beginning += [f"new classes: {few(new)}"] if new else []
        beginning += [f"{len(kept)} tensors of other shapes begin with random weights"] if kept else []
    if body_weights is not None:
        beginning += [f"{load_body(network, body_weights)} tensors of the body come from {body_weights}"]
    say("; ".join(beginning) + ".")
    info = ModelInfo(network.config, data.class_names, data.category_ids)
    if network.config.keypoint_head is not None:
        info = dataclasses.replace(info, keypoint_names=data.keypoint_names, skeleton=data.skeleton)
    return network, info
