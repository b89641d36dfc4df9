"""MOTChallenge's folders: a sequence is a folder with ``gt/gt.txt`` and ``det/det.txt``, or with both in itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskrcnn.files import is_file, is_folder


@dataclass(frozen=True)
class SequenceFolder:
    """A sequence of frames.

    Attributes:
        name: of its folder.
        truth: the file of what is there; None where there is none.
        detections: the file of what a detector found; None where there is none.
    """

    name: str
    truth: Path | None
    detections: Path | None


def sequences_in(path: Path) -> list[SequenceFolder]:
    """The sequences of a folder: itself, or its subfolders in order; none where it is no such folder."""
    if not is_folder(path):
        return []
    own = _sequence(path)
    inside = sorted(entry for entry in path.iterdir() if is_folder(entry)) if own is None else []
    return [own] if own is not None else [found for entry in inside if (found := _sequence(entry)) is not None]


def _sequence(folder: Path) -> SequenceFolder | None:
    truth, detections = (
        next((file for file in (folder / name / f"{name}.txt", folder / f"{name}.txt") if is_file(file)), None)
        for name in ("gt", "det")
    )
    return SequenceFolder(folder.name, truth, detections) if truth or detections else None
