"""Doors of a wing each of whose files is one thing with labels that mean the same to every model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maskrcnn.data.parsing.paths import walk_files
from maskrcnn.errors import DataError
from maskrcnn.files import is_file, is_folder

if TYPE_CHECKING:
    from maskrcnn.data.dataset import Dataset
    from maskrcnn.model_info import ModelInfo


@dataclass(frozen=True)
class SingleFiles:
    """Files that are known by their suffix, with labels of the same name beside them.

    The methods are functions of a ``doors.py``, see :class:`maskrcnn.modalities.wing.Doors`.

    Attributes:
        kind: the name of their kind.
        suffix: of the files, with its dot.
        labels: suffix of the files of labels, with its dot.
    """

    kind: str
    suffix: str
    labels: str

    def find_files(self, paths: Sequence[Path], exclude: Path | None = None) -> list[Path]:
        """The files that are named, and those of folders and their subfolders."""
        return walk_files(paths, self._files_in, _named, exclude)

    def find_own(self, paths: Sequence[Path], exclude: Path | None = None) -> list[Path]:
        """Of the same those of the suffix."""
        return [path for path in self.find_files(list(filter(_is_there, paths)), exclude) if self.kind_of(path)]

    def kind_of(self, path: Path) -> str:
        """The kind, by the suffix; nothing for other files."""
        return self.kind if path.suffix.lower() == self.suffix else ""

    def is_labelled(self, path: Path) -> bool:
        """Whether files of labels lie in a folder."""
        return is_folder(path) and any(path.glob(f"*{self.labels}"))

    @staticmethod
    def is_part(path: Path) -> bool:
        """No file is one of several that make up another."""
        return False

    @staticmethod
    def stem_of(path: Path) -> str:
        """The file's name without its suffix."""
        return path.stem

    @staticmethod
    def as_learned(data: Dataset, info: ModelInfo) -> Dataset:
        """Labels mean the same to every model."""
        return data

    def _files_in(self, folder: Path) -> list[Path]:
        visible = (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))
        return [path for path in visible if self.kind_of(path) and is_file(path)]


def _is_there(path: Path) -> bool:
    return is_file(path) or is_folder(path)


def _named(path: Path) -> Path:
    if not is_file(path):
        raise DataError(f"{path} does not exist; name a file or a folder of files.")
    return path
