"""YouTube-VIS's json: videos, categories, and an annotation a track whose lists have an item a frame.

Masks are run lengths, compressed or not, or polygons, or null where the object is not seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.data.parsing.numbers import finite_numbers, whole_number
from maskrcnn.data.parsing.text import read_json
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write
from maskrcnn.masks.rasterise import mask_area, mask_box, polygons_to_mask
from maskrcnn.regions import Regions, decode_runs
from maskrcnn.rle import regions_to_rle
from maskrcnn.video.track_files.record import LabelledTrack, LabelledVideo, Place

LARGEST_CANVAS = 2**26  # pixels of a frame whose masks are read


def is_youtube_vis(content: Any) -> bool:
    """Whether the content of a json file is of this form."""
    return isinstance(content, dict) and isinstance(content.get("videos"), list) and "annotations" in content


def read_youtube_vis(path: Path) -> list[LabelledVideo]:
    """The videos of a file.

    Raises:
        DataError: it is no such file.
    """
    content = read_json(path)
    if not is_youtube_vis(content):
        raise DataError(f"{path} is no json of YouTube-VIS: it has no videos and annotations.")
    names = {
        number: str(entry.get("name", number))
        for entry in _entries(content.get("categories"))
        if (number := whole_number(entry.get("id"))) is not None
    }
    videos: dict[Any, LabelledVideo] = {}
    for entry in _entries(content["videos"]):
        size = [whole_number(entry.get(side)) for side in ("height", "width")]
        if not (size[0] and size[1]) or size[0] * size[1] > LARGEST_CANVAS or size[0] < 0:
            raise DataError(f"{path}: a video has no usable height and width.")
        files = entry.get("file_names")
        frames = tuple(map(str, files)) if isinstance(files, list) else ()
        length = whole_number(entry.get("length")) or len(frames)
        name = str(entry.get("file_name") or (frames[0].rpartition("/")[0] if frames else "") or entry.get("id"))
        video = LabelledVideo(name, (size[0], size[1]), length, tuple(names.values()), frame_names=frames)
        videos[entry.get("id")] = video
    for entry in _entries(content["annotations"]):
        if (own := videos.get(entry.get("video_id"))) is not None:
            label = whole_number(entry.get("category_id"))
            _add_track(own, entry, names.get(label, str(label)) if label is not None else "object")
    for video in videos.values():
        _number(video)
    return list(videos.values())


def _entries(value: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _add_track(video: LabelledVideo, entry: Mapping[str, Any], name: str) -> None:
    masks, boxes = (_list(entry.get(key)) for key in ("segmentations", "bboxes"))
    places: dict[int, Place] = {}
    unread = 0
    for k in range(max(len(masks), len(boxes))):
        shown = masks[k] if k < len(masks) else None
        corners = finite_numbers(boxes[k] if k < len(boxes) else None, 4)
        mask = None if shown is None else _mask(shown, video.size)
        unread += shown is not None and mask is None
        tight = mask_box(mask, video.size) if mask is not None else None
        if corners is not None and corners[2] > 0 and corners[3] > 0:
            x, y, width, height = corners.tolist()
            places[k] = Place((x, y, x + width, y + height), mask)
        elif tight is not None:
            places[k] = Place(tight, mask)
    if unread:
        video.notes.append(
            f"{unread} masks of a track of {name} could not be read; boxes were kept where there are any."
        )
    if places:
        number = whole_number(entry.get("id")) or 0
        video.tracks.append(LabelledTrack(number, name, places))
        video.length = max(video.length, max(places) + 1)


def _number(video: LabelledVideo) -> None:
    """Numbers from 1 where those of the file are none, or are not all different."""
    given = [track.number for track in video.tracks]
    if len(set(given)) < len(given) or min(given, default=1) < 1:
        video.tracks = [LabelledTrack(k, t.name, t.places) for k, t in enumerate(video.tracks, 1)]


def _mask(shown: Any, size: tuple[int, int]) -> bytes | None:
    """COCO's compressed run lengths of what stands for a mask; None where it cannot be read or covers nothing."""
    try:
        if isinstance(shown, list):
            polygons = [polygon for polygon in shown if finite_numbers(polygon) is not None and len(polygon) >= 6]
            return (polygons_to_mask(polygons, size) or None) if polygons else None
        if not isinstance(shown, dict) or list(shown.get("size", ())) != list(size):
            return None
        counts = shown.get("counts")
        if isinstance(counts, list):
            runs = np.array(counts, np.int64)
            if (runs < 0).any() or runs.sum() != size[0] * size[1]:
                return None
            window = decode_runs(runs, size[::-1]).T
            counts = regions_to_rle(Regions.from_masks([window], size), 0)["counts"]
        mask = counts.encode("ascii") if isinstance(counts, str) else None
        return mask if mask is not None and mask_area(mask, size) else None
    except (TypeError, ValueError, OverflowError, AttributeError):
        return None


def write_youtube_vis_file(path: Path, videos: Sequence[LabelledVideo]) -> None:
    """Write videos and their tracks.

    Args:
        path: of the file.
        videos: in order; ids are their places, from 1.
    """
    names = list(dict.fromkeys(name for video in videos for name in video.class_names))
    with atomic_write(path) as beside, beside.open("w", encoding="utf-8") as file:
        heads = [_head(number, video) for number, video in enumerate(videos, 1)]
        categories = [{"id": k, "name": name} for k, name in enumerate(names, 1)]
        file.write('{"videos": ' + json.dumps(heads, ensure_ascii=False))
        file.write(',\n"categories": ' + json.dumps(categories, ensure_ascii=False) + ',\n"annotations": [')
        for count, entry in enumerate(_annotations(videos, names)):
            file.write((",\n" if count else "\n") + json.dumps(entry))
        file.write("\n]}\n")


def _head(number: int, video: LabelledVideo) -> dict[str, Any]:
    head: dict[str, Any] = {"id": number, "file_name": video.name, "length": video.length}
    head |= {"height": video.size[0], "width": video.size[1]}
    return head | ({"file_names": list(video.frame_names)} if video.frame_names else {})


def _annotations(videos: Sequence[LabelledVideo], names: Sequence[str]) -> Iterable[dict[str, Any]]:
    several = len(videos) > 1
    count = 0
    for number, video in enumerate(videos, 1):
        for track in video.tracks:
            count += 1
            here = [track.places.get(k) for k in range(video.length)]
            masked = any(place is not None and place.mask for place in here)
            entry: dict[str, Any] = {"id": count if several else track.number, "video_id": number}
            entry |= {"category_id": names.index(track.name) + 1, "iscrowd": 0}
            entry |= {"height": video.size[0], "width": video.size[1], "length": video.length}
            if masked:
                entry["segmentations"] = [_runs(place, video.size) for place in here]
            entry["bboxes"] = [_bbox(place) for place in here]
            entry["areas"] = [None if place is None else _area(place, video.size) for place in here]
            yield entry


def _runs(place: Place | None, size: tuple[int, int]) -> dict[str, Any] | None:
    if place is None or place.mask is None:
        return None
    return {"size": list(size), "counts": place.mask.decode("ascii")}


def _bbox(place: Place | None) -> list[float] | None:
    if place is None:
        return None
    x1, y1, x2, y2 = place.box
    return [round(value, 2) for value in (x1, y1, x2 - x1, y2 - y1)]


def _area(place: Place, size: tuple[int, int]) -> float:
    if place.mask is not None:
        return mask_area(place.mask, size)
    x1, y1, x2, y2 = place.box
    return round((x2 - x1) * (y2 - y1), 2)
