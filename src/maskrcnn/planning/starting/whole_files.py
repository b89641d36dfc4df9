"""What labels of whole files change about the model that a training starts from."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor, nn

from maskrcnn.config import ModelConfig, WholeHeadConfig
from maskrcnn.data.dataset import Dataset
from maskrcnn.errors import DataError
from maskrcnn.modalities.table import kinds
from maskrcnn.models.mask_rcnn import MaskRCNN

MOST_WEIGHT = 10.0  # of a rare label
SLIM = {1: (16, 32), 3: (8, 24)}  # channels of body and pyramid of a model that begins with random weights, by D
WORD = 7  # bases: as many as a first filter sees
SEEDED = 0.75  # of the first filters
MOST_FILES = 4000  # that are looked through for words
BASES = "ACGT"


def fit_whole(config: ModelConfig, data: Dataset) -> ModelConfig:
    """Make of a model one that says what whole files are, and looks for no objects.

    Args:
        config: of the model to start from.
        data: to train on, with such labels.

    Returns:
        The configuration to train.
    """
    own = config.whole_head or WholeHeadConfig()
    mean, deviation = 0.0, 1.0
    if data.file_labels == "number":
        values = np.array([label[0] for label in file_labels(data) if label is not None], dtype=np.float64)
        mean, deviation = float(values.mean()), float(max(values.std(), 1e-6))
    head = dataclasses.replace(own, kind=data.file_labels, mean=mean, deviation=deviation)
    return dataclasses.replace(
        config,
        num_classes=len(data.class_names),
        box_head=dataclasses.replace(config.box_head, field=None),
        whole_head=head,
        semantic_head=None,
        mask_head=None,
        keypoint_head=None,
        closeup_mask_head=None,
        finds_objects=False,
    )


def slim(config: ModelConfig) -> ModelConfig:
    """A variant for recordings or scans with fewer channels: labels of whole files are few."""
    if config.ndim not in SLIM:
        return config
    width, channels = SLIM[config.ndim]
    return dataclasses.replace(
        config, backbone=dataclasses.replace(config.backbone, width=width, fpn_channels=channels)
    )


def weigh_labels(config: ModelConfig, data: Dataset, by_frequency: bool) -> ModelConfig:
    """Weigh labels by how few files have them: of several, files without by files with; of classes, the mean class by
    its own.

    Args:
        config: of the model.
        data: to train on.
        by_frequency: whether that is wanted.

    Returns:
        The configuration to train.
    """
    weights: tuple[float, ...] = ()
    if by_frequency and data.file_labels != "number":
        labels = np.stack([label for label in file_labels(data) if label is not None])
        have = np.maximum((labels == 1).sum(0), 1)
        ratio = (len(labels) - have) / have if data.file_labels == "labels" else len(labels) / labels.shape[1] / have
        weights = tuple(np.clip(ratio, 1 / MOST_WEIGHT, MOST_WEIGHT).round(3).tolist())
    return dataclasses.replace(config, loss=dataclasses.replace(config.loss, whole_weights=weights))


def file_labels(data: Dataset) -> list[np.ndarray | None]:
    """The labels of each file; None where its record cannot be read."""
    found: list[np.ndarray | None] = []
    for index in range(len(data)):
        try:
            found.append(data[index].file_labels)
        except DataError:
            found.append(None)
    return found


def seed_filters(network: MaskRCNN, data: Dataset) -> list[str]:
    """Begin the first filters of a model of sequences with the words that tell the labels apart.

    A random filter sees nothing of a motif, and a label for a thousand bases is too faint a hint to find one.
    So three quarters of the first filters begin as the words of seven bases that most more files with a label have than
    without it (two-sample z of the proportions, as motif finders seed their search: Bailey 2011, DREME).

    Args:
        network: whose first layer is changed.
        data: to train on; of other kinds than sequences nothing is changed.

    Returns:
        The words, those with the highest z first.
    """
    if kinds()[data.kind].whole_files or data.file_labels == "number":
        return []
    stem = next((layer for layer in network.backbone.body.modules() if isinstance(layer, nn.Conv1d)), None)
    if stem is None or stem.weight.shape[1:] != (len(BASES), WORD):
        return []
    presence, labels = [], []
    for index in range(min(len(data), MOST_FILES)):
        try:
            record = data[index]
            presence.append(words_in(data.read_image(record)))
        except DataError:
            continue
        assert record.file_labels is not None
        labels.append(record.file_labels)
    count = int(SEEDED * len(stem.weight))
    chosen = telling_words(np.stack(presence), np.stack(labels), count)
    with torch.no_grad():
        norm = stem.weight.norm(dim=(1, 2)).mean()
        for row, word in enumerate(chosen):
            pattern = torch.eye(len(BASES))[digits(word)].T - 1 / len(BASES)
            stem.weight[row] = pattern / pattern.norm() * norm
    return ["".join(BASES[k] for k in digits(word)) for word in chosen]


def words_in(bases: Tensor) -> np.ndarray:
    """bool ``[4^7]``: which words occur in a one-hot sequence ``[4, T]``."""
    codes, found = bases.argmax(0).numpy(), np.zeros(len(BASES) ** WORD, dtype=bool)
    if len(codes) >= WORD:
        powers = len(BASES) ** np.arange(WORD)[::-1]
        found[np.lib.stride_tricks.sliding_window_view(codes, WORD) @ powers] = True
    return found


def telling_words(presence: np.ndarray, labels: np.ndarray, count: int) -> list[int]:
    """The words that most more files with a label have than without it.

    Args:
        presence: bool ``[F, words]``.
        labels: ``[F, K]`` of 0 and 1.
        count: of words, shared evenly by the labels.

    Returns:
        Their numbers, the highest z of any label first.
    """
    scores = np.full(presence.shape[1], -np.inf)
    share, each = presence.mean(0), max(count // labels.shape[1], 1)
    for k in range(labels.shape[1]):
        have = labels[:, k] == 1
        if not have.any() or have.all():
            continue
        spread = np.sqrt(np.maximum(share * (1 - share) * (1 / have.sum() + 1 / (~have).sum()), 1e-12))
        z = np.where((share > 0) & (share < 1), (presence[have].mean(0) - presence[~have].mean(0)) / spread, -np.inf)
        best = np.argsort(-z, kind="stable")[:each]
        scores[best] = np.maximum(scores[best], z[best])
    order = np.argsort(-scores, kind="stable")[:count]
    return [int(word) for word in order if np.isfinite(scores[word])]


def digits(word: int) -> list[int]:
    """The bases of a word's number, 0..3 each."""
    return [word // len(BASES) ** k % len(BASES) for k in reversed(range(WORD))]
