"""Objects as regions of interest of ImageJ and Fiji: a zip that their ROI Manager opens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.checks import needed_package
from maskrcnn.files import atomic_write
from maskrcnn.masks.polygons import Polygon, polygons
from maskrcnn.structures import Instances

MOVE, LINE, CLOSE = 0.0, 1.0, 4.0  # of the path of a composite region, as java.awt.geom.PathIterator numbers them


def to_rois(found: Instances, class_names: Sequence[str]) -> list[Any]:
    """A ``roifile.ImagejRoi`` for each object, named by its number, class and score.

    An object in one part without holes is a polygon along the sides of its pixels, any other a composite region; of
    models without masks, and of a mask that covers nothing, it is the box.

    Args:
        found: the objects.
        class_names: of labels 1..K.

    Returns:
        The regions in the order of the objects.

    Raises:
        UsageError: roifile is not installed.
    """
    library = needed_package("roifile", "write regions of ImageJ", extra="imagej")
    columns = zip(found.labels.tolist(), found.scores.tolist())
    names = [f"{i:04d} {class_names[label - 1]} {score:.2f}" for i, (label, score) in enumerate(columns, start=1)]
    return [_roi(library, found, i, name) for i, name in enumerate(names)]


def write_rois(path: Path, found: Instances, class_names: Sequence[str]) -> None:
    """Write :func:`to_rois` as a zip; without any object it is an empty one.

    Args:
        path: of the zip.
        found: the objects.
        class_names: of labels 1..K.

    Raises:
        UsageError: roifile is not installed.
    """
    library = needed_package("roifile", "write regions of ImageJ", extra="imagej")
    rois = to_rois(found, class_names)
    with atomic_write(path) as beside:
        names = [roi.name.replace("/", "-") for roi in rois]
        library.roiwrite(beside, rois, name=names, mode="w")


def _roi(library: Any, found: Instances, i: int, name: str) -> Any:
    parts = [] if found.regions is None else polygons(found.regions.window(i))
    if not parts or found.regions is None:
        x1, y1, x2, y2 = found.boxes[i].round().int().tolist()
        return library.ImagejRoi(
            roitype=library.ROI_TYPE.RECT, left=x1, top=y1, right=max(x2, x1 + 1), bottom=max(y2, y1 + 1), name=name
        )
    y, x = (int(start) for start in found.regions.offsets[i])
    parts = [[[(cx + x, cy + y) for cx, cy in ring] for ring in part] for part in parts]
    if len(parts) == 1 and len(parts[0]) == 1:
        roi = library.ImagejRoi.frompoints(np.array(parts[0][0]), name=name)
        roi.roitype = library.ROI_TYPE.POLYGON
        return roi
    return _composite(library, parts, name)


def _composite(library: Any, parts: list[Polygon], name: str) -> Any:
    rings = [ring for part in parts for ring in part]
    path: list[float] = []
    for (x, y), *others in rings:
        path += [MOVE, x, y]
        for other in others:
            path += [LINE, *other]
        path.append(CLOSE)
    corners = np.array([corner for ring in rings for corner in ring])
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return library.ImagejRoi(
        roitype=library.ROI_TYPE.RECT,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        shape_roi_size=len(path),
        multi_coordinates=np.array(path, dtype=np.float32),
        name=name,
    )
