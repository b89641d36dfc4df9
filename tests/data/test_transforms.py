"""Samples: boxes, keypoints and masks lie on the image as they did in the file, whatever was drawn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskrcnn.config import PreprocessConfig
from maskrcnn.data.transforms.augment import vary_tone
from maskrcnn.data.transforms.crops import keep_visible
from maskrcnn.data.transforms.samples import (
    AugmentConfig,
    EvalTransform,
    TrainTransform,
    jitter_colour,
    normalise,
    prepare_image,
    sample_generator,
)
from maskrcnn.keypoint_names import mirror_keypoints
from maskrcnn.ops.boxes import volumes
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record

AS_IT_IS = PreprocessConfig(pixel_mean=(0.0,), pixel_std=(1.0,), min_size=40, max_size=400)
NO_COLOUR = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0}
SIDES = {1: (60,), 2: (40, 60), 3: (20, 24, 28)}
NDIMS = pytest.mark.parametrize("ndim", [1, 2, 3])


def scene(ndim, boxes=None):
    """An image that is 200 on its one object and 0 elsewhere, and its record."""
    shape = SIDES[ndim]
    mask = np.zeros(shape, bool)
    mask[tuple(slice(side // 4, side // 2 + 2) for side in shape)] = True
    regions = Regions.from_masks([mask], shape)
    boxes = regions.boxes()
    keypoints = np.concatenate([boxes.reshape(1, 2, ndim), np.full((1, 2, 1), 2)], -1).astype(np.float32)
    record = Record("scene", 7, "scene.png", shape, boxes, np.array([1]), regions, keypoints=keypoints)
    return torch.from_numpy(mask).float()[None] * 200, record


def no_objects(record):
    none = np.zeros((0, record.boxes.shape[1]), np.float32)
    return Record("scene", 7, "scene.png", record.spatial_shape, none, np.zeros(0, np.int64))


def dense_mask(sample, i):
    """The mask of object ``i`` on the sample's own grid, sample by sample."""
    regions = sample.target.regions
    source, back = regions.mask(i), regions.axis_map.inverse()
    shape = sample.image.shape[1:]
    grid = torch.meshgrid(*(torch.arange(side) + 0.5 for side in shape), indexing="ij")
    at = back.points(torch.stack(grid[::-1], -1).double()).floor().long().flip(-1)
    inside = ((at >= 0) & (at < torch.tensor(source.shape))).all(-1)
    at = at.clamp(min=0).minimum(torch.tensor(source.shape) - 1)
    return torch.from_numpy(source)[tuple(at.unbind(-1))] & inside


@NDIMS
def test_masks_boxes_and_image_agree_in_training_samples(ndim):
    image, record = scene(ndim)
    config = AugmentConfig(size=tuple(side - 4 for side in SIDES[ndim]), flip_axes=tuple(range(ndim)), **NO_COLOUR)
    transform = TrainTransform(config, AS_IT_IS)
    for draw in range(30):
        sample = transform(image, record, sample_generator(0, 0, draw))
        assert tuple(sample.image.shape[1:]) == config.size
        if len(sample.target) == 0:
            continue
        mask = dense_mask(sample, 0)
        bright = sample.image[0] > 100
        assert (mask != bright).float().mean() < 0.1  # they differ at the edges at most
        assert (sample.image[0][mask & bright] > 100).all()
        covered = mask.nonzero()
        low, high = sample.target.boxes[0].view(2, ndim).flip(-1)
        assert ((covered + 1 > low - 1e-3) & (covered < high + 1e-3)).all()
        assert ((covered.min(0).values - low).abs() <= 1).all()
        assert ((covered.max(0).values + 1 - high).abs() <= 1).all()


@NDIMS
def test_the_same_generator_gives_the_same_sample(ndim):
    image, record = scene(ndim)
    transform = TrainTransform(AugmentConfig(size=SIDES[ndim]), AS_IT_IS)
    first, again, other = (transform(image, record, sample_generator(0, epoch, 3)) for epoch in (1, 1, 2))
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.target.boxes, again.target.boxes)
    assert not torch.equal(first.image, other.image)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.tuples(st.integers(1, 90), st.integers(1, 90)))
def test_a_crop_shows_an_object(seed, shape):
    """Whatever the shapes, part of the object is in the sample, before the smallest are dropped."""
    boxes = np.array([[shape[1] * 0.7, shape[0] * 0.7, shape[1], shape[0]]], np.float32)
    record = Record("x", 1, "x", shape, boxes, np.array([1]))
    config = AugmentConfig(size=(32, 48), scale_range=(0.5, 3.0), min_visible=0.0, min_box_size=0.0, **NO_COLOUR)
    sample = TrainTransform(config, AS_IT_IS)(torch.zeros(1, *shape), record, np.random.default_rng(seed))
    assert len(sample.target) == 1
    assert tuple(sample.image.shape[1:]) == (32, 48)


@NDIMS
def test_an_image_without_objects_is_a_sample(ndim):
    image, record = scene(ndim)
    for transform in (TrainTransform(AugmentConfig(size=SIDES[ndim]), AS_IT_IS), EvalTransform(AS_IT_IS)):
        sample = transform(image, no_objects(record), sample_generator(0, 0, 0))
        assert len(sample.target) == 0
        assert sample.target.boxes.shape == (0, 2 * ndim)


def test_without_padding_a_sample_ends_where_its_image_ends():
    image, record = scene(2)
    config = AugmentConfig(size=(64, 64), scale_range=(0.5, 0.5), pad=False)
    assert tuple(TrainTransform(config, AS_IT_IS)(image, record, sample_generator(0, 0, 0)).image.shape) == (1, 21, 32)


def test_small_and_mostly_hidden_objects_are_dropped_but_crowds_stay():
    boxes = torch.tensor([[-95.0, 0, 5, 10], [-85, 0, 15, 10], [5, 5, 6, 20], [-95, 0, 5, 10], [-9, 0, -1, 5]])
    crowd = torch.tensor([False, False, False, True, True])
    config = AugmentConfig(min_visible=0.1, min_box_size=2)
    kept = keep_visible(Instances(boxes, torch.arange(5), crowd=crowd), (30, 40), config)
    assert kept.labels.tolist() == [1, 3]
    assert kept.boxes.tolist() == [[0, 0, 15, 10], [0, 0, 5, 10]]
    assert (volumes(kept.boxes) > 0).all()


def test_keypoints_move_with_the_image_and_change_sides_in_a_mirror():
    image, record = scene(2)
    names = ("left_eye", "right_eye")
    config = AugmentConfig(size=(40, 60), scale_range=(1.0, 1.0), **NO_COLOUR)
    transform = TrainTransform(config, AS_IT_IS, mirror_keypoints(names))
    seen = set()
    for draw in range(10):
        sample = transform(image, record, sample_generator(0, 0, draw))
        mirrored = sample.axis_map.scale[0] < 0
        seen.add(mirrored)
        expected = torch.from_numpy(record.keypoints[0])[[1, 0] if mirrored else [0, 1]].clone()
        expected[:, 0] = 60 - expected[:, 0] if mirrored else expected[:, 0]
        assert torch.equal(sample.target.keypoints[0], expected)
    assert seen == {True, False}


def test_keypoints_outside_the_sample_are_unlabelled():
    points = torch.tensor([[[5.0, 5, 2], [50, 5, 2], [5, -1, 1]]])
    target = Instances(torch.tensor([[0.0, 0, 9, 9]]), keypoints=points)
    assert keep_visible(target, (30, 40), AugmentConfig()).keypoints[0, :, 2].tolist() == [2, 0, 0]


def test_mirror_keypoints_goes_by_name():
    assert mirror_keypoints(("nose", "left_ear", "right_ear", "left_tail")) == (0, 2, 1, 3)


@NDIMS
def test_eval_keeps_every_label_and_the_way_back(ndim):
    image, record = scene(ndim)
    sample = EvalTransform(AS_IT_IS)(image, record)
    assert min(sample.image.shape[1:]) == 40
    assert sample.source_shape == SIDES[ndim]
    assert (sample.image_id, sample.file_name) == (7, "scene.png")
    torch.testing.assert_close(sample.axis_map.inverse().boxes(sample.target.boxes), torch.from_numpy(record.boxes))


def test_prepare_image_normalises_in_units_of_the_image():
    image = torch.full((3, 10, 20), 100, dtype=torch.uint8)
    prepared, axis_map = prepare_image(image, 20, 100, (100.0, 50.0, 0.0), (1.0, 50.0, 10.0))
    assert prepared.shape == (3, 20, 40)
    assert prepared.dtype == torch.float32
    assert prepared[:, 3, 3].tolist() == [0, 1, 10]
    assert axis_map.scale == (2.0, 2.0)


@NDIMS
def test_normalise_takes_any_number_of_dimensions(ndim):
    assert torch.equal(normalise(torch.full((2, *SIDES[ndim]), 6.0), (2, 4), (4, 2)), torch.ones(2, *SIDES[ndim]))


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_stay_in_range_and_may_stay_as_they_are(channels):
    image = torch.rand(channels, 8, 8) * 255
    generator = sample_generator(0, 0, 0)
    changed = jitter_colour(image, AugmentConfig(brightness=0.9, contrast=0.9, saturation=0.9), generator)
    assert changed.shape == image.shape
    assert not torch.equal(changed, image)
    assert ((changed >= 0) & (changed <= 255)).all()
    assert torch.equal(jitter_colour(image, AugmentConfig(**NO_COLOUR), generator), image)


@NDIMS
def test_tones(ndim):
    image = torch.rand(3, *SIDES[ndim]) * 255
    negative = vary_tone(image, AugmentConfig(invert=1.0), sample_generator(0, 0, 0))
    torch.testing.assert_close(negative, 255 - image)
    grey = vary_tone(image, AugmentConfig(grey=1.0), sample_generator(0, 0, 0))
    expected = 0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2]
    assert all(torch.allclose(channel, expected) for channel in grey)
    assert torch.equal(vary_tone(image[:1], AugmentConfig(grey=1.0), sample_generator(0, 0, 0)), image[:1])
    exponents = []
    for draw in range(40):
        changed = vary_tone(image, AugmentConfig(gamma=1.0), sample_generator(0, 0, draw))
        exponents.append(float((changed[0] / 255).log().mean() / (image[0] / 255).log().mean()))
        torch.testing.assert_close(changed, 255 * (image / 255) ** exponents[-1], rtol=1e-3, atol=0.1)
    assert 0.5 <= min(exponents) < 0.7 < 1.4 < max(exponents) <= 2


def test_tones_that_are_switched_off_draw_nothing():
    image, generator = torch.rand(3, 8, 8) * 255, sample_generator(0, 0, 0)
    before = generator.bit_generator.state
    assert vary_tone(image, AugmentConfig(), generator) is image
    assert generator.bit_generator.state == before
    shown = [torch.equal(vary_tone(image, AugmentConfig(invert=0.5, grey=0.5), generator), image) for _ in range(40)]
    assert 3 <= sum(shown) <= 20


def test_a_sample_says_what_it_shows_and_what_was_searched_for():
    image, record = scene(2)
    record.exhaustive = frozenset({1})
    sample = TrainTransform(AugmentConfig((64, 64), (0.5, 0.5)), AS_IT_IS)(image, record, sample_generator(0, 0, 0))
    assert (sample.shown, sample.exhaustive) == ((21, 32), {1})
    sample = EvalTransform(AS_IT_IS)(image, record)
    assert (sample.shown, sample.exhaustive) == (None, {1})
