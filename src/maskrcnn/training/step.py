"""One step of training: from the images of a batch to new weights."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from maskrcnn.data.transforms.samples import Sample
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.terms import Term, add_terms
from maskrcnn.structures import batch_images
from maskrcnn.training.distributed import sum_gradients, summed
from maskrcnn.training.fit_config import FitConfig


@dataclass(frozen=True)
class Step:
    """What one step did.

    Attributes:
        terms: the losses of all its images.
        skipped: why it changed no weight, if so.
        repeated: why it was done a second time, in full precision, if so.
    """

    terms: dict[str, Term]
    skipped: str = ""
    repeated: str = ""


def train_step(
    objective: Objective, optimizer: Optimizer, samples: Sequence[Sample], config: FitConfig, epoch: int, device: str
) -> Step:
    """One step on one batch, of which other processes may hold the rest.

    Each loss is divided by the count of the whole batch before its gradient is taken, so that parts worked on one after
    another (``config.accumulate``) or by several processes give the gradients of the whole to rounding. Counts follow
    from what is sampled; to know those of later parts, the parts are first walked through without gradients.

    A loss or gradient that is no number changes nothing: in half precision the step is done again in full, and one that
    is no number then is skipped and says so.
    """
    objective.train()
    done = take_gradients(objective, samples, config, epoch, device)
    if done.skipped and config.bf16:
        exact = take_gradients(objective, samples, dataclasses.replace(config, bf16=False), epoch, device)
        done = dataclasses.replace(exact, repeated=done.skipped)
    if done.skipped:
        optimizer.zero_grad(set_to_none=True)
    else:
        optimizer.step()
    return done


def take_gradients(objective: Objective, samples: Sequence[Sample], config: FitConfig, epoch: int, device: str) -> Step:
    """The clipped gradients of the whole batch, left in the parameters; the losses, and what of them is no number."""
    objective.zero_grad(set_to_none=True)
    parts = split(samples, config.accumulate)
    ahead = None
    if len(parts) > 1:
        with torch.no_grad():
            whole = add_terms(batch_losses(objective, part, config, epoch, device) for part in parts)
    else:
        ahead = batch_losses(objective, parts[0], config, epoch, device) if parts else {}
        whole = ahead
    whole = over_processes(whole, objective.names(), device)
    loss = sum_of_means(whole).item()
    if not math.isfinite(loss):
        return Step(whole, f"The loss is {loss}")
    for part in parts:
        terms = ahead or batch_losses(objective, part, config, epoch, device)
        torch.stack([term.mean(whole[name].count) for name, term in terms.items()]).sum().backward()
    sum_gradients(objective.parameters())
    norm = nn.utils.clip_grad_norm_(objective.parameters(), config.clip_norm).item()
    return Step(whole, "" if math.isfinite(norm) else f"The gradient is {norm} at a loss of {loss:.3g}")


def split(samples: Sequence[Sample], parts: int) -> list[Sequence[Sample]]:
    """``samples`` in at most ``parts`` runs of nearly one length, none of them empty."""
    edges = np.linspace(0, len(samples), min(parts, len(samples)) + 1).round().astype(int)
    return [samples[a:b] for a, b in zip(edges, edges[1:])]


def batch_losses(
    objective: Objective, samples: Sequence[Sample], config: FitConfig, epoch: int, device: str
) -> dict[str, Term]:
    """The losses of some images; what is sampled follows from (seed, epoch, image)."""
    images = batch_images([sample.image for sample in samples], objective.model.config.preprocess.size_divisor)
    seeds = [int(np.random.SeedSequence([config.seed, epoch, s.index + 1, 1]).generate_state(1)[0]) for s in samples]
    targets = [sample.target.to(device) for sample in samples]
    searched = [sample.exhaustive for sample in samples]
    with torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=config.bf16):
        losses: dict[str, Term] = objective(images.to(device), targets, seeds, searched)
    return losses


def over_processes(terms: dict[str, Term], names: Sequence[str], device: str) -> dict[str, Term]:
    """The terms of all processes together, without gradients."""
    none = Term(torch.zeros(()), 0)
    own = [terms.get(name, none) for name in names]
    numbers = [[term.total.item() for term in own], [float(term.count) for term in own]]
    totals, counts = summed(torch.tensor(numbers, dtype=torch.float64, device=device)).cpu()
    return {name: Term(total, int(count)) for name, total, count in zip(names, totals, counts)}


def sum_of_means(terms: dict[str, Term]) -> torch.Tensor:
    """The loss to minimise: each term over its own count, added with equal weights as in the paper."""
    return torch.stack([term.mean() for term in terms.values()]).sum()
