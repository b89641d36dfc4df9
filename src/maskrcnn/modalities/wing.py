"""What a wing says of itself and of its kinds of files, without loading anything that opens one.

A wing is a folder in ``modalities/`` with an ``about.py`` that holds a :class:`Wing` named ``WING``, and a ``doors.py``
with the functions that :class:`Doors` names. ``table.py`` finds it there.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    from maskrcnn.data.dataset import Dataset
    from maskrcnn.inference.predictor import Predictor
    from maskrcnn.inference.results.one_file import OneFile
    from maskrcnn.inference.results.options import ResultOptions
    from maskrcnn.inference.results.outcome import Done, Outcome
    from maskrcnn.model_info import ModelInfo


class WindowRange(NamedTuple):
    """How a plan chooses what a model sees at once, where every further axis multiplies the work."""

    fewest_cells: int  # of the finest features that the median object should span
    smallest: int  # side of a window
    largest: int
    shown: float  # times the longest objects that a window shows
    whole: int  # samples: windows are multiples of it
    proposals: int


# Options that mean nothing but to pictures.
PICTURES_ONLY = ("no_boxes", "no_labels", "line_width", "scale", "to", "semantic", "probabilities", "surface")
SEQUENCES = WindowRange(fewest_cells=16, smallest=512, largest=32768, shown=16.0, whole=32, proposals=128)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Files of one kind, and what follows for a model and for its training.

    Attributes:
        name: as data sets and checkpoints call it.
        words: such a file, to stand in a sentence.
        ndim: D of their samples.
        variant: the architecture that learns them from nothing.
        preprocess: what of :class:`maskrcnn.config.PreprocessConfig` follows.
        own_channels: whether the network's channels are those of the file; else there is one, or one a mel band.
        is_picture: pixels of 8 bits without a scale, which are resized. Other files are resampled and cut.
        unit: of the extent of a sample.
        window: how a plan chooses what is seen at once.
        window_by_axis: whether a window may be shorter along one axis than along another.
        batch: windows in a step, where there are enough.
        memory_by_voxel: whether a step's memory follows from the voxels of its windows.
        whole_files: whether a file is one thing, so that two parts of it must not be on both sides of a split.
        flips_if_crowded: axes along which files of many objects are flipped.
        settled: settings that every plan for such files has, each with its value and the reason.
    """

    name: str
    words: str
    ndim: int
    variant: str
    preprocess: Mapping[str, Any] = field(default_factory=dict)
    own_channels: bool = True
    is_picture: bool = False
    unit: str = "s"
    window: WindowRange = SEQUENCES
    window_by_axis: bool = False
    batch: int = 16
    memory_by_voxel: bool = False
    whole_files: bool = True
    flips_if_crowded: tuple[str, ...] = ()
    settled: Mapping[str, tuple[Any, str]] = field(default_factory=dict)


class Doors(Protocol):
    """The functions of a wing's ``doors.py``. Each loads what it needs when it is called."""

    def find_files(self, paths: Sequence[Path], exclude: Path | None = None) -> list[Path]:
        """The files that a model of this wing looks at: those named, and in folders those that are its own."""

    def find_own(self, paths: Sequence[Path], exclude: Path | None = None) -> list[Path]:
        """Of the same only those that are its own, whatever else was named."""

    def kind_of(self, path: Path) -> str:
        """The name of the kind of a file that is its own; empty for others."""

    def is_part(self, path: Path) -> bool:
        """Whether a file is one of several that make up one of its own."""

    def stem_of(self, path: Path) -> str:
        """A file's name without its suffixes, with which the names of files that belong to it begin."""

    def is_labelled(self, path: Path) -> bool:
        """Whether a folder looks like labelled data of this wing."""

    def open_labelled(self, path: Path, choice: str = "") -> Dataset | None:
        """Labelled data of this wing, perhaps a split or another choice of their labels; None where they are none."""

    def as_learned(self, data: Dataset, info: ModelInfo) -> Dataset:
        """The same data with their labels understood as they were when a model learned."""

    def predict(self, predictor: Predictor, paths: Sequence[Path], options: ResultOptions, done: Done) -> Outcome:
        """Find the objects in files and write what was found.

        Args:
            predictor: the model and how it looks at files.
            paths: of the files.
            options: where results go, and which.
            done: is told of each file.

        Returns:
            What became of each file.
        """

    def open_one(self, predictor: Predictor, source: Any, spacing: Sequence[float] | None = None) -> OneFile:
        """One of its files by itself, for a program.

        Args:
            predictor: the model and how it looks at files.
            source: a path, or what holds samples in memory.
            spacing: of samples in memory, x first, where their kind has one.

        Returns:
            What the predictor looks at, and how what was found is shown.

        Raises:
            DataError: a file that cannot be read, or that the model was not made for.
            TypeError: what is none of its files.
        """


@dataclass(frozen=True, kw_only=True)
class Wing:
    """A wing of the house.

    Attributes:
        noun: what one of its files is called.
        placeholder: the same in a command line, in capitals.
        order: wings with a lower number are asked first whether something is theirs.
        kinds: of its files.
        plural: of the noun, where that takes more than an s.
        writes: everything that a prediction writes, as its last sentence names it; what stands alone is one file.
        formats: gives the formats of its files in words, for lists; empty: the name says enough.
        looked_for: gives what a folder may hold that is opened as labelled files, in words; empty: its files.
        refused_options: of commands, by the names of their settings; they mean nothing here.
        names_files: whether a file of labels in a folder names files of this wing. The folder is then its own,
            whichever wing is asked first.
        names_left_aside: whether files in folders that nothing looks at are counted.
        sidecars: suffixes of files that may lie beside one of its own under the same name; None: any.
        package: the dotted name of its folder, known when it was found.
    """

    noun: str
    placeholder: str
    order: int
    kinds: tuple[Kind, ...]
    plural: str = ""
    writes: tuple[str, ...] = ("pictures", "predictions.json", "summary.csv")
    formats: Callable[[], str] = str
    looked_for: Callable[[], str] = str
    refused_options: tuple[str, ...] = ()
    names_files: Callable[[Path], bool] = lambda folder: False
    names_left_aside: bool = True
    sidecars: frozenset[str] | None = None
    package: str = ""

    @property
    def nouns(self) -> str:
        """What several of its files are called."""
        return self.plural or f"{self.noun}s"

    def doors(self) -> Doors:
        """Its ``doors.py``."""
        return cast(Doors, importlib.import_module(f"{self.package}.doors"))
