"""Finds the objects in pictures and writes overlays, predictions and a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from torch import Tensor

from maskrcnn.errors import DataError, UsageError
from maskrcnn.explanation.evidence_sheet import draw_evidence
from maskrcnn.files import atomic_write
from maskrcnn.inference.look_size import check_look_size
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.options import ResultOptions
from maskrcnn.inference.results.outcome import Outcome, explain_write_failure, path_as_text, tell_how_far
from maskrcnn.modalities.images.read.pictures import read_image
from maskrcnn.modalities.images.results import PredictionWriter
from maskrcnn.models.head import heads_of
from maskrcnn.structures import Instances

EVIDENCE = "_evidence"  # ends the name of the picture that explains another


def predict_files(
    predictor: Predictor,
    paths: Sequence[Path],
    options: ResultOptions,
    done: Callable[[Path, int], None] = lambda path, found: None,
) -> Outcome:
    """Find the objects in image files and write overlays, ``predictions.json`` and ``summary.csv``.

    Memory is bounded by one batch. A file that cannot be read, that the model fails on or whose results cannot be
    written is named; the rest is done. List and table grow with each image, so whatever ends the job leaves them whole.

    Args:
        predictor: of a model of images.
        paths: of the images.
        options: what is written, and of which objects.
        done: called with each file and how many objects it holds.

    Returns:
        How many objects were found in each image, and a sentence for each that failed.

    Raises:
        UsageError: a class that the model does not know, or label maps or cutouts of a model that finds boxes only.
    """
    out, max_detections = options.out, options.max_detections
    if options.label_maps and predictor.info.config.mask_head is None:
        raise UsageError("The model finds boxes only: there are no masks to make label maps of.")
    if options.cutouts and predictor.info.config.mask_head is None:
        raise UsageError("The model finds boxes only: there are no masks to cut objects out with.")
    predictor = predictor.with_options(classes=tuple(options.classes))
    if max_detections is not None:  # of the wanted classes, so the model must give more than that of all classes
        most = max(max_detections, predictor.detection.max_detections)
        predictor = predictor.with_options(max_detections=most)
    outcome = Outcome()
    channels = predictor.info.config.in_channels
    info = predictor.info
    writer = PredictionWriter(
        out,
        info.class_names,
        info.category_ids or None,
        options.label_maps,
        info.keypoint_names,
        info.skeleton,
        (EVIDENCE,) if options.explain_most else (),
        options.cutouts,
        heads_of(predictor.model),
    )
    with tell_how_far(outcome, len(paths), out):
        for chunk in _chunks(paths, options.batch):
            images: list[Tensor] = []
            readable: list[Path] = []
            for path in chunk:
                try:
                    image = read_image(path, channels)
                    check_look_size(path, predictor, image, None)
                    images.append(image)
                    readable.append(path)
                except DataError as error:
                    outcome.failures.append(str(error))
            for path, image, found in _predict(predictor, readable, images, outcome.failures):
                found = found[: max_detections if max_detections is not None else len(found)]
                try:
                    overlay = writer.add(path_as_text(path), image, found)
                    if options.explain_most:
                        beside = overlay.with_name(f"{overlay.stem}{EVIDENCE}.png")
                        outcome.failures += _explain(predictor, path, image, found, options.explain_most, beside)
                except OSError as error:
                    outcome.failures.append(explain_write_failure(path, error))
                    continue
                outcome.counts[str(path)] = len(found)
                done(path, len(found))
        writer.close()
    return outcome


def _predict(
    predictor: Predictor, paths: Sequence[Path], images: Sequence[Tensor], failures: list[str]
) -> Iterator[tuple[Path, Tensor, Instances]]:
    """Together where that works, else one by one, so that an image that is too much fails alone."""
    try:
        yield from zip(paths, images, predictor.predict(images))
        return
    except (RuntimeError, MemoryError) as error:
        if len(images) == 1:
            failures.append(
                f"{paths[0]}: the model failed on it ({str(error).splitlines()[0]}); try a smaller --image-size."
            )
            return
    for path, image in zip(paths, images):
        yield from _predict(predictor, [path], [image], failures)


def _explain(predictor: Predictor, path: Path, image: Tensor, found: Instances, most: int, picture: Path) -> list[str]:
    """Draw the evidence of one image; a sentence where that is too much for the machine."""
    try:
        drawn = draw_evidence(predictor, image, found, most)
    except (RuntimeError, MemoryError) as error:
        reason = (str(error).splitlines() or ["out of memory"])[0]
        return [f"{path}: its objects were found but not explained ({reason}); try a smaller --image-size."]
    with atomic_write(picture) as beside:
        drawn.save(beside, compress_level=4)
    return []


def _chunks(paths: Sequence[Path], size: int) -> Iterable[Sequence[Path]]:
    return (paths[start : start + size] for start in range(0, len(paths), size))
