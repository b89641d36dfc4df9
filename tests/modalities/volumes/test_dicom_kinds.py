"""DICOM that is no plain series of slices: mosaics, doses, segmentations, and names that scanners give."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.find import find_volumes
from maskrcnn.modalities.volumes.read import read_label_volume, read_volume

pydicom = pytest.importorskip("pydicom")
nibabel = pytest.importorskip("nibabel")
wrappers = pytest.importorskip("nibabel.nicom.dicomwrappers")
from dicom_series import write_series  # noqa: E402

AFFINE = np.array([[0.9, 0, 0, 10], [0, 1.1, 0, 20], [0, 0, 2.5, 30], [0, 0, 0, 1.0]])
VALUES = np.random.default_rng(0).integers(0, 900, (5, 6, 7)).astype(np.int16)
SIEMENS = Path(nibabel.__file__).parent / "nicom/tests/data/siemens_dwi_0.dcm.gz"


@pytest.mark.parametrize("name", ["MR.{:04}.MR", "IM{:03}.img", "1.2.840.{}.MRDC", "{:03}.v2", "scan.{:03}", "I{}"])
def test_the_mark_counts_not_the_suffix(tmp_path, name):
    files = write_series(tmp_path / "series", VALUES, AFFINE)
    expected = read_volume(tmp_path / "series").samples
    for k, file in enumerate(files):
        file.rename(file.with_name(name.format(k)))
    (tmp_path / "series" / "notes.dat").write_text("no DICOM")
    assert find_volumes(tmp_path) == [tmp_path / "series"]
    assert read_volume(tmp_path / "series").samples.equal(expected)


def change(path, **fields):
    content = pydicom.dcmread(path)
    for name, value in fields.items():
        setattr(content, name, value)
    content.file_meta.MediaStorageSOPClassUID = content.SOPClassUID
    content.save_as(path)
    return path


def dose(folder, offsets, scale="2e-3", orientation=(1, 0, 0, 0, 1, 0)):
    [path] = write_series(folder, VALUES[:1], AFFINE)
    return change(
        path, SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2", NumberOfFrames=len(offsets), GridFrameOffsetVector=offsets,
        DoseGridScaling=scale, PixelData=VALUES[: len(offsets)].tobytes(), ImageOrientationPatient=list(orientation),
        FrameIncrementPointer=0x3004000C, ImagePositionPatient=[-10, -20, 30],
    )  # fmt: skip


@pytest.mark.parametrize("offsets", [[0, 2, 4, 6, 8], [30, 32, 34, 36, 38]])
def test_a_dose_lies_at_its_offsets_and_has_its_scale(tmp_path, offsets):
    """PS3.3 C.8.8.3.2: offsets from 0 are relative to the first plane, others are z."""
    volume = read_volume(dose(tmp_path / "d", offsets))
    assert volume.spacing == pytest.approx((0.9, 1.1, 2.0)) and volume.samples.shape == (1, 5, 6, 7)
    assert volume.affine[2, 3] == pytest.approx(30)
    assert float(volume.samples.max()) == pytest.approx(VALUES.max() * 0.002, rel=1e-6)


@pytest.mark.parametrize("changes", [
    {"offsets": [0, 2, 4, 6, "1e300"]}, {"offsets": [0, 2, 4, 6, 8], "scale": "1e400"}, {"offsets": [0, 0, 0, 0, 0]},
])  # fmt: skip
def test_a_dose_that_lies_nowhere_is_refused(tmp_path, changes):
    with pytest.raises(DataError, match=str(tmp_path)):
        read_volume(dose(tmp_path / "d", **changes))


def test_a_dose_without_the_place_of_each_plane_is_refused(tmp_path):
    path = dose(tmp_path / "d", [0, 2, 4])
    change(path, GridFrameOffsetVector=[0, 2])
    with pytest.raises(DataError, match="a dose without a scale, or without the place of each plane"):
        read_volume(path)


def test_a_segmentation_is_no_scan(tmp_path):
    write_series(tmp_path / "series", VALUES, AFFINE)
    [path] = write_series(tmp_path / "seg", VALUES[:1], AFFINE)
    change(path, SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4")
    for read in (read_volume, read_label_volume):
        for named in (path, path.parent):
            with pytest.raises(DataError, match=r"is a segmentation \(DICOM SEG\), no scan"):
                read(named)
    path.rename(tmp_path / "series" / "seg.dcm")
    assert find_volumes(tmp_path / "series") == [tmp_path / "series"]
    assert read_volume(tmp_path / "series").samples.shape == (1, 5, 6, 7)


@pytest.mark.skipif(not SIEMENS.is_file(), reason="nibabel without its test data")
def test_a_mosaic_is_cut_into_its_slices_where_nibabel_has_them(tmp_path):
    path = tmp_path / "a.dcm"
    path.write_bytes(gzip.decompress(SIEMENS.read_bytes()))
    mosaic = wrappers.wrapper_from_file(path)
    affine = np.diag([-1, -1, 1, 1]) @ mosaic.affine
    expected = nibabel.as_closest_canonical(nibabel.Nifti1Image(mosaic.get_data().astype(np.float32), affine))
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.samples[0].numpy(), expected.get_fdata().T)
    np.testing.assert_allclose(volume.affine, expected.affine, atol=1e-3)


def test_a_mosaic_that_does_not_say_how_many_slices_it_holds_is_refused(tmp_path):
    [path] = write_series(tmp_path / "m", VALUES[:1], AFFINE)
    change(path, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])
    with pytest.raises(DataError, match="Siemens mosaic that does not say how many slices"):
        read_volume(path)


@pytest.mark.parametrize("field, value", [
    ("PixelSpacing", ["1e300", "1e300"]), ("PixelSpacing", ["1e400", "1"]), ("PixelSpacing", ["1e-300", "1"]),
    ("ImagePositionPatient", ["1e400", "0", "0"]), ("SliceThickness", "1e300"), ("SliceThickness", "1e400"),
    ("RescaleSlope", "1e400"),
])  # fmt: skip
def test_numbers_beyond_float64_are_refused(tmp_path, field, value):
    [path] = write_series(tmp_path / "m", VALUES[:1], AFFINE)
    content = pydicom.dcmread(path)
    pydicom.config.settings.reading_validation_mode = pydicom.config.WARN
    content[pydicom.datadict.tag_for_keyword("PatientID") or 0] = pydicom.DataElement(0x00100020, "LO", "x")
    setattr(content, field, value)
    if field == "RescaleSlope":
        content.RescaleIntercept = "0"
    content.save_as(path)
    with pytest.raises(DataError, match="slice000.dcm|/m"):
        read_volume(path)
