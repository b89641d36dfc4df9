"""Folders of labelled scans: ``images/`` and ``labels/``, or ``imagesTr/`` and ``labelsTr/`` with a ``dataset.json``.

A label volume has the name of its scan, in any of the formats; a scan may be a folder with a DICOM series. Names of
classes are in ``classes.txt``, one a line, or in ``dataset.json`` as the Medical Segmentation Decathlon and nnU-Net
write it; instances of several classes have a second label volume in ``classes/``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from maskrcnn.data.dataset import UNNAMED, Dataset, RecordSource
from maskrcnn.data.parsing.skipped import count_by_suffix
from maskrcnn.data.parsing.text import read_lines
from maskrcnn.errors import DataError
from maskrcnn.files import is_file, is_folder
from maskrcnn.modalities.volumes.find import is_volume, series_in, stem_of
from maskrcnn.modalities.volumes.label_meaning import AUTO, CLASSES, INSTANCES, MEANINGS, LabelledVolume, guess_meaning
from maskrcnn.modalities.volumes.measures.fields import field_measures
from maskrcnn.modalities.volumes.read import read_label_volume, read_volume
from maskrcnn.model_info import ModelInfo
from maskrcnn.structures import Record

FOLDERS = (("images", "labels"), ("imagesTr", "labelsTr"))
LOOKED_AT = 16  # label volumes, to find out what their numbers mean
CHANNEL = "_0000"  # what nnU-Net adds to the name of a scan with one channel
MOST_NUMBERED = 1000  # classes that have a number for a name
SHIFTED = 0.5  # voxels that a label volume may lie beside its scan


def is_volume_set(folder: Path) -> bool:
    """Whether ``folder`` has scans in ``images/`` and label volumes in ``labels/``."""
    return _folders(folder) is not None


def open_volume_set(folder: Path, meaning: str = AUTO, class_names: Sequence[str] = ()) -> Dataset:
    """The scans of ``folder`` that have a label volume.

    Args:
        folder: for which :func:`is_volume_set`.
        meaning: of the numbers in the label volumes, see ``label_meaning.py``; ``auto``: found out.
        class_names: of numbers 1..K; by default those that lie with the data.

    Returns:
        The data set.

    Raises:
        DataError: where no scan has labels.
    """
    folders = _folders(folder)
    if folders is None:
        raise DataError(f"{folder} has no scans in images/ with label volumes in labels/.")
    images, labels, classes = (_volumes_by_stem(folder / name) for name in (*folders, "classes"))
    images, problems = _without_channel(images, labels)
    for name in folders:
        aside = _left_aside(folder / name)
        problems += [f"{folder / name}: {aside}"] if aside else []
    problems += [f"{images[stem]} has no label volume and was left out." for stem in images if stem not in labels]
    problems += [f"{labels[stem]} has no scan and was left out." for stem in labels if stem not in images]
    stems = sorted(images.keys() & labels.keys())
    if classes:
        unclassed = [stem for stem in stems if stem not in classes]
        problems += [f"{images[stem]} has no class volume in classes/ and was left out." for stem in unclassed]
        stems = [stem for stem in stems if stem in classes]
    if not stems:
        raise DataError(f"{folder} has no scan in images/ with a label volume of the same name in labels/.")
    sources = [LabelledVolume(images[s], labels[s], k, class_map=classes.get(s)) for k, s in enumerate(stems, 1)]
    data = Dataset(
        folder,
        (UNNAMED,),
        (1,),
        sources,
        has_masks=True,
        problems=problems,
        read_image=read_labelled_volume,
        kind="volume",
        labels=INSTANCES,
        measures=field_measures,
    )
    return labelled_as(data, meaning, class_names or names_of(folder))


def labelled_as(data: Dataset, meaning: str = AUTO, class_names: Sequence[str] = ()) -> Dataset:
    """The same scans with the numbers of their label volumes understood as ``meaning``.

    Args:
        data: from :func:`open_volume_set`.
        meaning: ``auto``, ``instances``, ``parts`` or ``classes``.
        class_names: of numbers 1..K; without them ``class 1`` ... where the numbers are classes.

    Returns:
        The data set.

    Raises:
        DataError: numbers that are too large for classes.
    """
    assert meaning in MEANINGS
    sources = [source for source in data.sources if isinstance(source, LabelledVolume)]
    names = tuple(class_names)
    if any(source.class_map is not None for source in sources):
        meaning = INSTANCES
    elif meaning == AUTO:
        meaning, count = guess_meaning(_some_label_maps(sources), names)
        names = names or ((UNNAMED,) if meaning == INSTANCES else _numbered(count))
    elif not names:
        most = max((int(numbers.max()) for numbers in _some_label_maps(sources)), default=1)
        if meaning != INSTANCES and most > MOST_NUMBERED:
            raise DataError(
                f"{data.path}: numbers up to {most} in label volumes are no classes; say --labels instances, or name "
                "the classes in classes.txt."
            )
        names = (UNNAMED,) if meaning == INSTANCES else _numbered(most)
    names = names or (UNNAMED,)
    told: list[RecordSource] = [replace(source, meaning=meaning, num_classes=len(names)) for source in sources]
    ids = tuple(range(1, len(names) + 1))
    return replace(data, class_names=names, category_ids=ids, sources=told, labels=meaning)


def explain_meaning(data: Dataset) -> str:
    """What the numbers in the label volumes are taken for, and how to say that they are something else."""
    if len(data.class_names) == 1 and data.labels == INSTANCES:
        return "Each number in a label volume is taken for an object; --labels parts or classes says otherwise."
    if data.labels == INSTANCES:
        return "Each number in a label volume is an object, and the volumes in classes/ say of which class."
    each = "all of a class is one object" if data.labels == CLASSES else "each connected part of a class is an object"
    return (
        f"The numbers 1 to {len(data.class_names)} in the label volumes are taken for classes, and {each}; --labels "
        "and --class-names say otherwise."
    )


def read_labelled_volume(record: Record) -> Tensor:
    """The voxels ``[C, Z, Y, X]`` of a labelled scan.

    Raises:
        DataError: where the file cannot be read, or lies elsewhere than its labels.
    """
    volume = read_volume(record.source)
    shape = tuple(volume.samples.shape[1:])
    if record.spatial_shape is not None and shape != record.spatial_shape:
        raise DataError(
            f"{record.source} has {_sides(shape)} voxels and its labels have {_sides(record.spatial_shape)}; write the "
            "labels again in the space of the scan."
        )
    if record.affine is not None and volume.affine is not None:
        corners = np.array([[x, y, z, 1] for x in (0, shape[2]) for y in (0, shape[1]) for z in (0, shape[0])])
        apart = np.linalg.norm((corners @ (record.affine - volume.affine).T)[:, :3], axis=1).max()
        if apart > SHIFTED * max(volume.spacing or (1.0,)):
            raise DataError(
                f"{record.source} and its labels lie {apart:.1f} mm apart in the scanner's space; write the labels "
                "again in the space of the scan."
            )
    return volume.samples


def names_of(folder: Path) -> tuple[str, ...]:
    """The names of classes that lie with the data; none where there are none.

    Raises:
        DataError: a list of names that cannot be understood.
    """
    lines = tuple(dict.fromkeys(read_lines(folder / "classes.txt")))
    if lines or not is_file(folder / "dataset.json"):
        return lines
    path = folder / "dataset.json"
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        numbers = {}
        for name, value in dict(content["labels"]).items():  # the Decathlon has {number: name}, nnU-Net {name: number}
            number, name = (int(name), value) if str(name).isdigit() else (int(value), name)
            numbers[number] = str(name)
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise DataError(f"{path} does not say which number is which class ({error}); repair or remove it.") from error
    numbers.pop(0, None)
    if sorted(numbers) != list(range(1, len(numbers) + 1)):
        raise DataError(f"{path}: the classes must be numbered 1, 2, 3 ...; they are {sorted(numbers)}.")
    return tuple(numbers[k] for k in sorted(numbers))


def _folders(folder: Path) -> tuple[str, str] | None:
    for images, labels in FOLDERS:
        if is_folder(folder / images) and _holds_volumes(folder / labels) and _holds_volumes(folder / images):
            return images, labels
    return None


def _holds_volumes(folder: Path, looked_at: int = 8) -> bool:
    """Whether one of the first things in a folder is a volume."""
    if not is_folder(folder):
        return False
    entries = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")][:looked_at]
    return any(is_volume(path) if is_file(path) else bool(series_in(path)) for path in entries)


def _volumes_by_stem(folder: Path) -> dict[str, Path]:
    """The volumes that lie in a folder, by name without suffix; a subfolder is one where it holds a DICOM series."""
    if not is_folder(folder):
        return {}
    entries = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    found = [path for path in entries if (is_volume(path) if is_file(path) else bool(series_in(path)))]
    return {stem_of(path): path for path in found}


def _left_aside(folder: Path) -> str:
    """A sentence about the files of a folder that are no volumes."""
    entries = [path for path in sorted(folder.iterdir()) if is_file(path) and not path.name.startswith(".")]
    stems = {stem_of(path) for path in entries if is_volume(path)}
    others = (path for path in entries if not is_volume(path))
    return count_by_suffix(path for path in others if path.name.partition(".")[0] not in stems)


def _without_channel(images: dict[str, Path], labels: dict[str, Path]) -> tuple[dict[str, Path], list[str]]:
    """nnU-Net's scans, ``case_0000``, under the names of their labels, ``case``, and those that
    are left out, in words."""
    found, problems = {}, []
    for stem, path in images.items():
        case, mark, number = stem.rpartition("_")
        if stem in labels or not (mark and len(number) == 4 and number.isdigit() and case in labels):
            found[stem] = path
        elif number != CHANNEL[1:]:
            problems.append(f"{path} is a further channel of {case} and was left out; join channels in one file.")
        else:
            found[case] = path
    return found, problems


def _some_label_maps(sources: Sequence[LabelledVolume]) -> list[np.ndarray]:
    """The numbers in some of the label volumes; what cannot be read is named where it is used."""
    maps = []
    for k in np.unique(np.linspace(0, len(sources) - 1, min(len(sources), LOOKED_AT)).round().astype(int)).tolist():
        try:
            maps.append(read_label_volume(sources[k].labels).numbers)
        except DataError:
            continue
    return maps


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"class {k}" for k in range(1, count + 1))


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(str(side) for side in reversed(shape))


def understand_as_learned(data: Dataset, info: ModelInfo) -> Dataset:
    """Labelled scans with the numbers of their label volumes understood as they were when the model learned, under its
    names where the data have none or differ in capitals only."""
    meaning = info.notes.get("labels", "")
    if meaning not in MEANINGS:
        return data
    known = {name.casefold(): name for name in info.class_names}
    names = tuple(known.get(name.casefold(), name) for name in names_of(data.path))
    if not names and (meaning != INSTANCES or len(known) == 1):
        names = info.class_names
    return labelled_as(data, meaning, names)
