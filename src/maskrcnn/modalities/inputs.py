"""Finds what a user wants looked at: pictures, recordings or scans, and by which model where none was named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskrcnn.checkpoints.ours import read_info
from maskrcnn.checks import listed
from maskrcnn.data.parsing.skipped import count_skipped
from maskrcnn.errors import UsageError
from maskrcnn.modalities.images.read.find import PDF
from maskrcnn.modalities.table import kinds, wing_of, wings
from maskrcnn.modalities.wing import Wing
from maskrcnn.modalities.words import is_of_pictures, pictures_first
from maskrcnn.model_info import ModelInfo
from maskrcnn.pretrained import DEFAULT_MODEL, DEFAULT_OF_KIND, model_path, shipped_models
from maskrcnn.video.reading.names import is_clip


def wing_of_model(info: ModelInfo) -> Wing:
    """The wing of the files that a model looks at.

    Raises:
        UsageError: a model of files that nothing reads yet.
    """
    kind, ndim = info.notes.get("kind", "image"), info.config.ndim
    if kind not in kinds() or kinds()[kind].ndim != ndim:
        raise UsageError(
            f"This is a model of {ndim}-D data ({kind}), which no reader opens: name another with --model."
        )
    return wing_of(kind)


def left_aside(paths: Sequence[Path], found: Sequence[Path], wing: Wing, exclude: Path) -> str:
    """A sentence that counts, by suffix, the files in folders among ``paths`` that nothing looks at and that do not
    belong to a file that is looked at; empty where there are none.

    Args:
        paths: what the user named.
        found: and what of it is looked at.
        wing: of these.
        exclude: a folder that is never read.

    Returns:
        The sentence, or nothing.
    """
    if not wing.names_left_aside:
        return ""
    stems = {(path.parent, wing.doors().stem_of(path)) for path in found}
    own = wing.sidecars

    def belongs(file: Path) -> bool:
        named = any((file.parent, file.name[:k]) in stems for k, sign in enumerate(file.name) if sign == ".")
        beside = named and (own is None or file.suffix.lower() in own)
        return beside or any(other.doors().is_part(file) for other in wings())

    return count_skipped(paths, found, belongs, exclude)


def is_known(path: Path) -> bool:
    """Whether a file's name is that of a file that some wing looks at, of a video, or of one whose pages are
    pictures."""
    return path.suffix.lower() == PDF or is_clip(path) or any(wing.doors().kind_of(path) for wing in wings())


def refuse_options(wing: Wing, options: object) -> None:
    """Raise UsageError where ``options`` set one that means nothing for files of ``wing``."""
    for name in wing.refused_options:
        if getattr(options, name, None):
            takers = listed([own.nouns for own in pictures_first() if name not in own.refused_options], "and")
            others = listed([own.nouns for own in pictures_first() if name in own.refused_options], "or")
            raise UsageError(f"--{name.replace('_', '-')} is for {takers}, not for {others}.")


def default_model(paths: Sequence[Path], exclude: Path | None = None) -> str:
    """The shipped model for what ``paths`` hold: ``everyday``, unless there are recordings or scans and no picture.

    Raises:
        UsageError: recordings of a kind for which nothing is shipped.
    """
    found = {wing.noun: wing.doors().find_own(paths, exclude) for wing in wings()}
    taken = {path for wing in wings() if not is_of_pictures(wing) for path in found[wing.noun]}
    for wing in wings():
        if is_of_pictures(wing) and any(path not in taken for path in found[wing.noun]):
            return DEFAULT_MODEL
    for wing in wings():
        if found[wing.noun] and not is_of_pictures(wing):
            first = found[wing.noun][0]
            return default_of_kind(wing.doors().kind_of(first), first)
    return DEFAULT_MODEL


def default_of_kind(kind: str, path: Path) -> str:
    """The shipped model for files of a kind. Raises UsageError where there is none."""
    if kinds()[kind].is_picture:
        return DEFAULT_MODEL
    if kind not in DEFAULT_OF_KIND:  # a scan may show anything
        shipped = [name for name in shipped_models() if read_info(model_path(name)).notes.get("kind") == kind]
        which = f"one that is shipped ({', '.join(shipped)}) or one of yours" if shipped else "one of yours"
        raise UsageError(
            f"No model is meant for all files like {path}: name {which} with --model, or train it with `maskrcnn train "
            "DATA`."
        )
    return DEFAULT_OF_KIND[kind]
