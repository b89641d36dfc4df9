"""What the numbers or colours of class maps mean, from a list, from a known data set, or from the maps themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maskrcnn.data.class_names import usable_names
from maskrcnn.data.parsing.text import all_lines
from maskrcnn.errors import DataError
from maskrcnn.files import is_file
from maskrcnn.modalities.images.formats.class_maps.known_lists import (
    CAMVID,
    CITYSCAPES,
    CITYSCAPES_REST,
    VOC_NAMES,
    Colour,
)
from maskrcnn.modalities.images.labels.index_maps import voc_palette
from maskrcnn.structures import IGNORED

LIST, ADE20K_LIST = "classes.txt", "objectInfo150.txt"
VOID, MOST_NUMBERS = 255, 1 << 16
VOC_VOID: Colour = (224, 224, 192)
IGNORE = re.compile(r"\s*\(ignore\)\s*$", re.IGNORECASE)
NUMBERED = re.compile(r"(\d{1,5})[\s:;,=]+(\S.*)")
COLOURED = re.compile(r"(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[\s:;,=]+(\S.*)")


@dataclass(frozen=True)
class Legend:
    """What stands in class maps.

    Attributes:
        names: of labels 1..K.
        numbers: of labels 1..K in the maps; of maps in colours the places of their colours in ``colours``.
        ignored: numbers of samples that nobody labelled.
        colours: of maps in colours: the colour of number 0, 1 ...; else none.
        source: the list, in words, for sentences.
        complete: whether a number that is not in it is a fault; 0 is none where it is not named: background.
    """

    names: tuple[str, ...]
    numbers: tuple[int, ...]
    ignored: frozenset[int] = frozenset({VOID})
    colours: tuple[Colour, ...] = ()
    source: str = ""
    complete: bool = False

    @property
    def names_all(self) -> bool:
        """Whether no sample is of no class by what the list says: 0 is a class, or ignored."""
        return 0 in self.numbers or 0 in self.ignored

    def only(self, colours: Iterable[Colour]) -> Legend:
        """The same without the classes of whose colours there is none."""
        there = set(colours)
        kept = [(name, k) for name, k in zip(self.names, self.numbers) if self.colours[k] in there]
        return replace(self, names=tuple(name for name, _ in kept), numbers=tuple(k for _, k in kept))

    def table(self, fault: int) -> np.ndarray:
        """The label of each number, int16; ``fault`` for a number that the list does not have."""
        labels = np.full(MOST_NUMBERS, fault, dtype=np.int16)
        labels[0] = 0
        labels[sorted(self.ignored)] = IGNORED
        labels[list(self.numbers)] = np.arange(1, len(self.numbers) + 1)
        return labels

    def place_colours(self, colours: np.ndarray) -> np.ndarray:
        """The numbers ``[*S]`` of colours ``[*S, 3]``; -1 for one that the list does not have."""
        codes = _codes(np.array(self.colours))
        order = np.argsort(codes)
        wanted = _codes(colours)
        at = np.searchsorted(codes[order], wanted).clip(max=len(codes) - 1)
        return np.where(codes[order][at] == wanted, order[at], -1)


def _codes(colours: np.ndarray) -> np.ndarray:
    wide = colours.astype(np.int64)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]


def read_legend(folder: Path) -> tuple[Legend | None, list[str]]:
    """The list of classes of a folder, and what had to be changed of their names; None where there is none.

    ``classes.txt`` has a line for each class: ``NUMBER NAME``, for maps in colours ``RED GREEN BLUE NAME``, or names
    alone, which are those of 1, 2 ... A name that ends in ``(ignore)`` is that of samples that nobody labelled.

    Raises:
        DataError: a list that is no text, or has a number or colour twice.
    """
    if is_file(folder / ADE20K_LIST):
        rows = [line.split("\t") for line in all_lines(folder / ADE20K_LIST)]
        named = [(int(row[0]), row[-1].split(",")[0].strip()) for row in rows if row[0].isdigit()]
        return _numbered([(0, "other (ignore)"), *named], ADE20K_LIST)
    path = folder / LIST
    lines = [line.strip() for line in all_lines(path)]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    if not lines:
        return None, []
    filled = [line for line in lines if line]
    coloured = [COLOURED.fullmatch(line) for line in filled]
    numbered = [NUMBERED.fullmatch(line) for line in filled]
    if all(coloured):
        entries = [((int(m[1]), int(m[2]), int(m[3])), m[4]) for m in coloured if m]
        return coloured_legend(entries, str(path))
    if all(numbered):
        return _numbered([(int(m[1]), m[2]) for m in numbered if m], str(path))
    named = [(k, line) for k, line in enumerate(lines, start=1)]
    legend, changed = _numbered([(k, name) for k, name in named], str(path))
    assert legend is not None
    return Legend(legend.names, legend.numbers, legend.ignored, source=legend.source), changed


def _numbered(entries: Sequence[tuple[int, str]], source: str) -> tuple[Legend, list[str]]:
    _refuse_twice([number for number, _ in entries], source)
    kept = [(number, name) for number, name in entries if not IGNORE.search(name)]
    names, changed = usable_names([name for _, name in kept])
    numbers = tuple(number for number, _ in kept)
    ignored = frozenset(number for number, name in entries if IGNORE.search(name))
    ignored |= frozenset({VOID} - set(numbers))
    return Legend(names, numbers, ignored, source=source, complete=True), changed


def coloured_legend(entries: Sequence[tuple[Colour, str]], source: str) -> tuple[Legend, list[str]]:
    """A list of colours and names, and what had to be changed of the names. Raises DataError for a colour twice."""
    _refuse_twice([colour for colour, _ in entries], source)
    kept = [(place, name) for place, (_, name) in enumerate(entries) if not IGNORE.search(name)]
    names, changed = usable_names([name for _, name in kept])
    ignored = frozenset(place for place, (_, name) in enumerate(entries) if IGNORE.search(name))
    colours = tuple(colour for colour, _ in entries)
    return Legend(names, tuple(place for place, _ in kept), ignored, colours, source, complete=True), changed


def _refuse_twice(keys: Sequence[object], source: str) -> None:
    twice = next((key for k, key in enumerate(keys) if key in keys[:k]), None)
    if twice is not None:
        shown = " ".join(map(str, twice)) if isinstance(twice, tuple) else str(twice)
        raise DataError(f"{source} has {shown} in two lines; give every class a number or colour of its own.")


def known_palettes() -> dict[str, Legend]:
    """Palettes of data sets that many people have, by the data set's name."""
    flat = voc_palette(len(VOC_NAMES) + 1)
    voc = [(_triple(flat[3 * k : 3 * k + 3]), name) for k, name in enumerate(["background (ignore)", *VOC_NAMES])]
    legend, _ = coloured_legend([*voc, (VOC_VOID, "void (ignore)")], "the palette of Pascal VOC")
    # place 0 is the background that VOC measures as a class of its own
    voc_legend = Legend(legend.names, legend.numbers, legend.ignored - {0}, legend.colours, legend.source, True)
    cityscapes = [(colour, name) for _, colour, name in CITYSCAPES]
    cityscapes += [(colour, f"rest {k} (ignore)") for k, colour in enumerate(CITYSCAPES_REST)]
    return {
        "Pascal VOC": voc_legend,
        "CamVid": coloured_legend(CAMVID, "the colours of CamVid")[0],
        "Cityscapes": coloured_legend(cityscapes, "the colours of Cityscapes")[0],
    }


def cityscapes_ids() -> Legend:
    """The ids of Cityscapes' ``labelIds`` maps."""
    ids = {number: name for number, _, name in CITYSCAPES}
    rest = [(k, f"rest {k} (ignore)") for k in range(34) if k not in ids]
    return _numbered([*sorted(ids.items()), *rest], "the ids of Cityscapes")[0]


def palette_of(colours: Iterable[Colour]) -> tuple[str, Legend] | None:
    """The first known palette that has all of these colours."""
    wanted = set(colours)
    return next(((name, known) for name, known in known_palettes().items() if wanted <= set(known.colours)), None)


def unknown_of(colours: set[Colour]) -> Colour:
    """Of colours that no known palette has all of, one that the best fitting palette does not have."""
    left = [colours - set(known.colours) for known in known_palettes().values()]
    return min(sorted(left, key=len)[0])


def _triple(values: Sequence[int]) -> Colour:
    red, green, blue = values
    return red, green, blue
