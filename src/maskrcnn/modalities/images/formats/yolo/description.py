"""What describes a YOLO data set: Ultralytics' ``data.yaml``, or darknet's ``obj.data`` with its list of names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from maskrcnn.data.class_names import read_class_list, usable_names
from maskrcnn.data.parsing.numbers import whole_number
from maskrcnn.data.parsing.text import read_lines, read_text
from maskrcnn.errors import DataError
from maskrcnn.files import is_file
from maskrcnn.modalities.images.labels.picture_files import find_place

SPLITS = ("train", "val", "test")
OTHER_NAMES = {"valid": "val", "validation": "val"}
MOST_KEYPOINTS = 1000  # of one object
YAML, DARKNET = (".yaml", ".yml"), ".data"


@dataclass(frozen=True)
class Description:
    """What a description says.

    Attributes:
        path: of its file; None where there is none.
        class_names: by number, from 0.
        splits: names of splits and the places of their images: folders, images, or lists of images.
        keypoints: how many an object has, and numbers of each: 2 or 3.
        keypoint_names: of these.
        problems: a sentence for each thing that was changed or guessed.
    """

    path: Path | None
    class_names: tuple[str, ...] = ()
    splits: tuple[tuple[str, tuple[Path, ...]], ...] = ()
    keypoints: tuple[int, int] = (0, 0)
    keypoint_names: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def find_description(folder: Path) -> Path | None:
    """``data.yaml``, or the only other yaml file that names classes, or the only file of darknet's kind."""
    usual = folder / "data.yaml"
    if is_file(usual):
        return usual
    found = [path for path in sorted(folder.glob("*.y*ml")) if path.suffix.lower() in YAML and _names_classes(path)]
    found = found or [path for path in sorted(folder.glob("*.data")) if _names_classes(path)]
    return found[0] if len(found) == 1 else None


def describe(path: Path) -> Description:
    """Raises DataError where the file is no description of a data set."""
    if path.suffix.lower() == DARKNET:
        return _describe_darknet(path)
    content = _read_yaml(path)
    names = content.get("names") if isinstance(content, dict) else None
    if not isinstance(names, list | dict) or not names:
        raise DataError(f"{path} is no description of YOLO data: it has no list named 'names'.")
    class_names, changed = usable_names(_names_in_order(names, path))
    own = content.get("path")
    roots = [path.parent / own, path.parent] if isinstance(own, str) and own else [path.parent]
    splits = []
    for name in (*SPLITS, *OTHER_NAMES):
        given = content.get(name)
        listed = [place for place in (given if isinstance(given, list) else [given]) if isinstance(place, str)]
        places = [_place(place, roots, changed) for place in listed if place.strip()]
        splits += [(OTHER_NAMES.get(name, name), tuple(places))] if places else []
    keypoints = _keypoint_shape(content, path)
    names_of_points = _keypoint_names(content, keypoints[0])
    return Description(path, class_names, tuple(splits), keypoints, names_of_points, tuple(changed))


def _read_yaml(path: Path) -> Any:
    """The content, every scalar as the text that is written there: a class may be called no, 1e3 or 0x10."""
    try:
        return yaml.load(read_text(path), Loader=yaml.BaseLoader)  # noqa: S506  (builds texts, lists and tables only)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = str(error).split("\n")[0]
        raise DataError(f"{path} is not complete yaml ({reason}); export or write it again.") from error


def _names_in_order(names: list[Any] | dict[Any, Any], path: Path) -> list[str]:
    if isinstance(names, dict):
        by_number = {whole_number(key): name for key, name in names.items()}
        if set(by_number) != set(range(len(names))):
            raise DataError(f"{path} numbers its 'names' other than 0, 1, 2 ... without a gap; number them so.")
        names = [by_number[k] for k in range(len(names))]
    if not all(isinstance(name, str) for name in names):
        raise DataError(f"{path} has a name under 'names' that is no text; write one name for each class.")
    return names


def _place(name: str, roots: list[Path], changed: list[str]) -> Path:
    """Where a split lies: from ``path``, or from the file's own folder (a copied ``path`` leads nowhere); of a folder
    of another machine, or, as Roboflow writes it, one too high, what is there of its end."""
    place = find_place(name, roots)
    if place is None:
        return roots[0] / name
    if not any(place == root / name.replace("\\", "/").removeprefix("../") for root in roots):
        changed.append(f"{name} is not there; {place} counts as what is meant.")
    return place


def _keypoint_shape(content: dict[str, Any], path: Path) -> tuple[int, int]:
    given = content.get("kpt_shape")
    if given is None:
        return 0, 0
    numbers = [whole_number(value) for value in given] if isinstance(given, list) else []
    if len(numbers) != 2 or numbers[0] is None or numbers[1] not in (2, 3) or not 0 <= numbers[0] <= MOST_KEYPOINTS:
        raise DataError(
            f"{path}: 'kpt_shape' must be a number of points, at most {MOST_KEYPOINTS}, and 2 or 3, as in [17, 3]."
        )
    return numbers[0], numbers[1]


def _keypoint_names(content: dict[str, Any], count: int) -> tuple[str, ...]:
    """From ``kpt_names``, a list for each class, of which the first counts; else their numbers."""
    given = content.get("kpt_names")
    first: Any = next(iter(given.values()), []) if isinstance(given, dict) else given
    names = tuple(map(str, first)) if isinstance(first, list) and all(isinstance(n, str) for n in first) else ()
    return usable_names(names)[0] if len(names) == count else tuple(str(k) for k in range(1, count + 1))


def _describe_darknet(path: Path) -> Description:
    """``names = obj.names``, and ``train = train.txt`` and others, which list images; CVAT writes them so."""
    rows = (line.partition("=") for line in read_lines(path) if not line.startswith("#"))
    values = {key.strip().lower(): value.strip() for key, _, value in rows}
    listed = find_place(values.get("names", ""), [path.parent]) if values.get("names") else None
    if listed is None or not is_file(listed):
        raise DataError(f"{path} is no description of YOLO data: it names no list of classes that is there.")
    class_names, changed = read_class_list(listed)
    splits = []
    for name in (*SPLITS, *OTHER_NAMES):
        if values.get(name):
            place = find_place(values[name], [path.parent]) or path.parent / values[name]
            splits.append((OTHER_NAMES.get(name, name), (place,)))
    return Description(path, class_names, tuple(splits), problems=tuple(changed))


def _names_classes(path: Path) -> bool:
    try:
        lines = read_text(path).splitlines()
    except (OSError, ValueError):
        return False
    return any(line.replace(" ", "").startswith(("names:", "names=")) for line in lines)
