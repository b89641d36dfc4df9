"""``NAME.json``: tracks in the form of YouTube-VIS, written track by track."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from maskrcnn.data.coco_keypoints import to_coco_keypoints
from maskrcnn.files import atomic_write
from maskrcnn.model_info import ModelInfo
from maskrcnn.video.writing.spool import read_lines
from maskrcnn.video.writing.tracks import Sighting, TrackStore, classes_of, stored

NOTHING = "null"


@dataclass(frozen=True)
class Video:
    """What a file of tracks says of its video.

    Attributes:
        name: of its file.
        size: height and width of a frame.
        rate: frames a second, on average.
        frame_names: of the files of its frames, by index, where it lies in such.
    """

    name: str
    size: tuple[int, int]
    rate: float
    frame_names: tuple[str, ...] = ()


def write_youtube_vis(path: Path, spool: Path, numbers: Mapping[int, int], video: Video, info: ModelInfo) -> None:
    """Write what was followed.

    ``videos`` has one entry: ``id`` 1, ``file_name``, ``height``, ``width``, ``length`` (frames that were looked at),
    ``fps``, and of each of these frames its place in the file (``frame_indices``, from 0) and its second (``times``);
    ``file_names`` where each frame has a file. ``annotations`` has an entry a track, whose lists have an item a frame.

    Args:
        path: of the file.
        spool: the frames of the video.
        numbers: of the objects that count, by the tracker's number.
        video: what is said of it.
        info: of the model: classes and points.
    """
    classes = classes_of(spool, numbers)
    with atomic_write(path) as beside, beside.open("w", encoding="utf-8") as file, stored(spool, numbers) as store:
        file.write('{"info": {"description": "objects followed by maskrcnn"},\n"videos": [')
        length = _write_video(file, spool, video)
        file.write('],\n"categories": ' + json.dumps(categories_of(info), ensure_ascii=False))
        file.write(',\n"annotations": [')
        for k, number in enumerate(store.numbers()):
            file.write(",\n" if k else "\n")
            _write_track(file, store, number, classes[number], length, video, info)
        file.write("\n]}\n")


def _write_video(file: TextIO, spool: Path, video: Video) -> int:
    """Write the entry of the video; the number of its frames."""
    length = sum(1 for _ in read_lines(spool))
    head = {"id": 1, "file_name": video.name, "height": video.size[0], "width": video.size[1], "length": length}
    head["fps"] = round(video.rate, 4)
    file.write(json.dumps(head, ensure_ascii=False)[:-1])
    _write_list(file, "frame_indices", (str(line["frame"]) for line in read_lines(spool)))
    _write_list(file, "times", (str(round(line["time"], 4)) for line in read_lines(spool)))
    if video.frame_names:
        names = (json.dumps(video.frame_names[line["frame"]], ensure_ascii=False) for line in read_lines(spool))
        _write_list(file, "file_names", names)
    file.write("}")
    return length


def categories_of(info: ModelInfo) -> list[dict[str, Any]]:
    """Classes, with their points where there are such, as COCO lists them."""
    ids = info.category_ids or tuple(range(1, len(info.class_names) + 1))
    categories: list[dict[str, Any]] = [{"id": own, "name": name} for own, name in zip(ids, info.class_names)]
    if info.keypoint_names:
        limbs = [[a + 1, b + 1] for a, b in info.skeleton]
        categories = [{**one, "keypoints": list(info.keypoint_names), "skeleton": limbs} for one in categories]
    return categories


def _write_track(
    file: TextIO, store: TrackStore, number: int, label: int, length: int, video: Video, info: ModelInfo
) -> None:
    count, total, masked, pointed = 0, 0.0, False, False
    for seen in store.track(number):
        count, total = count + 1, total + seen.score
        masked, pointed = masked or seen.mask is not None, pointed or seen.points is not None
    head = {
        "id": number,
        "video_id": 1,
        "category_id": info.category_ids[label - 1] if info.category_ids else label,
        "score": round(total / count, 4),
        "iscrowd": 0,
        "height": video.size[0],
        "width": video.size[1],
        "length": length,
    }
    file.write(json.dumps(head)[:-1])
    parts: list[tuple[str, Callable[[Sighting], Any]]] = [("bboxes", lambda seen: seen.box)]
    parts.append(("areas", lambda seen: seen.area))
    if masked:
        parts.insert(0, ("segmentations", lambda seen: seen.mask))
    if pointed:
        parts.append(("keypoints", lambda seen: coco_points(seen.points)))
    parts.append(("scores", lambda seen: round(seen.score, 4)))
    for name, of in parts:
        _write_list(file, name, _each_frame(store.track(number), of, length))
    file.write("}")


def _each_frame(track: Iterator[Sighting], of: Callable[[Sighting], Any], length: int) -> Iterator[str]:
    """An item a frame: what ``of`` gives where the object was seen, else null."""
    place = 0
    for seen in track:
        for _ in range(place, seen.place):
            yield NOTHING
        yield json.dumps(of(seen))
        place = seen.place + 1
    for _ in range(place, length):
        yield NOTHING


def _write_list(file: TextIO, name: str, items: Iterator[str]) -> None:
    """Write ``, "name": [items]``."""
    file.write(f', "{name}": [')
    for k, item in enumerate(items):
        file.write(f", {item}" if k else item)
    file.write("]")


def coco_points(points: list[list[float]] | None) -> list[float] | None:
    """Points ``[P, 3]`` as COCO's results have them: x, y, score of one after another."""
    if points is None:
        return None
    numbers = to_coco_keypoints(np.array([points], np.float32))[0]
    return [round(float(number), 4 if k % 3 == 2 else 2) for k, number in enumerate(numbers)]
