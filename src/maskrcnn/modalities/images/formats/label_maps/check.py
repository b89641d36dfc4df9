"""What is wrong with label maps (images of object numbers) beyond what makes them unreadable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.faults import Fault
from maskrcnn.masks.components import connected_parts
from maskrcnn.modalities.images.formats.label_maps.read import LabelMapPair
from maskrcnn.modalities.images.labels.index_maps import is_lossy
from maskrcnn.modalities.images.read.find import images_by_stem
from maskrcnn.structures import Record

SPECK = 4  # samples: an object of no more is a slip of the pen
SEMANTIC_PARTS = 2  # parts of the only number of a map from which it looks like "object or not" instead of numbers
MOST_LOOKED_AT = 500  # objects of one image whose parts are counted


def is_label_maps(dataset: Dataset) -> bool:
    """Whether a data set was opened as a folder of label maps."""
    return len(dataset) > 0 and isinstance(dataset.sources[0], LabelMapPair)


def inspect_folders(folder: Path) -> Iterator[Fault]:
    """Images without a label map, label maps without an image, and label maps in a format that changes numbers."""
    images, maps = (images_by_stem(folder / name, deep=True) for name in ("images", "labels"))
    for stem in sorted(images.keys() - maps.keys()):
        yield Fault("image-unlabelled", images[stem].name, "no label map of this name", images[stem].name)
    for stem in sorted(maps.keys() - images.keys()):
        yield Fault("image-missing", maps[stem].name, "only its label map is there", maps[stem].name)
    for stem in sorted(maps.keys() & images.keys()):
        if is_lossy(maps[stem]):
            yield Fault("label-map-lossy", f"labels/{maps[stem].name}", "", images[stem].name)


def inspect_label_map(record: Record) -> Iterator[Fault]:
    """Specks, and numbers that lie in several places, in the label map of one record."""
    regions, name = record.regions, record.file_name
    if regions is None or len(regions) == 0:
        return
    areas = regions.areas()
    specks = int((areas <= SPECK).sum())
    if specks:
        yield Fault("object-speck", name, f"{specks} of {len(areas)} objects", name)
    parts = [
        int(connected_parts(regions.window(k), corners=True).max())
        for k in range(min(len(regions), MOST_LOOKED_AT))
        if areas[k] > SPECK
    ]
    if len(regions) == 1 and parts and parts[0] >= SEMANTIC_PARTS:
        yield Fault("label-map-semantic", name, f"{parts[0]} separate places with one number", name)
    elif several := sum(count > 1 for count in parts):
        yield Fault("object-in-parts", name, f"{several} of {len(areas)} objects", name)
