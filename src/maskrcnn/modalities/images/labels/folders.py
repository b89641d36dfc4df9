"""How the folders of a data set are laid out: where its labels lie, and which pictures belong to it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from maskrcnn.files import is_folder

MOST_FILES = 200_000  # of a folder that are looked through
LABEL_FOLDERS = frozenset(
    {"annotation", "annotations", "ann", "anns", "label", "labels", "json", "jsons", "xml", "xmls", "via", "labelme"}
)
PICTURE_FOLDERS = frozenset({"image", "images", "img", "imgs", "jpegimages", "pictures", "photos"})
DEPTH = 3  # folders below annotations/ from which it is still seen
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def set_folder(labels: Path) -> Path:
    """The folder of the data set that a file (or a folder) of labels belongs to: its own, or the one above
    ``annotations/``."""
    folder = labels if is_folder(labels) else labels.parent
    above = folder.absolute()
    inside = [parent for parent in above.parents[:DEPTH] if parent.name.lower() == "annotations"]
    above = inside[-1] if inside else above
    while above.name.lower() in LABEL_FOLDERS and above.parent != above:
        above = above.parent
    return folder if above == folder.absolute() else above


def picture_folders(folder: Path) -> list[Path]:
    """Where the pictures of label files in ``folder`` may lie, likeliest first: beside them, or, of
    ``annotations/cam1/``, in ``images/cam1/``."""
    base, own = set_folder(folder), folder.absolute()
    inside = own.relative_to(base.absolute()).parts
    below = Path(*inside[1:]) if inside and inside[0].lower() in LABEL_FOLDERS else Path(*inside)
    places = [base / name / below for name in ("images", "JPEGImages", "")]
    return list(dict.fromkeys([folder, *places, folder / "images", folder.parent / "images"]))


def label_files(folder: Path, suffix: str) -> list[Path]:
    """The files of labels (``xml`` or ``json``) of a data set: in a folder of a usual name such as ``annotations``,
    with its subfolders; else in ``folder`` itself; else in its subfolders, unless they are splits."""
    if not is_folder(folder):
        return []
    subfolders = [path for path in sorted(folder.iterdir()) if is_folder(path) and not path.name.startswith(".")]
    for place in (path for path in subfolders if path.name.lower() in LABEL_FOLDERS):
        if found := _files_below(place, suffix):
            return found
    own = [path for path in sorted(folder.glob("*")) if _has_suffix(path.name, suffix)]
    if own or any(split_word(path.name) for path in subfolders):
        return own
    return _files_below(folder, suffix)


def _files_below(folder: Path, suffix: str) -> list[Path]:
    found = []
    for place, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        found += [Path(place, name) for name in sorted(names) if _has_suffix(name, suffix)]
        if len(found) > MOST_FILES:
            break
    return found


def _has_suffix(name: str, suffix: str) -> bool:
    return name.lower().endswith(f".{suffix}") and not name.startswith(".")


def lies_outside(picture: Path, labels: Path) -> bool:
    """Whether a picture lies elsewhere than in the folder of its labels (a file or a folder), or in a folder of
    pictures beside that one. Links count as files where they are."""
    file, folder = plain_path(picture), plain_path(labels if is_folder(labels) else labels.parent)
    if file.is_relative_to(folder):
        return False
    if set_folder(folder) != folder:
        folder = plain_path(set_folder(folder))
        if file.is_relative_to(folder):
            return False
    while split_word(folder.name):
        folder = folder.parent
        if file.is_relative_to(folder):
            return False
    if not file.is_relative_to(folder.parent):
        return True
    beside = file.relative_to(folder.parent).parts[:-1]
    return not (beside and (beside[0].lower() in PICTURE_FOLDERS or split_word(beside[0])))


def plain_path(path: Path) -> Path:
    """Absolute, without ``..``."""
    return Path(os.path.abspath(path))  # noqa: PTH100  (resolve would follow links)


def split_word(folder: str) -> str:
    """``train``, ``val`` or ``test`` for a folder that is called so, or val2017, or valid; else nothing."""
    return SPLITS.get(re.sub(r"[\d_-]+$", "", folder.lower()), "")
