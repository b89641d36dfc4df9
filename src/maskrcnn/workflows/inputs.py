"""What a user wants looked at: pictures or recordings, and by which model where none was named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maskrcnn.checkpoints.ours import ModelInfo
from maskrcnn.data.images import find_images, is_image
from maskrcnn.data.readers import audio, dna, series, wfdb_records
from maskrcnn.data.signals import find_signals, named_signal
from maskrcnn.errors import UsageError
from maskrcnn.pretrained import DEFAULT_MODEL, DEFAULT_OF_KIND
from maskrcnn.workflows.kinds import KINDS

KIND_TESTS: dict[str, Callable[[Path], bool]] = {
    "wfdb": wfdb_records.is_wfdb,
    "audio": audio.is_audio,
    "dna": dna.is_dna,
    "series": series.is_series,
}


def exists(path: Path) -> bool:
    """Whether a user's path is something: a file, a folder, or the name of a WFDB record."""
    return path.exists() or named_signal(path) is not None


def find_inputs(paths: Sequence[Path], info: ModelInfo, exclude: Path | None = None) -> tuple[list[Path], str]:
    """The files that a model looks at among ``paths`` (files as they are, folders walked), and what one is called:
    ``image`` or ``recording``.

    Raises:
        UsageError: a model of files that nothing reads yet.
    """
    kind, ndim = info.notes.get("kind", "image"), info.config.ndim
    if kind not in KINDS or kind not in ("image", *KIND_TESTS) or KINDS[kind].ndim != ndim:
        raise UsageError(
            f"This is a model of {ndim}-D data ({kind}), which no reader opens: name another with --model."
        )
    if kind == "image":
        return find_images(paths, exclude), "image"
    return find_signals(paths, exclude), "recording"


def default_model(paths: Sequence[Path], exclude: Path | None = None) -> str:
    """The shipped model for what ``paths`` hold: ``everyday``, unless there are recordings and no picture.

    Raises:
        UsageError: recordings of a kind for which nothing is shipped.
    """
    there = [path for path in paths if path.exists()]  # others are names of records without a suffix
    if any(is_image(path) for path in find_images(there, exclude)):
        return DEFAULT_MODEL
    signals = [path for path in find_signals(paths, exclude) if kind_of(path)]
    return default_of_kind(kind_of(signals[0]), signals[0]) if signals else DEFAULT_MODEL


def default_of_kind(kind: str, path: Path) -> str:
    """The shipped model for files of a kind. Raises UsageError where there is none."""
    if kind == "image":
        return DEFAULT_MODEL
    if kind not in DEFAULT_OF_KIND:
        raise UsageError(
            f"No shipped model knows files like {path}: name one of yours with --model, or train it with `maskrcnn "
            "train DATA`."
        )
    return DEFAULT_OF_KIND[kind]


def kind_of(path: Path) -> str:
    """The kind of a recording, by its name; empty for none."""
    return next((kind for kind, is_kind in KIND_TESTS.items() if is_kind(path)), "")
