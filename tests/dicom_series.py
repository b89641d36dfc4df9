"""Small DICOM files for tests, written from an array and the affine that says where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid
from pydicom.valuerep import DSfloat

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_series(folder: Path, array: np.ndarray, affine: np.ndarray, **changes) -> list[Path]:
    """A file ``slice000.dcm`` ... for each slice of an array ``[Z, Y, X]`` of int16.

    Args:
        folder: is made.
        array: its x runs along rows, its y down columns.
        affine: from (x, y, z) to RAS+ millimetres; its columns are at right angles.
        changes: elements of every file by their keywords, such as ``RescaleSlope=2``; None leaves one out, and a
            function is called with the number of the slice.
    """
    folder.mkdir(parents=True, exist_ok=True)
    series, files = changes.pop("SeriesInstanceUID", None) or generate_uid(), []
    for k, pixels in enumerate(array):
        content = _described(MRImageStorage, pixels, series)
        content.InstanceNumber = k + 1
        content.ImageOrientationPatient, content.PixelSpacing = _in_plane(affine)
        content.ImagePositionPatient = _numbers(_position(affine, k))
        content.SliceThickness = _numbers([np.linalg.norm(affine[:3, 2])])[0]
        files.append(_save(folder / f"slice{k:03}.dcm", content, changes, k))
    return files


def write_multiframe(path: Path, array: np.ndarray, affine: np.ndarray, **changes) -> Path:
    """One file of many frames; arguments as :func:`write_series`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = _described(EnhancedMRImageStorage, array[0], generate_uid())
    content.NumberOfFrames, content.PixelData = len(array), array.astype("<i2").tobytes()
    orientation, spacing = _in_plane(affine)
    thickness = _numbers([np.linalg.norm(affine[:3, 2])])[0]
    content.SharedFunctionalGroupsSequence = _item(
        PlaneOrientationSequence=_item(ImageOrientationPatient=orientation),
        PixelMeasuresSequence=_item(PixelSpacing=spacing, SliceThickness=thickness),
        PixelValueTransformationSequence=_item(RescaleSlope=2, RescaleIntercept=-5, RescaleType="US"),
    )
    content.PerFrameFunctionalGroupsSequence = Items(
        _item(PlanePositionSequence=_item(ImagePositionPatient=_numbers(_position(affine, k))))[0]
        for k in range(len(array))
    )
    return _save(path, content, changes, 0)


def _described(kind: str, pixels: np.ndarray, series: str) -> Dataset:
    content = Dataset()
    content.file_meta = FileMetaDataset()
    content.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    content.SOPClassUID, content.SOPInstanceUID = kind, generate_uid()
    content.file_meta.MediaStorageSOPClassUID = kind
    content.file_meta.MediaStorageSOPInstanceUID = content.SOPInstanceUID
    content.Modality, content.SeriesInstanceUID, content.SeriesNumber = "MR", series, 1
    content.StudyInstanceUID, content.FrameOfReferenceUID = f"{series[:60]}.1", f"{series[:60]}.2"
    content.SeriesDescription = "made for a test"
    content.SamplesPerPixel, content.PhotometricInterpretation = 1, "MONOCHROME2"
    content.Rows, content.Columns = pixels.shape
    content.BitsAllocated, content.BitsStored, content.HighBit, content.PixelRepresentation = 16, 16, 15, 1
    content.PixelData = pixels.astype("<i2").tobytes()
    return content


def _save(path: Path, content: Dataset, changes: dict, k: int) -> Path:
    for name, value in changes.items():
        value = value(k) if callable(value) else value
        if value is None:
            delattr(content, name)
        else:
            setattr(content, name, value)
    content.save_as(path, enforce_file_format=True)
    return path


def _in_plane(affine: np.ndarray) -> tuple[list[DSfloat], list[DSfloat]]:
    """The directions of rows and columns, and the distance of rows and of columns."""
    axes = (RAS_TO_LPS @ affine)[:3, :2].T
    lengths = np.linalg.norm(axes, axis=1)
    return _numbers((axes / lengths[:, None]).ravel()), _numbers(lengths[::-1])


def _position(affine: np.ndarray, k: int) -> np.ndarray:
    return (RAS_TO_LPS @ affine @ [0, 0, k, 1])[:3]


def _numbers(values: Sequence[float]) -> list[DSfloat]:
    return [DSfloat(float(value), auto_format=True) for value in values]


def _item(**elements) -> Items:
    item = Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return Items([item])
