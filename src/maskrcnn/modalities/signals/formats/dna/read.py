"""Sequences of bases: GenBank with its feature table, FASTA with features in GFF3 or a table of intervals beside it.

Biopython reads GenBank and FASTA, ``modalities/signals/formats/dna/gff.py`` GFF3. Each may be packed with gzip.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.gzip_files import SUFFIX as PACKED
from maskrcnn.data.parsing.gzip_files import open_text, unpacked_name, unpacked_size, unpacked_stem
from maskrcnn.data.parsing.size_limit import check_size
from maskrcnn.errors import DataError, reason
from maskrcnn.files import is_file
from maskrcnn.modalities.signals.formats.dna.about import GENBANK, plain_suffix
from maskrcnn.modalities.signals.formats.dna.features import Choice, Feature, feature_intervals, parse_choice
from maskrcnn.modalities.signals.formats.dna.gff import is_named, read_gff
from maskrcnn.modalities.signals.signal import Signal, extra, stretch
from maskrcnn.modalities.signals.tables.interval_tables import find_labels, read_intervals
from maskrcnn.modalities.signals.tables.intervals import Interval, LabelledSignal, signal_dataset
from maskrcnn.modalities.signals.tables.labelled_files import open_each

GFF = (".gff3", ".gff")
BASES = "ACGT"
BYTES_A_BASE = 24  # of memory: as text, as a code, and one-hot in float32
ANY_BASE = 4  # the code of what is none of the four
LETTERS = "ACGTUNRYSWKMBDHVX.-"  # of nucleotides, by IUPAC, and gaps
AMINO_ACIDS = "EFILPQZJO*"  # letters that no base has
FEW = 0.02  # of the letters: slips of a pen, no protein
LOCUS = re.compile(r"LOCUS\s+\S+\s+(\d+) (bp|aa)")
UNNAMED = ("", ".", "<unknown id>", "<unknown name>")


@dataclass(frozen=True)
class Bases:
    """The bases of a file as codes, uint8 ``[T]``, its name, and what was found."""

    codes: np.ndarray
    name: str
    notes: tuple[str, ...] = ()


def read(path: Path, start: int = 0, stop: int | None = None) -> Signal:
    """Bases ``start`` to ``stop`` one-hot in the order A, C, G, T; U counts as T, and N and every other letter as a
    quarter of each.

    Args:
        path: of the file.
        start: the first sample.
        stop: the one behind the last; None: to the end.

    Returns:
        The signal.

    Raises:
        DataError: no sequence, several, none of its bases, amino acids, or fewer bases than the file says.
    """
    size = unpacked_size(path)
    check_size(path, size if stop is None else max(stop - start, 0), "bases", BYTES_A_BASE)
    found = _sequence_of(path)
    low, high = stretch(path, len(found.codes), start, stop)
    table = np.concatenate([np.eye(4), np.full((1, 4), 0.25)]).astype(np.float32)
    samples = torch.from_numpy(np.ascontiguousarray(table[found.codes[low:high]].T))
    return Signal(samples, 1.0, tuple(BASES), "dna", "bp", found.notes, sequence=found.name)


def open_files(path: Path, files: Sequence[Path], choice: str = "") -> Dataset:
    """The sequences ``files`` with the features chosen, see
    :func:`maskrcnn.modalities.signals.formats.dna.features.parse_choice`.

    Args:
        path: that the user named, for sentences.
        files: that may be labelled.
        choice: of labels, as the user names it behind a colon.

    Returns:
        The data set.

    Raises:
        DataError: no such features, or no sequence that can be used.
    """
    chosen = parse_choice(path, choice)
    problems: list[str] = []

    def open_one(file: Path, told: list[str]) -> LabelledSignal:
        return _labelled(file, chosen, told)

    if len(files) == 1:  # what is wrong with it is said of it alone
        signals = [open_one(files[0], problems)]
    else:
        signals = open_each(path, files, open_one, problems, "sequence")
    return signal_dataset(path, signals, problems, chosen.types)


def _labelled(file: Path, choice: Choice, problems: list[str]) -> LabelledSignal:
    found = _sequence_of(file)
    length = len(found.codes)
    if plain_suffix(file) in GENBANK:
        features, circular = _features(file, _only_record(file), problems)
        intervals = feature_intervals(file, features, length, choice, circular)
    else:
        intervals = _beside(file, found.name, length, choice, problems)
    problems += found.notes
    high = length if choice.high is None else min(choice.high, length)
    extent = None if (choice.low, high) == (0, length) else (float(choice.low), float(high))
    return LabelledSignal(file, length, 1.0, intervals, extent, group=unpacked_stem(file))


def _beside(file: Path, name: str, length: int, choice: Choice, problems: list[str]) -> list[Interval]:
    """What is labelled of a FASTA file."""
    stem = unpacked_stem(file)
    tries = (file.with_name(f"{stem}{suffix}{packed}") for suffix in GFF for packed in ("", PACKED))
    gff = next((path for path in tries if is_file(path)), None)
    if gff is not None:
        features, circular = read_gff(gff, (name, stem), length, problems)
        return feature_intervals(file, features, length, choice, circular)
    labels = find_labels(file.with_name(unpacked_name(file)))
    if labels is None:
        raise DataError(f"{file} has no features: neither {stem}.gff3 nor {stem}.intervals.csv is beside it.")
    rows = read_intervals(labels, 1.0, problems)
    features = [Feature(row.name, 0, row.parts) for row in rows]
    types = choice.types or tuple(sorted({feature.kind for feature in features}))
    return feature_intervals(file, features, length, replace(choice, types=types)) if features else []


def _sequence_of(path: Path) -> Bases:
    try:
        info = path.stat()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); check the name.") from error
    return _remembered(path, info.st_mtime_ns, info.st_size)


@lru_cache(maxsize=4)
def _remembered(path: Path, modified: int, size: int) -> Bases:
    """The sequence of a file. Its time and size make a changed file another one."""
    record = _only_record(path)
    try:
        letters = np.frombuffer(bytes(record.seq).upper(), dtype=np.uint8)
    except Exception as error:  # a GenBank file may be features only
        raise DataError(f"{path} holds no bases, only features; download it with its sequence.") from error
    told = LOCUS.match(_first_line(path)) if plain_suffix(path) in GENBANK else None
    counts = np.bincount(letters, minlength=256)
    amino_acids = sum(int(counts[ord(letter)]) for letter in AMINO_ACIDS)
    protein = "protein" in str(record.annotations.get("molecule_type", "")).lower() or bool(told and told[2] == "aa")
    if protein or amino_acids > FEW * len(letters):
        raise DataError(f"{path} holds amino acids, no bases; name the sequence of its gene instead.")
    if told and int(told[1]) != len(letters):
        raise DataError(f"{path} says {told[1]} bases but holds {len(letters)}; it is cut off: download it again.")
    codes = np.full(256, ANY_BASE, dtype=np.uint8)
    for code, base in enumerate(BASES):
        codes[ord(base)] = code
    codes[ord("U")] = BASES.index("T")
    strange = len(letters) - sum(int(counts[ord(letter)]) for letter in LETTERS)
    notes = (f"{path}: {strange} letters are no bases and were taken for any.",) if strange else ()
    name = next((name for name in (record.id, record.name) if name not in UNNAMED), unpacked_stem(path))
    return Bases(codes[letters], name, notes)


def _only_record(path: Path) -> Any:
    """The only record of the file, as Biopython has it."""
    io = extra("Bio.SeqIO", "DNA")
    kind = "genbank" if plain_suffix(path) in GENBANK else "fasta"
    try:
        with warnings.catch_warnings(), open_text(path) as file:
            warnings.simplefilter("ignore")  # about details of the format that do not matter here
            records = list(io.parse(file, kind))
    except Exception as error:  # it meets broken files with errors of every kind
        raise DataError(f"{path} is no {kind} file that can be read ({reason(error)}); download it again.") from error
    if len(records) != 1:
        raise DataError(f"{path} holds {len(records)} sequences; write each one into a file of its own.")
    return records[0]


def _features(path: Path, record: Any, problems: list[str]) -> tuple[list[Feature], bool]:
    """The feature table of a GenBank record, and whether the molecule is a circle."""
    found, elsewhere = [], 0
    for feature in record.features:
        if feature.location is None or feature.type == "source":
            continue
        try:
            one = _feature(feature, (record.id, record.name))
        except (TypeError, ValueError):  # a side that the file calls unknown
            problems.append(f"{path}: a feature of type {feature.type} does not say where it lies and was left out.")
            continue
        elsewhere += one is None
        found += [] if one is None else [one]
    if elsewhere:
        problems.append(f"{path}: features that lie on other sequences were left out ({elsewhere}).")
    return found, record.annotations.get("topology") == "circular"


def _feature(feature: Any, names: tuple[str, str]) -> Feature | None:
    """A feature as far as it lies on this sequence; None where no part does. A side beyond which it goes on, on this
    sequence or another one, is unknown."""
    strand = feature.location.strand or 0
    along = list(feature.location.parts)[:: -1 if strand < 0 else 1]  # Biopython has them as they are transcribed
    here = [part.ref is None or is_named(part.ref, names) for part in along]
    own = [part for part, is_here in zip(along, here) if is_here]
    if not own:
        return None
    first = min(own, key=lambda part: int(part.start)).start
    last = max(own, key=lambda part: int(part.end)).end
    unknown = (
        type(first).__name__ == "BeforePosition" or not here[0],
        type(last).__name__ == "AfterPosition" or not here[-1],
    )
    parts = tuple((int(part.start), int(part.end)) for part in own)
    return Feature(feature.type, strand, parts, unknown, "trans_splicing" in feature.qualifiers)


def _first_line(path: Path) -> str:
    with open_text(path) as file:
        return file.readline()
