"""COCO's average precision and recall of boxes and masks, with intervals that say how much to trust them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hotcoco import COCO, COCOeval
from rich.table import Table

from maskrcnn.evaluation.average_precision import Measured, measure
from maskrcnn.evaluation.bootstrap import ClassMatches, ap_intervals, collect_matches
from maskrcnn.evaluation.keypoints import (
    have_keypoints,
    keypoint_cap,
    keypoint_sigmas,
    num_keypoints,
    with_found_points,
    with_labelled_points,
)
from maskrcnn.evaluation.unlabelled import half_known, inside_extent, unsearched
from maskrcnn.regions import Regions
from maskrcnn.rle import box_to_rle, regions_to_rle
from maskrcnn.structures import Instances, Record

# How well the masks of found objects fit, see mask_quality.py: of all, and of small, medium and large ones.
MASK_QUALITY = ("IoU", "IoUs", "IoUm", "IoUl", "boundaryIoU")
SUMMARY = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR")
KEYPOINT_SUMMARY = ("AP", "AP50", "AP75", "APm", "APl", "AR")  # COCO labels no keypoints of small objects
PLAIN_SUMMARY = ("AP", "AP50", "AP75", "AR")
SUMMARIES = {4: SUMMARY, 3: KEYPOINT_SUMMARY, 1: PLAIN_SUMMARY}  # by how many ranges of sizes were measured
COCO_TYPES = {"box": "bbox", "mask": "segm", "keypoints": "keypoints"}  # our word: COCO's
COLUMNS = (*COCO_TYPES, "gps", "gpsm")  # of a table to print; the last two are those of surfaces


@dataclass(frozen=True)
class CocoResult:
    """What an evaluation measured.

    Attributes:
        metrics: ``box/AP box/AP50 box/AP75 box/APs box/APm box/APl box/AR`` and ``box/AP/<class>``, and the same
            under ``mask/`` where there are masks and (without ``APs``) under ``keypoints/`` where there are points;
            0..1, or None where there was no such object to find. ``APs APm APl`` are of images alone.
        intervals: 95 % bootstrap intervals (low, high) of ``AP`` and ``AP50`` under the same names; empty without
            bootstrap.
        precision: for each kind COCO's table, float ``[T, 101, K, A]``: the best precision at each recall or more (0,
            0.01 .. 1) for IoU thresholds 0.5, 0.55 .. 0.95, classes and sizes (all, small, medium, large); -1 where
            there is no such object. Of signals and volumes there is but one range of sizes, all.
        num_images: how many images (recordings, scans) were evaluated.
        num_objects: how many objects there were to find; crowds and objects with an unknown side are not counted.
        max_detections: how many detections of one class in one image were looked at, best first.
        records: what they are, in the plural.
        notes: sentences about what could not be measured.
        tables, samples: to print below the usual one (of rich); how the class of every sample was told.
    """

    metrics: dict[str, float | None]
    num_images: int
    num_objects: int
    max_detections: int
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    precision: dict[str, np.ndarray] = field(default_factory=dict, compare=False)
    records: str = "images"
    notes: tuple[str, ...] = field(default=(), compare=False)
    tables: tuple[Any, ...] = field(default=(), compare=False)
    samples: Any = field(default=None, compare=False)


def evaluate_detections(
    records: Sequence[Record],
    detections: Sequence[Instances],
    class_names: Sequence[str],
    max_detections: int = 100,
    bootstrap: int = 0,
    seed: int = 0,
    keypoint_names: Sequence[str] = (),
) -> CocoResult:
    """COCO's metrics of ``detections`` against the labels of ``records``, in any number of dimensions.

    Those of images come from hotcoco; those of signals and volumes, by the same rules, from ``average_precision.py``,
    without keypoints and without small, medium and large. Masks are measured where labels and detections have regions,
    keypoints where both have as many points, boxes always. Of keypoints COCO counts the 20 best detections of a class
    in an image, and so do we, unless ``max_detections`` is less or more objects of an image have labelled points. A
    detection on a crowd, or of a class that was not labelled exhaustively in its image, counts neither for nor against
    unless it finds a labelled object. One whose centre lies outside the stretch that was labelled (``Record.extent``)
    is left out.

    Args:
        records: the labels, in file coordinates.
        detections: of the same images in the same order and coordinates, on the CPU, with boxes,
            labels and scores and, for masks, regions whose canvas is the image.
        class_names: of labels 1..K.
        max_detections: best detections of one class in one image that count; recall is measured at
            this number.
        bootstrap: how often to resample the images for the intervals; 0 for none.
        seed: of the resampling.
        keypoint_names: COCO's 17 are measured with COCO's sigmas, others with 0.067.

    Returns:
        The metrics by name, 0..1, their intervals, and what was counted.

    Raises:
        ValueError: if there are not as many detections as records.
    """
    if len(records) != len(detections):
        raise ValueError(f"{len(records)} records but detections of {len(detections)} images")
    detections = [inside_extent(record, found) for record, found in zip(records, detections)]
    metrics: dict[str, float | None] = {}
    intervals: dict[str, tuple[float, float]] = {}
    precision: dict[str, np.ndarray] = {}
    present = {"mask": _have_masks(records, detections), "keypoints": have_keypoints(records, detections)}
    evaluator = EVALUATORS.get(_ndim(records), OTHERS)
    for kind in (kind for kind in evaluator.kinds if present.get(kind, True)):
        tables = evaluator.measure(kind, records, detections, class_names, max_detections, keypoint_names)
        metrics |= {f"{kind}/{name}": value for name, value in summarize(tables, class_names).items()}
        precision[kind] = tables.precision
        if bootstrap and len(records) > 1:  # one record drawn again and again says nothing of others
            bounds = ap_intervals(tables.matches(), len(records), bootstrap, seed)
            intervals |= {f"{kind}/{name}": bound for name, bound in bounds.items()}
    num_objects = sum(int(np.count_nonzero(~_crowd(record) & ~half_known(record))) for record in records)
    return CocoResult(metrics, len(records), num_objects, max_detections, intervals, precision, evaluator.records)


def format_table(result: CocoResult) -> Table:
    """The metrics as a table to print, a column for each of boxes, masks, keypoints and surfaces; then several
    classes."""
    kinds = [kind for kind in COLUMNS if f"{kind}/AP" in result.metrics]
    objects = f"{result.num_objects:,} objects in {result.num_images:,} {result.records}"
    table = Table(title=f"{objects}, at most {result.max_detections} detections each")
    table.add_column("")
    for kind in kinds:
        table.add_column(kind, justify="right")
    for name in (name for name in SUMMARY if f"box/{name}" in result.metrics):
        table.add_row(name, *(_cell(result, f"{kind}/{name}") for kind in kinds), end_section=name == SUMMARY[-1])
    drawn = [name for name in MASK_QUALITY if f"mask/{name}" in result.metrics]
    for name in drawn:
        table.add_row(name, *(_cell(result, f"{kind}/{name}") for kind in kinds), end_section=name == drawn[-1])
    classes = [name.removeprefix("box/") for name in result.metrics if name.startswith("box/AP/")]
    for name in classes if len(classes) > 1 else ():
        table.add_row(name.removeprefix("AP/"), *(_cell(result, f"{kind}/{name}") for kind in kinds))
    return table


def _cell(result: CocoResult, name: str) -> str:
    value = result.metrics.get(name)
    if value is None:
        return "–"
    if name not in result.intervals:
        return f"{value:.3f}"
    low, high = result.intervals[name]
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _with_hotcoco(
    kind: str,
    records: Sequence[Record],
    detections: Sequence[Instances],
    class_names: Sequence[str],
    max_detections: int,
    keypoint_names: Sequence[str],
) -> Measured:
    run = _run_coco(kind, records, detections, class_names, max_detections, keypoint_names)
    accumulated, every_size = run.eval, run.params.area_rng[0]
    assert accumulated is not None
    precision, recall = (np.asarray(accumulated[name])[..., 0] for name in ("precision", "recall"))

    def matches() -> list[ClassMatches]:
        of_all_sizes = [e for e in run.eval_imgs if e is not None and e["aRng"] == every_size]
        return collect_matches(of_all_sizes, len(records))

    return Measured(precision, recall, matches)


def _run_coco(
    kind: str,
    records: Sequence[Record],
    detections: Sequence[Instances],
    class_names: Sequence[str],
    max_detections: int,
    keypoint_names: Sequence[str] = (),
) -> COCOeval:
    """Match and accumulate with COCO's own rules; images are numbered from 1 in the order given."""
    truth, results = [], []
    for image_id, (record, found) in enumerate(zip(records, detections), start=1):
        labelled = _labels_of(record, kind) + unsearched(record, found, kind)
        if kind == "keypoints":
            labelled = with_labelled_points(labelled, record, num_keypoints(records))
        truth += [{"image_id": image_id, **label} for label in labelled]
        results += [{"image_id": image_id, **result} for result in _results_of(found, kind)]
    gt = COCO(
        {
            "images": [{"id": i, "height": 0, "width": 0} for i in range(1, len(records) + 1)],
            "categories": [{"id": k, "name": name} for k, name in enumerate(class_names, start=1)],
            "annotations": [{"id": i, **label} for i, label in enumerate(truth, start=1)],
        }
    )
    run = COCOeval(gt, gt.load_res(results), COCO_TYPES[kind])
    run.params.max_dets = [max_detections]
    if kind == "keypoints":
        run.params.max_dets = [keypoint_cap(records, max_detections)]
        run.params.kpt_oks_sigmas = keypoint_sigmas(keypoint_names, num_keypoints(records))
    run.evaluate()
    run.accumulate()
    return run


def _labels_of(record: Record, kind: str) -> list[dict[str, Any]]:
    boxes = _to_xywh(record.boxes)
    covered = np.zeros(len(record)) if record.regions is None else record.regions.areas()
    areas = np.where(covered > 0, covered, boxes[:, 2:].prod(axis=1)) if record.areas is None else record.areas
    columns = zip(record.labels.tolist(), boxes.tolist(), areas.tolist(), _crowd(record).tolist())
    labels = [{"category_id": k, "bbox": box, "area": a, "iscrowd": int(c)} for k, box, a, c in columns]
    if kind != "mask" or record.regions is None:
        return labels
    labels = _with_masks(labels, record.regions)
    for i in np.flatnonzero(covered == 0):  # nobody drew its mask: what is found in its box is neither right nor wrong
        labels[i] |= {"iscrowd": 1, "segmentation": box_to_rle(record.boxes[i], record.regions.spatial_shape)}
    return labels


def _results_of(found: Instances, kind: str) -> list[dict[str, Any]]:
    if len(found) == 0:
        return []
    results = [{"category_id": k, "score": s} for k, s in zip(found.labels.tolist(), found.scores.tolist())]
    if kind == "mask":  # without a box, so that COCO takes the mask's area for the size of the object
        return _with_masks(results, found.regions)
    if kind == "keypoints":  # without a box, so that COCO takes the extent of the points for the size of the object
        return with_found_points(results, found)
    return [{**result, "bbox": box} for result, box in zip(results, _to_xywh(found.boxes.numpy()).tolist())]


def _with_masks(rows: list[dict[str, Any]], regions: Regions | None) -> list[dict[str, Any]]:
    if regions is None:
        return rows
    return [{**row, "segmentation": regions_to_rle(regions, i)} for i, row in enumerate(rows)]


def summarize(tables: Measured, class_names: Sequence[str]) -> dict[str, float | None]:
    """Means over COCO's tables, in which -1 says that a class has no object of that size."""
    precision, recall = tables.precision, tables.recall
    chosen = [precision[..., 0], precision[0, ..., 0], precision[5, ..., 0]]
    chosen += [precision[..., area] for area in range(1, precision.shape[-1])] + [recall[..., 0]]
    summary = {name: _mean(values) for name, values in zip(SUMMARIES[precision.shape[-1]], chosen)}
    return summary | {f"AP/{name}": _mean(precision[:, :, k, 0]) for k, name in enumerate(class_names)}


def _mean(values: np.ndarray) -> float | None:
    known = values[values > -1]
    return float(known.mean()) if known.size else None


def _have_masks(records: Sequence[Record], detections: Sequence[Instances]) -> bool:
    labelled = [record for record in records if len(record)]
    found = [instances for instances in detections if len(instances)]
    return (
        bool(labelled)
        and all(record.regions is not None for record in labelled)
        and all(instances.regions is not None for instances in found)
    )


def _crowd(record: Record) -> np.ndarray:
    return np.zeros(len(record), dtype=bool) if record.crowd is None else record.crowd.astype(bool)


def _to_xywh(boxes: np.ndarray) -> np.ndarray:
    """Boxes ``[N, 4]`` from corners to COCO's corner and extent, float64."""
    low, high = np.split(boxes.astype(np.float64), 2, axis=1)
    return np.concatenate([low, high - low], axis=1)


def _ndim(records: Sequence[Record]) -> int:
    """D of the first record; an empty data set is as good as one of images."""
    return next((record.boxes.shape[1] // 2 for record in records), 2)


@dataclass(frozen=True)
class _Evaluator:
    """Which kinds of overlap can be measured, how, and what the records are called."""

    kinds: tuple[str, ...]
    measure: Callable[..., Measured]
    records: str


# What hotcoco reads, four numbers a box and run lengths of columns of pixels, are images: a foreign tool's limit.
EVALUATORS = {2: _Evaluator(tuple(COCO_TYPES), _with_hotcoco, "images")}
OTHERS = _Evaluator(("box", "mask"), measure, "records")
