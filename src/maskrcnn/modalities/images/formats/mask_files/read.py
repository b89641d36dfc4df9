"""A folder for each image with one mask file for each object, as in Kaggle's Data Science Bowl 2018.

``ID/images/ID.png`` is the image and every file of ``ID/masks/`` the mask of one object: 0 outside, anything
else inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskrcnn.data.dataset import UNNAMED, Dataset
from maskrcnn.errors import DataError
from maskrcnn.files import is_folder
from maskrcnn.modalities.images.formats.mask_files.about import list_subfolders
from maskrcnn.modalities.images.labels.index_maps import lossy_remarks, mask_record, read_label_map
from maskrcnn.modalities.images.read.find import images_by_stem
from maskrcnn.modalities.images.read.pictures import image_shape
from maskrcnn.regions import Regions
from maskrcnn.structures import Record


def open_folder(folder: Path) -> Dataset:
    """The images of all folders in ``folder``; masks are read when a record is asked for.

    Raises:
        DataError: where not one folder holds an image with a folder of masks.
    """
    problems: list[str] = []
    sources: list[MaskFolder] = []
    for sub in list_subfolders(folder):
        images = list(images_by_stem(sub / "images").values())
        if len(images) == 1 and is_folder(sub / "masks"):
            sources.append(MaskFolder(images[0], sub / "masks", len(sources) + 1))
        else:
            lack = f"{len(images)} images in images/" if len(images) != 1 else "no masks/"
            problems.append(f"{sub} has {lack} and was left out.")
    problems += lossy_remarks([path for source in sources for path in images_by_stem(source.masks).values()])
    if not sources:
        raise DataError(f"{folder} has no folder with one image in images/ and its masks in masks/.")
    return Dataset(folder, (UNNAMED,), (1,), sources, has_masks=True, problems=problems)


@dataclass(frozen=True)
class MaskFolder:
    """An image and the folder of its objects' masks."""

    image: Path
    masks: Path
    image_id: int

    def record(self) -> Record:
        """Raises DataError where the image or one of the masks cannot be read, or a mask has another size."""
        shape = image_shape(self.image)
        regions = Regions.from_masks(self._read(shape), shape)
        covering = regions[regions.areas() > 0]
        return mask_record(self.image, self.image_id, covering)

    def _read(self, spatial_shape: tuple[int, int]) -> Iterator[np.ndarray]:
        for path in images_by_stem(self.masks).values():
            mask = read_label_map(path, colours=True) > 0
            if mask.shape != spatial_shape:
                (rows, columns), (height, width) = mask.shape, spatial_shape
                raise DataError(f"{path} is {columns} x {rows} pixels but {self.image} {width} x {height}.")
            yield mask

    def num_objects(self) -> int:
        return len(images_by_stem(self.masks))
