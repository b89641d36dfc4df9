"""How many examples each class has, and whether train and val speak of the same ones."""

from __future__ import annotations

import numpy as np

from maskrcnn.workflows.doctor.findings import Finding, finding
from maskrcnn.workflows.doctor.survey import Survey

FEW = 20  # objects from which a class that begins from a trained model is learned at all


def class_counts(found: Survey) -> dict[str, int]:
    """Objects of each class, crowds not counted."""
    names = found.dataset.class_names
    labels = np.concatenate(found.labels) if found.labels else np.zeros(0, np.int64)
    counts = np.bincount(labels, minlength=len(names) + 1)[1:]
    return dict(zip(names, counts.tolist()))


def class_findings(found: Survey, data: str) -> list[Finding]:
    """Nothing labelled, or, in training data, classes that are named and rarely or never labelled."""
    counts, total = class_counts(found), len(found.dataset.class_names)
    if not any(counts.values()):
        return [finding("nothing-labelled", data, [], count=len(found.names))]
    empty = [name for name, count in counts.items() if count == 0]
    few = [f"{name}: {count}" for name, count in counts.items() if 0 < count < FEW]
    codes = (("class-empty", empty), ("class-few", few)) if data == "train" else ()
    return [finding(code, data, lines, total) for code, lines in codes if lines]


def differing_classes(train: Survey, val: Survey) -> list[Finding]:
    """Classes with objects in val that train does not know."""
    known = set(train.dataset.class_names)
    unknown = [f"{name}: {count}" for name, count in class_counts(val).items() if count and name not in known]
    return [finding("classes-differ", "val", unknown, len(val.dataset.class_names))] if unknown else []
