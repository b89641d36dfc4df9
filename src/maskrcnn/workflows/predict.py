"""From files to pictures, predictions and a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from maskrcnn.data.images import read_image
from maskrcnn.errors import DataError, UsageError
from maskrcnn.inference.outputs import PredictionWriter
from maskrcnn.inference.predictor import Predictor
from maskrcnn.structures import Instances


@dataclass
class Outcome:
    """What became of a job: objects found in each image, and one sentence for each input that failed."""

    counts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def predict_files(
    predictor: Predictor,
    paths: Sequence[Path],
    out: Path,
    classes: Sequence[str] = (),
    max_detections: int | None = None,
    batch: int = 1,
    label_maps: bool = False,
    report: Callable[[Path, int], None] = lambda path, found: None,
) -> Outcome:
    """Find the objects in image files and write overlays, ``predictions.json`` and ``summary.csv`` into ``out``.

    Memory is bounded by one batch. A file that cannot be read, or that the model fails on, is named; the rest is done.

    Args:
        classes: names of the classes to keep; empty: all.
        max_detections: best objects of an image that are kept; None: the model's own cap.
        batch: images read and run together.
        label_maps: also write 16-bit PNGs of instances and classes.
        report: called with each file and how many objects it holds.

    Raises:
        UsageError: a class that the model does not know, or label maps of a model that finds boxes only.
    """
    unknown = [name for name in classes if name not in predictor.class_names]
    if unknown:
        raise UsageError(
            f"The model does not know {', '.join(unknown)}; its classes are {', '.join(predictor.class_names)}."
        )
    if label_maps and predictor.info.config.mask_head is None:
        raise UsageError("The model finds boxes only: there are no masks to make label maps of.")
    if max_detections is not None:  # of the wanted classes, so the model must give more than that of all classes
        predictor.adjust(max_detections=max(max_detections, predictor.model.config.detection.max_detections))
    wanted = torch.tensor([k for k, name in enumerate(predictor.class_names, 1) if name in classes])
    outcome = Outcome()
    channels = predictor.info.config.in_channels
    info = predictor.info
    writer = PredictionWriter(
        out, info.class_names, info.category_ids or None, label_maps, info.keypoint_names, info.skeleton
    )
    for chunk in _chunks(paths, batch):
        images: list[Tensor] = []
        readable: list[Path] = []
        for path in chunk:
            try:
                images.append(read_image(path, channels))
                readable.append(path)
            except DataError as error:
                outcome.failures.append(str(error))
        for path, image, found in _predict(predictor, readable, images, outcome.failures):
            if len(wanted):
                found = found[torch.isin(cast(Tensor, found.labels), wanted)]
            found = found[: max_detections if max_detections is not None else len(found)]
            writer.add(printable(path), image, found)
            outcome.counts[str(path)] = len(found)
            report(path, len(found))
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


def printable(path: Path) -> str:
    """The path as text that any file can hold; bytes of it that are no text are written as such (``\\xe9``)."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def _chunks(paths: Sequence[Path], size: int) -> Iterable[Sequence[Path]]:
    return (paths[start : start + size] for start in range(0, len(paths), size))
