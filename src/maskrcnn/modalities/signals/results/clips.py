"""The objects of a signal cut out as clips, each from its first sample to its last."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

from maskrcnn.files import atomic_write
from maskrcnn.inference.results.names import cutout_name, write_table
from maskrcnn.modalities.signals.draw.layout import SignalLike
from maskrcnn.modalities.signals.results.field_files import strand_of
from maskrcnn.modalities.signals.results.intervals import FoundInterval

MOST_TRACKS = 8  # of a sound; more channels are no sound but bands of one
LINE = 70  # bases
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def write_cutout(folder: Path, name: str, found: FoundInterval, signal: SignalLike, sequence: str) -> Path:
    """Write one object as ``NAME_cutout_NUMBER_CLASS`` into ``folder``: WAV, FASTA, or CSV for all else.

    Args:
        folder: that it is written into.
        name: of the recording.
        sequence: the name of a sequence of bases.
        found: the object.
        signal: the whole recording.

    Returns:
        The path of the file.
    """
    is_bands = len(signal.samples) > MOST_TRACKS
    suffix, write = CLIPS.get("series" if is_bands and signal.kind == "audio" else signal.kind, CLIPS["series"])
    path = folder / f"{cutout_name(name, found.number, found.class_name)}{suffix}"
    write(path, found, signal, sequence)
    return path


def write_sound(path: Path, found: FoundInterval, signal: SignalLike, sequence: str) -> None:
    """A WAV of 16-bit samples.

    Args:
        path: of the file.
        found: the object.
        signal: the recording.
        sequence: its name in the file.
    """
    clip = np.asarray(signal.samples)[:, found.first : found.stop]
    with atomic_write(path) as beside, wave.open(str(beside), "wb") as file:
        file.setnchannels(len(clip))
        file.setsampwidth(2)
        file.setframerate(round(signal.rate))
        file.writeframes(np.round(clip.T.clip(-1, 1) * 32767).astype("<i2").tobytes())


def write_series(path: Path, found: FoundInterval, signal: SignalLike, sequence: str) -> None:
    """A table: sample and time in the recording, each channel, and whether the mask covers the sample (1 or 0).

    Args:
        path: of the file.
        found: the object.
        signal: the recording.
        sequence: its name in the file.
    """
    clip = np.asarray(signal.samples)[:, found.first : found.stop]
    at = np.arange(found.first, found.stop)
    covered = np.ones(len(at), dtype=int) if found.mask is None else np.zeros(len(at), dtype=int)
    for start, end in found.mask or ():
        covered[max(start - found.first, 0) : max(end - found.first, 0)] = 1
    timed = signal.unit == "s"
    times = ([f"{sample / signal.rate:.6f}"] if timed else [] for sample in at.tolist())
    values = ([f"{value:.6g}" for value in column] for column in clip.T.tolist())
    rows = [[k, *time, *row, c] for k, time, row, c in zip(at.tolist(), times, values, covered.tolist())]
    write_table(path, ["sample", *(["time_s"] if timed else []), *signal.channel_names, "covered"], rows)


def write_bases(path: Path, found: FoundInterval, signal: SignalLike, sequence: str) -> None:
    """FASTA; the header has sequence, first and last base counted from 1, strand, class and score.

    An object whose class names the reverse strand is written as that strand reads.

    Args:
        path: of the file.
        found: the object.
        signal: the recording.
        sequence: its name in the file.
    """
    kind, strand = strand_of(found.class_name)
    bases = bases_of(np.asarray(signal.samples)[:, found.first : found.stop], tuple(signal.channel_names))
    bases = bases.translate(COMPLEMENT)[::-1] if strand == "-" else bases
    place = f"{sequence}:{found.first + 1}-{found.stop}" + (f"({strand})" if strand != "." else "")
    lines = [bases[start : start + LINE] for start in range(0, len(bases), LINE)]
    header = f">{'_'.join(place.split())} {' '.join(kind.split())} score={found.score:.4f}"
    with atomic_write(path) as beside:
        beside.write_text("\n".join([header, *lines, ""]), encoding="utf-8", newline="\n")


def bases_of(one_hot: np.ndarray, channel_names: tuple[str, ...]) -> str:
    """The letters of one-hot bases ``[4, T]``; N where none is more likely than the other three together."""
    letters = np.array([name.upper()[:1] for name in channel_names] or list("ACGT"))
    return "".join(np.where(one_hot.max(axis=0) > 0.5, letters[one_hot.argmax(axis=0)], "N").tolist())


Clip = Callable[[Path, FoundInterval, SignalLike, str], None]
CLIPS: dict[str, tuple[str, Clip]] = {
    "audio": (".wav", write_sound),
    "dna": (".fasta", write_bases),
    "series": (".csv", write_series),
}
