"""Open a data set in whichever known format it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from maskrcnn.data.images import IMAGE_SUFFIXES
from maskrcnn.data.labelled import read_json
from maskrcnn.data.paths import refuse_missing
from maskrcnn.data.readers import coco, label_maps, labelme, object_masks, semantic, via, voc, yolo
from maskrcnn.data.records import Dataset
from maskrcnn.data.signal_sets import is_signal_set, open_signal_set
from maskrcnn.data.signals import named_signal
from maskrcnn.data.volume_sets import is_volume_set, open_volume_set
from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_file, is_folder

__all__ = ["Dataset", "open_dataset"]

FOLDERS: tuple[tuple[Callable[[Path], bool], Callable[[Path], Dataset]], ...] = (  # what it looks like, who opens it
    (is_signal_set, open_signal_set),
    (is_volume_set, open_volume_set),
    (voc.is_voc, voc.open_voc),
    (yolo.is_yolo, yolo.open_yolo),
    (label_maps.is_label_map_folder, label_maps.open_label_maps),
    (semantic.is_semantic_folder, semantic.open_semantic),
    (object_masks.is_object_mask_folder, object_masks.open_object_masks),
)
NEVER_JSON = IMAGE_SUFFIXES | {".xml", ".txt", ".csv"}
LOOKED_FOR = (
    "COCO json (_annotations.coco.json or a single json file), LabelMe json beside the images, VIA json or csv, "
    "Pascal VOC (Annotations/ or SegmentationObject/), YOLO (data.yaml, or images/ and labels/ with text files), "
    "label maps (images/ and labels/), class maps (images/ and classes/ or masks/), and one mask file for each object "
    "(NAME/images/ and NAME/masks/), recordings with labels of the same name (WFDB, WAV, FLAC, csv, npz, npy, GenBank, "
    "FASTA), scans (images/ and labels/ with NIfTI, TIFF stacks, npz or npy, or imagesTr/ and labelsTr/)"
)


def open_dataset(path: str | Path) -> Dataset:
    """Find out what ``path`` is and open it.

    Known are files and folders of COCO, LabelMe, Pascal VOC, YOLO and VIA, label maps, class maps and folders of mask
    files, and recordings (WFDB, sound, series, DNA): ``docs/formats.md`` says how each is recognised. ``PATH:SPLIT``
    opens a split that the data name themselves (YOLO's ``data.yaml``, VOC's ``ImageSets/``) or that is a folder of
    ``PATH``; of recordings it chooses the annotator or the types of features.

    Raises:
        DataError: where it is none of these, or cannot be read; one sentence says what was looked for.
    """
    path, split = _divide(Path(path))
    if is_signal_set(path) and not (split and is_folder(path / split)):
        return open_signal_set(path, split)
    refuse_missing(path)
    if split:
        return _open_split(path, split)
    return _open_file(path) if is_file(path) else _open_folder(path)


def _divide(path: Path) -> tuple[Path, str]:
    """``data:val`` as ``data`` and ``val``, where only the former exists (or is a WFDB record without its suffix)."""
    base, colon, split = str(path).rpartition(":")
    known = exists(Path(base)) or named_signal(base) is not None
    return (Path(base), split) if colon and split and not exists(path) and known else (path, "")


def _open_split(path: Path, split: str) -> Dataset:
    if is_file(path) and yolo.is_yolo_yaml(path):
        return yolo.open_yolo(path, split)
    if is_folder(path) and yolo.is_yolo(path) and not voc.is_voc(path):
        return yolo.open_yolo(path, split)
    if is_folder(path) and voc.is_voc(path):
        return voc.open_voc(path, split)
    if is_folder(path / split):
        return _open_folder(path / split)
    raise DataError(
        f"{path} has no split {split}: neither does it name its splits, nor is there a folder {split} in it."
    )


def _open_file(path: Path) -> Dataset:
    if yolo.is_yolo_yaml(path):
        return yolo.open_yolo(path)
    if via.is_via_csv(path):
        return via.open_via_csv(path)
    if path.suffix.lower() in NEVER_JSON:
        raise DataError(
            f"{path} is no file of labels; name the json, csv or yaml file, or the folder that holds it all."
        )
    content = read_json(path)
    if labelme.is_labelme(content):
        return labelme.open_labelme(path, [path])
    if via.is_via(content):
        return via.open_via(path, content)
    return coco.open_coco(path, content)


def _open_folder(folder: Path) -> Dataset:
    if is_file(folder / coco.ROBOFLOW_NAME):
        return coco.open_coco(folder / coco.ROBOFLOW_NAME)
    for looks_like, opened in FOLDERS:
        if looks_like(folder):
            return opened(folder)
    files = coco.find_annotations(folder)
    if len(files) == 1:
        return _open_file(files[0])
    if files and labelme.is_labelme(_content(files[0])):
        return labelme.open_labelme(folder, files)
    tables = [path for path in sorted(folder.glob("*.csv")) if via.is_via_csv(path)]
    if len(tables) == 1 and not files:
        return via.open_via_csv(tables[0])
    raise DataError(_not_found(folder, files or tables))


def _content(path: Path) -> object:
    """Of a json file; None where it is none."""
    try:
        return read_json(path)
    except DataError:
        return None


def _not_found(folder: Path, annotations: list[Path]) -> str:
    if annotations:
        kind = annotations[0].suffix[1:]
        return f"{folder} holds several {kind} files; name the one to open: {_listing(annotations)}."
    inside = [sub for sub in sorted(folder.iterdir()) if is_folder(sub) and _looks_openable(sub)]
    if inside:
        return f"{folder} is not a data set itself but holds some; name one of them: {_listing(inside)}."
    return f"{folder} is no data set that can be read; looked for: {LOOKED_FOR}."


def _looks_openable(folder: Path) -> bool:
    return any(looks_like(folder) for looks_like, _ in FOLDERS) or bool(coco.find_annotations(folder))


def _listing(paths: list[Path], most: int = 5) -> str:
    names = [str(path) for path in paths[:most]]
    return ", ".join(names) + (f" and {len(paths) - most} more" if len(paths) > most else "")
