"""Finds the objects in recordings and writes pictures, intervals and the files of their own field."""

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
from maskrcnn.modalities.signals.read import read_signal
from maskrcnn.modalities.signals.results.writer import SignalWriter
from maskrcnn.modalities.signals.signal import Signal
from maskrcnn.models.head import heads_of
from maskrcnn.structures import Instances


def predict_signals(
    predictor: Predictor, paths: Sequence[Path], options: ResultOptions, done: Done = nobody
) -> Outcome:
    """Find the objects in recordings and write what :class:`SignalWriter` writes.

    Args:
        predictor: of a model of such recordings.
        paths: of the recordings; of WFDB records the headers.
        options: what is written, and of which objects.
        done: is told of each file.

    Returns:
        How many objects were found in each recording, and a sentence for each that failed.

    Raises:
        UsageError: a class that the model does not know.
    """
    predictor = predictor.with_options(classes=tuple(options.classes))
    info, out, page = predictor.info, options.out, options.style.page
    writer = SignalWriter(
        out, info.class_names, info.category_ids or None, options.cutouts, heads_of(predictor.model), page
    )
    options.journal.follow(writer.lists, writer.names)
    writer.go_on()
    each_channel = info.config.preprocess.each_channel

    def read(path: Path) -> tuple[Signal, Tensor, tuple[float]]:
        signal = read_signal(path)
        check_channels(predictor, path, signal)
        return signal, signal.lead_samples() if each_channel else signal.samples, (1 / signal.rate,)

    def write(path: str, signal: Signal, found: Instances) -> None:
        writer.add(path, signal, found, sequence=signal.sequence)

    outcome = predict_one_by_one(predictor, paths, options, read, write, done)
    writer.close()
    outcome.notes += writer.remarks
    return outcome


def check_channels(predictor: Predictor, path: Path, signal: Signal) -> None:
    """Refuse a recording of another kind, at another scale or with other channels than the model sees.

    Args:
        predictor: the model and how it looks at files.
        path: of the recording, for sentences.
        signal: the recording.

    Raises:
        DataError: with the path and what to do.
    """
    config, kind = predictor.info.config, predictor.info.notes.get("kind", signal.kind)
    if kind != signal.kind:
        raise DataError(
            f"{path} is of the kind {signal.kind}, and the model was trained on {kind}: choose another model."
        )
    p = config.preprocess
    check_scale(path, (1 / signal.rate,), p)
    if not (p.each_channel or p.log_mel) and len(signal.samples) != config.in_channels:
        raise DataError(
            f"{path} has {len(signal.samples)} channels ({', '.join(signal.channel_names)}), and the model sees "
            f"{config.in_channels}."
        )
