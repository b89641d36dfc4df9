"""Any volume by its path: every format and every order of axes gives the same scan in the same place."""

from __future__ import annotations

import sys
from itertools import permutations, product

import numpy as np
import pytest

from maskrcnn.errors import DataError, UsageError
from maskrcnn.modalities.volumes.find import find_volumes, is_volume, volumes_in
from maskrcnn.modalities.volumes.read import read_label_volume, read_volume

nibabel = pytest.importorskip("nibabel")
pytest.importorskip("pydicom")
from dicom_series import write_series  # noqa: E402

VALUES = np.random.default_rng(0).integers(0, 900, (4, 5, 6)).astype(np.int16)  # canonical [Z, Y, X]
AFFINE = np.array([[0.5, 0, 0, -20], [0, 0.75, 0, 10], [0, 0, 2.0, 30], [0, 0, 0, 1]])
CUBES = [(axes, signs) for axes in permutations(range(3)) for signs in product((1, -1), repeat=3)]


def stored(axes, signs):
    """VALUES as a file stores them whose axis c runs along canonical axis ``axes[c]`` (x, y, z), and its affine."""
    array, affine = VALUES.T.transpose(axes), AFFINE[:, [*axes, 3]]
    for column, sign in enumerate(signs):
        if sign < 0:
            affine[:, 3] += affine[:, column] * (array.shape[column] - 1)
            affine[:, column] *= -1
            array = np.flip(array, column)
    return np.ascontiguousarray(array), affine


@pytest.mark.parametrize("axes, signs", CUBES)
def test_nifti_and_dicom_of_every_order_are_one_scan(tmp_path, axes, signs):
    array, affine = stored(axes, signs)
    nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / "scan.nii")
    write_series(tmp_path / "series", array.T, affine)
    np.savez(tmp_path / "scan.npz", volume=array.T, affine=affine)
    for name in ("scan.nii", "series", "scan.npz"):
        volume = read_volume(tmp_path / name)
        np.testing.assert_array_equal(volume.samples[0], VALUES)
        np.testing.assert_allclose(volume.affine, AFFINE, atol=1e-5)
        assert volume.spacing == pytest.approx((0.5, 0.75, 2))
        labels = read_label_volume(tmp_path / name)
        np.testing.assert_array_equal(labels.numbers, VALUES)
        np.testing.assert_allclose(labels.affine, volume.affine)
        own = volume.space.turn.undo(labels.numbers)  # a map as a writer writes it: each voxel where the file has it
        assert own.shape == volume.space.spatial_shape
        for index in ((0, 0, 0), (1, 2, 1)):
            place = volume.space.affine @ [*index[::-1], 1]
            x, y, z = np.rint(np.linalg.solve(AFFINE, place)[:3]).astype(int)
            assert own[index] == VALUES[z, y, x]


@pytest.fixture
def folder(tmp_path):
    """A tree with volumes and other things."""
    for place in ("", "b/"):
        (tmp_path / place).mkdir(exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(VALUES, AFFINE), tmp_path / place / "scan.nii.gz")
    write_series(tmp_path / "a", VALUES, AFFINE)
    write_series(tmp_path / "c", VALUES, AFFINE)
    for file in write_series(tmp_path / "c2", VALUES, AFFINE):
        file.rename(tmp_path / "c" / f"z{file.name}")
    np.save(tmp_path / "volume.npy", VALUES)
    np.save(tmp_path / "series.npy", VALUES[0, 0])
    for name in (".hidden.nii", "notes.txt", "README", "photo.jpg", "table.csv", "b/alone.hdr"):
        (tmp_path / name).write_bytes(b"no volume")
    (tmp_path / ".git").mkdir()
    np.save(tmp_path / ".git" / "x.npy", VALUES)
    return tmp_path


def test_volumes_are_found(folder):
    names = ["scan.nii.gz", "volume.npy", "a", "b/scan.nii.gz", "c/slice000.dcm", "c/zslice000.dcm"]
    assert find_volumes(folder) == [folder / name for name in names]
    assert find_volumes(folder, exclude=folder / "a") == [folder / name for name in names if name != "a"]
    assert find_volumes([folder / "a", folder / "a", folder / "a" / "slice001.dcm", folder / "notes.txt"]) == [
        folder / "a", folder / "a" / "slice001.dcm", folder / "notes.txt",
    ]  # fmt: skip
    assert volumes_in(folder) == [folder / "scan.nii.gz", folder / "volume.npy"]
    assert all(map(is_volume, find_volumes(folder)))
    assert not any(is_volume(folder / name) for name in ("notes.txt", "README", "series.npy", "photo.jpg", "b", "gone"))
    for path in find_volumes(folder):
        assert read_volume(path).samples.numel() == VALUES.size
    with pytest.raises(DataError, match="gone does not exist"):
        find_volumes(folder / "gone")


def test_files_of_other_suffixes_are_never_opened(tmp_path, monkeypatch):
    for k in range(50):
        (tmp_path / f"{k}.png").write_bytes(b"")
    monkeypatch.setattr("pathlib.Path.open", lambda *_, **__: pytest.fail("was opened"))
    assert find_volumes(tmp_path) == []


def test_what_is_no_volume_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    np.save(tmp_path / "flat.npy", VALUES[0])
    for name, words in [("gone.nii", "does not exist"), ("notes.txt", "no volume that can be read; known are NIfTI"),
                        ("empty", "no volume that can be read"), ("flat.npy", r"the shape \(5, 6\)")]:  # fmt: skip
        for read in (read_volume, read_label_volume):
            with pytest.raises(DataError, match=f"{name}.*{words}"):
                read(tmp_path / name)


def test_a_package_that_is_missing_is_named(folder, monkeypatch):
    for module in ("nibabel", "pydicom"):
        monkeypatch.setitem(sys.modules, module, None)
        for name in (key for key in list(sys.modules) if key.startswith(f"{module}.")):
            monkeypatch.setitem(sys.modules, name, None)
    for name, package in (("scan.nii.gz", "nibabel"), ("a", "pydicom")):
        with pytest.raises(UsageError, match=rf"{package} must be installed: pip install 'maskrcnn\[volumes\]'"):
            read_volume(folder / name)


def test_real_scans_are_found(shared_data):
    if not (shared_data / "hippocampus").is_dir():
        pytest.skip("no hippocampus data here")
    found = find_volumes(shared_data / "hippocampus")
    assert sum(path.is_dir() for path in found) == 1 and len(found) > 100
