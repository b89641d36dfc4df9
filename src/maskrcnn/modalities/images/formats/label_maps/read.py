"""Label maps: ``images/`` and, in ``labels/``, an image of whole numbers for each: 0 background, k = k-th object.

A list of classes, one a line, may lie beside them in ``classes.txt``. Where it has several, ``classes/`` holds a second
image of whole numbers for each: 0 background, k = k-th class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskrcnn.data.class_names import read_class_list
from maskrcnn.data.dataset import UNNAMED, Dataset
from maskrcnn.errors import DataError
from maskrcnn.masks.components import class_of_each
from maskrcnn.modalities.images.labels.index_maps import lossy_remarks, mask_record, read_label_map
from maskrcnn.modalities.images.read.find import images_by_stem
from maskrcnn.regions import Regions
from maskrcnn.structures import Record


def open_folder(folder: Path) -> Dataset:
    """The images of ``folder/images`` whose label map of the same stem lies in ``folder/labels``.

    A label map is read when its record is asked for: to read all of them first would cost as long as a first epoch.

    Raises:
        DataError: where no image has a label map.
    """
    images, label_maps = (images_by_stem(folder / name, deep=True) for name in ("images", "labels"))
    problems = [f"{images[stem]} has no label map and was left out." for stem in images if stem not in label_maps]
    problems += [f"{label_maps[stem]} has no image and was left out." for stem in label_maps if stem not in images]
    stems = sorted(images.keys() & label_maps.keys())
    if not stems:
        raise DataError(f"{folder} has no image in images/ with a label map of the same name in labels/.")
    listed, changed = read_class_list(folder / "classes.txt")
    names, classes = listed or (UNNAMED,), {}
    problems += changed + lossy_remarks([label_maps[stem] for stem in stems])
    if len(names) > 1:
        classes = images_by_stem(folder / "classes", deep=True)
        unclassed = [stem for stem in stems if stem not in classes]
        problems += [f"{images[stem]} has no class map in classes/ and was left out." for stem in unclassed]
        stems = [stem for stem in stems if stem in classes]
    pairs = [
        LabelMapPair(images[stem], label_maps[stem], image_id, classes.get(stem), len(names))
        for image_id, stem in enumerate(stems, start=1)
    ]
    return Dataset(folder, names, tuple(range(1, len(names) + 1)), pairs, has_masks=True, problems=problems)


@dataclass(frozen=True)
class LabelMapPair:
    """An image and its label map, and, of several classes, its class map."""

    image: Path
    label_map: Path
    image_id: int
    class_map: Path | None = None
    num_classes: int = 1

    def record(self) -> Record:
        """Every value but 0 is one object, even in several parts. Raises DataError for an unreadable label map."""
        regions = Regions.from_label_map(read_label_map(self.label_map))
        return mask_record(self.image, self.image_id, regions, self._labels(regions))

    def _labels(self, regions: Regions) -> np.ndarray | None:
        if self.class_map is None:
            return None
        classes = read_label_map(self.class_map)
        if classes.shape != regions.spatial_shape:
            raise DataError(f"{self.class_map} and {self.label_map} are of different sizes; write them again.")
        labels = class_of_each(regions, classes)
        unknown = [label for label in labels.tolist() if not 1 <= label <= self.num_classes]
        if unknown:
            raise DataError(f"{self.class_map} holds the class {unknown[0]}, but classes.txt names {self.num_classes}.")
        return labels

    def num_objects(self) -> int:
        return int(np.count_nonzero(np.unique(read_label_map(self.label_map))))
