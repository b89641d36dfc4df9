"""Class balance: how many examples each class has, and classes that train and val do not share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskrcnn.data.class_maps.tasks import has_maps_alone
from maskrcnn.doctor.class_maps import sample_findings, unseen_classes
from maskrcnn.doctor.findings import Finding, finding
from maskrcnn.doctor.survey import Survey

FEW = 20  # objects from which a class that begins from a trained model is learned at all
CROWD = (
    "A crowd (iscrowd 1) stands for objects that nobody separated: nothing is learned from it or judged by it. CVAT "
    "marks whatever was painted with its brush so."
)
NO_CROWD = "where each is one object, set iscrowd to 0, or export polygons instead of masks."


def class_counts(found: Survey) -> dict[str, int]:
    """Objects of each class, crowds not counted; of class maps samples."""
    if has_maps_alone(found.dataset):
        return found.labelled().classes()
    return _counts(found.dataset.class_names, found.labels)


def crowd_counts(found: Survey) -> dict[str, int]:
    """Crowds of each class."""
    return _counts(found.dataset.class_names, found.crowds)


def _counts(names: Sequence[str], labels: list[np.ndarray]) -> dict[str, int]:
    joined = np.concatenate(labels) if labels else np.zeros(0, np.int64)
    return dict(zip(names, np.bincount(joined, minlength=len(names) + 1)[1:].tolist()))


def class_findings(found: Survey, data: str) -> list[Finding]:
    """Nothing labelled, or, in training data, classes that are named and rarely or never labelled."""
    if has_maps_alone(found.dataset):
        return sample_findings(found.labelled(), data)
    counts, total = class_counts(found), len(found.dataset.class_names)
    crowds = crowd_counts(found)
    only_crowds = [f"{name}: {crowds[name]}" for name, count in counts.items() if crowds[name] and not count]
    findings = [finding("class-crowd", data, only_crowds, total, why=CROWD, fix=NO_CROWD)] if only_crowds else []
    if not any(counts.values()):
        return [*findings, finding("nothing-labelled", data, [], count=len(found.names))]
    empty = [name for name, count in counts.items() if count == 0 and not crowds[name]]
    few = [f"{name}: {count}" for name, count in counts.items() if 0 < count < FEW]
    codes = (("class-empty", empty), ("class-few", few)) if data == "train" else ()
    return findings + [finding(code, data, lines, total) for code, lines in codes if lines]


def differing_classes(train: Survey, val: Survey) -> list[Finding]:
    """Classes with objects in val that train does not know."""
    if has_maps_alone(val.dataset):
        return unseen_classes(train.labelled(), val.labelled())
    known = set(train.dataset.class_names)
    unknown = [f"{name}: {count}" for name, count in class_counts(val).items() if count and name not in known]
    return [finding("classes-differ", "val", unknown, len(val.dataset.class_names))] if unknown else []
