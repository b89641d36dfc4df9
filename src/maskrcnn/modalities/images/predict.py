"""Finds the objects in pictures and writes overlays, predictions and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from maskrcnn.errors import DataError, UsageError
from maskrcnn.explanation.evidence_sheet import draw_evidence
from maskrcnn.files import atomic_write
from maskrcnn.inference.class_maps import with_parts
from maskrcnn.inference.look_size import check_look_size
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.file_by_file import FileToWrite
from maskrcnn.inference.results.in_step import ReadAhead, WriteBehind
from maskrcnn.inference.results.options import ResultOptions
from maskrcnn.inference.results.outcome import Done, Outcome, nobody, tell_how_far
from maskrcnn.modalities.images.class_map_results import ClassMapWriter, count_classes
from maskrcnn.modalities.images.read.pages import page_of
from maskrcnn.modalities.images.read.pictures import read_image
from maskrcnn.modalities.images.results import PredictionWriter
from maskrcnn.modalities.images.surface_results import IUV, SURFACE, texture_for, write_surface
from maskrcnn.models.head import heads_of
from maskrcnn.structures import Instances

EVIDENCE = "_evidence"  # ends the name of the picture that explains another
Picture = tuple[Path, Tensor | DataError]


def predict_files(predictor: Predictor, paths: Sequence[Path], options: ResultOptions, done: Done = nobody) -> Outcome:
    """Find the objects in image files and write overlays, ``predictions.json`` and ``summary.csv``.

    The next batch is read and the last image written while the model looks. Memory is bounded by three batches. A
    file that cannot be read, that the model fails on or whose results cannot be written is named; the rest is done.
    List and table grow with each image, so whatever ends the job leaves them whole.

    Args:
        predictor: of a model of images.
        paths: of the images.
        options: what is written, and of which objects.
        done: is told of each file.

    Returns:
        How many objects were found in each image, and a sentence for each that failed.

    Raises:
        UsageError: a class that the model does not know, or label maps or cutouts of a model that finds boxes only.
    """
    config = predictor.info.config
    semantic = options.semantic or (not config.finds_objects and config.whole_head is None)
    _check(predictor, options, semantic)
    if config.mask_head is None and config.finds_objects:
        for asked, what in ((options.label_maps, "make label maps of"), (options.cutouts, "cut objects out with")):
            if asked:
                raise UsageError(f"The model finds boxes only: there are no masks to {what}.")
    predictor = predictor.with_options(classes=tuple(options.classes))
    if options.max_detections is not None:  # of the wanted classes, so the model must give more than that of all
        most = max(options.max_detections, predictor.detection.max_detections)
        predictor = predictor.with_options(max_detections=most)
    outcome = Outcome()
    texture = texture_for(config, options.texture) if options.surface else None
    writer = _map_writer(predictor, options) if semantic else _writer(predictor, options)
    options.journal.follow(writer.lists, writer.names)
    read = partial(_read, channels=predictor.info.config.in_channels)
    chunks = [paths[start : start + options.batch] for start in range(0, len(paths), options.batch)]
    with (
        tell_how_far(outcome, len(paths), options.out),
        WriteBehind() as behind,
        ReadAhead(chunks, read) as ahead,
    ):
        for _, pictures in ahead:
            for path, image, found in _predict(predictor, pictures):
                if isinstance(found, str):
                    behind.tell(partial(outcome.fail, path, found, done))
                    continue
                found = found if semantic else with_parts(found, predictor.info, image.shape[1:])
                found = found[: len(found) if options.max_detections is None else options.max_detections]
                count = count_classes(found, image.shape[1:]) if semantic else len(found)
                job = FileToWrite(path, count, options, outcome, done)
                evidence = _explain(predictor, path, image, found, options.explain_most)
                if isinstance(evidence, str):
                    job.remarks, evidence = [evidence], None
                write = partial(_write, writer, options.journal.name_of(path), image, found, evidence, texture)
                behind.put(partial(job.write, write), job.settle)
                del image, found, evidence, write, job  # the thread holds them as long as it needs them
            del pictures
        behind.tell(writer.close)
    return outcome


def _writer(predictor: Predictor, options: ResultOptions) -> PredictionWriter:
    info = predictor.info
    return PredictionWriter(
        options.out,
        info.class_names,
        info.category_ids or None,
        options.label_maps,
        info.keypoint_names,
        info.skeleton,
        (*((EVIDENCE,) if options.explain_most else ()), *((IUV, SURFACE) if info.config.surface_head else ())),
        options.cutouts,
        heads_of(predictor.model),
        options.style,
    )


def _map_writer(predictor: Predictor, options: ResultOptions) -> ClassMapWriter:
    info = predictor.info
    return ClassMapWriter(
        options.out, info.class_names, info.category_ids or None, options.probabilities, options.classes
    )


def _check(predictor: Predictor, options: ResultOptions, semantic: bool) -> None:
    """Raise UsageError for what a model of this kind cannot give."""
    config = predictor.info.config
    if semantic and config.semantic_head is None and config.mask_head is None:
        raise UsageError("The model finds boxes only: there are no masks to make class maps of.")
    if options.probabilities and not (semantic and config.semantic_head is not None):
        raise UsageError("--probabilities is for models that tell the class of every pixel, with --semantic.")
    if semantic and not config.finds_objects and (options.cutouts or options.explain_most):
        raise UsageError("The model tells the class of every pixel and finds no objects to cut out or to explain.")


def _read(paths: Sequence[Path], channels: int) -> list[Picture]:
    pictures: list[Picture] = []
    for path in paths:
        try:
            pictures.append((path, read_image(path, channels)))
        except DataError as error:
            pictures.append((path, error))
    return pictures


def _predict(predictor: Predictor, pictures: list[Picture]) -> Iterator[tuple[Path, Tensor, Instances | str]]:
    """Each picture with its objects, or with a sentence that says why there are none. ``pictures`` is emptied."""
    small: list[tuple[Path, Tensor]] = []
    failed: dict[Path, str] = {}
    order = [path for path, _ in pictures]
    for path, image in pictures:
        try:
            if isinstance(image, DataError):
                raise image
            check_look_size(page_of(path)[0], predictor, image, None)
            small.append((path, image))
        except DataError as error:
            failed[path] = str(error)
    pictures.clear()
    found = _predict_together(predictor, small)
    for path in order:
        if path in failed:
            yield path, Tensor(), failed[path]
        else:
            yield next(found)


def _predict_together(
    predictor: Predictor, pictures: Sequence[tuple[Path, Tensor]]
) -> Iterator[tuple[Path, Tensor, Instances | str]]:
    """Together where that works, else one by one, so that an image that is too much fails alone."""
    try:
        found = predictor.predict([image for _, image in pictures])
        yield from ((*picture, own) for picture, own in zip(pictures, found))
        return
    except (RuntimeError, MemoryError) as error:
        if len(pictures) == 1:
            reason = (str(error).splitlines() or ["out of memory"])[0]
            path, image = pictures[0]
            yield path, image, f"{path}: the model failed on it ({reason}); try a smaller --image-size."
            return
    for picture in pictures:
        yield from _predict_together(predictor, [picture])


def _explain(predictor: Predictor, path: Path, image: Tensor, found: Instances, most: int) -> Image.Image | str | None:
    """The evidence of one image; a sentence where that is too much for the machine."""
    if not most:
        return None
    try:
        return draw_evidence(predictor, image, found, most)
    except (RuntimeError, MemoryError) as error:
        reason = (str(error).splitlines() or ["out of memory"])[0]
        return f"{path}: its objects were found but not explained ({reason}); try a smaller --image-size."


def _write(
    writer: PredictionWriter | ClassMapWriter,
    path: str,
    image: Tensor,
    found: Instances,
    evidence: Image.Image | None,
    texture: np.ndarray | None = None,
) -> None:
    overlay = writer.add(path, image, found)
    write_surface(overlay, image, found, texture)
    if evidence is not None:
        with atomic_write(overlay.with_name(f"{overlay.stem}{EVIDENCE}.png")) as beside:
            evidence.save(beside, compress_level=4)
