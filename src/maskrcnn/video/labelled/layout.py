"""Folders of labelled sequences: which there are, without opening any.

A folder has ``videos/NAME.mp4`` (or a folder ``videos/NAME`` or ``NAME`` of frames), ``instances/NAME/NNNNN.png`` with
the number of the object at each pixel, 0 for none, frame 0 first, and ``classes.json``, the class name of each number.
Where ``instances`` is named ``masks``, as in DAVIS, it is read alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskrcnn.files import is_file, is_folder

VIDEOS, LABELS, CLASSES = "videos", ("instances", "masks"), "classes.json"
SUFFIXES = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".gif")
MASK = ".png"
FRAMES = "JPEGImages"  # in YouTube-VIS: a folder of frames for each video


@dataclass(frozen=True)
class LabelledSequence:
    """A sequence of frames with a picture of numbers for each.

    Attributes:
        name: of its folder of labels.
        frames: the video, or the folder of its frames; None where there is neither.
        labels: the folder of pictures of numbers.
    """

    name: str
    frames: Path | None
    labels: Path

    def pictures(self) -> dict[int, Path]:
        """The picture of numbers of each frame that has one, by the number in its name."""
        named = (
            path for path in sorted(self.labels.iterdir()) if path.suffix.lower() == MASK and path.stem.isdecimal()
        )
        return {int(path.stem): path for path in named}


def labelled_sequences(folder: Path) -> list[LabelledSequence]:
    """The sequences of a folder in the order of their names; none where it is no such folder."""
    inside = next((folder / name for name in LABELS if is_folder(folder / name)), None)
    if inside is None:
        return []
    named = sorted(entry for entry in inside.iterdir() if is_folder(entry) and not entry.name.startswith("."))
    beside = inside.name != LABELS[-1]  # masks/train beside train/ is a split of another layout
    found = [LabelledSequence(entry.name, _frames(folder, entry.name, beside), entry) for entry in named]
    return found if any(sequence.frames for sequence in found) else []


def _frames(folder: Path, name: str, beside: bool) -> Path | None:
    videos = [folder / VIDEOS / f"{name}{suffix}" for suffix in SUFFIXES]
    folders = [folder / VIDEOS / name, *([folder / name] if beside else [])]
    found = [path for path in videos if is_file(path)] + [path for path in folders if is_folder(path)]
    return found[0] if found else None


def youtube_vis_file(path: Path) -> Path | None:
    """The file of YouTube-VIS at ``path``, or of the folder ``path`` with ``JPEGImages``; None where it is neither."""
    if is_file(path):
        return path if path.suffix.lower() == ".json" and _has_videos(path) else None
    if not is_folder(path) or not is_folder(path / FRAMES):
        return None
    written = [*sorted(path.glob("*.json")), *sorted(path.glob("annotations/*.json"))]
    return next((file for file in written if _has_videos(file)), None)


def _has_videos(path: Path) -> bool:
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return b'"videos"' in content and b'"segmentations"' in content


def has_labelled_videos(path: Path) -> bool:
    """Whether ``path`` is what :mod:`maskrcnn.video.labelled.videos` opens."""
    return bool(labelled_sequences(path)) or youtube_vis_file(path) is not None
