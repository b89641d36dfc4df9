"""Out into each format and back: what it can hold comes back exactly, and what it cannot is said."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from maskrcnn.data.dataset import Dataset
from maskrcnn.errors import DataError
from maskrcnn.modalities.images.labels.formats import written_formats
from maskrcnn.modalities.open import open_dataset
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

SHAPE = (20, 30)
NAMES = ("cat", "dog", "eel")
FORMATS = {
    name: (known.load("write", "IMAGE_FOLDER"), known.load("write", "write"))
    for name, known in written_formats().items()
}


class Source:
    """A record that is at hand."""

    def __init__(self, record):
        self.own = record

    def record(self):
        return self.own

    def num_objects(self):
        return len(self.own)


def dataset(records, has_masks=True, **more):
    return Dataset(Path("made-up"), NAMES, (3, 5, 9), [Source(record) for record in records], has_masks, **more)


def masked(masks, labels, image_id=7, **more):
    regions = Regions.from_masks(list(masks), SHAPE)
    values = {"boxes": regions.boxes(), "areas": regions.areas().astype(float), "crowd": np.zeros(len(masks), bool)}
    return Record("", image_id, "a.png", SHAPE, labels=np.array(labels, np.int64), regions=regions, **values | more)


def boxed(boxes, labels, image_id=7, **more):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    areas = np.prod(boxes[:, 2:].astype(float) - boxes[:, :2], axis=1)
    return Record("", image_id, "a.png", SHAPE, boxes, np.array(labels, np.int64), areas=areas, **more)


def there_and_back(data, to, out):
    """What was read of what was written, and what was said to be lost."""
    folder, write = FORMATS[to]
    (out / folder).mkdir(parents=True, exist_ok=True)
    names = [f"image {k}.v1.png" for k in range(len(data))]
    for name in names:
        Image.new("RGB", SHAPE[::-1]).save(out / folder / name)
    lost = write(data, zip(data, names), out)
    return open_dataset(out), lost


def assert_same(first, second):
    """Objects, in their order, class and pixel for pixel."""
    assert len(first) == len(second)
    assert first.labels.tolist() == second.labels.tolist()
    assert np.array_equal(first.boxes, second.boxes)
    if first.regions is None:
        assert second.regions is None
    else:
        for i in range(len(first)):
            assert np.array_equal(first.regions.mask(i), second.regions.mask(i))


@st.composite
def apart(draw):
    """Masks of any form, none of which is empty or overlaps another, and their labels."""
    seed, count = draw(st.integers(0, 2**31)), draw(st.integers(0, 6))
    generator = np.random.default_rng(seed)
    owner = generator.integers(0, count + 2, SHAPE) * (generator.random(SHAPE) < draw(st.sampled_from([0.1, 0.9])))
    found = [owner == k for k in range(1, count + 1) if (owner == k).any()]
    return found, generator.integers(1, 4, len(found)).tolist()


anywhere = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("to", FORMATS)
@anywhere
@given(apart())
def test_masks_come_back_exactly(to, tmp_path_factory, objects):
    data = dataset([masked(*objects), masked([], [], image_id=8)])
    back, lost = there_and_back(data, to, tmp_path_factory.mktemp("out"))
    assert back.class_names == NAMES
    assert back.has_masks or not objects[0]
    assert len(back) == 2 and back.problems == []
    if objects[0]:
        assert_same(data[0], back[0])
    assert len(back[1]) == 0
    assert set(lost) <= {
        "objects in several parts or with holes, written as one outline that lines without width hold together"
    }


@pytest.mark.parametrize("to", ["coco", "yolo", "labelme"])
@anywhere
@given(
    st.lists(
        st.tuples(st.floats(0, 14), st.floats(0, 9), st.floats(0.5, 15), st.floats(0.5, 10)), min_size=1, max_size=5
    )
)
def test_boxes_come_back(to, tmp_path_factory, boxes):
    data = dataset(
        [boxed([(x, y, x + w, y + h) for x, y, w, h in boxes], [1 + k % 3 for k in range(len(boxes))])], False
    )
    back, lost = there_and_back(data, to, tmp_path_factory.mktemp("out"))
    assert not back.has_masks and not lost
    assert back[0].labels.tolist() == data[0].labels.tolist()
    assert np.allclose(back[0].boxes, data[0].boxes, atol=1e-5)
    if to != "yolo":
        assert np.array_equal(back[0].boxes, data[0].boxes)


def overlapping():
    masks = np.zeros((3, *SHAPE), bool)
    masks[0, 2:18, 2:20] = True
    masks[0, 5:8, 5:8] = False  # a hole
    masks[1, 4:12, 15:28] = True  # over the first
    masks[2, 4:6, 16:18] = True  # wholly over the second
    return masks


@pytest.mark.parametrize("to", ["coco", "yolo", "labelme"])
def test_overlaps_come_back(tmp_path, to):
    data = dataset([masked(overlapping(), [1, 2, 3])])
    back, lost = there_and_back(data, to, tmp_path)
    assert_same(data[0], back[0])
    assert sum(lost.values()) == (to == "yolo")


def test_of_overlapping_objects_label_maps_keep_the_smaller_whole(tmp_path):
    masks = overlapping()
    data = dataset([masked([*masks, masks[2]], [1, 2, 3, 1])])
    back, lost = there_and_back(data, "label-maps", tmp_path)
    assert lost == {
        "objects that lose pixels to another one in front of them (the smaller one)": 2,
        "objects wholly behind others, which were left out": 1,
    }
    assert back[0].labels.tolist() == [1, 2, 1]
    assert np.array_equal(back[0].regions.mask(2), masks[2])
    assert np.array_equal(back[0].regions.mask(1), masks[1] & ~masks[2])
    assert np.array_equal(back[0].regions.mask(0), masks[0] & ~masks[1])


def rich():
    """A record with all that a data set can say."""
    masks = overlapping()
    masks[2] = False  # a box alone
    record = masked(masks, [1, 2, 3], image_id="img/7", exhaustive=frozenset({1, 3}))
    record.boxes = record.boxes + np.array([[0.5, 0.5, 0.25, 0.25], [0, 0, 0, 0], [3, 3, 9, 9.5]], np.float32)
    record.areas = np.array([17.25, record.areas[1], 39.0])
    record.crowd = np.array([False, True, False])
    points = np.zeros((3, 2, 3), np.float32)
    points[0] = [[4.5, 6.25, 2], [0.5, 0.5, 1]]
    record.keypoints = points
    return dataset([record], keypoint_names=("nose", "tail"), skeleton=((0, 1),))


def test_coco_holds_everything(tmp_path):
    data = rich()
    back, lost = there_and_back(data, "coco", tmp_path)
    first, second = data[0], back[0]
    assert lost == {}
    assert_same(first, second)
    assert (back.class_names, back.category_ids) == (data.class_names, data.category_ids)
    assert (back.keypoint_names, back.skeleton) == (data.keypoint_names, data.skeleton)
    assert second.image_id == "img/7"
    assert second.exhaustive == first.exhaustive
    assert np.array_equal(first.areas, second.areas)
    assert np.array_equal(first.crowd, second.crowd)
    assert np.array_equal(first.keypoints, second.keypoints)


COMMON = Counter(
    {
        "boxes that differ from the tight box of their mask, which takes their place": 1,
        "stated areas that differ from those of the masks (or boxes), which take their place": 1,
        "objects whose keypoints are lost": 1,
        "images in which some classes were not searched for, which is lost": 1,
    }
)
CROWD = Counter({"crowds, which were left out": 1})
HOLE = "objects in several parts or with holes, written as one outline that lines without width hold together"
LOST = {
    "labelme": (COMMON, 3),
    "yolo": (
        COMMON
        + CROWD
        + Counter(
            {HOLE: 1, "objects without a mask, written as boxes among outlines, which Ultralytics cannot train on": 1}
        ),
        2,
    ),
    "label-maps": (COMMON + CROWD + Counter({"objects without a mask, which were left out": 1}), 1),
}


@pytest.mark.parametrize("to", LOST)
def test_what_a_format_cannot_hold_is_said(tmp_path, to):
    expected, count = LOST[to]
    data = rich()
    back, lost = there_and_back(data, to, tmp_path)
    assert lost == expected
    assert len(back[0]) == count
    assert np.array_equal(back[0].regions.mask(0), data[0].regions.mask(0))


def test_labelme_keeps_crowds_and_boxes_by_flags(tmp_path):
    back, _ = there_and_back(rich(), "labelme", tmp_path)
    assert back[0].crowd.tolist() == [False, True, False]
    assert back[0].regions.areas()[2] == 0
    assert back[0].boxes[2].tolist() == [3, 3, 9, 9.5]


def test_yolo_holds_keypoints_of_boxes(tmp_path):
    points = np.array([[[4.5, 6.25, 2], [0, 0, 0]], [[3, 4, 1], [29, 19, 2]]], np.float32)
    record = boxed([[1, 2, 12, 15.5], [0, 0, 30, 20]], [1, 2], keypoints=points)
    data = dataset([record], False, keypoint_names=("nose", "tail"))
    back, lost = there_and_back(data, "yolo", tmp_path)
    assert lost == {}
    assert back.keypoint_names == ("nose", "tail")
    assert np.allclose(back[0].keypoints, points, atol=1e-5)


def test_label_maps_cannot_hold_boxes(tmp_path):
    with pytest.raises(DataError, match="has boxes only"):
        there_and_back(dataset([boxed([[1, 2, 3, 4]], [1])], False), "label-maps", tmp_path)
