"""Evaluates a predictor on a labelled data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from maskrcnn.data.class_maps.tasks import SEMANTIC, WHOLE, parts_of_maps
from maskrcnn.data.dataset import UNNAMED, Dataset
from maskrcnn.data.transforms.regrid import check_scale
from maskrcnn.errors import DataError
from maskrcnn.evaluation.coco import CocoResult, evaluate_detections
from maskrcnn.evaluation.fields import FieldResult
from maskrcnn.evaluation.semantic import SampleScores, samples_table
from maskrcnn.evaluation.surface import SurfaceScores
from maskrcnn.evaluation.unlabelled import inside_extent
from maskrcnn.evaluation.whole import evaluate_whole
from maskrcnn.inference.class_maps import class_map_of, class_probabilities_of, with_parts
from maskrcnn.inference.look_size import check_look_size
from maskrcnn.inference.predictor import Predictor
from maskrcnn.models.class_probabilities import ClassProbabilities
from maskrcnn.models.head import heads_of
from maskrcnn.structures import IGNORED, Instances, Record

Progress = Callable[[int], bool | None]
Watch = Callable[[Record, Tensor, Instances], None]

LOWEST_SCORE = 0.01  # average precision looks at the whole curve, not only at what a user would be shown


def evaluate(
    predictor: Predictor,
    dataset: Dataset,
    max_detections: int | None = None,
    bootstrap: int = 0,
    batch: int = 4,
    progress: Progress = lambda done: None,
    watch: Watch = lambda record, image, found: None,
) -> tuple[CocoResult, list[str]]:
    """COCO's metrics of ``predictor`` on ``dataset``, and those of the field that the data come from.

    Classes are matched by name: a class of the data set that the model does not know has AP 0, detections of classes
    the data set does not name are left out.

    Args:
        predictor: the model and how it looks at files.
        dataset: labelled files of the same kind.
        max_detections: cap for each image; None: the model's own, or, where the predictor cuts an
            image into tiles and finds more, no cap.
        bootstrap: resamplings of the images for 95 % intervals; 0 for none.
        batch: images that run together.
        progress: called with the number of images done so far; True ends the evaluation with these.
        watch: called for each image with its labels, its samples and all that was found in it
            (scores from 0.01 on, under the data set's labels).

    Returns:
        The result, and one sentence for each image that could not be read and was left out.

    Raises:
        DataError: none of the data set's classes is known to the model, or no image can be read.
    """
    if dataset.task == WHOLE:
        return evaluate_whole(predictor, dataset, bootstrap, progress, watch)
    labels = match_classes(predictor.class_names, dataset)
    cap = predictor.detection.max_detections if max_detections is None else max_detections
    every = predictor.with_options(score=LOWEST_SCORE, max_detections=cap)
    own = predictor.info.config.surface_head
    surfaces = SurfaceScores("" if own is None else own.surface.name, dataset.class_names, max_detections)
    scores = SampleScores(dataset.class_names, dataset.background) if dataset.has_class_maps else None

    def look(record: Record, image: Tensor, found: Instances) -> None:
        watch(record, image, found)
        surfaces.add(record, found)
        if scores is not None and record.class_map is not None:
            told = class_map_of(found, record.class_map.shape)
            of_data = (
                told if class_probabilities_of(found) is None else own_labels(told, labels, len(dataset.class_names))
            )
            scores.add(labelled_map(record), of_data, record.file_name)

    records, detections, by_lead, failures = _detect(every, dataset, labels, batch, progress, look)
    if not records:
        raise DataError(
            f"{dataset.path}: none of {len(failures)} images can be read; the first: {failures[0]}"
            if failures
            else f"{dataset.path} holds no images."
        )
    if dataset.task == SEMANTIC and scores is not None:
        of_samples = samples_result(scores, len(records))
        return _with_field(of_samples, _of_field(dataset, records, detections, by_lead)), failures
    if max_detections is None:  # the model's cap is for each tile: all that was found counts
        cap = max(cap, *map(len, detections))
    names = dataset.keypoint_names
    detections = [_reorder_keypoints(found, predictor.info.keypoint_names, names) for found in detections]
    result = evaluate_detections(records, detections, dataset.class_names, cap, bootstrap, keypoint_names=names)
    result = _with_field(result, _of_field(dataset, records, detections, by_lead))
    result = surfaces.added_to(result, bootstrap)
    metrics = result.metrics | (scores.metrics() if scores is not None else {})
    for head in heads_of(predictor.model).values():
        metrics |= head.measures(records, detections)
    return replace(result, metrics=metrics), failures


def _of_field(
    dataset: Dataset, records: list[Record], detections: list[Instances], by_lead: list[list[Instances]]
) -> FieldResult:
    """What the field that the data come from measures of them, if it measures anything."""
    if dataset.measures is None:
        return FieldResult()
    measured: FieldResult = dataset.measures(dataset, records, detections, by_lead if all(by_lead) else None)
    return measured


def _with_field(result: CocoResult, of_field: FieldResult) -> CocoResult:
    tables = () if of_field.table is None else (of_field.table,)
    return replace(result, metrics=result.metrics | of_field.metrics, tables=(*result.tables, *tables))


def _detect(
    predictor: Predictor,
    dataset: Dataset,
    labels: list[int],
    batch: int,
    progress: Progress,
    watch: Watch,
) -> tuple[list[Record], list[Instances], list[list[Instances]], list[str]]:
    """The records that could be read, what was found in each under the data set's labels, the same of each channel by
    itself where the model sees one at a time (else nothing), and the failures."""
    records: list[Record] = []
    detections: list[Instances] = []
    by_lead: list[list[Instances]] = []
    failures: list[str] = []
    objects = parts_of_maps(dataset)  # which a field measures
    for chunk in _chunks(dataset, batch):
        images, spacings, read = [], [], []
        labels_surface = False
        for index in chunk:
            try:
                record = dataset[index]
                check_scale(record.source, record.spacing, predictor.info.config.preprocess)
                image = dataset.read_image(record)
                check_look_size(record.source, predictor, image, record.spacing)
                images.append(image)
                spacings.append(record.spacing)
                records.append(record)
                labels_surface |= record.surface is not None
                read.append(index)
            except DataError as error:
                failures.append(str(error))
        asked = predictor.with_options(surface=labels_surface)  # it takes time, and is of no use where none is labelled
        fresh, leads = records[len(detections) :], asked.predict_leads(images, spacings)
        if dataset.measures is not None:  # a field measures objects: waves, not samples
            leads = [_as_objects(own, apart, predictor, image) for (own, apart), image in zip(leads, images)]
        together = [inside_extent(record, _relabel(found, labels)) for record, (found, _) in zip(fresh, leads)]
        by_lead += [[_relabel(lead, labels) for lead in apart] for _, apart in leads]
        for seen in zip(fresh, images, together):
            watch(*seen)
        detections += [replace(found, of_image=_small(found.of_image), surface=None) for found in together]
        if dataset.measures is not None and objects is not dataset:
            fresh = [objects[index] for index in read]
        records[len(records) - len(fresh) :] = [replace(record, class_map=None) for record in fresh]
        if progress(len(records) + len(failures)):
            break
    return records, detections, by_lead, failures


def _as_objects(
    found: Instances, by_lead: list[Instances], predictor: Predictor, image: Tensor
) -> tuple[Instances, list[Instances]]:
    """What a model that finds no objects has told of a file and of each of its channels, as objects."""
    shape = image.shape[1:]
    return (
        with_parts(found, predictor.info, shape),
        [with_parts(lead, predictor.info, shape) for lead in by_lead],
    )


def _small(of_image: dict[str, Any]) -> dict[str, Any]:
    """Without the probabilities of every sample, which are measured file by file."""
    return {name: value for name, value in of_image.items() if not isinstance(value, ClassProbabilities)}


def labelled_map(record: Record) -> np.ndarray:
    """The class map of a record; where not every class was searched for, background says nothing."""
    assert record.class_map is not None
    if record.exhaustive is None:
        return record.class_map
    return np.where(record.class_map == 0, np.int16(IGNORED), record.class_map)


def own_labels(told: np.ndarray, labels: Sequence[int], num_classes: int) -> np.ndarray:
    """A class map of a model under the data set's labels; K + 1 for a class that the data set does not have.

    Args:
        told: int16 ``[*S]``, labels of the model.
        labels: the data set's label for each of the model's classes; 0: none.
        num_classes: K, of the data set.

    Returns:
        Int16 ``[*S]``.
    """
    table = np.array([0, *(label or num_classes + 1 for label in labels)], dtype=np.int16)
    renamed: np.ndarray = table[told]
    return renamed


def samples_result(scores: SampleScores, num_images: int) -> CocoResult:
    """What an evaluation of class maps alone measured."""
    return CocoResult(scores.metrics(), num_images, 0, 0, tables=(samples_table(scores),), samples=scores)


def match_classes(class_names: Sequence[str], dataset: Dataset) -> list[int]:
    """The data set's label (1..K) for each of a model's classes, by name; 0 for a class that it does not label.

    The only class of label maps, which have no names, is that of a model that knows only one.

    Raises:
        DataError: no class in common.
    """
    if dataset.class_names == (UNNAMED,) and len(class_names) == 1:
        return [1]
    table = {name: k for k, name in enumerate(dataset.class_names, 1)}
    labels = [table.get(name, 0) for name in class_names]
    if not any(labels):
        raise DataError(
            f"{dataset.path} labels {_few(dataset.class_names)}, but the model knows {_few(class_names)}: no class in "
            "common."
        )
    return labels


def _chunks(dataset: Dataset, size: int) -> Iterator[range]:
    return (range(start, min(start + size, len(dataset))) for start in range(0, len(dataset), size))


def _relabel(found: Instances, labels: list[int]) -> Instances:
    """The detections under the data set's labels (``labels[k - 1]`` for the model's label k, 0: left out)."""
    own = found.labels.new_tensor([0, *labels])[found.labels]
    return replace(found, labels=own)[own > 0]


def _reorder_keypoints(found: Instances, own: Sequence[str], wanted: Sequence[str]) -> Instances:
    """The detections with the data set's keypoints, by name; without any where the model does not know them all."""
    known = found.keypoints is not None and len(wanted) > 0 and set(wanted) <= set(own)
    order = [own.index(name) for name in wanted] if known else []
    return replace(found, keypoints=found.keypoints[:, order] if known and found.keypoints is not None else None)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
