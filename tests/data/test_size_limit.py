"""What a file holds is asked of its header, and one that is too large is refused before it is unpacked."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicom_series import write_series as write_dicom
from maskrcnn.data.parsing import size_limit
from maskrcnn.data.parsing.size_limit import at_most, check_size
from maskrcnn.errors import DataError
from maskrcnn.modalities.images.labels.index_maps import read_label_map
from maskrcnn.modalities.images.read.pictures import image_shape, read_image
from maskrcnn.modalities.signals.read import read_signal
from maskrcnn.modalities.volumes.read import read_label_volume, read_volume

nibabel = pytest.importorskip("nibabel")
tifffile = pytest.importorskip("tifffile")
soundfile = pytest.importorskip("soundfile")
wfdb = pytest.importorskip("wfdb")

VOXELS = np.zeros((6, 8, 10), np.uint8)


def picture(folder: Path) -> Path:
    Image.new("1", (24, 20)).save(folder / "a.png")
    return folder / "a.png"


def scan(suffix: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        nibabel.save(nibabel.Nifti1Image(VOXELS, np.eye(4)), folder / f"a{suffix}")
        return folder / f"a{suffix}"

    return write


def stack(folder: Path) -> Path:
    tifffile.imwrite(folder / "a.tif", VOXELS, compression="zlib", photometric="minisblack")
    return folder / "a.tif"


def array(name: str, values: np.ndarray) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        if name.endswith(".npy"):
            np.save(folder / name, values)
        else:
            np.savez_compressed(folder / name, **{"volume" if values.ndim == 3 else "samples": values})
        return folder / name

    return write


def sound(suffix: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        soundfile.write(folder / f"a{suffix}", np.zeros((240, 2)), 8000)
        return folder / f"a{suffix}"

    return write


def record(folder: Path) -> Path:
    signal = np.sin(np.arange(480) / 9)[:, None]
    wfdb.wrsamp("a", fs=250, units=["mV"], sig_name=["I"], p_signal=signal, fmt=["16"], write_dir=str(folder))
    return folder / "a.hea"


def table(folder: Path) -> Path:
    (folder / "a.csv").write_text("a,b\n" + "1,2\n" * 240)
    return folder / "a.csv"


def bases(folder: Path) -> Path:
    (folder / "a.fa").write_text(">a\n" + "ACGT" * 120 + "\n")
    return folder / "a.fa"


def series(folder: Path) -> Path:
    write_dicom(folder / "series", VOXELS.astype(np.int16), np.eye(4))
    return folder / "series"


FILES = {  # each of 480 pixels, voxels or samples, and what reads it
    "a picture": (picture, read_image),
    "a label map": (picture, read_label_map),
    "nii": (scan(".nii"), read_volume),
    "nii.gz": (scan(".nii.gz"), read_volume),
    "mgz": (scan(".mgz"), read_volume),
    "labels in nii.gz": (scan(".nii.gz"), read_label_volume),
    "a pair": (scan(".img"), read_volume),
    "tiff": (stack, read_volume),
    "labels in a tiff": (stack, read_label_volume),
    "a DICOM series": (series, read_volume),
    "npy of voxels": (array("a.npy", VOXELS), read_volume),
    "npz of voxels": (array("a.npz", VOXELS), read_volume),
    "labels in an npz": (array("a.npz", VOXELS), read_label_volume),
    "npz of samples": (array("a.npz", np.zeros((2, 240))), read_signal),
    "npy of samples": (array("a.npy", np.zeros((2, 240))), read_signal),
    "csv": (table, read_signal),
    "wav": (sound(".wav"), read_signal),
    "flac": (sound(".flac"), read_signal),
    "ogg": (sound(".ogg"), read_signal),
    "a WFDB record": (record, read_signal),
    "bases": (bases, read_signal),
}


@pytest.mark.parametrize("name", FILES)
def test_every_reader_keeps_the_one_law(tmp_path, name):
    write, read = FILES[name]
    path = write(tmp_path)
    with at_most(479), pytest.raises(DataError, match=r"more than the 479 that --max-pixels allows") as caught:
        read(path)
    assert tmp_path.name in str(caught.value)
    with at_most(500):
        read(path)


def test_a_header_may_say_anything_where_nothing_is_unpacked(tmp_path):
    with at_most(1):
        assert image_shape(picture(tmp_path)) == (20, 24)


def test_the_size_of_a_bomb_is_told_without_unpacking_it(tmp_path):
    """Pillow unpacks a PNG to look for its orientation behind the pixels."""
    Image.new("1", (13_000, 13_000)).save(tmp_path / "a.png")
    start = time.process_time()
    assert image_shape(tmp_path / "a.png") == (13_000, 13_000)
    assert time.process_time() - start < 0.1


def test_what_is_packed_too_tightly_is_refused_and_may_be_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr(size_limit, "HARMLESS", 2**20)
    Image.new("1", (1000, 1000)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="holds 1,000,000 pixels in .* more tightly.*--max-pixels 1000000"):
        read_image(tmp_path / "a.png")
    with at_most(1_000_000):
        assert read_image(tmp_path / "a.png").shape == (3, 1000, 1000)


def test_a_bomb_is_refused_as_it_is(tmp_path):
    """A picture of 21 kilobytes that would take gigabytes."""
    Image.new("1", (13_000, 13_000)).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size < 25_000
    with pytest.raises(DataError, match="169,000,000 pixels"):
        read_image(tmp_path / "a.png")


def test_a_large_photo_is_let_through_where_there_is_memory(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(bytes(1000))
    monkeypatch.setattr(size_limit, "HARMLESS", 0)
    monkeypatch.setattr(size_limit, "free_memory", lambda: 50_000)
    check_size(tmp_path / "a", 5000, "pixels", 10)
    with pytest.raises(DataError, match="free; cut it into parts, or allow it with --max-pixels 5001"):
        check_size(tmp_path / "a", 5001, "pixels", 10)


def test_arrays_that_nobody_asked_for_are_never_unpacked(tmp_path):
    for name, wanted in (("samples", np.zeros((2, 240))), ("volume", VOXELS)):
        path = tmp_path / f"{name}.npz"
        np.savez_compressed(path, **{name: wanted})
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("other.npy", "w") as member:
            np.lib.format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
        with at_most(500):
            (read_signal if name == "samples" else read_volume)(path)


@pytest.mark.parametrize("name", ["spacing", "affine"])
def test_a_spacing_of_millions_of_numbers_is_refused(tmp_path, name):
    np.savez_compressed(tmp_path / "a.npz", volume=VOXELS, **{name: np.zeros(10**6)})
    with pytest.raises(DataError, match=f"its {name} is an array of"):
        read_volume(tmp_path / "a.npz")


def test_the_limit_ends_with_its_block(monkeypatch):
    monkeypatch.setenv(size_limit.VARIABLE, "7")
    with at_most(3), pytest.raises(DataError, match="more than the 3"):
        check_size("a", 8, "pixels", 1)
    with pytest.raises(DataError, match="more than the 7"):
        check_size("a", 8, "pixels", 1)
    with at_most(None), pytest.raises(DataError, match="more than the 7"):
        check_size("a", 8, "pixels", 1)
