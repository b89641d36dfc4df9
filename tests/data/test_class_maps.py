"""Class maps through data and transforms: painted from objects, cut, turned, scaled, pasted into and combined."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import NDIMS
from maskrcnn.config import PreprocessConfig
from maskrcnn.data.class_maps.shares import count_classes, frequency_weights
from maskrcnn.data.class_maps.tasks import OBJECTS, SEMANTIC, for_task, paint
from maskrcnn.data.combine import combine
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.transforms.augment import AugmentConfig
from maskrcnn.data.transforms.class_maps import class_map_on, draw_class_focus
from maskrcnn.data.transforms.copy_paste import copy_paste
from maskrcnn.data.transforms.samples import EvalTransform, Sample, TrainTransform
from maskrcnn.errors import DataError
from maskrcnn.regions import AxisMap, Regions
from maskrcnn.structures import IGNORED, OTHER, Instances, Record
from maskrcnn.training.validation import relabel_map


def record_of(masks, labels, shape, **changes):
    """A record of objects that cover the masks ``[*S]``."""
    regions = Regions.from_masks(masks, shape)
    values = {"boxes": regions.boxes(), "labels": np.array(labels, dtype=np.int64), "regions": regions}
    return Record("a", 1, "a", shape, **(values | changes))


def map_record(class_map):
    ndim = class_map.ndim
    return Record("a", 1, "a", class_map.shape, np.zeros((0, 2 * ndim)), np.zeros(0, np.int64), class_map=class_map)


def block(shape, low, high):
    mask = np.zeros(shape, bool)
    mask[(slice(low, high),) * len(shape)] = True
    return mask


@NDIMS
def test_the_smaller_object_lies_on_top_and_crowds_are_unlabelled(ndim):
    shape = (12,) * ndim
    small, large, crowd = block(shape, 2, 4), block(shape, 1, 7), block(shape, 6, 10)
    record = record_of([small, large, crowd], [2, 1, 2], shape, crowd=np.array([False, False, True]))
    painted = paint(record)
    for place in np.ndindex(*shape):
        expected = 2 if small[place] else 1 if large[place] else IGNORED if crowd[place] else 0
        assert painted[place] == expected


@NDIMS
def test_an_object_without_a_mask_leaves_its_box_unlabelled_and_one_of_no_class_its_mask(ndim):
    shape = (9,) * ndim
    record = record_of([block(shape, 0, 0), block(shape, 5, 7)], [1, OTHER], shape)
    record.boxes[0] = [1.2] * ndim + [3.5] * ndim
    painted = paint(record)
    assert (painted[block(shape, 1, 4) | block(shape, 5, 7)] == IGNORED).all()
    assert (painted[~(block(shape, 1, 4) | block(shape, 5, 7))] == 0).all()


def test_beyond_a_side_that_nobody_labelled_nothing_is_known():
    record = record_of([block((20,), 8, 12)], [1], (20,), unknown_sides=np.array([[False, True]]))
    assert paint(record).tolist() == [0] * 8 + [1] * 4 + [IGNORED] * 4 + [0] * 4


@NDIMS
@settings(deadline=None)
@given(data=st.data())
def test_a_map_on_another_grid_is_that_of_the_twin(ndim, data):
    shape, target = (5, 6, 4)[:ndim], (7, 5, 6)[:ndim]
    class_map = np.random.default_rng(0).integers(-1, 4, shape).astype(np.int16)
    scale = data.draw(st.lists(st.sampled_from([-2.0, -1.0, 0.5, 1.0, 1.7]), min_size=ndim, max_size=ndim))
    shift = data.draw(st.lists(st.floats(-4, 8), min_size=ndim, max_size=ndim))
    axis_map = AxisMap(tuple(scale), tuple(shift))
    drawn = class_map_on(class_map, axis_map, target)
    back = axis_map.inverse()
    for place in np.ndindex(*target):
        at = back.points(torch.tensor([p + 0.5 for p in reversed(place)], dtype=torch.float64)).flip(0)
        cell = tuple(np.floor((np.array(place) + 0.5 - np.array(shift[::-1])) / np.array(scale[::-1])).astype(int))
        assert np.abs(at.numpy() - np.array(cell) - 0.5).max() <= 0.5 + 1e-9
        inside = all(0 <= c < side for c, side in zip(cell, shape))
        assert drawn[place] == (class_map[cell] if inside else IGNORED)


@pytest.mark.parametrize("seed", range(6))
def test_a_training_sample_shows_of_the_map_what_it_shows_of_the_image(seed):
    """The picture's brightness says the class, in blocks so large that scaling blurs few pixels."""
    classes = np.kron(np.arange(12).reshape(3, 4) % 4, np.ones((16, 16))).astype(np.int16)
    image = torch.from_numpy((60 * classes).astype(np.uint8))[None].repeat(3, 1, 1)
    plain = PreprocessConfig((0.0,) * 3, (1.0,) * 3)
    augment = AugmentConfig((40, 56), (0.5, 2.0), (0, 1), brightness=0, contrast=0, saturation=0)
    sample = TrainTransform(augment, plain)(image, map_record(classes), np.random.default_rng(seed))
    shown = sample.target.class_map
    assert shown.shape == sample.shown and shown.dtype == torch.int16
    seen = sample.image[0][tuple(slice(0, side) for side in sample.shown)]
    assert ((seen / 60).round() == shown).float().mean() > 0.85


def test_an_evaluated_sample_has_the_whole_map():
    classes = np.random.default_rng(0).integers(-1, 3, (10, 14)).astype(np.int16)
    plain = PreprocessConfig((0.0,) * 3, (1.0,) * 3, min_size=10, max_size=14)
    sample = EvalTransform(plain)(torch.zeros(3, 10, 14), map_record(classes))
    assert (sample.target.class_map.numpy() == classes).all()


@NDIMS
def test_crops_show_rare_classes_as_often_as_common_ones(ndim):
    classes = np.ones((20,) * ndim, dtype=np.int16)
    classes[(0,) * ndim] = 2
    classes[(1,) * ndim] = IGNORED
    generator = np.random.default_rng(0)
    drawn = [draw_class_focus(classes, (0,) * ndim, (20,) * ndim, generator) for _ in range(60)]
    labels = [int(classes[place]) for place in drawn]
    assert 15 < labels.count(2) < 45 and IGNORED not in labels
    assert draw_class_focus(np.full((4,) * ndim, IGNORED, np.int16), (0,) * ndim, (4,) * ndim, generator) is None


@NDIMS
def test_what_is_pasted_brings_its_classes(ndim):
    shape = (16,) * ndim

    def sample(low, high, label):
        record = record_of([block(shape, low, high)], [label], shape)
        target = dataclasses.replace(record.instances(), class_map=torch.from_numpy(paint(record)))
        return Sample(torch.full((1, *shape), float(label)), target, AxisMap.identity(ndim), shape)

    below, donor = sample(2, 8, 1), sample(6, 12, 2)
    pasted = copy_paste(below, donor, AugmentConfig(size=shape), np.random.default_rng(0))
    cover = block(shape, 6, 12)
    expected = np.where(cover, 2, np.where(block(shape, 2, 8), 1, 0))
    assert (pasted.target.class_map.numpy() == expected).all()
    assert (pasted.image[0].numpy()[cover] == 2).all()
    without = dataclasses.replace(donor, target=dataclasses.replace(donor.target, class_map=None))
    pasted = copy_paste(below, without, AugmentConfig(size=shape), np.random.default_rng(0))
    assert (pasted.target.class_map.numpy()[cover] == IGNORED).all()


@dataclasses.dataclass(frozen=True)
class Fixed:
    own: Record

    def record(self):
        return self.own

    def num_objects(self):
        return len(self.own)


def data_of(records, names, **changes):
    return Dataset(
        "data", names, tuple(range(1, len(names) + 1)), [Fixed(r) for r in records], has_masks=True, **changes
    )


def test_maps_of_data_sets_with_other_classes_are_renamed():
    a = data_of(
        [map_record(np.array([0, 1, 2, IGNORED], np.int16))], ("cat", "dog"), task=SEMANTIC, has_class_maps=True
    )
    b = data_of([map_record(np.array([1, 0], np.int16))], ("dog",), task=SEMANTIC, has_class_maps=True)
    both = combine([a, b], ("dog",))
    assert both.task == SEMANTIC and both.has_class_maps
    assert both[0].class_map.tolist() == [0, IGNORED, 1, IGNORED] and both[1].class_map.tolist() == [1, 0]
    both = combine([a, b])
    assert both.class_names == ("cat", "dog") and both[1].class_map.tolist() == [2, 0]
    assert both[1].exhaustive == frozenset({2})


def test_validation_renames_classes_and_ignores_those_that_the_model_does_not_know():
    renamed = relabel_map(torch.tensor([0, 1, 2, IGNORED], dtype=torch.int16), torch.tensor([0, 2, 0]))
    assert renamed.tolist() == [0, 2, IGNORED, IGNORED]


def test_objects_give_class_maps_where_they_are_asked_for():
    shape = (6, 6)
    data = data_of([record_of([block(shape, 1, 3)], [1], shape)], ("cat",))
    assert for_task(data, OBJECTS)[0].class_map is None
    beside, alone = for_task(data, OBJECTS, semantic_too=True), for_task(data, SEMANTIC)
    assert beside.task == OBJECTS and alone.task == SEMANTIC and len(alone[0]) == 1
    assert (beside[0].class_map == alone[0].class_map).all() and beside[0].class_map.sum() == 4
    with pytest.raises(DataError, match="boxes but no masks"):
        for_task(dataclasses.replace(data, has_masks=False), SEMANTIC)


def test_weights_follow_from_how_much_there_is_of_a_class():
    data = data_of([map_record(np.array([0] * 90 + [1] * 9 + [2] + [IGNORED] * 5, np.int16))], ("a", "b"))
    assert count_classes(data).tolist() == [90, 9, 1, 5]
    weights = frequency_weights([90, 9, 1])
    assert weights[0] < weights[1] < weights[2]
    assert sum(w * n for w, n in zip(weights, (90, 9, 1))) / 100 == pytest.approx(1, abs=1e-4)
    assert weights[2] / weights[0] == pytest.approx(np.log(1.92) / np.log(1.03), rel=1e-4)


def test_an_instance_keeps_its_map_when_objects_are_chosen():
    own = Instances(torch.zeros(2, 4), class_map=torch.ones(3, 3, dtype=torch.int16))
    assert own[torch.tensor([True, False])].class_map is own.class_map


def test_outside_of_the_labelled_part_of_a_file_nothing_is_known():
    record = record_of([block((10,), 3, 5)], [1], (10,), extent=np.array([2.0, 8.0]))
    assert paint(record).tolist() == [IGNORED] * 2 + [0, 1, 1, 0, 0, 0] + [IGNORED] * 2
