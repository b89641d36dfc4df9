"""What a job says while it runs: one callback, ``tell``, is given each of these records as it happens.

A job prints nothing. The command line writes notes as lines and progress as a bar; a server would send them on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Note:
    """A sentence for the user."""

    text: str


@dataclass(frozen=True)
class DataFaults:
    """What is wrong with labelled data, a sentence each; empty where nothing is.

    Attributes:
        paths: of the data.
        sentences: one for each fault.
        to_train: whether a training follows, before which ``maskrcnn doctor`` is worth a look.
    """

    paths: tuple[Path, ...]
    sentences: tuple[str, ...]
    to_train: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        what: is being done, such as ``converting``.
        done: how many of the inputs are done.
        total: how many there are; 0 where that is not known.
    """

    what: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class InputDone:
    """An input has been searched, and what was found in it is written.

    Attributes:
        path: of the input, or its address.
        objects: how many were found in it.
        entries: the objects as they stand in ``predictions.json``.
        noun: what they are, such as object.
    """

    path: Path | str
    objects: int
    entries: Sequence[Mapping[str, Any]] = ()
    noun: tuple[str, str] = ("object", "objects")


@dataclass(frozen=True)
class InputFailed:
    """An input could not be searched, or what was found in it could not be written; the sentence says why."""

    path: Path | str
    sentence: str


@dataclass(frozen=True)
class FrameDrawn:
    """The last frame of a camera or stream, drawn as its video has it; some frames may be left out.

    Whoever has seen enough raises KeyboardInterrupt: the job ends as with Ctrl-C, and its files are whole.

    Attributes:
        name: of the stream.
        picture: with its objects.
    """

    name: str
    picture: Image.Image


@dataclass(frozen=True)
class TrainingBegins:
    """A training writes into ``out`` from now on, and can be resumed from there if it is interrupted."""

    out: Path


@dataclass(frozen=True)
class TrainingStep:
    """A training step is done.

    Attributes:
        step: how many are done by now.
        steps: how many there will be.
        text: epoch, loss and speed.
        seconds_left: estimated until the last step.
        logged: whether this is one of the steps that get a line in the log.
    """

    step: int
    steps: int
    text: str
    seconds_left: float
    logged: bool


@dataclass(frozen=True)
class TrainingEnds:
    """No further training step follows; the report on the validation data may."""


Event = (
    Note | DataFaults | Progress | InputDone | InputFailed | FrameDrawn | TrainingBegins | TrainingStep | TrainingEnds
)
Tell = Callable[[Event], None]


def tell_nobody(event: Event) -> None:
    """The callback of a job that nobody listens to."""
