"""Pascal VOC: an xml file of boxes for each picture, and, where there are masks, pictures of objects and of classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from maskrcnn.data.dataset import Dataset
from maskrcnn.files import atomic_write
from maskrcnn.modalities.images.labels.conversion_loss import CROWDS, count_unheld, has_mask, is_crowd
from maskrcnn.structures import Record

IMAGE_FOLDER = "JPEGImages"
BACKGROUND = "_background_"
MOST = 254  # numbers of a byte, but for background and VOC's "void"
OVERLAPPED = "objects that lose pixels to another one in front of them (the smaller one)"
HIDDEN = "objects wholly behind others, or beyond the 254th of an image, whose masks were left out"
MASKLESS = "objects without a mask, which have a box alone"
FIRST = 1  # the number of the first pixel


def write(data: Dataset, images: Iterable[tuple[Record, str]], out: Path) -> Counter[str]:
    """Write the labels of ``images``, pairs of a record and the name of its file in ``out/JPEGImages``.

    Args:
        data: whose labels are written.
        images: pairs of a record and the name of its file in ``out/JPEGImages``.
        out: the folder of the data set.

    Returns:
        What could not be kept, in words, and how often.
    """
    lost: Counter[str] = Counter()
    stems = []
    for record, name in images:
        lost += count_unheld(record)
        crowd = is_crowd(record)
        lost[CROWDS] += int(crowd.sum())
        kept = np.flatnonzero(~crowd).tolist()
        stem = Path(name).stem
        stems.append(stem)
        _write_boxes(data, record, kept, name, out / "Annotations" / f"{stem}.xml")
        if data.has_masks:
            objects, classes = _draw(record, kept, lost)
            _save(objects, out / "SegmentationObject" / f"{stem}.png")
            _save(classes, out / "SegmentationClass" / f"{stem}.png")
    listed = out / "ImageSets" / ("Segmentation" if data.has_masks else "Main") / "train.txt"
    _write_lines(listed, stems)
    _write_lines(out / "class_names.txt", [BACKGROUND, *data.class_names])
    return +lost


def _write_boxes(data: Dataset, record: Record, kept: list[int], name: str, path: Path) -> None:
    assert record.spatial_shape is not None
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "folder").text = IMAGE_FOLDER
    ElementTree.SubElement(root, "filename").text = name
    size = ElementTree.SubElement(root, "size")
    for side, value in zip(("width", "height", "depth"), (*record.spatial_shape[::-1], 3)):
        ElementTree.SubElement(size, side).text = str(value)
    ElementTree.SubElement(root, "segmented").text = str(int(data.has_masks))
    for i in kept:
        entry = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(entry, "name").text = data.class_names[record.labels[i] - 1]
        for mark in ("truncated", "difficult"):
            ElementTree.SubElement(entry, mark).text = "0"
        box = ElementTree.SubElement(entry, "bndbox")
        x1, y1, x2, y2 = record.boxes[i].astype(np.float64).tolist()
        for corner, value in zip(("xmin", "ymin", "xmax", "ymax"), (x1 + FIRST, y1 + FIRST, x2, y2)):
            ElementTree.SubElement(box, corner).text = f"{value:.10g}"
    ElementTree.indent(root)
    with atomic_write(path) as temporary:
        ElementTree.ElementTree(root).write(temporary, encoding="utf-8")


def _draw(record: Record, kept: list[int], lost: Counter[str]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of objects and of classes, uint8 ``[H, W]``; large objects first, so that small ones stay whole."""
    assert record.spatial_shape is not None
    objects, classes = (np.zeros(record.spatial_shape, dtype=np.uint8) for _ in range(2))
    masked = has_mask(record)
    lost[MASKLESS] += sum(not masked[i] for i in kept)
    drawn = [i for i in kept if masked[i]]
    if record.regions is None or not drawn:
        return objects, classes
    areas = record.regions.areas()
    for number, i in sorted(enumerate(drawn[:MOST], start=1), key=lambda pair: (-int(areas[pair[1]]), pair[0])):
        where, window = record.regions.window_slices(i), record.regions.window(i)
        objects[where][window] = number
        classes[where][window] = record.labels[i]
    left = np.bincount(objects.ravel(), minlength=MOST + 1)[1 : len(drawn[:MOST]) + 1]
    whole = areas[drawn[:MOST]]
    lost[OVERLAPPED] += int(((left < whole) & (left > 0)).sum())
    lost[HIDDEN] += int((left == 0).sum()) + len(drawn[MOST:])
    return objects, classes


def _save(numbers: np.ndarray, path: Path) -> None:
    """As a palette picture in VOC's colours."""
    picture = Image.fromarray(numbers, "P")
    picture.putpalette([value for number in range(256) for value in _colour(number)])
    with atomic_write(path) as temporary:
        picture.save(temporary)


def _colour(number: int) -> tuple[int, int, int]:
    """VOC's: the bits of the number, three at a time, are the highest bits of red, green and blue."""
    channels = [0, 0, 0]
    for place in range(8):
        for channel in range(3):
            channels[channel] |= (number >> channel & 1) << 7 - place
        number >>= 3
    return channels[0], channels[1], channels[2]


def _write_lines(path: Path, lines: list[str]) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), "utf-8", "backslashreplace")
