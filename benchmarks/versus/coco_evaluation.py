"""COCO's average precision of boxes and masks over made-up scenes; pycocotools gets its run lengths ready-made."""

from __future__ import annotations

import contextlib
import io

import numpy as np

from cases import Arrays, Case, Work, largest_difference
from evaluation.scenes import HEIGHT, WIDTH, random_scenes
from maskrcnn.evaluation.coco import evaluate_detections
from maskrcnn.rle import regions_to_rle
from maskrcnn.structures import Instances, Record

IMAGES, NAMES = 1000, ("cat", "dog")


def scenes() -> tuple[list[Record], list[Instances]]:
    return random_scenes(0, IMAGES)


def ours() -> Work:
    records, detections = scenes()

    def run() -> Arrays:
        metrics = evaluate_detections(records, detections, NAMES).metrics
        return {kind: np.array([metrics[f"{kind}/{m}"] for m in ("AP", "AP50", "AP75")]) for kind in ("box", "mask")}

    return run


def xywh(box: np.ndarray) -> list[float]:
    return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]


def as_coco() -> tuple[dict, list[dict]]:
    """The scenes in COCO's own form: the label file and the list of results."""
    annotations, results = [], []
    for image, (record, found) in enumerate(zip(*scenes())):
        assert record.regions is not None and found.regions is not None and found.scores is not None
        areas = record.regions.areas() if record.areas is None else record.areas
        for i in range(len(record)):
            label = {"id": len(annotations) + 1, "image_id": image, "category_id": int(record.labels[i])}
            label |= {"bbox": xywh(record.boxes[i]), "area": float(areas[i]), "iscrowd": int(record.crowd[i])}
            annotations.append(label | {"segmentation": regions_to_rle(record.regions, i)})
        for i in range(len(found)):
            result = {"image_id": image, "category_id": int(found.labels[i]), "score": float(found.scores[i])}
            result |= {"bbox": xywh(found.boxes[i].numpy()), "segmentation": regions_to_rle(found.regions, i)}
            results.append(result)
    images = [{"id": i, "height": HEIGHT, "width": WIDTH} for i in range(IMAGES)]
    categories = [{"id": k + 1, "name": name} for k, name in enumerate(NAMES)]
    return {"images": images, "categories": categories, "annotations": annotations}, results


def theirs() -> Work:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    labels, results = as_coco()

    def run() -> Arrays:
        stats = {}
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO()
            truth.dataset = labels
            truth.createIndex()
            for kind, theirs in (("box", "bbox"), ("mask", "segm")):
                rows = [{k: v for k, v in r.items() if kind == "mask" or k != "segmentation"} for r in results]
                rows = [{k: v for k, v in r.items() if kind == "box" or k != "bbox"} for r in rows]
                evaluation = COCOeval(truth, truth.loadRes(rows), theirs)
                evaluation.evaluate()
                evaluation.accumulate()
                evaluation.summarize()
                stats[kind] = evaluation.stats[:3]
        return stats

    return run


CASES = {"coco": Case(f"COCO evaluation, {IMAGES} images, boxes and masks", ours, theirs, largest_difference, 3)}
