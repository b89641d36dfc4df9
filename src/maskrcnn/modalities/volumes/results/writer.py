"""What a prediction on volumes leaves behind: maps of labels that overlay the scan, tables, and sheets to look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maskrcnn.data.parsing.spreadsheets import path_cell
from maskrcnn.files import atomic_write, is_folder, resolved
from maskrcnn.inference.results.lists import ResultLists
from maskrcnn.inference.results.names import (
    CUTOUTS,
    FreeNames,
    cutout_name,
    id_of,
    refuse_among_sources,
    shown_path,
    source_path_of,
    write_table,
    written_of_image,
    written_of_object,
)
from maskrcnn.inference.tiling.tile_detections import NO_HEADS
from maskrcnn.modalities.volumes.draw.montage import draw_montage
from maskrcnn.modalities.volumes.draw.projections import draw_projections
from maskrcnn.modalities.volumes.find import stem_of
from maskrcnn.modalities.volumes.results.label_volumes import blank, number_type, piece_of, write_voxels
from maskrcnn.modalities.volumes.results.objects import FoundObject, best_first, found_objects, object_entry
from maskrcnn.modalities.volumes.volume import Volume
from maskrcnn.models.head import Head
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

COLUMNS = {  # of a table: key in the list
    "file": "file_name",
    "object": "object",
    "class": "category",
    "score": "score",
    "x_mm": "x_mm",
    "y_mm": "y_mm",
    "z_mm": "z_mm",
    "voxels": "voxels",
    "volume_mm3": "volume_mm3",
    "i": "i",
    "j": "j",
    "k": "k",
    "i_first": "i_first",
    "i_last": "i_last",
    "j_first": "j_first",
    "j_last": "j_last",
    "k_first": "k_first",
    "k_last": "k_last",
}


class VolumeWriter:
    """Writes the objects found in volumes into a folder, each file whole or not at all.

    Objects are numbered from 1, best first, the same in every file. Maps and cutouts are in the scan's own space, so
    that any viewer lays them over it: ``.nii.gz`` for NIfTI, DICOM, NRRD and MetaImage, ``.tif``, ``.npz`` or ``.npy``
    for those.

    * ``<stem>.instances.<ext>`` for each scan: the number of the object that each voxel belongs to, 0 being background;
      where objects overlap the surer one has the voxel. Of a model without masks, objects are their boxes. A second
      scan of the same stem is ``<stem>-2.instances.<ext>``.
    * ``<stem>.classes.<ext>``, for models of several classes: the number of its class, 1..K.
    * ``<stem>.csv``: a row for each object. ``x_mm``, ``y_mm``, ``z_mm`` is its centroid towards the patient's right,
      front and head (RAS+) where the scan says how it lies, else from the centre of its first voxel. ``voxels`` and
      ``volume_mm3`` count the object's own mask, not what others left of it in the map. ``i``, ``j``, ``k`` is the
      centroid in indices of the file (i counts columns, j rows, k slices, from 0), ``i_first`` to ``k_last`` the first
      and last voxel of the object. What depends on a spacing that the scan lacks is empty.
    * ``<stem>.png`` and ``<stem>.projections.png``: see ``draw_montage`` and ``draw_projections`` in ``draw/``.
    * ``predictions.json``, which grows with each scan: a list of the objects of all scans; ``bbox`` is the box in
      indices of the file, i first, voxel k covering [k, k + 1); ``map`` names the map in which ``object`` is drawn.
    * ``summary.csv``, which grows with it: the rows of all scans.
    * ``cutouts/<stem>_cutout_<number>_<class>.<ext>`` if ``cutouts`` is set: the scan's values in each object's own
      mask, 0 around it, as small as they fit.

    Args:
        out_dir: the folder, made if it does not exist. Files of an earlier run are replaced.
        class_names: of labels 1..K.
        category_ids: the ids that the data set uses for labels 1..K; by default the labels themselves.
        cutouts: write each object as a file of its own too.
        heads: of the model; what they want written of objects joins ``predictions.json``, and of whole files
            ``images.json``.
    """

    def __init__(
        self,
        out_dir: str | Path,
        class_names: Sequence[str],
        category_ids: Sequence[int] | None = None,
        cutouts: bool = False,
        heads: Mapping[str, Head] = NO_HEADS,
    ) -> None:
        self.out_dir = Path(out_dir)
        self.class_names = tuple(class_names)
        self.category_ids = tuple(category_ids or range(1, len(self.class_names) + 1))
        self.cutouts = cutouts
        endings = ("", ".instances", ".classes", ".projections")
        self.names = FreeNames(endings, reserved=("summary", "predictions"))
        self.heads = heads
        self.lists = ResultLists(self.out_dir, tuple(COLUMNS))

    def add(
        self, source_path: str | Path, volume: Volume, detections: Instances, truth: Instances | None = None
    ) -> Path:
        """Write what was found in one scan, last into the lists.

        Beside the scan one volume of the maps' type is in memory at a time.

        Args:
            source_path: where the scan comes from: a file, or the folder of a series; written into the lists as it is
                given.
            volume: the scan.
            detections: on the volume's voxels, on the CPU, with labels and scores and, for masks, regions.
            truth: what is there, drawn into the montage.

        Returns:
            The montage's path.

        Raises:
            UsageError: if the results would fall among the scans, or the package that writes them is not installed.
            OSError: something cannot be written; the lists are then as they were.
        """
        source = source_path_of(source_path)
        refuse_among_scans(self.out_dir, source)
        name = self.names.take(_stem(source))
        detections, regions = best_first(detections, volume.samples.shape[1:])
        objects = found_objects(detections, regions, self.class_names, volume)
        drawn_map = self._write_map(f"{name}.instances", volume, regions, [found.number for found in objects])
        if len(self.class_names) > 1:
            self._write_map(f"{name}.classes", volume, regions, [found.label for found in objects])
        for found in objects if self.cutouts else ():
            self._write_cutout(name, volume, regions, found)
        entries = [
            {"file_name": shown_path(source_path), "id": id_of(name), "map": drawn_map.name}
            | object_entry(found, self.category_ids)
            | written_of_object(self.heads, detections, found.number - 1)
            for found in objects
        ]
        write_table(self.out_dir / f"{name}.csv", list(COLUMNS), _rows(entries))
        montage = self.out_dir / f"{name}.png"
        _save(draw_montage(volume, detections, self.class_names, truth=truth, title=name), montage)
        projections = draw_projections(volume, detections, self.class_names, title=name)
        _save(projections, self.out_dir / f"{name}.projections.png")
        self.lists.add(entries, _rows(entries))
        if whole := written_of_image(self.heads, detections):
            self.lists.add_image({"file_name": shown_path(source_path), **whole})
        return montage

    def close(self) -> None:
        """See that ``predictions.json`` and ``summary.csv`` are there, even of no scan at all."""
        self.lists.close()

    def _write_map(self, name: str, volume: Volume, regions: Regions, numbers: Sequence[int]) -> Path:
        canvas = blank(volume.space, number_type(max(numbers, default=0)))
        paint(canvas, regions, numbers)
        return write_voxels(self.out_dir / name, canvas, volume.space, volume.spacing)

    def _write_cutout(self, name: str, volume: Volume, regions: Regions, found: FoundObject) -> None:
        i = found.number - 1
        if not regions.shapes[i].all():
            return
        where = regions.window_slices(i)
        values = volume.samples[(slice(None), *where)].numpy() * regions.window(i)
        values = values[0] if len(values) == 1 else values
        piece = piece_of(volume.space, where, regions.spatial_shape)
        write_voxels(
            self.out_dir / CUTOUTS / cutout_name(name, found.number, found.class_name), values, piece, volume.spacing
        )


def _stem(source: Path) -> str:
    """The name of a scan; ``.`` and ``..`` are folders with names of their own."""
    return stem_of(source if source.name.strip(".") else resolved(source)) or "scan"


def refuse_among_scans(out_dir: Path, source: Path) -> None:
    """Raises UsageError where results would fall among the scans: beside a file, or into the folder of a series."""
    refuse_among_sources(out_dir, source / "slices" if is_folder(source) else source, "scans")


def paint(canvas: np.ndarray, regions: Regions, numbers: Sequence[int]) -> None:
    """Write each object's number onto ``[Z, Y, X]``, the first object last, so that it stays whole.

    Args:
        canvas: int ``[Z, Y, X]``, is painted on.
        regions: of the objects.
        numbers: of the objects.
    """
    for i in reversed(range(len(numbers))):
        canvas[regions.window_slices(i)][regions.window(i)] = numbers[i]


def _rows(entries: Iterable[dict[str, Any]]) -> Iterator[list[Any]]:
    for entry in entries:
        yield [path_cell(entry[key]) if key == COLUMNS["file"] else entry[key] for key in COLUMNS.values()]


def _save(picture: Image.Image, path: Path) -> None:
    with atomic_write(path) as beside:
        picture.save(beside, compress_level=4)
