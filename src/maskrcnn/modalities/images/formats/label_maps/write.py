"""Label maps: ``images/``, ``labels/`` with the number of each pixel's object, ``classes/`` with that of its class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from maskrcnn.data.dataset import UNNAMED, Dataset
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write
from maskrcnn.modalities.images.labels.conversion_loss import CROWDS, count_unheld, has_mask, is_crowd
from maskrcnn.structures import Record

IMAGE_FOLDER = "images"
MOST_OBJECTS = 65535
OVERLAPPED = "objects that lose pixels to another one in front of them (the smaller one)"
HIDDEN = "objects wholly behind others, which were left out"
MASKLESS = "objects without a mask, which were left out"


def write(data: Dataset, images: Iterable[tuple[Record, str]], out: Path) -> Counter[str]:
    """Write the labels of ``images``, pairs of a record and the name of its file in ``out/images``, as 16-bit PNG.

    Args:
        data: whose labels are written.
        images: pairs of a record and the name of its file in ``out/images``.
        out: the folder of the data set.

    Returns:
        What could not be kept, in words, and how often.

    Raises:
        DataError: data of boxes only.
    """
    if not data.has_masks:
        raise DataError(
            f"{data.path} has boxes only, which label maps cannot hold; convert it to coco, yolo or labelme."
        )
    lost: Counter[str] = Counter()
    several = len(data.class_names) > 1
    for record, name in images:
        lost += count_unheld(record)
        objects = _draw(record, lost)
        _save(objects, (out / "labels" / name).with_suffix(".png"))
        if several:
            _save(np.concatenate([[0], record.labels])[objects], (out / "classes" / name).with_suffix(".png"))
    if data.class_names != (UNNAMED,):
        with atomic_write(out / "classes.txt") as temporary:
            temporary.write_text("".join(f"{name}\n" for name in data.class_names), encoding="utf-8")
    return +lost


def _draw(record: Record, lost: Counter[str]) -> np.ndarray:
    """Object numbers ``[H, W]``, 1 for the first of the record; large objects first, so that small ones stay whole."""
    assert record.regions is not None
    if len(record) > MOST_OBJECTS:
        raise DataError(f"{record.file_name} has {len(record)} objects; a label map of 16 bits holds {MOST_OBJECTS}.")
    objects = np.zeros(record.regions.spatial_shape, dtype=np.int64)
    masked, crowd, areas = has_mask(record), is_crowd(record), record.regions.areas()
    lost[CROWDS] += int(crowd.sum())
    lost[MASKLESS] += int((~masked & ~crowd).sum())
    drawn = [i for i in np.argsort(-areas, kind="stable").tolist() if masked[i] and not crowd[i]]
    for i in drawn:
        objects[record.regions.window_slices(i)][record.regions.window(i)] = i + 1
    left = np.bincount(objects.ravel(), minlength=len(record) + 1)[1:]
    lost[HIDDEN] += int((left[drawn] == 0).sum())
    lost[OVERLAPPED] += int(((left[drawn] < areas[drawn]) & (left[drawn] > 0)).sum())
    return objects


def _save(numbers: np.ndarray, path: Path) -> None:
    with atomic_write(path) as temporary:
        Image.fromarray(numbers.astype(np.uint16)).save(temporary)
