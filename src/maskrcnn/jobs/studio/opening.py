"""What a studio opens: labels that are edited where they lie, a bare folder, or labels that are saved as COCO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.data.dataset import Dataset
from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import exists, is_file, is_folder
from maskrcnn.jobs.studio.options import LABELS
from maskrcnn.modalities.images.labels.editable import (
    CROWD,
    Classes,
    Editable,
    EditableImage,
    EditedImage,
    EditedObject,
    LabelledObject,
    MaskWindow,
    Shape,
    Written,
)
from maskrcnn.modalities.images.labels.formats import written_formats
from maskrcnn.modalities.images.open import find_labels
from maskrcnn.modalities.images.read.find import find_images
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.table import kinds

COCO = "coco"


@dataclass(frozen=True)
class Opened:
    """Labels that can be edited.

    Attributes:
        labels: of all images.
        form: the format in which they are saved, as its users say it.
        was: the format that was found, where another one is saved.
    """

    labels: Editable
    form: str
    was: str = ""


def open_labels(data: Path, folder: Path, saved: Path | None) -> Opened:
    """Open what a user names.

    Args:
        data: a folder of images, or labels of any format.
        folder: that is opened, of ``data`` or around it.
        saved: labels that a studio saved before, in the place of those that were found.

    Returns:
        The labels, with the images of the folder that they do not name behind them.

    Raises:
        DataError: they cannot be read, or there is no image.
        UsageError: they are no labels of images.
    """
    opened = _open(data, folder, saved)
    labels = opened.labels
    known = {image.path.absolute() for image in labels.images}
    if is_folder(data):
        listed = [path for path in find_images(folder) if path.absolute() not in known]
        named = {image.name for image in labels.images}
        found = [EditableImage(path, path.relative_to(folder).as_posix()) for path in listed]
        labels.images += [image for image in found if image.name not in named]  # the journal knows them by their names
    if not labels.images:
        raise DataError(f"There is no image in {folder}: put some there, or name another folder.")
    return opened


def _open(data: Path, folder: Path, saved: Path | None) -> Opened:
    coco = written_formats()[COCO]
    place = folder / LABELS
    if saved is not None and is_file(saved):
        return Opened(coco.load("edit", "open_content")(saved), coco.short)
    found = None if not exists(data) else find_labels(data)
    editable = found.load("edit") if found is not None and found.known.has("edit") else None
    if found is not None and editable is not None:
        return Opened(editable, found.known.short)
    if found is None and is_folder(data):
        return Opened(coco.load("edit", "new_file")(place), coco.short)
    dataset = open_dataset(data)
    kind = kinds()[dataset.kind]
    if not kind.is_picture:
        raise UsageError(f"Each file in {data} is {kind.words}, and what is labelled in the browser is images.")
    if dataset.has_class_maps:
        raise UsageError(f"{data} has class maps, which are not edited here yet: its images can be labelled alone.")
    if is_file(place):
        raise UsageError(f"{place} is there already, where the labels of {data} would be saved: move it away.")
    was = found.known.short if found is not None else "these labels"
    return Opened(ConvertedLabels(dataset, coco.load("edit", "new_file")(place)), coco.short, was)


class ConvertedLabels:
    """Labels of a format that is not edited where it lies: the first time that they are saved, all become COCO.

    Args:
        dataset: as it was read.
        coco: the file that is written.
    """

    def __init__(self, dataset: Dataset, coco: Editable) -> None:
        self._dataset, self._coco, self._is_whole = dataset, coco, False
        self.path, self.problems, self.limits = coco.path, list(dataset.problems), coco.limits
        self.classes = Classes(dataset.class_names, dataset.keypoint_names, dataset.skeleton)
        self.images: list[EditableImage] = []
        for index in range(len(dataset)):
            record, folder = dataset[index], coco.path.parent.absolute()
            path = Path(record.source).absolute()
            name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else record.file_name
            shape = record.spatial_shape
            size = None if shape is None else (shape[0], shape[1])
            self.images.append(EditableImage(path, name, size, True, None, len(record)))
        self._count = len(self.images)
        self.first_id = 1 + sum(image.objects for image in self.images)

    def read(self, index: int, shape: Shape) -> list[EditedObject]:
        """The objects of an image, see :class:`Editable`."""
        if index >= self._count:
            return []
        record = self._dataset[index]
        crowd = [False] * len(record) if record.crowd is None else record.crowd.tolist()
        first = 1 + sum(image.objects for image in self.images[:index])
        found = []
        for i in range(len(record)):
            mask = None if record.regions is None else MaskWindow.of_regions(record.regions, i)
            x1, y1, x2, y2 = record.boxes[i].astype(float).tolist()
            points = () if record.keypoints is None else record.keypoints[i].tolist()
            keypoints = tuple((x, y, int(v)) for x, y, v in points) if any(v for _, _, v in points) else ()
            name = self.classes.names[int(record.labels[i]) - 1]
            marks = frozenset({CROWD} if crowd[i] else set())
            drawn = LabelledObject(first + i, name, (x1, y1, x2, y2), mask, (), keypoints, marks)
            found.append(EditedObject(drawn))
        return found

    def write(self, images: Mapping[int, EditedImage], classes: Classes) -> Written:
        """Write the COCO file, see :class:`Editable`."""
        self._coco.images = self.images  # the same list: it learns which of them have a number
        whole: dict[int, EditedImage] = dict(images)
        if not self._is_whole:
            for index in range(self._count):
                shape = self.images[index].shape
                if index not in whole and shape is not None:
                    whole[index] = EditedImage(self.read(index, shape), shape)
        written = self._coco.write(dict(sorted(whole.items())), classes)
        self._is_whole = True
        return written
