"""Tracks frame after frame in the forms of other programs: MOTChallenge's text, and COCO's json of videos."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from maskrcnn.files import atomic_write
from maskrcnn.model_info import ModelInfo
from maskrcnn.video.motchallenge import UNKNOWN
from maskrcnn.video.writing.spool import read_lines
from maskrcnn.video.writing.tracks import Sighting, classes_of, sightings
from maskrcnn.video.writing.youtube_vis import Video, categories_of, coco_points


def write_mot(path: Path, spool: Path, numbers: Mapping[int, int]) -> None:
    """Write tracks as MOTChallenge reads results: frames that were looked at and pixels count from 1.

    Args:
        path: of the file.
        spool: the frames of the video.
        numbers: of the objects that count, by the tracker's number.
    """
    with atomic_write(path) as beside, beside.open("w", encoding="utf-8") as file:
        for number, seen in sightings(spool, numbers):
            x, y, width, height = seen.box
            cells = (f"{x + 1:.2f}", f"{y + 1:.2f}", f"{width:.2f}", f"{height:.2f}", f"{seen.score:.4f}")
            file.write(",".join([str(seen.place + 1), str(number), *cells, *UNKNOWN]) + "\n")


def write_coco_video(path: Path, spool: Path, numbers: Mapping[int, int], video: Video, info: ModelInfo) -> None:
    """Write tracks as COCO's json with videos (CocoVID): an image a frame, whose ``frame_id`` counts frames that were
    looked at from 0, and an annotation for each object in it, whose ``instance_id`` is its number.

    Args:
        path: of the file.
        spool: the frames of the video.
        numbers: of the objects that count, by the tracker's number.
        video: what is said of it.
        info: of the model: classes and points.
    """
    labels = classes_of(spool, numbers)
    ids = info.category_ids or tuple(range(1, len(info.class_names) + 1))
    classes = {number: ids[label - 1] for number, label in labels.items()}
    height, width = video.size
    head = {"id": 1, "name": video.name, "height": height, "width": width, "fps": round(video.rate, 4)}
    with atomic_write(path) as beside, beside.open("w", encoding="utf-8") as file:
        file.write('{"videos": ' + json.dumps([head], ensure_ascii=False))
        file.write(',\n"categories": ' + json.dumps(categories_of(info), ensure_ascii=False))
        _write_entries(file, "images", _images(spool, video))
        _write_entries(file, "annotations", _annotations(sightings(spool, numbers), classes))
        file.write("}\n")


def _images(spool: Path, video: Video) -> Iterator[dict[str, Any]]:
    height, width = video.size
    for place, line in enumerate(read_lines(spool)):
        index = line["frame"]
        name = video.frame_names[index] if video.frame_names else f"{Path(video.name).stem}/{index:06d}.jpg"
        size = {"height": height, "width": width}
        yield {"id": place + 1, "video_id": 1, "frame_id": place, "file_name": name, **size, "time": line["time"]}


def _annotations(seen: Iterator[tuple[int, Sighting]], classes: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    for count, (number, one) in enumerate(seen, 1):
        entry: dict[str, Any] = {
            "id": count,
            "image_id": one.place + 1,
            "video_id": 1,
            "instance_id": number,
            "category_id": classes[number],
            "bbox": one.box,
            "area": one.area,
            "iscrowd": 0,
            "score": round(one.score, 4),
        }
        if one.mask is not None:
            entry["segmentation"] = one.mask
        if one.points is not None:
            entry["keypoints"] = coco_points(one.points)
        yield entry


def _write_entries(file: TextIO, name: str, entries: Iterable[dict[str, Any]]) -> None:
    file.write(f',\n"{name}": [')
    for k, entry in enumerate(entries):
        file.write((",\n" if k else "\n") + json.dumps(entry, ensure_ascii=False))
    file.write("\n]")
