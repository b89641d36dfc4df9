"""Labelled videos of either layout as one: their frames, and which objects are where in each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hotcoco import mask as coco_mask

from maskrcnn.data.parsing.numbers import whole_number
from maskrcnn.data.parsing.text import read_json
from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_file, is_folder
from maskrcnn.regions import Regions
from maskrcnn.rle import decode_masks
from maskrcnn.video.labelled.layout import (
    FRAMES,
    SUFFIXES,
    VIDEOS,
    LabelledSequence,
    labelled_sequences,
    youtube_vis_file,
)
from maskrcnn.video.labelled.read import read_numbers

Truth = tuple[np.ndarray, Regions]  # the numbers of G objects, int64 [G], no two alike, and what each covers


@dataclass(frozen=True)
class LabelledVideo:
    """A video whose objects are numbered.

    Attributes:
        name: of the video.
        frames: the file, the folder of its frames, or each of these; None where they are missing.
        length: how many frames are labelled.
        truth: of a frame, from 0, and its height and width: its objects; None where the frame was not labelled. It
            raises DataError where the labels cannot be read, or are of another size.
    """

    name: str
    frames: Path | tuple[Path, ...] | None
    length: int
    truth: Callable[[int, tuple[int, int]], Truth | None]


def labelled_videos(path: Path) -> list[LabelledVideo]:
    """The videos of a folder, see :mod:`maskrcnn.video.labelled.layout`, or of YouTube-VIS's json.

    Raises:
        DataError: the json is none of YouTube-VIS.
    """
    file = youtube_vis_file(path)
    if file is not None:
        return _of_json(file)
    return [_of_pictures(sequence) for sequence in labelled_sequences(path)]


def _of_pictures(sequence: LabelledSequence) -> LabelledVideo:
    pictures = sequence.pictures()

    def truth(frame: int, shape: tuple[int, int]) -> Truth | None:
        if frame not in pictures:
            return None
        numbers = read_numbers(pictures[frame])
        _same_size(str(pictures[frame]), numbers.shape, shape)
        values = np.unique(numbers)
        return values[values != 0], Regions.from_label_map(numbers)

    return LabelledVideo(sequence.name, sequence.frames, len(pictures), truth)


def _same_size(what: str, labelled: Sequence[int], shown: Sequence[int]) -> None:
    if tuple(labelled) != tuple(shown):
        raise DataError(
            f"{what} is of {labelled[1]} x {labelled[0]} pixels, but its frame has {shown[1]} x {shown[0]}: "
            "label the frames as they are."
        )


def _of_json(path: Path) -> list[LabelledVideo]:
    content = read_json(path)
    try:
        videos, annotations = content["videos"], content["annotations"]
        tracks: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for annotation in annotations:
            if not annotation.get("iscrowd"):
                tracks[annotation["video_id"]].append(annotation)
        return [_of_entry(path, video, tracks[video["id"]]) for video in videos]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is no json of YouTube-VIS ({error}): it needs videos, and annotations with video_id, id and "
            "segmentations."
        ) from error


def _of_entry(path: Path, video: Mapping[str, Any], tracks: Sequence[Mapping[str, Any]]) -> LabelledVideo:
    length = max((len(track["segmentations"]) for track in tracks), default=0)
    length = max(length, whole_number(video.get("length")) or 0, len(video.get("file_names") or ()))
    names = video.get("file_names") or video.get("file_name") or video.get("name") or str(video["id"])
    name = Path(str(names[0])).parent.as_posix() if isinstance(names, list) else Path(str(names)).stem
    frames = _frames(path.parent, [str(own) for own in names] if isinstance(names, list) else str(names))
    return LabelledVideo(name, frames, length, partial(_truth, path, tracks, length))


def _truth(
    path: Path, tracks: Sequence[Mapping[str, Any]], length: int, frame: int, shape: tuple[int, int]
) -> Truth | None:
    """The objects of a frame of YouTube-VIS."""
    if frame >= length:
        return None
    numbers, counts = [], []
    for place, track in enumerate(tracks, 1):
        masks = track["segmentations"]
        if frame < len(masks) and masks[frame] is not None:
            numbers.append(whole_number(track.get("id")) or place)
            counts.append(_counts(path, masks[frame], shape))
    if len(set(numbers)) < len(numbers):
        raise DataError(f"{path} has a number twice in frame {frame}: each object has one of its own.")
    try:
        return np.array(numbers, np.int64), decode_masks(counts, shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{path}: a mask of frame {frame} cannot be read ({error}); write it again.") from error


def _counts(path: Path, mask: Any, shape: tuple[int, int]) -> bytes:
    """Compressed run lengths of a mask in either form of COCO."""
    if not isinstance(mask, dict) or "counts" not in mask or not isinstance(mask.get("size"), list):
        raise DataError(f"{path}: a mask is no run lengths; write segmentations with size and counts.")
    _same_size(f"A mask of {path}", mask["size"], shape)
    if isinstance(mask["counts"], list):
        packed: bytes = coco_mask.frPyObjects({"size": list(shape), "counts": mask["counts"]}, *shape)["counts"]
        return packed
    return str(mask["counts"]).encode("ascii", "replace")


def _frames(folder: Path, names: list[str] | str) -> Path | tuple[Path, ...] | None:
    """Where the frames of a video of YouTube-VIS are: pictures in ``JPEGImages``, a folder of them, or a video file."""
    places = [folder, folder / FRAMES, folder.parent / FRAMES, folder / VIDEOS]
    if isinstance(names, list):
        return next((tuple(place / own for own in names) for place in places if exists(place / names[0])), None)
    known = bool(Path(names).suffix)
    files = [place / (names if known else f"{names}{suffix}") for place in places for suffix in SUFFIXES]
    folders = [place / names for place in places]
    return next((path for path in files if is_file(path)), next((path for path in folders if is_folder(path)), None))
