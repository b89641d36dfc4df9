"""Folders of labelled scans, and what the numbers in their label volumes mean."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import naive
from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.volumes.label_meaning import CLASSES, INSTANCES, PARTS, guess_meaning, objects_of
from maskrcnn.modalities.volumes.open import explain_meaning, is_volume_set, labelled_as, names_of, open_volume_set
from maskrcnn.modalities.volumes.volume import LabelVolume

SHAPE = (6, 8, 10)


def organs(seed=0):
    """Two bodies of a part each, numbers 1 and 2, ``[Z, Y, X]``."""
    generator = np.random.default_rng(seed)
    numbers = np.zeros(SHAPE, np.uint8)
    x, y = generator.integers(0, 4, 2)
    numbers[1:4, y : y + 3, x : x + 3] = 1
    numbers[2:5, y : y + 3, x + 3 : x + 6] = 2
    return numbers


def lesions():
    """Each class in three parts that do not touch."""
    numbers = np.zeros(SHAPE, np.uint8)
    numbers[0:2, 0:2, 0:2] = numbers[4:, 0:2, 0:2] = numbers[4:, 5:, 8:] = 1
    numbers[0:2, 5:7, 5:7] = numbers[3, 5:7, 0:2] = numbers[0, 0, 9] = 2
    return numbers


def cells(count):
    numbers = np.zeros(SHAPE, np.uint8)
    for k in range(count):
        numbers[2 * (k // 4) : 2 * (k // 4) + 2, 2 * (k % 4) : 2 * (k % 4) + 2, 3:5] = k + 1
    return numbers


def write_set(folder, maps, images="images", labels="labels", suffix="", classes=None):
    """npy files, which need no other package."""
    for name in (images, labels):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for k, numbers in enumerate(maps):
        np.save(
            folder / images / f"case{k}{suffix}.npy", np.random.default_rng(k).normal(size=SHAPE).astype(np.float32)
        )
        np.save(folder / labels / f"case{k}.npy", numbers)
    for k, numbers in enumerate(classes or ()):
        (folder / "classes").mkdir(exist_ok=True)
        np.save(folder / "classes" / f"case{k}.npy", numbers)
    return folder


def test_the_same_few_numbers_in_every_file_are_classes(tmp_path):
    data = open_dataset(write_set(tmp_path, [organs(k) for k in range(5)]))
    assert (data.kind, data.labels, data.class_names) == ("volume", CLASSES, ("class 1", "class 2"))
    assert "1 to 2" in explain_meaning(data) and "one object" in explain_meaning(data)
    record = data[0]
    assert record.labels.tolist() == [1, 2] and record.spatial_shape == SHAPE and data.max_objects() == 2
    assert data.read_image(record).shape == (1, *SHAPE)
    for label, region in zip((1, 2), range(2)):
        assert np.array_equal(record.regions.mask(region), organs(0) == label)


def test_four_files_or_differing_numbers_are_objects(tmp_path):
    assert open_dataset(write_set(tmp_path / "four", [organs(k) for k in range(4)])).labels == INSTANCES
    data = open_dataset(write_set(tmp_path / "cells", [cells(k + 2) for k in range(6)]))
    assert (data.labels, data.class_names) == (INSTANCES, ("object",))
    assert [len(record) for record in data] == [2, 3, 4, 5, 6, 7] and set(data[3].labels.tolist()) == {1}
    assert "taken for an object" in explain_meaning(data)


def test_names_make_classes_and_what_hangs_together_tells_parts(tmp_path):
    folder = write_set(tmp_path, [lesions()] * 2)
    (folder / "classes.txt").write_text("old\nfresh\n")
    data = open_dataset(folder)
    assert (data.labels, data.class_names) == (PARTS, ("old", "fresh"))
    record = data[0]
    assert sorted(record.labels.tolist()) == [1, 1, 1, 2, 2, 2]
    whole = labelled_as(data, CLASSES, data.class_names)
    assert whole[0].labels.tolist() == [1, 2] and whole[0].regions.areas().tolist() == [28, 13]


def test_instances_may_have_class_volumes(tmp_path):
    numbers = cells(4)
    folder = write_set(tmp_path, [numbers], classes=[np.where(numbers > 2, 2, numbers > 0).astype(np.uint8)])
    (folder / "classes.txt").write_text("a\nb\n")
    data = open_dataset(folder)
    assert data.labels == INSTANCES and data[0].labels.tolist() == [1, 1, 2, 2]
    assert "classes/" in explain_meaning(data)


@settings(deadline=None)  # machines may be busy
@given(arrays.arrays(np.uint8, SHAPE, elements=st.integers(0, 3)))
def test_parts_are_those_of_a_flood(numbers):
    regions, labels = objects_of(LabelVolume(numbers, None, None), PARTS)
    expected = []
    for value in (1, 2, 3):
        flooded = naive.flooded(numbers == value, False)
        expected += [(value, (flooded == k).tobytes()) for k in range(1, int(flooded.max()) + 1)]
    found = [(int(label), regions.mask(k).tobytes()) for k, label in enumerate(labels)]
    assert sorted(found) == sorted(expected)


@given(arrays.arrays(np.uint8, SHAPE, elements=st.integers(0, 9)))
def test_instances_and_classes_are_the_numbers_themselves(numbers):
    values = [int(value) for value in np.unique(numbers) if value]
    for meaning in (INSTANCES, CLASSES):
        regions, labels = objects_of(LabelVolume(numbers, None, None), meaning)
        assert labels.tolist() == (values if meaning == CLASSES else [1] * len(values))
        assert all(np.array_equal(regions.mask(k), numbers == value) for k, value in enumerate(values))


def test_one_body_in_every_file_is_an_object_and_several_are_parts():
    body = (organs() == 1).astype(np.uint8)
    assert guess_meaning([body] * 6, ()) == (INSTANCES, 1)
    assert guess_meaning([(lesions() > 0).astype(np.uint8)] * 6, ()) == (PARTS, 1)


@pytest.mark.parametrize(
    "labels",
    [{"0": "background", "1": "Anterior", "2": "Posterior"}, {"background": 0, "Anterior": 1, "Posterior": 2}],
)
def test_decathlon_and_nnunet_folders(tmp_path, labels):
    folder = write_set(tmp_path, [organs(k) for k in range(2)], "imagesTr", "labelsTr", suffix="_0000")
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    data = open_dataset(folder)
    assert data.class_names == ("Anterior", "Posterior") and len(data) == 2 and not data.problems
    (folder / "imagesTr" / "case0_0001.npy").write_bytes((folder / "imagesTr" / "case0_0000.npy").read_bytes())
    assert any("further channel" in problem for problem in open_dataset(folder).problems)


@pytest.mark.parametrize("content", ["{", "[]", '{"labels": {"1": "a", "3": "b"}}', '{"labels": {"a": "b"}}', "{}"])
def test_names_that_cannot_be_understood_are_refused(tmp_path, content):
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(DataError, match=r"dataset\.json"):
        names_of(tmp_path)


def test_what_has_no_partner_is_told(tmp_path):
    folder = write_set(tmp_path, [cells(2), cells(3)])
    (folder / "labels" / "case1.npy").rename(folder / "labels" / "other.npy")
    data = open_volume_set(folder)
    assert len(data) == 1 and len(data.problems) == 2
    (folder / "labels" / "case0.npy").unlink()
    with pytest.raises(DataError, match="same name"):
        open_volume_set(folder)


def test_labels_of_another_shape_or_class_are_refused(tmp_path):
    folder = write_set(tmp_path, [organs(k) for k in range(5)])
    np.save(folder / "labels" / "case0.npy", organs()[:, :-1])
    data = open_dataset(folder)
    with pytest.raises(DataError, match="write the labels again"):
        data.read_image(data[0])
    with pytest.raises(DataError, match="class 2"):
        labelled_as(data, CLASSES, ("only",))[1]


def test_labels_that_lie_elsewhere_are_refused(tmp_path):
    for name, shift in (("images", 0.0), ("labels", 3.0)):
        (tmp_path / name).mkdir()
        affine = np.eye(4)
        affine[0, 3] = shift
        np.savez(tmp_path / name / "a.npz", volume=organs(), affine=affine)
    data = open_dataset(tmp_path)
    with pytest.raises(DataError, match=r"3\.0 mm apart"):
        data.read_image(data[0])


def test_a_folder_of_pictures_is_no_volume_set(tmp_path):
    from PIL import Image

    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / name / "a.tif")
    assert not is_volume_set(tmp_path) and open_dataset(tmp_path).kind == "image"


def test_spacing_of_the_scan_counts_where_labels_say_none(tmp_path):
    folder = write_set(tmp_path, [cells(2)])
    (folder / "images" / "case0.npy").unlink()
    np.savez(folder / "images" / "case0.npz", volume=np.zeros(SHAPE, np.float32), spacing=(0.5, 0.5, 2.0))
    assert open_dataset(folder)[0].spacing == (0.5, 0.5, 2.0)


def test_labels_written_anew_are_read_anew(tmp_path):
    import os

    folder = write_set(tmp_path, [cells(2)])
    data = open_dataset(folder)
    assert len(data[0]) == 2
    np.save(folder / "labels" / "case0.npy", cells(5))
    os.utime(folder / "labels" / "case0.npy", ns=(1, 1))
    assert len(data[0]) == 5


@pytest.mark.parametrize("labels", ['{"x": 1e400}', '{"x": Infinity}', '{"x": NaN}', '{"x": 999999999999999999999999}',
                                    '["x"]', '{"x": {}}', "[" * 100_000])  # fmt: skip
def test_numbers_of_classes_that_are_none_are_refused(tmp_path, labels):
    (tmp_path / "dataset.json").write_text(f'{{"labels": {labels}}}')
    with pytest.raises(DataError, match="dataset.json"):
        names_of(tmp_path)


def test_a_huge_number_makes_no_names_of_its_own(tmp_path):
    for name, value in (("images", 1), ("labels", 2_000_000_000)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", np.full((3, 4, 5), value, np.int32))
    with pytest.raises(DataError, match="numbers up to 2000000000 in label volumes are no classes"):
        open_volume_set(tmp_path, "classes")
