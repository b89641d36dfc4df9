"""Masks for pseudo-labels: a trained model's mask head looks into the teacher's boxes and keeps what it is sure of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from everyday_data import Labelled, Photo
from maskrcnn.inference.predictor import Predictor, paste_regions
from maskrcnn.rle import regions_to_rle
from teacher import read_photo

MIN_SIDE = 16.0  # px of a box: a mask of fewer pixels teaches little about outlines
MIN_CERTAINTY = 0.8  # mean probability of the bins inside: people of the val photos then have a mean mask IoU of 0.79
MIN_EXTENT = 0.7  # part of the box's width and height that the mask spans: an object touches all sides of its box
COVER = (0.2, 0.97)  # part of the box that is mask: what fills it all has found no outline


def add_masks(photos: Sequence[Photo], labelled: Iterable[Labelled], names: dict[int, str], model: Path) -> int:
    """Give the pseudo-labels (not the ignored boxes) whose mask is sure a `segmentation`; the number of these."""
    predictor = Predictor.load(model)
    labels = model_labels(predictor, names)
    count = 0
    for photo, (_, own) in zip(photos, labelled, strict=True):
        chosen = [a for a in own if a.get("pseudo") and not a["iscrowd"] and labels[a["category_id"]]]
        count += _add_to_photo(predictor, photo.file, chosen, labels) if chosen else 0
    return count


def model_labels(predictor: Predictor, names: dict[int, str]) -> dict[int, int]:
    """The model's label (1..K) of each category id, by name; 0 for a class whose masks it cannot draw."""
    table = {name: k for k, name in enumerate(predictor.class_names, start=1)}
    agnostic = predictor.model.heads["mask"].class_agnostic
    return {k: table.get(name, 1 if agnostic else 0) for k, name in names.items()}


def _add_to_photo(predictor: Predictor, file: Path, annotations: list[dict[str, Any]], labels: dict[int, int]) -> int:
    image = read_photo(file).permute(2, 0, 1)
    boxes = torch.tensor([a["bbox"] for a in annotations])
    boxes[:, 2:] += boxes[:, :2]
    masks = predictor.mask_probabilities(image, boxes, torch.tensor([labels[a["category_id"]] for a in annotations]))
    sure = is_sure(masks, boxes)
    regions = paste_regions(masks, boxes, tuple(image.shape[1:]), predictor.options.mask_threshold)
    areas = regions.areas()
    for n in sure.nonzero()[:, 0].tolist():
        if areas[n]:
            annotations[n] |= {"segmentation": regions_to_rle(regions, n), "area": int(areas[n])}
    return int(sure.sum())


def is_sure(masks: Tensor, boxes: Tensor) -> Tensor:
    """Bool `[N]`: masks `[N, h, w]` (probabilities over their boxes `[N, 4]`, px) that are good enough to teach."""
    inside = masks >= 0.5
    area = inside.flatten(1).sum(1)
    certainty = (masks * inside).flatten(1).sum(1) / area.clamp(min=1)
    cover = area / masks[0].numel() if len(masks) else area
    spans = [inside.any(axis).float().mean(1) for axis in (1, 2)]  # of bins along x, along y
    large = (boxes[:, 2:] - boxes[:, :2]).amin(1) >= MIN_SIDE
    covers = (cover >= COVER[0]) & (cover <= COVER[1])
    return large & covers & (certainty >= MIN_CERTAINTY) & (torch.stack(spans).amin(0) >= MIN_EXTENT)
