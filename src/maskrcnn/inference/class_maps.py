"""The class map of a file from what a model found in it: its own, or one that is painted from the masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from maskrcnn.inference.whole_parts import with_whole_parts
from maskrcnn.masks.components import class_of_each, connected_parts
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.class_probabilities import BYTE, ClassProbabilities
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances


def class_probabilities_of(found: Instances) -> ClassProbabilities | None:
    """What a head says of every sample; None where the model has no such head."""
    return next((own for own in found.of_image.values() if isinstance(own, ClassProbabilities)), None)


def class_map_of(found: Instances, spatial_shape: Sequence[int]) -> np.ndarray:
    """The class of every sample of a file.

    Args:
        found: what a model found in it, in its coordinates, on the CPU.
        spatial_shape: of the file, tensor order.

    Returns:
        Int16 ``[*S]``, labels 1..K, 0 for no class. Without a head for it samples have the class of the object that
        covers them, of several that with the highest score.
    """
    own = class_probabilities_of(found)
    if own is not None:
        return own.labels().numpy()
    classes = np.zeros(tuple(spatial_shape), dtype=np.int16)
    if found.regions is not None:
        for i in found.scores.argsort(stable=True).tolist():
            classes[found.regions.window_slices(i)][found.regions.window(i)] = int(found.labels[i])
    return classes


def with_parts(found: Instances, info: ModelInfo, spatial_shape: Sequence[int]) -> Instances:
    """What a model that finds no objects has told, as objects: each class, or each connected part of one.

    Args:
        found: in a file.
        info: of the model. Where its label volumes were of classes that are one object each, as organs are, each class
            is one.
        spatial_shape: of the file, tensor order.

    Returns:
        Objects with regions and, as scores, the mean probability of their class; of labels of whole files the parts
        that decide; ``found`` itself of any other model.
    """
    own = class_probabilities_of(found)
    if info.config.finds_objects or own is None:
        return with_whole_parts(found, info)
    classes = class_map_of(found, spatial_shape)
    whole = info.notes.get("labels") == "classes"
    regions = Regions.from_label_map(classes if whole else connected_parts(classes))
    labels = torch.from_numpy(np.asarray(class_of_each(regions, classes), dtype=np.int64))
    scores = torch.tensor([_mean_probability(own, regions, i, int(label)) for i, label in enumerate(labels)])
    boxes = torch.from_numpy(regions.boxes())
    objects = Instances(boxes, labels, scores.float().reshape(-1), regions=regions, of_image=found.of_image)
    return objects[objects.scores.argsort(descending=True, stable=True)]


def _mean_probability(own: ClassProbabilities, regions: Regions, i: int, label: int) -> float:
    """The mean probability of a class over a region, 0..1."""
    values = own.read(regions.window_slices(i))[label - own.first].numpy()
    return float(values[regions.window(i)].mean() / BYTE)
