"""An epoch is the same with and without worker processes, from its beginning or from its middle."""

import numpy as np
import pytest
import torch

from maskrcnn.config import PreprocessConfig
from maskrcnn.data.loading import Epoch, epoch_loader, repeated_order
from maskrcnn.data.repeat_rare import image_factors, repeat_factors
from maskrcnn.data.transforms.samples import AugmentConfig, TrainTransform, sample_generator
from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset

TRANSFORM = TrainTransform(AugmentConfig(size=(32, 32)), PreprocessConfig())


@pytest.fixture
def dataset(write_coco, save_image, tmp_path):
    images = [{"id": k, "file_name": f"{k}.png", "height": 40, "width": 60} for k in range(7)]
    for k in range(7):
        save_image(tmp_path / "images" / f"{k}.png", seed=k)
    square = [[10, 10, 30, 10, 30, 25, 10, 25]]
    annotations = [{"image_id": k, "bbox": [10, 10, 20, 15], "segmentation": square} for k in range(7)]
    return open_dataset(write_coco(annotations, images=images))


def load(dataset, workers=0, **epoch):
    return list(epoch_loader(dataset, TRANSFORM, 2, Epoch(**epoch), workers))


def assert_same(batches, others):
    assert [[s.index for s in batch] for batch in batches] == [[s.index for s in batch] for batch in others]
    for sample, other in zip(sum(batches, []), sum(others, [])):
        assert torch.equal(sample.image, other.image)
        assert torch.equal(sample.target.boxes, other.target.boxes)
        assert sample.axis_map == other.axis_map


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(dataset, workers):
    assert_same(load(dataset, seed=5, number=3), load(dataset, seed=5, number=3, workers=workers))


def test_an_epoch_goes_on_where_it_was_broken_off(dataset):
    assert_same(load(dataset, number=1)[2:], load(dataset, number=1, start_batch=2))
    assert load(dataset, start_batch=4) == []


def test_every_image_comes_once_in_an_order_of_its_own(dataset):
    orders = [
        [s.index for s in sum(load(dataset, seed=seed, number=epoch), [])] for seed, epoch in ((0, 0), (0, 1), (1, 0))
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


def test_images_of_rare_classes_come_as_often_as_their_factor_says():
    factors = np.array([1.0] * 9 + [3.0])
    epochs = [repeated_order(factors, 0, epoch) for epoch in range(400)]
    assert all(len(order) == 10 and len(set(order.tolist())) == 10 for order in epochs)  # no draw is made twice
    counts = np.bincount(np.concatenate(epochs) % 10, minlength=10) / 400
    np.testing.assert_allclose(counts, factors * 10 / 12, atol=0.1)
    assert all(abs((order % 10 == 9).sum() - 2.5) < 1 for order in epochs)


def test_an_image_that_comes_again_is_another_sample(dataset):
    factors = np.array([1.0] * (len(dataset) - 1) + [4.0])
    samples = sum(load(dataset, factors=factors, number=3), [])
    again = [sample for sample in samples if sample.index % len(dataset) == len(dataset) - 1]
    assert len(samples) == len(dataset) and len(again) > 1
    assert len({sample.index for sample in again}) == len(again)
    later = load(dataset, factors=factors, number=3, start_batch=2)
    assert [s.index for s in sum(later, [])] == [s.index for s in samples[4:]]


def test_factors_are_those_of_lvis():
    inside = np.zeros((100, 2), bool)
    inside[:50, 0] = inside[0, 1] = True  # classes in a half and a hundredth of the images
    factors = image_factors(inside, threshold=0.25)
    assert factors[0] == 5.0 and (factors[1:] == 1.0).all()  # sqrt(0.25 / 0.01)


def test_without_rare_classes_there_are_no_factors(dataset):
    assert repeat_factors(dataset, 0.0) is None
    assert repeat_factors(dataset, 1e-6) is None
