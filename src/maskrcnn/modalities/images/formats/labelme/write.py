"""LabelMe: a json file beside each image; masks as its brush masks, which hold every pixel exactly."""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maskrcnn.data.dataset import Dataset
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write
from maskrcnn.modalities.images.labels.conversion_loss import count_unheld, has_mask, is_crowd
from maskrcnn.structures import Record

AS_ESCAPE = "backslashreplace"  # half a character, which UTF-8 cannot hold, as json writes it
IMAGE_FOLDER = ""
NO_CLASSES = ("__ignore__", "_background_")  # LabelMe's exporters make no objects of them
UNUSED = "classes without objects whose name LabelMe takes for no class, which are lost"
VERSION = "5.5.0"  # of LabelMe, whose files look like these


def write(data: Dataset, images: Iterable[tuple[Record, str]], out: Path) -> Counter[str]:
    """Write the labels of ``images``, pairs of a record and the name of its file in ``out``.

    Crowds and, among masks, objects without one carry a flag of that name (``crowd``, ``box``). ``labels.txt`` keeps
    the order of the classes.

    Args:
        data: whose labels are written.
        images: pairs of a record and the name of its file in ``out``.
        out: the folder of the data set.

    Returns:
        What could not be kept, in words, and how often.

    Raises:
        DataError: a class whose name means "no class" to LabelMe.
    """
    reserved = {label for label, name in enumerate(data.class_names, start=1) if name in NO_CLASSES}
    if reserved and any(reserved & set(source.record().labels.tolist()) for source in data.sources):
        name = data.class_names[min(reserved) - 1]
        raise DataError(
            f"{data.path} has objects of the class {name}, which LabelMe takes for no class; rename it, or convert to "
            "coco, yolo or label-maps."
        )
    lost: Counter[str] = Counter()
    for record, name in images:
        assert record.spatial_shape is not None
        lost += count_unheld(record)
        height, width = record.spatial_shape
        content: dict[str, Any] = {
            "version": VERSION,
            "flags": {},
            "shapes": _shapes(data, record),
            "imagePath": name,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        with atomic_write((out / name).with_suffix(".json")) as temporary:
            temporary.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8", errors=AS_ESCAPE)
    lost[UNUSED] += len(reserved)
    with atomic_write(out / "labels.txt") as temporary:
        lines = dict.fromkeys([*NO_CLASSES, *data.class_names])
        temporary.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return +lost


def _shapes(data: Dataset, record: Record) -> list[dict[str, Any]]:
    masked, crowd = has_mask(record), is_crowd(record)
    shapes = []
    for i in range(len(record)):
        flags = {"crowd": True} if crowd[i] else {}
        flags |= {"box": True} if data.has_masks and not masked[i] else {}
        shape = {"label": data.class_names[record.labels[i] - 1], "group_id": None, "description": "", "flags": flags}
        shapes.append(shape | (_mask(record, i) if masked[i] else _rectangle(record, i)))
    return shapes


def _mask(record: Record, i: int) -> dict[str, Any]:
    """A brush mask: its first and its last pixel, and the pixels between as a PNG."""
    assert record.regions is not None
    (y, x), (rows, columns) = record.regions.offsets[i].tolist(), record.regions.shapes[i].tolist()
    file = io.BytesIO()
    Image.fromarray(record.regions.window(i).astype(np.uint8) * 255).convert("1").save(file, "PNG")
    points = [[float(x), float(y)], [float(x + columns - 1), float(y + rows - 1)]]
    return {"points": points, "shape_type": "mask", "mask": base64.b64encode(file.getvalue()).decode("ascii")}


def _rectangle(record: Record, i: int) -> dict[str, Any]:
    x1, y1, x2, y2 = record.boxes[i].astype(np.float64).tolist()
    return {"points": [[x1, y1], [x2, y2]], "shape_type": "rectangle", "mask": None}
