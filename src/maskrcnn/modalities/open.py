"""Opens a data set in whichever known format it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.paths import is_something, refuse_missing
from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_folder
from maskrcnn.modalities.images.open import files_of_labels, list_some
from maskrcnn.modalities.images.read.find import is_image
from maskrcnn.modalities.table import wings
from maskrcnn.modalities.wing import Wing
from maskrcnn.modalities.words import list_what_is_looked_for

__all__ = ["Dataset", "open_dataset"]

ARCHIVES = (".zip", ".tar", ".gz", ".rar", ".7z")


def open_dataset(path: str | Path) -> Dataset:
    """Find out what ``path`` is and open it.

    Known are the formats of labelled images, recordings and scans whose folders lie in ``modalities/*/formats/``:
    ``docs/formats.md`` says how each is recognised. ``PATH:SPLIT`` opens a split that the data name themselves (YOLO's
    ``data.yaml``, VOC's ``ImageSets/``, COCO's ``annotations/*_SPLIT.json``) or that is a folder of ``PATH``; of
    recordings it chooses the annotator or the types of features.

    Args:
        path: of a file or a folder, perhaps with ``:SPLIT`` behind it.

    Raises:
        DataError: where it is none of these, or cannot be read; one sentence says what was looked for.
    """
    path, split = _divide(Path(path))
    refuse_missing(path)
    in_folder = bool(split) and is_folder(path / split)
    data = _open(path, split)
    if data is None and in_folder:
        path, split = path / split, ""
        data = _open(path)
    if data is not None:
        return data
    if not split:
        raise DataError(_not_found(path))
    files = files_of_labels(path)
    listed = f"; there are {list_some(files)}" if files else ""
    raise DataError(
        f"{path} has no split {split}: neither does it name its splits, nor is there a folder {split} in it{listed}."
    )


def _divide(path: Path) -> tuple[Path, str]:
    """``data:val`` as ``data`` and ``val``, where only the former exists (or is a WFDB record without its suffix)."""
    base, colon, split = str(path).rpartition(":")
    known = bool(base) and is_something(Path(base))
    return (Path(base), split) if colon and split and not exists(path) and known else (path, "")


def _open(path: Path, split: str = "") -> Dataset | None:
    """What the first wing makes of it that knows it, unless its labels name files of another one."""
    for wing in wings():
        named = _wing_named(path, wing)
        if named is not None and (data := named.doors().open_labelled(path, split)) is not None:
            aside = f"{path}: its {wing.nouns} were left out, since there are labels that name {named.nouns}."
            return replace(data, problems=[*data.problems, aside])
        if (data := wing.doors().open_labelled(path, split)) is not None:
            return data
    return None


def _wing_named(path: Path, wing: Wing) -> Wing | None:
    """The other wing whose files are named by labels in a folder that ``wing`` would open."""
    if not is_folder(path) or wing.names_files(path) or not wing.doors().is_labelled(path):
        return None
    return next((other for other in wings() if other != wing and other.names_files(path)), None)


def _not_found(folder: Path) -> str:
    """The sentence for a folder in which nothing can be opened."""
    entries = sorted(folder.iterdir())
    inside = [sub for sub in entries if is_folder(sub) and _looks_openable(sub)]
    if inside:
        return f"{folder} is not a data set itself but holds some; name one of them: {list_some(inside)}."
    packed = [path for path in entries if path.suffix.lower() in ARCHIVES]
    if packed:
        return f"{folder} holds no labels that can be read, but packed files: unpack {list_some(packed)} first."
    pictures = [path for path in entries if is_image(path)]
    drafts = (
        f" Its {len(pictures)} pictures have no labels: draw some, or begin with drafts that a model makes, as in "
        f"`maskrcnn predict {folder} --to labelme --out drafts`."
    )
    told = f"{folder} is no data set that can be read; looked for: {list_what_is_looked_for()}."
    return told + (drafts if pictures else "")


def _looks_openable(folder: Path) -> bool:
    return any(wing.doors().is_labelled(folder) for wing in wings())
