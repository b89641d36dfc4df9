"""GFF3 from its specification (1.26, github.com/The-Sequence-Ontology): features of one of the sequences of a file.

Positions count from 1 and both ends belong to the feature; lines of one ID are parts of one feature. A feature that
passes the origin of a circular sequence ends beyond the sequence's end.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from maskrcnn.data.parsing.gzip_files import open_text
from maskrcnn.errors import DataError
from maskrcnn.modalities.signals.formats.dna.features import Feature
from maskrcnn.modalities.signals.tables.intervals import Part

SIDES = {"+": 1, "-": -1}
CIRCULAR = re.compile(r"(?:^|;)\s*Is_circular=true", re.IGNORECASE)
IDENTITY = re.compile(r"(?:^|;)\s*ID=([^;]+)")
VERSION = re.compile(r"\.\d+$")
LONGEST_NUMBER = 18  # digits: a sequence has no more bases


def read_gff(path: Path, names: Sequence[str], length: int, problems: list[str]) -> tuple[list[Feature], bool]:
    """The features of a sequence, and whether it is circular; a line that is none is left out and named.

    Args:
        path: of the file, perhaps packed with gzip.
        names: of the sequence; the first column has one of them.
        length: bases of the sequence.
        problems: is added to.

    Returns:
        The features, and whether the sequence is circular.

    Raises:
        DataError: where it is no text, or has features of other sequences only.
    """
    rows = _rows(path, problems)
    own = [(number, cells) for number, cells in rows if is_named(unquote(cells[0]), names)]
    others = Counter(unquote(cells[0]) for _, cells in rows if not is_named(unquote(cells[0]), names))
    if others and not own:
        listed = ", ".join(list(others)[:5])
        raise DataError(
            f"{path} has features of {listed} only, and the sequence is called {names[0]}; give both one name."
        )
    if others:
        problems.append(f"{path}: features of other sequences were left out ({sum(others.values())}).")
    circular = any(CIRCULAR.search(cells[8]) for _, cells in own)
    found: dict[tuple[str, str, int], list[Part]] = {}
    for number, cells in own:
        identity = IDENTITY.search(cells[8])
        key = unquote(identity[1]) if identity else f"line {number}"
        parts = _parts(int(cells[3]) - 1, int(cells[4]), length if circular else None)
        found.setdefault((cells[2], key, SIDES.get(cells[6], 0)), []).extend(parts)
    return [Feature(kind, strand, tuple(parts)) for (kind, _, strand), parts in found.items()], circular


def is_named(name: str, names: Sequence[str]) -> bool:
    """Whether ``name`` is one of ``names``; a version such as ``.1`` that either lacks does not count."""
    for other in names:
        if name == other or name in other.split("|"):
            return True
        bare = VERSION.sub("", name), VERSION.sub("", other)
        if bare[0] == bare[1] and (name == bare[0] or other == bare[1]):
            return True
    return False


def _rows(path: Path, problems: list[str]) -> list[tuple[int, list[str]]]:
    """Number and nine cells of each line that is a feature."""
    found = []
    try:
        with open_text(path) as file:
            for number, line in enumerate(file, start=1):
                if line.startswith(("##FASTA", ">")):
                    break
                if not line.strip() or line.startswith("#"):
                    continue
                cells = [*line.rstrip("\r\n").split("\t"), ""][:9]
                if len(cells) < 9 or not _is_place(cells[3], cells[4]):
                    problems.append(f"{path}: line {number} is no feature of GFF3 and was left out.")
                    continue
                found.append((number, cells))
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read as text ({error}); download it again.") from error
    return found


def _is_place(start: str, end: str) -> bool:
    numbers = all(text.isdecimal() and len(text) <= LONGEST_NUMBER for text in (start, end))
    return numbers and 0 < int(start) <= int(end)


def _parts(low: int, high: int, circle: int | None) -> list[Part]:
    """One part, or two where it passes the origin of a circle of so many bases."""
    if circle is None or high <= circle or low >= circle:
        return [(low, high)]
    return [(low, circle), (0, min(high - circle, circle))]
