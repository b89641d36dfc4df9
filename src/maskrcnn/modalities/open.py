"""Opens a data set in whichever known format it is."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.paths import refuse_missing
from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_folder
from maskrcnn.modalities.images.labels.formats import label_formats
from maskrcnn.modalities.images.open import files_of_labels, is_labelled, list_some, open_labelled, open_split
from maskrcnn.modalities.signals.find import named_signal
from maskrcnn.modalities.signals.open import is_signal_set, open_signal_set
from maskrcnn.modalities.volumes.open import is_volume_set, open_volume_set

__all__ = ["Dataset", "open_dataset"]

ARCHIVES = (".zip", ".tar", ".gz", ".rar", ".7z")
LOOKED_FOR = ", ".join(
    [
        *(known.brief for known in label_formats()),
        "recordings with labels of the same name (WFDB, EDF, WAV, FLAC, csv, npz, npy, GenBank, FASTA)",
        "scans (images/ and labels/ with NIfTI, NRRD, MetaImage, TIFF stacks, npz or npy, or imagesTr/ and labelsTr/)",
    ]
)


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
    if is_signal_set(path) and not (split and is_folder(path / split)):
        return open_signal_set(path, split)
    refuse_missing(path)
    if not split:
        return _open(path)
    data = open_split(path, split)
    if data is not None:
        return data
    if is_folder(path / split):
        return _open(path / split)
    files = files_of_labels(path)
    listed = f"; there are {list_some(files)}" if files else ""
    raise DataError(
        f"{path} has no split {split}: neither does it name its splits, nor is there a folder {split} in it{listed}."
    )


def _divide(path: Path) -> tuple[Path, str]:
    """``data:val`` as ``data`` and ``val``, where only the former exists (or is a WFDB record without its suffix)."""
    base, colon, split = str(path).rpartition(":")
    known = exists(Path(base)) or named_signal(base) is not None
    return (Path(base), split) if colon and split and not exists(path) and known else (path, "")


def _open(path: Path) -> Dataset:
    if is_folder(path) and is_signal_set(path):
        return open_signal_set(path)
    if is_folder(path) and is_volume_set(path):
        return open_volume_set(path)
    data = open_labelled(path)
    if data is None:
        raise DataError(_not_found(path))
    return data


def _not_found(folder: Path) -> str:
    """The sentence for a folder in which nothing can be opened."""
    entries = sorted(folder.iterdir())
    inside = [sub for sub in entries if is_folder(sub) and _looks_openable(sub)]
    if inside:
        return f"{folder} is not a data set itself but holds some; name one of them: {list_some(inside)}."
    packed = [path for path in entries if path.suffix.lower() in ARCHIVES]
    if packed:
        return f"{folder} holds no labels that can be read, but packed files: unpack {list_some(packed)} first."
    return f"{folder} is no data set that can be read; looked for: {LOOKED_FOR}."


def _looks_openable(folder: Path) -> bool:
    return is_signal_set(folder) or is_volume_set(folder) or is_labelled(folder)
