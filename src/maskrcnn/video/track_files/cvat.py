"""CVAT for video 1.1: an xml file with a ``track`` an object, which has a shape for each frame.

Tracks of CVAT are polygons or boxes. A polygon has one outline, so parts and holes of a mask hang together by lines
that enclose nothing. Frames in which an object is not seen are told by a shape that is ``outside``; between key frames
CVAT moves shapes evenly, so every shape that is written is one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from maskrcnn.data.parsing.numbers import finite_numbers, truth, whole_number
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write
from maskrcnn.masks.outlines import one_polygon
from maskrcnn.masks.rasterise import NO_MASK, mask_box, outline_box, polygons_to_mask
from maskrcnn.rle import decode_masks
from maskrcnn.video.track_files.record import Box, LabelledTrack, LabelledVideo, Place

CORNERS = ("xtl", "ytl", "xbr", "ybr")
Shape = tuple[str, np.ndarray]  # its element's name, and its numbers


def write_cvat_video(path: Path, video: LabelledVideo) -> None:
    """Write the tracks of a video.

    Args:
        path: of the file.
        video: its tracks.
    """
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    for name, text in (
        ("name", video.name),
        ("size", video.length),
        ("mode", "interpolation"),
        ("start_frame", 0),
        ("stop_frame", max(video.length - 1, 0)),
    ):
        ElementTree.SubElement(task, name).text = str(text)
    labels = ElementTree.SubElement(task, "labels")
    for name in video.class_names:
        ElementTree.SubElement(ElementTree.SubElement(labels, "label"), "name").text = name
    extent = ElementTree.SubElement(task, "original_size")
    for name, side in (("width", video.size[1]), ("height", video.size[0])):
        ElementTree.SubElement(extent, name).text = str(side)
    for number, track in enumerate(video.tracks):
        _write_track(root, number, track, video)
    ElementTree.indent(root)
    with atomic_write(path) as beside:
        ElementTree.ElementTree(root).write(beside, encoding="utf-8", xml_declaration=True)


def _write_track(root: ElementTree.Element, number: int, track: LabelledTrack, video: LabelledVideo) -> None:
    own = ElementTree.SubElement(root, "track", id=str(number), label=track.name, source="auto")
    masked = any(place.mask for place in track.places.values())
    shape: tuple[str, dict[str, str]] | None = None
    for frame in range(min(track.places), max(track.places) + 2):
        place = track.places.get(frame)
        seen = place is not None
        if place is not None:
            shape = _polygon(place, video.size) if masked else ("box", dict(zip(CORNERS, map(_text, place.box))))
        elif frame >= video.length or frame - 1 not in track.places:
            continue
        assert shape is not None
        state = {"frame": str(frame), "outside": str(int(not seen)), "occluded": "0", "keyframe": "1", "z_order": "0"}
        ElementTree.SubElement(own, shape[0], state | shape[1])


def _polygon(place: Place, size: tuple[int, int]) -> tuple[str, dict[str, str]]:
    """The outline of a mask; of a box, since a track has shapes of one kind, its corners."""
    x1, y1, x2, y2 = place.box
    numbers = [x1, y1, x2, y1, x2, y2, x1, y2]
    if place.mask is not None:
        regions = decode_masks([place.mask], size)
        outline = np.array(one_polygon(regions.window(0)), np.float64).reshape(-1, 2)
        numbers = (outline + regions.offsets[0][::-1]).ravel().tolist()
    return "polygon", {"points": ";".join(f"{_text(x)},{_text(y)}" for x, y in zip(numbers[::2], numbers[1::2]))}


def _text(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def is_cvat_video(root: ElementTree.Element) -> bool:
    """Whether an xml file is of this form."""
    return root.tag == "annotations" and root.find("track") is not None


def tracks_of_cvat(path: Path, root: ElementTree.Element) -> LabelledVideo:
    """The tracks of a file.

    Args:
        path: of the file, for sentences.
        root: its content.

    Returns:
        The video; of shapes between key frames, boxes and polygons of equally many corners are moved evenly.

    Raises:
        DataError: it holds no tracks of a video.
    """
    if not is_cvat_video(root):
        raise DataError(f"{path} holds no tracks of a video: export the task as 'CVAT for video 1.1'.")
    width, height = (whole_number(root.findtext(f".//original_size/{side}", "")) for side in ("width", "height"))
    if not width or not height or width < 0 or height < 0:
        raise DataError(f"{path} does not say how large its frames are (original_size).")
    names = [name.text or "" for name in root.findall("meta/*/labels/label/name")]
    length = whole_number(root.findtext(".//meta/*/size", "")) or 0
    video = LabelledVideo(root.findtext("meta/*/name", "") or path.stem, (height, width), length, ())
    unread = 0
    for entry in root.findall("track"):
        shapes, passed = _shapes(entry)
        unread += passed
        name = entry.get("label", "") or "object"
        places = {frame: _place(shape, video.size) for frame, shape in shapes.items()}
        found = {frame: place for frame, place in sorted(places.items()) if place is not None}
        if found:
            video.tracks.append(LabelledTrack(len(video.tracks) + 1, name, found))
            video.length = max(video.length, max(found) + 1)
    video.class_names = tuple(dict.fromkeys([*names, *(track.name for track in video.tracks)]))
    if unread:
        video.notes.append(f"{path}: {unread} shapes of tracks are neither boxes nor polygons, and were left out.")
    return video


def _shapes(entry: ElementTree.Element) -> tuple[dict[int, Shape], int]:
    """The shape of each frame in which a track is seen, and how many could not be read."""
    read: dict[int, tuple[Shape, bool]] = {}
    unread = 0
    for element in entry:
        frame, read_shape = whole_number(element.get("frame", "")), _READ.get(element.tag)
        shape = None if read_shape is None else read_shape(element)
        if frame is None or frame < 0 or shape is None:
            unread += 1
            continue
        read[frame] = ((element.tag, shape), bool(truth(element.get("outside", "0"))))
    shown: dict[int, Shape] = {}
    order = sorted(read)
    for k, frame in enumerate(order):
        (kind, numbers), outside = read[frame]
        if outside:
            continue
        shown[frame] = (kind, numbers)
        following = order[k + 1] if k + 1 < len(order) else frame + 1
        other = read.get(following, ((kind, numbers), True))[0]
        for between in range(frame + 1, following):
            part = (between - frame) / (following - frame)
            moves = other[0] == kind and len(other[1]) == len(numbers)
            shown[between] = (kind, numbers + part * (other[1] - numbers) if moves else numbers)
    return shown, unread


def _read_box(element: ElementTree.Element) -> np.ndarray | None:
    box = finite_numbers([element.get(corner) for corner in CORNERS], 4)
    return box if box is not None and (box[2:] > box[:2]).all() else None


def _read_polygon(element: ElementTree.Element) -> np.ndarray | None:
    cells = [cell for pair in element.get("points", "").split(";") for cell in pair.split(",")]
    numbers = finite_numbers(cells)
    return numbers if numbers is not None and len(numbers) >= 6 and len(numbers) % 2 == 0 else None


_READ: dict[str, Callable[[ElementTree.Element], np.ndarray | None]] = {"box": _read_box, "polygon": _read_polygon}


def _place(shape: Shape, size: tuple[int, int]) -> Place | None:
    kind, numbers = shape
    cells = numbers.tolist()
    if kind == "box":
        box: Box = (cells[0], cells[1], cells[2], cells[3])
        return Place(box)
    try:
        mask = polygons_to_mask([cells], size)
    except ValueError:
        return None
    if mask == NO_MASK:
        return None
    return Place(mask_box(mask, size) or outline_box([cells]), mask)
