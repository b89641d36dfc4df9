"""Label Studio: ``tasks.json`` with an annotation for each picture, and the labelling setup that shows it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.files import atomic_write
from maskrcnn.masks.outlines import one_polygon, rings
from maskrcnn.modalities.images.labels.conversion_loss import CROWDS, count_unheld, has_mask, is_crowd
from maskrcnn.structures import Record

IMAGE_FOLDER = "images"
SETUP = "label_config.xml"
ADDRESS = "/data/local-files/?d=images/"  # of a file below Label Studio's folder of local files
JOINED = "objects in several parts or with holes, written as one outline that lines without width hold together"
HUNDRED = 100.0  # positions are per cent of the picture


def write(data: Dataset, images: Iterable[tuple[Record, str]], out: Path) -> Counter[str]:
    """Write the labels of ``images`` as polygons, which can be corrected there, and boxes.

    Args:
        data: whose labels are written.
        images: pairs of a record and the name of its file in ``out/images``.
        out: the folder of the data set.

    Returns:
        What could not be kept, in words, and how often.
    """
    lost: Counter[str] = Counter()
    tasks = []
    for number, (record, name) in enumerate(images, start=1):
        lost += count_unheld(record)
        crowd, masked = is_crowd(record), has_mask(record)
        lost[CROWDS] += int(crowd.sum())
        results = [_result(data, record, i, bool(masked[i]), lost) for i in np.flatnonzero(~crowd).tolist()]
        tasks.append({"id": number, "data": {"image": ADDRESS + name}, "annotations": [{"result": results}]})
    with atomic_write(out / "tasks.json") as temporary:
        temporary.write_text(json.dumps(tasks, ensure_ascii=False, indent=1), "utf-8", "backslashreplace")
    with atomic_write(out / SETUP) as temporary:
        temporary.write_text(_setup(data.class_names), "utf-8", "backslashreplace")
    return +lost


def _result(data: Dataset, record: Record, i: int, masked: bool, lost: Counter[str]) -> dict[str, Any]:
    assert record.spatial_shape is not None
    height, width = record.spatial_shape
    sides = np.array([width, height], dtype=np.float64)
    label = [data.class_names[record.labels[i] - 1]]
    if masked:
        assert record.regions is not None
        window = record.regions.window(i)
        lost[JOINED] += len(rings(window)) > 1
        corners = np.reshape(one_polygon(window), (-1, 2)) + record.regions.offsets[i][::-1]
        kind, value = "polygonlabels", {"points": (corners / sides * HUNDRED).tolist(), "closed": True}
    else:
        low, high = np.split(record.boxes[i].astype(np.float64), 2)
        x, y = (low / sides * HUNDRED).tolist()
        across, down = ((high - low) / sides * HUNDRED).tolist()
        kind, value = "rectanglelabels", {"x": x, "y": y, "width": across, "height": down, "rotation": 0}
    return {
        "id": f"object{i + 1}",
        "from_name": "outline" if masked else "box",
        "to_name": "image",
        "type": kind,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {**value, kind: label},
    }


def _setup(class_names: Iterable[str]) -> str:
    """The labelling setup of a project, whose controls have the names that the annotations say."""
    labels = "".join(f"    <Label value={quoteattr(name)}/>\n" for name in class_names)
    controls = "".join(
        f'  <{tag} name="{name}" toName="image">\n{labels}  </{tag}>\n'
        for tag, name in (("PolygonLabels", "outline"), ("RectangleLabels", "box"))
    )
    return f'<View>\n  <Image name="image" value="$image"/>\n{controls}</View>\n'
