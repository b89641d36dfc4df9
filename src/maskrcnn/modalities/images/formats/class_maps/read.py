"""Class maps without objects: ``images/`` and, in ``classes/`` or ``masks/``, an image of class numbers for each.

Nothing tells touching objects of one class apart there, so each connected part counts as an object, which is said.
Pixels of 255 belong to no class (void), unless nothing but 0 and 255 is found: then 255 is the only class.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskrcnn.data.class_names import read_class_list
from maskrcnn.data.dataset import UNNAMED, Dataset
from maskrcnn.errors import DataError
from maskrcnn.masks.components import class_of_each, connected_parts
from maskrcnn.modalities.images.formats.class_maps.about import find_class_maps
from maskrcnn.modalities.images.labels.index_maps import lossy_remarks, mask_record, read_label_map
from maskrcnn.modalities.images.read.find import images_by_stem
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

VOID = 255


def open_folder(folder: Path) -> Dataset:
    """The images that have a class map of the same stem; each connected part of a class is one object.

    ``classes.txt`` may name the classes 1, 2 ..., one a line. All maps are read to find out which classes there are.

    Raises:
        DataError: where no image has a class map, or none can be read.
    """
    maps_folder = find_class_maps(folder)
    images, maps = (images_by_stem(place, deep=True) for place in (folder / "images", maps_folder or folder))
    stems = [stem for stem in sorted(images) if stem in maps]
    problems = [f"{maps_folder} names classes, not objects: each connected part of a class counts as one object."]
    problems += [f"{images[stem]} has no class map and was left out." for stem in images if stem not in maps]
    if not stems:
        raise DataError(f"{folder} has no image in images/ with a class map of the same name in {maps_folder}.")
    with ThreadPoolExecutor() as pool:
        found = set().union(*pool.map(_values, (maps[stem] for stem in stems)))
    only_void = not found - {0, VOID}
    numbers = [VOID] if only_void else sorted(found - {0, VOID})
    listed, changed = read_class_list(folder / "classes.txt")
    problems += changed + lossy_remarks([maps[stem] for stem in stems])
    names: tuple[str, ...]
    if only_void or numbers == [1]:
        names = listed if len(listed) == 1 else (UNNAMED,)
    else:
        numbers = list(range(1, max(len(listed), numbers[-1]) + 1)) if listed else numbers
        names = tuple(listed[k - 1] if k <= len(listed) else f"class {k}" for k in numbers)
    sources = [ClassMap(images[s], maps[s], image_id, tuple(numbers)) for image_id, s in enumerate(stems, start=1)]
    return Dataset(folder, names, tuple(range(1, len(names) + 1)), sources, has_masks=True, problems=problems)


@dataclass(frozen=True)
class ClassMap:
    """An image and its class map; the label of class number ``numbers[k - 1]`` is k."""

    image: Path
    class_map: Path
    image_id: int
    numbers: tuple[int, ...]

    def record(self) -> Record:
        """Raises DataError for an unreadable class map."""
        classes = read_label_map(self.class_map).astype(np.int64)
        known = np.where(np.isin(classes, self.numbers), classes, 0)
        regions = Regions.from_label_map(connected_parts(known, corners=True))
        labels = np.searchsorted(self.numbers, class_of_each(regions, classes)) + 1
        return mask_record(self.image, self.image_id, regions, labels)

    def num_objects(self) -> int:
        return len(self.record())


def _values(path: Path) -> set[int]:
    """The numbers in a class map; of one that cannot be read none, which is named where it is used."""
    try:
        return set(np.unique(read_label_map(path)).astype(np.int64).tolist())
    except DataError:
        return set()
