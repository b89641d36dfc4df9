"""What a user wants looked at: pictures, recordings or scans, and by which model where none was named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maskrcnn.checkpoints.ours import read_info
from maskrcnn.data.images import find_images, is_image
from maskrcnn.data.readers import audio, dna, series, wfdb_records
from maskrcnn.data.signals import find_signals
from maskrcnn.data.volumes import find_volumes, is_volume
from maskrcnn.errors import UsageError
from maskrcnn.files import exists as is_there
from maskrcnn.files import is_folder
from maskrcnn.model_info import ModelInfo
from maskrcnn.pretrained import DEFAULT_MODEL, DEFAULT_OF_KIND, model_path, shipped_models
from maskrcnn.workflows.kinds import KINDS

KIND_TESTS: dict[str, Callable[[Path], bool]] = {
    "wfdb": wfdb_records.is_wfdb,
    "audio": audio.is_audio,
    "dna": dna.is_dna,
    "series": series.is_series,
}


def find_inputs(paths: Sequence[Path], info: ModelInfo, exclude: Path | None = None) -> tuple[list[Path], str]:
    """The files that a model looks at among ``paths`` (files as they are, folders walked), and what one is called:
    ``image``, ``recording`` or ``scan`` (of a DICOM series its folder, or one of its files).

    Raises:
        UsageError: a model of files that nothing reads yet.
    """
    kind, ndim = info.notes.get("kind", "image"), info.config.ndim
    if kind not in KINDS or KINDS[kind].ndim != ndim:
        raise UsageError(
            f"This is a model of {ndim}-D data ({kind}), which no reader opens: name another with --model."
        )
    if kind == "image":
        return find_images(paths, exclude), "image"
    if kind == "volume":
        return find_volumes(paths, exclude), "scan"
    return find_signals(paths, exclude), "recording"


def default_model(paths: Sequence[Path], exclude: Path | None = None) -> str:
    """The shipped model for what ``paths`` hold: ``everyday``, unless there are recordings or scans and no picture.

    Raises:
        UsageError: recordings of a kind for which nothing is shipped.
    """
    there = [path for path in paths if is_there(path)]  # others are names of records without a suffix
    scans = [path for path in find_volumes(there, exclude) if is_volume(path) or is_folder(path)]
    if any(is_image(path) for path in find_images(there, exclude) if path not in scans):
        return DEFAULT_MODEL
    signals = [path for path in find_signals(paths, exclude) if kind_of(path)]
    if signals:
        return default_of_kind(kind_of(signals[0]), signals[0])
    return default_of_kind("volume", scans[0]) if scans else DEFAULT_MODEL


def default_of_kind(kind: str, path: Path) -> str:
    """The shipped model for files of a kind. Raises UsageError where there is none."""
    if kind == "image":
        return DEFAULT_MODEL
    if kind not in DEFAULT_OF_KIND:  # a scan may show anything
        shipped = [name for name in shipped_models() if read_info(model_path(name)).notes.get("kind") == kind]
        which = f"one that is shipped ({', '.join(shipped)}) or one of yours" if shipped else "one of yours"
        raise UsageError(
            f"No model is meant for all files like {path}: name {which} with --model, or train it with `maskrcnn train "
            "DATA`."
        )
    return DEFAULT_OF_KIND[kind]


def kind_of(path: Path) -> str:
    """The kind of a recording, by its name; empty for none."""
    return next((kind for kind, is_kind in KIND_TESTS.items() if is_kind(path)), "")
