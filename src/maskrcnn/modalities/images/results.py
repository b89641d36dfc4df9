"""What a prediction leaves behind: overlays to look at, a table to count with and COCO results for other tools."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from maskrcnn.data.parsing.spreadsheets import path_cell
from maskrcnn.drawing.style import DrawStyle, draw_found
from maskrcnn.errors import UsageError
from maskrcnn.files import atomic_write
from maskrcnn.inference.results.lists import ResultLists
from maskrcnn.inference.results.names import (
    CUTOUTS,
    FreeNames,
    cutout_name,
    id_of,
    refuse_among_sources,
    shown_path,
    source_path_of,
    written_of_image,
    written_of_object,
)
from maskrcnn.inference.tiling.tile_detections import NO_HEADS
from maskrcnn.modalities.images.cutouts import cut_out
from maskrcnn.modalities.images.entries import areas_of, coco_entry
from maskrcnn.modalities.images.label_maps import label_maps
from maskrcnn.modalities.images.read.pages import stem_of_page
from maskrcnn.models.head import Head
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

COLUMNS = ("file", "object", "class", "score", "x1", "y1", "x2", "y2", "area_px")

AS_USUAL = DrawStyle()


class PredictionWriter:
    """Writes the detections of 2-D images into a folder, each file whole or not at all.

    * ``<stem>.png`` for each image: the detections drawn over it; a second image of the same stem is ``<stem>-2.png``.
    * ``predictions.json``, which grows with each image: a list in COCO's results form, with names. ``image_id`` is the
      stem as above, as an integer if it is one; ``bbox`` is x, y, width, height; ``segmentation`` compressed RLE;
      ``keypoints`` x, y and score (0..1) of one point after another, x and y as COCO counts them: 0 is the centre of
      the first pixel, which is 0.5 in ``bbox``.
    * ``summary.csv``, which grows with it: a row for each object, numbered from 1 in each image. ``area_px``
      counts the pixels of the mask, or of the box for a model without masks.
    * ``<stem>.instances.png`` and ``<stem>.classes.png`` if ``label_maps`` is set: 16-bit pictures of object numbers
      as in ``summary.csv`` and of class numbers 1..K; 0 is background.
    * ``cutouts/<stem>_cutout_<object>_<class>.png`` for each object that covers a pixel if ``cutouts`` is set, numbered
      as in ``summary.csv``: its pixels on a transparent background.

    Args:
        out_dir: the folder, made if it does not exist. Files of an earlier run are replaced.
        class_names: of labels 1..K.
        category_ids: the ids that the data set uses for labels 1..K; by default the labels themselves.
        label_maps: write label maps too.
        cutouts: write each object as a picture of its own too.
        keypoint_names, skeleton: of the model's points, for drawing, see :func:`maskrcnn.drawing.overlay.draw`.
        heads: of the model; what they want written of objects joins ``predictions.json``, and of whole files
            ``images.json``.
        reserved: what somebody else's files beside the overlays add to their names; no image's overlay is named so.
    """

    def __init__(
        self,
        out_dir: str | Path,
        class_names: Sequence[str],
        category_ids: Sequence[int] | None = None,
        label_maps: bool = False,
        keypoint_names: Sequence[str] = (),
        skeleton: Sequence[tuple[int, int]] = (),
        reserved: Sequence[str] = (),
        cutouts: bool = False,
        heads: Mapping[str, Head] = NO_HEADS,
        style: DrawStyle = AS_USUAL,
    ) -> None:
        self.out_dir = Path(out_dir)
        self.class_names = tuple(class_names)
        self.category_ids = tuple(category_ids or range(1, len(self.class_names) + 1))
        self.label_maps, self.cutouts = label_maps, cutouts
        self.keypoint_names, self.skeleton = tuple(keypoint_names), tuple(skeleton)
        self.names = FreeNames(("", ".instances", ".classes", *reserved))
        self.heads, self.style = heads, style
        self.lists = ResultLists(self.out_dir, COLUMNS)

    def add(self, source_path: str | Path, image: Tensor | np.ndarray, detections: Instances) -> Path:
        """Write what was found in one image, last into the lists.

        Args:
            source_path: where the image comes from; written into the lists as it is given.
            image: tensor ``[C, H, W]`` or array ``[H, W, C]``, values 0..255.
            detections: in pixels of the image, on the CPU, with labels and scores and, for masks, regions.

        Returns:
            The overlay's path.

        Raises:
            UsageError: if the results would fall among the source images, or if label maps or cutouts are asked of
                boxes.
            OSError: something cannot be written; the lists are then as they were.
        """
        source = source_path_of(source_path)
        refuse_among_sources(self.out_dir, source, "images")
        if self.label_maps and len(detections) and detections.regions is None:
            raise UsageError("this model finds boxes only: there are no masks to make label maps of")
        if self.cutouts and len(detections) and detections.regions is None:
            raise UsageError("this model finds boxes only: there are no masks to cut objects out with")
        name = self.names.take(stem_of_page(source))
        overlay = self.out_dir / f"{name}.png"
        drawn = draw_found(image, detections, self.class_names, self.style, self.skeleton, self.keypoint_names)
        _save(drawn, overlay, zlib.Z_RLE)  # of photos as small, in half the time: nothing in them comes twice
        if self.label_maps:
            height, width = image.shape[1:] if isinstance(image, Tensor) else image.shape[:2]
            self._write_label_maps(name, detections, (height, width))
        if self.cutouts and detections.regions is not None:
            self._write_cutouts(name, image, detections, detections.regions)
        self._collect(shown_path(source_path), name, detections)
        return overlay

    def close(self) -> None:
        """See that ``predictions.json`` and ``summary.csv`` are there, even of no image at all."""
        self.lists.close()

    def _write_label_maps(self, name: str, detections: Instances, spatial_shape: tuple[int, int]) -> None:
        regions = Regions.blank(spatial_shape) if detections.regions is None else detections.regions
        instances, classes = label_maps(regions, detections.labels, detections.scores)
        _save(Image.fromarray(instances), self.out_dir / f"{name}.instances.png")
        _save(Image.fromarray(classes), self.out_dir / f"{name}.classes.png")

    def _write_cutouts(self, name: str, image: Tensor | np.ndarray, detections: Instances, regions: Regions) -> None:
        for i, label in enumerate(detections.labels.tolist()):
            if regions.shapes[i].all():
                file_name = f"{cutout_name(name, i + 1, self.class_names[label - 1])}.png"
                _save(cut_out(image, regions, i), self.out_dir / CUTOUTS / file_name)

    def _collect(self, file_name: str, name: str, detections: Instances) -> None:
        areas = areas_of(detections).tolist()
        entries: list[dict[str, Any]] = []
        rows: list[tuple[Any, ...]] = []
        for i, area in enumerate(areas):
            entry = coco_entry(detections, i, self.class_names, self.category_ids)
            entry = {"file_name": file_name, "image_id": id_of(name), **entry}
            entries.append(entry | written_of_object(self.heads, detections, i))
            (x, y), (x2, y2) = entry["bbox"][:2], (round(c, 2) for c in detections.boxes[i, 2:].tolist())
            rows.append((path_cell(file_name), i + 1, entry["category"], entry["score"], x, y, x2, y2, area))
        self.lists.add(entries, rows)
        if whole := written_of_image(self.heads, detections):
            self.lists.add_image({"file_name": file_name, **whole})


def _save(picture: Image.Image, path: Path, how: int = zlib.Z_DEFAULT_STRATEGY) -> None:
    with atomic_write(path) as beside:
        picture.save(beside, compress_level=4, compress_type=how)
