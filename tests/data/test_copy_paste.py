"""Copy-paste: image, masks and boxes are those of a picture that was put together sample by sample."""

import dataclasses

import numpy as np
import pytest
import torch

import naive
from cases import NDIMS
from maskrcnn.config import PreprocessConfig
from maskrcnn.data.loading import Epoch, epoch_loader
from maskrcnn.data.transforms.copy_paste import copy_paste, render_window
from maskrcnn.data.transforms.samples import AugmentConfig, Sample, TrainTransform, sample_generator
from maskrcnn.modalities.open import open_dataset
from maskrcnn.regions import AxisMap, Regions
from maskrcnn.structures import Instances, Record

AS_IT_IS = PreprocessConfig(pixel_mean=(0.0,), pixel_std=(1.0,))
SIDES = {1: (50,), 2: (22, 30), 3: (9, 10, 12)}
DONOR = 100  # labels of the donor's objects begin here
PLAIN = AugmentConfig(min_visible=0.2, min_box_size=0.0)


def varied_sample(ndim, seed, first_label):
    """A random picture of four objects, each of its own label, scaled, cropped, mirrored and padded at random."""
    rng = np.random.default_rng(seed)
    label_map = np.zeros(SIDES[ndim], dtype=np.int64)
    for number in range(1, 5):
        low = [rng.integers(0, side - 3) for side in label_map.shape]
        where = tuple(slice(a, a + rng.integers(3, max(4, side // 2))) for a, side in zip(low, label_map.shape))
        label_map[where] = np.where(rng.random(label_map[where].shape) < 0.9, number, label_map[where])
    regions = Regions.from_label_map(label_map)
    labels = first_label + np.arange(len(regions))
    record = Record("x", seed, "x", label_map.shape, regions.boxes(), labels, regions)
    image = torch.from_numpy(rng.integers(0, 256, (1, *label_map.shape))).float()
    size = tuple(side - 2 for side in SIDES[ndim])
    config = AugmentConfig(size, (0.6, 1.6), tuple(range(ndim)), min_box_size=0.0)
    return TrainTransform(config, AS_IT_IS)(image, record, rng)


def dense_masks(sample, spatial_shape):
    regions = sample.target.regions
    scale, shift = regions.axis_map.scale, regions.axis_map.shift
    return [naive.render_mask(regions.mask(i), scale, shift, spatial_shape) for i in range(len(regions))]


def crop(array, spatial_shape):
    return array[tuple(slice(0, side) for side in spatial_shape)]


def grow(array, spatial_shape):
    return np.pad(array, [(0, side - old) for side, old in zip(spatial_shape, array.shape)])


def covered_part(box, cover):
    touched = [
        index
        for index in np.ndindex(*cover.shape)
        if all(k + 1 > low and k < high for k, (low, high) in zip(index, reversed(naive.sides(box))))
    ]
    return sum(cover[index] for index in touched) / len(touched)


@NDIMS
@pytest.mark.parametrize("seed", range(12))
def test_a_pasted_sample_is_the_one_put_together_sample_by_sample(ndim, seed):
    sample, donor = varied_sample(ndim, seed, 1), varied_sample(ndim, seed + 1000, DONOR)
    pasted = copy_paste(sample, donor, PLAIN, np.random.default_rng(seed))
    if pasted is sample:
        pytest.skip("no object of the donor lies where the sample has room")
    size = sample.image.shape[1:]
    chosen = [int(label) - DONOR for label in pasted.target.labels if label >= DONOR]
    position = {int(label): k for k, label in enumerate(donor.target.labels)}
    chosen = [position[DONOR + number] for number in chosen]
    whole = [dense_masks(donor, donor.shown)[i] for i in chosen]
    on_top = [grow(crop(grow(mask, size), sample.shown), size) for mask in whole]
    below = [grow(mask, size) for mask in dense_masks(sample, sample.shown)]
    image, seen = naive.paste_objects(sample.image.numpy(), below, donor.image.numpy(), on_top)

    assert np.array_equal(pasted.image, image)
    kept = [k for k, mask in enumerate(seen) if mask.any() and mask.sum() >= PLAIN.min_visible * below[k].sum()]
    cover = np.any(on_top, axis=0)
    boxes = sample.target.boxes.tolist()
    kept = [k for k in range(len(seen)) if k in kept or not below[k].any() and covered_part(boxes[k], cover) <= 0.5]
    expected = [sample.target.labels[k] for k in kept] + [donor.target.labels[i] for i in chosen]
    assert pasted.target.labels.tolist() == [int(label) for label in expected]
    assert pasted.target.regions.axis_map is None
    for i, mask in enumerate([seen[k] for k in kept] + on_top):
        assert np.array_equal(grow(pasted.target.regions.mask(i), size), mask)
    for box, mask in zip(pasted.target.boxes[len(kept) :], on_top):
        assert box.tolist() == naive.tight_box(mask)
    for box, k in zip(pasted.target.boxes, kept):
        old = sample.target.boxes[k].tolist()
        if np.array_equal(seen[k], below[k]):
            assert box.tolist() == old
        else:
            before, after = naive.tight_box(below[k]), naive.tight_box(seen[k])
            assert box.tolist() == [o if a == b else a for o, b, a in zip(old, before, after)]


@NDIMS
def test_a_mask_is_drawn_as_its_samples_centres_say(ndim):
    rng = np.random.default_rng(ndim)
    for _ in range(20):
        mask = rng.random(SIDES[ndim]) < 0.3
        mask[tuple(slice(0, side // 3) for side in mask.shape)] = False
        axis_map = AxisMap(
            tuple(rng.uniform(0.4, 2, ndim) * rng.choice([-1, 1], ndim)), tuple(rng.uniform(0, 30, ndim))
        )
        regions = dataclasses.replace(Regions.from_masks([mask], mask.shape), axis_map=axis_map)
        shape = tuple(int(side) for side in rng.integers(5, 20, ndim))
        offset, window = render_window(regions, 0, shape)
        drawn = np.zeros(shape, dtype=bool)
        drawn[tuple(slice(a, a + n) for a, n in zip(offset, window.shape))] = window
        assert np.array_equal(drawn, naive.render_mask(mask, axis_map.scale, axis_map.shift, shape))


def boxes_sample(boxes, crowd=None, drawn=None, keypoints=None, value=0.0):
    """A picture of 20 x 30 whose objects fill their boxes; those not ``drawn`` have a box only."""
    shape, windows = (20, 30), []
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        full = np.ones((y2 - y1, x2 - x1), dtype=bool)
        windows.append(((y1, x1), full if drawn is None or drawn[i] else full[:0]))
    target = Instances(
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        labels=torch.arange(len(boxes)) + (DONOR if value else 1),
        regions=Regions.from_windows(shape, windows),
        keypoints=None if keypoints is None else torch.tensor(keypoints, dtype=torch.float32),
        crowd=torch.tensor(crowd if crowd else [False] * len(boxes)),
    )
    return Sample(torch.full((1, *shape), value), target, AxisMap.identity(2), shape)


def paste(sample, donor, seed=0, **changes):
    return copy_paste(sample, donor, dataclasses.replace(PLAIN, **changes), np.random.default_rng(seed))


def test_what_is_covered_shrinks_or_goes():
    donor = boxes_sample([(10, 0, 20, 20)], value=9.0)
    boxes = [(5, 5, 15, 9), (9, 2, 19, 6), (8, 8, 20, 12), (9, 9, 21, 10), (22, 3, 25, 6)]
    pasted = paste(boxes_sample(boxes), donor, min_box_size=2.0)
    assert pasted.target.labels.tolist() == [1, 5, DONOR]  # 1 and 2 in 10 are too little; 4 lost its middle, not enough
    assert pasted.target.boxes.tolist() == [[5, 5, 10, 9], [22, 3, 25, 6], [10, 0, 20, 20]]
    assert pasted.target.regions.areas().tolist() == [20, 9, 200]
    assert pasted.image.sum() == 9 * 200
    kept = paste(boxes_sample(boxes), donor, min_visible=0.1).target
    assert kept.labels.tolist() == [1, 2, 3, 4, 5, DONOR]
    assert kept.boxes[3].tolist() == [9, 9, 21, 10]  # seen on both sides


def test_an_object_without_a_mask_keeps_its_box_unless_mostly_covered():
    donor = boxes_sample([(10, 0, 20, 20)], value=9.0)
    sample = boxes_sample([(6, 0, 14, 9), (9, 0, 14, 9), (0, 0, 3, 3)], drawn=[False] * 3)
    for regions in (sample.target.regions, None):
        sample.target.regions = regions
        pasted = paste(sample, donor).target
        assert pasted.labels.tolist() == [1, 3, DONOR]
        assert pasted.boxes[:2].tolist() == [[6, 0, 14, 9], [0, 0, 3, 3]]
        assert pasted.regions.areas().tolist() == [0, 0, 200]


def test_crowds_and_boxes_are_never_pasted_and_crowds_stay_crowds():
    donor = boxes_sample([(0, 0, 9, 9), (10, 0, 20, 20), (0, 10, 9, 19)], [True, False, False], [1, 1, 0], value=9.0)
    sample = boxes_sample([(9, 0, 20, 20), (11, 0, 15, 5)], [True, True])
    for seed in range(10):
        pasted = paste(sample, donor, seed).target
        assert pasted.labels.tolist() == [1, DONOR + 1]
        assert pasted.crowd.tolist() == [True, False]
        assert pasted.regions.areas().tolist() == [20, 200]
    nothing = boxes_sample([(0, 0, 9, 9)], [True], value=9.0)
    assert paste(sample, nothing) is sample
    assert paste(sample, boxes_sample([], value=9.0)) is sample


def test_any_number_of_objects_is_pasted():
    donor = boxes_sample([(0, 0, 3, 3), (5, 0, 8, 3), (10, 0, 13, 3), (15, 0, 15, 3)], value=9.0)
    choices = {tuple(paste(boxes_sample([]), donor, seed).target.labels.tolist()) for seed in range(60)}
    assert choices == {(100,), (101,), (102,), (100, 101), (100, 102), (101, 102), (100, 101, 102)}


def test_objects_are_pasted_on_the_picture_and_not_on_its_padding():
    sample = dataclasses.replace(boxes_sample([]), shown=(20, 12))
    donor = boxes_sample([(5, 0, 15, 5), (20, 0, 25, 5), (11, 6, 21, 9)], value=9.0)
    seen = set()
    for seed in range(20):
        pasted = paste(sample, donor, seed)
        seen |= set(pasted.target.labels.tolist())
        assert pasted.image[..., 12:].sum() == 0
        assert (pasted.target.boxes[:, 2] <= 12).all()
    assert seen == {DONOR}  # a tenth of the third would be seen


def test_covered_keypoints_are_hidden_and_pasted_ones_come_along():
    donor = boxes_sample([(10, 0, 20, 20)], keypoints=[[[12.5, 3.5, 2], [18.5, 4.5, 1], [0, 0, 0]]], value=9.0)
    points = [[[5.5, 6.5, 2], [10.5, 6.5, 2], [12.5, 6.5, 0]]]
    pasted = paste(boxes_sample([(5, 5, 15, 9)], keypoints=points), donor).target.keypoints
    assert pasted[0].tolist() == [[5.5, 6.5, 2], [10.5, 6.5, 1], [12.5, 6.5, 0]]
    assert torch.equal(pasted[1], donor.target.keypoints[0])
    for sample, other in (
        (boxes_sample([(0, 0, 5, 5)]), donor),
        (boxes_sample([(0, 0, 5, 5)], keypoints=points), None),
    ):
        mixed = paste(sample, other or boxes_sample([(10, 0, 20, 20)], value=9.0)).target.keypoints
        assert mixed.shape == (2, 3, 3)
        assert (mixed[1 if other is None else 0] == 0).all()


def test_what_was_given_stays_as_it_was():
    sample, donor = varied_sample(2, 3, 1), varied_sample(2, 1003, DONOR)
    sample.exhaustive = frozenset({1})
    before = sample.image.clone(), sample.target.boxes.clone()
    pasted = copy_paste(sample, donor, PLAIN, np.random.default_rng(0))
    assert pasted is not sample
    assert torch.equal(sample.image, before[0])
    assert torch.equal(sample.target.boxes, before[1])
    assert pasted.exhaustive == {1}


COPYING = TrainTransform(AugmentConfig((32, 32), copy_paste=0.7), PreprocessConfig())


@pytest.fixture
def dataset(write_coco, save_image, tmp_path):
    images = [{"id": k, "file_name": f"{k}.png", "height": 40, "width": 60} for k in range(8)]
    for k in range(8):
        save_image(tmp_path / "images" / f"{k}.png", seed=k)
    corners = [(3 + 4 * k, 3, 18 + 4 * k, 30) for k in range(8)]
    squares = [[[a, b, c, b, c, d, a, d]] for a, b, c, d in corners]
    boxes = [[a, b, c - a, d - b] for a, b, c, d in corners]
    annotations = [{"image_id": k, "bbox": boxes[k], "segmentation": squares[k]} for k in range(8)]
    return open_dataset(write_coco(annotations, images=images))


def load(dataset, transform=COPYING, workers=0):
    return sum(epoch_loader(dataset, transform, 3, Epoch(seed=4), workers), [])


def test_workers_paste_the_same(dataset):
    alone, together = load(dataset), load(dataset, workers=2)
    assert any(len(sample.target) > 1 for sample in alone)
    for sample, other in zip(alone, together, strict=True):
        assert sample.index == other.index
        assert torch.equal(sample.image, other.image)
        assert torch.equal(sample.target.boxes, other.target.boxes)
        assert all(np.array_equal(a, b) for a, b in zip(sample.target.regions.runs, other.target.regions.runs))


def test_without_copy_paste_nothing_more_is_drawn(dataset):
    """The samples are those of the transform alone; with it, they are that or have objects on top."""
    plain = TrainTransform(dataclasses.replace(COPYING.augment, copy_paste=0.0), PreprocessConfig())
    mixed, changed = {sample.index: sample for sample in load(dataset)}, 0
    for sample in load(dataset, plain):
        record = dataset[sample.index]
        own = plain(dataset.read_image(record), record, sample_generator(4, 0, sample.index))
        assert torch.equal(sample.image, own.image)
        different = (mixed[sample.index].image != own.image).any(0)
        changed += bool(different.any())
        assert not different.any() or mixed[sample.index].target.regions.axis_map is None
    assert 2 <= changed < 8


def test_a_donor_that_cannot_be_read_gives_nothing(dataset, tmp_path):
    always = TrainTransform(dataclasses.replace(COPYING.augment, copy_paste=1.0), PreprocessConfig())
    for k in range(1, 8):
        (tmp_path / "images" / f"{k}.png").write_bytes(b"")
    with pytest.warns(UserWarning, match="is empty") as warned:
        (sample,) = load(dataset, always)
    assert len(warned) == 7
    assert sample.index == 0
    assert len(sample.target) == 1
