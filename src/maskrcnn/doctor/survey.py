"""One pass over a data set: every image is decoded once and every label looked at once."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import PurePath
from typing import Any

import numpy as np

from maskrcnn.data.class_maps.tasks import has_maps_alone
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.faults import Fault, record_faults
from maskrcnn.data.parsing.numbers import identity
from maskrcnn.data.source_names import source_of
from maskrcnn.doctor.class_maps import Labelled, as_regions, count_samples, stack
from maskrcnn.doctor.placement import Placement, place_scores
from maskrcnn.errors import DataError
from maskrcnn.modalities.images.duplicates import Imprint, imprint
from maskrcnn.modalities.images.formats.class_maps.check import inspect_class_map
from maskrcnn.modalities.images.formats.coco.check import CocoFacts, inspect_coco, read_coco
from maskrcnn.modalities.images.formats.label_maps.check import inspect_folders, inspect_label_map, is_label_maps
from maskrcnn.modalities.images.read.find import is_image
from maskrcnn.modalities.images.read.pictures import image_shape
from maskrcnn.modalities.table import kinds
from maskrcnn.structures import Record

Progress = Callable[[int], None]
REMARKS = ("count as", "counts as", "is one object", "are of the class")  # words of a reader where nothing is lost
WRONG_SIZE = (" pixels, but its labels say ",)
OWN_FINDINGS = ("are marked as crowds", "it was resized and cannot be used")  # the doctor says them itself
PLACED_IMAGES = 300  # spread over the data set, of which the outlines are compared with the picture


@dataclass
class Survey:
    """What is kept of a data set of n images and N objects: a few numbers each, never pixels but a thumbnail.

    Attributes:
        dataset: as its reader opened it.
        faults: of files and labels.
        names: of the images, by position.
        readable: bool ``[n]``.
        imprints: by position; None for what could not be read.
        origins: of the images: the source that each was made from, where anything tells.
        counts: int64 ``[n]``: objects (no crowds) of each image.
        extents: float64 ``[N, D]``: sides of each object's box, x first, in samples of the file.
        shapes: spatial shape of the image of each object ``[N, D]``, tensor order.
        labels: int64 ``[N]``.
        crowds: int64: the labels of the crowds, which are no objects.
        samples: int64 ``[K + 2]`` of each image: its samples of labels 0..K, then those that nobody labelled.
        placements: what the outlines have to do with the pictures, of those images where that could be asked.
    """

    dataset: Dataset
    faults: list[Fault] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    readable: list[bool] = field(default_factory=list)
    imprints: list[Imprint | None] = field(default_factory=list)
    origins: list[str | None] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    extents: list[np.ndarray] = field(default_factory=list)
    shapes: list[np.ndarray] = field(default_factory=list)
    labels: list[np.ndarray] = field(default_factory=list)
    crowds: list[np.ndarray] = field(default_factory=list)
    samples: list[np.ndarray] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)

    @property
    def num_objects(self) -> int:
        return sum(self.counts)

    def labelled(self) -> Labelled:
        """What is labelled of the samples, where there are class maps."""
        return stack(self.samples, self.dataset.class_names, self.dataset.background)

    def faulty_files(self) -> set[str]:
        """The images with anything wrong about them."""
        return {fault.file_name for fault in self.faults}


@dataclass(frozen=True)
class _Look:
    """What one image told."""

    name: str
    faults: list[Fault]
    record: Record | None = None
    seen: Imprint | None = None
    placement: Placement | None = None


def survey(dataset: Dataset, progress: Progress = lambda done: None, threads: int | None = None) -> Survey:
    """Look at every label and every image of a data set once.

    Args:
        dataset: to look at.
        threads: that decode images; None: as many as there are processors, at most 4.
        progress: is given how many images are done.

    Returns:
        What was seen: faults, sizes, counts, and an imprint of each picture.
    """
    found = Survey(dataset)
    coco = _coco_facts(dataset)
    label_maps = coco is None and is_label_maps(dataset)
    if coco is not None:
        found.faults += coco.faults
    elif label_maps:
        found.faults += inspect_folders(dataset.path)
    look = partial(_look, dataset, coco, label_maps, -(-len(dataset) // PLACED_IMAGES))
    for done, seen in enumerate(_in_order(look, range(len(dataset)), threads or min(4, os.cpu_count() or 1)), 1):
        _add(found, seen)
        progress(done)
    found.faults += _told_by_the_reader(found, coco is not None)
    return found


def _coco_facts(dataset: Dataset) -> CocoFacts | None:
    content = read_coco(dataset.path)
    if content is None:
        return None
    records = (dataset[index] for index in range(len(dataset)))
    return inspect_coco(content, {identity(record.image_id): record.spatial_shape or () for record in records})


def _look(dataset: Dataset, coco: CocoFacts | None, label_maps: bool, pace: int, index: int) -> _Look:
    """Everything about one image, and of every ``pace``-th the outlines; runs in a thread."""
    faults = list(inspect_class_map(dataset.sources[index]))
    try:
        record = dataset[index]
    except DataError as error:
        return _Look(f"image {index + 1}", faults or [Fault("labels-unreadable", str(error))])
    name, maps = record.file_name, has_maps_alone(dataset)
    if coco is None:
        faults += record_faults(record, len(dataset.class_names), dataset.has_masks)
    if label_maps:
        faults += inspect_label_map(record)
    if len(record) == 0 and not maps and (coco is None or identity(record.image_id) not in coco.labelled):
        faults.append(Fault("image-unlabelled", name, "", name))
    try:
        image = dataset.read_image(record)
    except DataError as error:
        return _Look(name, [*faults, _image_fault(record, error)], record)
    seen = imprint(image)
    if kinds()[dataset.kind].is_picture and seen.is_blank():
        faults.append(Fault("image-blank", name, "", name))
    placement = place_scores(image, as_regions(record) if maps else record) if index % pace == 0 else None
    return _Look(name, faults, record, seen, placement)


def _image_fault(record: Record, error: DataError) -> Fault:
    """Of another size than its labels, or unreadable."""
    shape = record.spatial_shape or ()
    if is_image(record.source):
        with contextlib.suppress(DataError):
            shape = image_shape(record.source)
    if record.spatial_shape is not None and shape != record.spatial_shape:
        (rows, columns), (height, width) = shape, record.spatial_shape
        words = f"{columns} x {rows} pixels, labelled as {width} x {height}"
        return Fault("image-size", record.file_name, words, record.file_name)
    reason = str(error).removeprefix(record.source).strip()
    return Fault("image-unreadable", record.file_name, reason.partition(";")[0], record.file_name)


def _add(found: Survey, seen: _Look) -> None:
    """Put what one image told to the rest; its boxes and pixels are forgotten here."""
    record = seen.record
    found.faults += seen.faults
    found.names.append(seen.name)
    found.readable.append(seen.seen is not None)
    found.imprints.append(seen.seen)
    found.origins.append(None if record is None else source_of(record))
    if seen.placement is not None:
        found.placements.append(seen.placement)
    if record is None:
        found.counts.append(0)
        found.samples.append(np.zeros(len(found.dataset.class_names) + 2, np.int64))
        return
    found.samples.append(count_samples(record, len(found.dataset.class_names)))
    keep = np.ones(len(record), bool) if record.crowd is None else ~record.crowd
    boxes = record.boxes[keep].astype(np.float64)
    low, high = np.split(boxes, 2, axis=1)
    found.counts.append(int(keep.sum()))
    found.extents.append(high - low)
    found.labels.append(record.labels[keep])
    found.crowds.append(record.labels[~keep])
    shape = np.array(record.spatial_shape or (0,) * low.shape[1])
    found.shapes.append(np.tile(shape, (len(boxes), 1)))


def _told_by_the_reader(found: Survey, is_coco: bool) -> list[Fault]:
    """What the reader says and no closer look has explained yet, in its own words."""
    known = {fault.place.replace(", annotation ", "\n") for fault in found.faults}
    titles = {f"Annotation {number} of {name}" for name, _, number in (place.partition("\n") for place in known)}
    codes = {fault.code for fault in found.faults}
    explained = partial(_is_explained_coco, titles=titles, known=known) if is_coco else partial(_is_named, known=known)
    return [
        Fault(_code_of(problem), problem)
        for problem in found.dataset.problems
        if not any(words in problem for words in OWN_FINDINGS) and not explained(problem, codes=codes)
    ]


def _code_of(problem: str) -> str:
    """Of a sentence of a reader: a remark if it says that something counts as something, or what is wrong."""
    if any(words in problem for words in WRONG_SIZE):
        return "image-size"
    return "reader-remark" if any(words in problem for words in REMARKS) else "reader"


def _is_named(problem: str, known: set[str], codes: set[str]) -> bool:
    """Whether a sentence of any reader is about a whole file, or a kind of fault, that a closer look has named."""
    if problem.startswith("Images without a label file"):
        return "image-unlabelled" in codes
    if problem.startswith("JPEG changes the numbers"):
        return "label-map-lossy" in codes
    if problem.endswith("objects come without a mask."):
        return "mask-missing" in codes
    path, has_no, _ = problem.partition(" has no ")
    return bool(has_no) and PurePath(path).name in known


def _is_explained_coco(problem: str, titles: set[str], known: set[str], codes: set[str]) -> bool:
    """Whether a sentence of the COCO reader is about something that the inspection of the file has named."""
    title, _, words = problem.partition(": ")
    if title in titles or words.startswith("there is no such image") or title.startswith("The annotation "):
        return True
    if problem.startswith(("In ", "An entry of 'images'")) or " categories have no whole number" in problem:
        return bool(codes & {"mask-missing", "image-entry", "category-unknown", "mask-unreadable", "not-a-number"})
    return any(problem.startswith(f"{place} ") for place in known)


def _in_order(function: Callable[[int], Any], items: Iterable[int], threads: int) -> Iterator[Any]:
    """``function`` of each item, several at a time; only a few results wait, however many items there are."""
    remaining = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        waiting: list[Future[Any]] = [pool.submit(function, item) for item in islice(remaining, 2 * threads)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(function, item) for item in islice(remaining, 1)]
