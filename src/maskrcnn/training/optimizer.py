"""The optimiser: which weights learn, and how fast."""

from __future__ import annotations

from torch.optim import SGD, AdamW, Optimizer

from maskrcnn.models.head import heads_of
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.schedule import learning_rate_factor

BODY = ("backbone.body.", "heads.box.field.")  # the body, and what reads it as it is


def make_optimizer(model: MaskRCNN, config: FitConfig) -> Optimizer:
    """Slow for what is pre-trained, full rate for the rest; only kernels decay."""
    groups, pretrained = [], slow_parts(model)
    for slow in (True, False):
        for decays in (True, False):
            chosen = [
                p
                for name, p in model.named_parameters()
                if name.startswith(pretrained) == slow and is_kernel(name) == decays and p.requires_grad
            ]
            factor, decay = config.body_lr if slow else 1.0, config.weight_decay if decays else 0.0
            if chosen and factor > 0:
                groups.append({"params": chosen, "factor": factor, "weight_decay": decay})
    if config.optimizer == "adamw":
        return AdamW(groups, lr=config.lr)
    if config.optimizer == "sgd":
        return SGD(groups, lr=config.lr, momentum=0.9)
    raise ValueError(f"unknown optimizer {config.optimizer!r}: adamw or sgd")


def freeze(model: MaskRCNN, config: FitConfig) -> None:
    """Take the layers that shall not learn out of the graph, so that they cost no backward pass."""
    pretrained = slow_parts(model)
    for name, parameter in model.named_parameters():
        if name.startswith(pretrained if config.body_lr == 0 else BODY if config.freeze_body else ()):
            parameter.requires_grad_(False)
    for layer in model.backbone.body.early_layers() if config.freeze_early else []:  # type: ignore[operator]
        layer.requires_grad_(False)


def slow_parts(model: MaskRCNN) -> tuple[str, ...]:
    """What names of pre-trained parameters begin with: the body's, and those that heads bring along."""
    return (*BODY, *(f"heads.{name}.{part}." for name, head in heads_of(model).items() for part in head.slow))


def is_kernel(name: str) -> bool:
    """Whether a parameter is the kernel of a convolution or linear layer, not a bias and not a norm's."""
    return name.endswith(".weight") and not name.endswith(".norm.weight")


def set_learning_rate(optimizer: Optimizer, config: FitConfig, step: float, steps: int) -> None:
    """Set the learning rate of each group of weights: the schedule's, times the group's own factor.

    Args:
        optimizer: of the training.
        config: the schedule.
        step: the place on the schedule, perhaps between two steps.
        steps: how many the schedule was made for.
    """
    warmup = min(config.warmup, max(steps // 4, 1))
    rate = config.scaled_lr() * learning_rate_factor(step, steps, warmup, config.schedule)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
