"""Prepares a training: plans it, writes ``plan.yaml`` and splits the data as it says."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from maskrcnn.checkpoints.lookup import Say
from maskrcnn.checks import counted, parse_time
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.source_names import source_of
from maskrcnn.data.split import Label, hold_out, split_labels, subset
from maskrcnn.data.transforms.samples import TrainTransform
from maskrcnn.data.windows import spread
from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import is_file
from maskrcnn.modalities.table import kinds
from maskrcnn.models.variants import VARIANTS
from maskrcnn.planning.fingerprint import take_fingerprint
from maskrcnn.planning.machine import this_machine
from maskrcnn.planning.make_plan import Request, budget_of, check_data_for_plan, make_plan, split_count
from maskrcnn.planning.model_for_data import start_model
from maskrcnn.planning.plan import NAME, Plan, read_plan
from maskrcnn.planning.recipe import Recipe
from maskrcnn.planning.situation import Choice
from maskrcnn.planning.step_cost import Cost, load_samples, measure_step
from maskrcnn.training.budget import Budget

ASKED = "you asked for it"
SHOWN = (
    "task",
    "model",
    "image_size",
    "spacing",
    "crop_size",
    "smallest_anchor",
    "max_detections",
    "batch",
    "precision",
    "epochs",
)


@dataclass(frozen=True)
class Wish:
    """What the user wants of a plan.

    Attributes:
        asked: flags that were given, by the name of their setting.
        plan: a plan file to follow, or None.
        time: for the training, such as ``2h``, or None.
        body_weights: a file with weights of the body, or None.
        device: that trains.
        begun: the monotonic time from which ``time`` counts.
    """

    asked: Mapping[str, Any]
    plan: Path | None = None
    time: str | None = None
    body_weights: Path | None = None
    device: str = "cpu"
    begun: float = field(default_factory=monotonic)


@dataclass(frozen=True)
class Prepared:
    """A plan, the data to learn from and to judge on, and the time to keep, if any."""

    plan: Plan
    data: Dataset
    val: Dataset | None
    budget: Budget | None = None


def prepare(data: Dataset, val: Dataset | None, out: Path, wish: Wish, say: Say) -> Prepared:
    """Plan the training of ``data`` and write the plan to ``out/plan.yaml``.

    Args:
        data: to train on.
        val: other images to validate on; None: some of ``data`` are held out.
        out: the folder of the training.
        wish: what the user asked for.
        say: is told the plan, a line at a time.

    Returns:
        The plan, the data as it parts them, and the time to keep.

    Raises:
        UsageError: a plan file or a time that cannot be read.
        DataError: nothing to learn from.
    """
    labels = split_labels(data) if val is None else []
    plan = plan_training(data, val, labels, wish, say)
    if first_process():
        plan.save(out / NAME)
    tell(plan, out / NAME, say)
    tell_shared_sources(data, val, say)
    return dataclasses.replace(split(data, val, plan, labels), budget=budget_of(plan, wish.begun))


def plan_training(
    data: Dataset, val: Dataset | None, labels: Sequence[Label], wish: Wish, say: Say, timed: bool | None = None
) -> Plan:
    """Plan the training of a data set.

    Args:
        data: to train on.
        val: other images to validate on, or None.
        labels: of the images of ``data`` where some of them are to be held out; else none.
        wish: what the user asked for.
        say: is told that steps are being timed.
        timed: whether steps of the training are timed; by default, where something follows from it.

    Returns:
        The plan.

    Raises:
        UsageError, DataError: as :func:`prepare` does.
    """
    seconds = None if wish.time is None else parse_time(wish.time)
    given = given_settings(wish, seconds)
    look = take_fingerprint(data)
    check_data_for_plan(look, data.path)
    machine = this_machine(wish.device)
    alone = machine.processes == 1
    if seconds is not None and not alone:
        raise UsageError("--time measures one process: make a plan with --plan-only first, then run it with --plan.")
    measured = alone and "epochs" not in given if timed is None else timed
    request = Request(given, None if val is None else len(val), seconds, wish.body_weights is not None)

    def count_parts(fraction: float) -> tuple[int, int]:
        train, held = parts(labels, len(data), fraction)
        return len(train), len(held)

    def cost(chosen: Mapping[str, Any]) -> Cost:
        return measure(data, chosen, wish, say)

    return make_plan(look, machine, request, count_parts, cost if measured else None)


def split_as_planned(
    data: Dataset, val: Dataset | None, out: Path | None, fraction: float
) -> tuple[Dataset, Dataset | None]:
    """Hold out the images that the plan of a training held out.

    Args:
        data: all images.
        val: other images to validate on; None: they come from ``data``.
        out: the folder with the plan; None: there is none.
        fraction: of the images to hold out where there is no plan.

    Returns:
        The images to learn from, and those to validate on, if any.
    """
    if out is not None and is_file(out / NAME):
        fraction = read_plan(out / NAME).get("val_fraction", fraction)
    if val is not None or not fraction:
        return data, val
    train_indices, val_indices = parts(split_labels(data), len(data), fraction)
    return (subset(data, train_indices), subset(data, val_indices)) if val_indices else (data, None)


def split(data: Dataset, val: Dataset | None, plan: Plan, labels: Sequence[Label]) -> Prepared:
    """Hold out the images that a plan says.

    Args:
        data: all images.
        val: other images to validate on; None: they come from ``data``.
        plan: says which part is held out.
        labels: of the images, see :func:`maskrcnn.data.split.split_labels`.

    Returns:
        The plan with the images to learn from and those to validate on.
    """
    train_indices, val_indices = parts(labels, len(data), plan["val_fraction"]) if val is None else ([], [])
    if not val_indices:
        return Prepared(plan, data, val)
    return Prepared(plan, subset(data, train_indices), subset(data, val_indices))


def parts(labels: Sequence[Label], images: int, fraction: float) -> tuple[list[int], list[int]]:
    """Choose which images are held out; it follows from their names alone.

    Args:
        labels: of the images; none: nothing is held out.
        images: how many there are.
        fraction: of them to hold out, 0..1.

    Returns:
        Indices of the images to learn from, and of those to validate on.
    """
    if not labels:
        return list(range(images)), []
    return hold_out(labels, split_count(images, fraction))


def given_settings(wish: Wish, seconds: float | None) -> dict[str, Choice]:
    """What the plan file says, and over it the flags."""
    given = {}
    if wish.plan is not None:
        given = {name: Choice(value, f"as in {wish.plan}") for name, value in read_plan(wish.plan).items()}
        if seconds is not None:
            given = {
                name: choice for name, choice in given.items() if name not in ("epochs", "validate_every", "average")
            }
    return given | {name: Choice(value, ASKED) for name, value in wish.asked.items()}


def measure(data: Dataset, chosen: Mapping[str, Any], wish: Wish, say: Say) -> Cost:
    """Measure what a step of the planned training costs, on images of the data.

    Args:
        data: to train on.
        chosen: the settings, by name.
        wish: gives the weights of the body and the device.
        say: is told that steps are being timed.

    Returns:
        Seconds and bytes of a step.
    """
    import torch

    recipe = Recipe(**{name: value for name, value in chosen.items() if name in Recipe.__dataclass_fields__})
    recipe.check()
    torch.manual_seed(recipe.seed)
    network, info = start_model(data, chosen["model"], wish.body_weights, recipe, lambda sentence: None)
    say("Timing a few steps of training to plan it ...")
    augment = recipe.augment(info.config)
    transform = TrainTransform(augment, info.config.preprocess)
    if not kinds()[data.kind].is_picture:  # a long file is read once and visited often
        data = spread(data, info.config.preprocess, augment.size)
        load_samples(data, transform, recipe.batch)
    samples, load_seconds = load_samples(data, transform, recipe.batch)
    pretrained = chosen["model"] not in VARIANTS or wish.body_weights is not None
    cost = measure_step(network, samples, recipe.fit_config(pretrained), wish.device)
    whole = recipe.batch / len(samples)  # where some could not be read
    return Cost(cost.seconds * whole, cost.bytes, load_seconds * whole, cost.look_seconds)


def tell(plan: Plan, path: Path, say: Say) -> None:
    """Say the plan in a few lines; the file has all of it.

    Args:
        plan: all settings and their reasons.
        path: of the file.
        say: is told a line at a time.
    """
    say("The plan:")
    for name in dict.fromkeys((*SHOWN, *(n for n, c in plan.choices.items() if ASKED in c.reason))):
        if name not in plan.choices:
            continue
        choice = plan.choices[name]
        value = " ".join(map(str, choice.value)) if isinstance(choice.value, tuple) else str(choice.value)
        say(f"  {name:<16}{value:<10} {choice.reason}")
    if "val_fraction" in plan.choices:
        say(f"  {'val_fraction':<16}{plan['val_fraction']:<10} {plan.choices['val_fraction'].reason}")
    say(f"All {len(plan.choices)} settings and their reasons: {path} (edit it, and pass it back with --plan {path})")


def tell_shared_sources(data: Dataset, val: Dataset | None, say: Say) -> None:
    """Say which source photos are both learned from and validated on, where file names tell.

    Args:
        data: to learn from.
        val: to validate on, or None.
        say: is told the sentence, if there is one.
    """
    if val is None or not kinds()[data.kind].whole_files:
        return
    both = sorted(groups(data) & groups(val))
    if both:
        say(
            f"note: {counted(len(both), 'source photo')} in both {data.path} and {val.path}, the first {both[0]}: what "
            "is measured there is too good."
        )


def groups(data: Dataset) -> set[str]:
    """The sources that the images were made from, where anything tells."""
    found = set()
    for index in range(len(data)):
        try:
            found.add(source_of(data[index]))
        except DataError:
            continue
    return {source for source in found if source is not None}


def first_process() -> bool:
    """Whether this is the process that writes, before the group of ``torchrun`` is joined."""
    return os.environ.get("RANK", "0") == "0"
