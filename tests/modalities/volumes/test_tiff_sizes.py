"""TIFF stacks: page by page, and the size of voxels in every unit that ImageJ and OME write."""

from __future__ import annotations

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.formats.tiff.about import is_tiff_stack
from maskrcnn.modalities.volumes.formats.tiff.read import read as read_tiff_stack

tifffile = pytest.importorskip("tifffile")
VALUES = np.random.default_rng(0).integers(0, 900, (5, 6, 7)).astype(np.uint16)


def imagej(path, resolution=(4, 2), **metadata):
    tifffile.imwrite(path, VALUES, imagej=True, resolution=resolution, metadata={"axes": "ZYX", **metadata})
    return read_tiff_stack(path)


@pytest.mark.parametrize("unit, size", [
    ("micron", 1e-3), ("microns", 1e-3), ("um", 1e-3), ("\\u00B5m", 1e-3), ("micrometers", 1e-3), ("micrometre", 1e-3),
    ("mm", 1), ("millimeters", 1), ("nm", 1e-6), ("nanometers", 1e-6), ("inches", 25.4), ("cm", 10),
    ("Angstroms", 1e-7),
])  # fmt: skip
def test_units_in_singular_and_plural(tmp_path, unit, size):
    volume = imagej(tmp_path / "a.tif", unit=unit, spacing=3)
    assert volume.spacing == pytest.approx((0.25 * size, 0.5 * size, 3 * size)) and volume.notes == ()


def test_each_axis_may_have_a_unit_of_its_own(tmp_path):
    volume = imagej(tmp_path / "a.tif", unit="micron", yunit="mm", zunit="nm", spacing=300)
    assert volume.spacing == pytest.approx((0.25e-3, 0.5, 0.3e-3))


@pytest.mark.parametrize("metadata, words", [
    ({"unit": "furlong", "spacing": 3}, "'furlong' is no unit of length"),
    ({"unit": "micron", "zunit": "frame", "spacing": 3}, "'frame' is no unit of length"),
    ({"unit": "micron"}, "one micron was taken, as ImageJ does"),
    ({"unit": "micron", "spacing": 0}, "0 micron is no size of a voxel along z"),
    ({"unit": "micron", "spacing": "x"}, "no size of a voxel along z"),
    ({"unit": "micron", "spacing": "1e400"}, "no size of a voxel along z"),
])  # fmt: skip
def test_a_size_that_is_passed_over_or_guessed_is_said(tmp_path, metadata, words):
    assert words in imagej(tmp_path / "a.tif", **metadata).notes[0]


def test_a_stack_of_pixels_has_no_size_and_nothing_to_say(tmp_path):
    for metadata in ({}, {"unit": "pixel"}, {"unit": "pixels", "spacing": 2}):
        volume = imagej(tmp_path / "a.tif", **metadata)
        assert volume.spacing is None and volume.notes == ()


def ome(path, **sizes):
    tifffile.imwrite(path, VALUES, ome=True, metadata={"axes": "ZYX", **sizes})
    return read_tiff_stack(path)


def test_ome_without_a_z_size(tmp_path):
    volume = ome(tmp_path / "a.ome.tif", PhysicalSizeX=0.25, PhysicalSizeY=0.5)
    assert volume.spacing is None and "does not say how large its voxels are along z" in volume.notes[0]
    sizes = {"PhysicalSizeX": 250, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2}
    assert ome(tmp_path / "a.ome.tif", **sizes).spacing == pytest.approx((0.25e-3, 0.5e-3, 2e-3))


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_sizes_that_no_voxel_has_are_refused(tmp_path, size):
    with pytest.raises(DataError, match="a.ome.tif says that its voxels are .* mm apart"):
        ome(tmp_path / "a.ome.tif", PhysicalSizeX=size, PhysicalSizeY=0.5, PhysicalSizeZ=2)


@pytest.mark.parametrize("options", [{}, {"metadata": None}, {"contiguous": False}, {"compression": "zlib"}])
def test_a_stack_written_page_by_page(tmp_path, options):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for plane in VALUES:
            file.write(plane, **options)
    assert is_tiff_stack(path)
    np.testing.assert_array_equal(read_tiff_stack(path).samples[0].numpy(), VALUES)


def test_colours_page_by_page(tmp_path):
    colours = np.stack([VALUES, VALUES + 1, VALUES + 2], -1).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for plane in colours:
            file.write(plane, photometric="rgb")
    np.testing.assert_array_equal(read_tiff_stack(tmp_path / "a.tif").samples.numpy(), np.moveaxis(colours, -1, 0))


def test_pages_of_several_sizes_stay_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(VALUES[0])
        file.write(VALUES[0, :3])
    with pytest.raises(DataError, match="holds 2 images"):
        read_tiff_stack(tmp_path / "a.tif")


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("value", [0xFF, 0x7F])
def test_places_beyond_the_file_and_files_of_a_few_bytes_are_refused(tmp_path, big, value):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, VALUES, bigtiff=big)
    content = path.read_bytes()
    width, at = (8, 8) if big else (4, 4)
    beyond = bytes([255] * (width - 1) + [value])
    count_at = int.from_bytes(content[at : at + width], "little")
    far = content[:count_at] + beyond[-width // 2 :] * (2 if big else 1) + content[count_at + (8 if big else 2) :]
    for broken in (content[:at] + beyond + content[at + width :], far, *(content[:k] for k in range(1, 20))):
        path.write_bytes(broken)
        assert not is_tiff_stack(path)
        with pytest.raises(DataError, match="a.tif"):
            read_tiff_stack(path)
