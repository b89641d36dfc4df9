"""Opens files that a table labels as a whole: pictures, recordings or scans, without any labels of their parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from maskrcnn.checks import counted
from maskrcnn.data.class_maps.tasks import WHOLE
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.paths import refuse_missing
from maskrcnn.errors import DataError
from maskrcnn.files import exists, resolved
from maskrcnn.modalities.images.read.pictures import image_shape, read_record_image
from maskrcnn.modalities.label_table import LabelTable, matched, read_label_table
from maskrcnn.modalities.signals.read import read_record_signal, read_signal
from maskrcnn.modalities.table import kinds, wing_of, wings
from maskrcnn.modalities.volumes.open import read_labelled_volume
from maskrcnn.modalities.volumes.read import read_volume
from maskrcnn.structures import Record

Header = tuple[tuple[int, ...], tuple[float, ...] | None, "np.ndarray | None"]  # shape, spacing (x first), affine
FEWEST = 4  # files that a training needs: two of each class, one to learn from and one to judge on


@dataclass(frozen=True)
class WholeFile:
    """A file with its labels; what else a record has was read when it was opened."""

    path: Path
    image_id: str
    header: Header
    labels: np.ndarray

    def record(self) -> Record:
        """The record, without objects."""
        shape, spacing, affine = self.header
        return Record(
            source=str(self.path),
            image_id=self.image_id,
            file_name=self.path.name,
            spatial_shape=shape,
            boxes=np.zeros((0, 2 * len(shape)), dtype=np.float32),
            labels=np.zeros(0, dtype=np.int64),
            spacing=spacing,
            affine=affine,
            file_labels=self.labels,
        )

    def num_objects(self) -> int:
        return 0


def divide_choice(labels: str) -> tuple[Path, str]:
    """``labels.csv:column`` as the path and the column; the column is empty where none is named."""
    base, colon, choice = labels.rpartition(":")
    return (Path(base), choice) if colon and base and not exists(Path(labels)) else (Path(labels), "")


def open_whole_files(paths: Sequence[Path], labels: str, fewest: int = FEWEST) -> Dataset:
    """The files of ``paths`` that the table ``labels`` has a row for.

    Args:
        paths: of files, or of folders with files of one kind.
        labels: path of the table, perhaps with ``:column`` behind it, see
            :func:`maskrcnn.modalities.label_table.read_label_table`.
        fewest: files that must be left.

    Returns:
        The data set, of the task ``whole``.

    Raises:
        DataError: a table or files that cannot be read, files of no kind that is known, too few of them.
    """
    for path in paths:
        refuse_missing(path)
    table = read_label_table(*divide_choice(labels))
    kind, files = _of_one_kind(paths, table)
    found, problems = matched(table, files)
    problems = [*table.problems, *problems]
    read, header = READERS[kind if kind in READERS else wing_of(kind).noun]
    sources = []
    stems = Counter(file.name.split(".")[0] for file in found)
    for file, value in found.items():
        stem = file.name.split(".")[0]
        try:
            sources.append(WholeFile(file, stem if stems[stem] == 1 else str(file), header(file), value))
        except DataError as error:
            problems.append(f"{error} It was left out.")
    if not sources:
        raise DataError(
            f"None of the {len(found)} files that {table.path} labels can be read; the first fault: {problems[-1]}"
        )
    data = Dataset(
        paths[0],
        table.class_names,
        tuple(range(1, len(table.class_names) + 1)),
        sources,
        has_masks=True,
        problems=problems,
        read_image=read,
        kind=kind,
        task=WHOLE,
        background=False,
        file_labels=table.kind,
    )
    _check(data, table, fewest)
    return data


def _check(data: Dataset, table: LabelTable, fewest: int) -> None:
    """Refuse what nothing can be learned from."""
    values = np.stack([own for source in data.sources if (own := source.record().file_labels) is not None])
    if len(values) < fewest:
        raise DataError(
            f"{table.path} labels {counted(len(values), 'file')} of those there, and a training needs {fewest}: "
            "two of each class, to learn from and to judge on; add files."
        )
    if fewest > 1 and (values == values[0]).all():
        raise DataError(
            f"The {len(values)} files that are there all have the same label in {table.path}: with one class alone "
            "there is nothing to tell apart; add files that have another."
        )


def _of_one_kind(paths: Sequence[Path], table: LabelTable) -> tuple[str, list[Path]]:
    """The kind of files that the paths hold most of, of those that the table names if it names any, and these files."""
    named = {Path(name).name for name in table.values} | {Path(name).name.split(".")[0] for name in table.values}
    by_kind: dict[str, list[Path]] = {}
    for wing in wings():
        for file in wing.doors().find_own(paths):
            if resolved(file) == resolved(table.path):
                continue
            kind = wing.doors().kind_of(file)
            if kind in kinds():
                by_kind.setdefault(kind, []).append(file)
    if not by_kind:
        raise DataError(
            f"{', '.join(map(str, paths))} holds no file that can be read as a picture, a recording or a scan."
        )

    def rank(kind: str) -> tuple[int, int]:
        own = by_kind[kind]
        return sum(file.name in named or file.name.split(".")[0] in named for file in own), len(own)

    best = max(by_kind, key=rank)
    return best, sorted(dict.fromkeys(by_kind[best]))


def _picture(path: Path) -> Header:
    return tuple(image_shape(path)), None, None


def _recording(path: Path) -> Header:
    signal = read_signal(path)
    return tuple(signal.lead_samples().shape[1:]), (1 / signal.rate,), None


def _scan(path: Path) -> Header:
    volume = read_volume(path)
    return tuple(volume.samples.shape[1:]), volume.spacing, volume.affine


READERS: dict[str, tuple[Callable[[Record], Tensor], Callable[[Path], Any]]] = {
    "image": (read_record_image, _picture),
    "recording": (read_record_signal, _recording),
    "scan": (read_labelled_volume, _scan),
}
