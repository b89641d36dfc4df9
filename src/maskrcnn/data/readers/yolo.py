"""YOLO as Ultralytics has it: ``data.yaml`` and, for each image, a text file of boxes, outlines or poses.

Read from its documentation and source (``ultralytics/data/utils.py``): the label file of an image lies where the last
``images`` folder of its path is called ``labels``, or beside it; an image without one has no objects. A row is the
class, counted from 0, and x-centre, y-centre, width and height (a box, with more numbers if ``data.yaml`` has
``kpt_shape``) or x, y, x, y ... (an outline), all of them parts of the image's width and height.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from maskrcnn.data.images import find_images, image_shape, is_image
from maskrcnn.data.labelled import DrawnImage, DrawnObject, drawn_dataset, finite_numbers, read_lines
from maskrcnn.data.records import Dataset
from maskrcnn.data.shapes import polygons_to_mask
from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_file, is_folder

MOST_CLASSES = 10_000  # where nothing names them
BOX, OUTLINE = 4, 6  # numbers of a box, fewest numbers of an outline
SPLITS = ("train", "val", "test")
OTHER_NAMES = {"valid": "val", "validation": "val"}
CLASS_LISTS = ("classes.txt", "obj.names", "_darknet.labels")
NO_LABELS = frozenset({*CLASS_LISTS, "readme.txt", "requirements.txt", "labels.txt", "class_names.txt"})
ANCESTORS = 3  # folders above one of images in which data.yaml may lie


@dataclass(frozen=True)
class _Description:
    """What ``data.yaml`` says."""

    path: Path | None
    class_names: tuple[str, ...] = ()
    splits: tuple[tuple[str, tuple[Path, ...]], ...] = ()
    keypoints: tuple[int, int] = (0, 0)  # of an object, and numbers of each: 2 or 3
    keypoint_names: tuple[str, ...] = ()


def is_yolo(folder: Path) -> bool:
    """Whether ``folder`` has a description or label files."""
    return _find_yaml(folder) is not None or _has_label_files(folder)


def is_yolo_yaml(path: Path) -> bool:
    """Whether the suffix is that of a description."""
    return path.suffix.lower() in (".yaml", ".yml")


def open_yolo(path: Path, split: str = "") -> Dataset:
    """The images of a split.

    Args:
        path: of ``data.yaml``, of its folder, or of a folder with ``images/`` and ``labels/`` or with both in one.
        split: as ``data.yaml`` names it; by default the first that is there of train, val and test.

    Raises:
        DataError: no such split, no images, or no label file.
    """
    if is_file(path):
        return _open_split(path, _describe(path), split)
    own = _find_yaml(path)
    if own is not None and not _has_label_files(path):
        return _open_split(path, _describe(own), split)
    above = next((found for folder in _upwards(path) if (found := _find_yaml(folder))), None)
    description = _describe(above) if above else _Description(None)
    if split and not description.splits:
        raise DataError(f"{path} has no data.yaml that would say what {split} is; name the folder of its images.")
    return _open_split(path, description, split) if split else _open_images(path, [path], description)


def _open_split(path: Path, description: _Description, split: str) -> Dataset:
    splits = dict(description.splits)
    wanted = OTHER_NAMES.get(split, split) or next((name for name in SPLITS if name in splits), "")
    if wanted not in splits:
        listed = ", ".join(splits) or "none"
        raise DataError(f"{description.path} names no split {split or 'train'}; it names {listed}.")
    return _open_images(path, list(splits[wanted]), description)


def _open_images(path: Path, places: list[Path], description: _Description) -> Dataset:
    """The images in ``places``: folders, images, or text files that list images."""
    problems: list[str] = []
    files = [file for place in places for file in _list_images(place, problems)]
    if not files:
        raise DataError(f"{path}: there are no images in {', '.join(map(str, places))}.")
    images = []
    labelled = 0
    for file in files:
        labels = _label_file(file)
        labelled += is_file(labels)
        try:
            image = DrawnImage(file, file.name, image_shape(file))
            image.objects = _read_labels(labels, image.spatial_shape, description, problems)
        except DataError as error:
            problems.append(f"{file} was left out: {error}")
            continue
        images.append(image)
    if not labelled:
        raise DataError(f"None of the {len(files)} images of {path} has a label file such as {_label_file(files[0])}.")
    if labelled < len(files):
        problems.append(
            f"Images without a label file count as without objects ({len(files) - labelled} of {len(files)})."
        )
    names = description.class_names or _listed_names(path)
    used = sorted({int(drawn.name) for image in images for drawn in image.objects})
    names = (*names, *(f"class {k}" for k in range(len(names), max(used, default=-1) + 1)))
    for image in images:
        image.objects = [_renamed(drawn, names) for drawn in image.objects]
    return drawn_dataset(path, images, problems, names, description.keypoint_names)


def _renamed(drawn: DrawnObject, names: tuple[str, ...]) -> DrawnObject:
    """The object under the name of its class, whose number it was under so far."""
    return DrawnObject(names[int(drawn.name)], drawn.box, drawn.mask, keypoints=drawn.keypoints)


def _read_labels(
    path: Path, spatial_shape: tuple[int, int], description: _Description, problems: list[str]
) -> list[DrawnObject]:
    objects = []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            objects.append(_read_row(line.split(), spatial_shape, description))
        except ValueError as error:
            problems.append(f"{path}: row {number} {error} and was left out.")
    return objects


def _read_row(words: list[str], spatial_shape: tuple[int, int], description: _Description) -> DrawnObject:
    """Raises ValueError, whose text goes on from "row 3 ...", for what is no object."""
    numbers = finite_numbers(words)
    if numbers is None:
        raise ValueError("is not made of finite numbers")
    label, values = numbers[0], numbers[1:]
    known = len(description.class_names) or MOST_CLASSES
    if not 0 <= label < known or label != int(label):
        raise ValueError(f"is of the unknown class {words[0]}")
    name, sides = str(int(label)), np.array(spatial_shape[::-1], dtype=np.float64)
    count, each = description.keypoints
    if len(values) == BOX + count * each:
        centre, extent = values[:2] * sides, values[2:4] * sides
        low, high = (centre - extent / 2).tolist(), (centre + extent / 2).tolist()
        return DrawnObject(name, (*low, *high), keypoints=_read_keypoints(values[BOX:], count, each, sides))
    if count or len(values) < OUTLINE or len(values) % 2:
        raise ValueError(f"has {len(words)} numbers, which is neither a box nor an outline,")
    points = values.reshape(-1, 2) * sides
    mask = polygons_to_mask([points.ravel().tolist()], spatial_shape)
    if not mask:
        raise ValueError("covers no pixel")
    return DrawnObject(name, None, mask)


def _read_keypoints(values: np.ndarray, count: int, each: int, sides: np.ndarray) -> np.ndarray | None:
    """Float32 ``[P, 3]``; of points without a visibility, those at the image's corner are not labelled."""
    if not count:
        return None
    points: np.ndarray = values.reshape(count, each)
    seen = points[:, 2] if each > 2 else np.where((points > 0).any(axis=1), 2.0, 0.0)
    known = (seen > 0)[:, None]
    return np.concatenate([points[:, :2] * sides * known, seen[:, None]], axis=1).astype(np.float32)


def _describe(path: Path) -> _Description:
    """Raises DataError where the file is no description of a data set."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = str(error).split("\n")[0]
        raise DataError(f"{path} is not complete yaml ({reason}); export or write it again.") from error
    names = content.get("names") if isinstance(content, dict) else None
    if not isinstance(names, list | dict) or not names:
        raise DataError(f"{path} is no description of YOLO data: it has no list named 'names'.")
    if isinstance(names, dict) and set(names) != set(range(len(names))):
        raise DataError(f"{path} numbers its 'names' other than 0, 1, 2 ... without a gap; number them so.")
    names = list(names) if isinstance(names, list) else [names[k] for k in range(len(names))]
    if not all(isinstance(name, str | int | float) for name in names):  # str() of a list of lists may never end
        raise DataError(f"{path} has a name under 'names' that is no text; write one name for each class.")
    own = content.get("path")
    root = path.parent / own if isinstance(own, str) else path.parent
    splits = []
    for name in (*SPLITS, *OTHER_NAMES):
        given = content.get(name)
        listed = given if isinstance(given, list) else [given]
        places = [_place(place, root, path.parent) for place in listed if isinstance(place, str) and place]
        splits += [(OTHER_NAMES.get(name, name), tuple(places))] if places else []
    keypoints = _keypoint_shape(content, path)
    return _Description(path, _unique(names), tuple(splits), keypoints, _keypoint_names(content, keypoints[0]))


def _unique(names: list[Any]) -> tuple[str, ...]:
    """The names as text; one that stands there twice gets its number, for classes are told apart by name."""
    texts = [str(name) for name in names]
    return tuple(f"{text} ({k})" if text in texts[:k] else text for k, text in enumerate(texts))


def _place(name: str, root: Path, beside: Path) -> Path:
    """Where a split lies: from ``path``, from the file's own folder (a copied ``path`` leads nowhere), or, as Roboflow
    writes it, from one folder too high."""
    tries = [root / name, beside / name]
    tries += [beside / name.removeprefix("../")] if name.startswith("../") else []
    return next((place for place in tries if exists(place)), tries[0])


def _keypoint_shape(content: dict[str, Any], path: Path) -> tuple[int, int]:
    given = content.get("kpt_shape")
    if given is None:
        return 0, 0
    if not isinstance(given, list) or len(given) != 2 or given[1] not in (2, 3) or not isinstance(given[0], int):
        raise DataError(f"{path}: 'kpt_shape' must be a number of points and 2 or 3, as in [17, 3].")
    return given[0], given[1]


def _keypoint_names(content: dict[str, Any], count: int) -> tuple[str, ...]:
    """From ``kpt_names``, a list for each class, of which the first counts; else their numbers."""
    given = content.get("kpt_names")
    first: Any = next(iter(given.values()), []) if isinstance(given, dict) else given
    names = tuple(map(str, first)) if isinstance(first, list) and all(isinstance(n, str) for n in first) else ()
    return names if len(names) == count else tuple(str(k) for k in range(1, count + 1))


def _find_yaml(folder: Path) -> Path | None:
    """``data.yaml``, or the only other yaml file that names classes."""
    usual = folder / "data.yaml"
    if is_file(usual):
        return usual
    found = [path for path in sorted(folder.glob("*.y*ml")) if is_yolo_yaml(path) and _names_classes(path)]
    return found[0] if len(found) == 1 else None


def _names_classes(path: Path) -> bool:
    try:
        return any(line.startswith("names:") for line in path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, ValueError):
        return False


def _upwards(folder: Path) -> list[Path]:
    folder = folder.absolute()
    return [folder, *folder.parents[:ANCESTORS]]


def _has_label_files(folder: Path) -> bool:
    """Whether there is a label file where images of ``folder`` have theirs."""
    own = folder / "labels"
    places = [own] if is_folder(own) else [folder, _exchange(folder)]
    return any(_is_label_file(path) for place in places if is_folder(place) for path in place.glob("*.txt"))


def _is_label_file(path: Path) -> bool:
    """Whether the file's first row begins with a class and a box; an empty file is one that may be anything."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            numbers = finite_numbers(file.readline().split())
    except (OSError, ValueError):
        return False
    return path.name.lower() not in NO_LABELS and numbers is not None and len(numbers) > BOX


def _list_images(place: Path, problems: list[str]) -> list[Path]:
    if is_folder(place):
        inside = place / "images"
        return find_images(inside if is_folder(inside) else place)
    if is_file(place) and not is_image(place):
        listed = [place.parent / line for line in read_lines(place)]
        problems += [f"{path} is listed in {place} but is not there." for path in listed if not is_file(path)]
        return [path for path in listed if is_file(path)]
    return [place] if is_file(place) else []


def _label_file(image: Path) -> Path:
    beside = image.with_suffix(".txt")
    other = _exchange(image.parent) / beside.name
    return beside if is_file(beside) and not is_file(other) else other


def _exchange(folder: Path) -> Path:
    """The folder's path with its last ``images`` called ``labels``."""
    parts = list(folder.parts)
    for k in reversed(range(len(parts))):
        if parts[k] == "images":
            return Path(*parts[:k], "labels", *parts[k + 1 :])
    return folder


def _listed_names(path: Path) -> tuple[str, ...]:
    """The classes, one a line, of a list in the folder, in ``labels/`` or above."""
    places = [path, path / "labels", *_upwards(path)]
    lists = [place / name for place in places for name in CLASS_LISTS if is_file(place / name)]
    return tuple(dict.fromkeys(read_lines(lists[0]))) if lists else ()
