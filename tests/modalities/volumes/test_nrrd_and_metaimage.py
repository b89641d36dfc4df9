"""NRRD and MetaImage, written by hand from their definitions; of 80 files of SimpleITK all agreed with it."""

from __future__ import annotations

import gzip
import zlib

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.find import find_volumes
from maskrcnn.modalities.volumes.read import read_label_volume, read_volume
from maskrcnn.modalities.volumes.results.label_volumes import blank, write_voxels

nibabel = pytest.importorskip("nibabel")
pytest.importorskip("nrrd")
VALUES = np.random.default_rng(0).integers(0, 900, (5, 6, 7)).astype("<i2")  # [k, j, i]
STEPS = {  # along each axis of the file, millimetres towards left, back and head
    "straight": ((0.5, 0, 0), (0, 1.5, 0), (0, 0, 3)),
    "sagittal": ((0, 0.5, 0), (0, 0, -1.5), (3, 0, 0)),
    "oblique": ((0.4, 0.3, 0), (-0.9, 1.2, 0), (0, 0, 3)),
}
ORIGIN = (10, -20, 30)


def affine(steps):
    found = np.eye(4)
    found[:3, :3], found[:3, 3] = np.array(steps).T, ORIGIN
    return np.diag([-1, -1, 1, 1]) @ found


def expected(steps, values=VALUES):
    return nibabel.as_closest_canonical(nibabel.Nifti1Image(values.T.astype(np.float32), affine(steps)))


NRRD = """NRRD0004
# a comment
type: short
dimension: 3
space: left-posterior-superior
sizes: 7 6 5
space directions: {directions}
kinds: domain domain domain
endian: little
encoding: {encoding}
space origin: ({origin})
key:=value
"""


def nrrd(path, steps=STEPS["straight"], encoding="raw", extra="", data=None, **changes):
    directions = " ".join(f"({','.join(map(str, row))})" for row in steps)
    text = NRRD.format(directions=directions, origin=",".join(map(str, ORIGIN)), encoding=encoding)
    for field, value in changes.items():
        name = field.replace("_", " ")
        lines = [line for line in text.splitlines() if not line.startswith(f"{name}:")]
        text = "\n".join([*lines, *([f"{name}: {value}"] if value is not None else []), ""])
    content = VALUES.tobytes() if data is None else data
    content = gzip.compress(content) if encoding == "gzip" else content
    path.write_bytes(f"{text}{extra}\n".encode() + content)
    return path


def metaimage(path, steps=STEPS["straight"], data=None, packed=False, where="LOCAL", **changes):
    sizes = np.linalg.norm(np.array(steps), axis=1)
    matrix = " ".join(f"{value:.12g}" for value in (np.array(steps) / sizes[:, None]).ravel())
    fields = {
        "ObjectType": "Image", "NDims": "3", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
        "CompressedData": str(packed), "TransformMatrix": matrix, "Offset": " ".join(map(str, ORIGIN)),
        "ElementSpacing": " ".join(f"{size:.12g}" for size in sizes), "DimSize": "7 6 5", "ElementType": "MET_SHORT",
    } | changes | {"ElementDataFile": where}  # fmt: skip
    text = "".join(f"{key} = {value}\n" for key, value in fields.items() if value is not None)
    content = VALUES.tobytes() if data is None else data
    content = zlib.compress(content) if packed else content
    path.write_bytes(text.encode() + (content if where == "LOCAL" else b""))
    if where == "a.raw":
        path.with_name(where).write_bytes(content)
    return path


def write(kind, folder, **options):
    return nrrd(folder / "a.nrrd", **options) if kind == "nrrd" else metaimage(folder / "a.mha", **options)


@pytest.mark.parametrize("lies", STEPS)
@pytest.mark.parametrize("kind", ["nrrd", "metaimage"])
def test_voxels_lie_where_the_header_says(tmp_path, kind, lies):
    path = write(kind, tmp_path, steps=STEPS[lies])
    assert find_volumes(tmp_path) == [path]
    volume, wanted = read_volume(path), expected(STEPS[lies])
    np.testing.assert_array_equal(volume.samples[0].numpy(), wanted.get_fdata().T)
    np.testing.assert_allclose(volume.affine, wanted.affine, atol=1e-9)
    np.testing.assert_array_equal(read_label_volume(path).numbers, wanted.get_fdata().T)
    assert volume.notes == ()


@pytest.mark.parametrize("kind", ["nrrd", "metaimage"])
def test_label_volumes_overlay_the_scan(tmp_path, kind):
    volume = read_volume(write(kind, tmp_path, steps=STEPS["oblique"]))
    drawn = blank(volume.space, np.dtype(np.uint16))
    drawn[...] = volume.samples[0].numpy()
    path = write_voxels(tmp_path / "out", drawn, volume.space, volume.spacing)
    image = nibabel.load(path)
    np.testing.assert_allclose(image.affine, affine(STEPS["oblique"]), atol=1e-5)
    np.testing.assert_array_equal(np.asarray(image.dataobj).T, VALUES)


@pytest.mark.parametrize("path", ["a.nhdr", "a.mhd"])
def test_data_beside_the_header(tmp_path, path):
    if path == "a.mhd":
        metaimage(tmp_path / path, where="a.raw")
    else:
        nrrd(tmp_path / path, extra="data file: a.raw\n", data=b"")
        (tmp_path / "a.raw").write_bytes(VALUES.tobytes())
    assert find_volumes(tmp_path) == [tmp_path / path]
    np.testing.assert_array_equal(
        read_volume(tmp_path / path).samples[0].numpy(), expected(STEPS["straight"]).get_fdata().T
    )


@pytest.mark.parametrize("name", ["/etc/hostname", "../a.raw", "sub/a.raw", "LIST", "a%03d.raw 1 5 1", "gone.raw"])
@pytest.mark.parametrize("kind", ["nrrd", "metaimage"])
def test_data_elsewhere_are_refused(tmp_path, kind, name):
    path = tmp_path / ("a.nhdr" if kind == "nrrd" else "a.mhd")
    if kind == "nrrd":
        nrrd(path, extra=f"data file: {name}\n", data=b"")
    else:
        metaimage(path, where=name)
    with pytest.raises(DataError, match=f"{path.name} has its data in"):
        read_volume(path)


def test_packed_text_and_big_endian_data(tmp_path):
    wanted = expected(STEPS["straight"]).get_fdata().T
    text = " ".join(map(str, VALUES.ravel())).encode()
    for path in (
        nrrd(tmp_path / "a.nrrd", encoding="gzip"), nrrd(tmp_path / "b.nrrd", encoding="ascii", data=text),
        nrrd(tmp_path / "c.nrrd", endian="big", data=VALUES.astype(">i2").tobytes()),
        metaimage(tmp_path / "d.mha", packed=True), metaimage(tmp_path / "e.mha", BinaryData="False", data=text),
        metaimage(tmp_path / "f.mha", BinaryDataByteOrderMSB="True", data=VALUES.astype(">i2").tobytes()),
        metaimage(tmp_path / "g.mha", HeaderSize="-1"), metaimage(tmp_path / "h.mha", NDims="4", DimSize="7 6 5 1",
            TransformMatrix=None, Offset="10 -20 30 0", ElementSpacing="0.5 1.5 3 1"),
    ):  # fmt: skip
        volume = read_volume(path)
        np.testing.assert_array_equal(volume.samples[0].numpy(), wanted, err_msg=path.name)
        assert volume.spacing == pytest.approx((0.5, 1.5, 3))


def test_channels(tmp_path):
    both = np.stack([VALUES, VALUES + 1], -1).tobytes()
    wanted = expected(STEPS["straight"]).get_fdata().T
    rows = "none (0.5,0,0) (0,1.5,0) (0,0,3)"
    for path in (
        nrrd(tmp_path / "a.nrrd", data=both, dimension=4, sizes="2 7 6 5", kinds="vector domain domain domain",
             space_directions=rows),
        metaimage(tmp_path / "b.mha", data=both, ElementNumberOfChannels="2"),
    ):  # fmt: skip
        volume = read_volume(path)
        np.testing.assert_array_equal(volume.samples[0].numpy(), wanted)
        np.testing.assert_array_equal(volume.samples[1].numpy(), wanted + 1)
        with pytest.raises(DataError, match="2 channels"):
            read_label_volume(path)


def test_a_nrrd_that_does_not_say_how_it_lies(tmp_path):
    plain = nrrd(tmp_path / "a.nrrd", space=None, space_directions=None, space_origin=None, spacings="0.5 1.5 3",
                 units='"mm" "mm" "mm"')  # fmt: skip
    volume = read_volume(plain)
    assert volume.affine is None and volume.spacing == (0.5, 1.5, 3)
    np.testing.assert_array_equal(volume.samples[0].numpy(), VALUES)
    micron = nrrd(tmp_path / "b.nrrd", space_units='"um" "um" "um"')
    assert read_volume(micron).spacing == pytest.approx((5e-4, 1.5e-3, 3e-3))
    scanner = read_volume(nrrd(tmp_path / "c.nrrd", space="scanner-xyz"))
    assert scanner.affine is None and "does not say how it lies" in scanner.notes[0]


@pytest.mark.parametrize("field, value", [
    ("sizes", "7 6 9"), ("sizes", "99999999999 6 5"), ("sizes", "-7 6 5"), ("sizes", "0 6 5"), ("sizes", "9" * 5000),
    ("dimension", "1e300"), ("type", "block"), ("type", "x"), ("space_directions", "(1e400,0,0) (0,1,0) (0,0,1)"),
    ("space_directions", "(1e300,0,0) (0,1,0) (0,0,1)"), ("space_directions", "(0,0,0) (0,1,0) (0,0,1)"),
    ("space_origin", "(1e400,0,0)"), ("encoding", "zip"),
    ("line_skip", "9" * 18), ("byte_skip", "9" * 18), ("byte_skip", "-5"), ("space_units", '"mm" "um" "mm"'),
])  # fmt: skip
def test_nrrd_headers_that_lie_are_refused(tmp_path, field, value):
    with pytest.raises(DataError, match="a.nrrd"):
        read_volume(nrrd(tmp_path / "a.nrrd", **{field: value}))


@pytest.mark.parametrize("field, value", [
    ("DimSize", "7 6 9"), ("DimSize", "99999999999 99999999999 99999999999"), ("DimSize", "-7 6 5"),
    ("DimSize", "0 6 5"),
    ("DimSize", "7 6"), ("DimSize", "x"), ("DimSize", "9" * 5000), ("NDims", "2"), ("NDims", "1e300"),
    ("ElementSpacing", "1e400 1 1"), ("ElementSpacing", "1e300 1 1"), ("ElementSpacing", "nan 1 1"),
    ("ElementSpacing", "0 1 1"), ("ElementSpacing", "1 1"), ("TransformMatrix", "1 0 0"),
    ("TransformMatrix", "0 0 0 0 0 0 0 0 0"), ("Offset", "1e400 0 0"), ("ElementType", "MET_OTHER"),
    ("ElementNumberOfChannels", "999999999"), ("ElementNumberOfChannels", "0"), ("HeaderSize", "9" * 18),
    ("CompressedData", "True"), ("ObjectType", "Tube"),
])  # fmt: skip
def test_metaimage_headers_that_lie_are_refused(tmp_path, field, value):
    with pytest.raises(DataError, match="a.mha"):
        read_volume(metaimage(tmp_path / "a.mha", **{field: value}))


@pytest.mark.parametrize("kind", ["nrrd", "metaimage"])
def test_files_that_are_cut_off_or_something_else(tmp_path, kind):
    path = write(kind, tmp_path)
    content = path.read_bytes()
    for length in (0, 5, 100, len(content) - 10):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=path.name):
            read_volume(path)
