"""What the class map of a picture leaves behind: numbers for programs, colours to look at, and areas by class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from maskrcnn.data.parsing.spreadsheets import path_cell
from maskrcnn.drawing.class_map import draw_class_map
from maskrcnn.errors import UsageError
from maskrcnn.files import atomic_write
from maskrcnn.inference.class_maps import class_map_of, class_probabilities_of
from maskrcnn.inference.results.lists import ResultLists
from maskrcnn.inference.results.names import FreeNames, refuse_among_sources, shown_path, source_path_of
from maskrcnn.modalities.images.read.pages import stem_of_page
from maskrcnn.structures import Instances

COLUMNS = ("file", "class", "number", "pixels", "share")
CLASSES, PROBABILITIES = ".classes", ".probabilities"
LIST = "classes.txt"
BYTE = 255  # the highest number of an 8-bit picture
REST = "(no class)"


class ClassMapWriter:
    """Writes the class maps of pictures into a folder, each file whole or not at all.

    * ``<stem>.classes.png`` for each picture: the number of the class of each pixel, of 8 bits, or of 16 where a class
      has a number over 255. ``classes.txt`` says which number is which class; 0 is none where it is not in it.
    * ``<stem>.png``: the same in colours over the picture, and below it how much there is of each class.
    * ``<stem>.probabilities.npz`` if ``probabilities`` is set: ``probabilities`` ``[C, H, W]``, 255 for certainty, and
      the ``names`` of the C classes.
    * ``summary.csv`` and ``predictions.json``, which grow with each picture: the pixels of each class in it.

    Args:
        out_dir: the folder, made if it does not exist.
        class_names: of labels 1..K.
        numbers: what labels 1..K are in the files; by default the labels themselves.
        probabilities: write these too.
        classes: names of the classes to keep, empty: all; others count as none.
    """

    def __init__(
        self,
        out_dir: str | Path,
        class_names: Sequence[str],
        numbers: Sequence[int] | None = None,
        probabilities: bool = False,
        classes: Sequence[str] = (),
    ) -> None:
        self.out_dir, self.class_names = Path(out_dir), tuple(class_names)
        self.numbers = tuple(numbers or range(1, len(self.class_names) + 1))
        self.probabilities, self.classes = probabilities, tuple(classes)
        self.names = FreeNames(("", CLASSES, PROBABILITIES), (LIST,))
        self.lists = ResultLists(self.out_dir, COLUMNS)

    def add(self, source_path: str | Path, image: Tensor | np.ndarray, found: Instances) -> Path:
        """Write the class map of one picture, last into the lists.

        Args:
            source_path: where the picture comes from.
            image: tensor ``[C, H, W]`` or array ``[H, W, C]``, values 0..255.
            found: what the model found in it, on the CPU.

        Returns:
            The path of the picture in colours.

        Raises:
            UsageError: the results would fall among the source pictures, or the model knows no probabilities.
            OSError: something cannot be written.
        """
        source = source_path_of(source_path)
        refuse_among_sources(self.out_dir, source, "images")
        shape = image.shape[1:] if isinstance(image, Tensor) else image.shape[:2]
        labels = self._kept(class_map_of(found, shape))
        name = self.names.take(stem_of_page(source))
        self._write_list()
        dtype = np.uint8 if max(self.numbers) <= BYTE else np.uint16
        table = np.array([0, *self.numbers], dtype=dtype)
        _save(Image.fromarray(table[labels]), self.out_dir / f"{name}{CLASSES}.png")
        overlay = self.out_dir / f"{name}.png"
        _save(draw_class_map(image, labels, self.class_names, background=REST.strip("()")), overlay)
        if self.probabilities:
            self._write_probabilities(name, found)
        self._collect(shown_path(source_path), labels)
        return overlay

    def close(self) -> None:
        """See that the lists are there, even of no picture at all."""
        self.lists.close()

    def _kept(self, labels: np.ndarray) -> np.ndarray:
        if not self.classes:
            return labels
        wanted = [k for k, name in enumerate(self.class_names, start=1) if name in self.classes]
        return np.where(np.isin(labels, wanted), labels, np.int16(0))

    def _write_list(self) -> None:
        lines = [f"{number} {name}\n" for number, name in zip(self.numbers, self.class_names)]
        with atomic_write(self.out_dir / LIST) as beside:
            beside.write_text("".join(lines), encoding="utf-8")

    def _write_probabilities(self, name: str, found: Instances) -> None:
        own = class_probabilities_of(found)
        if own is None:
            raise UsageError("this model has no probabilities of every pixel: leave --probabilities away")
        names = [*([REST] if own.first == 0 else []), *self.class_names]
        with atomic_write(self.out_dir / f"{name}{PROBABILITIES}.npz") as beside, beside.open("wb") as file:
            np.savez_compressed(file, probabilities=own.as_bytes(), names=np.array(names))

    def _collect(self, file_name: str, labels: np.ndarray) -> None:
        entries: list[dict[str, Any]] = []
        rows: list[tuple[Any, ...]] = []
        for label, count in zip(*(part.tolist() for part in np.unique(labels, return_counts=True))):
            name = self.class_names[label - 1] if label else REST
            number = self.numbers[label - 1] if label else 0
            share = round(count / labels.size, 6)
            entries.append(
                {"file_name": file_name, "category": name, "category_id": number, "pixels": count, "share": share}
            )
            rows.append((path_cell(file_name), name, number, count, share))
        self.lists.add(entries, rows)


def count_classes(found: Instances, spatial_shape: Sequence[int]) -> int:
    """How many classes there are in a picture."""
    labels = class_map_of(found, spatial_shape)
    return int((np.unique(labels) > 0).sum())


def _save(picture: Image.Image, path: Path) -> None:
    with atomic_write(path) as beside:
        picture.save(beside, compress_level=4)
