"""What a file of bases is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.data.parsing.gzip_files import unpacked_name
from maskrcnn.modalities.signals.recording_format import RecordingFormat

GENBANK = frozenset({".gb", ".gbk", ".gbff", ".genbank"})
FASTA = frozenset({".fa", ".fasta", ".fna", ".fas", ".fsa", ".ffn"})
SUFFIXES = (*sorted(GENBANK), *sorted(FASTA))


def is_dna(path: Path) -> bool:
    """Whether the suffix is that of a sequence of bases, perhaps with ``.gz`` behind it."""
    return plain_suffix(path) in SUFFIXES


def plain_suffix(path: Path) -> str:
    """Of a file's name, without the one of gzip behind it."""
    return Path(unpacked_name(path)).suffix.lower()


FORMAT = RecordingFormat(
    name="DNA (.gb, .gbk, .fasta, .fa, also with .gz)",
    short="GenBank, FASTA",
    order=40,
    kind="dna",
    suffixes=SUFFIXES,
    packed=True,
    is_file=is_dna,
)
