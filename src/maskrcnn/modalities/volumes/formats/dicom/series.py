"""DICOM files: which files of a folder are some, to which series each belongs, and where its slices lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.formats.dicom.mosaic import is_mosaic, tiles_of
from maskrcnn.modalities.volumes.slices import Slice
from maskrcnn.modalities.volumes.volume import extra
from maskrcnn.modalities.volumes.voxels import reading

TAGS = (
    "SOPClassUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "FrameOfReferenceUID", "Rows", "Columns",
    "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "ImagePositionPatient", "ImageOrientationPatient",
    "PixelSpacing", "SliceThickness", "SpacingBetweenSlices", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ImageType", "GridFrameOffsetVector",
    "DoseGridScaling",
)  # fmt: skip
SEGMENTATIONS = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
GREY = ("MONOCHROME1", "MONOCHROME2")


@dataclass(frozen=True)
class Image:
    """A DICOM file that holds an image: its path, the dataset without its pixels, and what tells its series."""

    path: Path
    header: Any
    series: str
    title: str

    @property
    def is_segmentation(self) -> bool:
        """Whether it says of a scan which voxels are what."""
        return str(self.header.get("SOPClassUID")) in SEGMENTATIONS


def images_of(files: Iterable[Path]) -> list[Image]:
    """The files that hold images; reports, plans and directories are passed over.

    Raises:
        DataError: for a file that is cut off or is no DICOM file.
    """
    return [image for image in map(_image, files) if image is not None]


def by_series(images: Sequence[Image]) -> dict[str, list[Image]]:
    """The images of each series, in the order in which the series first come."""
    found: dict[str, list[Image]] = {}
    for image in images:
        found.setdefault(image.series, []).append(image)
    return found


def slices_of(image: Image) -> list[Slice]:
    """The slices of one file: one, or its frames.

    Raises:
        DataError: colours, no position, no size of pixels.
    """
    with reading(image.path, "DICOM"):
        header = image.header
        kind = str(header.get("PhotometricInterpretation", GREY[1]))
        if int(header.get("SamplesPerPixel") or 1) > 1 or kind not in GREY:
            raise DataError(f"{image.path} holds colours ({kind}), no scan; leave it out.")
        if "ModalityLUTSequence" in header:
            raise DataError(f"{image.path} gives its values by a table; export it with a slope and an intercept.")
        count = int(header.get("NumberOfFrames") or 1)
        if header.get("SOPClassUID") == DOSE:
            return _dose_slices(image, count)
        frames = header.get("PerFrameFunctionalGroupsSequence")
        if not frames:
            if count > 1:
                raise DataError(f"{image.path} has {count} frames without positions; export it as a series of slices.")
            only = _slice(image, 0, image.path.name, [header])
            return tiles_of(image.path, only) if is_mosaic(header) else [only]
        if len(frames) != count:
            raise DataError(f"{image.path} has {count} frames but describes {len(frames)}; export it again.")
        shared = list(header.get("SharedFunctionalGroupsSequence") or ())
        several = count > 1 and f"{image.path.name} frame "
        return [
            _slice(image, k, f"{several}{k + 1}" if several else image.path.name, [frame, *shared, header])
            for k, frame in enumerate(frames)
        ]


def _dose_slices(image: Image, count: int) -> list[Slice]:
    """The planes of a dose: where its frames lie is a vector of offsets, its values have a scale of their own.

    Offsets from 0 run along the normal of the first plane; others are z itself (PS3.3 C.8.8.3.2).
    """
    header = image.header
    vector = header.get("GridFrameOffsetVector")
    offsets = np.atleast_1d(np.array([0.0] if vector is None else vector, dtype=np.float64))
    scale = float(header.get("DoseGridScaling") or np.nan)
    if len(offsets) != count or not np.isfinite(offsets).all() or not np.isfinite(scale):
        raise DataError(f"{image.path} is a dose without a scale, or without the place of each plane; export it again.")
    first = _slice(image, 0, f"{image.path.name} plane 1", [header])
    along = first.normal if offsets[0] == 0 else np.array([0.0, 0.0, 1.0])
    return [
        replace(
            first,
            frame=k,
            name=f"{image.path.name} plane {k + 1}",
            position=first.position + along * offset,
            scale=(scale, 0.0),
        )
        for k, offset in enumerate(offsets - offsets[0])
    ]


def _image(path: Path) -> Image | None:
    pydicom = extra("pydicom", "DICOM files")
    with reading(path, "DICOM"):
        with path.open("rb") as file:
            header = pydicom.dcmread(file, stop_before_pixels=True, force=True, specific_tags=list(TAGS))
            at_end = file.tell() >= path.stat().st_size
        kind = pydicom.uid.UID(header.file_meta.get("MediaStorageSOPClassUID") or header.get("SOPClassUID") or "")
        if kind == pydicom.uid.MediaStorageDirectoryStorage:
            return None
        if not header.get("SOPClassUID"):
            raise DataError(f"{path} is no DICOM file, or is cut off; copy it again or leave it out.")
        inflated = header.file_meta.get("TransferSyntaxUID") == pydicom.uid.DeflatedExplicitVRLittleEndian
        if at_end and not inflated and ("Rows" in header or "Image Storage" in kind.name):
            raise DataError(f"{path} is cut off before its pixels; copy or export it again.")
        if "Rows" not in header:
            return None
        number, text = (str(header.get(name) or "").strip() for name in ("SeriesNumber", "SeriesDescription"))
        title = " ".join(part for part in (number, f"'{text}'" if text else "") if part) or "without a name"
        return Image(path, header, str(header.get("SeriesInstanceUID") or ""), title)


def _slice(image: Image, frame: int, name: str, groups: Sequence[Any]) -> Slice:
    """``groups``: the frame's own, those of all frames, and the file; the first that says something counts."""
    position = _said(groups, "PlanePositionSequence", "ImagePositionPatient")
    orientation = _said(groups, "PlaneOrientationSequence", "ImageOrientationPatient")
    pixel = _said(groups, "PixelMeasuresSequence", "PixelSpacing")
    if position is None or orientation is None:
        raise DataError(
            f"{image.path} does not say where it lies (no {'position' if position is None else 'orientation'}): it is "
            "no slice of a volume; leave it out."
        )
    if pixel is None or len(pixel) != 2:
        raise DataError(f"{image.path} does not say how large its pixels are; export it with PixelSpacing.")
    values = np.array([*position, *orientation, *pixel], dtype=np.float64)
    if len(values) != 11 or not np.isfinite(values).all() or not values[9:].min() > 0:
        raise DataError(f"{image.path} has a position, orientation or size of pixels that is none; export it again.")
    directions = values[3:9].reshape(2, 3)
    lengths = np.linalg.norm(directions, axis=1)
    if np.abs(lengths - 1).max() > 0.01 or abs(directions[0] @ directions[1]) > 0.01:
        raise DataError(f"{image.path} has rows and columns that are not at right angles; export it again.")
    thickness, between, slope, intercept = (
        _said(groups, *names)
        for names in (
            ("PixelMeasuresSequence", "SliceThickness"),
            ("PixelMeasuresSequence", "SpacingBetweenSlices"),
            ("PixelValueTransformationSequence", "RescaleSlope"),
            ("PixelValueTransformationSequence", "RescaleIntercept"),
        )
    )
    return Slice(
        file=image.path,
        frame=frame,
        name=name,
        position=values[:3],
        directions=directions / lengths[:, None],
        shape=(int(image.header.Rows), int(image.header.Columns)),
        pixel=(float(values[9]), float(values[10])),
        thickness=abs(float(thickness or between or 0)),
        scale=(1.0 if slope is None else float(slope), float(intercept or 0)),
    )


def _said(groups: Sequence[Any], sequence: str, name: str) -> Any:
    """The value in the first group that has it, in the sequence of a multi-frame file or directly."""
    for group in groups:
        items = group.get(sequence)
        value = items[0].get(name) if items else group.get(name)
        if value is not None and value != "":
            return value
    return None
