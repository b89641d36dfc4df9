"""COCO json: boxes, polygons and run-length masks, crowds and keypoints, with every fault said and passed over."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskrcnn.data.coco_annotation import parse_annotation
from maskrcnn.data.images import image_shape
from maskrcnn.data.labelled import LabelledImage, pack_images, read_json
from maskrcnn.data.records import Dataset
from maskrcnn.errors import DataError
from maskrcnn.files import is_file

ROBOFLOW_NAME = "_annotations.coco.json"
ANNOTATED, NOT_EXHAUSTIVE, ABSENT = "annotated_category_ids", "not_exhaustive_category_ids", "neg_category_ids"


def find_annotations(folder: Path) -> list[Path]:
    """The json files in ``folder`` that may be COCO annotations: Roboflow's name alone where it is there."""
    roboflow = folder / ROBOFLOW_NAME
    return [roboflow] if is_file(roboflow) else sorted(folder.glob("*.json"))


def open_coco(path: Path, content: Any = None) -> Dataset:
    """The images and annotations of one COCO json file; ``Dataset.problems`` names what was left out and why.

    Masks are kept as the run lengths that pycocotools would make of them and become regions when a record is asked
    for. An object without a mask among others that have one keeps its box and gets an empty region. Keypoints, which
    COCO gives as pixel indices, are moved by half a pixel to the centres of these pixels. Which classes were labelled
    exhaustively in an image is read where it is said, see :func:`_searched_labels`.

    Args:
        path: of the json file.
        content: of the file, where it has been read already.

    Raises:
        DataError: where the file is no COCO json, names no category, or none of its images is found.
    """
    content = _checked(path, read_json(path) if content is None else content)
    problems: list[str] = []
    categories = _used_categories(content, problems)
    if not categories:
        raise DataError(f"{path} names no category; list what its labels mean under 'categories'.")
    keypoint_names, skeleton = _keypoints_of(categories)
    by_id = _find_images(path, content["images"], problems)
    labels = {category["id"]: k for k, category in enumerate(categories, start=1)}
    _add_annotations(by_id, content["annotations"], labels, len(keypoint_names), problems)
    images = [image for image in by_id.values() if image]
    for image in images:
        image.exhaustive = _searched_labels(image, labels, problems)
    has_masks = any(annotation.mask for image in images for annotation in image.annotations)
    if has_masks:
        problems += [fault for image in images for fault in image.maskless()]
    return Dataset(
        path=path,
        class_names=tuple(str(category["name"]) for category in categories),
        category_ids=tuple(category["id"] for category in categories),
        sources=pack_images(images, has_masks, len(keypoint_names)),
        has_masks=has_masks,
        problems=problems,
        keypoint_names=keypoint_names,
        skeleton=skeleton,
    )


@dataclass
class _CocoImage(LabelledImage):
    """As COCO gives it, with what the file says about the classes that were searched for."""

    partial: dict[str, Any] = field(default_factory=dict)


def _searched_labels(image: _CocoImage, labels: dict[int, int], problems: list[str]) -> frozenset[int] | None:
    """The classes of which no object of ``image`` is without a label; None where all are meant.

    Either ``annotated_category_ids`` names them. Or, in LVIS (Gupta et al. 2019, section 3), they are those with labels
    in this image but for ``not_exhaustive_category_ids``, and those known to be absent, ``neg_category_ids``.
    """
    if not image.partial:
        return None
    known: dict[str, set[int]] = {}
    for key, ids in image.partial.items():
        given = [k for k in ids if isinstance(k, int)] if isinstance(ids, list) else []
        unknown = [ids] if not isinstance(ids, list) else [k for k in ids if k not in given or k not in labels]
        if unknown:
            problems.append(f"{image.file_name}: {key} names unknown categories: {str(unknown)[:60]}.")
        known[key] = {labels[k] for k in given if k in labels}
    if ANNOTATED in known:
        return frozenset(known[ANNOTATED])
    present = {annotation.label for annotation in image.annotations}
    return frozenset(present - known.get(NOT_EXHAUSTIVE, set()) | known.get(ABSENT, set()))


def _checked(path: Path, content: Any) -> dict[str, Any]:
    """The content of a file that has the three lists of COCO in it."""
    lists = ("images", "annotations", "categories")
    own: dict[str, Any] = content if isinstance(content, dict) else {}
    missing = [name for name in lists if not isinstance(own.get(name), list)]
    if missing:
        raise DataError(f"{path} is not COCO json: it has no list named {' or '.join(map(repr, missing))}.")
    return own


def _used_categories(content: dict[str, Any], problems: list[str]) -> list[dict[str, Any]]:
    """The categories by rising id.

    Roboflow lists a heading as a category: never used itself, but the supercategory of others. Such a one is no class.
    """
    whole = [c for c in content["categories"] if isinstance(c, dict) and isinstance(c.get("id"), int) and "name" in c]
    if len(whole) < len(content["categories"]):
        problems.append(f"{len(content['categories']) - len(whole)} categories have no whole number as id or no name.")
    by_id = {category["id"]: category for category in whole}
    used = {a["category_id"] for a in content["annotations"] if isinstance(a, dict) and _is_id(a.get("category_id"))}
    headings = {str(c.get("supercategory")) for c in whole if c.get("supercategory") != c["name"]}
    return [by_id[k] for k in sorted(by_id) if k in used or str(by_id[k]["name"]) not in headings]


def _keypoints_of(categories: list[dict[str, Any]]) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """The names of the first category that has keypoints, and the pairs that limbs join (COCO counts from 1)."""
    for category in categories:
        names, limbs = category.get("keypoints"), category.get("skeleton")
        if names and isinstance(names, list):
            pairs = [tuple(limb) for limb in limbs if isinstance(limb, list)] if isinstance(limbs, list) else []
            known = [pair for pair in pairs if len(pair) == 2 and all(k in range(1, len(names) + 1) for k in pair)]
            return tuple(map(str, names)), tuple((int(a) - 1, int(b) - 1) for a, b in known)
    return (), ()


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str)


Images = dict[int | str, _CocoImage | None]  # by id; None for one that was left out


def _find_images(path: Path, entries: list[Any], problems: list[str]) -> Images:
    """The images whose files are there."""
    roots = _image_roots(path)
    images: Images = {}
    for entry in entries:
        name = _file_name(entry) if isinstance(entry, dict) else None
        if name is None or not _is_id(entry.get("id")):
            problems.append(f"An entry of 'images' in {path.name} has no id or no file_name and was left out.")
        elif entry["id"] in images:
            problems.append(f"{name} has the id of another image, {entry['id']}, and was left out.")
        else:
            images[entry["id"]] = _find_image(roots, name, entry, problems)
    if images and not any(images.values()):
        looked = ", ".join(map(str, roots))
        raise DataError(f"None of the {len(images)} images of {path} can be used; they were looked for in {looked}.")
    return images


def _image_roots(path: Path) -> list[Path]:
    """Folders that may hold the images of ``annotations/instances_val2017.json``, likeliest first."""
    folder = path.absolute().parent
    split = path.stem.split("_")[-1]  # COCO's own layout: val2017/ beside annotations/
    return [folder / "images", folder.parent / "images", folder, folder.parent / split, folder.parent]


def _file_name(entry: dict[str, Any]) -> str | None:
    """``file_name``, or, since LVIS gives addresses instead, the last folder and name of ``coco_url``."""
    name, address = entry.get("file_name"), entry.get("coco_url")
    if name is None and isinstance(address, str):
        return "/".join(address.split("/")[-2:])
    return name if isinstance(name, str) else None


def _find_image(roots: list[Path], name: str, entry: dict[str, Any], problems: list[str]) -> _CocoImage | None:
    """The image of ``entry`` in the first of ``roots`` that has it, without annotations yet."""
    height, width = entry.get("height"), entry.get("width")
    places = [root / name for root in roots]
    if "file_name" not in entry:  # the folder is that of the whole of COCO; a copy may have none
        places += [root / Path(name).name for root in roots]
    file = next((place for place in places if is_file(place)), None)
    if file is None:
        problems.append(f"{name} is not there and was left out with its annotations.")
        return None
    if not (isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0):
        try:
            height, width = image_shape(file)
        except DataError as error:
            problems.append(f"{name} was left out: {error}")
            return None
    partial = {key: entry[key] for key in (ANNOTATED, NOT_EXHAUSTIVE, ABSENT) if key in entry}
    return _CocoImage(file, entry["id"], name, (height, width), partial=partial)


def _add_annotations(
    images: Images, entries: list[Any], labels: dict[int, int], num_keypoints: int, problems: list[str]
) -> None:
    """Check each annotation and put what can be used of it into its image."""
    for entry in entries:
        if not isinstance(entry, dict) or not _is_id(entry.get("image_id")):
            problems.append(f"The annotation {str(entry)[:60]} names no image and was left out.")
            continue
        image_id, category = entry["image_id"], entry.get("category_id")
        image, label = images.get(image_id), labels.get(category) if isinstance(category, int) else None
        title = f"Annotation {entry.get('id', '(without id)')} of {image.file_name if image else image_id}"
        if image_id not in images:
            problems.append(f"{title}: there is no such image, so it was left out.")
        elif image is not None and label is None:
            problems.append(f"{title}: its category {category} is unknown, so it was left out.")
        elif image is not None and label is not None:
            annotation, faults = parse_annotation(entry, label, image.spatial_shape, num_keypoints)
            problems += [f"{title}: {'; '.join(faults)}."] if faults else []
            image.annotations += [annotation] if annotation else []
