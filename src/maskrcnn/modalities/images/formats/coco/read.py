"""COCO json: boxes, polygons, run-length masks, crowds, keypoints, surfaces; every fault is said and passed over."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskrcnn.data.class_names import usable_names
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.numbers import identity, whole_number
from maskrcnn.data.parsing.text import read_json
from maskrcnn.errors import DataError
from maskrcnn.modalities.images.formats.coco.about import LISTS, ROBOFLOW_NAME
from maskrcnn.modalities.images.formats.coco.annotation import heading_ids, is_category, parse_annotation, picture_name
from maskrcnn.modalities.images.formats.coco.densepose import surface_of
from maskrcnn.modalities.images.labels.folders import set_folder
from maskrcnn.modalities.images.labels.gather import LabelledImage, crowd_remarks, outside_remarks, pack_images
from maskrcnn.modalities.images.labels.picture_files import PictureFinder, drawn_shape

MOST_KEYPOINTS = 1000  # of one object: each takes memory in every object, whether it is labelled there or not
ANNOTATED, NOT_EXHAUSTIVE, ABSENT = "annotated_category_ids", "not_exhaustive_category_ids", "neg_category_ids"


def open_content(path: Path, content: Any = None) -> Dataset:
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
    class_names, changed = usable_names([_text(category["name"]) for category in categories])
    problems += changed
    keypoint_names, skeleton = keypoints_of(categories, problems)
    by_id = _find_images(path, content["images"], problems)
    category_ids = tuple(whole_number(category["id"]) or 0 for category in categories)
    labels = {category_id: k for k, category_id in enumerate(category_ids, start=1)}
    surface = surface_of(content)
    _add_annotations(by_id, content["annotations"], labels, len(keypoint_names), surface, problems)
    images = [image for image in by_id.values() if image]
    for image in images:
        image.exhaustive = _searched_labels(image, labels, problems)
    has_masks = any(annotation.mask for image in images for annotation in image.annotations)
    if has_masks:
        problems += [fault for image in images for fault in image.maskless()]
    problems += outside_remarks(images, path) + crowd_remarks(images, class_names)
    return Dataset(
        path=path,
        class_names=class_names,
        category_ids=category_ids,
        sources=pack_images(images, has_masks, len(keypoint_names), surface),
        has_masks=has_masks,
        problems=problems,
        keypoint_names=keypoint_names,
        skeleton=skeleton,
    )


def open_folder(folder: Path) -> Dataset:
    """As Roboflow exports it: the json lies beside the pictures."""
    return open_content(folder / ROBOFLOW_NAME)


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
        given = [whole_number(k) for k in ids] if isinstance(ids, list) else [None]
        unknown = [k for k, number in zip(ids if isinstance(ids, list) else [ids], given) if number not in labels]
        if unknown:
            problems.append(f"{image.file_name}: {key} names unknown categories: {str(unknown)[:60]}.")
        known[key] = {labels[k] for k in given if k in labels}
    if ANNOTATED in known:
        return frozenset(known[ANNOTATED])
    present = {annotation.label for annotation in image.annotations}
    return frozenset(present - known.get(NOT_EXHAUSTIVE, set()) | known.get(ABSENT, set()))


def _checked(path: Path, content: Any) -> dict[str, Any]:
    """The content of a file that has the three lists of COCO in it."""
    own: dict[str, Any] = content if isinstance(content, dict) else {}
    missing = [name for name in LISTS if not isinstance(own.get(name), list)]
    if missing:
        raise DataError(f"{path} is not COCO json: it has no list named {' or '.join(map(repr, missing))}.")
    return own


def _used_categories(content: dict[str, Any], problems: list[str]) -> list[dict[str, Any]]:
    """The categories by rising id, without headings."""
    whole = [c for c in content["categories"] if isinstance(c, dict) and is_category(c)]
    if len(whole) < len(content["categories"]):
        problems.append(f"{len(content['categories']) - len(whole)} categories have no whole number as id or no name.")
    by_id = {whole_number(category["id"]): category for category in whole}
    used = {whole_number(a.get("category_id")) for a in content["annotations"] if isinstance(a, dict)}
    headings = heading_ids(by_id.values(), used)
    problems += [f"The category {str(by_id[k]['name'])!r} is a heading and counts as no class." for k in headings]
    return [by_id[k] for k in sorted(by_id.keys() - headings)]  # type: ignore[type-var]


def _text(name: Any) -> str:
    return "" if name is None else str(name)


def keypoints_of(
    categories: list[dict[str, Any]], problems: list[str]
) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """The names of the first category that has keypoints, and the pairs that limbs join (COCO counts from 1)."""
    for category in categories:
        names, limbs = category.get("keypoints"), category.get("skeleton")
        if names and isinstance(names, list):
            if len(names) > MOST_KEYPOINTS:
                problems.append(f"Keypoints were left out: {len(names)} are named, and {MOST_KEYPOINTS} can be read.")
                return (), ()
            pairs = [tuple(limb) for limb in limbs if isinstance(limb, list)] if isinstance(limbs, list) else []
            known = [pair for pair in pairs if len(pair) == 2 and all(k in range(1, len(names) + 1) for k in pair)]
            return usable_names([str(name) for name in names])[0], tuple((int(a) - 1, int(b) - 1) for a, b in known)
    return (), ()


Images = dict[int | str, _CocoImage | None]  # by id; None for one that was left out


def _find_images(path: Path, entries: list[Any], problems: list[str]) -> Images:
    """The images whose files are there."""
    finder = picture_finder(path)
    images: Images = {}
    missing = ""
    for entry in entries:
        name = picture_name(entry)
        key = identity(entry.get("id")) if isinstance(entry, dict) else None
        if not name or key is None:
            problems.append(f"An entry of 'images' in {path.name} has no id or no file_name and was left out.")
        elif key in images:
            problems.append(f"{name} has the id of another image, {entry['id']}, and was left out.")
        else:
            images[key] = _find_image(finder, name, entry, problems)
            missing = missing or ("" if images[key] else name)
    if images and not any(images.values()):
        raise DataError(f"None of the {len(images)} images of {path} can be used: {finder.looked_for(missing)}.")
    problems += finder.remarks()
    return images


def picture_finder(path: Path) -> PictureFinder:
    """Looks for the images that a json file names."""
    return PictureFinder(_image_roots(path), below=set_folder(path), split=_split_of(path))


def _split_of(path: Path) -> str:
    """``val2017`` of ``annotations/instances_val2017.json``."""
    return path.stem.split("_")[-1]


def _image_roots(path: Path) -> list[Path]:
    """Folders that may hold the images of ``annotations/instances_val2017.json``, likeliest first."""
    folder = path.absolute().parent
    split = _split_of(path)  # COCO's own layout: val2017/ beside annotations/; that of others: images/val2017/
    roots = [place / "images" / split for place in (folder, folder.parent)]
    return [*roots, folder / "images", folder.parent / "images", folder, folder.parent / split, folder.parent]


def _find_image(finder: PictureFinder, name: str, entry: dict[str, Any], problems: list[str]) -> _CocoImage | None:
    """The image of ``entry``, without annotations yet."""
    file = finder.find(name)
    if file is None:
        problems.append(f"{name} is not there and was left out with its annotations.")
        return None
    try:
        shape, contradiction = drawn_shape(file, entry.get("height"), entry.get("width"), name)
    except DataError as error:
        problems.append(f"{name} was left out: {error}")
        return None
    problems += contradiction
    partial = {key: entry[key] for key in (ANNOTATED, NOT_EXHAUSTIVE, ABSENT) if key in entry}
    own_id = entry["id"]
    return _CocoImage(file, own_id if isinstance(own_id, int | str) else int(own_id), name, shape, partial=partial)


def _add_annotations(
    images: Images, entries: list[Any], labels: dict[int, int], num_keypoints: int, surface: str, problems: list[str]
) -> None:
    """Check each annotation and put what can be used of it into its image."""
    for entry in entries:
        image_id = identity(entry.get("image_id")) if isinstance(entry, dict) else None
        if image_id is None:
            problems.append(f"The annotation {str(entry)[:60]} names no image and was left out.")
            continue
        category = whole_number(entry.get("category_id"))
        image, label = images.get(image_id), None if category is None else labels.get(category)
        title = f"Annotation {entry.get('id', '(without id)')} of {image.file_name if image else image_id}"
        if image_id not in images:
            problems.append(f"{title}: there is no such image, so it was left out.")
        elif image is not None and label is None:
            given = str(entry.get("category_id"))[:40]
            problems.append(f"{title}: its category {given} is unknown, so it was left out.")
        elif image is not None and label is not None:
            annotation, faults = parse_annotation(entry, label, image.spatial_shape, num_keypoints, surface)
            problems += [f"{title}: {'; '.join(faults)}."] if faults else []
            image.annotations += [annotation] if annotation else []
