"""CVAT for images 1.1: one ``annotations.xml``; masks as its brush masks, which hold every pixel exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.files import atomic_write
from maskrcnn.modalities.images.labels.conversion_loss import CROWDS, count_unheld, has_mask, is_crowd
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

IMAGE_FOLDER = "images"


def write(data: Dataset, images: Iterable[tuple[Record, str]], out: Path) -> Counter[str]:
    """Write the labels of ``images``, pairs of a record and the name of its file in ``out/images``.

    Args:
        data: whose labels are written.
        images: pairs of a record and the name of its file in ``out/images``.
        out: the folder of the data set.

    Returns:
        What could not be kept, in words, and how often.
    """
    lost: Counter[str] = Counter()
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    labels = ElementTree.SubElement(ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "job"), "labels")
    for name in data.class_names:
        ElementTree.SubElement(ElementTree.SubElement(labels, "label"), "name").text = name
    for number, (record, name) in enumerate(images):
        assert record.spatial_shape is not None
        lost += count_unheld(record)
        height, width = map(str, record.spatial_shape)
        entry = ElementTree.SubElement(root, "image", id=str(number), name=name, width=width, height=height)
        masked, crowd = has_mask(record), is_crowd(record)
        lost[CROWDS] += int(crowd.sum())
        for i in np.flatnonzero(~crowd).tolist():
            label = data.class_names[record.labels[i] - 1]
            common = {"label": label, "source": "auto", "occluded": "0", "z_order": "0"}
            if masked[i] and record.regions is not None:
                ElementTree.SubElement(entry, "mask", common | mask_attributes(record.regions, i))
            else:
                ElementTree.SubElement(entry, "box", common | _box(record, i))
    ElementTree.indent(root)
    with atomic_write(out / "annotations.xml") as temporary:
        ElementTree.ElementTree(root).write(temporary, encoding="utf-8", xml_declaration=True)
    return +lost


def mask_attributes(regions: Regions, i: int) -> dict[str, str]:
    """The window of a mask, and in it, row by row, how many pixels are outside, inside, outside ... in turn."""
    (top, left), window = regions.offsets[i].tolist(), regions.window(i)
    flat = np.concatenate([[False], window.ravel()])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(np.concatenate([[0], changes, [window.size]]))
    rows, columns = window.shape
    return {
        "rle": ", ".join(map(str, runs.tolist())),
        "left": str(left),
        "top": str(top),
        "width": str(columns),
        "height": str(rows),
    }


def _box(record: Record, i: int) -> dict[str, str]:
    return dict(zip(("xtl", "ytl", "xbr", "ybr"), map(repr, record.boxes[i].astype(np.float64).tolist())))
