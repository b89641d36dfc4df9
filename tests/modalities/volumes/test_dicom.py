from __future__ import annotations

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.formats.dicom.about import is_dicom
from maskrcnn.modalities.volumes.formats.dicom.read import read as read_dicom
from maskrcnn.modalities.volumes.formats.dicom.read import read_labels as read_dicom_labels
from maskrcnn.modalities.volumes.formats.dicom.read import series_in
from maskrcnn.modalities.volumes.orientation import turn_to_canonical

pydicom = pytest.importorskip("pydicom")
from pydicom.uid import BasicTextSRStorage, JPEGLSLossless, generate_uid  # noqa: E402

from dicom_series import write_multiframe, write_series  # noqa: E402

RNG = np.random.default_rng(0)
VALUES = RNG.integers(-900, 900, (5, 6, 7)).astype(np.int16)
AXIAL = np.array([[-0.5, 0, 0, 80], [0, -0.75, 0, 90], [0, 0, 2, -30], [0, 0, 0, 1]])  # x to the left, y to the back


def rotated(degrees=20.0):
    """An oblique affine: AXIAL turned about x, then z."""
    a, b = np.radians([degrees, degrees / 2])
    about_x = [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
    about_z = [[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]]
    affine = AXIAL.copy()
    affine[:3, :3] = np.array(about_z) @ about_x @ AXIAL[:3, :3]
    return affine


@pytest.mark.parametrize("affine", [AXIAL, rotated(), AXIAL[[2, 0, 1, 3]], AXIAL @ np.diag([1, 1, -1, 1])])
def test_a_series_lies_where_its_headers_say(tmp_path, affine):
    write_series(tmp_path / "series", VALUES, affine)
    volume = read_dicom(tmp_path / "series")
    turn, turned, spacing = turn_to_canonical(affine, VALUES.shape, tmp_path)
    np.testing.assert_array_equal(volume.samples[0], turn.apply(VALUES))
    np.testing.assert_allclose(volume.affine, turned, atol=1e-4)
    assert volume.spacing == pytest.approx(spacing, abs=1e-5) and volume.notes == ()
    assert volume.space.container == "dicom" and volume.space.spatial_shape == VALUES.shape
    back = volume.space.turn.undo(volume.samples.numpy())[0]
    assert (back == VALUES).all() or (back == VALUES[::-1]).all()
    assert volume.space.header["description"] == "made for a test"


def test_a_scan_with_a_tilted_scanner_is_sheared_not_refused(tmp_path):
    tilted = AXIAL.copy()
    tilted[1, 2] = 0.6
    write_series(tmp_path, VALUES, tilted)
    np.testing.assert_allclose(read_dicom(tmp_path).space.affine, tilted, atol=1e-4)


def test_slices_are_sorted_by_place_not_by_name_or_number(tmp_path):
    files = write_series(tmp_path, VALUES, AXIAL, InstanceNumber=lambda k: 99 - k)
    names = RNG.permutation(len(files))
    for file, name in zip(files, names):
        file.rename(tmp_path / f"{name}")  # without a suffix: the mark in the file tells
    np.testing.assert_array_equal(read_dicom(tmp_path).samples[0], VALUES[:, ::-1, ::-1])
    np.testing.assert_array_equal(read_dicom(tmp_path / f"{names[2]}").samples[0], VALUES[:, ::-1, ::-1])
    assert is_dicom(tmp_path) and is_dicom(tmp_path / "0")


def test_each_file_has_a_scale_of_its_own(tmp_path):
    write_series(tmp_path, VALUES, AXIAL, RescaleSlope=lambda k: k + 0.5, RescaleIntercept=lambda k: -10 * k)
    expected = np.stack([one * (k + 0.5) - 10 * k for k, one in enumerate(VALUES)])[:, ::-1, ::-1]
    np.testing.assert_array_equal(read_dicom(tmp_path).samples[0], expected.astype(np.float32))


@pytest.mark.parametrize("signed, bits", [(1, 16), (0, 12)])
def test_monochrome1_is_inverted(tmp_path, signed, bits):
    values = VALUES if signed else np.abs(VALUES)
    write_series(
        tmp_path, values, AXIAL, PhotometricInterpretation="MONOCHROME1", PixelRepresentation=signed, BitsStored=bits,
        HighBit=bits - 1, RescaleIntercept=3,
    )  # fmt: skip
    volume = read_dicom(tmp_path)
    highest = -1 if signed else (1 << bits) - 1
    np.testing.assert_array_equal(volume.samples[0], (highest - values.astype(int) + 3)[:, ::-1, ::-1])
    assert "5 files show low values as white" in volume.notes[0]


def test_one_file_of_many_frames(tmp_path):
    path = write_multiframe(tmp_path / "many.dcm", VALUES[RNG.permutation(1)], AXIAL)
    assert read_dicom(path).samples.shape == (1, 1, 6, 7)
    path = write_multiframe(tmp_path / "many.dcm", VALUES, AXIAL @ np.diag([1, 1, -1, 1]))
    volume = read_dicom(path)
    np.testing.assert_array_equal(volume.samples[0], (VALUES[::-1, ::-1, ::-1] * 2.0 - 5))
    assert volume.spacing == pytest.approx((0.5, 0.75, 2))
    np.testing.assert_array_equal(read_dicom(tmp_path).samples, volume.samples)
    content = pydicom.dcmread(path)
    del content.PerFrameFunctionalGroupsSequence[2]
    content.save_as(path)
    with pytest.raises(DataError, match="5 frames but describes 4"):
        read_dicom(path)
    del content.PerFrameFunctionalGroupsSequence
    content.save_as(path)
    with pytest.raises(DataError, match="5 frames without positions"):
        read_dicom(path)


def test_a_single_slice_is_as_thick_as_it_says(tmp_path):
    write_series(tmp_path / "a", VALUES[:1], AXIAL)
    assert read_dicom(tmp_path / "a").spacing == (0.5, 0.75, 2)
    write_series(tmp_path / "b", VALUES[:1], AXIAL, SliceThickness=None, SpacingBetweenSlices=3)
    assert read_dicom(tmp_path / "b").spacing == (0.5, 0.75, 3)
    write_series(tmp_path / "c", VALUES[:1], AXIAL, SliceThickness=None)
    volume = read_dicom(tmp_path / "c")
    assert volume.spacing == (0.5, 0.75, 1) and "does not say how thick" in volume.notes[0]


def test_a_missing_slice_is_named(tmp_path):
    files = write_series(tmp_path, VALUES, AXIAL)
    files[2].unlink()
    with pytest.raises(
        DataError, match=r"lacks a slice between slice001.dcm and slice003.dcm \(near .*-80, -90, -26\)"
    ):
        read_dicom(tmp_path)
    files[1].unlink()
    with pytest.raises(DataError, match="uneven|lacks 2 slices between slice000.dcm and slice003.dcm"):
        read_dicom(tmp_path)
    files[0].unlink()
    assert read_dicom(tmp_path).samples.shape[1] == 2


def place(z, x=0.0):
    return lambda k: [-80 + x * (k == 2), -90, z[k]]


@pytest.mark.parametrize("changes, words", [
    ({"ImagePositionPatient": place([0, 2, 4.4, 6, 8])}, "uneven distances: 2.4 mm between slice001.dcm and slice002"),
    ({"ImagePositionPatient": place([0, 2, 2, 4, 6])}, "two slices at one place: slice001.dcm and slice002.*time"),
    ({"ImagePositionPatient": place([0, 0, 0, 0, 0])}, "two slices at one place: slice000.dcm and slice001"),
    ({"ImagePositionPatient": place([0, 2, 4, 6, 8], 1.0)}, "slice002.dcm lies 1 mm from its place"),
    ({"PixelSpacing": lambda k: [1, 1 + (k == 4)]}, "pixels of several sizes: slice000.dcm and slice004.dcm"),
    ({"ImageOrientationPatient": lambda k: [1, 0, 0, 0, k != 3, k == 3]}, "slice000.dcm and slice003.dcm are not"),
    ({"ImagePositionPatient": None}, "slice000.dcm does not say where it lies .no position.*leave it out"),
    ({"ImageOrientationPatient": None}, "slice000.dcm does not say where it lies .no orientation"),
    ({"PixelSpacing": None}, "slice000.dcm does not say how large its pixels are"),
    ({"PixelSpacing": [0, 1]}, "slice000.dcm has a position, orientation or size of pixels that is none"),
    ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "not at right angles"),
    ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, r"slice000.dcm holds colours \(RGB\)"),
    ({"PhotometricInterpretation": "PALETTE COLOR"}, r"slice000.dcm holds colours \(PALETTE"),
    ({"PixelData": None}, "slice000.dcm is cut off before its pixels"),
    ({"PixelData": b"\0" * 20}, "slice000.dcm cannot be read"),
    ({"Rows": None}, "holds no DICOM images"),
    ({"Rows": None, "PixelData": None}, "slice000.dcm is cut off before its pixels"),
    ({"SOPClassUID": None}, "slice000.dcm is no DICOM file, or is cut off"),
])  # fmt: skip
def test_what_is_no_even_stack_is_refused(tmp_path, changes, words):
    write_series(tmp_path, VALUES, AXIAL, **changes)
    with pytest.raises(DataError, match=words) as caught:
        read_dicom(tmp_path)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_slices_of_another_size_are_refused(tmp_path):
    series = generate_uid()
    write_series(tmp_path, VALUES, AXIAL, SeriesInstanceUID=series)
    moved = AXIAL @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 5], [0, 0, 0, 1]])
    (file,) = write_series(tmp_path / "more", VALUES[:1, :4, :5], moved, SeriesInstanceUID=series)
    file.rename(tmp_path / "z.dcm")
    with pytest.raises(DataError, match="slice000.dcm is 7 x 6 and z.dcm 5 x 4 pixels"):
        read_dicom(tmp_path)


def test_a_mixed_folder_names_its_series_and_a_file_chooses(tmp_path):
    write_series(tmp_path, VALUES, AXIAL, SeriesDescription="T1", SeriesNumber=4)
    for file in write_series(tmp_path / "x", -VALUES[:3], AXIAL, SeriesDescription="T2", SeriesNumber=7):
        file.rename(tmp_path / f"other_{file.name}")
    (tmp_path / "x").rmdir()
    with pytest.raises(DataError) as caught:
        read_dicom(tmp_path)
    for words in ("2 series: 7 'T2' (3 files, such as other_slice000.dcm); 4 'T1' (5 files, such as slice000.dcm).",):
        assert words in str(caught.value)
    assert series_in(tmp_path) == [tmp_path / "other_slice000.dcm", tmp_path / "slice000.dcm"]
    np.testing.assert_array_equal(read_dicom(tmp_path / "slice003.dcm").samples[0], VALUES[:, ::-1, ::-1])
    np.testing.assert_array_equal(read_dicom(tmp_path / "other_slice002.dcm").samples[0], -VALUES[:3, ::-1, ::-1])


def test_reports_directories_and_hidden_files_are_passed_over(tmp_path):
    write_series(tmp_path, VALUES, AXIAL)
    report = pydicom.dcmread(tmp_path / "slice000.dcm")
    for name in ("Rows", "Columns", "PixelData", "ImagePositionPatient"):
        delattr(report, name)
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = BasicTextSRStorage
    report.SeriesInstanceUID = generate_uid()
    report.save_as(tmp_path / "report.dcm")
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = pydicom.uid.MediaStorageDirectoryStorage
    report.save_as(tmp_path / "DICOMDIR")
    (tmp_path / ".slice.dcm").write_bytes(b"hidden")
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "README").write_text("notes")
    assert read_dicom(tmp_path).samples.shape == (1, 5, 6, 7) and series_in(tmp_path) == [tmp_path]
    for name in ("report.dcm", "DICOMDIR"):
        with pytest.raises(DataError, match=f"{name} holds no image"):
            read_dicom(tmp_path / name)
    only = tmp_path / "only"
    only.mkdir()
    (tmp_path / "report.dcm").rename(only / "report.dcm")
    assert series_in(only) == [] and not is_dicom(tmp_path / "README") and not is_dicom(tmp_path / "notes.txt")
    with pytest.raises(DataError, match="holds no DICOM images"):
        read_dicom(only)


def test_a_file_that_is_cut_off_is_named_wherever_it_ends(tmp_path):
    files = write_series(tmp_path, VALUES, AXIAL)
    whole = files[3].read_bytes()
    for length in range(0, len(whole) - 1, 7):
        files[3].write_bytes(whole[:length])
        with pytest.raises(DataError, match="slice003.dcm") as caught:
            read_dicom(tmp_path)
        assert "\n" not in str(caught.value)
        assert series_in(tmp_path) == [tmp_path]
    files[3].write_text("no DICOM at all, but long enough to hold something " * 9)
    with pytest.raises(DataError, match="slice003.dcm"):
        read_dicom(tmp_path)


def test_compressed_pixels_without_a_decoder_are_refused(tmp_path):
    if pydicom.pixels.get_decoder(JPEGLSLossless).is_available:
        pytest.skip("a decoder is installed")
    files = write_series(tmp_path, VALUES, AXIAL)
    for file in files:
        content = pydicom.dcmread(file)
        content.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8" + b"\0" * 20])
        content["PixelData"].is_undefined_length = True
        content.file_meta.TransferSyntaxUID = JPEGLSLossless
        content.save_as(file)
    with pytest.raises(DataError, match="slice000.dcm is compressed as JPEG-LS.*pip install"):
        read_dicom(tmp_path)


def test_lossless_run_lengths_are_decoded(tmp_path):
    for file in write_series(tmp_path, VALUES, AXIAL):
        content = pydicom.dcmread(file)
        content.compress(pydicom.uid.RLELossless)
        content.save_as(file)
    np.testing.assert_array_equal(read_dicom(tmp_path).samples[0], VALUES[:, ::-1, ::-1])


def test_a_file_without_the_mark_is_read_where_its_suffix_says_dicom(tmp_path):
    for file in write_series(tmp_path, VALUES, AXIAL):
        content = pydicom.dcmread(file)
        content.file_meta, content.preamble = pydicom.dataset.FileMetaDataset(), None
        content.save_as(file, implicit_vr=True, little_endian=True)
        assert file.read_bytes()[128:132] != b"DICM"
    np.testing.assert_array_equal(read_dicom(tmp_path).samples[0], VALUES[:, ::-1, ::-1])


def test_labels_are_whole_numbers(tmp_path):
    write_series(tmp_path / "labels", np.abs(VALUES) % 3, AXIAL)
    labels = read_dicom_labels(tmp_path / "labels")
    np.testing.assert_array_equal(labels.numbers, np.abs(VALUES[:, ::-1, ::-1]) % 3)
    assert labels.numbers.dtype == np.int32 and labels.spacing == (0.5, 0.75, 2)
    write_series(tmp_path / "scan", VALUES, AXIAL)
    with pytest.raises(DataError, match="count from 0"):
        read_dicom_labels(tmp_path / "scan")


def test_what_is_not_there_is_named(tmp_path):
    for path in (tmp_path / "gone", tmp_path / "gone.dcm"):
        with pytest.raises(DataError, match=f"{path.name} does not exist"):
            read_dicom(path)


def test_a_real_series(shared_data):
    folders = sorted(path.parent for path in shared_data.glob("hippocampus/dicom/*/*/1.dcm"))
    if not folders:
        pytest.skip("no DICOM series here")
    volume = read_dicom(folders[0])
    assert volume.samples.shape == (1, 32, 51, 35) and volume.spacing == (1, 1, 1) and volume.notes == ()
    for number in (1, 9, 32):  # slices are numbered by place, and their x and y run to the left and the back
        pixels = pydicom.dcmread(folders[0] / f"{number}.dcm").pixel_array
        np.testing.assert_array_equal(volume.samples[0, number - 1], pixels[::-1, ::-1])
