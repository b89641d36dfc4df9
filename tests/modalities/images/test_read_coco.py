"""COCO json: masks as pycocotools makes them, and every fault said in a sentence while the rest is read."""

import gc
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as pycoco
from pycocotools.coco import COCO

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.formats.coco.annotation import parse_annotation
from maskrcnn.modalities.open import open_dataset
from maskrcnn.rle import decode_masks

SQUARE = [[10, 10, 30, 10, 30, 25, 10, 25]]
SHAPE = (40, 60)


def read(path):
    dataset = open_dataset(path)
    return dataset, dataset[0]


COORDINATES = st.floats(-20, 80, allow_nan=False)
PARTS = st.lists(st.lists(COORDINATES, min_size=6, max_size=16).filter(lambda part: len(part) % 2 == 0), min_size=1)


@settings(deadline=None)
@given(PARTS)
def test_polygons_cover_what_they_cover_in_pycocotools(parts):
    expected = pycoco.decode(pycoco.merge(pycoco.frPyObjects(parts, *SHAPE))).astype(bool)
    annotation, faults = parse_annotation({"segmentation": parts, "bbox": [0, 0, 60, 40]}, 1, SHAPE, 0)
    assert annotation is not None
    assert all("passes the border" in fault for fault in faults)
    assert np.array_equal(decode_masks([annotation.mask], SHAPE).mask(0), expected)


@pytest.mark.parametrize("compressed", [True, False])
def test_run_lengths_are_read_in_both_forms(write_coco, compressed):
    mask = np.random.default_rng(0).random(SHAPE) > 0.7
    rle = pycoco.encode(np.asfortranarray(mask, dtype=np.uint8))
    rle["counts"] = rle["counts"].decode() if compressed else column_major_runs(mask)
    _, record = read(write_coco([{"segmentation": rle, "bbox": [0, 0, 60, 40], "iscrowd": 1}]))
    assert np.array_equal(record.regions.mask(0), mask)
    assert record.crowd.tolist() == [True]


def column_major_runs(mask):
    runs, value = [0], False
    for pixel in mask.T.ravel():
        if pixel != value:
            runs.append(0)
            value = not value
        runs[-1] += 1
    return runs


def test_a_record_says_all_that_the_file_says(write_coco):
    path = write_coco(
        [
            {"category_id": 8, "bbox": [10, 10, 20, 15], "segmentation": SQUARE, "area": 123.5},
            {"image_id": 2, "bbox": [-5, 30, 20, 15], "segmentation": SQUARE, "iscrowd": 1},
        ]
    )
    dataset = open_dataset(path)
    assert len(dataset) == 2
    assert dataset.class_names == ("cat", "dog")
    assert dataset.category_ids == (3, 8)
    assert dataset.has_masks
    assert dataset.problems == [
        "Annotation 101 of b.png: its box passes the border by 5 px and was cut off there.",
        "All objects of 'cat' are marked as crowds (1, iscrowd 1), which count as places where nothing is learned or "
        "judged; correct the mark where each is one object.",
    ]
    assert dataset.max_objects() == 1
    first, second = dataset
    assert (first.image_id, first.file_name, first.spatial_shape) == (1, "a.png", SHAPE)
    assert first.labels.tolist() == [2]
    assert first.areas.tolist() == [123.5]
    assert first.boxes.tolist() == [[10, 10, 30, 25]]
    assert second.boxes.tolist() == [[0, 30, 15, 40]]  # cut to the image
    assert second.areas.tolist() == [300]  # measured
    assert first.keypoints is None
    assert dataset.read_image(first).shape == (3, *SHAPE)


def test_boxes_only(write_coco):
    dataset, record = read(write_coco([{"bbox": [1, 2, 3, 4]}]))
    assert not dataset.has_masks
    assert record.regions is None
    assert record.areas.tolist() == [12]
    assert dataset.problems == []


def test_an_image_without_objects_is_an_image(write_coco):
    dataset = open_dataset(write_coco([{"bbox": [1, 2, 3, 4], "segmentation": SQUARE}]))
    record = dataset[1]
    assert len(record) == 0
    assert record.boxes.shape == (0, 4)
    assert len(record.regions) == 0
    assert len(record.instances()) == 0


def test_without_a_box_the_mask_gives_it(write_coco):
    _, record = read(write_coco([{"segmentation": SQUARE}]))
    assert record.boxes.tolist() == [[10, 10, 30, 25]]


def test_keypoints_lie_at_pixel_centres(write_coco):
    categories = [{"id": 3, "name": "cat", "keypoints": ["nose", "left_ear"]}]
    annotations = [{"bbox": [1, 2, 9, 9], "keypoints": [4, 5, 2, 0, 0, 0]}, {"bbox": [1, 2, 9, 9]}]
    dataset, record = read(write_coco(annotations, categories=categories))
    assert dataset.keypoint_names == ("nose", "left_ear")
    assert record.keypoints.tolist() == [[[4.5, 5.5, 2], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]]
    assert dataset[1].keypoints.shape == (0, 2, 3)


NAN = float("nan")
FAULTS = {
    "zero width": ({"bbox": [5, 5, 0, 9]}, 0, "has no area"),
    "zero width, but a mask": ({"bbox": [5, 5, 0, 9], "segmentation": SQUARE}, 1, "has no area"),
    "outside": ({"bbox": [70, 5, 9, 9]}, 0, "lies outside the image"),
    "nan box": ({"bbox": [NAN, 5, 9, 9]}, 0, "not four finite numbers"),
    "words for numbers": ({"bbox": ["a", 5, 9, 9]}, 0, "not four finite numbers"),
    "short box": ({"bbox": [5, 9, 9], "segmentation": SQUARE}, 1, "not four finite numbers"),
    "nan polygon": ({"bbox": [5, 5, 9, 9], "segmentation": [[NAN] * 6]}, 1, "1 of the 1 parts"),
    "two points": ({"bbox": [5, 5, 9, 9], "segmentation": [[1, 2, 3, 4], *SQUARE]}, 1, "1 of the 2 parts"),
    "rle of another size": ({"bbox": [5, 5, 9, 9], "segmentation": {"size": [2, 3], "counts": [6]}}, 1, "of size"),
    "rle too long": ({"bbox": [5, 5, 9, 9], "segmentation": {"size": [40, 60], "counts": [9999]}}, 1, "cannot be read"),
    "rle of nonsense": (
        {"bbox": [5, 5, 9, 9], "segmentation": {"size": [40, 60], "counts": "\t"}},
        1,
        "cannot be read",
    ),
    "mask of nonsense": ({"bbox": [5, 5, 9, 9], "segmentation": "square"}, 1, "parts of its polygon"),
    "no box, no mask": ({}, 0, "nothing of it lies in the image"),
    "unknown category": ({"bbox": [5, 5, 9, 9], "category_id": 77}, 0, "category 77 is unknown"),
    "category in a list": ({"bbox": [5, 5, 9, 9], "category_id": [3]}, 0, "is unknown"),
    "unknown image": ({"bbox": [5, 5, 9, 9], "image_id": 99}, 0, "there is no such image"),
    "no image": ({"bbox": [5, 5, 9, 9], "image_id": None}, 0, "names no image"),
}


@pytest.mark.parametrize("annotation, kept, words", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_said_and_the_rest_is_read(write_coco, annotation, kept, words):
    good = {"bbox": [10, 10, 20, 15], "segmentation": SQUARE}
    dataset, record = read(write_coco([annotation, good]))
    assert len(record) == kept + 1
    assert len(record.regions) == kept + 1
    assert np.isfinite(record.boxes).all()
    assert any(words in problem for problem in dataset.problems), dataset.problems
    assert all(problem.endswith(".") and "\n" not in problem for problem in dataset.problems)


@pytest.mark.parametrize("segmentation", [[], None, [[70, 50, 80, 50, 80, 60]], [[5, 5, 5, 5, 5, 5]]])
def test_an_object_without_a_mask_keeps_its_box_and_an_empty_region(write_coco, segmentation):
    good = {"bbox": [10, 10, 20, 15], "segmentation": SQUARE}
    dataset, record = read(write_coco([{"bbox": [5, 5, 9, 9], "segmentation": segmentation}, good]))
    assert record.boxes[0].tolist() == [5, 5, 14, 14]
    assert record.regions.areas()[0] == 0
    assert record.areas[0] == 81
    assert dataset.problems == ["In a.png, 1 of 2 objects come without a mask."]


def test_missing_images_are_named_and_their_annotations_pass_in_silence(write_coco):
    images = [{"id": 1, "file_name": "gone.png", "height": 40, "width": 60}, {"id": 2, "file_name": "b.png"}]
    dataset = open_dataset(write_coco([{"bbox": [5, 5, 9, 9]}], images=images))
    assert len(dataset) == 1
    assert dataset[0].spatial_shape == SHAPE  # from the file
    assert dataset.problems == ["gone.png is not there and was left out with its annotations."]


def test_a_second_image_of_the_same_id_is_left_out(write_coco):
    images = [{"id": 1, "file_name": name, "height": 40, "width": 60} for name in ("a.png", "b.png")]
    dataset = open_dataset(write_coco([{"bbox": [5, 5, 9, 9]}], images=images))
    assert [record.file_name for record in dataset] == ["a.png"]
    assert "has the id of another image" in dataset.problems[0]


def test_roboflows_heading_is_no_class_but_an_unused_class_is(write_coco):
    categories = [
        {"id": 0, "name": "animal", "supercategory": "none"},
        {"id": 1, "name": "cat", "supercategory": "animal"},
        {"id": 2, "name": "dog", "supercategory": "animal"},
    ]
    dataset = open_dataset(write_coco([{"category_id": 1, "bbox": [5, 5, 9, 9]}], categories=categories))
    assert dataset.class_names == ("cat", "dog")
    assert dataset.category_ids == (1, 2)


@pytest.mark.parametrize(
    "text", ["", '{"images": [', "[1, 2]", "{}", '{"images": [], "annotations": 3, "categories": []}', "\x00\xff"]
)
def test_a_file_that_is_no_coco_is_refused_in_one_sentence(tmp_path, text):
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(DataError, match=r"labels\.json .*\.$"):
        open_dataset(tmp_path / "labels.json")


def test_no_category_and_no_image_are_refused(write_coco):
    with pytest.raises(DataError, match="names no category"):
        open_dataset(write_coco(categories=[]))
    with pytest.raises(DataError, match="None of the 1 images"):
        open_dataset(write_coco(images=[{"id": 1, "file_name": "gone.png"}]))


def test_real_masks_are_those_of_pycocotools(shared_data, capsys):
    path = shared_data / "coco" / "annotations" / "people_val.json"
    dataset, reference = open_dataset(path), COCO(path)
    assert dataset.problems == []
    assert len(dataset) == 200
    for record in list(dataset)[:60]:
        annotations = reference.loadAnns(reference.getAnnIds(record.image_id))
        assert len(record) == len(annotations)
        for i, annotation in enumerate(annotations):
            assert np.array_equal(record.regions.mask(i), reference.annToMask(annotation))
            assert record.areas[i] == annotation["area"]
            assert record.crowd[i] == annotation["iscrowd"]


def test_a_roboflow_folder_is_opened(shared_data):
    dataset = open_dataset(shared_data / "animals" / "train")
    assert len(dataset) == 545
    assert len(dataset.class_names) == 7
    assert sum(len(record) for record in dataset) == 808


def test_annotations_may_lie_in_a_folder_of_their_own(write_coco, tmp_path):
    path = write_coco([{"bbox": [1, 2, 3, 4]}])
    (tmp_path / "annotations").mkdir()
    moved = path.rename(tmp_path / "annotations" / "labels.json")
    assert len(open_dataset(moved)) == 2
    content = json.loads(moved.read_text())
    (tmp_path / "images").rename(tmp_path / "val2017")
    (tmp_path / "annotations" / "instances_val2017.json").write_text(json.dumps(content))
    assert len(open_dataset(tmp_path / "annotations" / "instances_val2017.json")) == 2


def two_images(**first):
    images = [{"id": k, "file_name": f"{name}.png", "height": 40, "width": 60} for k, name in ((1, "a"), (2, "b"))]
    return [{**images[0], **first}, images[1]]


CATEGORIES = [{"id": k, "name": name} for k, name in ((3, "cat"), (5, "owl"), (8, "dog"), (9, "fox"))]
CAT_AND_DOG = [{"category_id": k, "bbox": [5, 5, 9, 9]} for k in (3, 8)]


@pytest.mark.parametrize(
    "keys, expected",
    [
        ({}, None),
        ({"neg_category_ids": [5], "not_exhaustive_category_ids": [8]}, {1, 2}),  # LVIS has both in every image
        ({"neg_category_ids": [], "not_exhaustive_category_ids": []}, {1, 3}),
        ({"neg_category_ids": [9, 5]}, {1, 2, 3, 4}),
        ({"not_exhaustive_category_ids": [3, 8]}, set()),
        ({"annotated_category_ids": [9, 3]}, {1, 4}),
        ({"annotated_category_ids": [], "neg_category_ids": [5]}, set()),
    ],
)
def test_which_classes_are_exhaustive(write_coco, keys, expected):
    dataset = open_dataset(write_coco(CAT_AND_DOG, images=two_images(**keys), categories=CATEGORIES))
    assert dataset.problems == []
    assert dataset[0].exhaustive == (None if expected is None else frozenset(expected))
    assert dataset[1].exhaustive is None
    assert dataset[0].labels.tolist() == [1, 3]  # an object is one, exhaustive or not


@pytest.mark.parametrize("ids", [[3, 77], [3, "x"], [3, None], [3, [5]]])
def test_an_unknown_exhaustive_class_is_named(write_coco, ids):
    images = two_images(annotated_category_ids=ids)
    dataset = open_dataset(write_coco(CAT_AND_DOG, images=images, categories=CATEGORIES))
    assert dataset[0].exhaustive == {1}
    (problem,) = dataset.problems
    assert problem.startswith("a.png: annotated_category_ids names unknown categories: [")
    dataset = open_dataset(write_coco(images=two_images(annotated_category_ids=3), categories=CATEGORIES))
    assert dataset[0].exhaustive == set()
    assert len(dataset.problems) == 1


def test_lvis_names_its_images_by_their_address(write_coco, tmp_path, save_image):
    images = [
        {"id": 1, "coco_url": "http://images.cocodataset.org/val2017/a.png", "height": 40, "width": 60},
        {"id": 2, "coco_url": "http://images.cocodataset.org/train2017/c.png", "height": 40, "width": 60},
    ]
    save_image(tmp_path / "train2017" / "c.png")
    dataset = open_dataset(write_coco(CAT_AND_DOG, images=images, categories=CATEGORIES))
    assert [record.file_name for record in dataset] == ["val2017/a.png", "train2017/c.png"]
    assert [dataset.read_image(record).shape[0] for record in dataset] == [3, 3]


def test_ids_and_names_come_back_as_they_were(write_coco, save_image, tmp_path):
    images = [{"id": k, "file_name": f"{k}.png", "height": 40, "width": 60} for k in (2**40, "7", "ü ö")]
    for image in images:
        save_image(tmp_path / "images" / image["file_name"])
    dataset = open_dataset(write_coco([{"image_id": "7", "bbox": [5, 5, 9, 9]}], images=images))
    assert [record.image_id for record in dataset] == [2**40, "7", "ü ö"]
    assert [record.file_name for record in dataset] == [f"{k}.png" for k in (2**40, "7", "ü ö")]
    assert [len(record) for record in dataset] == [0, 1, 0]
    assert dataset.read_image(dataset[2]).shape == (3, 40, 60)
    with pytest.raises(IndexError):
        dataset[3]


def test_a_record_is_the_readers_own_copy(write_coco):
    dataset, record = read(write_coco([{"bbox": [5, 5, 9, 9]}]))
    record.boxes += 1
    record.labels += 1
    assert dataset[0].boxes.tolist() == [[5, 5, 14, 14]]
    assert dataset[0].labels.tolist() == [1]


def test_more_images_are_not_more_objects(write_coco):
    """Annotations lie in flat arrays: what Python has to count does not grow with the data set."""

    def count(number):
        images = [{"id": k, "file_name": "a.png", "height": 40, "width": 60} for k in range(number)]
        annotations = [
            {"image_id": k % number, "bbox": [5, 5, 9, 9], "segmentation": SQUARE} for k in range(3 * number)
        ]
        path = write_coco(annotations, images=images)
        gc.collect()
        before = len(gc.get_objects())
        dataset = open_dataset(path)
        gc.collect()
        assert len(dataset) == number
        return len(gc.get_objects()) - before

    count(10)  # the first one may load modules
    assert abs(count(400) - count(10)) < 20
