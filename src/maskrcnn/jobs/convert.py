"""Converts a labelled data set from one format into another."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from maskrcnn.checks import new_folder
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.parsing.size_limit import at_most
from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import LONGEST_NAME, atomic_write, resolved, shortened
from maskrcnn.jobs.events import DataFaults, Note, Progress, Tell, tell_nobody
from maskrcnn.jobs.options.convert import TRACKS, ConvertOptions
from maskrcnn.jobs.sequences.convert import convert_tracks
from maskrcnn.modalities.images.labels.folders import lies_outside
from maskrcnn.modalities.images.labels.formats import written_formats
from maskrcnn.modalities.images.read.find import is_image
from maskrcnn.modalities.images.read.pictures import image_shape, open_header
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.table import kinds
from maskrcnn.structures import Record

Writer = Callable[[Dataset, Iterable[tuple[Record, str]], Path], Counter[str]]
LONGEST_ENDING = 16  # bytes that are left for what follows a stem: a number and .json


RENAMED = "pictures that got another name, because theirs is no text or their suffix is not that of a picture"
SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "BMP": ".bmp", "GIF": ".gif", "TIFF": ".tif", "WEBP": ".webp"}


@dataclass
class Conversion:
    """What became of a data set.

    Attributes:
        images, objects: how many were read and handed to the writer.
        lost: what the format cannot hold, in words, and how often.
        failures: a sentence for each image that was left out.
        class_names: of the data.
        has_masks: whether the objects have masks, and not only boxes.
        noun: what ``images`` are.
    """

    images: int = 0
    objects: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    class_names: tuple[str, ...] = ()
    has_masks: bool = False
    noun: str = "image"


def convert(options: ConvertOptions, tell: Tell = tell_nobody) -> Conversion:
    """Write labelled data in another format, with their images.

    Args:
        options: the data, the format, and what becomes of the pictures.
        tell: is given what is wrong with the data, :class:`Progress`, and a :class:`Note` for what the format cannot
            hold.

    Returns:
        What was written, and a sentence for each image that was left out.

    Raises:
        UsageError: the folder holds something already, or the data are no pictures.
        DataError: the data cannot be read, or the format can hold none of them.
    """
    options.check()
    if options.to in TRACKS:
        return _convert_tracks(options, tell)
    with at_most(options.max_pixels):
        data = open_dataset(options.data)
        tell(DataFaults((options.data,), tuple(data.problems)))
        done = convert_dataset(data, options.out, options.to, options.link, options.outside, tell)
    for what, count in sorted(done.lost.items()):
        tell(Note(f"note: {count} {what}."))
    return done


def _convert_tracks(options: ConvertOptions, tell: Tell) -> Conversion:
    videos = convert_tracks(options.data, options.out, options.to, tell)
    tracks = [track for video in videos for track in video.tracks]
    classes = tuple(dict.fromkeys(track.name for track in tracks))
    masked = any(place.mask is not None for track in tracks for place in track.places.values())
    return Conversion(len(videos), len(tracks), class_names=classes, has_masks=masked, noun="video")


def convert_dataset(
    data: Dataset,
    out: Path,
    to: str,
    link: bool = False,
    outside: bool = False,
    tell: Tell = tell_nobody,
) -> Conversion:
    """Write ``data`` into the folder ``out`` in the format ``to``, one of ``written_formats()``, with its images.

    Args:
        data: whose images are read one at a time.
        out: an empty folder, or one that is not there yet.
        to: the format.
        link: the images' files get second names instead of copies, where the file system has that.
        outside: take along pictures that lie outside the folder of their labels, which are left out otherwise: a label
            file may name any file of this machine.
        tell: is given :class:`Progress` after each image.

    Returns:
        What was written, and a sentence for each image that was left out.

    Raises:
        UsageError: ``out`` holds something already, or the data are no pictures.
        DataError: not one image can be used, or none of the data can be held by the format.
    """
    new_folder(out, "the converted data")
    kind = kinds()[data.kind]
    if not kind.is_picture:
        raise UsageError(f"Each file in {data.path} is {kind.words}, and these formats hold pictures only.")
    if not data.class_names:
        raise DataError(f"{data.path} has no object of any class, so there is nothing to convert.")
    target = written_formats()[to]
    write: Writer = target.load("write", "write")
    done = Conversion(class_names=data.class_names, has_masks=data.has_masks)
    copier = _Copier(data, out / target.load("write", "IMAGE_FOLDER"), link, outside)
    lost = write(data, copier.bring(done, tell), out)
    done.lost = lost + +copier.renamed
    if not done.images:
        first = done.failures[0] if done.failures else "it holds none."
        raise DataError(f"{data.path}: none of its images can be converted; the first fault: {first}")
    return done


class _Copier:
    """Brings images to where the labels will look for them.

    Args:
        data: whose images are brought.
        folder: for the images.
        link: second names instead of copies.
        outside: also images that lie outside the folder of their labels.
    """

    def __init__(self, data: Dataset, folder: Path, link: bool, outside: bool) -> None:
        self.data, self.folder, self.link, self.outside = data, folder, link, outside
        self.renamed: Counter[str] = Counter()
        self._taken: set[str] = set()

    def bring(self, done: Conversion, tell: Tell) -> Iterator[tuple[Record, str]]:
        """Each record and the name in the folder under which its image lies from now on; stems are unique there."""
        for index in range(len(self.data)):
            try:
                record = self.data[index]
                name = self._bring_image(record)
            except DataError as error:
                done.failures.append(str(error))
                continue
            except OSError as error:
                where = error.filename or self.data.path
                done.failures.append(f"{where} could not be copied ({error.strerror or error}); free some space.")
                continue
            done.images += 1
            done.objects += len(record)
            yield record, name
            tell(Progress("converting", index + 1, len(self.data)))

    def _bring_image(self, record: Record) -> str:
        """Copy the image. One whose labels were drawn on it unturned is written anew, so that all formats agree on it;
        so is one under whose name and content it would not be found again."""
        source = Path(record.source)
        if not self.outside and lies_outside(source, self.data.path):
            raise DataError(
                f"{source} lies outside the folder of its labels and was left out; --outside takes such pictures along."
            )
        is_turned = image_shape(source) != record.spatial_shape
        path = self.folder / self._free_name(source, ".png" if is_turned else picture_suffix(source))
        if is_turned:
            pixels = self.data.read_image(record).permute(1, 2, 0).numpy().astype(np.uint8)
            with atomic_write(path) as temporary:
                Image.fromarray(pixels).save(temporary)
            return path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (self.link and _linked(source, path)):
            with atomic_write(path) as temporary:
                shutil.copyfile(source, temporary)
        return path.name

    def _free_name(self, source: Path, suffix: str) -> str:
        """The file's own name as far as it is text, or one with a number where an earlier image has its stem."""
        text, number = plain_text(source.stem), 1
        own = shortened(text, LONGEST_NAME - LONGEST_ENDING)
        self.renamed[RENAMED] += text != source.stem or suffix != source.suffix
        stem = own
        while stem.lower() in self._taken:
            number += 1
            stem = f"{own}-{number}"
        self._taken.add(stem.lower())
        return stem + suffix


def plain_text(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8 are taken for Latin-1, as older systems wrote names."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(name).decode("latin-1")
    return name


def picture_suffix(source: Path) -> str:
    """The file's own suffix, or, where folders of pictures are not searched for such files, that of its content."""
    if is_image(source):
        return source.suffix
    with open_header(source) as image:
        suffix = SUFFIXES.get(image.format or "")
    if suffix is None:
        raise DataError(f"{source} is a picture of a kind that is rarely read; save it as PNG.")
    return suffix


def _linked(source: Path, path: Path) -> bool:
    try:
        os.link(resolved(source), path)
    except OSError:
        return False
    return True
