"""``maskrcnn synthetic`` as a user runs it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

tifffile = pytest.importorskip("tifffile")
nibabel = pytest.importorskip("nibabel")

SMALL = ("--shape", 32, 28, 24, "--seed", 3)


def read(folder, name):
    with tifffile.TiffFile(folder / name / "synthetic_0001.tif") as file:
        return file.asarray(), file


def test_a_set_of_several_classes(maskrcnn, tmp_path):
    outcome = maskrcnn("synthetic", tmp_path / "out", "--count", 2, *SMALL)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"{tmp_path / 'out'} now holds 2 synthetic volumes with ")
    assert outcome.out.endswith(f"; to train on them: maskrcnn train {tmp_path / 'out'}\n")
    assert (tmp_path / "out" / "classes.txt").read_text() == "blob\ntube\nshell\n"
    for folder in ("images", "labels", "classes"):
        names = sorted(path.name for path in (tmp_path / "out" / folder).iterdir())
        assert names == ["synthetic_0001.tif", "synthetic_0002.tif"]
    (image, file), (labels, _), (classes, _) = (
        read(tmp_path / "out", name) for name in ("images", "labels", "classes")
    )
    assert image.shape == labels.shape == classes.shape == (24, 28, 32)
    assert image.dtype == labels.dtype == np.uint16 and file.is_imagej
    assert ((labels > 0) == (classes > 0)).all()
    for number in range(1, labels.max() + 1):
        assert len(np.unique(classes[labels == number])) == 1
    stacks = [tifffile.imread(path) for path in sorted((tmp_path / "out" / "labels").iterdir())]
    words = outcome.out.partition(" with ")[2].partition(";")[0].replace(" and ", ", ").split(", ")
    assert sum(int(word.split()[0]) for word in words) == sum(int(stack.max()) for stack in stacks)


def test_the_spacing_is_in_the_file(maskrcnn, tmp_path):
    spacing = ("--spacing", 0.5, 0.25, 2, "--diameter", 6, "--shape", 24, 48, 8, "--count", 1, "--kinds", "blobs")
    assert maskrcnn("synthetic", tmp_path / "tiff", *spacing).code == 0
    image, file = read(tmp_path / "tiff", "images")
    x, y = (file.pages[0].tags[name].value for name in ("XResolution", "YResolution"))
    assert (x[1] / x[0], y[1] / y[0]) == pytest.approx((0.5, 0.25))
    assert file.imagej_metadata["spacing"] == 2 and file.imagej_metadata["unit"] == "micron"
    assert not (tmp_path / "tiff" / "classes").exists() and (tmp_path / "tiff" / "classes.txt").read_text() == "blob\n"
    assert maskrcnn("synthetic", tmp_path / "nifti", *spacing, "--format", "nifti").code == 0
    scan = nibabel.load(tmp_path / "nifti" / "images" / "synthetic_0001.nii.gz")
    assert scan.header.get_zooms() == pytest.approx((0.5, 0.25, 2)) and scan.header.get_xyzt_units()[0] == "mm"
    assert np.array_equal(np.asarray(scan.dataobj).T, image)
    labels = nibabel.load(tmp_path / "nifti" / "labels" / "synthetic_0001.nii.gz")
    assert np.array_equal(np.asarray(labels.dataobj).T, read(tmp_path / "tiff", "labels")[0])
    assert labels.get_data_dtype() == np.uint16 and np.array_equal(labels.affine, scan.affine)


@pytest.mark.parametrize("form", ["tiff", "nifti"])
def test_the_same_seed_makes_the_same_files(maskrcnn, tmp_path, form):
    for name, seed, count in (("a", 3, 2), ("b", 3, 1), ("c", 4, 1)):
        maskrcnn("synthetic", tmp_path / name, "--count", count, *SMALL[:-1], seed, "--format", form)
    first = [sorted((tmp_path / name / "images").iterdir())[0].read_bytes() for name in "abc"]
    assert first[0] == first[1] != first[2]


def test_one_volume_and_one_kind_are_said_so(maskrcnn, tmp_path):
    outcome = maskrcnn("synthetic", tmp_path / "out", "--count", 1, "--kinds", "tubes", *SMALL)
    assert " 1 synthetic volume with " in outcome.out and " tubes; to train" in outcome.out


def test_nothing_is_written_among_other_files(refused, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert "holds something already" in refused("synthetic", tmp_path)
    assert "is a file" in refused("synthetic", tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    "flags, words",
    [
        (("--count", 0), "--count must be at least 1"),
        (("--seed", -1), "--seed must be at least 0"),
        (("--shape", 64, 64, 3), "3 voxels of 1 along z have no room"),
        (("--spacing", 9, 1, 1), "spacing of 9 along x is out of range"),
        (("--diameter", -1), "diameter"),
        (("--kinds", "blobs", "blobs"), "each once"),
        (("--kinds",), "--kinds takes a value, or several"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_written(refused, tmp_path, flags, words):
    assert words in refused("synthetic", tmp_path / "out", *flags)
    assert not (tmp_path / "out").exists()


def test_without_the_extra_it_says_what_to_install(refused, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)
    assert "pip install 'maskrcnn[volumes]'" in refused("synthetic", tmp_path / "out", *SMALL, "--count", 1)
    assert not (tmp_path / "out").exists()
