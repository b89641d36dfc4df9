"""One picture by itself, for :mod:`maskrcnn.face`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from maskrcnn.drawing.class_map import draw_class_map
from maskrcnn.drawing.overlay import draw
from maskrcnn.inference.class_maps import class_map_of
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.images.entries import coco_entry
from maskrcnn.modalities.images.read.arrays import picture_of
from maskrcnn.modalities.images.read.pictures import read_image
from maskrcnn.model_info import ModelInfo
from maskrcnn.structures import Instances


@dataclass(frozen=True)
class OnePicture:
    """Its pixels ``[C, H, W]``, 0..255."""

    samples: Tensor
    spacing: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()

    def picture(self, found: Instances, info: ModelInfo) -> Image.Image:
        """The picture with each object in a colour of its own, or under the class map of a model that finds none."""
        if not (info.config.finds_objects or info.config.whole_head):
            return draw_class_map(self.samples, class_map_of(found, self.samples.shape[1:]), info.class_names)
        names, skeleton = info.keypoint_names, info.skeleton
        return draw(self.samples, found, info.class_names, skeleton=skeleton, keypoint_names=names)

    def entries(self, found: Instances, info: ModelInfo) -> list[dict[str, Any]]:
        """COCO's results, without ``file_name`` and ``image_id``."""
        ids = info.category_ids or tuple(range(1, len(info.class_names) + 1))
        return [coco_entry(found, i, info.class_names, ids) for i in range(len(found))]


def open_one(predictor: Predictor, source: Any, spacing: Sequence[float] | None = None) -> OnePicture:
    """A picture that a predictor can look at.

    Args:
        predictor: says which channels it sees.
        source: the path of a file, or a picture in memory, see ``read/arrays.py``.
        spacing: pictures have none.

    Returns:
        The picture.

    Raises:
        DataError: a file that cannot be read.
        TypeError: what is no picture.
    """
    channels = predictor.info.config.in_channels
    if isinstance(source, Path):
        return OnePicture(read_image(source, channels))
    return OnePicture(picture_of(source, channels))
