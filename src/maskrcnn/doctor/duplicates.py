"""Duplicate pictures: within one data set, or leaked from train to val."""

from __future__ import annotations

import numpy as np

from maskrcnn.doctor.findings import Finding, finding
from maskrcnn.doctor.survey import Survey
from maskrcnn.modalities.images.duplicates import alike_pairs, mirrored

WORTHLESS = 0.2  # part of val that is also in train from which val measures nothing


def duplicates(found: Survey, data: str) -> list[Finding]:
    """Pictures of one data set that show the same, also mirrored or saved anew."""
    pairs = same_pictures(found)
    names = [f"{found.names[i]} and {found.names[j]}{how}" for i, j, how in pairs]
    return [finding("image-duplicate", data, names, len(found.names))] if pairs else []


def leakage(train: Survey, val: Survey) -> list[Finding]:
    """Pictures that are in both, by what they show or, of other pictures, by their source."""
    pairs = same_pictures(train, val)
    total = len(val.names)
    findings = []
    for code, lines, hit in (
        (
            "same-picture",
            [f"{train.names[i]} (train) and {val.names[j]} (val){how}" for i, j, how in pairs],
            {j for _, j, _ in pairs},
        ),
        *_shared_sources(train, val, {(i, j) for i, j, _ in pairs}),
    ):
        if lines:
            severity = "error" if len(hit) > max(WORTHLESS * total, 1) else "warning"
            findings.append(finding(code, "both", lines, total, len(hit), severity=severity))
    return findings


def same_pictures(first: Survey, second: Survey | None = None) -> list[tuple[int, int, str]]:
    """Images of ``second``, or of ``first`` itself, that were in ``first`` (before): each with one of those that show
    the same, as position there, own position, and words of how they differ."""
    own = second is None
    other = first if second is None else second
    rows, columns = _seen(first), _seen(other)
    if not rows or not columns:
        return []
    left, right = _thumbnails(first, rows), _thumbnails(other, columns)
    words: dict[int, tuple[int, str]] = {}
    for i, j in alike_pairs(mirrored(left), right, own):
        words[columns[j]] = (rows[i], ", mirrored")
    for i, j in alike_pairs(left, right, own):
        words[columns[j]] = (rows[i], "")
    for i, j in _equal_contents(first, second):
        words[j] = (i, "")
    return [(i, j, how) for j, (i, how) in sorted(words.items())]


def _equal_contents(first: Survey, second: Survey | None) -> list[tuple[int, int]]:
    """Pairs of images of exactly the same samples, also where these are too plain for a comparison; none that are
    blank."""
    places: dict[bytes, list[int]] = {}
    for index, seen in enumerate(first.imprints):
        if seen is not None and not seen.is_blank():
            places.setdefault(seen.content, []).append(index)
    if second is None:
        return [(i, j) for same in places.values() for i, j in zip(same, same[1:])]
    return [(i, j) for j, seen in enumerate(second.imprints) if seen is not None for i in places.get(seen.content, [])]


def _shared_sources(train: Survey, val: Survey, known: set[tuple[int, int]]) -> list[tuple[str, list[str], set[int]]]:
    """Pairs of pictures of one source name that do not show the same, as one row for :func:`leakage`."""
    places: dict[str, list[int]] = {}
    for i, source in enumerate(train.origins):
        if source is not None:
            places.setdefault(source, []).append(i)
    lines, hit = [], set()
    for j, source in enumerate(val.origins):
        for i in places.get(source, []) if source is not None else []:
            if (i, j) not in known:
                lines.append(f"{train.names[i]} (train) and {val.names[j]} (val)")
                hit.add(j)
    return [("same-source", lines, hit)]


def _seen(found: Survey) -> list[int]:
    return [index for index, seen in enumerate(found.imprints) if seen is not None]


def _thumbnails(found: Survey, positions: list[int]) -> np.ndarray:
    return np.stack([seen.thumbnail for k in positions if (seen := found.imprints[k]) is not None])
