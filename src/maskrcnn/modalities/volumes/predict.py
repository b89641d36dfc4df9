"""From scans to maps of labels, tables and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maskrcnn.data.transforms.regrid import check_scale
from maskrcnn.errors import DataError
from maskrcnn.inference.look_size import check_look_size
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.outcome import Outcome, printable, said_how_far, unwritten
from maskrcnn.modalities.volumes.read import read_volume
from maskrcnn.modalities.volumes.results.writer import VolumeWriter, refuse_among_scans
from maskrcnn.modalities.volumes.volume import Volume
from maskrcnn.models.head import heads_of


def predict_volumes(
    predictor: Predictor,
    paths: Sequence[Path],
    out: Path,
    classes: Sequence[str] = (),
    max_detections: int | None = None,
    report: Callable[[Path, int], None] = lambda path, found: None,
    cutouts: bool = False,
) -> Outcome:
    """Find the objects in scans and write what :class:`VolumeWriter` writes into ``out``.

    Memory is bounded by one scan. What cannot be read or written, or what the model fails on, is named; the
    rest is done.

    Args:
        paths: files, and folders that hold a DICOM series.
        classes: names of the classes to keep; empty: all.
        max_detections: best objects of a scan that are kept; None: all.
        report: called with each scan and how many objects it holds.
        cutouts: also write each object as a file of its own.

    Raises:
        UsageError: a class that the model does not know, or results that would fall among the scans.
    """
    predictor = predictor.with_options(classes=tuple(classes))
    for path in paths:  # before hours of work
        refuse_among_scans(out, path)
    info, outcome = predictor.info, Outcome()
    writer = VolumeWriter(out, info.class_names, info.category_ids or None, cutouts, heads_of(predictor.model))
    with said_how_far(outcome, len(paths), out):
        for path in paths:
            try:
                volume = read_volume(path)
                check_channels(predictor, path, volume)
                check_look_size(path, predictor, volume.samples, volume.spacing)
                found = predictor(volume.samples, volume.spacing)
            except DataError as error:
                outcome.failures.append(str(error))
                continue
            except (RuntimeError, MemoryError) as error:
                reason = (str(error).splitlines() or ["out of memory"])[0]
                outcome.failures.append(f"{path}: the model failed on it ({reason}); try a smaller --tile.")
                continue
            outcome.notes += volume.notes
            found = found[: max_detections if max_detections is not None else len(found)]
            try:
                writer.add(printable(path), volume, found)
            except OSError as error:
                outcome.failures.append(unwritten(path, error))
                continue
            outcome.counts[str(path)] = len(found)
            report(path, len(found))
        writer.close()
    return outcome


def check_channels(predictor: Predictor, path: Path, volume: Volume) -> None:
    """Refuse a scan at another scale or with other channels than the model sees.

    Raises:
        DataError: with the path and what to do.
    """
    config, count = predictor.info.config, len(volume.samples)
    check_scale(path, volume.spacing, config.preprocess)
    if not config.preprocess.each_channel and count != config.in_channels:
        raise DataError(
            f"{path} has {count} channel{'s' * (count != 1)}, and the model sees {config.in_channels}: save those that "
            "it was trained on, in their order, or choose another model."
        )
