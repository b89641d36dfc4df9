"""Validation: losses and average precision of the averaged weights on held-out data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from maskrcnn.checkpoints.ours import save_checkpoint
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.loading import AS_STORED, epoch_loader
from maskrcnn.data.split import subset
from maskrcnn.data.transforms.samples import EvalTransform, Sample
from maskrcnn.evaluation.evaluate import evaluate, match_classes
from maskrcnn.inference.predictor import Predictor
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.terms import add_terms
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.structures import IGNORED
from maskrcnn.training import distributed
from maskrcnn.training.budget import ALONGSIDE, PROBE, Pace, evenly
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.log import Report
from maskrcnn.training.schedule import MovingAverage
from maskrcnn.training.state import Position
from maskrcnn.training.step import batch_losses, sum_of_means

NEVER_VALIDATED = -1.0
BEST_BY = (
    "mask/AP",
    "box/AP",
    "semantic/mIoU",
    "whole/likelihood",
)  # what the best model is the best in: the first that was measured


class averaged_weights:  # noqa: N801 - reads as a with-statement
    """Within the block the model has its averaged weights."""

    def __init__(self, model: nn.Module, average: MovingAverage) -> None:
        self.model, self.average = model, average

    def __enter__(self) -> None:
        self.own = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average.state)

    def __exit__(self, *error: object) -> None:
        self.model.load_state_dict(self.own)


@dataclass(frozen=True)
class Candidate:
    """The averaged weights of a model in training, which are validated and kept.

    Attributes:
        model: that is trained.
        info: of the model.
        average: of its weights.
        config: the training's.
        device: ``cpu``, ``cuda`` or ``mps``.
    """

    model: MaskRCNN
    info: ModelInfo
    average: MovingAverage
    config: FitConfig
    device: str

    def validate(self, val: Dataset) -> dict[str, float]:
        """Losses and average precision of the weights that the model has now, by name."""
        return validate(self.model, self.info, val, self.config, self.device)


def finish_epoch(candidate: Candidate, val: Dataset | None, out: Path, position: Position, report: Report) -> None:
    """Validate the averaged weights, in the first process alone, and keep them if they are the best
    so far.

    Args:
        candidate: the averaged weights.
        val: the held-out images, or None.
        out: gets ``best.safetensors``.
        position: where the training is; it remembers how good the best was, and how often nothing
            was better.
        report: logs the validation.
    """
    measure = NEVER_VALIDATED
    if distributed.rank() == 0:
        with averaged_weights(candidate.model, candidate.average):
            metrics: dict[str, float] = {}
            if val is not None:
                metrics = candidate.validate(val)
                measure = next((metrics[name] for name in BEST_BY if name in metrics), 0.0)
            report.epoch(position.epoch, position.step, metrics)
            if measure >= position.best:  # of equals the later one; what was validated once is not replaced unseen
                info = dataclasses.replace(candidate.info, metrics=metrics)
                save_checkpoint(out / "best.safetensors", candidate.model, info)
    measure = distributed.from_first(measure, candidate.device)
    position.stale = 0 if measure > position.best or val is None else position.stale + 1
    position.best = max(measure, position.best)


def probe(pace: Pace, candidate: Candidate, val: Dataset | None) -> None:
    """Estimate what a validation takes by now, on a few of many held-out images.

    The machine may be busier, and a model that has learned finds another number of objects.

    Args:
        pace: gets the estimate.
        candidate: the averaged weights.
        val: the held-out images, or None.
    """
    if val is not None and len(val) >= 4 * PROBE and distributed.world_size() == 1:
        pace.begin()
        with averaged_weights(candidate.model, candidate.average):
            # Loading in processes of its own takes seconds to begin, which would count for every image.
            alone = dataclasses.replace(candidate.config, workers=0)
            dataclasses.replace(candidate, config=alone).validate(subset(val, evenly(PROBE, len(val))))
        pace.validated(PROBE / len(val) / (ALONGSIDE if candidate.config.workers else 1.0))


def first_images(val: Dataset, count: int, say: Callable[[str], None]) -> Dataset:
    """Choose as many of the held-out images as the time allows for.

    Args:
        val: all of them.
        count: how many there is time for.
        say: is told where that is not all.

    Returns:
        The images that are validated on.
    """
    if count >= len(val):
        return val
    say(f"To keep the time, {count} of the {len(val)} held-out images are judged on.")
    return subset(val, evenly(count, len(val)))


def validate(model: MaskRCNN, info: ModelInfo, val: Dataset, config: FitConfig, device: str) -> dict[str, float]:
    """Measure a model on held-out data.

    Args:
        model: in evaluation mode.
        info: of the model.
        val: the data.
        config: the training's.
        device: ``cpu``, ``cuda`` or ``mps``.

    Returns:
        The training's own losses, on images as they are and in full precision, and COCO's metrics,
        by name.
    """
    objective = Objective(model).eval()
    transform = EvalTransform(info.config.preprocess)
    loader = epoch_loader(val, transform, config.batch_size, AS_STORED, config.workers)
    labels = own_labels(info.class_names, val)
    exact = dataclasses.replace(config, bf16=False, seed=0)
    with torch.no_grad():
        batches = ([relabel(sample, labels) for sample in samples] for samples in loader if samples)
        terms = add_terms(batch_losses(objective, samples, exact, 0, device) for samples in batches)
    metrics = {"val/loss": sum_of_means(terms).item()} | {f"val/{n}": t.mean().item() for n, t in terms.items()}
    result, _ = evaluate(Predictor(model, info, device), val)
    return metrics | {name: value for name, value in result.metrics.items() if value is not None}


def relabel(sample: Sample, labels: torch.Tensor) -> Sample:
    """``sample`` with ``labels[k]`` in place of label k; an object of label 0 is left out."""
    renamed = labels[sample.target.labels]
    target = dataclasses.replace(sample.target, labels=renamed)
    exhaustive = sample.exhaustive
    if exhaustive is not None:
        exhaustive = frozenset(labels[sorted(exhaustive)].tolist()) - {0}
    target = target[renamed > 0]
    target.class_map = relabel_map(target.class_map, labels)
    return dataclasses.replace(sample, target=target, exhaustive=exhaustive)


def relabel_map(class_map: torch.Tensor | None, labels: torch.Tensor) -> torch.Tensor | None:
    """``class_map`` with ``labels[k]`` in place of label k; of a class of label 0 nobody says what it is."""
    if class_map is None:
        return None
    table = torch.where(labels > 0, labels, IGNORED).to(class_map.dtype)
    table[0] = 0
    return torch.where(class_map == IGNORED, class_map, table[class_map.clamp(min=0).long()])


def own_labels(class_names: Sequence[str], val: Dataset) -> torch.Tensor:
    """The model's label for each label of ``val``, background included; 0 for a class that it does not know."""
    labels = torch.zeros(len(val.class_names) + 1, dtype=torch.long)
    for own, label in enumerate(match_classes(class_names, val), start=1):
        labels[label] = own if label else 0
    return labels
