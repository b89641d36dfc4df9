"""Finds the objects in scans and writes maps of labels, tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from maskrcnn.data.transforms.regrid import check_scale
from maskrcnn.errors import DataError
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.file_by_file import predict_one_by_one
from maskrcnn.inference.results.options import ResultOptions
from maskrcnn.inference.results.outcome import Done, Outcome, nobody
from maskrcnn.modalities.volumes.read import read_volume
from maskrcnn.modalities.volumes.results.writer import VolumeWriter, refuse_among_scans
from maskrcnn.modalities.volumes.volume import Volume
from maskrcnn.models.head import heads_of


def predict_volumes(
    predictor: Predictor, paths: Sequence[Path], options: ResultOptions, done: Done = nobody
) -> Outcome:
    """Find the objects in scans and write what :class:`VolumeWriter` writes.

    Args:
        predictor: of a model of scans.
        paths: files, and folders that hold a DICOM series.
        options: what is written, and of which objects.
        done: is told of each file.

    Returns:
        How many objects were found in each scan, and a sentence for each that failed.

    Raises:
        UsageError: a class that the model does not know, or results that would fall among the scans.
    """
    predictor = predictor.with_options(classes=tuple(options.classes))
    for path in paths:  # before hours of work
        refuse_among_scans(options.out, path)
    info, out = predictor.info, options.out
    writer = VolumeWriter(out, info.class_names, info.category_ids or None, options.cutouts, heads_of(predictor.model))
    options.journal.follow(writer.lists, writer.names)

    def read(path: Path) -> tuple[Volume, Tensor, tuple[float, ...] | None]:
        volume = read_volume(path)
        check_channels(predictor, path, volume)
        return volume, volume.samples, volume.spacing

    outcome = predict_one_by_one(predictor, paths, options, read, writer.add, done)
    writer.close()
    return outcome


def check_channels(predictor: Predictor, path: Path, volume: Volume) -> None:
    """Refuse a scan at another scale or with other channels than the model sees.

    Args:
        predictor: the model and how it looks at files.
        path: of the scan, for sentences.
        volume: the scan.

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
