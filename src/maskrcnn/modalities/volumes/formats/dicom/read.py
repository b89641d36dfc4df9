"""DICOM: a series of slices, each a file of its own, or one file of many frames; sorted by where the slices lie."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_folder, why_missing
from maskrcnn.modalities.volumes.formats.dicom.about import files_in
from maskrcnn.modalities.volumes.formats.dicom.mosaic import cut_tiles
from maskrcnn.modalities.volumes.formats.dicom.series import Image, by_series, images_of, slices_of
from maskrcnn.modalities.volumes.orientation import turn_to_canonical
from maskrcnn.modalities.volumes.slices import Slice, in_order, stack_affine
from maskrcnn.modalities.volumes.volume import FileSpace, LabelVolume, Volume, extra
from maskrcnn.modalities.volumes.voxels import Voxels, check_voxels, labels_of, reading, volume_of

INVERTED = "MONOCHROME1"  # the lowest value is white


def read(path: Path) -> Volume:
    """The volume: of a folder the one series in it, of a file its series among the files of its folder.

    Slices are put in order by their positions; each file's slope and intercept is applied, and MONOCHROME1 is inverted
    (its darkest stored value becomes its brightest). The distance of slices follows from their positions, that of a
    single slice from its thickness. ``space.header`` has ``series`` (the UID) and ``description``.

    Raises:
        DataError: several series, a missing slice, uneven distances, two slices at one place, several sizes or
            directions, colours, no positions, pixels that cannot be decoded, a file that is cut off.
        UsageError: pydicom is not installed.
    """
    return volume_of(path, _open(path))


def read_labels(path: Path) -> LabelVolume:
    """The label map that is stored as a series of slices.

    Raises:
        DataError: as :func:`read`, and for what is no whole number from 0.
        UsageError: pydicom is not installed.
    """
    return labels_of(path, _open(path))


def series_in(folder: Path) -> list[Path]:
    """One file for each series of images that lies in ``folder`` itself, or the folder where it holds exactly one.

    A file that cannot be read is no series of its own; reading the series beside it names it.

    Raises:
        UsageError: pydicom is not installed.
    """
    files = files_in(folder)
    images, broken = [], False
    for file in files:
        try:
            images += images_of([file])
        except DataError:
            broken = True
    scans = [image for image in images if not image.is_segmentation]
    series = by_series(scans or images)
    if len(series) > 1:
        return [members[0].path for members in series.values()]
    return [folder] if series or broken else []


def _open(path: Path) -> Voxels:
    images = _series_of(path)
    ordered = in_order(path, [one for image in images for one in slices_of(image)])
    shape = (len(ordered), *ordered[0].shape)
    check_voxels(path, shape, np.dtype(np.int32), lambda: sum(image.path.stat().st_size for image in images))
    affine = stack_affine(ordered)
    turn, turned, spacing = turn_to_canonical(affine, shape, path)
    samples = np.empty([shape[axis] for axis in turn.axes], dtype=np.float32)
    notes = _fill(turn.undo(samples), ordered)  # a view, so that the slices are written where they end up
    if len(ordered) == 1 and not ordered[0].thickness:
        notes.append(f"{path} is one slice that does not say how thick it is; 1 mm was taken.")
    header = {"series": images[0].series, "description": str(images[0].header.get("SeriesDescription") or "")}
    space = FileSpace("dicom", shape, turn, affine, header)
    return Voxels(samples[None], space, spacing, turned, notes=tuple(notes))


def _series_of(path: Path) -> list[Image]:
    """The images of the series that ``path`` names."""
    if not exists(path):
        raise DataError(why_missing(path))
    if not is_folder(path):
        named = images_of([path])
        if not named:
            raise DataError(
                f"{path} holds no image but a report, a plan or a directory of files; name a slice instead."
            )
        if named[0].is_segmentation:
            raise _segmentation(path)
        others = images_of(file for file in files_in(path.parent) if file.name != path.name)
        return named + [image for image in others if image.series == named[0].series]
    found = images_of(files_in(path))
    images = [image for image in found if not image.is_segmentation]
    if found and not images:
        raise _segmentation(found[0].path)
    series = by_series(images)
    if len(series) > 1:
        listed = "; ".join(
            f"{members[0].title} ({len(members)} files, such as {members[0].path.name})" for members in series.values()
        )
        raise DataError(f"{path} holds {len(series)} series: {listed}. Name one of these files to choose its series.")
    if not images:
        raise DataError(f"{path} holds no DICOM images; name the folder of a series, or one of its files.")
    return images


def _segmentation(path: Path) -> DataError:
    return DataError(
        f"{path} is a segmentation (DICOM SEG), no scan; name the scan, or convert it to a NIfTI label volume, such as "
        "with dcmqi's segimage2itkimage."
    )


def _fill(target: np.ndarray, ordered: Sequence[Slice]) -> list[str]:
    """Write the slices into ``target`` ``[slice, row, column]``, file by file. Returns notes."""
    inverted = 0
    for file, numbers in groupby(range(len(ordered)), key=lambda k: ordered[k].file):
        frames, turned_round = _frames(file, ordered[0].shape)
        inverted += turned_round
        for k in numbers:
            slope, intercept = ordered[k].scale
            if ordered[k].frame >= len(frames):
                raise DataError(f"{file} has {len(frames)} frames but describes more; export it again.")
            target[k] = frames[ordered[k].frame] * np.float64(slope) + np.float64(intercept)
    folder = ordered[0].file.parent
    return [f"{folder}: {inverted} files show low values as white (MONOCHROME1) and were inverted."] if inverted else []


def _frames(path: Path, shape: tuple[int, int]) -> tuple[np.ndarray, bool]:
    """The stored values ``[N, rows, columns]``, and whether they had to be inverted."""
    pydicom = extra("pydicom", "DICOM files")
    with reading(path, "DICOM"):
        content = pydicom.dcmread(path, force=True)
        if not any(name in content for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
            raise DataError(f"{path} is cut off before its pixels; copy or export it again.")
        if not content.file_meta.get("TransferSyntaxUID"):
            content.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        _check_decoder(path, content)
        stored: np.ndarray = content.pixel_array
        tiled = stored.ndim == len(shape) and stored.shape != shape
        frames = cut_tiles(stored, shape) if tiled else stored.reshape(-1, *shape)
        if content.get("PhotometricInterpretation") != INVERTED:
            return frames, False
        return _inverted(frames, content), True


def _inverted(frames: np.ndarray, content: Any) -> np.ndarray:
    """The same range of stored values, the other way round."""
    if frames.dtype.kind == "f":
        return -frames
    signed = int(content.get("PixelRepresentation") or 0)
    top = -1 if signed else 2 ** int(content.get("BitsStored") or content.BitsAllocated) - 1
    return top - frames.astype(np.int32)


def _check_decoder(path: Path, content: Any) -> None:
    syntax = content.file_meta.TransferSyntaxUID
    if not syntax.is_compressed:
        return
    pixels = extra("pydicom.pixels", "DICOM files")
    try:
        able = pixels.get_decoder(syntax).is_available
    except NotImplementedError:
        able = False
    if not able:
        raise DataError(
            f"{path} is compressed as {syntax.name}, which cannot be decoded here; pip install 'pylibjpeg[all]', or "
            "export it uncompressed."
        )
