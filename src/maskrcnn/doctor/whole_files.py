"""What is wrong with labels of whole files: what a model could learn instead of what is meant, and too few of them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.doctor.findings import Finding, finding
from maskrcnn.evaluation.whole import auc
from maskrcnn.structures import Record

TELLS = 0.95  # AUC or rank correlation from which on something gives a label away
FEWEST_FILES = 8  # below, nothing gives anything away: it may be chance
FEW_OF_A_LABEL = 10  # files below which a label is hard to learn and cannot be measured


def whole_findings(data: Dataset, name: str) -> list[Finding]:
    """What is wrong with one set of labelled files.

    Args:
        data: with labels of whole files.
        name: ``train`` or ``val``.

    Returns:
        The findings.
    """
    found = []
    if data.problems:
        found.append(finding("file-label", name, list(data.problems), len(data) + len(data.problems)))
    if told := leaks(data):
        found.append(finding("label-leak", name, told))
    if data.file_labels != "number":
        rare = [f"{label}: {n}" for label, n in label_counts(data).items() if n < FEW_OF_A_LABEL]
        if rare:
            found.append(finding("label-rare", name, rare, len(data.class_names)))
    return found


def label_counts(data: Dataset) -> dict[str, int]:
    """How many files have each label."""
    values = np.stack([record.file_labels for record in data if record.file_labels is not None])
    return dict(zip(data.class_names, (values == 1).sum(0).tolist()))


def leaks(data: Dataset) -> list[str]:
    """What of the files gives their labels away: their folders, the words and numbers in their names, how large they
    are.

    Args:
        data: with labels of whole files.

    Returns:
        A sentence for each.
    """
    records = list(data)
    if len(records) < FEWEST_FILES:
        return []
    values = np.stack([record.file_labels for record in records if record.file_labels is not None])
    found = []
    for k, label in enumerate(data.class_names):
        own = values[:, k] if data.file_labels == "number" else values[:, k] == 1
        found += [_sentence(what, label, fix) for what, fix in _telling(records, own, data.file_labels == "number")]
    return list(dict.fromkeys(found))


def _sentence(what: str, label: str, fix: str) -> str:
    return f"{what} of a file gives its label away ({label}): {fix}"


SEEN = (
    "a model can see that, and learn it instead of what is meant; choose files that do not differ in it, or cut them "
    "alike."
)
NAMED = (
    "the label may only say where a file came from (a machine, a day, a patient), which its samples show as well; mix "
    "the sources, and hold one out with --val."
)


def _telling(records: list[Record], own: np.ndarray, is_number: bool) -> list[tuple[str, str]]:
    lengths = np.array([float(np.prod(record.spatial_shape or (1,))) for record in records])
    numbers = np.array([_number(record.file_name) for record in records])
    found = []
    if _tells(lengths, own, is_number):
        found.append(("The size", SEEN))
    if _tells(numbers, own, is_number):
        found.append(("The number in the name", NAMED))
    if not is_number:
        for what, groups in (
            ("The folder", [str(Path(record.source).parent) for record in records]),
            ("The name", [_word(record.file_name) for record in records]),
        ):
            if _groups_tell(groups, own):
                found.append((what, NAMED))
    return found


def _tells(values: np.ndarray, own: np.ndarray, is_number: bool) -> bool:
    """Whether values order the files by their label."""
    if not np.isfinite(values).all() or len(np.unique(values)) < 2:
        return False
    if is_number:
        return bool(abs(np.corrcoef(_ranks(values), _ranks(own))[0, 1]) >= TELLS)
    area = auc(values, own)
    return area is not None and max(area, 1 - area) >= TELLS


def _groups_tell(groups: list[str], own: np.ndarray) -> bool:
    """Whether files of one group have one label, where groups are several files each."""
    counts = Counter(groups)
    if not 2 <= len(counts) <= len(groups) / 2 or own.all() or not own.any():
        return False
    right = sum(max(c := sum(o for g, o in zip(groups, own) if g == group), n - c) for group, n in counts.items())
    usual = max(own.sum(), len(own) - own.sum())
    return bool(right / len(own) >= TELLS > usual / len(own))


def _ranks(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: np.ndarray = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks


def _number(name: str) -> float:
    found = re.findall(r"\d+", Path(name).name.split(".")[0])
    return float(found[-1][:15]) if found else float("nan")


def _word(name: str) -> str:
    """The name without numbers."""
    return re.sub(r"\d+", "", Path(name).name.split(".")[0])
