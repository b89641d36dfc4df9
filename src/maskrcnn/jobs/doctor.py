"""Examines labelled data before a training: reads everything once, compares, measures, tries out."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maskrcnn.config import ModelConfig
from maskrcnn.data.class_maps.tasks import OBJECTS, SEMANTIC, for_task, has_maps_alone, is_of_class_maps
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.size_limit import at_most
from maskrcnn.data.split import split_labels
from maskrcnn.doctor.classes import class_counts, class_findings, differing_classes
from maskrcnn.doctor.duplicates import duplicates, leakage
from maskrcnn.doctor.findings import Finding, by_severity, gather
from maskrcnn.doctor.placement import placement_findings
from maskrcnn.doctor.sizes import Sizes, measure_sizes, size_findings
from maskrcnn.doctor.survey import Survey, survey
from maskrcnn.doctor.training_needs import Needs, needs_findings, training_needs
from maskrcnn.doctor.trial_training import Trial, choose_images, is_too_short, trial_findings, try_out
from maskrcnn.doctor.whole_files import label_counts, whole_findings
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write, is_folder
from maskrcnn.jobs.events import Progress, Tell, tell_nobody
from maskrcnn.jobs.options.doctor import DoctorOptions
from maskrcnn.modalities.images.read.find import find_images
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.table import kinds
from maskrcnn.modalities.whole_files import open_whole_files
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.models.variants import VARIANTS
from maskrcnn.planning.adaptation import adapt
from maskrcnn.planning.make_plan import start_of
from maskrcnn.planning.model_for_data import fit_to_data, start_model
from maskrcnn.planning.plan import Plan, read_plan
from maskrcnn.planning.prepare import Wish, given_settings, plan_training

__all__ = ["SEMANTIC", "Diagnosis", "Finding", "Needs", "Plan", "SetFacts", "Sizes", "Trial", "examine", "is_too_short"]

NAMELESS = ("image-missing", "image-entry", "image-unlabelled", "image-unreadable", "image-size", "image-blank")


@dataclass(frozen=True)
class SetFacts:
    """What a data set holds, as numbers.

    Attributes:
        classes: objects of each class; of class maps samples.
        task: what is learned from it.
        unlabelled: of class maps the part of the samples that nobody labelled.
    """

    path: str
    images: int
    readable: int
    objects: int
    classes: dict[str, int]
    has_masks: bool
    most_objects: int
    task: str = OBJECTS
    unlabelled: float = 0.0

    @staticmethod
    def of(found: Survey) -> SetFacts:
        data, most = found.dataset, max(found.counts, default=0)
        readable, counts = sum(found.readable), class_counts(found)
        unlabelled = found.labelled().unlabelled() if has_maps_alone(data) else 0.0
        path, objects = str(data.path), found.num_objects
        return SetFacts(path, len(data), readable, objects, counts, data.has_masks, most, data.task, unlabelled)


@dataclass(frozen=True)
class Diagnosis:
    """All that the doctor has to say.

    Attributes:
        findings: worst first.
        sets: ``train`` and perhaps ``val``.
        plan: that a training would follow; None where nothing is labelled.
        sizes: of the training objects, as the model would see them.
        trial: None where it was left out or nothing could be tried.
        needs: None where it was left out.
    """

    findings: list[Finding]
    sets: dict[str, SetFacts]
    plan: Plan | None
    sizes: Sizes
    trial: Trial | None = None
    needs: Needs | None = None

    def count(self, severity: str) -> int:
        """Findings of one severity."""
        return sum(found.severity == severity for found in self.findings)


def examine(options: DoctorOptions, tell: Tell = tell_nobody) -> Diagnosis:
    """Look at labelled data before a training: what is wrong with them, and what a training would do and need.

    Args:
        options: the data, and what is known already of the training.
        tell: is given :class:`Progress`.

    Returns:
        The findings, and the numbers that they follow from; ``options.json`` holds the same.

    Raises:
        UsageError: options that cannot be followed.
        DataError: data that cannot be read at all.
    """
    options.check()
    with at_most(options.max_pixels):
        wish = Wish(options.settings(), options.plan, device=options.device)
        if options.labels:
            diagnosis = examine_whole_files(options, wish, tell)
        else:
            train = open_data(options.data)
            task = chosen_task(options, train)
            train = for_task(train, task)
            val = for_task(open_data(options.val), task) if options.val else None
            diagnosis = examine_data(train, val, wish, options.quick, tell)
    if options.json is not None:
        with atomic_write(options.json) as temporary:
            temporary.write_text(json.dumps(as_dict(diagnosis), indent=1) + "\n", encoding="utf-8")
    return diagnosis


def chosen_task(options: DoctorOptions, train: Dataset) -> str:
    """What a training would learn, as ``maskrcnn train`` decides it: what was asked for, what the plan says, or what
    the data are labelled for."""
    if options.task is not None:
        return options.task
    if options.plan is not None:
        return str(read_plan(options.plan).get("task", OBJECTS))
    return SEMANTIC if is_of_class_maps(train) else OBJECTS


def open_data(path: Path) -> Dataset:
    """The data set of ``path``, or a sentence for pictures that nobody labelled.

    Raises:
        DataError: as :func:`maskrcnn.modalities.open.open_dataset` does, or for a folder of pictures without labels.
    """
    try:
        return open_dataset(path)
    except DataError as error:
        pictures = find_images(path) if is_folder(path) and not any(path.rglob("*.json")) else []
        if not pictures:
            raise
        raise DataError(
            f"{path} holds {len(pictures)} pictures but no labels that can be read: outline the objects in some of "
            "them with a labelling tool (such as LabelMe, CVAT or Roboflow) and export as COCO, or, to find what a "
            f"shipped model knows, run `maskrcnn predict {path} --out out`. Looked for were these: {error}"
        ) from None


def examine_data(
    train: Dataset, val: Dataset | None, wish: Wish, quick: bool = False, tell: Tell = tell_nobody
) -> Diagnosis:
    """Look at data that are open.

    Args:
        train: to learn from.
        val: to validate on; None: some of ``train`` would be held out.
        wish: what of the training is not left to its plan, as for :func:`maskrcnn.planning.prepare.prepare`.
        quick: time no step and leave the trial training out.
        tell: is given :class:`Progress`.

    Returns:
        The findings, worst first, and the numbers that they follow from.

    Raises:
        UsageError: there is no such model, or no such plan.
    """
    if (given := given_settings(wish, None).get("model")) is not None:
        start_of(given.value, 1)  # a slip is told before everything is read
    named = {"train": train} | ({} if val is None else {"val": val})
    found: dict[str, Survey] = {}
    findings: list[Finding] = []
    for name, data in named.items():
        found[name] = survey(data, partial(_tell_read, tell, name, len(data)))
        findings += set_findings(found[name], name)
    if "val" in found:
        findings += leakage(found["train"], found["val"]) + differing_classes(found["train"], found["val"])
    facts = {name: SetFacts.of(seen) for name, seen in found.items()}
    if not can_be_learned(found["train"]):
        return Diagnosis(by_severity(findings), facts, None, Sizes(np.zeros((0, 1)), 1.0))
    tell(Progress("planning"))
    timed = not quick and bool(choose_images(found["train"]))
    labels = split_labels(train) if val is None else []
    plan = plan_training(train, val, labels, wish, lambda sentence: tell(Progress("timing a few steps")), timed)
    needs, trial, sizes = training_needs(plan), None, Sizes(np.zeros((0, 1)), 1.0)
    findings += [] if needs is None else needs_findings(needs, plan)
    pictures = kinds()[train.kind].is_picture
    if pictures and train.task == OBJECTS:  # nothing is resized of recordings, and no two of them are learned by heart
        config = planned_config(train, plan)
        sizes = measure_sizes(found["train"], config)
        findings += size_findings(sizes, config)
    if timed and pictures:
        tell(Progress("learning two images by heart"))
        trial = try_out(
            *planned_model(train, plan), found["train"], plan.recipe().fit_config(is_learned(plan)), wish.device
        )
    findings += [] if trial is None else trial_findings(trial)
    return Diagnosis(by_severity(findings), facts, plan, sizes, trial, needs)


def examine_whole_files(options: DoctorOptions, wish: Wish, tell: Tell) -> Diagnosis:
    """As :func:`examine_data`, of files whose labels stand in a table.

    Args:
        options: the files and the table.
        wish: what of the training is not left to its plan.
        tell: is given :class:`Progress`.

    Returns:
        The findings, worst first, and the plan.

    Raises:
        DataError: a table or files of which nothing can be learned.
    """
    train = open_whole_files([options.data], options.labels)
    val = None if options.val is None else open_whole_files([options.val], options.labels, fewest=1)
    named = {"train": train} if val is None else {"train": train, "val": val}
    findings = [found for name, data in named.items() for found in whole_findings(data, name)]
    facts = {
        name: SetFacts(str(d.path), len(d), len(d), 0, label_counts(d), False, 0, d.task) for name, d in named.items()
    }
    parts = split_labels(train) if val is None else []
    plan = plan_training(train, val, parts, wish, lambda text: tell(Progress(text)), not options.quick)
    return Diagnosis(by_severity(findings), facts, plan, Sizes(np.zeros((0, 1)), 1.0), None, training_needs(plan))


def can_be_learned(found: Survey) -> bool:
    """Whether there is anything that a training could be planned for."""
    if not has_maps_alone(found.dataset):
        return found.num_objects > 0
    return int((found.labelled().counts[:, :-1].sum(0) > 0).sum()) > 1


def _tell_read(tell: Tell, name: str, total: int, done: int) -> None:
    tell(Progress(f"reading {name}", done, total))


def planned_config(train: Dataset, plan: Plan) -> ModelConfig:
    """The configuration of the model that a training by the plan begins with."""
    own, _ = start_of(plan["model"], len(train.class_names))
    return adapt(fit_to_data(own, train, lambda sentence: None), plan.recipe())


def planned_model(train: Dataset, plan: Plan) -> tuple[MaskRCNN, ModelInfo]:
    """The model that a training by the plan begins with."""
    recipe = plan.recipe()
    torch.manual_seed(recipe.seed)
    return start_model(train, plan["model"], None, recipe, say=lambda sentence: None)


def is_learned(plan: Plan) -> bool:
    """Whether the plan starts from a trained model."""
    return plan["model"] not in VARIANTS


def set_findings(found: Survey, name: str) -> list[Finding]:
    """What is wrong with one data set on its own."""
    images, missing = len(found.names), sum(fault.code == "image-missing" for fault in found.faults)
    totals = dict.fromkeys(NAMELESS, images + missing)
    return (
        gather(found.faults, name, totals)
        + class_findings(found, name)
        + duplicates(found, name)
        + placement_findings(found.placements, name)
    )


def as_dict(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis as plain values that json can hold."""
    plan, sizes, trial, needs = diagnosis.plan, diagnosis.sizes, diagnosis.trial, diagnosis.needs
    return {
        "healthy": diagnosis.count("error") == 0,
        "findings": [found.as_dict() for found in diagnosis.findings],
        "data": {name: vars(facts) for name, facts in diagnosis.sets.items()},
        "plan": None if plan is None else {name: choice.value for name, choice in plan.choices.items()},
        "sizes": dict(sizes.histogram()),
        "trial": None if trial is None else vars(trial) | {"losses": {k: _finite(v) for k, v in trial.losses.items()}},
        "needs": None if needs is None else vars(needs),
    }


def _finite(values: Sequence[float]) -> list[float | None]:
    """None for what is no number, which json does not know."""
    return [value if math.isfinite(value) else None for value in values]
