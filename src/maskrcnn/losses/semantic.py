"""The loss of the class of every sample: cross entropy, and Dice beside it (Panoptic FPN, Kirillov et al. 2019)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from maskrcnn.config import SemanticLossConfig
from maskrcnn.losses.terms import Term
from maskrcnn.ops.nd import full, interpolate
from maskrcnn.structures import IGNORED, Instances

BACKGROUND = 0  # the row of samples of no class, where there is one


def semantic_loss(
    logits: Tensor, rows: Tensor, config: SemanticLossConfig, unsearched: Sequence[Sequence[int]] | None = None
) -> dict[str, Term]:
    """How far the classes of samples are from those that were labelled.

    Args:
        logits: ``[B, C, *S]``.
        rows: int64 ``[B, *S]``, of each sample the row 0..C - 1 of its class, or ``IGNORED``.
        config: weights of the classes, the part of the samples that counts, and whether Dice is added.
        unsearched: of each image, the rows of classes that nobody searched for in it: a sample of the background may
            as well be of one of those, so it is the probability of all of them together that should be high, and such
            samples are left out of Dice. None: there are none.

    Returns:
        ``entropy``, over samples, and, where it has a weight, ``dice``, over the labelled classes of each image.
    """
    log_probability = full(logits).log_softmax(1)
    known, said = rows != IGNORED, log_probability
    maybe = torch.zeros_like(known)
    for image, others in enumerate(unsearched or []):
        if others:
            maybe[image] = rows[image] == BACKGROUND
            together = log_probability[image, [BACKGROUND, *others]].logsumexp(0)
            said = said.index_put((torch.tensor(image), torch.tensor(BACKGROUND)), together)
    weights = log_probability.new_tensor(config.class_weights) if config.class_weights else None
    entropy = F.nll_loss(said, rows, weights, ignore_index=IGNORED, reduction="none")
    counts = known.flatten(1).sum(1).tolist()
    if config.hardest < 1:
        counts = [math.ceil(config.hardest * count) for count in counts]
        hardest = [own[seen].topk(n, sorted=False).values for own, seen, n in zip(entropy, known, counts)]
        entropy = torch.cat(hardest)
    terms = {"entropy": Term(entropy.sum(), sum(counts))}
    if config.dice:
        losses = torch.cat([_dice(*own) for own in zip(log_probability, rows, known & ~maybe)])
        terms["dice"] = Term(config.dice * losses.sum(), len(losses))
    return terms


def _dice(log_probability: Tensor, rows: Tensor, counted: Tensor) -> Tensor:
    """The Dice loss of each class that is labelled in an image.

    Args:
        log_probability: ``[C, *S]``.
        rows: ``[*S]``, the true ones.
        counted: bool ``[*S]``, the samples that are looked at. Multiplying by it is faster than picking them out of
            all C rows.
    """
    probability, row = log_probability.exp() * counted, torch.where(counted, rows, 0)
    said = probability.gather(0, row[None])
    both = said.new_zeros(len(probability)).index_add(0, row.flatten(), said.flatten())
    true = torch.bincount(rows[counted], minlength=len(probability))
    losses = 1 - (2 * both + 1) / (probability.flatten(1).sum(1) + true + 1)
    return losses[true > 0]


def semantic_terms(
    predicted: Sequence[Tensor], rows: Tensor, config: SemanticLossConfig, unsearched: Sequence[Sequence[int]] | None
) -> dict[str, Term]:
    """The losses of a head by name, ``loss_semantic`` and its further parts.

    Args:
        predicted: logits ``[B, C, *G]``: the head's own, then those of its coarser levels where they are supervised.
        rows: of each sample of the network's input, see :func:`semantic_loss`.
        config: see :func:`semantic_loss`; its stride says how finely is compared.
        unsearched: see :func:`semantic_loss`.

    Returns:
        Those that :func:`term_names` names.
    """
    step = config.stride
    thinned = rows[(slice(None), *(slice(min(step // 2, side - 1), None, step) for side in rows.shape[1:]))]
    of_each = [
        semantic_loss(interpolate(full(own), thinned.shape[1:]), thinned, config, unsearched) for own in predicted
    ]
    terms = {"loss_semantic": of_each[0]["entropy"]}
    if config.dice:
        terms["loss_semantic_dice"] = of_each[0]["dice"]
    if len(of_each) > 1:
        deep = torch.stack([own["entropy"].total for own in of_each[1:]]).sum()
        terms["loss_semantic_deep"] = Term(config.deep * deep, sum(own["entropy"].count for own in of_each[1:]))
    return terms


def term_names(config: SemanticLossConfig, deep: bool) -> tuple[str, ...]:
    """The names of :func:`semantic_terms`, whatever the batch."""
    dice = ("loss_semantic_dice",) if config.dice else ()
    return ("loss_semantic", *dice, *(("loss_semantic_deep",) if deep else ()))


def rows_of(targets: Sequence[Instances], spatial_shape: Sequence[int], first: int) -> Tensor:
    """The rows of the labelled classes of a batch, padded with ``IGNORED``.

    Args:
        targets: of each image, with a class map in coordinates of the input; one without teaches nothing.
        spatial_shape: of the padded input, tensor order.
        first: the label of the first row.

    Returns:
        int64 ``[B, *spatial_shape]``.
    """
    images = []
    for target in targets:
        labels = target.class_map
        if labels is None:
            images.append(torch.full(tuple(spatial_shape), IGNORED, device=target.boxes.device))
            continue
        rows = torch.where(labels >= first, labels.long() - first, IGNORED)
        missing = [
            n for size, own in zip(reversed(tuple(spatial_shape)), reversed(rows.shape)) for n in (0, size - own)
        ]
        images.append(F.pad(rows, missing, value=IGNORED))
    return torch.stack(images)
