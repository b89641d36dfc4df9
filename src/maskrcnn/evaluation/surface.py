"""How well places on surfaces are found: COCO's average precision in which geodesic point similarity (GPS) stands where
boxes have IoU (DensePose, Güler et al. 2018, section 5).

The GPS of a detection and an object is the mean over the object's labelled points of ``exp(-d^2 / (2 * 0.255^2))``: d
is how far, in metres along the surface, the place that was found at the point lies from the labelled one. GPSm is the
geometric mean of GPS and of the IoU of what has a part and what is labelled as body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch

from maskrcnn.errors import UsageError
from maskrcnn.evaluation.average_precision import Judged, judge, tables_of
from maskrcnn.evaluation.bootstrap import ap_intervals
from maskrcnn.evaluation.coco import CocoResult, summarize
from maskrcnn.evaluation.overlap import box_pairs, mask_pairs
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record
from maskrcnn.surfaces.distances import SurfaceDistances, load_distances
from maskrcnn.surfaces.maps import SurfaceMaps
from maskrcnn.surfaces.points import SurfacePoints

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]
EVERY = 2**31


class SurfaceScores:
    """Judges image by image, so that no more than one image's maps are kept.

    Args:
        surface: name of the model's; empty: it knows none.
        class_names: of labels 1..K.
        max_detections: best detections of one class in one image that count; None: all.
    """

    def __init__(self, surface: str, class_names: Sequence[str], max_detections: int | None) -> None:
        self.surface, self.class_names = surface, class_names
        self.cap = EVERY if max_detections is None else max_detections
        self.judged: dict[str, list[Judged]] = {"gps": [], "gpsm": []}
        self.note = ""
        self.labelled = False

    def add(self, record: Record, found: Instances) -> None:
        """Judge what was found in one image, in coordinates of the file."""
        if not self.surface or self.note:
            return
        points = record.surface or SurfacePoints.blank(self.surface, len(record))
        if points.surface != self.surface:
            self.note = f"GPS is not measured: the labels are of {points.surface}, and the model knows {self.surface}."
            return
        if bool((points.counts > 0).any()) and not self.labelled:
            try:
                load_distances(self.surface)
            except UsageError as error:
                self.note = f"GPS is not measured: {error}."
                return
            self.labelled = True
        labels = _Labels(record, points)
        for kind, pairs in (("gps", labels.gps), ("gpsm", labels.gpsm)):
            ignored = labels.are_ignored(kind)
            self.judged[kind].append(judge(record, found, ignored, pairs, self.cap))

    def added_to(self, result: CocoResult, bootstrap: int) -> CocoResult:
        """The result with ``gps/AP gps/AP50 gps/AP75 gps/AR``, ``gps/AP/<class>`` and the same under ``gpsm/``, where
        the images have surface points, and their intervals from ``bootstrap`` resamplings."""
        if self.note:
            return replace(result, notes=(*result.notes, self.note))
        if not self.labelled:
            return result
        metrics, intervals = dict(result.metrics), dict(result.intervals)
        for kind, judged in self.judged.items():
            tables = tables_of(judged, len(self.class_names))
            metrics |= {f"{kind}/{name}": value for name, value in summarize(tables, self.class_names).items()}
            if bootstrap and len(judged) > 1:
                bounds = ap_intervals(tables.matches(), len(judged), bootstrap, 0)
                intervals |= {f"{kind}/{name}": bound for name, bound in bounds.items()}
        return replace(result, metrics=metrics, intervals=intervals)


class _Labels:
    """What is labelled on the surfaces of one image's M objects."""

    def __init__(self, record: Record, points: SurfacePoints) -> None:
        self.record, self.points = record, points
        self.known: dict[tuple[int, int], float] = {}  # both measures ask for the GPS of the same detections
        ends = points.counts.cumsum(0).numpy()
        told = ((points.parts > 0) & torch.isfinite(points.uv).all(1)).numpy()
        self.rows = [k - n + np.flatnonzero(told[k - n : k]) for k, n in zip(ends.tolist(), points.counts.tolist())]

    def are_ignored(self, kind: str) -> np.ndarray:
        """Bool ``[M]``: crowds, objects without points, and, for GPSm, those without a mask."""
        ignored = np.array([len(rows) == 0 for rows in self.rows], bool)
        if self.record.crowd is not None:
            ignored |= self.record.crowd.astype(bool)
        return ignored | (self.bodies.areas() == 0) if kind == "gpsm" else ignored

    def gps(self, found: Instances) -> Pairs:
        """The pairs whose boxes meet: the GPS; of an object that is ignored how much of the detection it has."""
        return self._pairs(found, self.are_ignored("gps"))

    def gpsm(self, found: Instances) -> Pairs:
        """The same with GPSm."""
        ignored = self.are_ignored("gpsm")
        of, on, similar = self._pairs(found, ignored)
        if not isinstance(found.surface, SurfaceMaps):
            return of, on, similar
        maps = found.surface
        whole = Regions.from_windows(
            self.bodies.spatial_shape, ((low, p > 0) for low, p in zip(maps.offsets, maps.parts))
        )
        overlap = mask_pairs(whole, self.bodies)
        iou = np.zeros((len(found), len(self.record)))
        iou[overlap.found, overlap.labelled] = overlap.iou
        return of, on, np.where(ignored[on], similar, np.sqrt(similar * iou[of, on]))

    def _pairs(self, found: Instances, ignored: np.ndarray) -> Pairs:
        pairs = box_pairs(found.boxes.double().numpy(), self.record.boxes)
        own = found.labels.numpy()[pairs.found] == self.record.labels[pairs.labelled]
        pairs = pairs[own]
        similar = pairs.inside.copy()
        for p in np.flatnonzero(~ignored[pairs.labelled]).tolist():
            similar[p] = self.similarity(found.surface, int(pairs.found[p]), int(pairs.labelled[p]))
        return pairs.found, pairs.labelled, similar

    def similarity(self, maps: object, n: int, m: int) -> float:
        """GPS of detection n and object m; 0 where nothing is told of the detection's surface."""
        if not isinstance(maps, SurfaceMaps):
            return 0.0
        if (n, m) not in self.known:
            parts, uv = read_maps(maps, n, self.points.places.numpy()[self.rows[m]])
            self.known[n, m] = float(self.distances.similarity(parts, uv, self.vertices[m]).mean())
        return self.known[n, m]

    @cached_property
    def distances(self) -> SurfaceDistances:
        return load_distances(self.points.surface)

    @cached_property
    def vertices(self) -> list[np.ndarray]:
        """Of each object, those at its points."""
        parts, uv = self.points.parts.numpy(), self.points.uv.numpy()
        return [self.distances.mesh.vertices_at(parts[rows], uv[rows]) for rows in self.rows]

    @cached_property
    def bodies(self) -> Regions:
        """What of each object is labelled as body: by drawn coarse parts, else by its mask."""
        shape = self.record.spatial_shape
        assert shape is not None, "surfaces are of images, whose size is known"
        windows: list[tuple[list[int], np.ndarray]] = []
        for m, drawn in enumerate(self.points.coarse):
            if drawn is not None:
                windows.append(body_in_file(drawn, self.points.coarse_boxes[m].numpy(), shape))
            elif self.record.regions is not None:
                windows.append((self.record.regions.offsets[m].tolist(), self.record.regions.window(m)))
            else:
                windows.append(([0] * len(shape), np.zeros((0,) * len(shape), bool)))
        return Regions.from_windows(shape, windows)


def read_maps(maps: SurfaceMaps, n: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What was found of an object at places of the file.

    Args:
        maps: of all objects.
        n: which of them.
        places: ``[T, D]``, x first.

    Returns:
        int64 ``[T]``, 0 outside the object and its window, and float32 ``[T, 2]``, u and v.
    """
    shape = np.array(maps.parts[n].shape)
    at = np.floor(places[:, ::-1]).astype(np.int64) - maps.offsets[n]
    inside = ((at >= 0) & (at < shape)).all(1)
    parts, uv = np.zeros(len(places), np.int64), np.zeros((len(places), 2), np.float32)
    index = tuple(at[inside].T)
    parts[inside] = maps.parts[n][index]
    uv[inside] = maps.uv[n][(slice(None), *index)].T
    return parts, uv


def body_in_file(drawn: np.ndarray, box: np.ndarray, shape: Sequence[int]) -> tuple[list[int], np.ndarray]:
    """Coarse parts as a window of the file.

    Args:
        drawn: uint8 ``[*G]``, 0 where the object is not.
        box: ``[2D]``, x first, over which it lies.
        shape: of the file, tensor order.

    Returns:
        The window's first sample, and bool ``[*W]``: the object is there, read at the samples' centres.
    """
    low, high = (corner[::-1].astype(np.float64) for corner in np.split(box, 2))
    first = np.clip(np.ceil(low - 0.5), 0, shape).astype(np.int64)
    stop = np.maximum(np.clip(np.ceil(high - 0.5), 0, shape).astype(np.int64), first)
    axes = [
        np.minimum(((np.arange(a, b) + 0.5 - start) / (end - start) * side).astype(np.int64), side - 1)
        for a, b, start, end, side in zip(first, stop, low, high, drawn.shape)
    ]
    return first.tolist(), drawn[np.ix_(*axes)] > 0
