"""What the averaged weights are worth on data that are not trained on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import nn

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.loading import epoch_loader
from maskrcnn.data.transforms.samples import EvalTransform, Sample
from maskrcnn.evaluation.evaluate import evaluate, match_classes
from maskrcnn.inference.predictor import Predictor
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.terms import add_terms
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.schedule import MovingAverage
from maskrcnn.training.step import batch_losses, sum_of_means


class averaged_weights:  # noqa: N801 - reads as a with-statement
    """Within the block the model has its averaged weights."""

    def __init__(self, model: nn.Module, average: MovingAverage) -> None:
        self.model, self.average = model, average

    def __enter__(self) -> None:
        self.own = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average.state)

    def __exit__(self, *error: object) -> None:
        self.model.load_state_dict(self.own)


def validate(model: MaskRCNN, info: ModelInfo, val: Dataset, config: FitConfig, device: str) -> dict[str, float]:
    """Losses (the training's own, on images as they are, in full precision) and COCO metrics."""
    objective = Objective(model).eval()
    loader = epoch_loader(
        val, EvalTransform(info.config.preprocess), config.batch_size, workers=config.workers, shuffle=False
    )
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
    searched = sample.exhaustive
    if searched is not None:
        searched = frozenset(labels[sorted(searched)].tolist()) - {0}
    return dataclasses.replace(sample, target=target[renamed > 0], exhaustive=searched)


def own_labels(class_names: Sequence[str], val: Dataset) -> torch.Tensor:
    """The model's label for each label of ``val``, background included; 0 for a class that it does not know."""
    labels = torch.zeros(len(val.class_names) + 1, dtype=torch.long)
    for own, label in enumerate(match_classes(class_names, val), start=1):
        labels[label] = own if label else 0
    return labels
