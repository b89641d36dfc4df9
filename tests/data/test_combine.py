"""Several data sets as one: labels by name, and what nobody searched for is said."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from maskrcnn.data.combine import combine
from maskrcnn.data.dataset import Dataset
from maskrcnn.errors import DataError
from maskrcnn.regions import Regions
from maskrcnn.structures import OTHER, Record


@dataclasses.dataclass(frozen=True)
class Source:
    made: Record

    def record(self):
        return dataclasses.replace(self.made)

    def num_objects(self):
        return len(self.made)


def dataset(path, names, *labels, ids=None, masks=True, exhaustive=None, points=(), pixel=0):
    """One image for each list of labels; object i of an image has the box [i, 0, i + 2, 3]."""
    sources = []
    for k, own in enumerate(labels, start=1):
        boxes = np.array([[i, 0, i + 2, 3] for i in range(len(own))], np.float32).reshape(-1, 4)
        windows = [((0, i), np.ones((3, 2), bool)) for i in range(len(own))]
        keypoints = np.full((len(own), len(points), 3), 2, np.float32) if points else None
        record = Record(f"{path}/{k}.png", k, f"{k}.png", (9, 9), boxes, np.array(own, np.int64))
        record.regions = Regions.from_windows((9, 9), windows) if masks else None
        record.crowd, record.areas = np.zeros(len(own), bool), np.arange(len(own)).astype(float)
        record.keypoints, record.exhaustive = keypoints, exhaustive
        sources.append(Source(record))
    read = lambda record: torch.full((1, 9, 9), pixel)  # noqa: E731
    ids = ids or tuple(range(1, len(names) + 1))
    skeleton = ((0, 1),) if points else ()
    return Dataset(Path(path), names, ids, sources, masks, [f"{path} has a fault."], points, skeleton, read)


def test_classes_are_united_by_name():
    both = combine([dataset("p", ("cat", "dog"), [1, 2], [2]), dataset("q", ("owl", "dog"), [1, 2, 1], pixel=5)])
    assert both.class_names == ("cat", "dog", "owl")
    assert [record.labels.tolist() for record in both] == [[1, 2], [2], [3, 2, 3]]
    assert [record.exhaustive for record in both] == [{1, 2}, {1, 2}, {2, 3}]
    assert [record.image_id for record in both] == [1, 2, 3]
    assert [record.source for record in both] == ["p/1.png", "p/2.png", "q/1.png"]
    assert [int(both.read_image(record).max()) for record in both] == [0, 0, 5]
    assert both.problems == ["p has a fault.", "q has a fault."]
    assert str(both.path) == "p + q"
    assert both.max_objects() == 3
    assert both[-1].image_id == 3
    with pytest.raises(IndexError):
        both[3]


def test_exhaustive_is_that_of_the_image_and_all_only_where_all_are():
    some = dataset("p", ("cat", "dog", "owl"), [1], exhaustive=frozenset({1, 3}))
    all_of_them = dataset("q", ("dog", "owl", "cat"), [1])
    both = combine([some, all_of_them])
    assert [record.exhaustive for record in both] == [{1, 3}, None]
    assert combine([all_of_them, some])[1].exhaustive == {2, 3}  # cat and owl under their new labels


def test_one_data_set_is_itself():
    one = dataset("p", ("cat", "dog"), [1])
    assert combine([one]) is one
    assert combine([one], ("cat", "dog")) is one
    assert combine([one], ("dog", "cat"))[0].labels.tolist() == [2]


def test_objects_of_other_classes_are_left_out_or_other():
    main = dataset("p", ("cat", "dog", "owl"), [1, 2, 3])
    extra = dataset("q", ("fox", "cat"), [1, 2, 1], [1])
    both = combine([main], ("dog", "cat"), [extra])
    assert both.class_names == ("dog", "cat")
    first, second, third = both
    assert (first.labels.tolist(), first.boxes[:, 0].tolist()) == ([2, 1], [0, 1])
    assert len(first.regions) == len(first.crowd) == len(first.areas) == 2
    assert first.exhaustive is None
    assert second.labels.tolist() == [OTHER, 2, OTHER]
    assert second.exhaustive == {2}
    assert third.labels.tolist() == [OTHER]
    assert combine([main], None, [extra]).class_names == ("cat", "dog", "owl")
    assert combine([main], None, [dataset("r", ("fox",), [1])])[1].exhaustive == frozenset()


def test_category_ids_stay_where_they_can():
    first = dataset("p", ("cat", "dog"), [1], ids=(17, 18))
    second = dataset("q", ("owl", "dog", "fox"), [1], ids=(18, 2, 3))
    assert combine([first, second]).category_ids == (17, 18, 1, 3)
    assert combine([first, second], ("new", "fox", "cat")).category_ids == (1, 3, 17)


def test_what_only_one_has_is_unlabelled_in_the_other():
    boxes = dataset("p", ("cat",), [1, 1], masks=False)
    masks = dataset("q", ("cat",), [1], points=("nose", "tail"))
    both = combine([boxes, masks])
    assert both.has_masks
    assert (both.keypoint_names, both.skeleton) == (("nose", "tail"), ((0, 1),))
    assert both[0].regions.areas().tolist() == [0, 0]
    assert both[1].regions.areas().tolist() == [6]
    assert both[0].keypoints.shape == (2, 2, 3)
    assert (both[0].keypoints == 0).all()
    assert (both[1].keypoints == 2).all()
    plain = combine([boxes, dataset("r", ("dog",), [1], masks=False)])
    assert not plain.has_masks
    assert plain[0].regions is None
    assert plain[0].keypoints is None


def test_keypoints_of_other_names_are_refused():
    with pytest.raises(DataError, match="q and p have keypoints of different names"):
        combine([dataset("p", ("cat",), [1], points=("nose",)), dataset("q", ("cat",), [1], points=("tail",))])


def test_the_same_image_may_come_twice():
    one = dataset("p", ("cat",), [1])
    both = combine([one, dataclasses.replace(one, class_names=("dog",))])
    assert [record.source for record in both] == ["p/1.png", "p/1.png"]
    assert [record.exhaustive for record in both] == [{1}, {2}]
