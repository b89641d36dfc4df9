"""A signal as its reader found it, and what readers of signals share."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maskrcnn.errors import DataError, UsageError

SLOWEST, FASTEST = 1e-9, 1e12  # samples a second


@dataclass(frozen=True)
class Signal:
    """Samples of one recording, or of a stretch of it.

    Attributes:
        samples: float32 ``[C, T]``, all finite: physical units where the file has them (mV), -1..1 for audio, one-hot
            A, C, G, T for DNA (a base that is not one of these four is a quarter of each).
        rate: samples a second; 1 for DNA (one a base) and for a series without a column of times.
        channel_names: C names.
        kind: ``wfdb`` (EDF too), ``audio``, ``series`` or ``dna``.
        unit: of a position divided by ``rate``: ``s``, ``bp`` or ``samples``.
        notes: one sentence for each fault that was found and mended, and for what was guessed.
        leads: the channels that a model which looks at one channel at a time looks at; empty: all.
        sequence: the name of a sequence of bases in its own file; empty for other kinds.
    """

    samples: Tensor
    rate: float
    channel_names: tuple[str, ...]
    kind: str
    unit: str = "s"
    notes: tuple[str, ...] = ()
    leads: tuple[int, ...] = ()
    sequence: str = ""

    def lead_samples(self) -> Tensor:
        """The samples ``[C', T]`` of the leads."""
        return self.samples[list(self.leads)] if self.leads else self.samples


@dataclass(frozen=True)
class SignalHeader:
    """What a file says of its signal before its samples are read.

    Attributes:
        length: samples T.
        rate: as in :class:`Signal`.
        notes: one sentence for each fault that was found and mended.
        channels: how many.
    """

    length: int
    rate: float
    notes: tuple[str, ...] = ()
    channels: int = 1


def finite_signal(
    path: Path, samples: np.ndarray, rate: float, channel_names: tuple[str, ...], kind: str, unit: str = "s"
) -> Signal:
    """The signal of ``samples`` ``[C, T]``, gaps filled; gaps are what is no finite number.

    Args:
        path: of the file, for the notes.
        samples: ``[C, T]``.
        rate: samples for each ``unit``.
        channel_names: C of them.
        kind: of signal, see :class:`Signal`.
        unit: of the axis.

    Returns:
        The signal, float32, with a note for each channel that had gaps.
    """
    filled, gaps = fill_gaps(samples)
    notes = tuple(
        f"{path}: {gap} of {samples.shape[1]} samples of channel {name} are no numbers and were filled in from their "
        "neighbours."
        for name, gap in zip(channel_names, gaps)
        if gap
    )
    return Signal(torch.from_numpy(filled), rate, channel_names, kind, unit, notes)


def fill_gaps(samples: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Float32 ``[C, T]`` with what is not finite put on a straight line between its neighbours, and its count in each
    channel. Before the first and after the last sample of a channel its value stays; a channel of gaps only is 0."""
    filled, gaps = np.array(samples, dtype=np.float32, order="C"), []
    for channel in filled:
        known = np.isfinite(channel)
        missing = np.flatnonzero(~known)
        gaps.append(len(missing))
        if gaps[-1]:
            channel[missing] = np.interp(missing, np.flatnonzero(known), channel[known]) if known.any() else 0
    return filled, gaps


def checked_rate(path: Path, rate: float) -> float:
    """``rate``, where it can be one: an oscilloscope takes 1e11 samples a second, a tree one a year.

    Raises:
        DataError: for what is no number, not positive, or far beyond either.
    """
    if not SLOWEST <= rate <= FASTEST:  # not a number fails as well
        raise DataError(f"{path} says {rate:g} samples a second, which is no sampling rate; correct its header.")
    return float(rate)


def stretch(path: Path, length: int, start: int, stop: int | None) -> tuple[int, int]:
    """``start`` and ``stop`` as whole numbers within a signal of ``length`` samples.

    Args:
        path: of the file, for sentences.
        length: samples that it holds.
        start: the first sample, perhaps None.
        stop: the one behind the last; None: to the end.

    Returns:
        Both as whole numbers within the signal.

    Raises:
        DataError: for a signal without samples or a stretch that holds none.
    """
    if length == 0:
        raise DataError(f"{path} holds no samples; record or copy it again.")
    low, high = max(0, start), length if stop is None else min(stop, length)
    if low >= high:
        raise DataError(f"{path} has no samples from {start} to {stop}: it ends at {length}.")
    return low, high


def extra(module: str, reads: str) -> Any:
    """A module of the extra ``signals``, imported when it is first needed.

    Raises:
        UsageError: where it is not installed.
    """
    try:
        return importlib.import_module(module)
    except (ImportError, OSError):  # OSError: soundfile without its library
        package = {"Bio": "biopython"}.get(module.partition(".")[0], module)
        raise UsageError(f"To read {reads}, {package} must be installed: pip install 'maskrcnn[signals]'.") from None
