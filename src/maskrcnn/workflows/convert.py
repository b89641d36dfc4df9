"""A labelled data set from one format into another."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from maskrcnn.data.images import image_shape
from maskrcnn.data.records import Dataset
from maskrcnn.data.writers import coco, label_maps, labelme, yolo
from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import LONGEST_NAME, atomic_write, resolved, shortened
from maskrcnn.structures import Record
from maskrcnn.workflows.checks import new_folder
from maskrcnn.workflows.kinds import KINDS

LONGEST_ENDING = 16  # bytes that are left for what follows a stem: a number and .json

Writer = Callable[[Dataset, Iterable[tuple[Record, str]], Path], Counter[str]]
WRITERS: dict[str, tuple[str, Writer]] = {  # the folder of the images in the result, who writes the labels
    "coco": (coco.IMAGE_FOLDER, coco.write_coco),
    "yolo": (yolo.IMAGE_FOLDER, yolo.write_yolo),
    "labelme": (labelme.IMAGE_FOLDER, labelme.write_labelme),
    "label-maps": (label_maps.IMAGE_FOLDER, label_maps.write_label_maps),
}


@dataclass
class Conversion:
    """What became of a data set.

    Attributes:
        images, objects: how many were read and handed to the writer.
        lost: what the format cannot hold, in words, and how often.
        failures: a sentence for each image that was left out.
    """

    images: int = 0
    objects: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def convert(
    data: Dataset, out: Path, to: str, link: bool = False, report: Callable[[int], None] = lambda done: None
) -> Conversion:
    """Write ``data`` into the folder ``out`` in the format ``to``, one of :data:`WRITERS`, with its images.

    Args:
        data: whose images are read one at a time.
        out: an empty folder, or one that is not there yet.
        to: the format.
        link: the images' files get second names instead of copies, where the file system has that.
        report: called with the number of images done so far.

    Raises:
        UsageError: ``out`` holds something already, or the data are no pictures.
        DataError: not one image can be used, or none of the data can be held by the format.
    """
    new_folder(out, "the converted data")
    if data.kind != "image":
        raise UsageError(f"Each file in {data.path} is {KINDS[data.kind].name}, and these formats hold pictures only.")
    folder, write = WRITERS[to]
    done = Conversion()
    done.lost = write(data, _bring(data, out / folder, link, done, report), out)
    if not done.images:
        first = done.failures[0] if done.failures else "it holds none."
        raise DataError(f"{data.path}: none of its images can be converted; the first fault: {first}")
    return done


def _bring(
    data: Dataset, folder: Path, link: bool, done: Conversion, report: Callable[[int], None]
) -> Iterator[tuple[Record, str]]:
    """Each record and the name in ``folder`` under which its image lies from now on; stems are unique there."""
    taken: set[str] = set()
    for index in range(len(data)):
        try:
            record = data[index]
            name = _free_name(Path(record.source), taken)
            name = _bring_image(data, record, folder / name, link).name
        except DataError as error:
            done.failures.append(str(error))
            continue
        except OSError as error:
            where = error.filename or data.path
            done.failures.append(f"{where} could not be copied ({error.strerror or error}); free some space.")
            continue
        done.images += 1
        done.objects += len(record)
        yield record, name
        report(index + 1)


def _free_name(source: Path, taken: set[str]) -> str:
    """The file's own name, or one with a number where an earlier image has its stem."""
    own = shortened(source.stem, LONGEST_NAME - LONGEST_ENDING)
    stem, number = own, 1
    while stem.lower() in taken:
        number += 1
        stem = f"{own}-{number}"
    taken.add(stem.lower())
    return stem + source.suffix


def _bring_image(data: Dataset, record: Record, path: Path, link: bool) -> Path:
    """Copy the image. One whose labels were drawn on it unturned is written anew, so that all formats agree on it."""
    source = Path(record.source)
    if image_shape(source) != record.spatial_shape:
        pixels = data.read_image(record).permute(1, 2, 0).numpy().astype(np.uint8)
        path = path.with_suffix(".png")
        with atomic_write(path) as temporary:
            Image.fromarray(pixels).save(temporary)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    if not (link and _linked(source, path)):
        with atomic_write(path) as temporary:
            shutil.copyfile(source, temporary)
    return path


def _linked(source: Path, path: Path) -> bool:
    try:
        os.link(resolved(source), path)
    except OSError:
        return False
    return True
