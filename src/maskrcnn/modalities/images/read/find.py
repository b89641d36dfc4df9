"""Which files are pictures, by their names, and where they lie. Loads nothing that decodes one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from maskrcnn.data.parsing.paths import walk_files
from maskrcnn.errors import DataError
from maskrcnn.files import broken_links, is_file, is_file_entry, is_folder

IMAGE_SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".webp", ".avif"),
        *(".avifs", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".tga", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
        *(".mpo", ".pcx", ".qoi"),
    }
)
PDF = ".pdf"  # has pages that are pictures; looked at where it is named, not where it lies in a folder
UNREAD_SUFFIXES = frozenset({".heic", ".heif", ".hif", ".jxl"})  # pictures that are seen, so that they can be named


def is_image(path: str | Path) -> bool:
    """Whether the file's suffix is that of an image, also of a kind that cannot be read, which reading it says."""
    return Path(path).suffix.lower() in IMAGE_SUFFIXES | UNREAD_SUFFIXES


def find_images(paths: str | Path | Iterable[str | Path], exclude: str | Path | None = None) -> list[Path]:
    """The images that ``paths`` name: files as they are, folders walked in sorted order with their subfolders.

    Hidden files and folders are passed over. No file is listed twice.

    Args:
        paths: a file or a folder, or several.
        exclude: a folder that is never read, such as the one the results are written to.

    Raises:
        DataError: for a path that does not exist.
    """
    return walk_files(paths, _images_in, _image_named, exclude)


def _image_named(path: Path) -> Path:
    if not is_file(path):
        raise DataError(f"{path} does not exist; name an image or a folder of images.")
    return path


def _images_in(folder: Path) -> list[Path]:
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    visible = (entry for entry in entries if is_image(entry.name) and not entry.name.startswith("."))
    images = [Path(entry.path) for entry in visible if is_file_entry(entry)]
    return [*without_originals(images), *broken_links(folder, IMAGE_SUFFIXES)]


def without_originals(images: Sequence[Path]) -> list[Path]:
    """The images of a folder but for those of a kind that cannot be read which lie there saved anew, too."""
    read = {path.stem for path in images if path.suffix.lower() in IMAGE_SUFFIXES}
    return [path for path in images if path.suffix.lower() in IMAGE_SUFFIXES or path.stem not in read]


def images_by_stem(folder: Path, deep: bool = False) -> dict[str, Path]:
    """The images in a folder, sorted, by their names without suffix; none where there is no such folder.

    Args:
        folder: that may not be there.
        deep: those in its subfolders as well, by their paths in ``folder`` without suffix.
    """
    if not is_folder(folder):
        return {}
    own = [path for path in sorted(folder.iterdir()) if is_image(path) and not path.name.startswith(".")]
    visible = find_images(folder) if deep else without_originals(own)
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in visible}


def has_images(folder: Path) -> bool:
    """Whether an image lies in ``folder`` or below it."""
    return bool(images_by_stem(folder)) or bool(images_by_stem(folder, deep=True))
