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
from maskrcnn.errors import MaskRCNNError
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.terms import Term, add_terms
from maskrcnn.models.convolution import layers_in_full_precision
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.structures import batch_images
from maskrcnn.training.distributed import sum_gradients, summed
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.log import Report

MOST_SKIPPED = 3  # steps in a row


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
    """Train on one batch, of which other processes may hold the rest.

    Args:
        objective: the model and its losses.
        optimizer: changes the weights.
        samples: of the batch.
        config: the training's.
        epoch: from which, with the seed and the image, follows what is sampled.
        device: ``cpu``, ``cuda`` or ``mps``.

    Returns:
        The losses, and whether the step was skipped or repeated.
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
    """Compute the clipped gradients of a whole batch; they are left in the parameters.

    Args:
        objective: the model and its losses.
        samples: of the batch.
        config: the training's.
        epoch: from which, with the seed and the image, follows what is sampled.
        device: ``cpu``, ``cuda`` or ``mps``.

    Returns:
        The losses, and what of them is no number.
    """
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
    """Compute the losses of some images; what is sampled follows from (seed, epoch, image).

    Args:
        objective: the model and its losses.
        samples: the images with their targets.
        config: gives the seed.
        epoch: whole epochs that are done.
        device: ``cpu``, ``cuda`` or ``mps``.

    Returns:
        The losses by name.
    """
    images = batch_images([sample.image for sample in samples], objective.model.config.preprocess.size_divisor)
    seeds = [int(np.random.SeedSequence([config.seed, epoch, s.index + 1, 1]).generate_state(1)[0]) for s in samples]
    targets = [sample.target.to(device) for sample in samples]
    exhaustive = [sample.exhaustive for sample in samples]
    with torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=config.bf16):
        losses: dict[str, Term] = objective(images.to(device), targets, seeds, exhaustive)
    return losses


def over_processes(terms: dict[str, Term], names: Sequence[str], device: str) -> dict[str, Term]:
    """Add up the losses of all processes, without gradients.

    Args:
        terms: of this process, by name.
        names: of all losses, in an order that all processes share.
        device: ``cpu``, ``cuda`` or ``mps``.

    Returns:
        The sums by name.
    """
    none = Term(torch.zeros(()), 0)
    own = [terms.get(name, none) for name in names]
    numbers = [[term.total.item() for term in own], [float(term.count) for term in own]]
    totals, counts = summed(torch.tensor(numbers, dtype=torch.float64, device=device)).cpu()
    return {name: Term(total, int(count)) for name, total, count in zip(names, totals, counts)}


def sum_of_means(terms: dict[str, Term]) -> torch.Tensor:
    """The loss to minimise: each term over its own count, added with equal weights as in the paper."""
    return torch.stack([term.mean() for term in terms.values()]).sum()


def tell_precision(
    model: MaskRCNN, done: Step, samples: Sequence[Sample], config: FitConfig, report: Report, told: set[str]
) -> set[str]:
    """Say which layers were computed in full precision, each once, and that a whole step was.

    Args:
        model: that is trained.
        done: the step.
        samples: of its batch.
        config: says whether bf16 was asked for.
        report: says it.
        told: layers that were named before.

    Returns:
        All layers that are named by now.
    """
    if not config.bf16:
        return told
    names = set(layers_in_full_precision(model))
    if new := sorted(names - told):
        report.say(f"in full precision, because their grids are too small for bf16 on this device: {', '.join(new)}")
    if done.repeated:
        files = ", ".join(sample.file_name for sample in samples)
        report.say(f"{done.repeated} in bf16 on the batch of {files}: this step was repeated in full precision.")
    return told | names


def tell_skipped(done: Step, samples: Sequence[Sample], report: Report, in_a_row: int) -> None:
    """Say why a step was skipped.

    Args:
        done: the step.
        samples: of its batch, whose files are named.
        report: says it.
        in_a_row: how many were skipped, this one included.

    Raises:
        MaskRCNNError: for the third in a row.
    """
    names = ", ".join(sample.file_name for sample in samples)
    if in_a_row >= MOST_SKIPPED:
        raise MaskRCNNError(
            f"{done.skipped} on the batch of {names}, the {in_a_row}rd of such steps in a row: try a smaller --lr, or "
            "look at these files."
        )
    report.say(f"{done.skipped} on the batch of {names}: this step was skipped.")
