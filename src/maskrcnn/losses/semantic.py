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
    weights = log_probability.new_tensor(config.class_weights or (1.0,) * logits.shape[1])
    entropies, counts, dice, classes = [], 0, [], 0
    for image, (own, labelled) in enumerate(zip(log_probability, rows)):
        known = labelled != IGNORED
        inside, row = own[:, known], labelled[known]  # [C, n], [n]
        said = inside.gather(0, row[None])[0]
        others = list(unsearched[image]) if unsearched is not None else []
        maybe = row == BACKGROUND if others else torch.zeros_like(row, dtype=torch.bool)
        if others:
            said = torch.where(maybe, inside[[BACKGROUND, *others]].logsumexp(0), said)
        entropy = -said * weights[row]
        if config.hardest < 1:
            entropy = entropy.topk(math.ceil(config.hardest * len(entropy)), sorted=False).values
        entropies.append(entropy.sum())
        counts += len(entropy)
        if config.dice:
            losses = _dice(inside[:, ~maybe], row[~maybe])
            dice.append(losses.sum())
            classes += len(losses)
    terms = {"entropy": Term(torch.stack(entropies).sum(), counts)}
    if config.dice:
        terms["dice"] = Term(config.dice * torch.stack(dice).sum(), classes)
    return terms


def _dice(log_probability: Tensor, row: Tensor) -> Tensor:
    """The Dice loss of each class that is labelled in an image, from ``[C, n]`` and the true rows ``[n]``."""
    count = len(log_probability)
    both = log_probability.new_zeros(count).index_add(0, row, log_probability.gather(0, row[None])[0].exp())
    true = torch.bincount(row, minlength=count)
    losses = 1 - (2 * both + 1) / (log_probability.exp().sum(1) + true + 1)
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
