from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from maskrcnn.modalities.volumes.orientation import turn_to_canonical
from maskrcnn.modalities.volumes.read import read_label_volume, read_volume
from maskrcnn.modalities.volumes.results.label_volumes import blank, number_type, piece_of, write_voxels
from maskrcnn.modalities.volumes.volume import FileSpace, Turn

nibabel = pytest.importorskip("nibabel")
tifffile = pytest.importorskip("tifffile")

SHAPE = (3, 4, 5)  # of the file, tensor order
SIZES = (0.5, 0.75, 3.0)  # that single precision holds
ORDERS = [
    (order, signs) for order in itertools.permutations(range(3)) for signs in itertools.product((1, -1), repeat=3)
]
OBLIQUE = np.array([[0.98, -0.17, 0.05, -90.0], [0.2, 1.9, -0.1, 12.5], [-0.06, 0.12, 2.9, 33.0], [0, 0, 0, 1]])


def affine_of(order: tuple[int, ...], signs: tuple[int, ...]) -> np.ndarray:
    """File axis k runs along the world's axis ``order[k]``."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for own, (world, sign) in enumerate(zip(order, signs)):
        affine[world, own] = sign * SIZES[own]
    affine[:3, 3] = (-20.0, 7.5, 31.25)
    return affine


def nifti_space(affine: np.ndarray, container: str = "nifti", **header) -> tuple[FileSpace, tuple[float, ...]]:
    turn, _, spacing = turn_to_canonical(affine, SHAPE, Path("scan"))
    return FileSpace(container, SHAPE, turn, affine, header), spacing


def numbers_of(space: FileSpace, dtype: type = np.uint8) -> np.ndarray:
    """A number of its own for each voxel, in the axes of the samples."""
    shape = space.turn.apply(np.empty(space.spatial_shape)).shape
    return np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)


@pytest.mark.parametrize(("order", "signs"), ORDERS)
def test_nifti_in_every_orientation(tmp_path: Path, order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    affine = affine_of(order, signs)
    space, spacing = nifti_space(affine)
    numbers = numbers_of(space)
    path = write_voxels(tmp_path / "a.b", numbers, space, spacing)
    assert path == tmp_path / "a.b.nii.gz"
    image = nibabel.load(path)
    assert image.shape == SHAPE[::-1] and image.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(image.affine, affine)
    np.testing.assert_allclose(image.header.get_qform(), affine, atol=1e-6)
    assert image.header.get_zooms() == SIZES and image.header.get_xyzt_units()[0] == "mm"
    canonical = nibabel.as_closest_canonical(image)
    np.testing.assert_array_equal(np.asarray(canonical.dataobj).T, numbers)
    np.testing.assert_array_equal(read_label_volume(path).numbers, numbers)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_oblique_axes(tmp_path: Path, order: tuple[int, ...]) -> None:
    affine = OBLIQUE[:, [*order, 3]]
    space, spacing = nifti_space(affine, "dicom")
    numbers = numbers_of(space)
    image = nibabel.load(write_voxels(tmp_path / "a", numbers, space, spacing))
    np.testing.assert_allclose(image.affine, affine, rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(nibabel.as_closest_canonical(image).dataobj).T, numbers)
    assert int(image.header["qform_code"]) == 0  # these axes are not at right angles, which a quaternion cannot say


@pytest.mark.parametrize("codes", [(4, 1), (0, 1), (2, 0), (0, 0)])
@pytest.mark.parametrize("unit", ["mm", "micron"])
@pytest.mark.parametrize("axes", [[0, 1, 2], [2, 0, 1], [1, 0, 2]])
@pytest.mark.parametrize("tilt", [0.0, 0.3])
def test_a_nifti_file_and_its_map_lie_alike(
    tmp_path: Path, codes: tuple[int, int], unit: str, axes: list[int], tilt: float
) -> None:
    rotation = np.array([[np.cos(tilt), -np.sin(tilt), 0], [np.sin(tilt), np.cos(tilt), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = (rotation @ np.diag([-2.0, 0.5, 3.0]))[:, axes]
    affine[:3, 3] = (-4.0, 1.0, 7.0)
    image = nibabel.Nifti1Image(np.zeros(SHAPE[::-1], np.int16), affine)
    image.header.set_sform(affine, codes[0])
    image.header.set_qform(affine, codes[1])
    image.header.set_xyzt_units(unit)
    image._affine = image.header.get_best_affine()  # nibabel would give a file without codes some
    nibabel.save(image, tmp_path / "scan.nii")
    volume = read_volume(tmp_path / "scan.nii")
    path = write_voxels(tmp_path / "map", numbers_of(volume.space), volume.space, volume.spacing)
    written = nibabel.load(path)
    assert (int(written.header["sform_code"]), int(written.header["qform_code"])) == codes
    assert written.header.get_xyzt_units()[0] == unit
    np.testing.assert_allclose(written.affine, nibabel.load(tmp_path / "scan.nii").affine, rtol=1e-6, atol=2e-6)
    np.testing.assert_array_equal(read_label_volume(path).numbers, numbers_of(volume.space))


@pytest.mark.parametrize(("order", "signs"), ORDERS[::5])
def test_a_piece_lies_where_it_was(tmp_path: Path, order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    space, spacing = nifti_space(affine_of(order, signs))
    numbers = numbers_of(space)
    where = (slice(1, 3), slice(0, 2), slice(1, 3))
    piece = piece_of(space, where, numbers.shape)
    image = nibabel.load(write_voxels(tmp_path / "piece", numbers[where], piece, spacing))
    assert image.shape == piece.spatial_shape[::-1]
    whole = np.asarray(nibabel.load(write_voxels(tmp_path / "whole", numbers, space, spacing)).dataobj)
    to_whole = np.linalg.inv(affine_of(order, signs)) @ image.affine
    voxels = np.asarray(image.dataobj)
    for index in np.ndindex(image.shape):
        there = np.round(to_whole @ [*index, 1])[:3].astype(int)
        assert voxels[index] == whole[tuple(there)]


def test_a_piece_of_a_file_without_codes_gets_some() -> None:
    space, _ = nifti_space(np.eye(4), sform_code=0, qform_code=0)
    assert piece_of(space, (slice(0, 2),) * 3, SHAPE).header == {}
    space, _ = nifti_space(np.eye(4), sform_code=0, qform_code=1)
    assert piece_of(space, (slice(0, 2),) * 3, SHAPE).header == space.header


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
@pytest.mark.parametrize("spacing", [None, (0.0002, 0.0003, 0.001)])
def test_tiff(tmp_path: Path, dtype: type, spacing: tuple[float, ...] | None) -> None:
    space = FileSpace("tiff", SHAPE, Turn.none(3))
    numbers = numbers_of(space, dtype)
    path = write_voxels(tmp_path / "cells", numbers, space, spacing)
    assert path.name == "cells.tif"
    read = read_label_volume(path)
    np.testing.assert_array_equal(read.numbers, numbers)
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].compression == 8 and file.pages[0].dtype == dtype
        assert file.is_imagej == (dtype is not np.uint32)  # ImageJ has no such numbers
    if spacing is None or dtype is np.uint32:
        assert read.spacing is None
    else:
        np.testing.assert_allclose(read.spacing, spacing, rtol=1e-6)


def test_tiff_of_channels(tmp_path: Path) -> None:
    space = FileSpace("tiff", SHAPE, Turn.none(3))
    samples = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)
    read = read_volume(write_voxels(tmp_path / "cells", samples, space, None))
    np.testing.assert_array_equal(read.samples.numpy(), samples)


def test_nifti_of_channels(tmp_path: Path) -> None:
    space, spacing = nifti_space(affine_of((2, 0, 1), (1, -1, 1)))
    samples = np.random.default_rng(0).normal(size=(2, *numbers_of(space).shape)).astype(np.float32)
    read = read_volume(write_voxels(tmp_path / "scan", samples, space, spacing))
    np.testing.assert_array_equal(read.samples.numpy(), samples)


@pytest.mark.parametrize(("order", "signs"), ORDERS[::7])
def test_npz_with_an_affine(tmp_path: Path, order: tuple[int, ...], signs: tuple[int, ...]) -> None:
    space, spacing = nifti_space(affine_of(order, signs), "npz")
    numbers = numbers_of(space)
    path = write_voxels(tmp_path / "a", numbers, space, spacing)
    with np.load(path) as content:
        assert sorted(content) == ["affine", "labels", "spacing"] and content["labels"].shape == SHAPE
        np.testing.assert_allclose(content["spacing"], SIZES)
    read = read_label_volume(path)
    np.testing.assert_array_equal(read.numbers, numbers)
    np.testing.assert_allclose(read.spacing, spacing)


def test_arrays_that_say_nothing(tmp_path: Path) -> None:
    for container, name in (("npz", "a.npz"), ("npy", "a.npy")):
        space = FileSpace(container, SHAPE, Turn.none(3))
        numbers = numbers_of(space, np.uint16)
        assert write_voxels(tmp_path / "a", numbers, space, None) == tmp_path / name
        read = read_label_volume(tmp_path / name)
        np.testing.assert_array_equal(read.numbers, numbers)
        assert read.spacing is None


@pytest.mark.parametrize("container", ["nifti", "tiff", "npz", "npy"])
def test_the_same_voxels_are_the_same_bytes(tmp_path: Path, container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    space, spacing = nifti_space(affine_of((0, 1, 2), (1, 1, 1)), container)
    first = write_voxels(tmp_path / "a", numbers_of(space), space, spacing)
    monkeypatch.setattr("time.time", lambda: 2e9)
    second = write_voxels(tmp_path / "b", numbers_of(space), space, spacing)
    assert first.read_bytes() == second.read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def fails() -> int:
    raise OSError("disk full")


@pytest.mark.parametrize("container", ["nifti", "tiff", "npz", "npy"])
def test_whole_or_not_at_all(tmp_path: Path, container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    space, spacing = nifti_space(affine_of((0, 1, 2), (1, 1, 1)), container)
    before = write_voxels(tmp_path / "a", numbers_of(space), space, spacing).read_bytes()
    monkeypatch.setattr("maskrcnn.files._umask", fails)  # when all is written, but before it takes its place
    with pytest.raises(OSError, match="disk full"):
        write_voxels(tmp_path / "a", numbers_of(space) + 1, space, spacing)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


@pytest.mark.parametrize(
    ("largest", "name"),
    [(0, "uint8"), (255, "uint8"), (256, "uint16"), (65_535, "uint16"), (65_536, "uint32")],
)
def test_the_smallest_type_that_holds_it(largest: int, name: str) -> None:
    assert number_type(largest) == np.dtype(name)


def test_painting_reaches_the_files_own_array() -> None:
    space, _ = nifti_space(affine_of((2, 0, 1), (1, -1, -1)))
    canvas = blank(space, np.dtype(np.uint8))
    canvas[...] = numbers_of(space)
    assert space.turn.undo(canvas).flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(canvas, numbers_of(space))


def test_both_forms_units_and_zooms_of_a_nifti_file_come_back(tmp_path):
    """Viewers choose between the two forms, so a map must have both as the scan has them, in its own unit."""
    sform = np.array([[0.0, 0, 3.0, 1], [-2.0, 0, 0, 5], [0, 1.5, 0, -7], [0, 0, 0, 1]])
    qform = sform.copy()
    qform[:3, 3] += 4
    image = nibabel.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), sform)
    image.set_sform(sform, 2)
    image.set_qform(qform, 1)
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "scan.nii.gz")
    volume = read_volume(tmp_path / "scan.nii.gz")
    numbers = volume.samples[0].numpy().astype(np.uint8)
    written = nibabel.load(write_voxels(tmp_path / "map", numbers, volume.space, volume.spacing))
    scan = nibabel.load(tmp_path / "scan.nii.gz")
    assert np.array_equal(np.asarray(written.dataobj), np.asarray(scan.dataobj))
    for matrix, code in ((written.header.get_sform(True), scan.header.get_sform(True)),):
        assert np.allclose(matrix[0], code[0]) and matrix[1] == code[1] == 2
    assert np.allclose(written.header.get_qform(), qform, atol=1e-5) and written.header["qform_code"] == 1
    assert written.header.get_xyzt_units()[0] == "micron"
    assert written.header.get_zooms() == scan.header.get_zooms()
    where = (slice(1, 3), slice(0, 2), slice(1, 2))
    piece = piece_of(volume.space, where, volume.samples.shape[1:])
    cut = nibabel.load(write_voxels(tmp_path / "piece", numbers[where], piece, volume.spacing))
    whole = np.asarray(scan.dataobj)
    for form in ("get_sform", "get_qform"):
        there, here = getattr(scan.header, form)(), getattr(cut.header, form)()
        corner = np.linalg.inv(there) @ here @ [0, 0, 0, 1]
        i, j, k = corner[:3].round().astype(int)
        assert np.allclose(corner[:3], [i, j, k], atol=1e-4) and np.asarray(cut.dataobj)[0, 0, 0] == whole[i, j, k]
