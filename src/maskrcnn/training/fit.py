"""Training: the loop, what it validates and what it writes."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from maskrcnn.checkpoints.ours import ModelInfo, save_checkpoint
from maskrcnn.data.loading import epoch_loader, epoch_order
from maskrcnn.data.records import Dataset
from maskrcnn.data.transforms import AugmentConfig, EvalTransform, Sample, TrainTransform
from maskrcnn.errors import DataError, MaskRCNNError
from maskrcnn.evaluation.evaluate import evaluate, match_classes
from maskrcnn.inference.predictor import Predictor
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.terms import Term, add_terms
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.structures import batch_images
from maskrcnn.training.report import Report
from maskrcnn.training.schedule import MovingAverage, learning_rate_factor
from maskrcnn.training.state import Position, load_state, save_state

NEVER_VALIDATED = -1.0


@dataclass(frozen=True)
class FitConfig:
    """How to train; nothing here is part of the model."""

    epochs: int = 20
    batch_size: int = 8
    lr: float = 6e-4  # of layers that start from nothing
    body_lr: float = 0.2  # factor on it for the body
    freeze_early: bool = False  # leave the body's layers up to its first output as they are (they must be pre-trained)
    optimizer: str = "adamw"  # or sgd (momentum 0.9)
    weight_decay: float = 0.02  # of kernels; biases and norms have none
    warmup: int = 200  # steps
    clip_norm: float = 5.0  # of all gradients together
    average: float = 0.998  # decay of the weights' moving average, which is validated and kept
    seed: int = 0
    workers: int = 1
    validate_every: int = 1  # epochs
    save_every: int = 100  # steps between resumable checkpoints
    save_seconds: float = 60.0  # or this long after the last one


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
) -> Path:
    """Train ``model`` on ``train``; the path of the best checkpoint.

    ``out`` gets ``best.safetensors`` (the averaged weights with the best validation AP of masks, or of boxes where
    there are no masks; without ``val``, the latest), ``last.safetensors`` (from which ``resume`` goes on exactly),
    ``log.jsonl`` (a line each few steps and each epoch) and ``curves.png``.

    Raises:
        DataError: nothing to train on, or nothing in ``val`` that the model knows.
        CheckpointError: ``resume`` without a resumable checkpoint in ``out``.
        MaskRCNNError: the loss is no number any more; the files of the batch are named.
    """
    out = Path(out)
    if len(train) == 0:
        raise DataError(f"{train.path} holds no images to train on.")
    if val is not None:
        match_classes(info.class_names, val)
    model = model.to(device)
    if config.freeze_early:
        for layer in model.backbone.body.early_layers():  # type: ignore[operator]
            layer.requires_grad_(False)
    objective, optimizer = Objective(model), make_optimizer(model, config)
    average, position = MovingAverage(model, config.average), Position()
    if resume:
        position = load_state(out / "last.safetensors", model, optimizer, average)
    report = report or Report(out)
    report.resume_at(position.step, position.epoch)
    transform = TrainTransform(augment, info.config.preprocess)
    batches = math.ceil(len(train) / config.batch_size)
    steps, saved = batches * config.epochs, time.monotonic()
    while position.epoch < config.epochs:
        loader = epoch_loader(
            train, transform, config.batch_size, config.seed, position.epoch, config.workers, start_batch=position.batch
        )
        order = epoch_order(len(train), config.seed, position.epoch, shuffle=True).tolist()
        for samples in loader:
            set_learning_rate(optimizer, config, position.step, steps)
            terms = train_step(objective, optimizer, samples, config, position.epoch, device)
            average.update(model)
            # Not one more than before: a batch of which no image could be read was passed over.
            position.batch = order.index(samples[0].index) // config.batch_size + 1
            position.step += 1
            report.step(position.step, steps, position.epoch, len(samples), terms, optimizer.param_groups[-1]["lr"])
            if position.step % config.save_every == 0 or time.monotonic() - saved > config.save_seconds:
                save_state(out / "last.safetensors", model, info, optimizer, average, position)
                saved = time.monotonic()
        position.epoch, position.batch = position.epoch + 1, 0
        last = position.epoch == config.epochs
        if val is None or last or position.epoch % config.validate_every == 0:
            finish_epoch(model, info, average, val, out, config, position, report, device)
        save_state(out / "last.safetensors", model, info, optimizer, average, position)
    return out / "best.safetensors"


def train_step(
    objective: Objective, optimizer: Optimizer, samples: Sequence[Sample], config: FitConfig, epoch: int, device: str
) -> dict[str, Term]:
    """One step on one batch; its losses."""
    objective.train()
    terms = batch_losses(objective, samples, config.seed, epoch, device)
    loss = sum_of_means(terms)
    if not torch.isfinite(loss):
        names = ", ".join(sample.file_name for sample in samples)
        raise MaskRCNNError(
            f"The loss is {loss.item()} on the batch of {names}: try a smaller --lr, or look at these files."
        )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(objective.parameters(), config.clip_norm)
    optimizer.step()
    return {name: Term(term.total.detach(), term.count) for name, term in terms.items()}


def batch_losses(
    objective: Objective, samples: Sequence[Sample], seed: int, epoch: int, device: str
) -> dict[str, Term]:
    """The losses of a batch; what is sampled follows from (seed, epoch, image)."""
    images = batch_images([sample.image for sample in samples], objective.model.config.preprocess.size_divisor)
    seeds = [int(np.random.SeedSequence([seed, epoch, s.index + 1, 1]).generate_state(1)[0]) for s in samples]
    return objective(images.to(device), [sample.target.to(device) for sample in samples], seeds)


def sum_of_means(terms: dict[str, Term]) -> torch.Tensor:
    """The loss to minimise: each term over its own count, added with equal weights as in the paper."""
    return torch.stack([term.mean() for term in terms.values()]).sum()


def make_optimizer(model: MaskRCNN, config: FitConfig) -> Optimizer:
    """Slow for the body, full rate for the rest; only kernels decay."""
    groups = []
    for in_body in (True, False):
        for decays in (True, False):
            chosen = [
                p
                for name, p in model.named_parameters()
                if name.startswith("backbone.body.") == in_body and is_kernel(name) == decays and p.requires_grad
            ]
            factor, decay = config.body_lr if in_body else 1.0, config.weight_decay if decays else 0.0
            if chosen and factor > 0:
                groups.append({"params": chosen, "factor": factor, "weight_decay": decay})
    if config.optimizer == "adamw":
        return AdamW(groups, lr=config.lr)
    if config.optimizer == "sgd":
        return SGD(groups, lr=config.lr, momentum=0.9)
    raise ValueError(f"unknown optimizer {config.optimizer!r}: adamw or sgd")


def is_kernel(name: str) -> bool:
    """Whether a parameter is the kernel of a convolution or linear layer, not a bias and not a norm's."""
    return name.endswith(".weight") and not name.endswith(".norm.weight")


def set_learning_rate(optimizer: Optimizer, config: FitConfig, step: int, steps: int) -> None:
    """The schedule's rate for ``step`` of ``steps``, times each group's own factor."""
    rate = config.lr * learning_rate_factor(step, steps, min(config.warmup, max(steps // 4, 1)))
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]


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
    """Validate the averaged weights and keep them if they are the best so far."""
    with averaged_weights(model, average):
        metrics: dict[str, float] = {}
        if val is not None:
            metrics = validate(model, info, val, config, device)
        measure = metrics.get("mask/AP", metrics.get("box/AP", 0.0)) if val is not None else NEVER_VALIDATED
        report.epoch(position.epoch, position.step, metrics)
        if measure >= position.best:  # of equals the later one; what was validated once is not replaced unseen
            position.best = measure
            save_checkpoint(out / "best.safetensors", model, dataclasses.replace(info, metrics=metrics))


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
    """Losses (the training's own, on images as they are) and COCO metrics."""
    objective = Objective(model).eval()
    loader = epoch_loader(
        val, EvalTransform(info.config.preprocess), config.batch_size, workers=config.workers, shuffle=False
    )
    labels = torch.tensor([0, *(_label(info.class_names, name) for name in val.class_names)])
    with torch.no_grad():
        terms = add_terms(
            batch_losses(objective, [relabel(sample, labels) for sample in samples], 0, 0, device) for samples in loader
        )
    metrics = {"val/loss": sum_of_means(terms).item()} | {f"val/{n}": t.mean().item() for n, t in terms.items()}
    result, _ = evaluate(Predictor(model, info, device), val)
    return metrics | {name: value for name, value in result.metrics.items() if value is not None}


def relabel(sample: Sample, labels: torch.Tensor) -> Sample:
    """``sample`` with ``labels[k]`` in place of label k; an object of label 0 is left out."""
    assert sample.target.labels is not None
    renamed = labels[sample.target.labels]
    target = dataclasses.replace(sample.target, labels=renamed)
    return dataclasses.replace(sample, target=target[renamed > 0])


def _label(class_names: Sequence[str], name: str) -> int:
    return class_names.index(name) + 1 if name in class_names else 0
