"""YOLO as Ultralytics has it: ``data.yaml`` and, for each image, a text file of boxes, outlines or poses.

Read from its documentation and source (``ultralytics/data/utils.py``): the label file of an image lies where the last
``images`` folder of its path is called ``labels``, or beside it; an image without one has no objects. A row is the
class, counted from 0, and x-centre, y-centre, width and height (a box, with more numbers if ``data.yaml`` has
``kpt_shape``) or x, y, x, y ... (an outline), all of them parts of the image's width and height.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maskrcnn.data.class_names import read_class_list
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.numbers import finite_numbers
from maskrcnn.data.parsing.text import read_lines
from maskrcnn.errors import DataError
from maskrcnn.files import is_file, is_folder
from maskrcnn.masks.rasterise import Box, outline_box, polygons_to_mask
from maskrcnn.modalities.images.formats.yolo.description import (
    OTHER_NAMES,
    SPLITS,
    Description,
    describe,
    find_description,
)
from maskrcnn.modalities.images.labels.gather import DrawnImage, DrawnObject, drawn_dataset
from maskrcnn.modalities.images.labels.picture_files import PictureFinder
from maskrcnn.modalities.images.read.find import find_images, is_image
from maskrcnn.modalities.images.read.pictures import image_shape

MOST_CLASSES = 10_000  # where nothing names them
BOX, OUTLINE = 4, 6  # numbers of a box, fewest numbers of an outline
VISIBLE = 3  # numbers of a keypoint that says whether it is visible
FARTHEST = 1.9  # of numbers that are parts of the image's sides: more is a mistake, not an object past the border
CLASS_LISTS = ("classes.txt", "obj.names", "_darknet.labels")
NO_LABELS = frozenset({*CLASS_LISTS, "readme.txt", "requirements.txt", "labels.txt", "class_names.txt"})
ANCESTORS = 3  # folders above one of images in which data.yaml may lie


def looks_like_yolo(folder: Path) -> bool:
    """Whether ``folder`` has a description or label files."""
    return find_description(folder) is not None or _has_label_files(folder)


def open_folder(path: Path, split: str = "") -> Dataset:
    """The images of a split.

    Args:
        path: of ``data.yaml``, of its folder, or of a folder with ``images/`` and ``labels/`` or with both in one.
        split: as ``data.yaml`` names it; by default the first that is there of train, val and test.

    Raises:
        DataError: no such split, no images, or no label file.
    """
    description, is_whole = described(path)
    if not is_whole and split and not description.splits:
        raise DataError(f"{path} has no data.yaml that would say what {split} is; name the folder of its images.")
    return _open_split(path, description, split) if split or is_whole else _open_images(path, [path], description)


def open_file(path: Path, split: str = "") -> Dataset:
    """The images of a split that a description names, see :func:`open_folder`."""
    return open_folder(path, split)


def described(path: Path) -> tuple[Description, bool]:
    """What describes a file or folder, and whether that is the whole of it, not one folder of its images."""
    if is_file(path):
        return describe(path), True
    own = find_description(path)
    if own is not None and not _has_label_files(path):
        return describe(own), True
    above = next((found for folder in _upwards(path) if (found := find_description(folder))), None)
    return (describe(above) if above else Description(None)), False


def _open_split(path: Path, description: Description, split: str) -> Dataset:
    splits = dict(description.splits)
    wanted = OTHER_NAMES.get(split, split) or next((name for name in SPLITS if name in splits), "")
    if wanted not in splits:
        listed = ", ".join(splits) or "none"
        raise DataError(f"{description.path} names no split {split or 'train'}; it names {listed}.")
    return _open_images(path, list(splits[wanted]), description)


def _open_images(path: Path, places: list[Path], description: Description) -> Dataset:
    """The images in ``places``: folders, images, or text files that list images."""
    problems: list[str] = list(description.problems)
    files = [file for place in places for file in list_images(place, problems)]
    if not files:
        raise DataError(f"{path}: there are no images in {', '.join(map(str, places))}.")
    images = []
    labelled = 0
    for file in files:
        labels = label_file(file)
        labelled += is_file(labels)
        try:
            image = DrawnImage(file, file.name, image_shape(file))
            image.objects = _read_labels(labels, image.spatial_shape, description, problems)
        except DataError as error:
            problems.append(f"{file} was left out: {error}")
            continue
        images.append(image)
    if not labelled:
        raise DataError(f"None of the {len(files)} images of {path} has a label file such as {label_file(files[0])}.")
    if labelled < len(files):
        problems.append(
            f"Images without a label file count as without objects ({len(files) - labelled} of {len(files)})."
        )
    names, changed = (description.class_names, []) if description.class_names else _listed_names(path)
    problems += changed
    used = sorted({int(drawn.name) for image in images for drawn in image.objects})
    names = (*names, *(f"class {k}" for k in range(len(names), max(used, default=-1) + 1)))
    for image in images:
        image.objects = [_renamed(drawn, names) for drawn in image.objects]
    return drawn_dataset(path, images, problems, names, description.keypoint_names)


def _renamed(drawn: DrawnObject, names: tuple[str, ...]) -> DrawnObject:
    """The object under the name of its class, whose number it was under so far."""
    return replace(drawn, name=names[int(drawn.name)])


def _read_labels(
    path: Path, spatial_shape: tuple[int, int], description: Description, problems: list[str]
) -> list[DrawnObject]:
    objects = []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            objects.append(_read_row(line.split(), spatial_shape, description))
        except ValueError as error:
            problems.append(f"{path}: row {number} {error} and was left out.")
    return objects


@dataclass(frozen=True)
class Row:
    """A row of a label file, in pixels.

    Attributes:
        label: the number of its class, from 0.
        box: x1, y1, x2, y2; None of an outline.
        outline: x, y, x, y ...
        keypoints: float32 ``[P, 3]`` of a pose.
    """

    label: int
    box: Box | None
    outline: list[float] | None = None
    keypoints: np.ndarray | None = None


def _read_row(words: list[str], spatial_shape: tuple[int, int], description: Description) -> DrawnObject:
    """Raises ValueError, whose text goes on from "row 3 ...", for what is no object."""
    row = parse_row(words, spatial_shape, description)
    if row.outline is None:
        return DrawnObject(str(row.label), row.box, keypoints=row.keypoints)
    mask = polygons_to_mask([row.outline], spatial_shape)
    if not mask:
        raise ValueError("covers no pixel")
    return DrawnObject(str(row.label), None, mask, drawn=outline_box([row.outline]))


def parse_row(words: list[str], spatial_shape: tuple[int, int], description: Description) -> Row:
    """What a row says.

    Args:
        words: of the row.
        spatial_shape: height and width of the image.
        description: of the data set.

    Returns:
        Its box or its outline.

    Raises:
        ValueError: it is no object; the text goes on from "row 3 ...".
    """
    numbers = finite_numbers(words)
    if numbers is None:
        raise ValueError("is not made of finite numbers")
    label, values = numbers[0], numbers[1:]
    known = len(description.class_names) or MOST_CLASSES
    if not 0 <= label < known or label != int(label):
        raise ValueError(f"is of the unknown class {words[0]}")
    sides = np.array(spatial_shape[::-1], dtype=np.float64)
    count, each = description.keypoints
    if not count and (points_of_pose := pose_points(values)):
        raise ValueError(
            f"looks like a box with {points_of_pose} keypoints, of which data.yaml must say kpt_shape: "
            f"[{points_of_pose}, 3],"
        )
    visibilities = slice(BOX + 2, None, VISIBLE) if each == VISIBLE else slice(0, 0)
    if np.abs(np.delete(values, visibilities)).max(initial=0) > FARTHEST:
        raise ValueError("has numbers far beyond 1, where parts of the image's width and height are meant,")
    if len(values) == BOX + count * each:
        centre, extent = values[:2] * sides, values[2:4] * sides
        (x1, y1), (x2, y2) = (centre - extent / 2).tolist(), (centre + extent / 2).tolist()
        return Row(int(label), (x1, y1, x2, y2), None, _read_keypoints(values[BOX:], count, each, sides))
    if count or len(values) < OUTLINE or len(values) % 2:
        raise ValueError(f"has {len(words)} numbers, which is neither a box nor an outline,")
    return Row(int(label), None, (values.reshape(-1, 2) * sides).ravel().tolist())


def pose_points(values: np.ndarray) -> int:
    """How many keypoints (x, y, visibility) follow a box in a row without its class; 0 where that cannot be one.

    Every third number is 0, 1 or 2, and what is visible lies in the box.
    """
    count, rest = divmod(len(values) - BOX, VISIBLE)
    if rest or count < 1:
        return 0
    points = values[BOX:].reshape(count, VISIBLE)
    seen = points[points[:, 2] > 0, :2]
    in_box = (np.abs(seen - values[:2]) <= values[2:BOX] * 0.55 + 1e-3).all()
    is_visibility = np.isin(points[:, 2], (0, 1, 2)).all() and len(seen) > 0
    return count if is_visibility and (values[2:BOX] > 0).all() and in_box else 0


def _read_keypoints(values: np.ndarray, count: int, each: int, sides: np.ndarray) -> np.ndarray | None:
    """Float32 ``[P, 3]``; of points without a visibility, those at the image's corner are not labelled."""
    if not count:
        return None
    points: np.ndarray = values.reshape(count, each)
    seen = np.clip(points[:, 2], 0, 2) if each > 2 else np.where((points > 0).any(axis=1), 2.0, 0.0)
    known = (seen > 0)[:, None]
    return np.concatenate([points[:, :2] * sides * known, seen[:, None]], axis=1).astype(np.float32)


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


def list_images(place: Path, problems: list[str]) -> list[Path]:
    if is_folder(place):
        inside = place / "images"
        return find_images(inside if is_folder(inside) else place)
    if is_file(place) and not is_image(place):
        finder = PictureFinder([place.parent, *place.absolute().parents[1:2]])
        named = [(line, finder.find(line)) for line in read_lines(place)]
        problems += [f"{line} is listed in {place} but is not there." for line, path in named if path is None]
        return [path for _, path in named if path is not None]
    return [place] if is_file(place) else []


def label_file(image: Path) -> Path:
    """Where the labels of an image lie, or would lie."""
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


def _listed_names(path: Path) -> tuple[tuple[str, ...], list[str]]:
    """The classes, one a line, of a list, and what was changed of them."""
    listed = find_class_list(path)
    return read_class_list(listed) if listed else ((), [])


def find_class_list(path: Path) -> Path | None:
    """A list of the classes in the folder, in ``labels/`` or above."""
    places = [path, path / "labels", *_upwards(path)]
    return next((place / name for place in places for name in CLASS_LISTS if is_file(place / name)), None)
