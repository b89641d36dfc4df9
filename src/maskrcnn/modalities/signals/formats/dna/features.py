"""Features of a sequence of bases: which are meant, and the intervals that they become."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.errors import DataError
from maskrcnn.modalities.signals.tables.intervals import Interval, Part, cut_interval, join_parts

DEFAULT = "gene"
STRETCH = re.compile(r"(?P<types>[^@]*)(?:@(?P<low>\d{0,18})-(?P<high>\d{0,18}))?")


@dataclass(frozen=True)
class Feature:
    """One entry of a feature table.

    Attributes:
        kind: its type, such as ``gene``, ``CDS``, ``tRNA``.
        strand: 1, -1, or 0 where it has none.
        parts: bases ``(first, behind the last)``, from 0: several where exons are joined.
        unknown: whether it begins before its first base, and goes on behind its last (``<`` and ``>`` in GenBank).
        apart: its parts are transcripts of their own (trans-splicing), so each is an object.
    """

    kind: str
    strand: int
    parts: tuple[Part, ...]
    unknown: tuple[bool, bool] = (False, False)
    apart: bool = False


@dataclass(frozen=True)
class Choice:
    """What of a sequence's labels is meant.

    Attributes:
        types: of features, each a class; ``gene+`` and ``gene-`` are the genes of one strand. None: genes.
        low, high: the stretch of bases that counts, from 0, ``high`` excluded; None: to the end.
    """

    types: tuple[str, ...]
    low: int = 0
    high: int | None = None


def parse_choice(path: Path, text: str) -> Choice:
    """``gene,tRNA@0-110000``: types, and from where to where; either may be left out.

    Raises:
        DataError: where it is neither.
    """
    match = STRETCH.fullmatch(text)
    if match is None:
        raise DataError(f"{path}:{text} is no choice of features; write it as {path}:gene,tRNA@0-100000.")
    types = tuple(dict.fromkeys(name.strip() for name in match["types"].split(",") if name.strip()))
    return Choice(types, int(match["low"] or 0), int(match["high"]) if match["high"] else None)


def feature_intervals(
    path: Path, features: Sequence[Feature], length: int, choice: Choice, circular: bool = False
) -> list[Interval]:
    """The chosen features as intervals, in the order of their places; one that is listed twice counts once.

    A feature of a circular molecule that passes its origin becomes two intervals with an unknown side there, and so do
    those that the chosen stretch cuts.

    Args:
        path: of the file, for the sentence of an error.
        features: of the file.
        length: of the sequence in bases.
        choice: types, and a stretch in bases, that are asked for.
        circular: whether the sequence's end is followed by its start.

    Returns:
        The intervals, in bases from 0.

    Raises:
        DataError: not one feature of the types asked for in the whole file, or a stretch that holds nothing.
    """
    types = choice.types or (DEFAULT,)
    chosen = [(name, feature) for name in types for feature in features if _is_meant(name, feature)]
    if not chosen:
        found = ", ".join(f"{kind} ({n})" for kind, n in Counter(f.kind for f in features).most_common(8)) or "none"
        asked = " or ".join(types)
        raise DataError(f"{path} has no features of type {asked}; it has {found}: name types as in {path}:gene,tRNA.")
    furthest = max(high for _, feature in chosen for _, high in feature.parts)
    low, high = choice.low, max(length, furthest) if choice.high is None else choice.high
    if low >= min(high, length):
        raise DataError(f"{path} has no bases from {low} to {high}: it ends at {length}.")
    whole = (i for name, feature in chosen for i in _intervals(name, feature, length, circular))
    inside = {interval: None for part in whole if (interval := _within(part, low, high)) is not None}
    return sorted(inside, key=lambda interval: interval.sides())


def _is_meant(name: str, feature: Feature) -> bool:
    if name == feature.kind:
        return True
    return name[:-1] == feature.kind and {"+": 1, "-": -1}.get(name[-1:], 0) == feature.strand != 0


def _intervals(name: str, feature: Feature, length: int, circular: bool) -> Iterable[Interval]:
    parts = join_parts(feature.parts)
    if feature.apart:
        yield from (Interval(name, (part,)) for part in parts)
    elif circular and len(parts) > 1 and parts[0][0] == 0 and parts[-1][1] == length:
        spaces = [after[0] - before[1] for before, after in zip(parts, parts[1:])]
        cut = spaces.index(max(spaces)) + 1
        yield Interval(name, parts[:cut], unknown=(True, False))
        yield Interval(name, parts[cut:], unknown=(False, True))
    elif parts:
        yield Interval(name, parts, unknown=feature.unknown)


def _within(interval: Interval, low: int, high: int) -> Interval | None:
    kept = cut_interval(interval, low, high)
    if kept is None:
        return None
    (first, last), unknown = interval.sides(), interval.unknown
    return Interval(kept.name, kept.parts, kept.box, (unknown[0] or first < low, unknown[1] or last > high))
