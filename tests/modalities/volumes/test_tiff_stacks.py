from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.formats.tiff.about import is_tiff_stack
from maskrcnn.modalities.volumes.formats.tiff.read import read as read_tiff_stack
from maskrcnn.modalities.volumes.formats.tiff.read import read_labels as read_tiff_stack_labels

tifffile = pytest.importorskip("tifffile")
RNG = np.random.default_rng(0)
VALUES = RNG.integers(0, 900, (5, 6, 7)).astype(np.uint16)
SIZES = {"resolution": (1 / 0.25, 1 / 0.5), "metadata": {"axes": "ZYX", "spacing": 2.0, "unit": "um"}}


def save(path, array=VALUES, **options):
    tifffile.imwrite(path, array, **options)
    return path


@pytest.mark.parametrize("options", [
    {}, {"metadata": None}, {"imagej": True, "metadata": {"axes": "ZYX"}}, {"metadata": {"axes": "ZYX"}},
    {"bigtiff": True}, {"compression": "zlib"}, {"truncate": True}, {"byteorder": ">"},
    {"bigtiff": True, "byteorder": ">"},
    {"imagej": True, "truncate": True, "metadata": {"axes": "ZYX"}}, {"rowsperstrip": 2}, {"tile": (16, 16)},
])  # fmt: skip
def test_a_stack_is_read_as_it_lies(tmp_path, options):
    path = save(tmp_path / "a.tif", **options)
    assert is_tiff_stack(path)
    volume = read_tiff_stack(path)
    np.testing.assert_array_equal(volume.samples[0], VALUES)
    assert volume.affine is None and volume.spacing is None and volume.channel_names == ("",)
    assert (volume.space.container, volume.space.spatial_shape) == ("tiff", (5, 6, 7))


@pytest.mark.parametrize("axes", ["ZCYX", "CZYX"])
@pytest.mark.parametrize("kind", ["imagej", "ome", "shaped"])
def test_channels_are_known_by_their_axis(tmp_path, axes, kind):
    if (kind, axes) == ("imagej", "CZYX"):
        pytest.skip("ImageJ has one order")
    two = np.stack([VALUES, VALUES + 1000], axis=axes.index("C"))
    options = {"imagej": {"imagej": True}, "ome": {"ome": True}, "shaped": {}}[kind]
    volume = read_tiff_stack(save(tmp_path / "a.tif", two, metadata={"axes": axes}, **options))
    np.testing.assert_array_equal(volume.samples, np.stack([VALUES, VALUES + 1000]))
    assert volume.channel_names == ("channel 1", "channel 2")


def test_unnamed_axes_and_colours(tmp_path):
    two = np.stack([VALUES, VALUES + 1000])
    np.testing.assert_array_equal(read_tiff_stack(save(tmp_path / "a.tif", two)).samples, two)
    colours = RNG.integers(0, 256, (5, 6, 7, 3)).astype(np.uint8)
    path = save(tmp_path / "b.tif", colours, photometric="rgb")
    np.testing.assert_array_equal(read_tiff_stack(path).samples, colours.transpose(3, 0, 1, 2))
    flat = read_tiff_stack(save(tmp_path / "c.tif", two[:, 0], metadata={"axes": "CYX"}, imagej=True))
    np.testing.assert_array_equal(flat.samples, two[:, :1])
    one = read_tiff_stack(save(tmp_path / "d.tif", VALUES[0]))
    np.testing.assert_array_equal(one.samples, VALUES[None, :1])


@pytest.mark.parametrize("unit, millimetres", [
    ("um", 1e-3), ("micron", 1e-3), ("\\u00B5m", 1e-3), ("nm", 1e-6), ("mm", 1), ("cm", 10), ("inch", 25.4),
])  # fmt: skip
def test_imagej_says_how_large_voxels_are(tmp_path, unit, millimetres):
    metadata = {"axes": "ZYX", "spacing": 2.0, "unit": unit}
    volume = read_tiff_stack(save(tmp_path / "a.tif", imagej=True, resolution=(4, 2), metadata=metadata))
    assert volume.spacing == pytest.approx([0.25 * millimetres, 0.5 * millimetres, 2 * millimetres])


def test_ome_says_how_large_voxels_are(tmp_path):
    sizes = {"PhysicalSizeX": 250, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.5, "PhysicalSizeZ": 0.002}
    metadata = {"axes": "ZYX", **sizes, "PhysicalSizeZUnit": "mm"}
    assert read_tiff_stack(save(tmp_path / "a.ome.tif", metadata=metadata)).spacing == pytest.approx(
        (25e-5, 5e-4, 2e-3)
    )
    metadata.pop("PhysicalSizeZ")
    assert read_tiff_stack(save(tmp_path / "b.ome.tif", metadata=metadata)).spacing is None


@pytest.mark.parametrize("metadata, resolution", [
    ({"axes": "ZYX", "spacing": 2.0, "unit": "pixel"}, (4, 4)), ({"axes": "ZYX", "spacing": 2.0}, (4, 4)),
    ({"axes": "ZYX", "spacing": 0.0, "unit": "um"}, (4, 4)), ({"axes": "ZYX", "spacing": 2.0, "unit": "um"}, (0, 4)),
])  # fmt: skip
def test_sizes_that_are_not_known_are_none(tmp_path, metadata, resolution):
    assert (
        read_tiff_stack(save(tmp_path / "a.tif", imagej=True, resolution=resolution, metadata=metadata)).spacing is None
    )


def test_time_series_are_refused_but_one_moment_is_not(tmp_path):
    path = save(tmp_path / "a.tif", imagej=True, metadata={"axes": "TYX"})
    with pytest.raises(DataError, match="a.tif holds 5 points in time"):
        read_tiff_stack(path)
    one = save(tmp_path / "b.tif", VALUES[None], metadata={"axes": "TZYX"}, ome=True)
    np.testing.assert_array_equal(read_tiff_stack(one).samples[0], VALUES)


def test_what_is_no_stack_is_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(VALUES[0], metadata=None)
        file.write(VALUES[1, :4], metadata=None)
    with pytest.raises(DataError, match=r"a.tif holds 2 images \(6 x 7 and 4 x 7"):
        read_tiff_stack(tmp_path / "a.tif")
    with pytest.raises(DataError, match="complex"):
        read_tiff_stack(save(tmp_path / "b.tif", VALUES.astype(np.complex64)))
    with pytest.raises(DataError, match="has the axes"):
        read_tiff_stack(save(tmp_path / "c.tif", np.zeros((2, 2, 2, 6, 7), np.uint8)))


def test_pictures_are_no_stacks(tmp_path):
    Image.fromarray(VALUES[0].astype(np.uint8)).save(tmp_path / "picture.tif")
    with tifffile.TiffWriter(tmp_path / "levels.tif") as file:
        file.write(VALUES[0], metadata=None)
        file.write(VALUES[0, ::2, ::2], subfiletype=1, metadata=None)
    save(tmp_path / "rgb.tif", np.zeros((6, 7, 3), np.uint8), photometric="rgb")
    (tmp_path / "text.tif").write_text("no picture at all")
    (tmp_path / "empty.tif").write_bytes(b"")
    for name in ("picture.tif", "levels.tif", "rgb.tif", "text.tif", "empty.tif", "gone.tif"):
        assert not is_tiff_stack(tmp_path / name), name
    pictures = [Image.fromarray(page) for page in VALUES]
    pictures[0].save(tmp_path / "many.tif", save_all=True, append_images=pictures[1:])
    assert is_tiff_stack(tmp_path / "many.tif")
    np.testing.assert_array_equal(read_tiff_stack(tmp_path / "many.tif").samples[0], VALUES)


def test_pixels_that_cannot_be_decoded_are_refused(tmp_path):
    pytest.importorskip("PIL.features").check("libtiff") or pytest.skip("Pillow without libtiff")
    pictures = [Image.fromarray(page) for page in VALUES]
    pictures[0].save(tmp_path / "a.tif", save_all=True, append_images=pictures[1:], compression="tiff_lzw")
    try:
        assert (read_tiff_stack(tmp_path / "a.tif").samples[0].numpy() == VALUES).all()  # imagecodecs is installed
    except DataError as error:
        assert "a.tif is compressed as LZW; to read that: pip install imagecodecs" in str(error)


@pytest.mark.parametrize("options", [
    {}, {"metadata": None}, {"imagej": True, "metadata": {"axes": "ZYX"}}, {"compression": "zlib"}, {"ome": True},
    {"truncate": True},
])  # fmt: skip
def test_a_file_that_is_cut_off_is_refused_wherever_it_ends(tmp_path, options):
    path = save(tmp_path / "a.tif", **options)
    whole = path.read_bytes()
    with tifffile.TiffFile(path) as file:
        offsets, counts = file.pages[0].dataoffsets, file.pages[0].databytecounts
        end = max(file.pages[-1].dataoffsets[-1] + file.pages[-1].databytecounts[-1], offsets[0] + VALUES.nbytes)
        assert counts
    for length in {*range(0, min(end, len(whole)) - 1, 23), len(whole) // 2}:
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="a.tif") as caught:
            read_tiff_stack(path)
        assert "\n" not in str(caught.value)


def test_label_maps(tmp_path):
    labels = read_tiff_stack_labels(save(tmp_path / "a.tif", imagej=True, **SIZES))
    np.testing.assert_array_equal(labels.numbers, VALUES)
    assert labels.numbers.dtype == np.int32 and labels.affine is None
    assert labels.spacing == pytest.approx((0.25e-3, 0.5e-3, 2e-3))
    with pytest.raises(DataError, match="labels are whole"):
        read_tiff_stack_labels(save(tmp_path / "b.tif", VALUES / np.float32(7)))


def test_the_real_stack(shared_data):
    folder = shared_data / "volumes"
    if not folder.is_dir():
        pytest.skip("no volumes here")
    scan, labels = read_tiff_stack(folder / "img3d.tif"), read_tiff_stack_labels(folder / "mask3d.tif")
    assert scan.samples.shape == (1, 31, 61, 57) and labels.numbers.shape == (31, 61, 57)
    assert len(np.unique(labels.numbers)) == 52 and scan.samples[0][labels.numbers > 0].mean() > scan.samples.mean()


def test_an_image_of_several_files_of_which_one_is_gone_is_refused(tmp_path):
    described = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:a"><Image ID="Image:0"><Pixels '
        'ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="7" SizeY="6" SizeZ="4" SizeC="1" SizeT="1">'
        '<TiffData FirstZ="0" IFD="0" PlaneCount="2"><UUID FileName="a.ome.tif">urn:uuid:a</UUID></TiffData>'
        '<TiffData FirstZ="2" IFD="0" PlaneCount="2"><UUID FileName="b.ome.tif">urn:uuid:b</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    for name, pages in (("a.ome.tif", VALUES[:2]), ("b.ome.tif", VALUES[2:4])):
        save(tmp_path / name, pages, description=described, metadata=None)
    np.testing.assert_array_equal(read_tiff_stack(tmp_path / "a.ome.tif").samples[0], VALUES[:4])
    (tmp_path / "b.ome.tif").unlink()
    with pytest.raises(DataError, match="a.ome.tif lacks slices that lie in other files"):
        read_tiff_stack(tmp_path / "a.ome.tif")


@pytest.mark.parametrize(
    "content",
    [
        b"II*\0",
        b"II*\0\x08",
        b"MM\0*\0\0\0",
        b"II+\0\x08\0\0\0\x10",
        b"II+\0\x08\0\0\0" + b"\xff" * 8,  # the first page at the 2^64th byte
        b"II*\0\x08\0\0\0\xff\xff",
        b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + b"\xff" * 8,  # 2^64 entries
    ],
)
def test_a_header_that_breaks_off_or_points_nowhere_is_no_stack_and_one_sentence(tmp_path, content):
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    assert not is_tiff_stack(path)
    with pytest.raises(DataError, match="a.tif"):
        read_tiff_stack(path)
