"""From recordings to pictures, intervals and the files of their own field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maskrcnn.data.transforms.regrid import check_scale
from maskrcnn.errors import DataError
from maskrcnn.inference.look_size import check_look_size
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.outcome import Outcome, printable, said_how_far, unwritten
from maskrcnn.modalities.signals.read import read_signal
from maskrcnn.modalities.signals.results.writer import SignalWriter
from maskrcnn.modalities.signals.signal import Signal
from maskrcnn.models.head import heads_of


def predict_signals(
    predictor: Predictor,
    paths: Sequence[Path],
    out: Path,
    classes: Sequence[str] = (),
    max_detections: int | None = None,
    report: Callable[[Path, int], None] = lambda path, found: None,
    cutouts: bool = False,
) -> Outcome:
    """Find the objects in recordings and write what :class:`SignalWriter` writes into ``out``.

    Memory is bounded by one recording. What cannot be read or written, or what the model fails on, is named; the
    rest is done.

    Args:
        classes: names of the classes to keep; empty: all.
        max_detections: best objects of a recording that are kept; None: all.
        report: called with each recording and how many objects it holds.
        cutouts: also write each object as a file of its own.

    Raises:
        UsageError: a class that the model does not know.
    """
    predictor = predictor.with_options(classes=tuple(classes))
    info, outcome = predictor.info, Outcome()
    writer = SignalWriter(out, info.class_names, info.category_ids or None, cutouts, heads_of(predictor.model))
    each_channel = info.config.preprocess.each_channel
    with said_how_far(outcome, len(paths), out):
        for path in paths:
            try:
                signal = read_signal(path)
                check_channels(predictor, path, signal)
                samples = signal.lead_samples() if each_channel else signal.samples
                check_look_size(path, predictor, samples, (1 / signal.rate,))
                found = predictor(samples, (1 / signal.rate,))
            except DataError as error:
                outcome.failures.append(str(error))
                continue
            except (RuntimeError, MemoryError) as error:
                reason = (str(error).splitlines() or ["out of memory"])[0]
                outcome.failures.append(f"{path}: the model failed on it ({reason}); try a smaller --tile.")
                continue
            outcome.notes += signal.notes
            found = found[: max_detections if max_detections is not None else len(found)]
            try:
                writer.add(printable(path), signal, found, sequence=signal.sequence)
            except OSError as error:
                outcome.failures.append(unwritten(path, error))
                continue
            outcome.counts[str(path)] = len(found)
            report(path, len(found))
        writer.close()
    outcome.notes += writer.remarks
    return outcome


def check_channels(predictor: Predictor, path: Path, signal: Signal) -> None:
    """Refuse a recording of another kind, at another scale or with other channels than the model sees.

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
