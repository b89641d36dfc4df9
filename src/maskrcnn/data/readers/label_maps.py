"""Label maps: ``images/`` and, in ``labels/``, an image of whole numbers for each: 0 background, k = k-th object."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from maskrcnn.data.images import is_image
from maskrcnn.data.records import UNNAMED, Dataset
from maskrcnn.errors import DataError
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

LABEL_MODES = frozenset({"1", "L", "P", "I", "I;16", "I;16L", "I;16B", "I;16N"})


def is_label_map_folder(folder: Path) -> bool:
    """Whether ``folder`` has the two folders of this format, with images in ``labels/``."""
    labels = folder / "labels"
    return (folder / "images").is_dir() and labels.is_dir() and any(map(is_image, labels.iterdir()))


def open_label_maps(folder: Path) -> Dataset:
    """The images of ``folder/images`` whose label map of the same stem lies in ``folder/labels``; one class.

    A label map is read when its record is asked for: to read all of them first would cost as long as a first epoch.

    Raises:
        DataError: where no image has a label map.
    """
    images, label_maps = (_by_stem(folder / name) for name in ("images", "labels"))
    problems = [f"{images[stem]} has no label map and was left out." for stem in images if stem not in label_maps]
    problems += [f"{label_maps[stem]} has no image and was left out." for stem in label_maps if stem not in images]
    stems = sorted(images.keys() & label_maps.keys())
    pairs = [LabelMapPair(images[stem], label_maps[stem], image_id) for image_id, stem in enumerate(stems, start=1)]
    if not pairs:
        raise DataError(f"{folder} has no image in images/ with a label map of the same name in labels/.")
    return Dataset(folder, (UNNAMED,), (1,), pairs, has_masks=True, problems=problems)


@dataclass(frozen=True)
class LabelMapPair:
    """An image and its label map."""

    image: Path
    label_map: Path
    image_id: int

    def record(self) -> Record:
        """Every value but 0 is one object, even in several parts. Raises DataError for an unreadable label map."""
        regions = Regions.from_label_map(read_label_map(self.label_map))
        return Record(
            source=str(self.image),
            image_id=self.image_id,
            file_name=self.image.name,
            spatial_shape=regions.spatial_shape,
            boxes=regions.boxes(),
            labels=np.ones(len(regions), dtype=np.int64),
            regions=regions,
            crowd=np.zeros(len(regions), dtype=bool),
            areas=regions.areas().astype(np.float64),
        )

    def num_objects(self) -> int:
        return int(np.count_nonzero(np.unique(read_label_map(self.label_map))))


def read_label_map(path: Path) -> np.ndarray:
    """Object numbers ``[H, W]`` of any integer type.

    Raises:
        DataError: where the file cannot be read or holds colours.
    """
    try:
        with Image.open(path) as image:
            mode = image.mode
            numbers = np.array(image)
    except Exception as error:
        raise DataError(f"The label map {path} cannot be read ({error}); write it again.") from error
    if mode not in LABEL_MODES:
        raise DataError(f"The label map {path} holds colours ({mode}); write object numbers as 8- or 16-bit grey PNG.")
    return numbers


def _by_stem(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.iterdir()) if is_image(path) and not path.name.startswith(".")}
