"""Found intervals in the files that each field's own programs read."""

from __future__ import annotations

import importlib
import re
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from maskrcnn.errors import UsageError
from maskrcnn.files import atomic_write
from maskrcnn.modalities.signals.draw.layout import SignalLike
from maskrcnn.modalities.signals.results.intervals import FoundInterval

ANNOTATOR = "mrc"  # the suffix of our WFDB annotations; an annotator's name has letters only
# Class, in small letters, to the symbol of its peak and the number of its brackets, as in the QT Database.
WAVES = {"p": ("p", 0), "qrs": ("N", 1), "t": ("t", 2), "u": ("u", 3)}
LONGEST_NOTE = 100  # letters: the format has room for 255 bytes
NOTE, FIRST_FREE, MOST = '"', 3, 127  # symbol of a comment, and the numbers that brackets of other classes get


def write_wfdb(path: Path, objects: Sequence[FoundInterval], signal: SignalLike, sequence: str) -> None:
    """WFDB annotations: ``(`` at the first sample, a symbol at the peak and ``)`` at the last, as PhysioNet has waves.

    P, QRS, T and U have the symbols ``p``, ``N``, ``t`` and ``u`` at the sample that is farthest from the line between
    the two ends, in all leads together. Objects of other classes have a comment there that says the class. Brackets
    cannot be nested: an object that reaches into the next one ends before it here, but not before its own peak.

    Args:
        path: of the file.
        objects: of the recording.
        signal: the recording.
        sequence: its name in the file.

    Raises:
        UsageError: the package ``wfdb`` is not installed.
    """
    with warnings.catch_warnings():  # of pandas, about how wfdb uses it
        warnings.simplefilter("ignore")
        _write_wfdb(path, objects, signal)


def _write_wfdb(path: Path, objects: Sequence[FoundInterval], signal: SignalLike) -> None:
    try:
        wfdb = importlib.import_module("wfdb")  # slow to load, and not everybody has it
    except ImportError:
        raise UsageError(
            "WFDB annotations were not written: install wfdb for them (pip install 'maskrcnn[signals]')."
        ) from None
    if not objects:
        with atomic_write(path) as beside:
            beside.write_bytes(bytes(2))  # the mark of the end, which is all that an empty list has; wfdb refuses one
        return
    points = sorted(point for found in _apart(objects, np.asarray(signal.samples)) for point in _annotations(*found))
    samples, numbers, _, symbols, notes = (list(column) for column in zip(*points))
    with atomic_write(path) as beside, tempfile.TemporaryDirectory(dir=beside.parent, prefix=".wfdb") as folder:
        # wfdb takes letters, digits, - and _ in a record's name only
        wfdb.wrann(
            "record",
            ANNOTATOR,
            np.array(samples),
            symbol=symbols,
            num=np.array(numbers),
            aux_note=notes if any(notes) else None,
            fs=float(signal.rate),
            write_dir=folder,
        )
        (Path(folder) / f"record.{ANNOTATOR}").replace(beside)


def _apart(objects: Sequence[FoundInterval], samples: np.ndarray) -> Iterable[tuple[FoundInterval, int, int]]:
    """Each object with the samples of its peak and its end, which lies before the next object's first if it can."""
    for found, after in zip(objects, [*objects[1:], None]):
        peak = found.first + peak_of(samples[:, found.first : found.stop])
        last = found.stop - 1
        yield found, peak, last if after is None else max(peak, min(last, after.first - 1))


def _annotations(found: FoundInterval, peak: int, last: int) -> list[tuple[int, int, int, str, str]]:
    """Sample, number, order, symbol and note of the three annotations of one object."""
    symbol, number = WAVES.get(found.class_name.lower(), (NOTE, min(FIRST_FREE + found.label, MOST)))
    note = _words(found.class_name)[:LONGEST_NOTE] if symbol == NOTE else ""
    return [(found.first, number, 0, "(", ""), (peak, number, 1, symbol, note), (last, number, 2, ")", "")]


def peak_of(samples: np.ndarray) -> int:
    """The sample of a wave ``[C, n]`` that is farthest from the straight line between its ends, over all channels."""
    along = np.linspace(0, 1, samples.shape[1])
    lines = samples[:, :1] * (1 - along) + samples[:, -1:] * along
    return int(np.abs(samples - lines).sum(axis=0).argmax())


def write_audacity(path: Path, objects: Sequence[FoundInterval], signal: SignalLike, sequence: str) -> None:
    """An Audacity label track: start and end in seconds and the class, tabs between them.

    Args:
        path: of the file.
        objects: of the recording.
        signal: the recording.
        sequence: its name in the file.
    """
    lines = (
        f"{found.start / signal.rate:.6f}\t{found.end / signal.rate:.6f}\t{_words(found.class_name)}\n"
        for found in objects
    )
    _write_text(path, lines)


def write_gff3(path: Path, objects: Sequence[FoundInterval], signal: SignalLike, sequence: str) -> None:
    """GFF3: the first base of a sequence is 1, and an end is the last base that belongs.

    Args:
        path: of the file.
        objects: of the recording.
        signal: the recording.
        sequence: its name in the file.
    """
    name = _escaped(sequence, r"[^a-zA-Z0-9.:^*$@!+_?|-]")
    length = signal.samples.shape[-1]
    lines = ["##gff-version 3\n", f"##sequence-region {name} 1 {length}\n"]
    for found in objects:
        kind, strand = strand_of(found.class_name)
        kind = _escaped(kind, r"[\x00-\x20%;=&,\x7f]")
        place = f"{found.first + 1}\t{found.stop}\t{found.score:.4f}\t{strand}\t."
        lines.append(f"{name}\tmaskrcnn\t{kind}\t{place}\tID={kind}-{found.number}\n")
    _write_text(path, lines)


def write_bed(path: Path, objects: Sequence[FoundInterval], signal: SignalLike, sequence: str) -> None:
    """BED with six columns: the first base of a sequence is 0, an end is the first base after; scores 0..1000.

    Args:
        path: of the file.
        objects: of the recording.
        signal: the recording.
        sequence: its name in the file.
    """
    lines = []
    for found in objects:
        kind, strand = strand_of(found.class_name)
        name, score = _words(sequence).replace(" ", "_"), round(1000 * found.score)
        lines.append(f"{name}\t{found.first}\t{found.stop}\t{_words(kind)}\t{score}\t{strand}\n")
    _write_text(path, lines)


def strand_of(class_name: str) -> tuple[str, str]:
    """The class without its strand, and the strand: ``gene+`` and ``gene (-)`` name one, else it is ``.``."""
    match = re.fullmatch(r"(.*?[^\s(])\s*\(?([+-])\)?", class_name)
    return (match[1], match[2]) if match else (class_name, ".")


def _words(text: str) -> str:
    """On one line and without tabs."""
    return " ".join(text.split()) or "object"


def _escaped(text: str, which: str) -> str:
    """Percent signs and two hexadecimal digits for each byte of what a GFF3 field may not hold."""
    return re.sub(which, lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text) or "sequence"


def _write_text(path: Path, lines: Iterable[str]) -> None:
    with atomic_write(path) as beside:
        beside.write_text("".join(lines), encoding="utf-8", newline="\n")


Writer = Callable[[Path, Sequence[FoundInterval], SignalLike, str], None]
# By the kind of a recording; of a series the table of objects is that file.
FIELD_FILES: dict[str, tuple[tuple[str, Writer], ...]] = {
    "wfdb": ((f".{ANNOTATOR}", write_wfdb),),
    "audio": ((".txt", write_audacity),),
    "dna": ((".gff3", write_gff3), (".bed", write_bed)),
}
