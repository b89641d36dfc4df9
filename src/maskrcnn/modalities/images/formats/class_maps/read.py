"""Class maps: ``images/`` and, in ``classes/``, ``masks/`` or ``annotations/``, a picture of class numbers for each.

They say of every pixel what it is, see :mod:`maskrcnn.data.class_maps.tasks`. Nothing in them tells touching objects of
one class apart, so where objects are asked for each connected part counts as one, which is said. Pixels of 255 belong
to no class (void), unless nothing but 0 and 255 is found: then 255 is the only class.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maskrcnn.data.class_maps.tasks import PARTS
from maskrcnn.data.dataset import UNNAMED, Dataset
from maskrcnn.errors import DataError
from maskrcnn.masks.components import class_of_each, connected_parts
from maskrcnn.modalities.images.formats.class_maps.about import OTHER_MAPS, find_class_maps, images_folder, plain_stem
from maskrcnn.modalities.images.formats.class_maps.legend import (
    VOID,
    Legend,
    cityscapes_ids,
    palette_of,
    read_legend,
    unknown_of,
)
from maskrcnn.modalities.images.formats.class_maps.numbers import (
    colours_in,
    is_coloured,
    lossy_colours,
    read_colours,
    read_numbers,
)
from maskrcnn.modalities.images.labels.index_maps import is_lossy, lossy_remarks, mask_record
from maskrcnn.modalities.images.read.find import images_by_stem
from maskrcnn.regions import Regions
from maskrcnn.structures import IGNORED, Record

FAULT = -2  # in a map of labels: a number that the list does not have
LOOKED_AT = 64  # maps in colours whose colours decide which palette they are of


def open_folder(folder: Path) -> Dataset:
    """The images that have a class map of the same stem; as objects each connected part of a class is one.

    ``classes.txt`` may name the classes, see :func:`maskrcnn.modalities.images.formats.class_maps.legend.read_legend`.
    All maps are read to find out which classes there are.

    Raises:
        DataError: where no image has a class map, none can be read, or they are in colours that nobody explains.
    """
    maps_folder, pictures = find_class_maps(folder) or folder, images_folder(folder)
    images, maps = _by_plain_stem(pictures), _by_plain_stem(maps_folder)
    stems = [stem for stem in sorted(images) if stem in maps]
    problems = [f"{maps_folder} names classes, not objects: {PARTS}."]
    problems += [f"{images[stem]} has no class map and was left out." for stem in images if stem not in maps]
    if not stems:
        raise DataError(
            f"{folder} has no image in {pictures.name}/ with a class map of the same name in {maps_folder}."
        )
    paths = [maps[stem] for stem in stems]
    legend, changed = read_legend(folder)
    if legend is None:
        legend, remark = _guessed(paths)
        changed = [remark] if remark else []
    found = _found(paths, legend)
    legend = legend if legend.complete else _completed(legend, found)
    problems += changed + lossy_remarks(paths)
    background = not legend.names_all and 0 in found
    sources = [ClassMap(images[s], maps[s], image_id, legend) for image_id, s in enumerate(stems, start=1)]
    names = legend.names
    ids = tuple(range(1, len(names) + 1))
    return Dataset(folder, names, ids, sources, has_masks=True, problems=problems, background=background)


def _by_plain_stem(folder: Path) -> dict[str, Path]:
    return {plain_stem(s): path for s, path in images_by_stem(folder, deep=True).items() if not s.endswith(OTHER_MAPS)}


def _guessed(paths: Sequence[Path]) -> tuple[Legend, str]:
    """The list of maps to which nobody gave one, and what is said of it."""
    if any(path.stem.endswith("_labelIds") for path in paths):
        return cityscapes_ids(), "The numbers of the class maps count as those of Cityscapes' labelIds."
    coloured = [path for path in paths[:LOOKED_AT] if is_coloured(path)]
    if not coloured:
        return Legend((), ()), ""
    if all(map(is_lossy, coloured)):
        raise DataError(lossy_colours(coloured[0]))
    colours = set().union(*(colours_in(path) for path in paths[:LOOKED_AT]))
    known = palette_of(colours)
    if known is None:
        shown = " ".join(map(str, unknown_of(colours)))
        raise DataError(
            f"{paths[0]} is in colours, such as {shown}, that are of no palette that is known (Pascal VOC, CamVid, "
            f"Cityscapes): write a line `RED GREEN BLUE NAME` for each colour into classes.txt beside its folder, or "
            "write the maps as numbers in 8-bit grey PNG."
        )
    return known[1].only(colours), f"The colours of the class maps count as those of {known[0]}."


def _found(paths: Sequence[Path], legend: Legend) -> set[int]:
    """The numbers in all maps; what cannot be read is named where it is used."""

    def values(path: Path) -> set[int]:
        try:
            return set(np.unique(read_numbers(path, legend)).astype(np.int64).tolist())
        except DataError:
            return set()

    with ThreadPoolExecutor() as pool:
        return set().union(*pool.map(values, paths))


def _completed(legend: Legend, found: set[int]) -> Legend:
    """The list, if any, with the classes of all numbers that the maps hold."""
    named = dict(zip(legend.numbers, legend.names))
    others = sorted(number for number in found - legend.ignored if number > 0)
    if not others:
        name = legend.names[0] if len(legend.names) == 1 else UNNAMED
        number = VOID if VOID in found else 1
        return replace(legend, names=(name,), numbers=(number,), ignored=legend.ignored - {VOID})
    if others == [1]:
        return replace(legend, names=(legend.names[0] if len(legend.names) == 1 else UNNAMED,), numbers=(1,))
    last = max(others[-1], max(named, default=0))
    numbers = [k for k in range(1, last + 1) if k not in legend.ignored] if named else others
    return replace(legend, names=tuple(named.get(k, f"class {k}") for k in numbers), numbers=tuple(numbers))


@dataclass(frozen=True)
class ClassMap:
    """An image and its class map."""

    image: Path
    class_map: Path
    image_id: int
    legend: Legend

    @property
    def numbers(self) -> tuple[int, ...]:
        """What labels 1..K are in the maps."""
        return self.legend.numbers

    def record(self) -> Record:
        """Its connected parts as objects. Raises DataError for an unreadable class map."""
        labels = self.labels().clip(min=0)
        regions = Regions.from_label_map(connected_parts(labels, corners=True))
        return mask_record(self.image, self.image_id, regions, class_of_each(regions, labels))

    def class_map_record(self) -> Record:
        """Its classes. Raises DataError for a map that cannot be read or holds numbers that the list does not have."""
        labels = self.labels()
        if unknown := self.unknown(labels):
            line = unknown.removeprefix("the number ").removeprefix("the colour ")
            raise DataError(
                f"{self.class_map} holds {unknown}, which {self.legend.source or 'the list of classes'} does not name; "
                f"add a line `{line} NAME`, or `{line} void (ignore)`, or correct the map."
            )
        nothing = mask_record(self.image, self.image_id, Regions.blank(labels.shape))
        return replace(nothing, class_map=labels)

    def num_objects(self) -> int:
        return len(self.record())

    def labels(self) -> np.ndarray:
        """Int16 ``[H, W]``: 0, 1..K, ``IGNORED`` or ``FAULT``. Raises DataError for an unreadable class map."""
        numbers = read_numbers(self.class_map, self.legend)
        table = self.legend.table(FAULT)
        labels: np.ndarray = table[numbers.clip(0, len(table) - 1)]
        labels[(numbers >= len(table)) | (numbers < IGNORED)] = FAULT
        labels[numbers == IGNORED] = IGNORED
        return labels

    def unknown(self, labels: np.ndarray) -> str:
        """A number or colour that the list does not have, in words, of a map that has such ``labels``; else nothing."""
        faults = labels == FAULT
        if not faults.any():
            return ""
        if self.legend.colours:
            return f"the colour {' '.join(map(str, read_colours(self.class_map)[faults][0].tolist()))}"
        return f"the number {read_numbers(self.class_map, self.legend)[faults].min()}"
