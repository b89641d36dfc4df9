"""Open a data set in whichever known format it is."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.data.readers import coco, label_maps
from maskrcnn.data.records import Dataset
from maskrcnn.errors import DataError

__all__ = ["Dataset", "open_dataset"]


def open_dataset(path: str | Path) -> Dataset:
    """Find out what ``path`` is and open it.

    Known are a COCO json file (its images in ``images/`` beside the file or beside the file's folder, or next to the
    file), a folder with one in it (``_annotations.coco.json``, or its only json file), and a folder of label maps
    (``images/`` and ``labels/``).

    Raises:
        DataError: where it is none of these, or cannot be read; one sentence says what was looked for.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist; name a COCO json file or a folder of labelled images.")
    if path.is_file():
        return coco.open_coco(path)
    if label_maps.is_label_map_folder(path):
        return label_maps.open_label_maps(path)
    annotations = coco.find_annotations(path)
    if len(annotations) == 1:
        return coco.open_coco(annotations[0])
    raise DataError(_not_found(path, annotations))


def _not_found(folder: Path, annotations: list[Path]) -> str:
    if annotations:
        return f"{folder} holds several json files; name the one to open: {_listing(annotations)}."
    inside = [sub for sub in sorted(folder.iterdir()) if sub.is_dir() and _looks_openable(sub)]
    if inside:
        return f"{folder} is not a data set itself but holds some; name one of them: {_listing(inside)}."
    return (
        f"{folder} is no data set that can be read: it holds neither _annotations.coco.json (or another single COCO "
        "json file) nor the two folders images/ and labels/ with one label map for each image."
    )


def _looks_openable(folder: Path) -> bool:
    return label_maps.is_label_map_folder(folder) or bool(coco.find_annotations(folder))


def _listing(paths: list[Path], most: int = 5) -> str:
    names = [str(path) for path in paths[:most]]
    return ", ".join(names) + (f" and {len(paths) - most} more" if len(paths) > most else "")
