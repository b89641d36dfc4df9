"""Sequences of bases: GenBank with its feature table, FASTA with features in GFF3 or a table of intervals beside it.

Biopython reads GenBank and FASTA; GFF3 is read from its specification (1.26, github.com/The-Sequence-Ontology):
positions count from 1 and both ends belong to the feature; lines of one ID are parts of one feature.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import torch

from maskrcnn.data.features import Choice, Feature, feature_intervals, parse_choice
from maskrcnn.data.interval_tables import find_labels, read_intervals
from maskrcnn.data.intervals import Interval, LabelledSignal, signal_dataset
from maskrcnn.data.recording import Signal, extra, reason, stretch
from maskrcnn.data.records import Dataset
from maskrcnn.data.size_limit import check_size
from maskrcnn.errors import DataError
from maskrcnn.files import is_file

GENBANK = frozenset({".gb", ".gbk", ".gbff", ".genbank"})
FASTA = frozenset({".fa", ".fasta", ".fna"})
SUFFIXES = GENBANK | FASTA
GFF = (".gff3", ".gff")
BASES = "ACGT"
BYTES_A_BASE = 24  # of memory: as text, as a code, and one-hot in float32
ANY_BASE = 4  # the code of what is none of the four
LOCUS = re.compile(r"LOCUS\s+\S+\s+(\d+) bp")
SIDES = {"+": 1, "-": -1}


def is_dna(path: Path) -> bool:
    """Whether the suffix is that of a sequence of bases."""
    return path.suffix.lower() in SUFFIXES


def read_dna(path: Path, start: int = 0, stop: int | None = None) -> Signal:
    """Bases ``start`` to ``stop`` one-hot in the order A, C, G, T; U counts as T, and N and every other letter as a
    quarter of each.

    Raises:
        DataError: no sequence, several, none of its bases, or fewer than the file says.
    """
    info = path.stat()
    check_size(path, info.st_size if stop is None else max(stop - start, 0), "bases", BYTES_A_BASE)
    codes = _codes(path, info.st_mtime_ns, info.st_size)
    low, high = stretch(path, len(codes), start, stop)
    table = np.concatenate([np.eye(4), np.full((1, 4), 0.25)]).astype(np.float32)
    samples = torch.from_numpy(np.ascontiguousarray(table[codes[low:high]].T))
    return Signal(samples, 1.0, tuple(BASES), "dna", "bp")


def open_dna(path: Path, files: Sequence[Path], choice: str = "") -> Dataset:
    """The sequences ``files`` with the features chosen, see :func:`maskrcnn.data.features.parse_choice`.

    Raises:
        DataError: no such features, or no sequence that can be used.
    """
    chosen = parse_choice(path, choice)
    problems: list[str] = []
    signals = []
    for file in files:
        try:
            signals.append(_labelled(file, chosen, problems))
        except DataError as error:
            if len(files) == 1:
                raise
            problems.append(f"{file} was left out: {error}")
    if not signals:
        raise DataError(f"{path}: not one sequence can be used; the first fault: {problems[0]}")
    return signal_dataset(path, signals, problems, chosen.types)


def _labelled(file: Path, choice: Choice, problems: list[str]) -> LabelledSignal:
    length = read_dna(file).samples.shape[1]
    if file.suffix.lower() in GENBANK:
        features, circular = _features(_sequence(file))
        intervals = feature_intervals(file, features, length, choice, circular)
    else:
        intervals = _beside(file, length, choice, problems)
    high = length if choice.high is None else min(choice.high, length)
    extent = None if (choice.low, high) == (0, length) else (float(choice.low), float(high))
    return LabelledSignal(file, length, 1.0, intervals, extent, group=file.stem)


def _beside(file: Path, length: int, choice: Choice, problems: list[str]) -> list[Interval]:
    """What is labelled of a FASTA file."""
    gff = next((file.with_suffix(suffix) for suffix in GFF if is_file(file.with_suffix(suffix))), None)
    if gff is not None:
        return feature_intervals(file, read_gff(gff, problems), length, choice)
    labels = find_labels(file)
    if labels is None:
        raise DataError(f"{file} has no features: neither {file.stem}.gff3 nor {file.stem}.intervals.csv is beside it.")
    rows = read_intervals(labels, 1.0, problems)
    features = [Feature(row.name, 0, row.parts) for row in rows]
    types = choice.types or tuple(sorted({feature.kind for feature in features}))
    return feature_intervals(file, features, length, replace(choice, types=types)) if features else []


@lru_cache(maxsize=4)
def _codes(path: Path, modified: int, size: int) -> np.ndarray:
    """The bases as uint8 ``[T]``: 0..3 and ``ANY_BASE``. Its time and size make a changed file another one."""
    sequence = _sequence(path)
    try:
        letters = np.frombuffer(bytes(sequence.seq).upper(), dtype=np.uint8)
    except Exception as error:  # a GenBank file may be features only
        raise DataError(f"{path} holds no bases, only features; download it with its sequence.") from error
    told = LOCUS.match(_first_line(path))
    if told and int(told[1]) != len(letters):
        raise DataError(f"{path} says {told[1]} bases but holds {len(letters)}; it is cut off: download it again.")
    codes = np.full(256, ANY_BASE, dtype=np.uint8)
    for code, base in enumerate(BASES):
        codes[ord(base)] = code
    codes[ord("U")] = BASES.index("T")
    return codes[letters]


def _sequence(path: Path) -> Any:
    """The only record of the file, as Biopython has it."""
    io = extra("Bio.SeqIO", "DNA")
    kind = "genbank" if path.suffix.lower() in GENBANK else "fasta"
    try:
        with warnings.catch_warnings():  # about details of the format that do not matter here
            warnings.simplefilter("ignore")
            records = list(io.parse(str(path), kind))
    except Exception as error:  # it meets broken files with errors of every kind
        raise DataError(f"{path} is no {kind} file that can be read ({reason(error)}); download it again.") from error
    if len(records) != 1:
        raise DataError(f"{path} holds {len(records)} sequences; write each one into a file of its own.")
    return records[0]


def _features(record: Any) -> tuple[list[Feature], bool]:
    """The feature table of a GenBank record, and whether the molecule is a circle."""
    found = []
    for feature in record.features:
        if feature.location is None or feature.type == "source":
            continue
        parts = tuple((int(part.start), int(part.end)) for part in feature.location.parts)
        first = min(feature.location.parts, key=lambda part: int(part.start)).start
        last = max(feature.location.parts, key=lambda part: int(part.end)).end
        unknown = (type(first).__name__ == "BeforePosition", type(last).__name__ == "AfterPosition")
        apart = "trans_splicing" in feature.qualifiers
        found.append(Feature(feature.type, feature.location.strand or 0, parts, unknown, apart))
    return found, record.annotations.get("topology") == "circular"


def read_gff(path: Path, problems: list[str]) -> list[Feature]:
    """The features of a GFF3 file; a line that is none is left out and named.

    Raises:
        DataError: where it is no text.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as text ({error}); download it again.") from error
    found: dict[tuple[str, str, int], list[tuple[int, int]]] = {}
    for number, line in enumerate(lines, start=1):
        if line.startswith(("##FASTA", ">")):
            break
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) < 8 or not cells[3].isdigit() or not cells[4].isdigit() or int(cells[3]) > int(cells[4]):
            problems.append(f"{path}: line {number} is no feature of GFF3 and was left out.")
            continue
        own = re.search(r"(?:^|;)ID=([^;]+)", cells[8]) if len(cells) > 8 else None
        key = unquote(own[1]) if own else f"line {number}"
        found.setdefault((cells[2], key, SIDES.get(cells[6], 0)), []).append((int(cells[3]) - 1, int(cells[4])))
    return [Feature(kind, strand, tuple(parts)) for (kind, _, strand), parts in found.items()]


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline()
