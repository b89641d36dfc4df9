from __future__ import annotations

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.signals.formats.series.about import is_series
from maskrcnn.modalities.volumes.formats.arrays.about import is_volume_array
from maskrcnn.modalities.volumes.formats.arrays.read import read as read_volume_array
from maskrcnn.modalities.volumes.formats.arrays.read import read_labels as read_volume_array_labels

VALUES = np.random.default_rng(0).integers(-90, 90, (4, 5, 6)).astype(np.int16)
AFFINE = np.array([[0, -2.0, 0, 5], [0, 0, 3.0, 6], [1.5, 0, 0, 7], [0, 0, 0, 1]])


def save(path, *array, **arrays):
    np.save(path, *array) if array else np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("name, arrays", [
    ("a.npy", VALUES), ("a.npz", {"volume": VALUES, "other": VALUES[0]}),
    ("a.npz", {"samples": VALUES, "x": VALUES[0]}),
    ("a.npz", {"image": VALUES, "label": VALUES}), ("a.npz", {"anything": VALUES, "spacing": np.ones(3)}),
])  # fmt: skip
def test_the_array_that_is_meant_is_read(tmp_path, name, arrays):
    path = save(tmp_path / name, **arrays) if isinstance(arrays, dict) else save(tmp_path / name, arrays)
    assert is_volume_array(path) and not is_series(path)
    volume = read_volume_array(path)
    np.testing.assert_array_equal(volume.samples[0], VALUES)
    assert volume.affine is None and volume.space.container == path.suffix[1:]
    assert volume.spacing == ((1, 1, 1) if "spacing" in arrays else None)


def test_the_first_of_four_axes_holds_channels(tmp_path):
    two = np.stack([VALUES, -VALUES])
    for path in (save(tmp_path / "a.npy", two), save(tmp_path / "a.npz", volume=two)):
        volume = read_volume_array(path)
        np.testing.assert_array_equal(volume.samples, two)
        assert volume.space.spatial_shape == (4, 5, 6) and len(volume.channel_names) == 2


def test_an_affine_turns_the_array(tmp_path):
    volume = read_volume_array(save(tmp_path / "a.npz", volume=VALUES, affine=AFFINE, spacing=[1.5, 2, 3]))
    assert volume.spacing == (2, 3, 1.5) and (volume.space.affine == AFFINE).all()
    np.testing.assert_array_equal(volume.space.turn.undo(volume.samples.numpy())[0], VALUES)
    x, y, z = 1, 2, 3
    place = np.linalg.solve(AFFINE, volume.affine @ [x, y, z, 1])[:3].round().astype(int)
    assert volume.samples[0, z, y, x] == VALUES[tuple(place[::-1])]


def test_a_float32_array_is_not_copied_twice_and_stays_as_it_was(tmp_path):
    values = VALUES.astype(np.float32)
    values[1, 2, 3] = np.nan
    path = save(tmp_path / "a.npy", values)
    before = path.read_bytes()
    volume = read_volume_array(path)
    assert volume.samples[0, 1, 2, 3] == VALUES[values == values].min() and "1 of 120 voxels" in volume.notes[0]
    assert path.read_bytes() == before


@pytest.mark.parametrize("arrays, words", [
    ({"volume": VALUES[0]}, r"shape \(5, 6\)"),
    ({"volume": np.zeros((0, 2, 2))}, "holds no voxels"),
    ({"volume": np.zeros((2, 2, 2), complex)}, "complex"),
    ({"volume": np.full((2, 2, 2), "x")}, "not numbers"),
    ({"volume": np.full((2, 2, 2), np.inf)}, "no voxel that is a finite number"),
    ({"p": VALUES, "q": VALUES}, "no array volume; it has p, q"),
    ({"volume": VALUES, "spacing": [1, 2]}, "spacing must be three positive"),
    ({"volume": VALUES, "spacing": [1, 2, 0]}, "spacing must be three positive"),
    ({"volume": VALUES, "spacing": [1, 2, np.nan]}, "spacing must be three positive"),
    ({"volume": VALUES, "affine": np.eye(3)}, r"affine is float64 of the shape \(3, 3\)"),
    ({"volume": VALUES, "affine": np.zeros((4, 4))}, "affine"),
    ({"volume": VALUES, "affine": AFFINE, "spacing": [2, 2, 2]}, "leave one out"),
    ({"volume": np.array([[[{}]]], dtype=object)}, "Object arrays cannot be loaded"),
])  # fmt: skip
def test_what_is_no_volume_is_refused(tmp_path, arrays, words):
    with pytest.raises(DataError, match=f"a.npz.*{words}"):
        read_volume_array(save(tmp_path / "a.npz", **arrays))


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_file_that_is_cut_off_is_refused_wherever_it_ends(tmp_path, name):
    path = save(tmp_path / name, VALUES) if name == "a.npy" else save(tmp_path / name, volume=VALUES)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 11):
        path.write_bytes(whole[:length])
        is_volume_array(path)  # raises nothing
        with pytest.raises(DataError, match=name):
            read_volume_array(path)


def test_label_maps(tmp_path):
    labels = np.abs(VALUES).astype(np.uint64)
    for path in (
        save(tmp_path / "a.npz", labels=labels, volume=VALUES), save(tmp_path / "b.npz", volume=labels),
        save(tmp_path / "c.npy", labels), save(tmp_path / "d.npz", only=labels.astype(float)),
    ):  # fmt: skip
        np.testing.assert_array_equal(read_volume_array_labels(path).numbers, labels)
    assert read_volume_array_labels(save(tmp_path / "e.npy", labels > 3)).numbers.max() == 1
    with pytest.raises(DataError, match="too large"):
        read_volume_array_labels(save(tmp_path / "f.npy", np.full((1, 1, 1), 1 << 63, dtype=np.uint64)))


def test_series_and_volumes_do_not_claim_each_other_s_files(tmp_path):
    for k, shape in enumerate([(50,), (2, 50), (50, 2), (3, 4, 5), (2, 3, 4, 5), (2, 2, 2, 2, 2)]):
        npy, npz = save(tmp_path / f"{k}.npy", np.zeros(shape)), save(tmp_path / f"{k}.npz", samples=np.zeros(shape))
        for path in (npy, npz):
            assert is_series(path) == (len(shape) < 3) and is_volume_array(path) == (len(shape) in (3, 4)), path
    assert not is_volume_array(save(tmp_path / "text.npy", np.full((2, 2, 2), "x")))
    assert not is_volume_array(save(tmp_path / "two.npz", p=VALUES, q=VALUES))
    (tmp_path / "broken.npz").write_bytes(b"PK")
    assert not is_volume_array(tmp_path / "broken.npz") and not is_volume_array(tmp_path / "gone.npy")


@pytest.mark.parametrize("said", [
    {"spacing": [1e300, 1, 1]}, {"spacing": [1e-300, 1, 1]}, {"spacing": [1, 1, 1e38]},
    {"affine": np.diag([1e300, 1, 1, 1])}, {"affine": np.diag([1e-300, 1, 1, 1])},
    {"affine": np.full((4, 4), np.inf)},
])  # fmt: skip
def test_sizes_that_no_voxel_has_are_refused(tmp_path, said):
    np.savez(tmp_path / "a.npz", volume=np.zeros((3, 4, 5)), **said)
    with pytest.raises(DataError, match="a.npz"):
        read_volume_array(tmp_path / "a.npz")
