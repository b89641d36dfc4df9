"""The whole examination: read everything once, compare, measure, try out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from maskrcnn.config import ModelConfig
from maskrcnn.data.dataset import Dataset, open_dataset
from maskrcnn.data.images import find_images
from maskrcnn.errors import DataError
from maskrcnn.models.build import VARIANTS
from maskrcnn.workflows.doctor.classes import class_counts, class_findings, differing_classes
from maskrcnn.workflows.doctor.costs import Needs, needs_findings, training_needs
from maskrcnn.workflows.doctor.findings import Finding, by_severity, gather
from maskrcnn.workflows.doctor.placement import placement_findings
from maskrcnn.workflows.doctor.sets import duplicates, leakage
from maskrcnn.workflows.doctor.sizes import Sizes, measure_sizes, size_findings
from maskrcnn.workflows.doctor.survey import Survey, survey
from maskrcnn.workflows.doctor.trial import Trial, trial_findings, try_out
from maskrcnn.workflows.recipe import Recipe
from maskrcnn.workflows.train import start

Progress = Callable[[str, int, int], None]  # what is being done, how far, of how much
NAMELESS = ("image-missing", "image-entry", "image-unlabelled", "image-unreadable", "image-size", "image-blank")


@dataclass(frozen=True)
class SetFacts:
    """What a data set holds, as numbers."""

    path: str
    images: int
    readable: int
    objects: int
    classes: dict[str, int]
    has_masks: bool
    most_objects: int

    @staticmethod
    def of(found: Survey) -> SetFacts:
        data, most = found.dataset, max(found.counts, default=0)
        readable, counts = sum(found.readable), class_counts(found)
        return SetFacts(str(data.path), len(data), readable, found.num_objects, counts, data.has_masks, most)


@dataclass(frozen=True)
class Diagnosis:
    """All that the doctor has to say.

    Attributes:
        findings: worst first.
        sets: ``train`` and perhaps ``val``.
        model: the name of the model that a training would start from.
        image_size: longer side of images for it.
        sizes: of the training objects, as the model would see them.
        trial: None where it was left out or nothing could be tried.
        needs: None without a trial.
    """

    findings: list[Finding]
    sets: dict[str, SetFacts]
    model: str
    image_size: int
    sizes: Sizes
    trial: Trial | None = None
    needs: Needs | None = None
    recipe: Recipe = field(default_factory=Recipe)

    def count(self, severity: str) -> int:
        """Findings of one severity."""
        return sum(found.severity == severity for found in self.findings)


def open_patient(path: Path) -> Dataset:
    """The data set of ``path``, or a sentence for pictures that nobody labelled.

    Raises:
        DataError: as :func:`maskrcnn.data.dataset.open_dataset` does, or for a folder of pictures without labels.
    """
    try:
        return open_dataset(path)
    except DataError as error:
        pictures = find_images(path) if path.is_dir() and not any(path.rglob("*.json")) else []
        if not pictures:
            raise
        raise DataError(
            f"{path} holds {len(pictures)} pictures but no labels that can be read: outline the objects in some of "
            "them with a labelling tool (such as LabelMe, CVAT or Roboflow) and export as COCO, or, to find what a "
            f"shipped model knows, run `maskrcnn predict {path} --out out`. Looked for were these: {error}"
        ) from None


def examine(
    train: Dataset,
    val: Dataset | None,
    model: str,
    recipe: Recipe,
    quick: bool = False,
    device: str = "cpu",
    report: Progress = lambda what, done, total: None,
) -> Diagnosis:
    """Look at everything once.

    Args:
        model: what a training would start from.
        recipe: how one would train.
        quick: leave the trial training out.
        device: where the trial runs.
        report: is told what is being done.

    Raises:
        UsageError: there is no such model.
    """
    torch.manual_seed(recipe.seed)
    network, info = start(train, model, None, recipe, say=lambda sentence: None)
    config: ModelConfig = info.config
    named = {"train": train} | ({} if val is None else {"val": val})
    found: dict[str, Survey] = {}
    findings: list[Finding] = []
    for name, data in named.items():
        found[name] = survey(data, lambda done, name=name, data=data: report(f"reading {name}", done, len(data)))  # type: ignore[misc]
        findings += set_findings(found[name], name)
    if "val" in found:
        findings += leakage(found["train"], found["val"]) + differing_classes(found["train"], found["val"])
    sizes = measure_sizes(found["train"], config)
    findings += size_findings(sizes, config)
    trial = needs = None
    if not quick:
        report("learning two images by heart", 0, 0)
        trial = try_out(network, info, found["train"], recipe.fit_config(pretrained=model not in VARIANTS), device)
    if trial is not None:
        needs = training_needs(trial, recipe, len(train), config.preprocess.max_size)
        findings += trial_findings(trial) + needs_findings(needs, recipe)
    facts = {name: SetFacts.of(seen) for name, seen in found.items()}
    return Diagnosis(by_severity(findings), facts, model, config.preprocess.max_size, sizes, trial, needs, recipe)


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
    sizes, trial, needs = diagnosis.sizes, diagnosis.trial, diagnosis.needs
    return {
        "healthy": diagnosis.count("error") == 0,
        "findings": [found.as_dict() for found in diagnosis.findings],
        "data": {name: vars(facts) for name, facts in diagnosis.sets.items()},
        "model": diagnosis.model,
        "image_size": diagnosis.image_size,
        "sizes": dict(sizes.histogram()),
        "trial": None if trial is None else vars(trial) | {"losses": {k: _finite(v) for k, v in trial.losses.items()}},
        "needs": None if needs is None else vars(needs),
    }


def _finite(values: Sequence[float]) -> list[float | None]:
    """None for what is no number, which json does not know."""
    return [value if math.isfinite(value) else None for value in values]
