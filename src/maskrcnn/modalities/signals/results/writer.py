"""What a prediction on signals leaves behind: strips to look at, tables, and files for each field's own programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from PIL import Image

from maskrcnn.data.parsing.spreadsheets import path_cell
from maskrcnn.errors import UsageError
from maskrcnn.files import atomic_write
from maskrcnn.inference.results.lists import ResultLists
from maskrcnn.inference.results.names import (
    CUTOUTS,
    FreeNames,
    id_of,
    refuse_among_sources,
    shown_path,
    source_path_of,
    write_table,
    written_of_image,
    written_of_object,
)
from maskrcnn.inference.tiling.tile_detections import NO_HEADS
from maskrcnn.modalities.signals.draw.layout import SignalLike
from maskrcnn.modalities.signals.draw.strips import Paper, draw_pages
from maskrcnn.modalities.signals.results.clips import write_cutout
from maskrcnn.modalities.signals.results.field_files import FIELD_FILES
from maskrcnn.modalities.signals.results.intervals import UNIT_COLUMNS, FoundInterval, found_intervals, interval_entry
from maskrcnn.models.head import Head
from maskrcnn.structures import Instances

# Column of a table: key in the list.
COLUMNS = {
    "file": "file_name",
    "object": "object",
    "class": "category",
    "score": "score",
    "start_sample": "start_sample",
    "end_sample": "end_sample",
}


class SignalWriter:
    """Writes the intervals found in signals into a folder, each file whole or not at all.

    Objects are numbered from 1 by their start, the same in every file. ``start_sample`` and ``end_sample`` are in
    samples of the file, sample k covering [k, k + 1), so that their difference is a length; ``start_s`` and ``end_s``
    are the same in seconds. For DNA ``first_bp`` and ``last_bp`` are the first and last base, counted from 1 as in
    GenBank.

    * ``<stem>.png`` for each recording: the signal in strips with the objects coloured, see
      ``draw_signal`` in ``draw/strips.py``; a second recording of the same stem is ``<stem>-2.png``. Of one that
      is longer than ``page``: ``<stem>_page_001.png`` and so on.
    * ``<stem>.csv``: a row for each object, fit to be read as labels of the recording. ``samples`` counts those of the
      mask, or of the box for a model without.
    * ``<stem>.mrc`` (WFDB annotations), ``<stem>.txt`` (Audacity labels), ``<stem>.gff3`` and ``<stem>.bed``: the same
      objects in the field's own files, as the recording's kind asks.
    * ``predictions.json``, which grows with each recording: a list with names as in those of images; ``mask`` is what
      each object covers, a list of ``[start, end]`` in samples.
    * ``summary.csv``, which grows with it: the rows of all recordings.
    * ``cutouts/<stem>_cutout_<number>_<class>`` if ``cutouts`` is set: each object as a clip (WAV, FASTA or CSV).

    Args:
        out_dir: the folder, made if it does not exist. Files of an earlier run are replaced.
        class_names: of labels 1..K.
        category_ids: the ids that the data set uses for labels 1..K; by default the labels themselves.
        cutouts: write each object as a file of its own too.
        heads: of the model; what they want written of objects joins ``predictions.json``, and of whole files
            ``images.json``.
        page: seconds of a recording that a picture shows at most; None: all.

    Attributes:
        remarks: a sentence for each kind of file that could not be written, for the caller to show.
    """

    def __init__(
        self,
        out_dir: str | Path,
        class_names: Sequence[str],
        category_ids: Sequence[int] | None = None,
        cutouts: bool = False,
        heads: Mapping[str, Head] = NO_HEADS,
        page: float | None = None,
    ) -> None:
        self.out_dir = Path(out_dir)
        self.class_names = tuple(class_names)
        self.category_ids = tuple(category_ids or range(1, len(self.class_names) + 1))
        self.cutouts = cutouts
        self.page = page
        self.names = FreeNames(reserved=("summary", "predictions"))
        self.remarks: list[str] = []
        self.units: set[str] = set()
        self.heads = heads
        self.lists = ResultLists(self.out_dir, _columns(self.units))

    def add(
        self,
        source_path: str | Path,
        signal: SignalLike,
        detections: Instances,
        *,
        truth: Instances | None = None,
        sequence: str = "",
        value_unit: str = "",
    ) -> Path:
        """Write what was found in one recording, last into the lists.

        Args:
            source_path: where the recording comes from; written into the lists as it is given.
            signal: all of it, ``[C, T]``.
            detections: in samples of the file, on the CPU, with labels and scores and, for masks, regions.
            truth: what is there, drawn below what was found.
            sequence: the name of a sequence of bases, as other files of that field have it; by default the stem.
            value_unit: of the samples, for the picture.

        Returns:
            The picture's path, of several pages that of the first.

        Raises:
            UsageError: if the results would fall among the recordings.
            OSError: something cannot be written; the lists are then as they were.
        """
        source = source_path_of(source_path)
        refuse_among_sources(self.out_dir, source, "recordings")
        name = self.names.take(source.stem)
        sequence = sequence or source.stem
        objects = found_intervals(detections, self.class_names, signal.samples.shape[-1])
        paper = Paper(sequence or name, value_unit, extent=self.page)
        picture = self._draw(name, draw_pages(signal, detections, self.class_names, paper, truth))
        entries = [
            {"file_name": shown_path(source_path), "id": id_of(name)}
            | interval_entry(found, signal, self.category_ids)
            | written_of_object(self.heads, detections, found.index)
            for found in objects
        ]
        own = {signal.unit}
        write_table(self.out_dir / f"{name}.csv", _columns(own), _rows(entries, own))
        self._write_field_files(name, objects, signal, sequence)
        for found in objects if self.cutouts else ():
            write_cutout(self.out_dir / CUTOUTS, name, found, signal, sequence)
        self._list(entries, signal.unit)
        if whole := written_of_image(self.heads, detections):
            self.lists.add_image({"file_name": shown_path(source_path), **whole})
        return picture

    def _draw(self, name: str, pages: Iterator[Image.Image]) -> Path:
        """Write a picture, or each page with its number; the first of them."""
        first, second = next(pages), next(pages, None)
        if second is None:
            return _save(first, self.out_dir / f"{name}.png")
        path = _save(first, self.out_dir / f"{name}_page_001.png")
        for k, page in enumerate(chain([second], pages), start=2):
            _save(page, self.out_dir / f"{name}_page_{k:03}.png")
        return path

    def go_on(self) -> None:
        """Write the table of what the lists hold from before, if they do, anew: it has the columns of their units."""
        entries = self.lists.entries()
        self.units = {unit for unit, own in UNIT_COLUMNS.items() if any({*own} & {*entry} for entry in entries)}
        if entries:
            self.lists.rewrite_table(_columns(self.units), _rows(entries, self.units))

    def close(self) -> None:
        """See that ``predictions.json`` and ``summary.csv`` are there, even of no recording at all."""
        self.lists.close()

    def _list(self, entries: Sequence[dict[str, Any]], unit: str) -> None:
        """Put the objects of a recording into the lists; the first of a unit needs columns that the table lacks."""
        if unit not in self.units:
            self.units.add(unit)
            self.lists.rewrite_table(_columns(self.units), _rows(self.lists.entries(), self.units))
        self.lists.add(entries, _rows(entries, self.units))

    def _write_field_files(
        self, name: str, objects: Sequence[FoundInterval], signal: SignalLike, sequence: str
    ) -> None:
        for suffix, write in FIELD_FILES.get(signal.kind, ()):
            try:
                write(self.out_dir / f"{name}{suffix}", objects, signal, sequence)
            except UsageError as error:  # a package of the field is not installed; everything else is written
                if str(error) not in self.remarks:
                    self.remarks.append(str(error))


def _save(picture: Image.Image, path: Path) -> Path:
    with atomic_write(path) as beside:
        picture.save(beside, compress_level=4)
    return path


def _columns(units: set[str]) -> list[str]:
    """Of a table with entries of these units; of others there are no columns."""
    in_units = [column for unit, columns in UNIT_COLUMNS.items() if unit in units for column in columns]
    return [*COLUMNS, *in_units, "samples"]


def _rows(entries: Iterable[dict[str, Any]], units: set[str]) -> Iterator[list[Any]]:
    for entry in entries:
        cells = {column: entry.get(COLUMNS.get(column, column), "") for column in _columns(units)}
        yield [*(cells | {"file": path_cell(entry["file_name"])}).values()]
