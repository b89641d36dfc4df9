"""An epoch is the same with and without worker processes, from its beginning or from its middle."""

import numpy as np
import pytest
import torch

from maskrcnn.config import PreprocessConfig
from maskrcnn.data.dataset import open_dataset
from maskrcnn.data.loading import epoch_loader
from maskrcnn.data.transforms import AugmentConfig, TrainTransform, sample_generator
from maskrcnn.errors import DataError

TRANSFORM = TrainTransform(AugmentConfig(size=(32, 32)), PreprocessConfig())


@pytest.fixture
def dataset(write_coco, save_image, tmp_path):
    images = [{"id": k, "file_name": f"{k}.png", "height": 40, "width": 60} for k in range(7)]
    for k in range(7):
        save_image(tmp_path / "images" / f"{k}.png", seed=k)
    square = [[10, 10, 30, 10, 30, 25, 10, 25]]
    annotations = [{"image_id": k, "bbox": [10, 10, 20, 15], "segmentation": square} for k in range(7)]
    return open_dataset(write_coco(annotations, images=images))


def load(dataset, **options):
    return list(epoch_loader(dataset, TRANSFORM, 2, **options))


def assert_same(batches, others):
    assert [[s.index for s in batch] for batch in batches] == [[s.index for s in batch] for batch in others]
    for sample, other in zip(sum(batches, []), sum(others, [])):
        assert torch.equal(sample.image, other.image)
        assert torch.equal(sample.target.boxes, other.target.boxes)
        assert sample.axis_map == other.axis_map


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(dataset, workers):
    assert_same(load(dataset, seed=5, epoch=3), load(dataset, seed=5, epoch=3, workers=workers))


def test_an_epoch_goes_on_where_it_was_broken_off(dataset):
    assert_same(load(dataset, epoch=1)[2:], load(dataset, epoch=1, start_batch=2))
    assert load(dataset, start_batch=4) == []


def test_every_image_comes_once_in_an_order_of_its_own(dataset):
    orders = [
        [s.index for s in sum(load(dataset, seed=seed, epoch=epoch), [])] for seed, epoch in ((0, 0), (0, 1), (1, 0))
    ]
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert [s.index for s in sum(load(dataset, shuffle=False), [])] == list(range(7))
    assert [len(batch) for batch in load(dataset)] == [2, 2, 2, 1]


def test_loading_leaves_the_training_its_own_random_numbers(dataset):
    state = torch.get_rng_state()
    load(dataset)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_image_is_named_and_left_out(dataset, tmp_path, workers):
    (tmp_path / "images" / "3.png").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"3\.png is empty"):
        batches = load(dataset, shuffle=False, workers=workers)
    assert [[s.index for s in batch] for batch in batches] == [[0, 1], [2], [4, 5], [6]]


def test_no_readable_image_is_an_error(dataset, tmp_path):
    for k in range(7):
        (tmp_path / "images" / f"{k}.png").write_text("text")
    with pytest.warns(UserWarning), pytest.raises(DataError, match="None of 7 images"):
        load(dataset)


def test_generators_differ_by_seed_epoch_and_index():
    keys = [(seed, epoch, index) for seed in range(3) for epoch in range(3) for index in range(3)]
    draws = [sample_generator(*key).random() for key in keys]
    draws += [np.random.default_rng([seed, epoch]).random() for seed in range(3) for epoch in range(3)]
    assert len(set(draws)) == len(draws)
