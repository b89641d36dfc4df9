"""NIfTI that is packed, or not, other than its name says, and what is no volume."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.find import find_volumes
from maskrcnn.modalities.volumes.read import read_volume

nibabel = pytest.importorskip("nibabel")
VALUES = np.random.default_rng(0).integers(0, 900, (7, 6, 5)).astype(np.int16)
AFFINE = np.diag([-0.5, 1.5, 3, 1])


def image(kind=nibabel.Nifti1Image):
    return kind(VALUES.astype(np.float32) if kind is nibabel.MGHImage else VALUES, AFFINE)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image, nibabel.MGHImage])
def test_what_is_in_a_file_counts_not_its_suffix(tmp_path, kind):
    plain = image(kind).to_bytes()
    suffixes = (".mgh", ".mgz") if kind is nibabel.MGHImage else (".nii", ".nii.gz")
    wanted = nibabel.as_closest_canonical(image(kind))
    for suffix in suffixes:
        for name, content in (("packed", gzip.compress(plain)), ("plain", plain)):
            path = tmp_path / f"{name}{suffix}"
            path.write_bytes(content)
            volume = read_volume(path)
            np.testing.assert_array_equal(volume.samples[0].numpy(), wanted.get_fdata().T, err_msg=path.name)
            np.testing.assert_allclose(volume.affine, wanted.affine)
    assert len(find_volumes(tmp_path)) == 4


def test_a_file_of_the_other_byte_order_under_another_name(tmp_path):
    swapped = nibabel.Nifti2Image(VALUES, AFFINE, nibabel.Nifti2Header(endianness=">"))
    (tmp_path / "a.nii").write_bytes(gzip.compress(swapped.to_bytes()))
    np.testing.assert_array_equal(read_volume(tmp_path / "a.nii").samples[0].numpy(), VALUES[::-1].T)


def test_values_on_a_surface_are_no_volume(tmp_path):
    axis = nibabel.cifti2.BrainModelAxis.from_mask(np.ones(4, dtype=bool), name="cortex_left")
    rows = nibabel.cifti2.ScalarAxis(["a", "b"])
    nibabel.save(nibabel.Cifti2Image(np.zeros((2, 4), np.float32), (rows, axis)), tmp_path / "a.dscalar.nii")
    with pytest.raises(DataError, match=r"a.dscalar.nii holds values on the surface of a brain \(CIFTI\)"):
        read_volume(tmp_path / "a.dscalar.nii")


FIELDS = {"pixdim": (80, "f"), "srow_x": (280, "f"), "srow_x origin": (292, "f"), "scl_slope": (112, "f"),
          "vox_offset": (108, "f"), "dim": (42, "h"), "dim0": (40, "h"), "datatype": (70, "h")}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [3e38, float("inf"), float("nan"), -1, 0, 32767])
def test_numbers_that_no_scan_has_are_refused_or_read_as_finite(tmp_path, field, value):
    at, form = FIELDS[field]
    content = bytearray(image().to_bytes())
    whole = value if form == "f" else int(np.nan_to_num(np.clip(value, -32768, 32767), nan=0))
    struct.pack_into(f"<{form}", content, at, whole)
    (tmp_path / "a.nii").write_bytes(content)
    try:
        volume = read_volume(tmp_path / "a.nii")
    except DataError as error:
        assert "a.nii" in str(error)
        return
    assert volume.samples.isfinite().all() and max(volume.spacing) < 1e8


def test_a_header_that_promises_more_than_the_file_holds_is_refused_before_room_is_made(tmp_path):
    content = bytearray(image().to_bytes())
    struct.pack_into("<4h", content, 40, 3, 30000, 30000, 30000)
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(DataError, match="a.nii cannot be read as NIfTI: its header says 54000000000352 bytes"):
        read_volume(tmp_path / "a.nii")
