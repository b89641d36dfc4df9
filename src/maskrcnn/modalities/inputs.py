"""What a user wants looked at: pictures, recordings or scans, and by which model where none was named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskrcnn.checkpoints.ours import read_info
from maskrcnn.data.parsing.skipped import passed_over
from maskrcnn.errors import UsageError
from maskrcnn.files import exists as is_there
from maskrcnn.files import is_folder
from maskrcnn.modalities.images.read.find import find_images, is_image
from maskrcnn.modalities.kinds import KINDS
from maskrcnn.modalities.signals.find import find_signals, is_part
from maskrcnn.modalities.signals.recording_format import format_of
from maskrcnn.modalities.volumes.find import find_volumes, is_volume
from maskrcnn.modalities.volumes.formats.dicom.about import is_dicom
from maskrcnn.modalities.volumes.volume import stem_of
from maskrcnn.model_info import ModelInfo
from maskrcnn.pretrained import DEFAULT_MODEL, DEFAULT_OF_KIND, model_path, shipped_models

SCAN_SIDECARS = frozenset({".json", ".bval", ".bvec", ".img", ".hdr", ".raw", ".zraw", ".gz", ".bz2"})


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


def left_aside(paths: Sequence[Path], found: Sequence[Path], what: str, exclude: Path) -> str:
    """A sentence that counts, by suffix, the files in folders among ``paths`` that are no recordings or scans and do
    not belong to one; empty for images, or where there are none.

    Args:
        paths: what the user named.
        found: and what of it is looked at.
        what: ``recording`` or ``scan``.
        exclude: a folder that is never read.
    """
    if what == "image":
        return ""
    stems = {(path.parent, stem_of(path)) for path in found}
    own = SCAN_SIDECARS if what == "scan" else None

    def belongs(file: Path) -> bool:
        named = any((file.parent, file.name[:k]) in stems for k, sign in enumerate(file.name) if sign == ".")
        return (named and (own is None or file.suffix.lower() in own)) or is_part(file) or is_dicom(file)

    return passed_over(paths, found, belongs, exclude)


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
    known = format_of(path)
    return "" if known is None else known.kind
