"""Open a data set in whichever known format it is."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.paths import refuse_missing
from maskrcnn.data.parsing.text import read_json
from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_file, is_folder
from maskrcnn.modalities.images.formats.class_maps import read as semantic
from maskrcnn.modalities.images.formats.coco import read as coco
from maskrcnn.modalities.images.formats.cvat import read as cvat
from maskrcnn.modalities.images.formats.datumaro import read as datumaro
from maskrcnn.modalities.images.formats.label_maps import read as label_maps
from maskrcnn.modalities.images.formats.label_studio import read as label_studio
from maskrcnn.modalities.images.formats.labelme import read as labelme
from maskrcnn.modalities.images.formats.mask_files import read as object_masks
from maskrcnn.modalities.images.formats.via import read as via
from maskrcnn.modalities.images.formats.voc import read as voc
from maskrcnn.modalities.images.formats.yolo import read as yolo
from maskrcnn.modalities.images.labels.folders import label_files, split_word
from maskrcnn.modalities.images.labels.formats import content_format, folder_format
from maskrcnn.modalities.images.labels.unsupported import UnreadFormat, unread_format, unread_json
from maskrcnn.modalities.images.read.pictures import is_image
from maskrcnn.modalities.signals.open import is_signal_set, open_signal_set
from maskrcnn.modalities.signals.read import named_signal
from maskrcnn.modalities.volumes.open import is_volume_set, open_volume_set

__all__ = ["Dataset", "open_dataset"]

FORMATS = tuple(  # of labelled images; folders are asked in this order
    reader.FORMAT
    for reader in (voc, yolo, label_maps, semantic, object_masks, cvat, labelme, via, label_studio, datumaro, coco)
)
LISTS = frozenset({"categories", "config", "info", "labels", "licenses", "meta", "project", "settings"})  # no data sets
MOST_ASKED = 50  # json files of a folder that are read to find out what they are
LARGEST_ASKED = 2**26  # bytes of one of them
LOOKED_FOR = ", ".join(
    [
        *(known.brief for known in reversed(FORMATS)),
        "recordings with labels of the same name (WFDB, EDF, WAV, FLAC, csv, npz, npy, GenBank, FASTA)",
        "scans (images/ and labels/ with NIfTI, NRRD, MetaImage, TIFF stacks, npz or npy, or imagesTr/ and labelsTr/)",
    ]
)


def open_dataset(path: str | Path) -> Dataset:
    """Find out what ``path`` is and open it.

    Known are files and folders of COCO, LabelMe, Pascal VOC, YOLO, VIA, CVAT, Label Studio and Datumaro, label maps,
    class maps and folders of mask files, and recordings (WFDB, sound, series, DNA): ``docs/formats.md`` says how each
    is recognised. ``PATH:SPLIT`` opens a split that the data name themselves (YOLO's ``data.yaml``, VOC's
    ``ImageSets/``, COCO's ``annotations/*_SPLIT.json``) or that is a folder of ``PATH``; of recordings it chooses the
    annotator or the types of features.

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
    files = [] if is_file(path) else _annotation_files(label_files(path, "json"))
    named = [file for file in files if _is_of_split(file, split)]
    if len(named) == 1:
        return _open_file(named[0])
    if is_folder(path / split):
        return _open_folder(path / split)
    listed = f"; there are {_listing(files)}" if files else ""
    raise DataError(
        f"{path} has no split {split}: neither does it name its splits, nor is there a folder {split} in it{listed}."
    )


def _is_of_split(file: Path, split: str) -> bool:
    """Whether ``instances_val2017.json`` is of ``val2017``, or of ``val``."""
    own = file.stem.rpartition("_")[2]
    return own == split or (split_word(own) == split_word(split) != "")


def _open_file(path: Path) -> Dataset:
    if yolo.is_yolo_yaml(path):
        return yolo.open_yolo(path)
    if via.is_via_csv(path):
        return via.open_via_csv(path)
    if cvat.is_cvat(path):
        return cvat.open_cvat(path)
    unread = None if path.suffix.lower() == ".json" else unread_format(path)
    if unread is not None:
        raise DataError(_not_read(path, unread))
    if is_image(path) or path.suffix.lower() in (".xml", ".txt", ".csv"):
        raise DataError(
            f"{path} is no file of labels; name the json, csv or yaml file, or the folder that holds it all."
        )
    content = read_json(path)
    unread = unread_json(content)
    if unread is not None:
        raise DataError(_not_read(path, unread))
    known = content_format(FORMATS, content)
    if known is None or known.open_content is None:
        return coco.open_coco(path, content)  # which says what it lacks
    return known.open_content(path, content)


def _open_folder(folder: Path) -> Dataset:
    if is_file(folder / coco.ROBOFLOW_NAME):
        return coco.open_coco(folder / coco.ROBOFLOW_NAME)
    if is_signal_set(folder):
        return open_signal_set(folder)
    if is_volume_set(folder):
        return open_volume_set(folder)
    known = folder_format(FORMATS, folder)
    if known is not None and known.open_folder is not None:
        return known.open_folder(folder)
    unread = unread_format(folder)
    if unread is not None:
        raise DataError(_not_read(folder, unread))
    files = label_files(folder, "json")
    if len(files) == 1:
        return _open_file(files[0])
    asked = [path for path in files if path.stat().st_size <= LARGEST_ASKED][:MOST_ASKED]
    if any(labelme.is_labelme(_content(path)) for path in asked):
        return labelme.open_labelme(folder, files)
    sets = _annotation_files(files)
    unread = unread_json(_content(asked[0])) if asked and asked[0] in sets else None
    if unread is not None and len(sets) > 1 and all(unread.is_json(_content(path)) for path in sets if path in asked):
        raise DataError(_not_read(folder, unread))
    if len(sets) == 1:
        return _open_file(sets[0])
    tables = [path for path in sorted(folder.glob("*.csv")) if via.is_via_csv(path)]
    if len(tables) == 1 and not sets:
        return via.open_via_csv(tables[0])
    raise DataError(_not_found(folder, sets or tables))


def _annotation_files(files: list[Path]) -> list[Path]:
    """Those of several json files that may be data sets: of COCO's own, the instances."""
    instances = [path for path in files if path.name.startswith("instances_")]
    return instances or [path for path in files if path.stem.lstrip("_.").lower() not in LISTS]


def _content(path: Path) -> object:
    """Of a json file; None where it is none."""
    try:
        return read_json(path)
    except DataError:
        return None


def _not_read(path: Path, known: UnreadFormat) -> str:
    return f"{path} is {known.name}, which is not read: {known.way_out}. docs/formats.md lists what is read."


def _not_found(folder: Path, annotations: list[Path]) -> str:
    if annotations:
        kind = annotations[0].suffix[1:]
        return f"{folder} holds several {kind} files; name the one to open: {_listing(annotations)}."
    inside = [sub for sub in sorted(folder.iterdir()) if is_folder(sub) and _looks_openable(sub)]
    if inside:
        return f"{folder} is not a data set itself but holds some; name one of them: {_listing(inside)}."
    packed = [
        path for path in sorted(folder.iterdir()) if path.suffix.lower() in (".zip", ".tar", ".gz", ".rar", ".7z")
    ]
    if packed:
        return f"{folder} holds no labels that can be read, but packed files: unpack {_listing(packed)} first."
    return f"{folder} is no data set that can be read; looked for: {LOOKED_FOR}."


def _looks_openable(folder: Path) -> bool:
    is_other = is_signal_set(folder) or is_volume_set(folder)
    return is_other or folder_format(FORMATS, folder) is not None or bool(label_files(folder, "json"))


def _listing(paths: list[Path], most: int = 5) -> str:
    names = [str(path) for path in paths[:most]]
    return ", ".join(names) + (f" and {len(paths) - most} more" if len(paths) > most else "")
