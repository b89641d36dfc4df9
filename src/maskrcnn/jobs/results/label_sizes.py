"""labels.jpg of a training: how many objects of each class it learns from, and how large they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskrcnn.data.dataset import Dataset
from maskrcnn.drawing.label_chart import draw_label_chart
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write
from maskrcnn.modalities.table import kinds
from maskrcnn.structures import Record

LABELS = "labels.jpg"
MOST = 2000  # files whose labels are read: evenly spread, they show a large data set as well as all of it
QUALITY = 92


def write_label_sizes(out: Path, data: Dataset) -> bool:
    """Draw the labels of a training by class and size.

    Args:
        out: the folder of the training.
        data: that is trained on.

    Returns:
        Whether there is such a picture: not where no object is labelled, as in data that have class maps alone.
    """
    looked = min(len(data), MOST)
    records = [_record(data, k * len(data) // looked) for k in range(looked)]
    sizes = sizes_by_class([record for record in records if record is not None], data.class_names)
    objects = sum(map(len, sizes.values()))
    if not objects:
        return False
    is_picture = kinds()[data.kind].is_picture
    things = "training image" if is_picture else "training file"
    files = f"{looked:,} {things}{'' if looked == 1 else 's'}"
    of_all = f"{files}, of {len(data):,}" if looked < len(data) else files
    title = f"{objects:,} labelled object{'' if objects == 1 else 's'} in {of_all}"
    chart = draw_label_chart(sizes, title, _unit(data, records))
    with atomic_write(out / LABELS) as beside:
        chart.save(beside, quality=QUALITY, subsampling=0)
    return True


def sizes_by_class(records: list[Record], class_names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Measure the objects of each class.

    Args:
        records: with labels.
        class_names: of labels 1..K.

    Returns:
        For each class the lengths of its objects in samples, float64 ``[N]``: of their boxes the D-th root of the area
        or volume. Crowds and objects of no class of the model are not counted.
    """
    found: list[list[np.ndarray]] = [[] for _ in class_names]
    for record in records:
        ndim = record.boxes.shape[1] // 2
        sides = (record.boxes[:, ndim:] - record.boxes[:, :ndim]).astype(np.float64).clip(min=0)
        lengths = sides.prod(axis=1) ** (1 / ndim)
        crowd = np.zeros(len(record), bool) if record.crowd is None else record.crowd
        for label in np.unique(record.labels[~crowd]):
            if label > 0:
                found[label - 1].append(lengths[(record.labels == label) & ~crowd])
    return {name: np.concatenate([np.zeros(0), *parts]) for name, parts in zip(class_names, found)}


def _unit(data: Dataset, records: list[Record | None]) -> str:
    ndim = next((record.boxes.shape[1] // 2 for record in records if record is not None), 1)
    samples = "px" if kinds()[data.kind].is_picture else "samples"
    return samples + ("", ", the square root of the box's area", ", the cube root of the box's volume")[ndim - 1]


def _record(data: Dataset, index: int) -> Record | None:
    try:
        return data[index]
    except DataError:  # the training names it
        return None
