"""Begins a head for labels of whole files with places that tell the labels apart.

Where one place of thousands decides, attention that begins as the mean over all of them has next to no gradient: the
features of the other places are noise beside its own. With a body that has learned, its features can be searched
instead. Every place of a file with a label is tried as an example: how like it is the likest place of each file? Those
are kept whose files with the label have likelier places than the files without (MILES, Chen et al. 2006). Likeness is a
product of whitened features, which makes of one example a linear classifier (Hariharan et al. 2012), and a linear
classifier is a row of the head. From there the head learns on the features as they are, which costs a hundredth of
steps through the body; the training goes on with varied samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.transforms.regrid import whole_file
from maskrcnn.errors import DataError
from maskrcnn.evaluation.whole import auc
from maskrcnn.inference.predictor import Predictor
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import heads_of
from maskrcnn.models.heads.whole import DROPPED, WholeHead, whole_loss
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.ops.nd import interpolate

LARGEST = 1 << 20  # samples of the model that are looked at
MOST_FILES = 400  # that are looked through
FIRST = 32  # of them, of which the statistics of places are taken
PLACES, MEMORY = 4000, 1 << 29  # of a file at most; numbers that are kept of all files together
STEPS, BATCH, LEARNING_RATE = 100, 8, 2e-3  # of learning on features; files in a step
EXAMPLES = 2000  # that are tried for each label
DIRECTIONS = 32  # of the features, those that vary most
EACH, FEWEST = 16, 4  # examples kept for a label; for so many labels that there is no room for the fewest none are
ALIKE = 0.9  # cosine: a second example that is more alike says nothing new
SCORE = 4.0  # a file's logit where all examples of a label are met in full


@dataclass(frozen=True)
class Examples:
    """The examples that tell one label.

    Attributes:
        directions: float ``[E, C]``: whose product with a place's features says how like the example the place is.
        offsets: float ``[E]``: added to that, so that 0 is halfway to what files without the label reach, and 1 what
            files with the label reach, on average.
        aucs: of each, over the files that it was found in.
    """

    directions: Tensor
    offsets: Tensor
    aucs: tuple[float, ...]


def begin_with_places(network: MaskRCNN, info: ModelInfo, data: Dataset) -> list[float]:
    """Begin a head for labels of whole files with the places that tell the labels apart; of numbers, and of more labels
    than the head has room for, nothing is changed.

    Args:
        network: whose body has learned, and whose new head is changed.
        info: of the model.
        data: to train on.

    Returns:
        Of each label the AUC of its best example, among the files that it was found in.
    """
    head = dict(heads_of(network).items()).get("whole")
    if not isinstance(head, WholeHead) or head.own.kind == "number":
        return []
    each = min(EACH, head.own.width // 2 // network.config.num_classes)
    if each < FEWEST:
        return []
    looks = Looks(Predictor(network.eval(), info), head, data)
    features = list(looks.features(MOST_FILES))
    first, labels = torch.cat([own.float() for own in features[:FIRST]]), np.stack(looks.labels)
    center, whitening = whitened(first)
    places = [(own.float() - center) @ whitening for own in features]
    found = [telling(places, labels[:, k] == 1, each) for k in range(labels.shape[1])]
    if any(examples is not None for examples in found):
        _to_unit(head, first)
    for k, examples in enumerate(found):
        if examples is not None:
            _begin(head, k, k * each, examples, center, whitening)
    if any(examples is not None for examples in found):
        _learn(head, features, torch.from_numpy(labels))
    return [max(examples.aucs) for examples in found if examples is not None]


class Looks:
    """What a model's pyramid says at places of files, the same places whenever they are asked for.

    Args:
        predictor: prepares files as the model sees them.
        head: at whose places.
        data: the files.
    """

    def __init__(self, predictor: Predictor, head: WholeHead, data: Dataset) -> None:
        self.predictor, self.head, self.data = predictor, head, data
        self.labels: list[np.ndarray] = []

    @torch.no_grad()
    def features(self, most: int) -> Iterator[Tensor]:
        """Of each of the first ``most`` files that can be read, in a shuffled order: float16 ``[places, C]`` of all
        levels. ``labels`` are theirs."""
        self.labels = []
        for index in np.random.default_rng(0).permutation(len(self.data))[:most]:
            try:
                record = self.data[int(index)]
                image = self.data.read_image(record)
            except DataError:
                continue
            assert record.file_labels is not None
            self.labels.append(record.file_labels)
            yield self._of(image, record.spacing, int(index))

    def _of(self, image: Tensor, spacing: tuple[float, ...] | None, index: int) -> Tensor:
        batch, _ = self.predictor.prepare(whole_file(image, self.predictor.preprocess), spacing)
        ndim = batch.tensor.ndim - 2
        within: Any = (..., *[slice(round(LARGEST ** (1 / ndim)))] * ndim)
        levels = self.predictor.model.backbone(batch.tensor[within])
        levels = [levels[k] for k in self.head.levels]
        grid = levels[0].shape[2:]
        joined = torch.cat([levels[0], *(interpolate(level, grid) for level in levels[1:])], 1)[0]
        counts = (min(-(-n // step), side) for n, step, side in zip(batch.spatial_shapes[0], self.head.stride, grid))
        there: Any = (slice(None), *map(slice, counts))
        rows = joined[there].flatten(1).T.half()
        most = min(PLACES, MEMORY // (min(len(self.data), MOST_FILES) * rows.shape[1]))
        if len(rows) > most:
            rows = rows[np.sort(np.random.default_rng(index).choice(len(rows), most, replace=False))]
        return rows


def whitened(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The mean ``[C]`` of rows ``[N, C]``, and the matrix ``[C, D]`` that gives what is off it unit covariance, along
    the directions of most variance."""
    center = rows.mean(0)
    variances, axes = torch.linalg.eigh(torch.cov((rows - center).T).double())
    variances, axes = variances[-DIRECTIONS:], axes[:, -DIRECTIONS:]
    return center, (axes / variances.clamp(min=1e-6 * float(variances[-1]) + 1e-12).sqrt()).float()


def telling(places: list[Tensor], there: np.ndarray, count: int) -> Examples | None:
    """The examples that tell best which files have a label.

    An example's own file does not count for it: its own place is there, whatever it shows.

    Args:
        places: of each file ``[P, D]``, whitened.
        there: bool ``[F]``: which files have the label.
        count: E at most.

    Returns:
        The examples, in whitened features, those of the highest AUC first; None where fewer than two files have the
        label or none lacks it.
    """
    positive = np.flatnonzero(there)
    if len(positive) < 2 or there.all():
        return None
    owners = np.concatenate([np.full(len(places[i]), i) for i in positive])
    tried = np.random.default_rng(0).permutation(len(owners))[:EXAMPLES]
    rows = torch.cat([places[i] for i in positive])[tried]
    rows, owners = rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-12), owners[tried]
    likest = torch.stack([(own @ rows.T).amax(0) for own in places]).numpy()  # [F, tried]
    others = np.arange(len(places))[:, None] != owners
    aucs = np.array([auc(likest[own, e], there[own]) or 0.0 for e, own in enumerate(others.T)])
    chosen: list[int] = []
    for e in np.argsort(-aucs, kind="stable").tolist():
        if len(chosen) < count and all(float(rows[e] @ rows[other]) < ALIKE for other in chosen):
            chosen.append(e)
    reached = np.array([likest[others[:, e] & there, e].mean() for e in chosen])
    half = 0.5 * likest[~there][:, chosen].mean(0)
    scale = torch.from_numpy(1 / np.maximum(reached - half, 1e-6)).float()
    offsets = -torch.from_numpy(half).float() * scale
    return Examples(rows[chosen] * scale[:, None], offsets, tuple(aucs[chosen].tolist()))


@torch.no_grad()
def _to_unit(head: Any, rows: Tensor) -> None:
    """Scale the random channels of a head to mean 0 and deviation 1 over places ``[N, C]``, before their ReLU, so that
    they neither drown the examples nor lag behind them (LSUV, Mishkin and Matas 2016)."""
    weight = torch.cat([lateral.weight.flatten(1) for lateral in head.laterals], 1)
    values = rows @ weight.T
    scale = 1 / values.std(0).clamp(min=1e-6)
    for lateral in head.laterals:
        lateral.weight *= scale.reshape(-1, *(1,) * (lateral.weight.ndim - 1))
        lateral.bias.zero_()
    head.laterals[0].bias.copy_(-values.mean(0) * scale)


@torch.no_grad()
def _begin(head: Any, label: int, first: int, examples: Examples, center: Tensor, whitening: Tensor) -> None:
    """Make channels of a head say how like examples a place is, and a label's score and attention rise with them.

    Args:
        head: is changed.
        label: 0..K - 1.
        first: of the channels.
        examples: of the label, in whitened features.
        center: ``[C]`` of the features of all levels, one after another.
        whitening: ``[C, D]``.
    """
    directions = examples.directions @ whitening.T
    rows = slice(first, first + len(directions))
    for lateral, weight in zip(head.laterals, directions.chunk(len(head.laterals), 1)):
        lateral.weight[rows] = weight.reshape(*weight.shape, *(1,) * (lateral.weight.ndim - 2))
        lateral.bias[rows] = 0
    head.laterals[0].bias[rows] = examples.offsets - directions @ center
    for k in range(rows.start, rows.stop):
        head.shown.weight[k], head.shown.bias[k] = 0, 0
        head.shown.weight[k, k], head.gate.weight[k], head.gate.bias[k] = 1, 0, 1
    head.attention.weight[label, rows] = 1
    head.scores.weight[label] = 0
    head.scores.weight[label, rows], head.scores.bias[label] = SCORE / len(directions), -0.5


@torch.enable_grad()
def _learn(head: Any, features: list[Tensor], labels: Tensor) -> None:
    """Let a head learn on features that stay as they are.

    Args:
        head: is changed.
        features: of each file ``[places, C]``.
        labels: ``[F, K]``.
    """
    optimizer = torch.optim.AdamW(head.parameters(), LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS)
    random = np.random.default_rng(0)
    for _ in range(STEPS):
        weight = torch.cat([lateral.weight.flatten(1) for lateral in head.laterals], 1)
        bias = torch.stack([lateral.bias for lateral in head.laterals]).sum(0)
        chosen = random.integers(0, len(features), BATCH)
        logits = []
        for i in chosen:
            hidden = F.relu(weight @ features[i].float().T + bias[:, None])
            kept = torch.from_numpy(random.random(len(hidden)) >= DROPPED) / (1 - DROPPED)
            grid = (len(features[i]), *(1,) * (len(head.stride) - 1))
            scores, attention = head((hidden * kept[:, None]).reshape(1, -1, *grid))
            logits.append(head.evidence(scores, attention, grid).logits()[0])
        loss = whole_loss(torch.stack(logits), list(labels[chosen]), head.own, head.weights)
        optimizer.zero_grad()
        loss.mean().backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    optimizer.zero_grad(set_to_none=True)
