from __future__ import annotations

import gzip
import tracemalloc

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.formats.nifti.about import is_nifti
from maskrcnn.modalities.volumes.formats.nifti.read import read as read_nifti
from maskrcnn.modalities.volumes.formats.nifti.read import read_labels as read_nifti_labels

nibabel = pytest.importorskip("nibabel")
AFFINE = np.array(
    [[0, -2.0, 0, 5], [0, 0, 3.0, 6], [1.5, 0, 0, 7], [0, 0, 0, 1]]
)  # i up, j to the left, k to the front
VALUES = np.random.default_rng(0).integers(-900, 900, (4, 5, 6)).astype(np.int16)


def save(path, array=VALUES, affine=AFFINE, kind=nibabel.Nifti1Image, **codes):
    image = kind(array, affine)
    for name, code in codes.items():
        image.header[name] = code
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("name, kind", [
    ("a.nii", nibabel.Nifti1Image), ("a.nii.gz", nibabel.Nifti1Image), ("b.nii.gz", nibabel.Nifti2Image),
    ("A.NII", nibabel.Nifti1Image), ("a.hdr", nibabel.Nifti1Pair), ("a.mgz", nibabel.MGHImage),
])  # fmt: skip
def test_a_scan_is_turned_upright(tmp_path, name, kind):
    path = save(tmp_path / name, kind=kind)
    assert is_nifti(path)
    volume = read_nifti(path)
    closest = nibabel.as_closest_canonical(nibabel.load(path))
    np.testing.assert_array_equal(volume.samples[0], np.asarray(closest.dataobj).T)
    np.testing.assert_allclose(volume.affine, closest.affine)
    assert volume.spacing == pytest.approx((2, 3, 1.5)) and volume.notes == ()
    assert volume.samples.dtype.is_floating_point and volume.samples.is_contiguous()
    assert volume.space.container == "nifti" and volume.space.spatial_shape == (6, 5, 4)
    np.testing.assert_allclose(volume.space.affine, AFFINE)
    np.testing.assert_array_equal(volume.space.turn.undo(volume.samples.numpy())[0].T, VALUES)


def test_the_sform_counts_before_the_qform(tmp_path):
    image = nibabel.Nifti1Image(VALUES, np.eye(4))
    image.set_qform(np.diag([2, 2, 2, 1.0]), code=1)
    image.set_sform(np.diag([3, 3, 3, 1.0]), code=2)
    nibabel.save(image, tmp_path / "both.nii")
    both = read_nifti(tmp_path / "both.nii")
    assert both.spacing == (3, 3, 3) and (both.space.header["sform_code"], both.space.header["qform_code"]) == (2, 1)
    np.testing.assert_allclose(both.space.header["qform"], np.diag([2, 2, 2, 1.0]))
    image.set_sform(None, code=0)
    nibabel.save(image, tmp_path / "q.nii")
    assert read_nifti(tmp_path / "q.nii").spacing == (2, 2, 2)
    image.set_qform(None, code=0)
    nibabel.save(image, tmp_path / "none.nii")
    neither = read_nifti(tmp_path / "none.nii")
    assert neither.affine is None and neither.space.affine is None and neither.spacing == (2, 2, 2)
    assert "does not say how it lies" in neither.notes[0]
    np.testing.assert_array_equal(neither.samples[0], VALUES.T)


@pytest.mark.parametrize("unit, millimetres", [("mm", 1), ("meter", 1000), ("micron", 0.001), ("unknown", 1)])
def test_lengths_become_millimetres(tmp_path, unit, millimetres):
    image = nibabel.Nifti1Image(VALUES, AFFINE)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "a.nii")
    volume = read_nifti(tmp_path / "a.nii")
    assert volume.spacing == pytest.approx([2 * millimetres, 3 * millimetres, 1.5 * millimetres])
    np.testing.assert_allclose(volume.space.affine[:3], AFFINE[:3] * millimetres)
    assert (volume.space.header["unit"], volume.space.header["unit_mm"]) == (unit, millimetres)


def test_slope_and_intercept_are_applied_as_nibabel_applies_them(tmp_path):
    image = nibabel.Nifti1Image(VALUES.astype(">i2"), AFFINE)
    image.header.set_slope_inter(0.37, -1024.5)
    nibabel.save(image, tmp_path / "a.nii.gz")
    volume = read_nifti(tmp_path / "a.nii.gz")
    expected = nibabel.as_closest_canonical(nibabel.load(tmp_path / "a.nii.gz")).get_fdata().T
    np.testing.assert_array_equal(volume.samples[0], expected.astype(np.float32))
    assert np.abs(expected).max() > 1000


def test_a_fourth_axis_holds_channels(tmp_path):
    two = np.stack([VALUES, -VALUES], axis=-1)
    volume = read_nifti(save(tmp_path / "a.nii", two))
    alone = read_nifti(save(tmp_path / "b.nii")).samples[0]
    assert volume.channel_names == ("channel 1", "channel 2")
    assert (volume.samples[0] == alone).all() and (volume.samples[1] == -alone).all()
    for name, array in (("one.nii", two[..., :1]), ("vector.nii", two[:, :, :, None, :])):
        assert len(read_nifti(save(tmp_path / name, array)).samples) == array.shape[-1]
    colours = np.zeros(VALUES.shape, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    colours["G"] = 7
    coloured = read_nifti(save(tmp_path / "rgb.nii", colours))
    assert coloured.channel_names == ("R", "G", "B") and coloured.samples.mean((1, 2, 3)).tolist() == [0, 7, 0]


def test_one_slice_is_a_volume(tmp_path):
    assert read_nifti(save(tmp_path / "a.nii", VALUES[:, :, :1])).samples.shape == (1, 4, 1, 5)
    assert read_nifti(save(tmp_path / "b.nii", VALUES[:, :, 0])).samples.shape == (1, 4, 1, 5)


def test_voxels_that_are_no_numbers_are_filled_and_told(tmp_path):
    values = np.stack([VALUES, VALUES], axis=-1).astype(np.float32)
    values[0, 0, 0, 1], values[1, 0, 0, 1], values[2, 0, 0, 1] = np.nan, np.inf, -np.inf
    volume = read_nifti(save(tmp_path / "a.nii", values))
    assert volume.samples.isfinite().all() and len(volume.notes) == 1
    assert "3 of 120 voxels of channel channel 2" in volume.notes[0]
    least = values[..., 1][np.isfinite(values[..., 1])].min()
    assert (volume.samples[1] == least).sum() == 3 + (VALUES.ravel() == least).sum() - sum(
        VALUES[k, 0, 0] == least for k in range(3)
    )
    values[..., 1] = np.nan
    with pytest.raises(DataError, match="no voxel that is a finite number"):
        read_nifti(save(tmp_path / "b.nii", values))
    huge = np.where(VALUES.max() == VALUES, 1e300, 0.0)
    assert "1 of 120 voxels are" in read_nifti(save(tmp_path / "c.nii", huge)).notes[0]


@pytest.mark.parametrize("array, words", [
    (VALUES.astype(np.complex64), "complex"),
    (np.zeros((2, 2, 2, 2, 2), np.uint8), "2 x 2 x 2 x 2 x 2"),
    (np.zeros((2, 0, 2), np.uint8), "holds no voxels"),
])  # fmt: skip
def test_what_is_no_volume_is_refused(tmp_path, array, words):
    with pytest.raises(DataError, match=f"a.nii.*{words}"):
        read_nifti(save(tmp_path / "a.nii", array))


def test_a_broken_affine_is_refused(tmp_path):
    image = nibabel.Nifti1Image(VALUES, AFFINE)
    image.header["srow_x"] = 0
    nibabel.save(image, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[280:328] = bytes(48)  # the sform's three rows
    (tmp_path / "a.nii").write_bytes(raw)
    with pytest.raises(DataError, match="a.nii.*no length"):
        read_nifti(tmp_path / "a.nii")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mgz"])
def test_a_file_that_is_cut_off_is_refused_wherever_it_ends(tmp_path, name):
    kind = nibabel.MGHImage if name.endswith("mgz") else nibabel.Nifti1Image
    noise = np.random.default_rng(0).integers(0, 1 << 14, (9, 9, 9)).astype(np.int16)
    whole = save(tmp_path / name, noise, kind=kind).read_bytes()
    for length in range(0, len(whole) - 40, len(whole) // 40):
        (tmp_path / name).write_bytes(whole[:length])
        with pytest.raises(DataError, match=f"{name} (cannot be read|is empty)") as caught:
            read_nifti(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_damaged_and_strange_files_are_refused(tmp_path):
    path = save(tmp_path / "a.nii.gz")
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(whole)
    (tmp_path / "b.nii").write_text("no scan")
    (tmp_path / "c.nii.gz").write_bytes(gzip.compress(b"no scan"))
    for name in ("a.nii.gz", "b.nii", "c.nii.gz"):
        with pytest.raises(DataError, match=name):
            read_nifti(tmp_path / name)
    (tmp_path / "alone.hdr").write_text("ENVI")
    assert not is_nifti(tmp_path / "alone.hdr") and not is_nifti(tmp_path / "gone.nii")


def test_label_maps(tmp_path):
    labels = np.abs(VALUES) % 4
    path = save(tmp_path / "a.nii.gz", labels)
    found = read_nifti_labels(path)
    assert found.numbers.dtype == np.int32 and found.spacing == pytest.approx((2, 3, 1.5))
    np.testing.assert_array_equal(found.numbers, read_nifti(path).samples[0])
    np.testing.assert_allclose(found.affine, read_nifti(path).affine)
    for name, array in (("f.nii", labels.astype(np.float64)), ("t.nii", labels[..., None])):
        np.testing.assert_array_equal(read_nifti_labels(save(tmp_path / name, array)).numbers, found.numbers)
    scaled = nibabel.Nifti1Image(labels * 10, AFFINE)
    scaled.header.set_slope_inter(0.1, 0)
    nibabel.save(scaled, tmp_path / "s.nii")
    assert np.asarray(nibabel.load(tmp_path / "s.nii").dataobj.get_unscaled()).max() == 30
    np.testing.assert_array_equal(read_nifti_labels(tmp_path / "s.nii").numbers, found.numbers)
    large = np.where(labels == 3, 1 << 40, labels.astype(np.int64))
    nibabel.save(nibabel.Nifti1Image(large, AFFINE, dtype=np.int64), tmp_path / "l.nii")
    assert read_nifti_labels(tmp_path / "l.nii").numbers.max() == 1 << 40


@pytest.mark.parametrize("array, words", [
    (np.full((2, 2, 2), 0.5, np.float32), "0.5, but labels are whole"),
    (np.full((2, 2, 2), -1, np.int16), "-1, but labels count from 0"),
    (np.full((2, 2, 2), np.nan, np.float32), "no numbers"),
    (np.zeros((2, 2, 2, 3), np.int16), "3 channels"),
])  # fmt: skip
def test_what_is_no_label_map_is_refused(tmp_path, array, words):
    with pytest.raises(DataError, match=f"a.nii.*{words}"):
        read_nifti_labels(save(tmp_path / "a.nii", array))


def test_real_scans_and_labels_fit(shared_data):
    folder = shared_data / "hippocampus" / "val"
    if not folder.is_dir():
        pytest.skip("no hippocampus data here")
    for path in sorted((folder / "images").iterdir())[:5]:
        scan, labels = read_nifti(path), read_nifti_labels(folder / "labels" / path.name)
        assert scan.samples.shape[1:] == labels.numbers.shape and scan.spacing == (1, 1, 1) == labels.spacing
        assert set(np.unique(labels.numbers)) == {0, 1, 2} and (scan.affine == labels.affine).all()
        along_y = [np.nonzero(labels.numbers == k)[1].mean() for k in (1, 2)]
        assert along_y[0] > along_y[1]  # anterior lies before posterior, and y runs to the front


def test_memory_of_a_large_scan_is_little_more_than_its_samples(tmp_path):
    scan = np.zeros((128, 128, 96), np.int16)
    scan[::3] = 7
    path = save(tmp_path / "a.nii.gz", scan, np.diag([-1, -1, 1, 1.0]))
    read_nifti(path)
    tracemalloc.start()
    samples = read_nifti(path).samples
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.7 * samples.nbytes
