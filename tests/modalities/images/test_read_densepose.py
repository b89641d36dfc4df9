"""DensePose's fields of COCO json: read as they are meant, written back, and every fault said."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as pycoco

from maskrcnn.modalities.images.formats.coco.annotation import parse_annotation
from maskrcnn.modalities.images.formats.coco.write import write
from maskrcnn.modalities.images.labels.conversion_loss import SURFACES, count_unheld
from maskrcnn.modalities.open import open_dataset
from surfaces_made import same

POINTS = {
    "dp_x": [0, 128, 256],
    "dp_y": [256, 64.5, 0],
    "dp_I": [1, 24, 7.0],
    "dp_U": [0, 0.5, 1],
    "dp_V": [1, 0.25, 0],
}
BOX = [10, 4, 32, 16]


def runs_of(mask):
    runs = pycoco.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": list(runs["size"]), "counts": runs["counts"].decode()}


def drawn():
    """Coarse part 2 in the left half of the box, 14 in a corner of the right one."""
    left, corner = np.zeros((2, 256, 256), bool)
    left[:, :128] = True
    corner[:64, 192:] = True
    return left, corner, [[], runs_of(left), *([[]] * 11), runs_of(corner)]


def test_points_lie_in_256ths_of_the_box(write_coco):
    data = open_dataset(write_coco([{"bbox": BOX, **POINTS}, {"bbox": [0, 0, 5, 5]}]))
    own = data[0].surface
    assert data.problems == [] and own.surface == "smpl-24"
    assert own.counts.tolist() == [3, 0] and own.coarse == (None, None)
    assert own.places.tolist() == [[10, 20], [26, 4 + 64.5 / 16], [42, 4]]
    assert own.parts.tolist() == [1, 24, 7]
    assert own.uv.tolist() == [[0, 1], [0.5, 0.25], [1, 0]]
    assert data[1].surface.counts.tolist() == []  # the other image has no object
    assert own.coarse_boxes[0].tolist() == [10, 4, 42, 20]


def test_a_box_beyond_the_border_still_says_where_its_points_lie(write_coco):
    record = open_dataset(write_coco([{"bbox": [-20, -10, 40, 40], **POINTS}]))[0]
    assert record.boxes.tolist() == [[0, 0, 20, 30]]
    assert record.surface.places[1].tolist() == [0, -10 + 64.5 / 256 * 40]


def test_coarse_parts_are_read(write_coco):
    left, corner, runs = drawn()
    own = open_dataset(write_coco([{"bbox": BOX}, {"bbox": BOX, "dp_masks": runs}]))[0].surface
    assert own.coarse[0] is None
    assert np.array_equal(own.coarse[1], np.where(corner, 14, np.where(left, 2, 0)))
    assert own.are_known().tolist() == [False, True]


def test_the_file_says_which_surface_is_meant(write_coco):
    path = write_coco([{"bbox": BOX, **POINTS}], info={"surface": "anny-24"})
    assert open_dataset(path)[0].surface.surface == "anny-24"


def test_files_without_them_have_no_surfaces(write_coco):
    assert open_dataset(write_coco([{"bbox": BOX, "dp_x": [], "dp_masks": []}]))[0].surface is None


FAULTS = {
    "five lists": {"dp_U": [0.5]},
    "are not five": {"dp_V": None},
    "none of 1 to 24": {"dp_I": [1, 25, 3]},
    "parts that are none": {"dp_I": [1, 2.5, 3]},
    "0 to 256": {"dp_x": [0, 300, 2]},
    "dp_U or dp_V 0 to 1": {"dp_V": [0, 1.5, 0]},
    "not of 256 x 256": {"dp_masks": [runs_of(np.ones((4, 4)))]},
    "dp_masks cannot be read": {"dp_masks": [{"size": [256, 256], "counts": ["a"]}]},
    "at most 14": {"dp_masks": [[]] * 14 + [runs_of(np.ones((256, 256)))]},
    "box, which says where": {"bbox": None, "segmentation": [[10, 10, 30, 10, 30, 25, 10, 25]]},
}


@pytest.mark.parametrize("words", FAULTS)
def test_faults_are_said_and_the_object_stays(write_coco, words):
    data = open_dataset(write_coco([{"bbox": BOX, **POINTS, **FAULTS[words]}]))
    assert words in " ".join(data.problems) and len(data[0]) == 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["size", "counts", "x"]), inner),
    max_leaves=8,
)


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from([*POINTS, "dp_masks", "bbox"]), ANYTHING))
def test_whatever_stands_there_is_read_or_passed_over(fields):
    annotation, faults = parse_annotation({"bbox": BOX, **POINTS, **fields}, 1, (40, 60), 0, "smpl-24")
    assert annotation is None or annotation.surface is not None or faults


def test_what_is_written_comes_back(write_coco, tmp_path, save_image):
    _, _, runs = drawn()
    objects = [{"bbox": BOX, **POINTS, "dp_masks": runs}, {"bbox": [0, 0, 5, 5]}, {"bbox": [1, 2, 30.3, 9.7], **POINTS}]
    data = open_dataset(write_coco(objects, info={"surface": "anny-24"}))
    out = tmp_path / "out"
    for name in ("a.png", "b.png"):
        save_image(out / "images" / name)
    write(data, [(data[0], "a.png"), (data[1], "b.png")], out)
    back = open_dataset(out)
    assert json.loads((out / "annotations.json").read_text())["info"] == {"surface": "anny-24"}
    assert same(back[0].surface[:1], data[0].surface[:1]) and same(back[0].surface[2:], data[0].surface[2:])
    assert back[0].surface.counts.tolist() == [3, 0, 3]


def test_coarse_parts_are_written_over_the_box_that_is_left(write_coco, tmp_path, save_image):
    left, _, runs = drawn()
    data = open_dataset(write_coco([{"bbox": [-20, 0, 40, 40], **POINTS, "dp_masks": runs[:2]}]))
    save_image(tmp_path / "out" / "images" / "a.png")
    write(data, [(data[0], "a.png")], tmp_path / "out")
    own = open_dataset(tmp_path / "out")[0].surface
    assert own.coarse[0] is None  # the left half of the box was outside
    assert own.parts.tolist() == [24, 7] or own.parts.tolist() == [24]


def test_other_formats_say_that_surfaces_are_lost(write_coco):
    data = open_dataset(write_coco([{"bbox": BOX, **POINTS}, {"bbox": [0, 0, 5, 5]}]))
    assert count_unheld(data[0])[SURFACES] == 1
